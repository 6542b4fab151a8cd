"""
What contradicts itself: names that nothing declares, and values that can't be true together.

References are looked at where they are written. Values are looked at as merged, because defaults and an entry may
contradict each other; each conflict names the values it hangs on, so that the loader can tell what another entry may
still put right.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apimend.documents.models import Check, Document, Identity, Layer, Match, ScopeCheck
from apimend.documents.tree import Path
from apimend.documents.words import Words
from apimend.model.check import MAX_IDENTITIES
from apimend.model.words import did_you_mean

TEAMS = "teams"
"""The webhook that can always be named: an app without Teams still looks after its instances."""

OBSERVE_ON_CONSUMPTION = "On Consumption there is nothing to observe: the tier itself turns callers away."

_CONTROLS = "docs/controls.md lists them all."


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A contradiction at `path` of a layer. `hangs_on` are the paths of all values that it takes."""

    path: Path
    what: str
    mend: str
    hangs_on: tuple[Path, ...] = ()


def undeclared(document: Document, layer: Layer, at: Path) -> Iterator[Conflict]:
    """Names in a layer that nothing declares, with their paths in the file."""
    certificates, clients = document.certificates, document.clients
    yield from _names(layer.certificates, certificates, "certificates", (*at, "certificates"))
    yield from _names(layer.clients, clients, "clients", (*at, "clients"))
    yield from _names(layer.trust, document.authorities, "authorities", (*at, "trust"))
    for name, scope in (layer.scopes or {}).items():
        yield from _names(scope.clients, clients, "clients", (*at, "scopes", name, "clients"))
    for name, gateway in (layer.gateways or {}).items():
        yield from _names(gateway.authorities, certificates, "certificates", (*at, "gateways", name, "authorities"))
        yield from _names(gateway.trust, document.authorities, "authorities", (*at, "gateways", name, "trust"))
    for name, backend in (layer.backends or {}).items():
        yield from _names(backend.certificates, certificates, "certificates", (*at, "backends", name, "certificates"))
    stages = document.rollout.stages if document.rollout else []
    if layer.stage is not None:
        yield from _name(layer.stage, stages, "rollout.stages", (*at, "stage"))


def undeclared_in_catalogue(document: Document) -> Iterator[Conflict]:
    """Clients, authorities and the roll-out that name what nothing declares."""
    for client, entry in document.clients.items():
        if entry.certificate is not None:
            path = ("clients", client, "certificate")
            yield from _name(entry.certificate, document.certificates, "certificates", path)
    for authority, named in document.authorities.items():
        if named.certificate is not None:
            path = ("authorities", authority, "certificate")
            yield from _name(named.certificate, document.certificates, "certificates", path)
    if document.rollout:
        yield from _name(document.rollout.reached, document.rollout.stages, "rollout.stages", ("rollout", "reached"))


def unknown_words(layer: Layer, at: Path, words: Words) -> Iterator[Conflict]:
    """Rules and webhooks that don't exist, where the caller knows which do: a lower mode must not fall to a slip."""
    for name in layer.modes or {}:
        if words.rules is not None and name not in words.rules:
            what = f"There is no rule {name!r}."
            yield Conflict(path=(*at, "modes", name), what=what, mend=did_you_mean(name, words.rules))
    known = None if words.webhooks is None else {*words.webhooks, TEAMS}
    for position, route in enumerate(layer.notify or []):
        if known is not None and route.webhook not in known:
            what = f"No setting holds the webhook {route.webhook!r}."
            path = (*at, "notify", position, "webhook")
            yield Conflict(path=path, what=what, mend=did_you_mean(route.webhook, known))


def unknown_controls(document: Document, words: Words) -> Iterator[Conflict]:
    """What waivers and attestations are for, and isn't there: a slip must neither exempt nor vouch for anything."""
    for at, waiver in enumerate(document.waivers):
        for position, name in enumerate(waiver.controls):
            if words.waivable is not None and name.casefold() not in words.waivable:
                path: Path = ("waivers", at, "controls", position)
                what = f"There is no rule and no control {name!r}."
                yield Conflict(path=path, what=what, mend=did_you_mean(name.casefold(), words.waivable) or _CONTROLS)
    for at, given in enumerate(document.attestations):
        if words.attestable is not None and given.control.casefold() not in words.attestable:
            path = ("attestations", at, "control")
            what = f"{given.control!r} is nothing that can be attested."
            hint = did_you_mean(given.control.casefold(), words.attestable)
            yield Conflict(path=path, what=what, mend=hint or _CONTROLS)


