"""
A small function app with one function of each kind the local host runs.

The tests of devhost run it here, and tests/runtime runs the same app on Microsoft's own runtime. What its functions
saw goes into the list handed to `create`.
"""

from __future__ import annotations

import json

import azure.functions as func

Seen = list[tuple[str, object]]


class SampleError(Exception):
    """What the sample raises when it is told to."""


def create(seen: Seen) -> func.FunctionApp:
    app = func.FunctionApp()

    @app.event_grid_trigger(arg_name="event")
    def on_event(event: str) -> None:
        """Takes one event, whole."""
        document = json.loads(event)
        seen.append(("on_event", document["id"]))
        if document["id"] == "bad":
            raise SampleError("bad event")

    @app.queue_trigger(arg_name="message", queue_name="sample", connection="AzureWebJobsStorage")
    async def on_message(message: func.QueueMessage) -> str | None:
        """Takes one message, with its count."""
        body = message.get_body().decode()
        seen.append((body, message.dequeue_count))
        if body == "fail":
            raise SampleError("bad message")
        return "no binding for this" if body == "return" else None

    @app.queue_trigger(arg_name="message", queue_name="sample-poison", connection="AzureWebJobsStorage")
    def parked(message: str) -> None:
        """Takes what was parked."""
        seen.append(("parked", message))
        if message == "fail twice":
            raise SampleError("not even here")

    @app.timer_trigger(arg_name="timer", schedule="0 */15 * * * *")
    def tick(timer: func.TimerRequest) -> None:
        """Runs every quarter of an hour."""
        seen.append(("tick", timer.past_due))

    @app.route("things/{id}", methods=["GET", "POST"], auth_level=func.AuthLevel.FUNCTION)
    async def thing(req: func.HttpRequest) -> func.HttpResponse:
        """Says what it was asked."""
        asked = {
            "id": req.route_params["id"],
            "params": dict(req.params),
            "body": req.get_body().decode(),
        }
        return func.HttpResponse(json.dumps(asked), status_code=201, mimetype="application/json")

    @app.route("broken", auth_level=func.AuthLevel.ADMIN)
    def broken(req: func.HttpRequest) -> func.HttpResponse:
        """Always fails."""
        raise SampleError("a secret")

    app.register_functions(pages())
    return app


def pages() -> func.Blueprint:
    blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the SDK has no types here

    @blueprint.route("pages/{*path}", auth_level=func.AuthLevel.ANONYMOUS)
    def page(req: func.HttpRequest) -> str:
        """Open to everybody."""
        return str(req.route_params["path"])

    return blueprint


app = create([])
