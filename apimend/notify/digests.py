"""
Puts digests together: of what a flood held back, and of a day.

Called by `notices` only. What is told is taken from the ledger when the digest is delivered, so a message that comes
twice finds nothing new to tell.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from apimend.model.errors import Unreadable
from apimend.model.ids import InstanceId
from apimend.notify.memory import Memory
from apimend.ports import Clock, Ledger, Notifier
from apimend.posture.record import loaded, note_key
from apimend.posture.score import of_hundred, weighed
from apimend.report import digest
from apimend.report.digest import DigestView
from apimend.report.links import Links
from apimend.report.view import RunView

_DAY = timedelta(days=1)
_MOST_RUNS = 1_000


class Digests:
    """Makes and posts digests."""

    def __init__(self, *, ledger: Ledger, memory: Memory, notifier: Notifier, clock: Clock, links: Links) -> None:
        self._ledger = ledger
        self._memory = memory
        self._notifier = notifier
        self._clock = clock
        self._links = links

    async def held_back(self, route: str) -> None:
        """One card for all runs that wait on a route. They wait no more once it is posted."""
        waiting = {
            progress.instance: held
            for progress in await self._ledger.instances()
            if (held := await self._memory.held(route, progress.instance))
        }
        runs = [run for held in waiting.values() if (run := await self._ledger.run(held)) is not None]
        if not runs:
            return
        view = DigestView.of(
            "Many at once",
            [RunView.of(run, links=self._links) for run in runs],
            since=min(run.started for run in runs),
            until=self._clock.now(),
            page=self._links.runs(),
        )
        await self._notifier.card(route, digest.render(view))
        for instance, held in waiting.items():
            if await self._memory.held(route, instance) == held:
                await self._memory.hold(route, instance, "")

    async def daily(self, route: str) -> None:
        """One card about the last day and all instances."""
        now = self._clock.now()
        known = await self._ledger.instances()
        runs = [run for run in await self._ledger.runs(limit=_MOST_RUNS) if run.started > now - _DAY]
        views = [view for view in (RunView.of(run, links=self._links) for run in runs) if view.kind.is_news]
        coverage = [progress.coverage for progress in known if progress.coverage]
        judged = await self._judged([progress.instance for progress in known])
        view = DigestView.of(
            "Daily digest",
            views,
            since=now - _DAY,
            until=now,
            instances=len(known),
            covered=sum(covered for covered, _ in coverage),
            operations=sum(total for _, total in coverage),
            baseline=of_hundred(*map(sum, zip(*judged, strict=True))) if judged else None,
            judged=len(judged),
            page=self._links.runs(),
        )
        await self._notifier.card(route, digest.render(view))

    async def _judged(self, instances: Iterable[InstanceId]) -> list[tuple[int, int]]:
        """What is met and what counts on each instance that was judged; a note that can't be read is none."""
        found = []
        for instance in instances:
            with suppress(Unreadable):
                posture = loaded(instance, await self._ledger.noted(note_key(instance)))
                found += [weighed(posture.assessments)] if posture.assessments else []
        return found
