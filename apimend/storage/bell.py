"""
One bell as data, and what ringing and finishing do to it: pure, so that it can be tested without a store.

Called by `apimend.storage.bells` alone, which stores what comes out. Nothing here reads a clock.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apimend.model.ids import InstanceId
from apimend.model.runs import Cause, Trigger
from apimend.ports import Visit
from apimend.storage.names import LONGEST_DELAY

GRACE = timedelta(minutes=15)
"""A function has ten minutes and a retry waits one: a bell later than this was lost, not slow."""

PEOPLE = frozenset({Cause.REPLAY, Cause.ORDER, Cause.COMMAND})


@dataclass(frozen=True, kw_only=True)
class Bell:
    """
    The bell of one instance. `rung` counts rings, `seen` is the count that the last finished visit answered.

    `ticket` is that of the one message which will be honoured, `due` when it becomes visible; both are empty when
    no visit is wanted. `held_until` is the moment before which only a person's wish wakes the instance.
    """

    instance: InstanceId
    rung: int = 0
    seen: int = 0
    due: datetime | None = None
    ticket: str = ""
    held_until: datetime | None = None
    trigger: Trigger | None = None

    def late(self, now: datetime) -> bool:
        """Whether its message must have been lost, or its visit died without a trace."""
        return self.due is not None and self.due + GRACE < now

    def comes_by(self, wanted: datetime, *, now: datetime) -> bool:
        """Whether a message is under way, or being visited, that was due by then."""
        return self.due is not None and self.due <= wanted and not self.late(now)

    def when(self, trigger: Trigger, *, after: float, now: datetime) -> datetime:
        """When this ring wants its visit: held back where Azure asked us to wait, unless a person rings."""
        wanted = now + _delay(after)
        held = self.held_until is not None and trigger.cause not in PEOPLE
        return max(wanted, self.held_until) if held and self.held_until else wanted

    def ring(self, trigger: Trigger, *, after: float, now: datetime, ticket: str) -> "Bell":
        """Rung once more. It carries the new ticket if a message has to be sent."""
        rung = replace(self, instance=trigger.instance, rung=self.rung + 1, trigger=trigger)
        return rung._sound(self.when(trigger, after=after, now=now), now=now, ticket=ticket)

    def finish(self, visit: Visit, *, again_after: float | None, hold: bool, now: datetime, ticket: str) -> "Bell":
        """A visit is over. It carries the new ticket if another one has to follow."""
        again = None if again_after is None else now + _delay(again_after)
        done = replace(self, seen=max(self.seen, visit.rung), held_until=again if hold else None)
        asked = self.rung > visit.rung and self.trigger is not None and self.trigger.cause in PEOPLE
        if self.ticket == visit.ticket or (hold and not asked):  # whoever rang for sooner has to wait with us
            done = replace(done, ticket="", due=None)
        wanted = again
        if self.rung > visit.rung and not (hold and again):
            wanted = now
        return done if wanted is None else done._sound(wanted, now=now, ticket=ticket)

    def unsent(self, before: "Bell", *, now: datetime) -> "Bell":
        """
        The message for its ticket could not be sent, so it is marked as late: the next ring sends one, and so does
        the sweep. Others may have relied on that message, so a visit stays wanted; and the one that it replaced
        is still under way, so that is honoured again.
        """
        return replace(self, ticket=before.ticket, due=now - GRACE - timedelta(seconds=1))

    def _sound(self, wanted: datetime, *, now: datetime, ticket: str) -> "Bell":
        if self.comes_by(wanted, now=now):
            return self
        return replace(self, due=wanted, ticket=ticket)


def _delay(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(0.0, seconds), LONGEST_DELAY.total_seconds()))
