"""
The sweep: what events did not tell. Every instance that we can see is rung, spread over time; overdue bells too.

The timer calls it, and the command line. It visits nothing itself.
"""

from dataclasses import dataclass

import structlog

from apimend.model.ids import InstanceId
from apimend.model.runs import Cause, Trigger
from apimend.ports import Azure, Bells, Clock, Ledger

_log = structlog.get_logger(__name__)
SWEPT_NOTE = "swept"
"""The ledger's note of when the last sweep ended, in ISO form."""

SPREAD = 2.0
"""Seconds between two instances: some 30 a minute, far below Resource Manager's limits."""


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What a sweep found: instances rung, those that were new to us, those no longer seen, overdue bells."""

    rung: tuple[InstanceId, ...]
    new: tuple[InstanceId, ...]
    vanished: tuple[InstanceId, ...]
    overdue: tuple[InstanceId, ...]


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Rings for all instances in the declared subscriptions (all readable ones where none is named)."""

    azure: Azure
    bells: Bells
    ledger: Ledger
    clock: Clock
    subscriptions: frozenset[str] = frozenset()

    async def sweep(self) -> Swept:
        """One sweep. Raises TryLater or Denied where Resource Graph does not answer."""
        overdue = await self.bells.overdue()
        for instance in overdue:
            await self.bells.ring(self._trigger(instance))
        seen = await self.azure.instances(self.subscriptions)
        known = {progress.instance for progress in await self.ledger.instances()}
        vanished = tuple(sorted(known - set(seen)))
        for position, instance in enumerate((*seen, *vanished)):
            await self.bells.ring(self._trigger(instance), after=position * SPREAD)
        await self.ledger.note(SWEPT_NOTE, self.clock.now().isoformat())
        _log.info("sweep.ended", seen=len(seen), vanished=len(vanished), overdue=len(overdue))
        return Swept(rung=seen, new=tuple(i for i in seen if i not in known), vanished=vanished, overdue=overdue)

    def _trigger(self, instance: InstanceId) -> Trigger:
        return Trigger(cause=Cause.SWEEP, instance=instance, at=self.clock.now(), urgent=False)
