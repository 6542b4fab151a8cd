"""
Telemetry: one visit is one span with its calls below, joined by the run's id, and says nothing that is secret.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from apimend import telemetry
from demo.world import World
from emulator import LocalAzure
from tests.job.conftest import INSTANCE, opened, touch


class Heard:
    """What the SDK was told."""

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()

    def named(self, name: str) -> Sequence[ReadableSpan]:
        return [span for span in self.spans.get_finished_spans() if span.name == name]

    def values(self, metric: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for one in scope.metrics
            if one.name == metric
            for point in one.data.data_points
        ]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """The SDK in place of the no-op, for one test."""
    made = Heard()
    tracers, meters = TracerProvider(), MeterProvider(metric_readers=[made.reader])
    tracers.add_span_processor(SimpleSpanProcessor(made.spans))
    monkeypatch.setattr(trace, "get_tracer", tracers.get_tracer)
    monkeypatch.setattr(metrics, "get_meter", meters.get_meter)
    telemetry._instruments.cache_clear()
    yield made
    telemetry._instruments.cache_clear()
    meters.shutdown()
    tracers.shutdown()


async def run_ids(world: World) -> set[str]:
    return {str(run["run"]) for run in await world.runs()}


async def test_a_visit_is_a_span_with_its_calls_below(heard: Heard) -> None:
    """
    Every call of Azure within a visit belongs to the visit's span.
    """
    async with opened(ceiling="report") as world:
        await touch(world)
    visits = {span.context.span_id for span in heard.named("visit") if span.context}
    calls = [span for span in heard.spans.get_finished_spans() if span.name in ("GET arm", "GET vault", "POST graph")]
    lonely = [span.attributes for span in calls if span.parent is None or span.parent.span_id not in visits]

    assert len(visits) >= 1
    assert len(calls) > 5
    assert [] == lonely


async def test_calls_carry_the_id_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What reaches Azure Resource Manager in a visit names the run, which the run list shows.
    """
    sent: set[str] = set()

    def watch(passed: Any) -> None:
        if passed.call.headers.get("User-Agent", "").startswith("apimend") and "/service/" in passed.call.path:
            sent.add(passed.call.headers.get(telemetry.CORRELATION_HEADER, ""))

    monkeypatch.setattr(LocalAzure, "watchers", [watch, *LocalAzure.watchers])
    async with opened(ceiling="report") as world:
        await touch(world)

        assert sent
        assert set() == sent - await run_ids(world)


async def test_the_event_and_the_run_stand_in_the_span(heard: Heard) -> None:
    """
    From the span of a visit one finds the event that rang and the run that came of it.
    """
    async with opened(ceiling="report") as world:
        await touch(world)
        runs = await run_ids(world)
    attributes = [dict(span.attributes or {}) for span in heard.named("visit")]

    assert INSTANCE.casefold() == str(attributes[0]["apimend.instance"]).casefold()
    assert attributes[0]["apimend.event_id"]
    assert attributes[0]["apimend.run"] in runs


async def test_no_span_holds_a_query(heard: Heard) -> None:
    """
    A query may hold a signature: spans have the path only.
    """
    async with opened(ceiling="report") as world:
        await touch(world)
    written = [str(value) for span in heard.spans.get_finished_spans() for value in (span.attributes or {}).values()]

    assert [] == [value for value in written if "?" in value or "sig=" in value or "api-version" in value]


@pytest.mark.parametrize(
    "metric",
    [
        "apimend.visits",
        "apimend.visit.duration",
        "apimend.queue.age",
        "apimend.changes",
        "apimend.coverage",
        "apimend.azure.calls",
        "apimend.event.to_card",
        "apimend.event.to_write",
        "apimend.deferrals",
        "apimend.sweep.instances",
    ],
)
def test_a_job_from_event_to_end_is_measured(metric: str, whole: Heard) -> None:
    """
    The main job, enforced, leaves a value in each of these metrics.
    """
    assert whole.values(metric)


@pytest.fixture(scope="module")
def whole() -> Iterator[Heard]:
    """One whole job, heard once for all of the above."""
    made = Heard()
    patch = pytest.MonkeyPatch()
    meters = MeterProvider(metric_readers=[made.reader])
    patch.setattr(metrics, "get_meter", meters.get_meter)
    telemetry._instruments.cache_clear()

    async def job() -> None:
        async with opened() as world:
            await touch(world)
            await world.app.door.sweep()
            await world.settle(60)

    asyncio.run(job())
    data = made.reader.get_metrics_data()
    made.reader.get_metrics_data = lambda *_: data  # type: ignore[method-assign]  # reading once empties some
    yield made
    patch.undo()
    telemetry._instruments.cache_clear()
    meters.shutdown()


def test_metric_names_are_one_family() -> None:
    """
    Names are unique and begin with the app's.
    """
    names = [metric.name for metric in telemetry.METRICS]

    assert len(names) == len(set(names))
    assert [] == [name for name in names if not name.startswith("apimend.")]
