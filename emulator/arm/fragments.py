"""
Policy fragments: documents without sections that other policies include.

Recorded: the PUT is finished a moment later (202 on classic tiers, a stub on v2), ids come back with a lower-cased
segment, etags are little-endian. A fragment in use can't be deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator import policytext
from emulator.arm import references
from emulator.arm.entities import SERVICE_PATH, Entities, indented, match, private, refuse_unfinished, whole, with_etag
from emulator.arm.errors import management_error, not_found, validation
from emulator.arm.kind import Kind, Write
from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.policytext import PolicyError, Scope
from emulator.routes import Route, Source
from emulator.store import Json, Resource

BIGGEST = 512 * 1024


def _accept(write: Write) -> tuple[Json, Mapping[str, Any]]:
    text, form = write.sent.get("value"), write.sent.get("format") or "xml"
    if not isinstance(text, str) or not text.strip():
        raise validation("value", "Value should not be empty.")
    if len(text.encode()) > BIGGEST:
        raise validation("value", f"The policy fragment exceeds the maximum size of {BIGGEST // 1024} KiB.")
    try:
        kept, document = policytext.stored(text, form=form)
    except PolicyError as wrong:
        raise management_error(
            400, "ValidationError", f"The policy fragment is not a valid XML: {wrong.message}"
        ) from wrong
    try:
        policytext.check(document, Scope.FRAGMENT)
        references.check(write.provider, write.service, write.id, document)
    except PolicyError as wrong:
        raise validation(wrong.target, wrong.message) from wrong
    return {"description": write.sent.get("description"), "value": kept, "provisioningState": "Succeeded"}, {}


FRAGMENT = Kind(
    segment="policyFragments",
    label="Policy fragment",
    param="fragment",
    accept=_accept,
    little_endian=True,
    methods=("LIST", "HEAD", "PUT"),
    in_workspaces=True,
    asynchronous=True,
    source=Source.RECORDED,
)


class Fragments:
    """
    The routes of fragments.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._entities = Entities(provider, FRAGMENT)

    def routes(self) -> list[Route]:
        found = self._entities.routes()
        for base in (SERVICE_PATH, f"{SERVICE_PATH}/workspaces/{{workspace}}"):
            item = f"{base}/policyFragments/{{fragment}}"
            found += [
                Route(method="GET", path=item, handler=self.get, source=Source.RECORDED),
                Route(method="DELETE", path=item, handler=self.delete, source=Source.RECORDED),
                Route(method="POST", path=f"{item}/listReferences", handler=self.users, source=Source.SPECIFIED),
            ]
        return found

    async def get(self, call: Call) -> Answer:
        refuse_unfinished(self._provider, call)
        found = self._entities.existing(call)
        status = int(call.query.get("asyncCode", "200"))
        raw = call.query.get("format") == "rawxml"
        properties = dict(found.properties)
        properties["value"] = policytext.presented(properties["value"], form="rawxml" if raw else "xml")
        if raw:
            properties["format"] = "rawxml"
        shown = whole(found, properties)
        shown["id"] = found.id.replace("/policyFragments/", "/policyfragments/")
        return with_etag(call, indented(shown, status), found.etag)

    async def delete(self, call: Call) -> Answer:
        current = self._provider.store.get(self._entities.identifier(call))
        if current is None:
            return private(call, Answer(status=204))
        match(self._provider, call, current)
        users = self._users(current)
        if users:
            # That it is refused is documented, the text is ours.
            raise management_error(
                400, "ValidationError", f"Policy fragment '{current.name}' is in use by {', '.join(users)}."
            )
        self._provider.store.remove(current.id, at=self._provider.now())
        return private(call, Answer())

    async def users(self, call: Call) -> Answer:
        current = self._provider.store.get(self._entities.identifier(call))
        if current is None:
            raise not_found("Policy fragment")
        users = self._users(current)
        return private(call, indented({"value": [{"id": one} for one in users], "count": len(users)}))

    def _users(self, fragment: Resource) -> list[str]:
        service = "/".join(fragment.id.split("/")[:9])
        return references.users_of(self._provider, fragment, service, "policyFragments")
