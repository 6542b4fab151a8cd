"""
Every way in which an operation can be called, and what a verdict promises of it.

`ways` turns a judgement (operation, product or none, host) into the calls that it is about: which subscription key
brings that context. `disagreement` says what is wrong where the gateway did otherwise than the verdict says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from apimend.policy import Cause, Judgement, Verdict
from tests.agreement.stand import CALLERS, Seen, Stand
from tests.agreement.tenants import FREE, KEYS, MISSING, PLAIN, api_key

BY_HAND = 403
"""What hand-written checks of the recipes answer; the policy made for it answers 401."""


class Context(Enum):
    """Whose key a call brings: it decides which product's policy runs."""

    NO_KEY = "no key"
    PRODUCT = "product key"
    API = "API key"
    ALL_APIS = "all-APIs key"
    MASTER = "master key"


GATEWAYS = {
    PLAIN: "managed, plain",
    "broad.azure-api.net": "managed, asks",
    "strict.azure-api.net": "managed, asks",
    "modern.azure-api.net": "v2, asks",
    "calls.azure-api.net": "Consumption, asks",
    "idle.azure-api.net": "Consumption, plain",
    "site.broad.test": "self-hosted, asks",
    "quiet.broad.test": "self-hosted, not known",
    "shut.broad.test": "self-hosted, plain",
}


@dataclass(frozen=True, kw_only=True)
class Way:
    """
    One way to make the call that a judgement is about.

    `breaks`: a fragment that isn't there is included on it, so that whoever is let through so far gets an error.
    """

    judgement: Judgement
    context: Context
    key: str
    path: str
    breaks: bool = False

    @property
    def gateway(self) -> str:
        """The kind of gateway that is called."""
        return GATEWAYS[self.judgement.host]

    def __str__(self) -> str:
        judged = self.judgement
        return f"{judged.host}{self.path} with {self.context.value} ({judged.product or 'no product'})"


def ways(stand: Stand, service: str, judgement: Judgement) -> Iterator[Way]:
    """All calls that a judgement is about; none where it is about a host that has no name."""
    if judgement.host not in GATEWAYS:
        return
    breaks = _breaks(stand, service, judgement)
    for context, key in _keys(stand, service, judgement):
        yield Way(judgement=judgement, context=context, key=key, path=_path(judgement), breaks=breaks)


def _breaks(stand: Stand, service: str, judgement: Judgement) -> bool:
    api = f"apis/{judgement.api}"
    scopes = ("", f"products/{judgement.product}", api, f"{api}/operations/{judgement.operation}")
    texts = stand.texts[service].policies if service in stand.texts else {}
    return any(f'fragment-id="{MISSING}"' in texts.get(scope, "") for scope in scopes)


def _keys(stand: Stand, service: str, judgement: Judgement) -> Iterator[tuple[Context, str]]:
    api = judgement.api.partition(";rev=")[0]
    if judgement.product:
        yield Context.PRODUCT, KEYS[judgement.product]
        if judgement.product == FREE:
            yield Context.NO_KEY, ""
        return
    yield Context.MASTER, stand.master_key(service)
    if api.startswith("team-"):
        return
    yield Context.API, api_key(api)
    yield Context.ALL_APIS, KEYS["all"]
    if not _needs_key(stand, service, judgement.api) and not _is_free(stand, service, api):
        yield Context.NO_KEY, ""


def _needs_key(stand: Stand, service: str, api: str) -> bool:
    found = stand.azure.store.get(f"{stand.instance(service)}/apis/{api}")
    assert found is not None
    return found.properties["subscriptionRequired"] is not False


def _is_free(stand: Stand, service: str, api: str) -> bool:
    return stand.azure.store.get(f"{stand.instance(service)}/products/{FREE}/apis/{api}") is not None


def _path(judgement: Judgement) -> str:
    api, _, revision = judgement.api.partition(";rev=")
    operation = {"graphql": "", "onHandshake": ""}.get(judgement.operation, judgement.operation)
    return f"/{api}{';rev=' + revision if revision else ''}/{operation}"


async def try_way(stand: Stand, way: Way) -> dict[str, Seen]:
    """What each of the callers gets."""
    return {who: await stand.call(way.judgement.host, who, way.path, way.key) for who in CALLERS}


def disagreement(way: Way, verdict: Verdict, seen: Mapping[str, Seen]) -> str:
    """What the gateway did otherwise than the verdict says; empty where they agree."""
    wrong = _wrong(way, verdict, seen)
    if not wrong:
        return ""
    got = ", ".join(f"{who or 'nobody'}: {each}" for who, each in seen.items())
    judged = way.judgement
    where = f"{judged.document or 'global'}:{judged.line}"
    return f"{way}: {verdict.word} ({judged.reason}; {where}; {judged.cause.value}), but {wrong}\n    {got}"


def _wrong(way: Way, verdict: Verdict, seen: Mapping[str, Seen]) -> str:
    nobody = _nobody(way, seen)
    ally, other, stranger = (seen[name] for name in ("ally", "other", "stranger"))
    if verdict is Verdict.COVERED:
        if any(each.got_something for each in (nobody, other, stranger)):
            return "somebody else gets something"
        refuses_all = way.judgement.reason == "everybody is refused here"
        served = ally.status < 400 or way.breaks
        return "" if served is not refuses_all else "the allowed client is refused"
    if verdict is Verdict.LOCKED_OUT:
        return "the allowed client reaches the backend" if ally.forwarded else ""
    if verdict is Verdict.BYPASSED:
        return "" if nobody.got_something or _by_hand(way, nobody) else "who has no certificate is refused"
    if verdict is Verdict.OBSERVED_ONLY:
        return "" if nobody.forwarded else "who has no certificate is refused"
    if verdict is Verdict.FORGEABLE:
        return _lets_in(stranger, seen[""], "the forger")
    if verdict is Verdict.WEAKER:
        return _lets_in(other, seen[""], "the holder of another certificate")
    return ""


def _lets_in(who: Seen, nobody: Seen, name: str) -> str:
    if not who.got_something:
        return f"{name} is refused"
    return "even who has no certificate gets something" if nobody.got_something else ""


def _nobody(way: Way, seen: Mapping[str, Seen]) -> Seen:
    """
    A caller of whom nothing is known.

    Where Consumption asks for a certificate it refuses whoever has none before any policy runs, but takes any: there
    anybody's own is what stands for none.
    """
    return seen["stranger" if way.gateway == "Consumption, asks" else ""]


def _by_hand(way: Way, refused: Seen) -> bool:
    """
    Whether it is about `on-error`, and a hand-written check refused, which does not lead there.

    The proof counts what stands there all the same: the service runs it for errors of its own too.
    """
    return way.judgement.cause is Cause.ON_ERROR and refused.status == BY_HAND
