"""
The doorbell: the triggers of the function app, and nothing that decides.

`create` makes an app on a clock and an environment; Azure Functions takes `app`. Every function hands over to the
Door: a raised error brings a message back, a return ends it.
"""

import gc

gc.disable()  # What imports make stays: looking for garbage in it costs a tenth of the start and finds none.

import os
from collections.abc import Mapping

import azure.functions as func

from apimend.wiring import (
    NOTICES_QUEUE,
    ROUTES,
    VISITS_QUEUE,
    Clock,
    Door,
    Request,
    Route,
    SystemClock,
    Wiring,
    needs_key,
    sweep_schedule,
    wire,
)
from remediators import ALL

CONNECTION = "AzureWebJobsStorage"


class App(func.FunctionApp):
    """The function app, with its door for a host that outlives it and wants to close it."""

    def __init__(self, door: Door) -> None:
        super().__init__(http_auth_level=func.AuthLevel.FUNCTION)
        self.door = door


def create(*, clock: Clock | None = None, environ: Mapping[str, str] | None = None, wiring: Wiring = wire) -> App:
    """An app with all functions."""
    settings = os.environ if environ is None else environ
    app = App(Door(clock=clock or SystemClock(), environ=settings, remediators=ALL, wiring=wiring))
    _events(app)
    _queues(app)
    _timers(app, sweep_schedule(settings))
    for route in ROUTES:
        _http(app, route, needs_key=needs_key(route, settings))
    return app


def _events(app: App) -> None:
    @app.function_name("on_resource_change")
    @app.event_grid_trigger(arg_name="event")
    async def on_resource_change(event: str) -> None:
        """Both schemas arrive as text."""
        await app.door.event(event)


def _queues(app: App) -> None:
    @app.function_name("visit")
    @app.queue_trigger(arg_name="message", queue_name=VISITS_QUEUE, connection=CONNECTION)
    async def visit(message: func.QueueMessage) -> None:
        await app.door.visit(_text(message))

    @app.function_name("notify")
    @app.queue_trigger(arg_name="message", queue_name=NOTICES_QUEUE, connection=CONNECTION)
    async def notify(message: func.QueueMessage) -> None:
        await app.door.notify(_text(message))

    @app.function_name("parked_visits")
    @app.queue_trigger(arg_name="message", queue_name=f"{VISITS_QUEUE}-poison", connection=CONNECTION)
    async def parked_visits(message: func.QueueMessage) -> None:
        await app.door.parked(VISITS_QUEUE, _text(message))

    @app.function_name("parked_notices")
    @app.queue_trigger(arg_name="message", queue_name=f"{NOTICES_QUEUE}-poison", connection=CONNECTION)
    async def parked_notices(message: func.QueueMessage) -> None:
        await app.door.parked(NOTICES_QUEUE, _text(message))


def _timers(app: App, schedule: str) -> None:
    @app.function_name("sweep")
    @app.timer_trigger(arg_name="timer", schedule=schedule)
    async def sweep(timer: func.TimerRequest) -> None:
        await app.door.sweep()


def _http(app: App, route: Route, *, needs_key: bool) -> None:
    level = func.AuthLevel.FUNCTION if needs_key else func.AuthLevel.ANONYMOUS

    @app.function_name(route.name)
    @app.route(route=route.path, methods=[route.method], auth_level=level)
    async def http(req: func.HttpRequest) -> func.HttpResponse:
        request = Request(
            method=route.method,
            body=req.get_body().decode(errors="replace"),
            query=dict(req.params),
            path=dict(req.route_params),
            headers={name.lower(): value for name, value in req.headers.items()},
        )
        answer = await app.door.answer(lambda wired: route.answer(wired, request))
        return func.HttpResponse(
            answer.body, status_code=answer.status, mimetype=answer.content_type, headers=dict(answer.headers)
        )


def _text(message: func.QueueMessage) -> str:
    return message.get_body().decode(errors="replace")


app = create()
gc.freeze()
gc.enable()
