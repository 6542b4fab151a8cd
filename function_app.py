"""
The doorbell: the triggers of the function app, and nothing that decides.

Each function hands over to the engine or to `apimend.web` and says what the platform should do with the result:
a raised error brings the message back, an answer ends it. `create` makes an app; Azure Functions takes `app`.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import azure.functions as func
import structlog

from apimend.logs import configure
from apimend.model.errors import ApimendError, Final, Unreadable
from apimend.notify.message import QUEUE as NOTICES
from apimend.ports import Clock
from apimend.settings import SETTINGS, Settings
from apimend.storage.names import VISITS_QUEUE as VISITS
from apimend.web.answers import Answer, ok, problem
from apimend.web.runs import order_detail, run_detail, run_list
from apimend.wiring import Wired, wire
from remediators import ALL

_log = structlog.get_logger(__name__)
CONNECTION = "AzureWebJobsStorage"
SCHEDULE = "APIMEND_SWEEP_SCHEDULE"


class SystemClock:
    """Real time: the one place where it is read."""

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)  # noqa: TID251  # this is the clock that the rest of the product is handed

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)  # noqa: TID251  # as above


@dataclass(kw_only=True)
class Lazily:
    """What the functions need, made at the first call: importing the app must not depend on its settings."""

    clock: Clock
    environ: Mapping[str, str]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    made: Wired | None = None

    async def wired(self) -> Wired:
        """The wired app. Raises BadInput where settings have faults."""
        async with self.lock:
            if self.made is None:
                settings = Settings.load(self.environ)
                configure(settings.log_level)
                self.made = await wire(settings, clock=self.clock, remediators=ALL)
            return self.made


class App(func.FunctionApp):
    """The function app. `close` is for a host that outlives it; in Azure the process ends instead."""

    def __init__(self, lazily: Lazily) -> None:
        super().__init__(http_auth_level=func.AuthLevel.FUNCTION)
        self.lazily = lazily

    async def close(self) -> None:
        """Let connections and files go."""
        if self.lazily.made is not None:
            await self.lazily.made.close()


def create(*, clock: Clock | None = None, environ: Mapping[str, str] | None = None) -> App:
    """An app with all functions, on this clock and these settings."""
    lazily = Lazily(clock=clock or SystemClock(), environ=os.environ if environ is None else environ)
    app = App(lazily)
    _events(app, lazily)
    _queues(app, lazily)
    _timers(app, lazily)
    _http(app, lazily)
    return app


def _events(app: func.FunctionApp, lazily: Lazily) -> None:
    @app.function_name("on_resource_change")
    @app.event_grid_trigger(arg_name="event")
    async def on_resource_change(event: str) -> None:
        """Ring the bells that an event rings. Both schemas arrive as text."""
        wired = await lazily.wired()
        await wired.intake.hear_quietly(event)


def _queues(app: func.FunctionApp, lazily: Lazily) -> None:
    @app.function_name("visit")
    @app.queue_trigger(arg_name="message", queue_name=VISITS, connection=CONNECTION)
    async def visit(message: func.QueueMessage) -> None:
        """Answer a bell."""
        wired = await lazily.wired()
        text = message.get_body().decode(errors="replace")
        await _or_park(wired, VISITS, text, wired.engine.answer(text))

    @app.function_name("notify")
    @app.queue_trigger(arg_name="message", queue_name=NOTICES, connection=CONNECTION)
    async def notify(message: func.QueueMessage) -> None:
        """Deliver a notice."""
        wired = await lazily.wired()
        text = message.get_body().decode(errors="replace")
        await _or_park(wired, NOTICES, text, wired.notices.deliver(text))

    @app.function_name("parked_visits")
    @app.queue_trigger(arg_name="message", queue_name=f"{VISITS}-poison", connection=CONNECTION)
    async def parked_visits(message: func.QueueMessage) -> None:
        """Keep a visit's message that failed too often."""
        wired = await lazily.wired()
        await wired.parking.park(VISITS, message.get_body().decode(errors="replace"), "It failed too often.")

    @app.function_name("parked_notices")
    @app.queue_trigger(arg_name="message", queue_name=f"{NOTICES}-poison", connection=CONNECTION)
    async def parked_notices(message: func.QueueMessage) -> None:
        """Keep a notice that failed too often."""
        wired = await lazily.wired()
        await wired.parking.park(NOTICES, message.get_body().decode(errors="replace"), "It failed too often.")


def _timers(app: func.FunctionApp, lazily: Lazily) -> None:
    defaults = {setting.name: setting.default for setting in SETTINGS}
    schedule = lazily.environ.get(SCHEDULE) or defaults[SCHEDULE]

    @app.function_name("sweep")
    @app.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=False)
    async def sweep(timer: func.TimerRequest) -> None:
        """Ring for every instance, in case an event was lost."""
        wired = await lazily.wired()
        await wired.sweeper.sweep()


def _http(app: func.FunctionApp, lazily: Lazily) -> None:
    @app.function_name("replay")
    @app.route(route="replay", methods=["POST"])
    async def replay(req: func.HttpRequest) -> func.HttpResponse:
        """Visit again, by event, instance or run."""
        text = req.get_body().decode(errors="replace")
        return await _answered(lazily, lambda wired: wired.replay.answer(text, by="function key"))

    @app.function_name("runs")
    @app.route(route="runs", methods=["GET"])
    async def runs(req: func.HttpRequest) -> func.HttpResponse:
        """Runs, newest first."""
        instance, limit = req.params.get("instance", ""), req.params.get("limit", "")
        return await _answered(lazily, lambda wired: run_list(wired.storage.ledger, instance=instance, limit=limit))

    @app.function_name("run")
    @app.route(route="runs/{id}", methods=["GET"])
    async def run(req: func.HttpRequest) -> func.HttpResponse:
        """One run."""
        id, form = req.route_params["id"], req.params.get("format", "")
        return await _answered(lazily, lambda wired: run_detail(wired.storage.ledger, id, wired.links, form=form))

    @app.function_name("order")
    @app.route(route="orders/{id}", methods=["GET"])
    async def order(req: func.HttpRequest) -> func.HttpResponse:
        """What became of an order."""
        id = req.route_params["id"]
        return await _answered(lazily, lambda wired: order_detail(wired.storage.ledger, id))

    @app.function_name("health")
    @app.route(route="health", methods=["GET"])
    async def health(req: func.HttpRequest) -> func.HttpResponse:
        """Whether settings and desired state can be read, and what waits for a person."""
        return await _answered(lazily, _health)


async def _health(wired: Wired) -> Answer:
    parked = await wired.parking.all()
    swept = await wired.storage.ledger.noted("swept")
    return ok({"status": "ok", "mode_ceiling": wired.settings.ceiling.word, "swept": swept, "parked": len(parked)})


async def _or_park(wired: Wired, queue: str, text: str, work: Awaitable[object]) -> None:
    """Do it. What can't be read is parked and acknowledged; anything else that rises brings the message back."""
    try:
        await work
    except Unreadable as error:
        await wired.parking.park(queue, text, str(error))


async def _answered(lazily: Lazily, handle: Callable[[Wired], Awaitable[Answer]]) -> func.HttpResponse:
    try:
        answer = await handle(await lazily.wired())
    except ApimendError as error:
        if not isinstance(error, Final):
            _log.warning("request.put_off", error=str(error))
        answer = problem(error)
    return func.HttpResponse(
        answer.body, status_code=answer.status, mimetype=answer.content_type, headers=dict(answer.headers)
    )


app = create()
