"""
Runs function_app.py on this machine, without Azure Functions Core Tools.

It reads the app through the public API of azure-functions and does what the host's HTTP, Event Grid, queue and timer
extensions do: routes and keys, the webhook with its handshakes, dequeue counts and poison queues, schedules. Tests
and `make demo` drive it on a virtual clock, `make serve` and `python -m devhost` in real time.

It must not know Apimend: it sees the app's functions and a queue source, nothing of what they mean.
"""
