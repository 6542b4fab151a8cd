"""
Who may read what lies in a vault, as far as Azure Resource Manager shows it: vaults, those that were deleted, grants,
subnets.

The ARM adapter makes these; `vault_access_missing` judges by them. Access through groups, just-in-time assignments
and deny assignments can't be seen here, so nothing may be concluded from a grant that isn't there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from apimend.model.ids import ResourceId

READ_SECRET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
"""The data action with which API Management fetches a certificate."""

CERTIFICATE_USER = "Key Vault Certificate User"
"""The role that Azure documents for it."""


@dataclass(frozen=True, kw_only=True)
class VaultPolicy:
    """One access policy: what a principal may do with secrets, in lower case."""

    principal: str
    secrets: frozenset[str]

    @property
    def reads(self) -> bool:
        """Whether it suffices for API Management: get and list."""
        return "all" in self.secrets or {"get", "list"} <= self.secrets


@dataclass(frozen=True, kw_only=True)
class Vault:
    """
    A vault as a resource. `rbac`: roles count and policies don't.

    `shut`: its firewall lets in only what is named; `lets_azure_in`: trusted services of Azure pass all the same.
    """

    id: ResourceId
    name: str
    rbac: bool
    policies: tuple[VaultPolicy, ...] = ()
    shut: bool = False
    lets_azure_in: bool = True
    subnets: tuple[ResourceId, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """
    A vault, or where it has a `name` a certificate in one, that was deleted and is kept for a while.

    `purgeable`: nothing keeps it from being given up before `until`.
    """

    vault: str
    name: str = ""
    location: str = ""
    deleted: datetime | None = None
    until: datetime | None = None
    purgeable: bool = True

    def __str__(self) -> str:
        what = f"The Key Vault certificate {self.vault}/{self.name}" if self.name else f"The vault {self.vault}"
        when = f" on {self.deleted:%Y-%m-%d}" if self.deleted else ""
        until = f" until {self.until:%Y-%m-%d}" if self.until else ""
        return f"{what} was deleted{when} and can be had back{until}."

    @property
    def steps(self) -> tuple[str, ...]:
        """The commands: to have it back, and to give its name free."""
        if self.name:
            command, at = "az keyvault certificate", f"--vault-name {self.vault} --name {self.name}"
        else:
            command, at = "az keyvault", f"--name {self.vault} --location {self.location}"
        purge = f"{command} purge {at}   # instead, if it is to be lost for good and its name free for another"
        return (f"{command} recover {at}", *((purge,) if self.purgeable else ()))


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A role that a principal was assigned, with what the role allows in data planes."""

    role: ResourceId
    scope: ResourceId
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        """Whether the role allows a data action."""
        return _fits(action, self.data_actions) and not _fits(action, self.not_data_actions)


@dataclass(frozen=True, kw_only=True)
class SecurityRule:
    """One outbound rule of a network security group. `destinations` and `ports` are as written."""

    name: str
    priority: int
    allows: bool
    destinations: frozenset[str]
    ports: frozenset[str]

    def meets(self, tag: str, port: int) -> bool:
        """Whether it decides about traffic to a service tag. A range of addresses is not known to hold it."""
        named = {destination.casefold() for destination in self.destinations}
        return bool(named & {tag.casefold(), "*", "internet", "azurecloud"}) and any(
            _holds(text, port) for text in self.ports
        )


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """The subnet that an instance lives in."""

    id: ResourceId
    service_endpoints: frozenset[str] = frozenset()
    security_group: ResourceId | None = None
    outbound: tuple[SecurityRule, ...] = ()

    def denies(self, tag: str, port: int = 443) -> SecurityRule | None:
        """The rule that stops traffic to a service tag; None where the first that decides lets it pass."""
        rules = sorted(self.outbound, key=lambda rule: rule.priority)
        first = next((rule for rule in rules if rule.meets(tag, port)), None)
        return None if first is None or first.allows else first


def _fits(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(action.casefold(), pattern.casefold()) for pattern in patterns)


def _holds(text: str, port: int) -> bool:
    """Whether `443`, `80-90` or `*` holds a port."""
    first, _, last = text.partition("-")
    if text == "*":
        return True
    return first.isdigit() and int(first) <= port <= int(last if last.isdigit() else first)
