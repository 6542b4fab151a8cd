"""
What differs between the tiers of API Management, as far as it is recorded or documented.

Plain facts by SKU name; an unknown SKU is treated as a classic one.
"""

from __future__ import annotations

V2 = frozenset({"basicv2", "standardv2", "premiumv2"})
CONSUMPTION = "consumption"
MANY_HOSTS = frozenset({"developer", "premium", "isolated"})
SELF_HOSTED = frozenset({"developer", "premium"})
KIB = 1024


def is_v2(sku: str) -> bool:
    return sku.casefold() in V2


def is_consumption(sku: str) -> bool:
    return sku.casefold() == CONSUMPTION


def is_classic(sku: str) -> bool:
    return not is_v2(sku) and not is_consumption(sku)


def keeps_client_certificate_switch(sku: str) -> bool:
    """
    Whether `enableClientCertificate` is stored; classic tiers drop it without a word.
    """
    return not is_classic(sku)


def policy_limit(sku: str) -> int:
    return (16 if is_consumption(sku) else 256) * KIB


def certificate_limit(sku: str) -> int | None:
    return 50 if is_consumption(sku) else None
