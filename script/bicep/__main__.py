"""
`python -m script.bicep [folder]`: prints what is wrong, and ends with 1 if anything is.
"""

import sys
from pathlib import Path

from script.bicep.check import check

INFRA = Path(__file__).resolve().parents[2] / "infra"


def main() -> int:
    """Check the folder."""
    faults = check(Path(sys.argv[1]) if len(sys.argv) > 1 else INFRA)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
