from __future__ import annotations

from pathlib import Path

import azure.functions as func
import pytest

from devhost.functions import NotSupported, read
from devhost.hostjson import HostJson
from devhost.routes import Router
from tests.devhost.sample_app import create

CONNECTION = "AzureWebJobsStorage"
ROOT = Path(__file__).parents[2]


def test_every_kind_of_function_is_read() -> None:
    """
    The app's functions and those of its blueprints are found, with their names.
    """
    names = {each.name for each in read(create([]))}

    assert {"on_event", "on_message", "parked", "tick", "thing", "broken", "page"} == names


def unknown_parameter(app: func.FunctionApp) -> None:
    @app.queue_trigger(arg_name="message", queue_name="q", connection=CONNECTION)
    def function(other: str) -> None: ...


def output_binding(app: func.FunctionApp) -> None:
    @app.queue_output(arg_name="out", queue_name="q", connection=CONNECTION)
    @app.queue_trigger(arg_name="message", queue_name="q", connection=CONNECTION)
    def function(message: str, out: func.Out[str]) -> None: ...


def typed_event(app: func.FunctionApp) -> None:
    @app.event_grid_trigger(arg_name="event")
    def function(event: func.EventGridEvent) -> None: ...


def dict_message(app: func.FunctionApp) -> None:
    @app.queue_trigger(arg_name="message", queue_name="q", connection=CONNECTION)
    def function(message: dict[str, str]) -> None: ...


def setting(app: func.FunctionApp) -> None:
    @app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection=CONNECTION)
    def function(message: str) -> None: ...


def other_trigger(app: func.FunctionApp) -> None:
    @app.service_bus_queue_trigger(arg_name="message", queue_name="q", connection="X")
    def function(message: str) -> None: ...


def nothing(app: func.FunctionApp) -> None: ...


@pytest.mark.parametrize(
    "declare", [unknown_parameter, output_binding, typed_event, dict_message, setting, other_trigger, nothing]
)
def test_what_cannot_be_run_is_refused_at_the_start(declare: object) -> None:
    """
    An app that the real host would refuse, or that needs more than this one does, is refused before it runs.
    """
    app = func.FunctionApp()
    declare(app)  # type: ignore[operator]  # a parameter is typed as object

    with pytest.raises(NotSupported):
        read(app)


def router(*templates: str) -> Router:
    app = func.FunctionApp()
    for number, template in enumerate(templates):

        @app.function_name(f"f{number}")
        @app.route(template)
        def function(req: func.HttpRequest) -> str:
            return ""

    return Router(read(app), "api")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/api/runs/last", "f1", id="literal-first"),
        pytest.param("/api/runs/12", "f2", id="constraint-before-parameter"),
        pytest.param("/api/runs/ab", "f0", id="parameter"),
        pytest.param("/api/plans", "f3", id="optional-missing"),
        pytest.param("/api/plans/1", "f3", id="optional-given"),
        pytest.param("/api/plans/1/2", None, id="too-long"),
        pytest.param("/api/files/a/b", "f4", id="rest"),
    ],
)
def test_the_more_exact_route_wins(path: str, expected: str | None) -> None:
    """
    A literal segment goes before a parameter with a constraint, that before one without, and the rest comes last.
    """
    found = router("runs/{id}", "runs/last", "runs/{number:int}", "plans/{id?}", "files/{*path}").match("GET", path)

    assert expected == (found.function.name if found else None)


def test_a_strange_route_is_refused() -> None:
    """
    A template with what this router doesn't know is refused at the start.
    """
    with pytest.raises(NotSupported):
        router("runs/{id:regex(a)}")


def test_host_json_is_read() -> None:
    """
    The app's own host.json gives the queues the numbers that the design names.
    """
    settings = HostJson.read(ROOT / "host.json")

    assert (4, 2, 5) == (settings.batch_size, settings.new_batch_threshold, settings.max_dequeue_count)
    assert (60, 10) == (settings.visibility_timeout.seconds, settings.max_polling_interval.seconds)


def test_an_empty_host_json_has_the_hosts_defaults() -> None:
    """
    What host.json leaves out is as the Functions host has it.
    """
    assert HostJson() == HostJson.parse({"version": "2.0"})
