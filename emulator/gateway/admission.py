"""
Which API and operation a request is for, and in whose context it runs, before any policy does.

Version and revision (`;rev=`) pick the API, the subscription key picks the product: a key of a product brings that
product's policy, any other key none, no key the open product's. Policies are not looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from emulator.gateway.estate import Api, Estate
from emulator.gateway.http1 import Message
from emulator.gateway.outcome import NotEmulated, PolicyFailed, denied
from emulator.options import Options
from emulator.store import Resource, key_of

REVISION = re.compile(r";rev=(?P<number>\w+)", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{(?P<all>\*?)(?P<name>[^}]*)\}")
KINDS = frozenset({"http", "soap", "graphql", "websocket"})
KEY_HEADER = "Ocp-Apim-Subscription-Key"
KEY_QUERY = "subscription-key"


@dataclass(frozen=True, kw_only=True)
class Target:
    """
    Where a request goes. `rest` is the path below the API; without a product the call runs in the API's own context.
    """

    api: Api
    rest: str
    operation: Resource | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    product: Resource | None = None
    subscription: Resource | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """
    A request line taken apart.
    """

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    revision: str
    message: Message

    @classmethod
    def of(cls, message: Message) -> Asked:
        parts = urlsplit(message.first[1])
        revision = REVISION.search(unquote(parts.path))
        return cls(
            method=message.first[0].upper(),
            host=message.headers.get("Host", "").partition(":")[0].casefold(),
            path=REVISION.sub("", unquote(parts.path)).strip("/"),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            revision=revision["number"] if revision else "",
            message=message,
        )


def api_for(estate: Estate, asked: Asked) -> Target | None:
    """
    The API with the longest matching path, at the version and revision that are asked for.
    """
    found: list[tuple[int, Target]] = []
    for api in estate.apis():
        if not (api.revision == asked.revision and api.is_online if asked.revision else api.is_current):
            continue
        rest = _below(estate, api, asked)
        if rest is not None:
            found.append((-len(rest), Target(api=api, rest=rest)))
    return max(found, key=lambda one: one[0])[1] if found else None


def with_operation(estate: Estate, target: Target, method: str) -> Target | None:
    """
    The target with its operation; GraphQL has none to choose, WebSocket only its handshake.
    """
    if target.api.kind not in KINDS:
        raise NotEmulated(f"an API of type {target.api.kind}")
    if target.api.kind == "graphql":
        return target if method in ("GET", "POST") else None
    found: list[tuple[tuple[bool, ...], Target]] = []
    for operation in estate.operations(target.api):
        properties = operation.properties
        handshake = target.api.kind == "websocket" and operation.name.casefold() == "onhandshake"
        template = "/" if handshake else str(properties.get("urlTemplate") or "/")
        allowed = "GET" if handshake else str(properties.get("method") or "GET").upper()
        if allowed not in (method, "*"):
            continue
        values = _matched(template, target.rest)
        if values is not None:
            rank = tuple("{" not in part and part != "*" for part in _template_parts(template))
            found.append((rank, replace(target, operation=operation, values=values)))
    return max(found, key=lambda one: one[0])[1] if found else None


def admitted(estate: Estate, target: Target, asked: Asked, options: Options) -> Target:
    """
    The target with the product and subscription of the call; PolicyFailed (401) when a key is needed.
    """
    properties = target.api.resource.properties
    needed = properties.get("subscriptionRequired") is not False
    key = _key(properties, asked)
    if key and (needed or options.keys_count_where_not_required):
        for subscription in estate.subscriptions(target.api):
            if _opens(subscription, key):
                product = _product_of(estate, target.api, subscription)
                if product is not None or _covers(estate, target.api, subscription):
                    return replace(target, product=product, subscription=subscription)
    for product in estate.products(target.api):
        if product.properties.get("subscriptionRequired") is False:
            return replace(target, product=product)
    if not needed:
        return target
    raise PolicyFailed(denied("SubscriptionKeyInvalid" if key else "SubscriptionKeyNotFound"))


def _below(estate: Estate, api: Api, asked: Asked) -> str | None:
    """
    What is left of the path below an API, or None when the request is not for it.
    """
    base, scheme = api.path, ""
    version_set = estate.version_set(api)
    if version_set is not None:
        scheme = str(version_set.properties.get("versioningScheme") or "Segment")
        if scheme == "Segment" and api.version:
            base = f"{base}/{api.version}".strip("/")
        elif scheme == "Query" and asked.query.get(_named(version_set, "versionQueryName"), "") != api.version:
            return None
        elif scheme == "Header":
            header = _named(version_set, "versionHeaderName")
            if asked.message.headers.get(header, "") != api.version:
                return None
    wanted, path = base.casefold(), asked.path.casefold()
    if wanted and path != wanted and not path.startswith(wanted + "/"):
        return None
    return asked.path[len(base) :].strip("/")


def _named(version_set: Resource, name: str) -> str:
    return str(version_set.properties.get(name) or "")


def _template_parts(template: str) -> list[str]:
    return template.partition("?")[0].strip("/").split("/")


def _matched(template: str, rest: str) -> dict[str, str] | None:
    """
    The template's values for a path below the API; `*` and `{*name}` take all that is left.
    """
    pattern = []
    names = []
    for part in _template_parts(template):
        if part == "*":
            pattern.append(".*")
            continue
        pieces, at = "", 0
        for found in PLACEHOLDER.finditer(part):
            names.append(found["name"].lstrip("*"))
            pieces += re.escape(part[at : found.start()]) + ("(.*)" if found["all"] else "([^/]+)")
            at = found.end()
        pattern.append(pieces + re.escape(part[at:]))
    match = re.fullmatch("/".join(pattern), rest, re.IGNORECASE)
    return None if match is None else dict(zip(names, match.groups(), strict=True))


def _key(properties: Mapping[str, object], asked: Asked) -> str:
    named = properties.get("subscriptionKeyParameterNames")
    names = named if isinstance(named, dict) else {}
    header = asked.message.headers.get(str(names.get("header") or KEY_HEADER), "")
    return header or asked.query.get(str(names.get("query") or KEY_QUERY), "")


def _opens(subscription: Resource, key: str) -> bool:
    kept = {**subscription.properties, **subscription.hidden}
    return kept.get("state", "active") == "active" and key in (kept.get("primaryKey"), kept.get("secondaryKey"))


def _scope(subscription: Resource) -> list[str]:
    """
    The last words of a subscription's scope: `products/x`, `apis/x`, `apis`, or anything else for all of it.
    """
    words = str(subscription.properties.get("scope") or "").strip("/").split("/")
    return [word.casefold() for word in words]


def _product_of(estate: Estate, api: Api, subscription: Resource) -> Resource | None:
    words = _scope(subscription)
    if words[-2:-1] != ["products"]:
        return None
    return next((one for one in estate.products(api) if one.name.casefold() == words[-1]), None)


def _covers(estate: Estate, api: Api, subscription: Resource) -> bool:
    words = _scope(subscription)
    if words[-2:-1] == ["apis"]:
        return REVISION.sub("", words[-1]) == api.base_name.casefold()
    if words[-2:-1] == ["products"]:
        return False
    if words[-2:-1] == ["workspaces"]:
        return key_of(api.owner.id).endswith("/".join(words[-2:]))
    return True
