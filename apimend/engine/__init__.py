"""
The reconcile engine: one path for all doors.

`reconcile` is the main path: observe, diff, plan, guard, apply or report, record. It speaks to ports only and
knows neither Azure's libraries nor storage.
"""
