"""
A check in policy text: written from, and read into, a ClientCertificateCheck. Conditions are left to condition.py.

Called by change.py, placement and coverage. It must not decide whether a check is good (coverage does), and what it
does not understand of an element it names, so that nobody takes the rest for the whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from apimend.model.check import ClientCertificateCheck, ClientIdentity, Form
from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.condition import normal_condition_check
from apimend.policy.document import Document, Element
from apimend.policy.escape import escape_attribute
from apimend.policy.layout import Lines

NAME = "validate-client-certificate"

SWITCHES = {
    "validate-revocation": "validate_revocation",
    "validate-trust": "validate_trust",
    "validate-not-before": "validate_not_before",
    "validate-not-after": "validate_not_after",
    "ignore-error": "ignore_error",
}
"""The attributes of the policy and the fields that they are."""

CLAIMS = {field.name.replace("_", "-"): field.name for field in fields(ClientIdentity)}
"""The attributes of an identity and the fields that they are."""

DEFAULTS = ClientCertificateCheck()
_BOOLEANS = {"true": True, "false": False}
_SEPARATORS = re.compile("[\\s:\u200e\u200f\u00a0-]")


@dataclass(frozen=True, slots=True)
class CheckRead:
    """
    A check as an element says it, and what of the element is not understood.

    Where `not_understood` is not empty, `check` holds the rest only: it must not be taken for the whole.
    """

    check: ClientCertificateCheck
    not_understood: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def check_lines(check: ClientCertificateCheck) -> Lines:
    """The element as lines. Raises ValueError where a value can't be written as a literal."""
    switches = " ".join(f'{name}="{switch(check, name)}"' for name in SWITCHES)
    if not check.identities:
        return ((0, f"<{NAME} {switches} />"),)
    identities = ((2, identity_tag(identity)) for identity in check.identities)
    return (
        (0, f"<{NAME} {switches}>"),
        (1, "<identities>"),
        *identities,
        (1, "</identities>"),
        (0, f"</{NAME}>"),
    )


def switch(check: ClientCertificateCheck, name: str) -> str:
    """A switch of a check as Azure spells it."""
    return "true" if getattr(check, SWITCHES[name]) else "false"


@lru_cache(maxsize=1024)
def identity_tag(identity: ClientIdentity) -> str:
    """One identity. Thumbprints and serial numbers go out without separators, in upper case."""
    claims = (f'{name}="{escape_attribute(value)}"' for name, value in normal_identity(identity).claims)
    return f"<identity {' '.join(claims)} />"


def read_check(element: Element) -> CheckRead:
    """What a `validate-client-certificate` element says. The same text says the same, wherever it stands."""
    try:
        return _read_text(element.text)
    except PolicyNotUnderstood:
        return _read(element)


@lru_cache(maxsize=1024)
def _read_text(text: str) -> CheckRead:
    return _read(Document.parse(f"<fragment>{text}</fragment>").root.children[0])


def _read(element: Element) -> CheckRead:
    troubles: list[str] = []
    values: dict[str, Any] = {field: value for field, value in _switches(element, troubles) if value is not None}
    identities = tuple(_identities(element, troubles))
    if element.own_text.strip():
        troubles.append(f"text in `{NAME}`")
    return CheckRead(ClientCertificateCheck(**values, identities=identities), tuple(troubles))


def read_identity(element: Element) -> tuple[ClientIdentity, tuple[str, ...]]:
    """What an `identity` element says, and what of it is not understood."""
    troubles: list[str] = []
    claims: dict[str, str] = {}
    for name, attribute in element.attributes.items():
        if name not in CLAIMS:
            troubles.append(f"attribute `{name}` of an identity")
        elif not attribute.is_literal:
            troubles.append(f"`{name}` of an identity, which is no literal")
        elif not attribute.value.strip():
            troubles.append(f"`{name}` of an identity, which is empty")
        else:
            claims[CLAIMS[name]] = attribute.value
    if element.name != "identity" or element.children or element.own_text.strip():
        troubles.append(f"`{element.name}` among the identities")
    elif not claims and not troubles:
        troubles.append("an identity without a claim")
    return normal_identity(ClientIdentity(**claims)), tuple(troubles)


def same_check(one: ClientCertificateCheck, other: ClientCertificateCheck) -> bool:
    """Whether two checks mean the same: order, repetition and the spelling of thumbprints make no difference."""
    return normal_check(one) == normal_check(other)


@lru_cache(maxsize=256)
def normal_check(check: ClientCertificateCheck) -> ClientCertificateCheck:
    """The same check in one form of several that mean the same."""
    check = check if check.form is Form.ELEMENT else normal_condition_check(check)
    identities = {normal_identity(identity) for identity in check.identities}
    return replace(check, identities=tuple(sorted(identities, key=lambda identity: identity.claims)))


@lru_cache(maxsize=1024)
def normal_identity(identity: ClientIdentity) -> ClientIdentity:
    """The same identity with thumbprints and serial number in upper case, without separators."""
    return replace(
        identity,
        thumbprint=_plain(identity.thumbprint),
        serial_number=_plain(identity.serial_number),
        issuer_thumbprint=_plain(identity.issuer_thumbprint),
    )


def plain_thumbprint(thumbprint: str) -> str:
    """A thumbprint without separators, in upper case."""
    return _SEPARATORS.sub("", thumbprint).upper()


def _plain(value: str | None) -> str | None:
    return None if value is None else plain_thumbprint(value)


def _switches(element: Element, troubles: list[str]) -> Iterator[tuple[str, bool | None]]:
    for name, attribute in element.attributes.items():
        if name not in SWITCHES:
            troubles.append(f"attribute `{name}`")
            continue
        value = _BOOLEANS.get(attribute.value.strip().lower())
        if value is None:
            troubles.append(f'`{name}="{attribute.raw}"`')
        yield SWITCHES[name], value


def _identities(element: Element, troubles: list[str]) -> Iterator[ClientIdentity]:
    groups = element.children
    if len(groups) > 1:
        troubles.append(f"more than one element in `{NAME}`")
    for group in groups:
        if group.name != "identities" or group.attributes or group.own_text.strip() or not group.children:
            troubles.append(f"`{group.name}` in `{NAME}`" + ("" if group.children else ", which is empty"))
        for child in group.children:
            identity, unclear = read_identity(child)
            troubles.extend(unclear)
            yield identity
