"""
APIs with their revisions, and what stands below them.

`apis/echo` is the current revision, `apis/echo;rev=2` another; both own operations and policies. A release makes a
revision the current one. The list shows current revisions only. Recorded: PUT shows the version set, GET the
authentication lists, the list neither settings nor parameter names; an import answers 202 first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulator.arm.bodies import page
from emulator.arm.entities import PRIVATE_SINCE, Entities, base_of, copy_below, indented, later, private, whole
from emulator.arm.errors import not_found, validation
from emulator.arm.kind import Kind, Write
from emulator.arm.provider import Provider
from emulator.http import Answer, Call, Layout
from emulator.routes import Route, Source
from emulator.store import Json, Resource

KEY_NAMES = {"header": "Ocp-Apim-Subscription-Key", "query": "subscription-key"}
MARK = ";rev="


def accept_api(write: Write) -> tuple[Json, Mapping[str, Any]]:
    """
    An API's properties after a PUT or PATCH. An import (`format` and `value`) is not read; its name and path count.
    """
    held = write.current.properties if write.current is not None else {}
    source = _source(write)
    base = held if write.call.method == "PATCH" or (write.current and not write.sent.get("path")) else {}
    if source is not None:
        base = {**source.properties, **base}
    sent = {
        name: value
        for name, value in write.sent.items()
        if name not in ("format", "value", "sourceApiId", "apiRevision", "isCurrent", "wsdlSelector")
        and value is not None
    }
    given = {**base, **sent}
    if not given.get("displayName") and "value" not in write.sent:
        raise validation("displayName", "'Display Name' should not be empty.")
    name = write.id.rpartition("/")[2]
    _, _, revision = name.partition(MARK)
    properties: Json = {
        "displayName": given.get("displayName") or name,
        "apiRevision": revision or str(held.get("apiRevision", "1")),
        "description": given.get("description"),
        "subscriptionRequired": given.get("subscriptionRequired", True),
        "serviceUrl": given.get("serviceUrl"),
        "backendId": given.get("backendId"),
        "path": str(given.get("path") or "").strip("/"),
        "protocols": given.get("protocols") or ["https"],
        "authenticationSettings": {"oAuth2": None, "openid": None, **(given.get("authenticationSettings") or {})},
        "subscriptionKeyParameterNames": given.get("subscriptionKeyParameterNames") or dict(KEY_NAMES),
    }
    for further in given:
        properties.setdefault(further, given[further])
    if properties.get("type") == "http":
        # Recorded: the usual type is not shown.
        del properties["type"]
    properties["isCurrent"] = not revision
    _check_path(write, properties)
    return properties, {}


def _source(write: Write) -> Resource | None:
    identifier = write.sent.get("sourceApiId")
    if not identifier:
        return None
    wanted = str(identifier)
    if not wanted.casefold().startswith("/subscriptions/"):
        wanted = f"{write.id.rpartition('/apis/')[0]}/apis/{wanted.rpartition('/')[2]}"
    found = write.provider.store.get(wanted)
    if found is None:
        raise validation("sourceApiId", "Source API not found.")
    copy_below(write.provider, found.id, write.id)
    return found


def _check_path(write: Write, properties: Json) -> None:
    """
    Two APIs may not answer on one path unless a version tells them apart.
    """
    root, _, own = write.id.rpartition("/")
    for one in write.provider.store.children(root.rpartition("/")[0], "apis"):
        other = one.name.partition(MARK)[0].casefold()
        if other == own.partition(MARK)[0].casefold():
            continue
        same = all((one.properties.get(name) or "") == (properties.get(name) or "") for name in ("path", "apiVersion"))
        if same and not (one.properties.get("type") == "websocket") ^ (properties.get("type") == "websocket"):
            raise validation(
                "path", f"Cannot create API '{own}' with the same Path '{properties['path']}' as API '{one.name}'."
            )


def shown_api(api: Resource) -> Json:
    lists: Json = {"oAuth2AuthenticationSettings": [], "openidAuthenticationSettings": []}
    settings = {**(api.properties.get("authenticationSettings") or {})}
    properties = {**api.properties, "authenticationSettings": {**settings, **lists}}
    if not api.properties.get("isCurrent"):
        del properties["isCurrent"]
    return properties


def shown_put_api(api: Resource) -> Json:
    properties = dict(api.properties)
    if not properties.get("isCurrent"):
        del properties["isCurrent"]
    return properties


def linked_api(api: Resource) -> Json:
    """
    An API as lists and links show it.
    """
    shown = {**api.properties, "authenticationSettings": None, "subscriptionKeyParameterNames": None}
    if not shown.get("isCurrent"):
        del shown["isCurrent"]
    return shown


API = Kind(
    segment="apis",
    label="Api",
    param="api",
    accept=accept_api,
    shown=shown_api,
    shown_on_put=shown_put_api,
    shown_in_list=linked_api,
    methods=("HEAD", "GET", "PATCH"),
    in_workspaces=True,
    source=Source.RECORDED,
)
OPERATION = Kind(
    segment="operations",
    label="Operation",
    param="operation",
    parent=API,
    accept=lambda write: _operation(write),
    in_workspaces=True,
    note="the kinds of requests and responses are kept as sent",
)


def _operation(write: Write) -> tuple[Json, Mapping[str, Any]]:
    held = write.current.properties if write.current is not None and write.call.method == "PATCH" else {}
    given = {
        "templateParameters": [],
        "description": None,
        "responses": [],
        "policies": None,
        **held,
        **write.sent,
    }
    for name in ("displayName", "method", "urlTemplate"):
        if not given.get(name):
            raise validation(name, f"'{name}' must not be empty.")
    return given, {}


class Apis:
    """
    The routes of APIs that differ from other entities.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._entities = Entities(provider, API)

    def routes(self) -> list[Route]:
        found = self._entities.routes()
        service = found[0].path.removesuffix("/apis/{api}")
        for base in (service, f"{service}/workspaces/{{workspace}}"):
            found += [
                Route(method="GET", path=f"{base}/apis", handler=self.list_current, source=Source.RECORDED),
                Route(method="PUT", path=f"{base}/apis/{{api}}", handler=self.put, source=Source.RECORDED),
                Route(method="DELETE", path=f"{base}/apis/{{api}}", handler=self.delete, source=Source.RECORDED),
                Route(
                    method="GET", path=f"{base}/apis/{{api}}/revisions", handler=self.revisions, source=Source.SPECIFIED
                ),
                Route(
                    method="GET", path=f"{base}/apis/{{api}}/releases", handler=self.releases, source=Source.SPECIFIED
                ),
                Route(
                    method="PUT",
                    path=f"{base}/apis/{{api}}/releases/{{release}}",
                    handler=self.release,
                    source=Source.INFERRED,
                    note="swaps which revision is current",
                ),
            ]
        return found

    async def list_current(self, call: Call) -> Answer:
        base = base_of(self._provider, call)
        every = self._provider.store.children(base, "apis")
        found = [one for one in every if self._provider.options.list_revisions or MARK not in one.name]
        return private(
            call,
            page(self._provider, call, found, lambda one: whole(one, linked_api(one)), layout=Layout.INDENTED),
        )

    async def put(self, call: Call) -> Answer:
        answer = self._with_version_set(await self._entities.put(call))
        imported = b'"value"' in call.body and b'"format"' in call.body
        if not imported:
            return answer
        service = self._provider.service_of(call)
        if call.api_version >= PRIVATE_SINCE:
            return later(self._provider, call, service, answer, answer.status, both=True)
        return later(self._provider, call, service, Answer(status=202), answer.status)

    def _with_version_set(self, answer: Answer) -> Answer:
        """
        The answer to a PUT also describes the version set that the API names.
        """
        properties = answer.body["properties"]
        found = self._provider.store.get(str(properties.get("apiVersionSetId") or ""))
        if found is not None:
            own = found.properties
            properties["apiVersionSet"] = {
                "id": found.id,
                "name": own.get("displayName"),
                "description": own.get("description"),
                "versioningScheme": own.get("versioningScheme"),
                "versionQueryName": own.get("versionQueryName"),
                "versionHeaderName": own.get("versionHeaderName"),
            }
        return answer

    async def delete(self, call: Call) -> Answer:
        identifier = self._entities.identifier(call)
        if self._provider.store.get(identifier) is None:
            return private(call, Answer(status=204))
        answer = await self._entities.delete(call)
        for one in self._provider.store.children(base_of(self._provider, call), "apis"):
            if one.name.casefold().startswith(f"{call.params['api']}{MARK}".casefold()):
                self._provider.store.remove(one.id, at=self._provider.now())
        if call.api_version < PRIVATE_SINCE:
            return answer
        return later(self._provider, call, self._provider.service_of(call), Answer(status=202), 204, both=True)

    async def revisions(self, call: Call) -> Answer:
        items = [
            {
                "apiId": f"/apis/{one.name}",
                "apiRevision": one.properties["apiRevision"],
                "createdDateTime": _moment(one.created),
                "updatedDateTime": _moment(one.changed),
                "privateUrl": f"/{one.properties['path']}{MARK}{one.properties['apiRevision']}",
                **({"description": text} if (text := one.properties.get("apiRevisionDescription")) else {}),
                "isOnline": one.properties.get("isOnline") is not False,
                "isCurrent": bool(one.properties.get("isCurrent")),
            }
            for one in self._family(call)
        ]
        return private(call, page(self._provider, call, items, layout=Layout.INDENTED))

    async def releases(self, call: Call) -> Answer:
        api = self._entities.existing(call)
        items = [whole(one, one.properties) for one in self._provider.store.children(api.id, "releases")]
        return private(call, page(self._provider, call, items, layout=Layout.INDENTED))

    async def release(self, call: Call) -> Answer:
        current = self._entities.existing(call)
        sent = (call.json() or {}).get("properties") or {}
        wanted = self._provider.store.get(str(sent.get("apiId", "")))
        if wanted is None:
            raise not_found("Api")
        if wanted.id != current.id:
            self._swap(current, wanted)
        now = self._provider.now()
        saved = self._provider.store.put(
            Resource(
                id=f"{current.id}/releases/{call.params['release']}",
                type="Microsoft.ApiManagement/service/apis/releases",
                name=call.params["release"],
                body={
                    "properties": {
                        "apiId": current.id,
                        "createdDateTime": _moment(now),
                        "updatedDateTime": _moment(now),
                        **({"notes": sent["notes"]} if sent.get("notes") else {}),
                    }
                },
                etag=self._provider.store.next_etag(),
            ),
            at=now,
        )
        return private(call, indented(whole(saved, saved.properties), 201))

    def _family(self, call: Call) -> list[Resource]:
        bare = self._entities.existing(call).name.partition(MARK)[0].casefold()
        base = base_of(self._provider, call)
        return [
            one for one in self._provider.store.children(base, "apis") if one.name.partition(MARK)[0].casefold() == bare
        ]

    def _swap(self, current: Resource, wanted: Resource) -> None:
        """
        Make a revision the current one: the two trade places with all that stands below them.
        """
        leaving = f"{current.id.partition(MARK)[0]}{MARK}{current.properties['apiRevision']}"
        self._move(current, leaving, is_current=False)
        self._move(wanted, current.id, is_current=True)

    def _move(self, api: Resource, identifier: str, *, is_current: bool) -> None:
        store, now = self._provider.store, self._provider.now()
        below = list(store.below(api.id))
        store.remove(api.id, at=now)
        moved = replace(api, id=identifier, name=identifier.rpartition("/")[2], etag=store.next_etag())
        store.put(moved.with_properties(isCurrent=is_current), at=now)
        for one in below:
            store.put(replace(one, id=identifier + one.id[len(api.id) :]), at=now)


def _moment(moment: Any) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z" if moment is not None else None
