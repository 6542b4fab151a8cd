"""
Writes docs/openapi.json from the route table: python -m script.openapi
"""

from pathlib import Path

from apimend.web.openapi import written
from apimend.web.routes import ROUTES

FILE = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"


def main() -> None:
    """Write it."""
    FILE.write_text(written(ROUTES), encoding="utf-8")


if __name__ == "__main__":
    main()
