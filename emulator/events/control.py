"""
The routes by which somebody outside the process steers Event Grid: `/_emulator/events/…`.

They take the words of Event Grid's own API. Real subscriptions are made through Azure Resource Manager; here a single
PUT is enough. Nothing is decided here: every route calls one method of the part.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from emulator import forms
from emulator.events.dispatch import Mischief
from emulator.events.event import Event, Family, Json, timestamp
from emulator.events.filters import BadFilter
from emulator.events.hub import Hub
from emulator.events.subscription import State, Subscription
from emulator.events.topic import CustomTopic
from emulator.events.webhook import HandshakeFailed
from emulator.http import Answer, Call
from emulator.routes import Handler, Place, Route, RouteTable

ROOT = "/_emulator/events"
MOST_COPIES = 100
LONGEST_DELAY = 30 * 86_400.0
MISCHIEF: Mapping[str, forms.Reader] = {
    "copies": forms.whole(1, MOST_COPIES),
    "delaySeconds": forms.real(LONGEST_DELAY),
    "reverse": forms.flag,
}


class Control:
    """
    The handlers.
    """

    def __init__(self, hub: Hub, topic: CustomTopic) -> None:
        self._hub = hub
        self._topic = topic

    def routes(self, table: RouteTable) -> None:
        handlers: dict[tuple[str, str], Handler] = {
            ("GET", "/subscriptions"): self.subscriptions,
            ("PUT", "/subscriptions/{name}"): self.subscribe,
            ("DELETE", "/subscriptions/{name}"): self.unsubscribe,
            ("GET", "/validate/{name}"): self.validate,
            ("GET", "/deliveries"): self.deliveries,
            ("GET", "/dead-letters"): self.dead_letters,
            ("GET", "/metrics"): self.metrics,
            ("GET", "/published"): self.published,
            ("PUT", "/mischief"): self.mischief,
            ("POST", "/raise"): self.raise_event,
        }
        for (method, path), handler in handlers.items():
            table.add(Route(method=method, path=ROOT + path, handler=handler, place=Place.PLAIN))

    async def subscriptions(self, call: Call) -> Answer:
        return Answer(body={"value": [_shown(*one) for one in self._hub.dispatcher.subscriptions.values()]})

    async def subscribe(self, call: Call) -> Answer:
        try:
            subscription = Subscription.parse(call.params["name"], forms.json_object(call))
            state = await self._hub.add(subscription)
        except HandshakeFailed as refused:
            return _refusal("Url validation", str(refused))
        except (BadFilter, ValueError, KeyError, TypeError, AttributeError) as wrong:
            return _refusal("InvalidRequest", f"{type(wrong).__name__}: {wrong}")
        return Answer(status=201, body=_shown(subscription, state))

    async def unsubscribe(self, call: Call) -> Answer:
        return Answer(status=200 if self._hub.dispatcher.forget(call.params["name"]) else 204)

    async def validate(self, call: Call) -> Answer:
        if self._hub.confirm(call.params["name"], call.query.get("code", "")):
            return Answer(body="Webhook successfully validated as a subscription endpoint.", content_type="text/plain")
        return _refusal("InvalidRequest", "unknown or stale validation code")

    async def deliveries(self, call: Call) -> Answer:
        return Answer(body={"value": [one.as_json() for one in self._hub.dispatcher.attempts]})

    async def dead_letters(self, call: Call) -> Answer:
        letters = self._hub.dispatcher.dead_letters
        return Answer(body={"value": [{"blob": one.blob, "content": [one.body]} for one in letters]})

    async def metrics(self, call: Call) -> Answer:
        return Answer(body=dict(self._hub.dispatcher.metrics))

    async def published(self, call: Call) -> Answer:
        return Answer(
            body={
                "value": [
                    {"at": timestamp(one.at), "schema": one.schema.value, "event": one.body}
                    for one in self._topic.published
                ]
            }
        )

    async def mischief(self, call: Call) -> Answer:
        form = forms.read(call, MISCHIEF)
        self._hub.dispatcher.mischief = Mischief(
            copies=form.get("copies", 1),
            delay=timedelta(seconds=form.get("delaySeconds", 0)),
            reverse=form.get("reverse", False),
        )
        return Answer(body=form)

    async def raise_event(self, call: Call) -> Answer:
        """
        Raise an event written in the Event Grid schema, as if its source had.
        """
        form = forms.json_object(call)
        missing = [name for name in ("topic", "subject", "eventType") if not isinstance(form.get(name), str)]
        if missing:
            return _refusal("InvalidRequest", f"an event needs {', '.join(missing)}")
        self._hub.publish(
            Event(
                id=str(form.get("id") or self._hub.new_id()),
                family=_family(form["eventType"]),
                topic=form["topic"],
                subject=form["subject"],
                type=form["eventType"],
                time=str(form.get("eventTime") or timestamp(call.at)),
                data=form.get("data", {}),
                data_version=str(form.get("dataVersion", "1")),
            )
        )
        return Answer(status=202)


def _family(event_type: str) -> Family:
    prefixes = {
        "Microsoft.Resources.": Family.ARM,
        "Microsoft.ApiManagement.": Family.APIM,
        "Microsoft.KeyVault.": Family.VAULT,
    }
    return next((family for prefix, family in prefixes.items() if event_type.startswith(prefix)), Family.TOPIC)


def _shown(subscription: Subscription, state: State) -> Json:
    """
    A subscription without the query of its URL, which holds the key.
    """
    return {
        "name": subscription.name,
        "provisioningState": state.value,
        "source": subscription.source,
        "eventDeliverySchema": subscription.schema.value,
        "destination": {"endpointBaseUrl": subscription.url.partition("?")[0]},
    }


def _refusal(code: str, message: str) -> Answer:
    return Answer(status=400, body={"error": {"code": code, "message": message}})
