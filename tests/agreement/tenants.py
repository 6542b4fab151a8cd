"""
Generated tenants: the same seed gives the same services, APIs, products, gateways and policies, always.

`layout(seed)` is what the local Azure starts with, `documents(seed, who)` the policies that go in once the
certificates exist, because texts name thumbprints. Nothing here knows what the proof says of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.agreement import recipes
from tests.agreement.recipes import Who

PLAIN = "plain.contoso.test"
BACKEND = "https://backend.test"
MISSING = "missing"
"""The fragment that some policies include and that isn't there."""

GOLD, SILVER, FREE = "gold", "silver", "free"
ALWAYS = ("covered", "forgeable", "weaker", "not understood", "locked out", "observed only", "bypassed", "waived")
"""What one API of every service is for: it runs no policy but its own, and can be called in every context."""

KEYS = {"all": "a" * 32, GOLD: "g" * 32, SILVER: "s" * 32, FREE: "f" * 32}
"""The subscription keys: of all APIs, and of each product. An API's own key is `api_key`."""

AUTHORITIES = {
    "root": {"subject": "CN=Root"},
    "issuing": {"subject": "CN=Issuing", "issued_by": "root"},
    "forger": {"subject": "CN=Issuing"},
}
NAMES = {"subject": "CN=client, O=Contoso", "dns_names": ["client.contoso.com"]}
CERTIFICATES = {
    "ally": {**NAMES, "issued_by": "issuing"},
    "second": {"subject": "CN=second, O=Contoso", "issued_by": "issuing"},
    "other": {**NAMES, "issued_by": "issuing"},
    "stranger": {**NAMES, "issued_by": "forger"},
    "host": {"subject": f"CN={PLAIN}", "issued_by": "root", "dns_names": [PLAIN]},
}
CA = [{"authority": "root", "store": "Root"}, {"authority": "issuing", "store": "CertificateAuthority"}]
ALLOWED = [{"id": name, "uploaded": name, "public_only": True} for name in ("ally", "second")]
TRUSTED = [{"certificate": "root", "trusted": True}, {"certificate": "issuing", "trusted": False}]
OTHERS = [{"id": name, "uploaded": name, "public_only": True} for name in ("other", "root", "issuing")]


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The policies of one service by the path of their scope, its fragments by id, and what is waived."""

    policies: Mapping[str, str]
    fragments: Mapping[str, str] = field(default_factory=dict)
    waivers: frozenset[str] = frozenset()


def api_key(api: str) -> str:
    """The key of one API."""
    return api.partition(";rev=")[0].rjust(32, "k")


def self_hosted(gateway: str) -> str:
    """The host of a self-hosted gateway."""
    return f"{gateway}.broad.test"


def layout(seed: int) -> dict[str, Any]:
    """The tenant of a seed, without its policies."""
    rng = Random(f"layout {seed}")
    return {
        "authorities": AUTHORITIES,
        "certificates": CERTIFICATES,
        "services": [
            _broad(rng),
            _strict(rng),
            _modern(rng),
            _consumption(rng, asks=True),
            _consumption(rng, asks=False),
        ],
    }


def documents(seed: int, who: Who, *, unchecked: bool = False) -> Mapping[str, Texts]:
    """The policies of a seed, by service; `unchecked`: nobody has put any check in yet."""
    rng = Random(f"documents {seed}")
    services = layout(seed)["services"]
    return {service["name"]: _Author(rng, who, service, unchecked).texts() for service in services}


def _broad(rng: Random) -> dict[str, Any]:
    """Every kind of gateway that a classic tier can have; the holder of every attached certificate isn't a client."""
    apis = [*_apis(rng, 5), _graph(), _chat()]
    assigned = [api["id"] for api in apis if ";rev=" not in api["id"]]
    gateways = [
        {
            "id": name,
            "hostnames": [{"id": "h", "host": self_hosted(name), "negotiate": name != "shut"}],
            "authorities": TRUSTED,
            "apis": [*(each for each in assigned if each.startswith("always-")), *rng.sample(assigned[:7], 3)],
        }
        for name in ("site", "quiet", "shut")
    ]
    team = {"id": "team", "apis": [_api("team-orders", operations=("get",))]}
    return {
        **_service("broad", "Premium", apis),
        "hostnames": [
            {"host": "broad.azure-api.net", "negotiate": True, "default": True},
            {"host": PLAIN, "uploaded": "host"},
        ],
        "certificates": [*ALLOWED, *OTHERS],
        "ca_certificates": CA,
        "gateways": gateways,
        "workspaces": [team],
    }


