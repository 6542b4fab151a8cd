"""
Parked messages and dead letters: what nobody could handle, shown to a person, tried again or thrown away.
"""

import json
import re
from typing import Any

from apimend.engine.deadletters import hear_again
from apimend.model.errors import ApimendError, Gone
from apimend.model.ids import InstanceId
from apimend.model.runs import Cause, Trigger
from apimend.report.plain import clean
from apimend.storage.names import VISITS_QUEUE
from apimend.storage.parked import Parked
from apimend.web import decisions
from apimend.web.answers import Answer, ok
from apimend.web.app import App
from apimend.web.request import NameBody, Request, json_body
from apimend.web.route import Route
from apimend.web.signin import Caller

_BLOB = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", re.ASCII)
"""Names as Event Grid gives them; no other text of a request becomes a name in storage."""


async def _parked(app: App, request: Request, who: Caller) -> Answer:
    """What is parked, oldest first."""
    return ok({"parked": [_told(parked) for parked in await app.parking.all()]})


async def _parked_again(app: App, request: Request, who: Caller) -> Answer:
    """
    Try one again. Of a visit only the instance counts: its bell is rung, because its ticket may be stale.

    Raises Gone or Denied.
    """
    await decisions.may_tidy(app, who, what="try a parked message again")
    parked = await _find(app, request.path["id"])
    instance = _instance(parked)
    if instance is not None:
        at = app.clock.now()
        await app.storage.bells.ring(Trigger(cause=Cause.REPLAY, instance=instance, at=at, by=who.name))
    else:
        await app.storage.messages.send(parked.queue, parked.text)
    await app.parking.forget(parked.id)
    return ok({"id": parked.id, "queue": parked.queue, "again": True}, status=202)


async def _parked_forget(app: App, request: Request, who: Caller) -> Answer:
    """Throw one away. Raises Gone or Denied."""
    await decisions.may_tidy(app, who, what="throw a parked message away")
    await app.parking.forget((await _find(app, request.path["id"])).id)
    return Answer(status=204, body="")


async def _dead_letters(app: App, request: Request, who: Caller) -> Answer:
    """The names of the batches that Event Grid could not deliver."""
    return ok({"deadLetters": list(await app.dead_letters.names()) if app.dead_letters else []})


async def _dead_letter_again(app: App, request: Request, who: Caller) -> Answer:
    """Hear one again, and throw it away once its bells have rung. Raises Gone, Denied, or BadInput."""
    await decisions.may_tidy(app, who, what="have a dead letter heard again")
    name = json_body(NameBody, request.body).name
    if app.dead_letters is None or not _BLOB.fullmatch(name):
        raise Gone(f"There is no dead letter {clean(name)[:100]!r}.")
    heard = await hear_again(app.dead_letters, app.intake, name)
    told = [{"event": clean(each.event), "rung": [str(one) for one in each.rung], "why": each.why} for each in heard]
    return ok({"heard": told}, status=202)


async def _find(app: App, id: str) -> Parked:
    """By looking through all, so that no id of a request becomes a key of storage."""
    found = next((parked for parked in await app.parking.all() if parked.id == id), None)
    if found is None:
        raise Gone(f"There is no parked message {clean(id)[:100]!r}.")
    return found


def _instance(parked: Parked) -> InstanceId | None:
    if parked.queue != VISITS_QUEUE:
        return None
    try:
        body = json.loads(parked.text)
        return InstanceId.of(body["instance"]) if isinstance(body["instance"], str) else None
    except (ValueError, LookupError, TypeError, RecursionError, ApimendError):
        return None


def _told(parked: Parked) -> dict[str, Any]:
    return {
        "id": parked.id,
        "queue": parked.queue,
        "why": clean(parked.why),
        "text": parked.text,
        "at": parked.at.isoformat(),
    }


PARKED_ROUTES = (
    Route(
        name="parked",
        method="GET",
        path="api/parked",
        handler=_parked,
        about="Messages that nobody could handle.",
        answers={200: "Parked"},
    ),
    Route(
        name="parked_again",
        method="POST",
        path="api/parked/{id}/replay",
        handler=_parked_again,
        about="Try a parked message again.",
        answers={202: "Again"},
        problems=(403, 404),
    ),
    Route(
        name="parked_forget",
        method="DELETE",
        path="api/parked/{id}",
        handler=_parked_forget,
        about="Throw a parked message away.",
        answers={204: ""},
        problems=(403, 404),
    ),
    Route(
        name="dead_letters",
        method="GET",
        path="api/dead-letters",
        handler=_dead_letters,
        about="Batches of events that Event Grid could not deliver.",
        answers={200: "DeadLetters"},
    ),
    Route(
        name="dead_letter_again",
        method="POST",
        path="api/dead-letters/replay",
        handler=_dead_letter_again,
        about="Hear a batch again, and throw it away once its bells have rung.",
        body=NameBody,
        answers={202: "Heard"},
        problems=(400, 403, 404),
    ),
)
