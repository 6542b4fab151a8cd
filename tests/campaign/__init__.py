"""
The fault campaign: the whole app, twice, on one storage, while everything around it fails by seeded chance.

`stage` is the place (a lean local Azure that is put back after each schedule), `faulty` the storage that fails and the
processes that die, `watch` what must hold at every moment, `play` one schedule, `bugs` planted mistakes.
"""
