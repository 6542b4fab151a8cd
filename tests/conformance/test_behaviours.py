"""
The list of behaviours: every proof it names exists, and the document says what the list says.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.behaviours import ASKED, BEHAVIOURS, Behaviour
from tests.conformance.document import DOCUMENT, document
from tests.conformance.stories import LEFT_OUT, STORIES
from tests.conformance.test_cases import CASES

ROOT = Path(__file__).parents[2]
KNOWN = {case for story in STORIES for case in story.cases} | {case for _, case in CASES}


def test_there_are_as_many_as_were_recorded() -> None:
    """
    The recordings show forty-five behaviours, and each has its line.
    """
    assert 45 == len(BEHAVIOURS)


@pytest.mark.parametrize("behaviour", [*BEHAVIOURS, *ASKED], ids=lambda one: one.title[:50])
def test_every_proof_exists(behaviour: Behaviour) -> None:
    """
    A proof is a case that is run, or a test that is there; without any there is a reason.
    """
    missing = [proof for proof in behaviour.proofs if proof not in KNOWN and not _is_test(proof)]

    assert ([], True) == (missing, bool(behaviour.proofs or behaviour.gap))


def test_nothing_is_both_replayed_and_left_out() -> None:
    """
    A recording is in a story or in the list of those left out.
    """
    assert set() == KNOWN & set(LEFT_OUT)


def test_the_document_is_as_generated() -> None:
    """
    docs/emulator-conformance.md is what tests.conformance.document writes.
    """
    assert document() == DOCUMENT.read_text("utf-8")


def _is_test(proof: str) -> bool:
    path, _, name = proof.partition("::")
    return (ROOT / path).is_file() and bool(
        re.search(rf"^def {name}\b", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    )