def _strict(rng: Random) -> dict[str, Any]:
    """One host that asks, a check at global scope, and allowed clients only among the attached certificates."""
    return {
        **_service("strict", "Developer", _apis(rng, 6)),
        "hostnames": [{"host": "strict.azure-api.net", "negotiate": True}],
        "certificates": ALLOWED,
        "ca_certificates": CA,
    }


def _modern(rng: Random) -> dict[str, Any]:
    """A v2 tier: one switch for all hosts, and nothing chains."""
    return {
        **_service("modern", "StandardV2", _apis(rng, 4)),
        "properties": {"enableClientCertificate": True},
        "certificates": ALLOWED,
    }


def _consumption(rng: Random, *, asks: bool) -> dict[str, Any]:
    return {
        **_service("calls" if asks else "idle", "Consumption", _apis(rng, 4 if asks else 2)),
        "properties": {"enableClientCertificate": asks},
        "certificates": ALLOWED,
    }


def _service(name: str, sku: str, apis: list[dict[str, Any]]) -> dict[str, Any]:
    bases = [api["id"] for api in apis if ";rev=" not in api["id"]]
    always = [each for each in bases if each.startswith("always-")]
    drawn = [each for each in bases if each not in always]
    return {
        "name": name,
        "sku": sku,
        "apis": apis,
        "products": [
            {"id": GOLD, "apis": [*drawn[::2], *always]},
            {"id": SILVER, "apis": drawn[1::3]},
            {"id": FREE, "subscription_required": False, "apis": drawn[::3]},
        ],
        "subscriptions": [
            {"id": "everything", "scope": "/apis", "key": KEYS["all"]},
            *({"id": f"to-{each}", "scope": f"/products/{each}", "key": KEYS[each]} for each in (GOLD, SILVER, FREE)),
            *({"id": f"to-{each}", "scope": f"/apis/{each}", "key": api_key(each)} for each in bases),
        ],
    }


def _apis(rng: Random, count: int) -> list[dict[str, Any]]:
    """APIs of one or two operations, half of them with a second revision online, some with one that isn't."""
    found = []
    for number in range(count):
        name, operations = f"api-{number}", ("get", "list")[: rng.choice((1, 2))]
        needs = rng.random() < 0.6
        found.append(_api(name, operations=operations, subscription_required=needs))
        if rng.random() < 0.5:
            found.append(_api(f"{name};rev=2", operations=operations, path=name, subscription_required=needs))
        if rng.random() < 0.2:
            offline = {"isOnline": False}
            found.append(_api(f"{name};rev=3", operations=operations, path=name, properties=offline))
    return [*found, *(_api(f"always-{kind}", operations=("get",), subscription_required=False) for kind in _always())]


def _always() -> Iterator[str]:
    return (kind.replace(" ", "-") for kind in ALWAYS)


def _api(name: str, *, operations: tuple[str, ...], path: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "path": path or name,
        "service_url": BACKEND,
        "operations": [{"id": each, "name": each, "method": "GET", "url": f"/{each}"} for each in operations],
        **more,
    }


def _graph() -> dict[str, Any]:
    return {
        "id": "graph",
        "name": "graph",
        "path": "graph",
        "service_url": BACKEND,
        "type": "graphql",
        "operations": [],
    }


def _chat() -> dict[str, Any]:
    shake = {"id": "onHandshake", "name": "onHandshake", "method": "GET", "url": "/"}
    return {
        "id": "chat",
        "name": "chat",
        "path": "chat",
        "service_url": "wss://backend.test",
        "type": "websocket",
        "operations": [shake],
    }


