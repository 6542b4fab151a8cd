"""The command line: in process through typer's runner, and as a process of its own."""