def of_tags(match: Match, layer: Layer) -> Iterator[Conflict]:
    """Whoever may tag an instance must not be able to take its check out."""
    if match.tags is None:
        return
    what, mend = "Tags select, they never exempt.", "Name the instances in match, and leave the tags out."
    if layer.negotiate is False:
        yield Conflict(path=("negotiate",), what=what, mend=mend)
    if layer.check and layer.check.state == "absent":
        yield Conflict(path=("check", "state"), what=what, mend=mend)
    for name, scope in (layer.scopes or {}).items():
        if scope.state == "absent":
            yield Conflict(path=("scopes", name, "state"), what=what, mend=mend)


def of_values(layer: Layer, document: Document, *, consumption: bool) -> Iterator[Conflict]:
    """Values of a merged layer that can't be true together. `consumption`: it is for that tier only."""
    yield from _of_arrival(layer)
    yield from _of_window(layer)
    yield from _of_attached(layer, document)
    checks: list[tuple[Path, Check, list[str] | None]] = []
    if layer.check is not None:
        checks.append((("check",), layer.check, layer.clients))
    for name, scope in (layer.scopes or {}).items():
        clients = scope.clients if scope.clients is not None else layer.clients
        checks.append((("scopes", name), inherited(layer.check, scope), clients))
    for at, check, clients in checks:
        if check.state == "absent":
            continue
        if layer.arrives == "header":
            yield from _of_header(check, at, clients)
        else:
            yield from _of_check(check, at, clients, document, consumption=consumption)


def inherited(check: Check | None, scope: ScopeCheck) -> Check:
    """The check of a scope, with what it leaves out taken from the instance's check; never its state."""
    given = check.model_dump(exclude_unset=True, exclude={"state"}) if check else {}
    given |= scope.model_dump(exclude_unset=True, exclude={"clients"})
    identities = [Identity.model_construct(**claims) for claims in given.pop("identities", None) or ()]
    return Check.model_construct(**given, identities=identities or None)


def _of_arrival(layer: Layer) -> Iterator[Conflict]:
    hangs_on: tuple[Path, ...] = (("arrives",), ("header",))
    if layer.arrives == "direct" and layer.header is not None:
        mend = "Take the header out, or write arrives: header."
        yield Conflict(
            path=("header",), what="Certificates arrive direct, not by header.", mend=mend, hangs_on=hangs_on
        )
    if layer.arrives != "header":
        return
    if layer.header is None or layer.header.name is None:
        mend = "Write header: {name: …, restriction: …}."
        yield Conflict(path=("arrives",), what="The header's name is missing.", mend=mend, hangs_on=hangs_on)
    elif layer.header.restriction is None:
        mend = "Say in header.restriction what keeps callers from going around the proxy."
        what = "Anyone who reaches the gateway directly can forge this header."
        yield Conflict(path=("header",), what=what, mend=mend, hangs_on=hangs_on)


def _of_window(layer: Layer) -> Iterator[Conflict]:
    window = layer.window
    if window is None:
        return
    hangs_on: tuple[Path, ...] = (("window", "from"), ("window", "to"))
    if window.from_ is None or window.to is None:
        mend = "Write from and to."
        yield Conflict(path=("window",), what="The window has no beginning or no end.", mend=mend, hangs_on=hangs_on)
    elif window.from_ == window.to:
        mend = "Write window: always if writes may start at any time."
        yield Conflict(path=("window", "to"), what="The window closes when it opens.", mend=mend, hangs_on=hangs_on)


def _of_attached(layer: Layer, document: Document) -> Iterator[Conflict]:
    attached = layer.certificates or []
    ids: dict[str, str] = {}
    for position, name in enumerate(attached):
        id = entity_id(document, name)
        if ids.setdefault(id.casefold(), name) != name:
            what = f"{ids[id.casefold()]} and {name} would both be called {id} on the instance."
            yield Conflict(path=("certificates", position), what=what, mend="Give one of them another id.")
    used: list[tuple[Path, list[str] | None]] = [
        (("backends", name, "certificates"), backend.certificates) for name, backend in (layer.backends or {}).items()
    ]
    used += [(("gateways", name, "authorities"), entry.authorities) for name, entry in (layer.gateways or {}).items()]
    for path, names in used:
        for position, name in enumerate(names or []):
            if name in document.certificates and name not in attached:
                what, mend = f"{name} is not attached to the instance.", "Add it to certificates of this entry."
                yield Conflict(path=(*path, position), what=what, mend=mend, hangs_on=(path, ("certificates",)))


