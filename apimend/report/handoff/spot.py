"""
One piece of evidence against a control, as the tables of hand-offs see it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apimend.mends import Mend, PolicyMend, Var
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.posture import Evidence

Make = Callable[["Spot"], "Mend | PolicyMend | None"]


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A place that is not as it should be: the instance, the resource, and what was found there."""

    instance: InstanceId
    subject: ResourceId
    evidence: Evidence

    @property
    def place(self) -> str:
        """The pointer below `properties`: `tls/validateCertificateChain`."""
        return self.evidence.pointer.removeprefix("/properties/")

    @property
    def last(self) -> str:
        """The last part of the pointer."""
        return self.evidence.pointer.rpartition("/")[2]

    def is_in(self, segment: str) -> bool:
        """Whether the resource is one of these of the instance: `backends`."""
        parts = self.subject.below_instance.split("/")
        return len(parts) == 2 and parts[0].casefold() == segment.casefold()

    @property
    def is_instance(self) -> bool:
        """Whether it is the instance itself."""
        return self.subject == self.instance

    def beside(self, path: str) -> ResourceId:
        """Something in the resource group of the instance."""
        return ResourceId.of(f"{self.instance.text.partition('/providers/')[0]}/providers/{path}")

    def upon(self, path: str) -> ResourceId:
        """Something that extends the instance: a lock, a diagnostic setting."""
        return ResourceId.of(f"{self.instance.text}/providers/{path}")

    def in_subscription(self, path: str) -> ResourceId:
        """Something of the subscription of the instance."""
        return ResourceId.of(f"/subscriptions/{self.instance.subscription}/providers/{path}")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How the faults of one control are mended, and why not where `make` makes nothing."""

    make: Make
    otherwise: str = "The other faults of this control need a person to decide."


Table = Mapping[str, Entry | str]
SECRET = Var("secret_id")
"""A secret of Key Vault, without a version."""
