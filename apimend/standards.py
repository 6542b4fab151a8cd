"""
What coverage of one instance is measured against: whom operators declared, what is waived, which header counts.

The rule that places checks and `apimend coverage` take it from here, so that both prove the same. It must not judge.
"""

from collections.abc import Iterable

from apimend.arrival import Arrival, believed_headers
from apimend.clients import Client, pins
from apimend.model.azure import Certificate
from apimend.model.desired import DeclaredCheck, DeclaredClient, Desired, Waiver
from apimend.model.errors import PolicyNotUnderstood
from apimend.policy import Document, Standards, find_checks, scope_of
from apimend.policy.topology import ReadDocument

CONTROL = "client_certificate_unchecked"
"""The rule whose waivers exempt operations from the check."""


def standards(
    desired: Desired,
    *,
    clients: Iterable[Client],
    pinned: frozenset[str],
    certificates: Iterable[Certificate],
    arrival: Arrival,
    waived: frozenset[str] | None = None,
) -> Standards:
    """The standards of an instance. `waived` are scopes; without it those of every declared waiver."""
    identities = frozenset(identity for check in declared_checks(desired) for identity in check.identities)
    return Standards(
        thumbprints=frozenset(pins(clients, pinned)) if desired.clients else None,
        identities=identities or None,
        attached=frozenset(entity.thumbprint for entity in certificates),
        waivers=waived_scopes(desired.waivers) if waived is None else waived,
        headers=believed_headers(desired, arrival),
    )


def waived_scopes(waivers: Iterable[Waiver]) -> frozenset[str]:
    """The scopes that these waivers spare the check."""
    return frozenset(scope_of(waiver.scope) for waiver in waivers if CONTROL in waiver.controls)


def declared_clients(desired: Desired) -> tuple[DeclaredClient, ...]:
    """Every client that the instance or one of its scopes lets in, each once."""
    named = {client.name: client for scope in desired.scopes for client in scope.clients}
    return tuple({**named, **{client.name: client for client in desired.clients}}.values())


def declared_checks(desired: Desired) -> tuple[DeclaredCheck, ...]:
    """The check of the instance and those of its scopes."""
    return tuple(check for check in (desired.check, *(scope.check for scope in desired.scopes)) if check)


def pinned_in(document: ReadDocument | None) -> frozenset[str]:
    """The thumbprints that the live global check accepts: the memory of older versions."""
    try:
        found = find_checks(document) if isinstance(document, Document) else ()
    except PolicyNotUnderstood:
        found = ()
    return frozenset(each.thumbprint.upper() for one in found for each in one.check.identities if each.thumbprint)
