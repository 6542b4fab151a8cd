"""The main job through the real doors: Event Grid, queue, HTTP, and the gateway's TLS."""
