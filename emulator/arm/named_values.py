"""
Named values, plain, secret or fetched from a vault.

Recorded: PUT and PATCH answer 202 on classic tiers and a stub on v2; a secret has no `value` when it is read;
`listValue` gives it in a flat object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.arm.certificates import vault_member
from emulator.arm.entities import SERVICE_PATH, Entities, with_etag
from emulator.arm.errors import management_error, validation
from emulator.arm.keyvault import FetchFailed, fetch_secret
from emulator.arm.kind import Kind, Write
from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.routes import Route, Source
from emulator.store import Json, Resource


def _accept(write: Write) -> tuple[Json, Mapping[str, Any]]:
    held = write.current.properties if write.current is not None and write.call.method == "PATCH" else {}
    given = {**held, **write.sent}
    if not given.get("displayName"):
        raise validation("displayName", "Named value's display name should not be empty.")
    value, hidden = given.pop("value", None), {}
    properties: Json = {
        "displayName": given["displayName"],
        "tags": given.get("tags"),
        "secret": bool(given.get("secret")),
    }
    vault = given.get("keyVault")
    if isinstance(vault, Mapping):
        secret, identity = str(vault.get("secretIdentifier", "")), vault.get("identityClientId") or None
        try:
            value = fetch_secret(write.provider, write.service, secret, identity).secret()
        except FetchFailed as failed:
            raise management_error(400, failed.code, failed.message) from failed
        properties["keyVault"] = vault_member(secret, identity, write.provider.now(), None, "")
        properties["secret"] = True
    elif value is None:
        value = write.current.hidden.get("value") if write.current is not None else None
    hidden = {"value": value}
    return {**properties, "provisioningState": "Succeeded"}, hidden


def _shown(named_value: Resource) -> Json:
    properties = dict(named_value.properties)
    if properties["secret"]:
        return properties
    name = properties.pop("displayName")
    return {"displayName": name, "value": named_value.hidden["value"], **properties}


NAMED_VALUE = Kind(
    segment="namedValues",
    label="Property",
    param="namedValue",
    accept=_accept,
    shown=_shown,
    in_workspaces=True,
    asynchronous=True,
    source=Source.RECORDED,
)


class NamedValues:
    """
    The routes of named values.
    """

    def __init__(self, provider: Provider) -> None:
        self._entities = Entities(provider, NAMED_VALUE)

    def routes(self) -> list[Route]:
        reveal = [
            Route(
                method="POST",
                path=f"{base}/namedValues/{{namedValue}}/listValue",
                handler=self.reveal,
                source=Source.RECORDED,
            )
            for base in (SERVICE_PATH, f"{SERVICE_PATH}/workspaces/{{workspace}}")
        ]
        return [*self._entities.routes(), *reveal]

    async def reveal(self, call: Call) -> Answer:
        found = self._entities.existing(call)
        return with_etag(call, Answer(body={"value": found.hidden["value"]}), found.etag)
