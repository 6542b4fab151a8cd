"""
A local Azure with the tenant of the controls, and a look at it through the product's own reader.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from azure.identity.aio import ManagedIdentityCredential

from apimend.arm.azure import ArmAzure
from apimend.model.desired import Attestation, Desired
from apimend.model.ids import InstanceId
from apimend.model.posture import Assessment
from apimend.model.runs import Progress
from apimend.ports import VisitContext
from apimend.settings import Settings
from demo.world import environment, identity_of
from devhost.clock import VirtualClock
from emulator import LocalAzure, Tenant
from remediators.posture import STATEMENTS, BaselineUnmet
from tests.posture.tenant import NOW, SERVICE, Edit, prepared, tenant

INSTANCE = InstanceId.of(SERVICE)
ATTESTED = tuple(
    Attestation(
        control=each.name,
        owner="ada",
        evidence="https://wiki.contoso.example",
        expires=NOW + timedelta(days=min(each.days, 60)),
    )
    for each in STATEMENTS
)
DESIRED = Desired(instance=INSTANCE, attestations=ATTESTED)


def context(**more: Any) -> VisitContext:
    """The context of a whole look."""
    given = {"now": NOW, "progress": Progress(instance=INSTANCE, heard=NOW), "walk": True}
    return VisitContext(**{**given, **more})


@dataclass(kw_only=True)
class Stand:
    """The local Azure and the product's way into it."""

    azure: LocalAzure
    arm: ArmAzure
    clock: VirtualClock
    calls: list[str] = field(default_factory=list)

    async def look(self, *edits: Edit, desired: Desired = DESIRED, **more: Any) -> Mapping[str, Assessment]:
        """What the controls come to with these edits, which are taken back afterwards."""
        store = self.azure.store
        before = {edit.id: store.get(edit.id) for edit in edits}
        for edit in edits:
            edit.make(store)
        # What Resource Graph said is kept for a minute.
        self.clock.jump(self.clock.now() + timedelta(seconds=61))
        mark = self.azure.log.mark()
        try:
            found = await self._judged(desired, context(**more))
        finally:
            for id, resource in before.items():
                if resource is None:
                    store.remove(id, at=NOW)
                else:
                    store.put(resource, at=NOW)
        self.calls = [f"{entry.method} {entry.path}" for entry in self.azure.log.since(mark) if entry.place == "arm"]
        return {each.control: each for each in found}

    async def _judged(self, desired: Desired, given: VisitContext) -> Sequence[Assessment]:
        rule = BaselineUnmet()
        estate = await rule.observe(self.arm.reader(INSTANCE), desired, given)
        return rule.plan(estate, desired, given).posture


@asynccontextmanager
async def standing(content: Tenant | None = None, *, prepare: bool = True) -> AsyncIterator[Stand]:
    """A stand on the tenant in which every control passes, or on another one."""
    clock = VirtualClock(NOW)
    async with LocalAzure(content or tenant(), now=clock.now) as azure:
        if prepare:
            thumbprint = azure.certificates["partner"].thumbprint
            for edit in prepared(thumbprint):
                edit.make(azure.store)
        settings = Settings.load(
            {**environment(azure, Path("/nowhere"), "report"), "APIMEND_GATEWAY_ADDRESS": "127.0.0.1:8443"}
        )
        with identity_of(azure):
            credential = ManagedIdentityCredential()
            arm = ArmAzure.open(cloud=settings.cloud, credential=credential, clock=clock)
            try:
                yield Stand(azure=azure, arm=arm, clock=clock)
            finally:
                await arm.close()
                await credential.close()


def until(moment: datetime) -> tuple[Attestation, ...]:
    """The attestations with another end."""
    return tuple(replace(each, expires=moment) for each in ATTESTED)