def _of_check(
    check: Check, at: Path, clients: list[str] | None, document: Document, *, consumption: bool
) -> Iterator[Conflict]:
    identities = check.identities or []
    if consumption and check.action == "observe":
        mend = "Write action: enforce for it, with consumption: require once everyone has a certificate."
        yield Conflict(path=(*at, "action"), what=OBSERVE_ON_CONSUMPTION, mend=mend, hangs_on=(("check", "action"),))
    on_trust: tuple[Path, ...] = ((*at, "validateTrust"), ("check", "validateTrust"))
    on_callers: tuple[Path, ...] = (("check", "identities"), (*at, "identities"), ("clients",), (*at, "clients"))
    if check.validate_trust is False:
        for position, identity in enumerate(identities):
            if identity.thumbprint is None:
                what = "Anyone can make a certificate with these names while the chain is not checked."
                path = (*at, "identities", position)
                mend = "Add the client's thumbprint, or write validateTrust: true."
                yield Conflict(path=path, what=what, mend=mend, hangs_on=(*on_trust, *on_callers[:2]))
        if not identities and not clients:
            what = "Every certificate would pass: the chain is not checked and nobody is named."
            mend = "Name clients, or write validateTrust: true."
            yield Conflict(path=(*at, "validateTrust"), what=what, mend=mend, hangs_on=(*on_trust, *on_callers))
    count = len(identities) if identities else sum(_thumbprints(document, name) for name in clients or [])
    if count > MAX_IDENTITIES and (check.form == "element" or (identities and check.form is None)):
        what = f"It would have {count} identities; Azure allows {MAX_IDENTITIES} in one check."
        mend = "Pin the issuer instead, or leave form out: the attached certificates are looked through then."
        path = (*at, "identities") if identities else (("clients",) if at == ("check",) else (*at, "clients"))
        yield Conflict(path=path, what=what, mend=mend, hangs_on=(*on_callers, ("check", "form"), (*at, "form")))


def _of_header(check: Check, at: Path, clients: list[str] | None) -> Iterator[Conflict]:
    """What can't be checked of a certificate in a header: it is told by its thumbprint alone."""
    given: dict[str, object] = {
        "form": check.form,
        "validateTrust": check.validate_trust or None,
        "validateRevocation": check.validate_revocation or None,
        "identities": check.identities,
    }
    for name, value in given.items():
        if value is not None:
            hangs_on: tuple[Path, ...] = (("arrives",), ("check", name))
            what = f"With arrives: header clients are told by thumbprint, and {name} has no meaning."
            mend = "Leave it out: the proxy checks the chain." if name.startswith("validate") else "Leave it out."
            yield Conflict(path=(*at, name), what=what, mend=mend, hangs_on=hangs_on)
    if not clients:
        what = "Nobody would pass: with arrives: header clients are told by thumbprint, and none is named."
        yield Conflict(path=at, what=what, mend="Name clients.", hangs_on=(("arrives",), ("clients",)))


def entity_id(document: Document, name: str) -> str:
    """What a declared certificate is called on the instance."""
    entry = document.certificates.get(name)
    return entry.id if entry and entry.id else name


def _thumbprints(document: Document, client: str) -> int:
    entry = document.clients.get(client)
    return 1 + len(entry.also) if entry else 1


def _names(names: list[str] | None, declared: Mapping[str, Any], kind: str, at: Path) -> Iterator[Conflict]:
    for position, name in enumerate(names or []):
        yield from _name(name, declared, kind, (*at, position))


def _name(name: str, declared: Collection[str], kind: str, path: Path) -> Iterator[Conflict]:
    if name not in declared:
        hint = did_you_mean(name, declared)
        yield Conflict(path=path, what=f"{name!r} is not declared.", mend=hint or f"Declare it under {kind}.")
