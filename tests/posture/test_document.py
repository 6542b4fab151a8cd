"""
What docs/controls.md says is what the controls say.
"""

from __future__ import annotations

import re

from apimend.documents import load
from script.controls_document import DOCUMENT, document


def test_the_page_is_as_generated() -> None:
    """
    docs/controls.md is that of the code; script/controls_document.py writes it anew.
    """
    assert document() == DOCUMENT.read_text("utf-8")


def test_its_example_loads() -> None:
    """
    The waiver and the attestation on the page have no fault.
    """
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)

    assert load(f"version: 1\n{example}", "controls.md") is not None
