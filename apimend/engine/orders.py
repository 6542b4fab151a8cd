"""
What people ask of a visit: written into the ledger as an Order, and the bell rung.

The HTTP API, the pages and the command line call it; the visit that follows carries the order out, under the
same guards as any other visit.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from apimend.model.desired import Mode
from apimend.model.errors import BadInput, Fault
from apimend.model.ids import InstanceId
from apimend.model.runs import Cause, Order, OrderKind, Trigger
from apimend.ports import Azure, Bells, Clock, DesiredSource, Ledger


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The desk where orders are placed. `ceiling` is the setting that no request can pass."""

    azure: Azure
    desired: DesiredSource
    bells: Bells
    ledger: Ledger
    clock: Clock
    ceiling: Mode
    subscriptions: frozenset[str] = frozenset()

    async def check(self, instances: Sequence[InstanceId], mode: Mode | None = None) -> None:
        """
        Whether these may be ordered: each is declared and exists, and the mode is not above what is declared.

        Raises BadInput with every fault, Gone for an instance that isn't there.
        """
        faults = [fault for instance in instances for fault in await self._faults(instance, mode)]
        if faults:
            raise BadInput(faults)

    async def place(
        self,
        kind: OrderKind,
        instance: InstanceId,
        *,
        by: str,
        mode: Mode | None = None,
        run: str = "",
        changes: frozenset[str] = frozenset(),
        reason: str = "",
        lasts: timedelta | None = None,
    ) -> Order:
        """Write the order down and ring the bell. Call `check` first."""
        now = self.clock.now()
        order = Order(
            id=str(uuid.uuid4()),
            kind=kind,
            instance=instance,
            by=by,
            at=now,
            expires=now + lasts if lasts else None,
            mode=mode,
            run=run,
            changes=changes,
            reason=reason,
        )
        await self.ledger.add_order(order)
        cause = Cause.REPLAY if kind is OrderKind.REPLAY else Cause.ORDER
        await self.bells.ring(Trigger(cause=cause, instance=instance, at=now, by=by))
        return order

    async def _faults(self, instance: InstanceId, mode: Mode | None) -> list[Fault]:
        if not instance.lies_in(self.subscriptions) or not await self.desired.allows(instance):
            mend = "Only declared subscriptions are looked after."
            return [Fault(what=f"{instance} lies outside of what is declared.", where="instance", mend=mend)]
        found = await self.desired.resolve(await self.azure.reader(instance).service())
        allowed = min(self.ceiling, found.mode if found else Mode.REPORT)
        if mode is None or mode <= allowed:
            return []
        what = f"{mode.word} is above what is allowed for {instance.name}: {allowed.word}."
        return [Fault(what=what, where="mode", mend="A request can lower the mode, never raise it.")]
