"""The collection of difficult documents, and the public ones where they are at hand."""

import os
from pathlib import Path

import pytest

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.model.errors import PolicyNotUnderstood
from apimend.policy import Document, Guard, find_checks, same_policy, with_check, without_check

OWN = sorted((Path(__file__).parent / "documents").glob("*.xml"))
MATERIAL = os.environ.get("APIMEND_MATERIAL")
PUBLIC = sorted(Path(MATERIAL, "corpus", "policies").rglob("*.xml")) if MATERIAL else []

CHECK = ClientCertificateCheck(
    validate_trust=False,
    identities=(ClientIdentity(thumbprint="12" * 20), ClientIdentity(subject='CN=a & b, O="Contoso, Inc."')),
)
GUARD = Guard(except_operations=frozenset({("shop", "list")}), except_hosts=frozenset({"plain.example.com"}))

NO_POLICIES = {"test_apimtypes.py.3.xml", "Call_out_to_an_HTTP_endpoint_and_cache_the_response.policy.xml"}
"""A piece of Python that a collector took for a policy, and one whose strings are written `\"\"\"`."""


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def _names(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("is_global", [True, False], ids=["global", "inner"])
@pytest.mark.parametrize("path", OWN, ids=_names)
def test_a_difficult_document_survives_insertion_and_removal(path: Path, is_global: bool) -> None:
    """
    The check goes in and comes out again, and every byte is as it was.
    """
    text = _read(path)
    before = Document.parse(text)
    changed = Document.parse(with_check(before, CHECK, is_global=is_global, guard=GUARD))

    assert text == "".join(before.tokens)
    assert len(find_checks(changed)) == len(find_checks(before)) + 1
    assert text == without_check(changed, CHECK)


@pytest.mark.parametrize("path", OWN, ids=_names)
def test_a_difficult_document_is_the_same_policy_with_other_line_ends(path: Path) -> None:
    """
    Line ends outside comments and expressions mean nothing, and inside they are compared as LF.
    """
    text = _read(path).replace("\r\n", "\n").replace("\r", "\n")

    assert same_policy(Document.parse(text), Document.parse(text.replace("\n", "\r\n")))


@pytest.mark.skipif(not PUBLIC, reason="APIMEND_MATERIAL is not set: no public documents at hand")
@pytest.mark.parametrize("path", PUBLIC, ids=_names)
def test_a_public_document_survives_insertion_and_removal(path: Path) -> None:
    """
    What people publish is read without loss, and the check leaves no trace in it.
    """
    text = _read(path)
    if path.name in NO_POLICIES:
        with pytest.raises(PolicyNotUnderstood):
            Document.parse(text)
        return
    before = Document.parse(text)
    changed = Document.parse(with_check(before, CHECK, is_global=False))

    assert text == "".join(before.tokens)
    assert [CHECK] == [found.check for found in find_checks(changed)]
    assert text == without_check(changed, CHECK)
