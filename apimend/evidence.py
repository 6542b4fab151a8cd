"""
What speaks for enforcing a check that only observes (R9): since when callers are recorded, and where to look.

Rules call it. Apimend reads no telemetry, so whom the check would refuse is unknown to it, which is not the same as
nobody: it hands out the query that tells, with the operator's own names in it. It must not propose more than that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from apimend.model.check import Record
from apimend.model.ids import ResourceId
from apimend.model.plan import Finding, Severity
from apimend.policy.record import MESSAGE, METRIC


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One check that observes. `pins` are the thumbprints that pass; `only_failures`: nobody else is recorded."""

    service: str
    since: datetime | None
    days: int
    record: Record
    pins: tuple[str, ...] = ()
    only_failures: bool = False

    def finding(self, target: ResourceId, remediator: str, now: datetime) -> Finding:
        """The next step of the roll-out, which nobody takes by himself."""
        return Finding(
            code="check_observes",
            target=target,
            remediator=remediator,
            severity=Severity.INFO,
            message=self.message(now),
            why_left="Enforcing is a step that you declare: Apimend reads no telemetry.",
            steps=self.steps(now),
        )

    def message(self, now: datetime) -> str:
        """How far the declared time has gone, and what is known of it."""
        return f"Callers who fail the check are recorded and let in{self._age(now)}. Who they are is unknown here."

    def steps(self, now: datetime) -> tuple[str, ...]:
        """How to find out, and what comes next."""
        due = None if self.since is None else self.since + timedelta(days=self.days)
        enforce = (
            "Declare `action: enforce` once the query shows every declared client, and nobody else who should pass."
        )
        if due is not None and due > now:
            enforce = f"Wait until {due:%Y-%m-%d}. {enforce}"
        where = "Application Insights has to be connected to the instance, or nothing is recorded anywhere."
        return (f"In Application Insights, run: {self.query}", where, enforce)

    @property
    def query(self) -> str:
        """The Kusto query that shows who called, and who would have been refused."""
        if self.record is Record.METRIC:
            rows = f'customMetrics | where name == "{METRIC}"'
            thumbprint, calls = 'customDimensions["Thumbprint"]', "sum(valueCount)"
        else:
            rows = f'traces | where message has "{MESSAGE}"'
            thumbprint, calls = 'customDimensions["thumbprint"]', "count()"
        parts = [
            f'{rows} and timestamp > ago({self.days}d) and cloud_RoleName startswith "{self.service}"',
            f"extend thumbprint = tostring({thumbprint})",
            f"summarize calls = {calls}, last = max(timestamp) by thumbprint",
        ]
        if self.only_failures:
            parts.append("extend refused = true")
        elif self.pins:
            known = ", ".join(f'"{pin}"' for pin in self.pins)
            parts.append(f"extend refused = thumbprint !in ({known})")
        return " | ".join((*parts, "order by calls desc"))

    def _age(self, now: datetime) -> str:
        if self.since is None:
            return ""
        gone = max((now - self.since).days, 0)
        return f" since {self.since:%Y-%m-%d %H:%M} UTC, {gone} of {self.days} declared days"
