"""
What is remembered of a service between visits: our update, and the readings after it.

Azure says `Succeeded` while it still serves old values, so a service counts as live only after it was found
idle with negotiation on several times, some distance apart.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from apimend.engine.guard import GOOD_READINGS
from apimend.model.azure import Service
from apimend.model.plan import Kind, Plan, Severity, Stage
from apimend.model.runs import Intent, Progress

STUCK_AFTER = timedelta(hours=3)
"""Longer than any update that is known; azurerm waits as long."""
_RENEWED = frozenset({"builtin", "keyvault", "managed"})


def update_started(progress: Progress, now: datetime, hosts: tuple[str, ...] | None = None) -> Progress:
    """To be saved before the PATCH is sent: if we die after it, the next visit still waits for live."""
    return replace(
        progress,
        update_since=now,
        settling=True,
        good_readings=0,
        last_reading=None,
        operation="",
        hosts=progress.hosts if hosts is None else hosts,
    )


def update_failed(progress: Progress, why: str, now: datetime) -> Progress:
    """Azure could not finish our update: it is over, and the next one waits."""
    return replace(
        progress,
        update_since=None,
        settling=False,
        good_readings=0,
        last_reading=None,
        operation="",
        update_failures=progress.update_failures + 1,
        update_failed_at=now,
        update_error=why,
    )


def forgiven(progress: Progress) -> Progress:
    """Updates that failed no longer count, nor the hosts that went missing with one."""
    return replace(progress, update_failures=0, update_failed_at=None, update_error="", hosts=())


def hosts_of(service: Service) -> tuple[str, ...]:
    """Every entry of the service by type and name; by thumbprint too where nothing but a person renews it."""
    uploaded = {entry for entry in service.hostnames if entry.source.casefold() not in _RENEWED}
    shown = [
        (
            entry.type,
            entry.host.casefold(),
            entry.certificate.thumbprint if entry in uploaded and entry.certificate else "",
        )
        for entry in service.hostnames
    ]
    return tuple(sorted(" ".join(each).strip() for each in shown))


def missing(progress: Progress, service: Service) -> tuple[str, ...]:
    """What the service had before our update and no longer shows: a PATCH replaces the whole list (R17)."""
    left = frozenset(hosts_of(service))
    return tuple(entry for entry in progress.hosts if entry not in left)


def recovered(progress: Progress, open_intents: tuple[Intent, ...]) -> Progress:
    """After a crash: a service PATCH that may have been accepted counts as one that was."""
    sent = [i.at for i in open_intents if i.kind in (Kind.SERVICE_NEGOTIATION.value, Kind.SERVICE_CA.value)]
    return update_started(progress, max(sent)) if sent else progress


def read(progress: Progress, service: Service, now: datetime, *, distance: float) -> Progress:
    """One more look at the service, with `distance` seconds between the readings that count."""
    seen = replace(progress, seen=now)
    if service.busy or not seen.settling:
        return seen
    seen = replace(seen, update_since=None)
    if missing(seen, service):
        return replace(seen, good_readings=0, last_reading=None)
    due = seen.last_reading is None or now - seen.last_reading >= timedelta(seconds=distance)
    if not due:
        return seen
    good = seen.good_readings + 1
    settled = good >= GOOD_READINGS
    if settled:
        return forgiven(replace(seen, good_readings=0, last_reading=None, settling=False))
    return replace(seen, good_readings=good, last_reading=now)


def doubted(progress: Progress, plan: Plan) -> Progress:
    """A plan that still wants negotiation says that it is not live: the readings start again."""
    if progress.settling and any(change.stage is Stage.NEGOTIATE for change in plan.changes):
        return replace(progress, good_readings=0, last_reading=None)
    return progress


def stuck(progress: Progress, service: Service, now: datetime) -> bool:
    """Whether an update of ours takes longer than any that is known."""
    return service.busy and progress.update_since is not None and now - progress.update_since > STUCK_AFTER


def has_failed(service: Service) -> bool:
    """Whether Azure shows the service itself as failed: no update is on its way, and none goes through."""
    return service.provisioning_state == "Failed" and not service.target_state


def is_negotiated(service: Service, plan: Plan) -> bool:
    """Whether negotiation is on as declared."""
    return not service.busy and not any(change.stage is Stage.NEGOTIATE for change in plan.changes)


def is_checked(plan: Plan) -> bool:
    """Whether the declared check is in force."""
    wanted = any(change.stage is Stage.VALIDATE for change in plan.changes)
    return not wanted and not any(finding.severity >= Severity.HIGH for finding in plan.blocked(Stage.VALIDATE))
