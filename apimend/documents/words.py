"""
The names that a desired state may use of what is built in: rules, webhooks, controls, attestations.

Whoever loads a desired state makes them; the language itself knows none. What isn't known is not checked.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Words:
    """
    Names by what they are of; None where the caller doesn't know them. `waivable` and `attestable` are in lower case.
    """

    rules: Collection[str] | None = None
    webhooks: Collection[str] | None = None
    waivable: Collection[str] | None = None
    attestable: Collection[str] | None = None


ANY = Words()
