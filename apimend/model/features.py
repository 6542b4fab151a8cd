"""
What the tiers of API Management offer beside certificates: the table that a new Azure fact about a tier changes.

The controls of the posture ask it before they judge, so that a tier is never blamed for what it can't have.
Source: https://learn.microsoft.com/azure/api-management/api-management-features.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from apimend.model.tiers import Tier

DEVELOPER, BASIC, STANDARD, PREMIUM = "Developer", "Basic", "Standard", "Premium"
CONSUMPTION, BASIC_V2, STANDARD_V2, PREMIUM_V2 = "Consumption", "BasicV2", "StandardV2", "PremiumV2"
CLASSIC = frozenset({DEVELOPER, BASIC, STANDARD, PREMIUM, "Isolated"})
V2 = frozenset({BASIC_V2, STANDARD_V2, PREMIUM_V2})
SELF_MANAGED = frozenset({DEVELOPER, PREMIUM, "Isolated"})


@dataclass(frozen=True, kw_only=True)
class Feature:
    """Something that only some tiers have; `name` as people say it."""

    name: str
    tiers: frozenset[str]


FEATURES: Mapping[str, Feature] = {
    "injection": Feature(name="virtual network injection", tiers=SELF_MANAGED | {PREMIUM_V2}),
    "private_endpoint": Feature(name="an inbound private endpoint", tiers=(CLASSIC - {"Isolated"}) | V2 - {BASIC_V2}),
    "networks": Feature(name="virtual networks", tiers=SELF_MANAGED | {STANDARD_V2, PREMIUM_V2}),
    "zones": Feature(name="availability zones", tiers=frozenset({PREMIUM, "Isolated", STANDARD_V2, PREMIUM_V2})),
    "portal": Feature(name="the developer portal", tiers=CLASSIC | V2),
    "entra_portal": Feature(name="Microsoft Entra ID for the portal", tiers=(CLASSIC | V2) - {BASIC}),
    "self_hosted": Feature(name="self-hosted gateways", tiers=SELF_MANAGED),
    "ciphers": Feature(name="a choice of ciphers", tiers=CLASSIC),
    "backup": Feature(name="backup and restore", tiers=CLASSIC),
    "resource_logs": Feature(name="resource logs", tiers=CLASSIC | V2),
    "side_management": Feature(name="the direct management API and Git", tiers=CLASSIC),
    "defender": Feature(name="Defender for APIs", tiers=CLASSIC),
    "ddos": Feature(name="DDoS protection of its own addresses", tiers=SELF_MANAGED),
}


def lacks(tier: Tier, feature: str) -> str:
    """Why a tier does not have a feature; an empty text where it has it."""
    found = FEATURES[feature]
    return "" if tier.name in found.tiers else f"The tier {tier.name} does not have {found.name}."
