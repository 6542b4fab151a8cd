"""
Subscriptions of a service: who may call what with which key.

Recorded: keys are shown by PUT and `listSecrets` only; the scope comes back as a full id; PATCH answers 204. Every
service has the built-in all-access subscription `master`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from emulator.arm.entities import SERVICE_PATH, Entities, private, with_etag
from emulator.arm.errors import validation
from emulator.arm.kind import Kind, Write
from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.routes import Route, Source
from emulator.store import Json, Resource

MASTER = "master"
KEYS = ("primaryKey", "secondaryKey")


def full_scope(home: str, scope: str) -> str:
    """
    A scope as the service writes it back.
    """
    if scope.casefold().startswith("/subscriptions/"):
        return scope
    return f"{home}/{scope.strip('/')}" if scope.strip("/") else f"{home}/"


def _accept(write: Write) -> tuple[Json, Mapping[str, Any]]:
    current = write.current if write.call.method == "PATCH" else None
    given = {**(current.properties if current is not None else {}), **write.sent}
    if not given.get("displayName"):
        raise validation("displayName", "Subscription's display name should not be empty.")
    if not given.get("scope"):
        raise validation("scope", "Subscription's scope should not be empty.")
    before = write.current.hidden if write.current is not None else {}
    hidden = {name: given.get(name) or before.get(name) or os.urandom(16).hex() for name in KEYS}
    home = write.id.rpartition("/subscriptions/")[0]
    created = (write.current.properties if write.current is not None else {}).get("createdDate")
    properties: Json = {
        "scope": full_scope(home, str(given["scope"])),
        "displayName": given["displayName"],
        "state": given.get("state", "active"),
        "createdDate": created or write.provider.now().strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z",
        "startDate": given.get("startDate"),
        "expirationDate": given.get("expirationDate"),
        "endDate": given.get("endDate"),
        "notificationDate": given.get("notificationDate"),
        "stateComment": given.get("stateComment"),
        "allowTracing": bool(given.get("allowTracing")),
    }
    if given.get("ownerId"):
        properties["ownerId"] = given["ownerId"]
    return properties, hidden


def _with_keys(subscription: Resource) -> Json:
    properties = dict(subscription.properties)
    rest = {name: properties.pop(name) for name in ("stateComment", "allowTracing")}
    return {**properties, **{name: subscription.hidden[name] for name in KEYS}, **rest}


SUBSCRIPTION = Kind(
    segment="subscriptions",
    label="Subscription",
    param="sid",
    accept=_accept,
    shown_on_put=_with_keys,
    methods=("LIST", "HEAD", "GET", "PUT", "DELETE"),
    in_workspaces=True,
    source=Source.RECORDED,
)


class Subscriptions:
    """
    The routes of subscriptions.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._entities = Entities(provider, SUBSCRIPTION)

    def routes(self) -> list[Route]:
        found = self._entities.routes()
        for base in (SERVICE_PATH, f"{SERVICE_PATH}/workspaces/{{workspace}}"):
            item = f"{base}/subscriptions/{{sid}}"
            found += [
                Route(method="PATCH", path=item, handler=self.patch, source=Source.RECORDED),
                Route(method="POST", path=f"{item}/listSecrets", handler=self.reveal, source=Source.RECORDED),
                Route(method="POST", path=f"{item}/regeneratePrimaryKey", handler=self.renew, source=Source.SPECIFIED),
                Route(
                    method="POST", path=f"{item}/regenerateSecondaryKey", handler=self.renew, source=Source.SPECIFIED
                ),
            ]
        return found

    async def patch(self, call: Call) -> Answer:
        await self._entities.patch(call)
        return private(call, Answer(status=204))

    async def reveal(self, call: Call) -> Answer:
        found = self._entities.existing(call)
        return with_etag(call, Answer(body={name: found.hidden[name] for name in KEYS}), found.etag)

    async def renew(self, call: Call) -> Answer:
        found = self._entities.existing(call)
        name = "primaryKey" if call.path.casefold().endswith("regenerateprimarykey") else "secondaryKey"
        fresh = found.with_hidden(**{name: os.urandom(16).hex()})
        self._provider.store.put(fresh, at=self._provider.now())
        return private(call, Answer(status=204))