@dataclass
class _Author:
    """Writes the policies of one service, each document as it comes."""

    rng: Random
    who: Who
    service: Mapping[str, Any]
    unchecked: bool
    fragments: dict[str, str] = field(default_factory=dict)

    def texts(self) -> Texts:
        policies = dict(self._policies())
        waived = sorted(scope for scope in self._scopes() if self.rng.random() < 0.1)
        return Texts(policies=policies, fragments=self.fragments, waivers=frozenset({*waived, "apis/always-waived"}))

    def _scopes(self) -> Iterator[str]:
        for api in (each for each in self.service["apis"] if not each["id"].startswith("always-")):
            base = api["id"].partition(";rev=")[0]
            yield f"apis/{base}"
            yield from (f"apis/{api['id']}/operations/{each['id']}" for each in api["operations"])
        yield f"products/{SILVER}"

    def _policies(self) -> Iterator[tuple[str, str]]:
        yield "", self._global()
        for product in self.service["products"]:
            if self.rng.random() < 0.6:
                yield f"products/{product['id']}", self._inner(base=0.8)
        for api in self.service["apis"]:
            if api["id"].startswith("always-"):
                yield f"apis/{api['id']}", self._always(api["id"].removeprefix("always-").replace("-", " "))
            elif self.rng.random() < 0.9:
                yield f"apis/{api['id']}", self._inner(base=0.5)
            for operation in api["operations"]:
                if self.rng.random() < 0.25 and not api["id"].startswith("always-"):
                    yield f"apis/{api['id']}/operations/{operation['id']}", self._inner(base=0.7)
        for workspace in self.service.get("workspaces", ()):
            yield f"workspaces/{workspace['id']}", self._inner(base=0.8)
            for api in workspace["apis"]:
                yield f"workspaces/{workspace['id']}/apis/{api['id']}", self._inner(base=0.8)

    def _global(self) -> str:
        inbound = recipes.CORS * self.rng.choice((0, 1)) + "".join(self._harmless())
        if self.service["name"] == "strict" and not self.unchecked:
            check = self._check(self.rng.choice(("covered", "covered", "observed only", "weaker")))
            inbound += self._guarded(check) if self.rng.random() < 0.7 else check
        return recipes.policy(inbound, is_global=True)

    def _always(self, kind: str) -> str:
        """A document without `<base />` whose verdict is sure wherever it can occur."""
        if kind not in recipes.KINDS or self.unchecked:
            return recipes.policy("".join(self._harmless()))
        checks = recipes.KINDS[kind](self.who)
        return recipes.policy(checks[self.rng.choice([each for each in recipes.EVERYWHERE if each in checks])])

    def _inner(self, *, base: float) -> str:
        if self.rng.random() < 0.04:
            return recipes.policy(None)
        kind = self.rng.choice((*recipes.KINDS, "covered", "none", "after an escape"))
        own = self._own(kind)
        if self.rng.random() < base:
            own = f"<base />{own}" if self.rng.random() < 0.8 else f"{own}<base />"
        hole = self.rng.random() < 0.1
        on_error = self.rng.choice(recipes.ON_ERROR_HOLES if hole else recipes.ON_ERROR_CLOSED)
        return recipes.policy(own, on_error=on_error)

    def _own(self, kind: str) -> str:
        if kind == "none" or (self.unchecked and kind != "after an escape"):
            return "".join(self._harmless())
        if kind == "after an escape":
            return self.rng.choice(recipes.ESCAPES) + ("" if self.unchecked else self._check("covered"))
        check = self._check(kind)
        if self.rng.random() < 0.2:
            check = self._guarded(check)
        elif self.rng.random() < 0.2:
            check = self._in_fragment(check)
        return "".join((*self._harmless(), check, *self._harmless()))

    def _check(self, kind: str) -> str:
        return self.rng.choice(sorted(recipes.KINDS[kind](self.who).values()))

    def _harmless(self) -> Iterator[str]:
        for _ in range(2):
            if self.rng.random() < 0.3:
                yield self.rng.choice(recipes.HARMLESS)

    def _in_fragment(self, inside: str) -> str:
        name = f"check-{len(self.fragments)}"
        if self.rng.random() < 0.1:
            name = MISSING
        else:
            self.fragments[name] = f"<fragment>{inside}</fragment>"
        return f'<include-fragment fragment-id="{name}" />'

    def _guarded(self, check: str) -> str:
        api, host = f"api-{self.rng.randrange(6)}", self.rng.choice((PLAIN, "elsewhere.test"))
        gateway = "context.Deployment.Gateway.Id"
        terms = (
            f'context.Api.Id != "{api}"',
            f'!(context.Api.Id == "{api}" && context.Operation?.Id == "get")',
            f'context.Product?.Id != "{self.rng.choice((GOLD, SILVER))}"',
            f'context.Request.OriginalUrl.Host != "{host}"',
            f'({gateway} == "managed" || {gateway} == "site")',
        )
        chosen = sorted(self.rng.sample(range(len(terms)), self.rng.choice((1, 2))))
        return recipes.guarded(" && ".join(terms[each] for each in chosen), check)
