"""
What an inventory is made of: certificates, what uses them, and what does not fit together. Values only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from apimend.model.azure import Service
from apimend.model.ids import ResourceId
from apimend.model.plan import Severity


class Held(Enum):
    """What a certificate is to the instance."""

    HOSTNAME = "hostname"
    CA = "CA certificate"
    ATTACHED = "client certificate"
    CLIENT = "declared client"


class Source(Enum):
    """Where a certificate comes from, and so who renews it."""

    VAULT = "Key Vault"
    UPLOADED = "uploaded"
    MANAGED = "managed by Azure"
    DECLARED = "declared"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """
    A Key Vault certificate: its latest version, or why it can't be told.

    `gone`: it is not there; `steps` have it back where it was deleted and is kept.
    """

    vault: str
    name: str
    version: str = ""
    thumbprint: str = ""
    expires: datetime | None = None
    trouble: str = ""
    gone: bool = False
    steps: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """`vault/name`."""
        return f"{self.vault}/{self.name}"


@dataclass(frozen=True, kw_only=True, order=True)
class Use:
    """What uses a certificate: its kind (`backend`, `policy`, `host` …), its name, and how."""

    kind: str
    name: str
    how: str = ""

    @property
    def label(self) -> str:
        """In words."""
        return f"{self.kind} {self.name}" + (f" ({self.how})" if self.how else "")


@dataclass(frozen=True, kw_only=True)
class Item:
    """
    One certificate. `target` is the resource that holds it; `stored` the vault object that it comes from.

    The name of one in a workspace begins with that of the workspace. `status` is Azure's word on the last fetch, where
    there is one that isn't Success.
    """

    held: Held
    name: str
    target: ResourceId
    subject: str
    thumbprint: str
    expires: datetime | None
    source: Source
    stored: Stored | None = None
    status: str = ""
    uses: tuple[Use, ...] = ()

    def ends_within(self, now: datetime, days: int) -> bool:
        """Whether it ends within so many days, or has ended."""
        return self.expires is not None and self.expires <= now + timedelta(days=days)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """
    Something that does not fit together: an orphan, or a mention of what is not there.

    `target` is the resource where it shows; `steps` mend it.
    """

    code: str
    about: str
    message: str
    severity: Severity
    target: ResourceId
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """All certificates of an instance at a moment. `complete`: policies were read too, so orphans can be told."""

    service: Service
    taken: datetime
    items: tuple[Item, ...] = ()
    problems: tuple[Problem, ...] = ()
    complete: bool = True
