"""
`python -m demo`: tells the story, as `make demo` does.
"""

import argparse
import asyncio
import logging
import sys

from rich.console import Console

from demo.story import tell


def main() -> int:
    """The exit code: 0 only if all that was told came true."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Tells the story of the main job.")
    parser.add_argument("--storage", choices=["sqlite", "azurite"], default="sqlite", help="where the app remembers")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    return asyncio.run(tell(Console(width=118, soft_wrap=True), storage=given.storage))


if __name__ == "__main__":
    sys.exit(main())
