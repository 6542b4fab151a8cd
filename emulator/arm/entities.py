"""
Resources below a service that are created, shown, changed and deleted in the same way.

A `Kind` says what is special about one: its place in the path, its defaults, how it differs between PUT and GET. The
If-Match rules, paging, etags and answers are here once. Special resources use the same steps from their own modules.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from emulator.arm import references
from emulator.arm.bodies import body_of, page
from emulator.arm.errors import management_error, not_found, precondition_failed
from emulator.arm.filters import filtered
from emulator.arm.kind import Kind, Write
from emulator.arm.provider import SERVICE, Provider
from emulator.http import Answer, Call, Layout, Refusal
from emulator.routes import Route
from emulator.store import Json, Resource

SERVICE_PATH = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ApiManagement/service/{service}"
)
PRIVATE_SINCE = "2023-05-01"


@dataclass
class Entities:
    """
    The handlers of one kind.
    """

    provider: Provider
    kind: Kind
    _asynchronous: dict[str, str] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        found = self._at(SERVICE_PATH)
        if self.kind.in_workspaces:
            found += self._at(f"{SERVICE_PATH}/workspaces/{{workspace}}")
        return found

    def _at(self, base: str) -> list[Route]:
        collection = f"{base}{self.kind.collection}"
        item = f"{collection}/{{{self.kind.param}}}"
        handlers = {
            "LIST": ("GET", collection, self.list_all),
            "HEAD": ("HEAD", item, self.head),
            "GET": ("GET", item, self.get),
            "PUT": ("PUT", item, self.put),
            "PATCH": ("PATCH", item, self.patch),
            "DELETE": ("DELETE", item, self.delete),
        }
        return [
            Route(
                method=handlers[name][0],
                path=handlers[name][1],
                handler=handlers[name][2],
                source=self.kind.source,
                note=self.kind.note,
            )
            for name in self.kind.methods
        ]

    async def list_all(self, call: Call) -> Answer:
        parent = self.parent_id(call)
        show = self.kind.shown_in_list or self.kind.shown
        lag = self.provider.options.list_lag
        now = self.provider.now()
        found = [
            one
            for one in self.provider.store.children(parent, self.kind.segment)
            if not lag or one.created is None or one.created + lag <= now
        ]
        picked = filtered(call.query.get("$filter", ""), found)
        return private(
            call, page(self.provider, call, picked, lambda one: whole(one, show(one)), layout=Layout.INDENTED)
        )

    async def head(self, call: Call) -> Answer:
        return with_etag(call, Answer(), self.existing(call).etag)

    async def get(self, call: Call) -> Answer:
        refuse_unfinished(self.provider, call)
        if call.query.get("asyncCode") == "204":
            # The end of a deletion that was announced with 202.
            return private(call, Answer(status=204))
        found = self.existing(call)
        status = int(call.query.get("asyncCode", "200")) if "asyncId" in call.query else 200
        return with_etag(call, indented(whole(found, self.kind.shown(found)), status), found.etag)

    async def put(self, call: Call) -> Answer:
        identifier = self.identifier(call)
        return self.write(call, identifier, self.provider.store.get(identifier))

    async def patch(self, call: Call) -> Answer:
        current = self.provider.store.get(self.identifier(call))
        if current is None:
            raise not_found(self.kind.label)
        return self.write(call, current.id, current)

    async def delete(self, call: Call) -> Answer:
        current = self.provider.store.get(self.identifier(call))
        if current is None:
            return private(call, Answer(status=204))
        match(self.provider, call, current)
        if self.kind.in_use is not None and self.provider.options.certificate_in_use_status is not None:
            user = self.kind.in_use(self.provider, current)
            if user:
                # That it is refused is documented, the text is ours.
                raise management_error(
                    self.provider.options.certificate_in_use_status,
                    "ValidationError",
                    f"{self.kind.label} '{current.name}' is in use by {user}.",
                )
        self.provider.store.remove(current.id, at=self.provider.now())
        if self.kind.after is not None:
            self.kind.after(self.provider, current)
        return private(call, Answer(status=200))

    def write(self, call: Call, identifier: str, current: Resource | None) -> Answer:
        """
        One accepted PUT or PATCH.
        """
        match(self.provider, call, current)
        sent = body_of(call).get("properties")
        service = self.provider.service_of(call)
        properties, hidden = self.kind.accept(
            Write(
                provider=self.provider,
                call=call,
                service=service,
                id=identifier,
                current=current,
                sent={} if not isinstance(sent, Mapping) else sent,
            )
        )
        saved = self.save(identifier, current, properties, hidden)
        created = current is None
        if self.kind.asynchronous:
            return self._pending(call, service, saved, created)
        show = self.kind.shown_on_put if call.method == "PUT" and self.kind.shown_on_put else self.kind.shown
        return with_etag(call, indented(whole(saved, show(saved)), 201 if created else 200), saved.etag)

    def save(self, identifier: str, current: Resource | None, properties: Json, hidden: Mapping[str, Any]) -> Resource:
        same = current is not None and current.properties == properties
        if current is not None and same and self.kind.same_content_same_etag:
            etag = current.etag
        else:
            etag = self.provider.store.next_etag(little_endian=self.kind.little_endian)
        saved = Resource(
            id=identifier if current is None else current.id,
            type=resource_type(identifier),
            name=identifier.rpartition("/")[2],
            body={"properties": properties},
            hidden={**(current.hidden if current is not None else {}), **hidden},
            etag=etag,
        )
        saved = self.provider.store.put(saved, at=self.provider.now())
        if self.kind.after is not None:
            self.kind.after(self.provider, saved)
        return saved

    def existing(self, call: Call) -> Resource:
        """
        The resource of the path, or the 404 of its kind; as an inconsistent read may show it.
        """
        found = seen(self.provider, call, self.identifier(call))
        if found is None:
            raise not_found(self.kind.label)
        return found

    def identifier(self, call: Call) -> str:
        """
        The id a call's path names: that of the resource as created, or the one it would get.
        """
        collection, name = f"{self.parent_id(call)}/{self.kind.segment}", call.params[self.kind.param]
        found = references.find(self.provider, collection, name)
        return found.id if found is not None else f"{collection}/{name}"

    def parent_id(self, call: Call) -> str:
        """
        The id of the parent, after every ancestor was found.
        """
        # The path of a workspace has the placeholder that elsewhere means "inside of it".
        outside = self.kind.segment == "workspaces"
        base = self.provider.service_of(call).id if outside else base_of(self.provider, call)
        return _descend(self.provider, call, base, self.kind.parent)

    def _pending(self, call: Call, service: Resource, saved: Resource, created: bool) -> Answer:
        """
        The answer of a write that real services finish a moment later. The newer clients accept no 202 here.
        """
        code = 201 if created else 200
        if not (is_v2_service(service) or call.api_version >= PRIVATE_SINCE):
            return later(self.provider, call, service, Answer(status=202), code)
        stub = indented(whole(saved, {"ProvisioningState": "InProgress"}), code)
        return later(self.provider, call, service, stub, code, both=True)


def later(
    provider: Provider, call: Call, service: Resource, answer: Answer, code: int, *, both: bool = False
) -> Answer:
    """
    An answer with the headers that say where the end of a write below a service will be told. The effect is there at
    once; when it really shows was never recorded.
    """
    identifier, version = os.urandom(12).hex(), f"?api-version={call.api_version}"
    origin = provider.azure.endpoints.arm
    if provider.options.child_duration:
        provider.unfinished[identifier] = provider.now() + provider.options.child_duration
    if both:
        answer.headers["Azure-AsyncOperation"] = f"{origin}{service.id}/tenant/operationResults/{identifier}{version}"
    answer.headers["Location"] = f"{origin}{call.path}{version}&asyncId={identifier}&asyncCode={code}"
    return private(call, answer)


def refuse_unfinished(provider: Provider, call: Call) -> None:
    """
    A poll of a write that goes on is answered with 202 and the way back, as polls of the service are.
    """
    if call.query.get("asyncId") in provider.unfinished:
        answer = Answer(status=202)
        answer.headers["Location"] = call.url
        raise Refusal(private(call, answer))


def base_of(provider: Provider, call: Call) -> str:
    """
    The id of the service, or of the workspace where the path has one.
    """
    service = provider.service_of(call)
    workspace = call.params.get("workspace")
    if workspace is None:
        return service.id
    found = provider.store.get(f"{service.id}/workspaces/{workspace}")
    if found is None:
        raise not_found("Workspace")
    return found.id


def _descend(provider: Provider, call: Call, base: str, kind: Kind | None) -> str:
    if kind is None:
        return base
    above = _descend(provider, call, base, kind.parent)
    found = references.find(provider, f"{above}/{kind.segment}", call.params[kind.param])
    if found is None:
        raise kind.missing()
    return found.id


def seen(provider: Provider, call: Call, identifier: str) -> Resource | None:
    """
    What a read sees: usually the present, sometimes what was there before the last change.
    """
    changed, before, when = provider.store.before(identifier)
    lag = provider.options.consistency_lag
    late = bool(lag) and when is not None and when + lag > provider.now()
    return before if changed and (call.stale or late) else provider.store.get(identifier)


def match(provider: Provider, call: Call, current: Resource | None) -> None:
    """
    The If-Match rules of the management API.
    """
    wanted = call.headers.get("If-Match")
    if wanted is None:
        strict = {"DELETE": provider.options.delete_without_if_match, "PUT": provider.options.put_without_if_match}
        if current is not None and not strict.get(call.method, True):
            raise management_error(400, "ValidationError", "The If-Match header is required.", [{"target": "If-Match"}])
        return
    if wanted.strip() == "*":
        return
    if current is None or wanted.strip() != current.etag:
        raise precondition_failed()


def whole(resource: Resource, properties: Json) -> Json:
    return {"id": resource.id, "type": resource.type, "name": resource.name, "properties": properties}


def resource_type(identifier: str) -> str:
    """
    The type of a resource below a service, with the segments as created.
    """
    parts = identifier.split("/")
    at = next(i for i, part in enumerate(parts) if part.casefold() == "service")
    return "/".join([SERVICE, *parts[at + 2 :: 2]])


def indented(body: Json, status: int = 200) -> Answer:
    return Answer(status=status, body=body, layout=Layout.INDENTED)


def with_etag(call: Call, answer: Answer, etag: str) -> Answer:
    answer.headers["ETag"] = etag
    return private(call, answer)


def private(call: Call, answer: Answer) -> Answer:
    """
    Since 2023-05-01 answers from below a service are `private` and carry neither Pragma nor Expires.
    """
    if call.api_version >= PRIVATE_SINCE:
        answer.headers["Cache-Control"] = "private"
    return answer


def is_v2_service(service: Resource) -> bool:
    return str((service.body.get("sku") or {}).get("name", "")).casefold().endswith("v2")


def copy_below(provider: Provider, old: str, new: str) -> None:
    """
    Copy everything below one id to another, with new etags.
    """
    for one in list(provider.store.below(old)):
        identifier = new + one.id[len(old) :]
        provider.store.put(
            replace(one, id=identifier, etag=provider.store.next_etag(), created=None), at=provider.now()
        )
