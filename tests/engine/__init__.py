"""The engine's promises to whoever operates it, asked of the whole app on virtual time."""
