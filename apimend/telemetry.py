"""
What the app tells of itself: spans, metrics, and the id that joins an event to its calls of Azure.

The engine, the ARM transport, the sweep and the notices call it. It speaks to OpenTelemetry's API only: without the
SDK, which the platform loads in Azure, every call does nothing. It decides nothing, reads no clock, and takes no
text that a stranger wrote, so that no attribute can hold a secret.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal
from urllib.parse import urlsplit

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from apimend.model.runs import Cause, Run, Status, Trigger

NAME = "apimend"
CORRELATION: ContextVar[str] = ContextVar("correlation", default="")
"""The run's id: every call to Azure Resource Manager carries it, so that the activity log and the events of our own
writes name the run."""

CORRELATION_HEADER = "x-ms-correlation-request-id"

Attributes = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One thing that is measured; docs/operate.md explains each."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    about: str


METRICS = (
    Metric(name="apimend.visits", kind="counter", unit="1", about="Visits, by result and cause."),
    Metric(name="apimend.visit.duration", kind="histogram", unit="s", about="How long a visit took."),
    Metric(name="apimend.visit.failures", kind="counter", unit="1", about="Visits that failed, or broke off."),
    Metric(name="apimend.queue.age", kind="histogram", unit="s", about="From a bell's due time to its visit."),
    Metric(name="apimend.changes", kind="counter", unit="1", about="Changes, by what became of them."),
    Metric(name="apimend.deferrals", kind="counter", unit="1", about="Changes that had to wait."),
    Metric(name="apimend.findings", kind="counter", unit="1", about="Findings, by code and severity."),
    Metric(name="apimend.coverage", kind="gauge", unit="%", about="Operations that are covered, of each instance."),
    Metric(name="apimend.event.to_write", kind="histogram", unit="s", about="From an event to the first write."),
    Metric(name="apimend.event.to_card", kind="histogram", unit="s", about="From an event to its card in Teams."),
    Metric(name="apimend.azure.calls", kind="counter", unit="1", about="Calls of Azure, by kind and status."),
    Metric(name="apimend.azure.throttles", kind="counter", unit="1", about="Calls that Azure answered with 429."),
    Metric(name="apimend.sweep.instances", kind="gauge", unit="1", about="Instances that the last sweep saw."),
    Metric(name="apimend.sweep.age", kind="gauge", unit="s", about="Age of the oldest look at any instance."),
    Metric(name="apimend.sweep.overdue", kind="gauge", unit="1", about="Bells that a sweep found overdue."),
    Metric(name="apimend.sweep.vanished", kind="gauge", unit="1", about="Instances that a sweep no longer saw."),
    Metric(name="apimend.parked", kind="counter", unit="1", about="Messages that nobody could handle."),
    Metric(name="apimend.deadletters", kind="gauge", unit="1", about="Events that Event Grid could not deliver."),
)
_WROTE = frozenset({Status.APPLIED, Status.PENDING})


@cache
def _instruments() -> dict[str, Any]:
    meter = metrics.get_meter(NAME)
    made = {"counter": meter.create_counter, "gauge": meter.create_gauge, "histogram": meter.create_histogram}
    return {one.name: made[one.kind](one.name, unit=one.unit, description=one.about) for one in METRICS}


def count(name: str, attributes: Attributes | None = None, *, by: int = 1) -> None:
    """Add to a counter."""
    _instruments()[name].add(by, dict(attributes or {}))


def measure(name: str, value: float, attributes: Attributes | None = None) -> None:
    """Set a gauge, or add one value to a histogram."""
    instrument = _instruments()[name]
    (instrument.set if hasattr(instrument, "set") else instrument.record)(value, dict(attributes or {}))


@contextmanager
def visiting(trigger: Trigger) -> Iterator[None]:
    """The span of a visit. What is called inside of it belongs to the run that `correlate` names."""
    attributes = {
        "apimend.instance": trigger.instance.text,
        "apimend.cause": trigger.cause.value,
        "apimend.event_id": trigger.event_id,
    }
    token = CORRELATION.set("")
    try:
        with trace.get_tracer(NAME).start_as_current_span("visit", attributes=attributes):
            yield
    except Exception:  # counted and raised again
        count("apimend.visit.failures", {"cause": trigger.cause.value})
        raise
    finally:
        CORRELATION.reset(token)


def correlate(run: str) -> None:
    """From here on, calls to Azure Resource Manager carry this id."""
    CORRELATION.set(run)
    trace.get_current_span().set_attribute("apimend.run", run)


def visited(run: Run) -> None:
    """What a run has to say for the metrics."""
    result = {"result": run.result.value, "cause": run.trigger.cause.value}
    count("apimend.visits", result)
    measure("apimend.visit.duration", (run.ended - run.started).total_seconds(), result)
    if run.error or any(outcome.status is Status.FAILED for outcome in run.outcomes):
        count("apimend.visit.failures", {"cause": run.trigger.cause.value})
    for outcome in run.outcomes:
        count("apimend.changes", {"status": outcome.status.value})
        if outcome.status is Status.DEFERRED:
            count("apimend.deferrals")
    for finding in run.plan.findings:
        count("apimend.findings", {"code": finding.code, "severity": finding.severity.word})
    if run.plan.coverage is not None:
        measure("apimend.coverage", run.plan.coverage.percent, {"instance": run.instance.text})
    if run.trigger.cause is Cause.EVENT and any(outcome.status in _WROTE for outcome in run.outcomes):
        measure("apimend.event.to_write", (run.ended - run.trigger.at).total_seconds())


def waited(due: datetime | None, now: datetime) -> None:
    """How late a bell was answered."""
    if due is not None:
        measure("apimend.queue.age", max(0.0, (now - due).total_seconds()))


def told(run: Run, now: datetime) -> None:
    """A card of this run has been taken by Teams."""
    if run.trigger.cause is Cause.EVENT:
        measure("apimend.event.to_card", (now - run.trigger.at).total_seconds())


class Call:
    """One call of Azure, while it is under way."""

    def __init__(self, span: Span, kind: str) -> None:
        self._span = span
        self._kind = kind

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """What came back."""
        self._span.set_attribute("http.response.status_code", status)
        for header in ("x-ms-request-id", CORRELATION_HEADER):
            if header in headers:
                self._span.set_attribute(f"azure.{header.removeprefix('x-ms-').replace('-', '_')}", headers[header])
        if status >= 400:
            self._span.set_status(StatusCode.ERROR)
        count("apimend.azure.calls", {"kind": self._kind, "status": status})
        if status == 429:
            count("apimend.azure.throttles", {"kind": self._kind})


@contextmanager
def calling(method: str, url: str, kind: str) -> Iterator[Call]:
    """The span of one call. The query stays out of it, because it may hold a signature."""
    parts = urlsplit(url)
    attributes = {"http.request.method": method, "server.address": parts.hostname or "", "url.path": parts.path}
    with trace.get_tracer(NAME).start_as_current_span(
        f"{method} {kind}", kind=SpanKind.CLIENT, attributes=attributes
    ) as span:
        yield Call(span, kind)
