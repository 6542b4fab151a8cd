"""
What each tier of API Management can do: the one table that a new Azure fact changes.

Sources: https://learn.microsoft.com/azure/api-management/api-management-features and
https://learn.microsoft.com/azure/api-management/api-management-howto-mutual-certificates-for-clients.
The v2 tiers and a CA store: the documents contradict each other, field reports say no; taken as no.
"""

from dataclasses import dataclass
from enum import Enum


class Switch(Enum):
    """Where a tier keeps the switch that makes its gateway ask for a client certificate."""

    HOSTNAME = "hostnameConfigurations[].negotiateClientCertificate"
    SERVICE = "enableClientCertificate"


@dataclass(frozen=True, kw_only=True)
class Tier:
    """
    One tier. `known` is False for a SKU that this table has not heard of: then nothing is written.

    `refuses_without` tells that the switch itself turns away every caller without a certificate.
    """

    name: str
    switch: Switch
    refuses_without: bool = False
    ca_store: bool = False
    self_hosted: bool = False
    workspaces: bool = False
    downtime_on_update: bool = False
    policy_limit_kib: int = 256
    update_minutes: tuple[int, int] = (15, 45)
    known: bool = True

    @property
    def is_v2(self) -> bool:
        """One of the v2 tiers."""
        return self.name.endswith("V2")

    @property
    def is_classic(self) -> bool:
        """Developer, Basic, Standard, Premium."""
        return self.switch is Switch.HOSTNAME


_SHORT = (1, 15)
_TIERS = {
    tier.name.casefold(): tier
    for tier in (
        Tier(name="Developer", switch=Switch.HOSTNAME, ca_store=True, self_hosted=True, downtime_on_update=True),
        Tier(name="Basic", switch=Switch.HOSTNAME, ca_store=True),
        Tier(name="Standard", switch=Switch.HOSTNAME, ca_store=True),
        Tier(name="Premium", switch=Switch.HOSTNAME, ca_store=True, self_hosted=True, workspaces=True),
        Tier(name="Isolated", switch=Switch.HOSTNAME, ca_store=True),
        Tier(
            name="Consumption",
            switch=Switch.SERVICE,
            refuses_without=True,
            policy_limit_kib=16,
            update_minutes=_SHORT,
        ),
        Tier(name="BasicV2", switch=Switch.SERVICE, workspaces=True, update_minutes=_SHORT),
        Tier(name="StandardV2", switch=Switch.SERVICE, workspaces=True, update_minutes=_SHORT),
        Tier(name="PremiumV2", switch=Switch.SERVICE, workspaces=True, update_minutes=_SHORT),
    )
}


def tier(sku: str) -> Tier:
    """The tier of a SKU name in any case; one that is not `known` where the name is new to us."""
    return _TIERS.get(sku.casefold()) or Tier(name=sku, switch=Switch.SERVICE, known=False)
