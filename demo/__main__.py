"""
`python -m demo`: tells the story, as `make demo` does.
"""

import asyncio
import logging
import sys

from rich.console import Console

from demo.story import tell


def main() -> int:
    """The exit code: 0 only if all that was told came true."""
    logging.disable(logging.WARNING)
    return asyncio.run(tell(Console(width=118, soft_wrap=True)))


if __name__ == "__main__":
    sys.exit(main())
