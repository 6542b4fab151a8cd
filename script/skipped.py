"""
Fails when a test was skipped for a reason that CI does not accept.

A skip is quiet, and a whole area can go untested for want of a tool. .ci/run calls this with pytest's JUnit file.
The one accepted reason is the test material, which is optional, and only while APIMEND_MATERIAL is unset.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.etree import ElementTree


def skipped(results: Path) -> list[str]:
    cases = ElementTree.parse(results).iter("testcase")
    return [
        f"{case.get('classname')}::{case.get('name')}: {skip.get('message')}"
        for case in cases
        for skip in case.iter("skipped")
        if skip.get("type") != "pytest.xfail"
    ]


def refused(skips: list[str], *, material: bool) -> list[str]:
    return [skip for skip in skips if material or "material" not in skip.rpartition("::")[2].lower()]


def main() -> int:
    faults = refused(skipped(Path(sys.argv[1])), material=bool(os.environ.get("APIMEND_MATERIAL")))
    for fault in faults:
        print(f"skipped: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
