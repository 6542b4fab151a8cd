"""
From the words of a merged layer to `Desired`, the value that rules read.
"""

from collections.abc import Callable
from typing import TypeVar

from apimend.documents.conflicts import entity_id, inherited
from apimend.documents.models import AttestationEntry, Check, Document, Layer, WaiverEntry, Window
from apimend.model import desired as model
from apimend.model.check import ClientCertificateCheck, ClientIdentity, Form, Record
from apimend.model.ids import InstanceId

Given = TypeVar("Given")
Made = TypeVar("Made")

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SEVERITIES = frozenset({"info", "low", "medium", "high", "critical"})

PlaceOf = Callable[..., model.Place]
"""The place of a path of the merged layer."""


def build(
    layer: Layer, document: Document, instance: InstanceId, name: str, place: model.Place, place_of: PlaceOf
) -> model.Desired:
    """Everything declared for one instance; waivers and attestations are added by the caller."""
    given = model.Desired(instance=instance)
    hosts = layer.hosts or {}
    header = layer.header
    return model.Desired(
        instance=instance,
        place=place,
        name=name,
        mode=held_back(layer, document),
        modes={rule: model.Mode.parse(word) for rule, word in (layer.modes or {}).items()},
        arrives=_of(model.Arrives, layer.arrives),
        header=(header.name if header else None) or "",
        header_restriction=(header.restriction if header else None) or "",
        negotiate=layer.arrives != "header" if layer.negotiate is None else layer.negotiate,
        plain_hosts=frozenset(host for host, word in hosts.items() if word == "plain"),
        negotiating_hosts=frozenset(host for host, word in hosts.items() if word == "negotiates"),
        uploaded=_of(model.Uploaded, layer.uploaded_certificates) or given.uploaded,
        consumption_require=layer.consumption == "require",
        on_negotiation_lost=_of(model.NegotiationLost, layer.on_negotiation_lost) or given.on_negotiation_lost,
        certificates=tuple(_certificate(document, name, layer.identity) for name in layer.certificates or ()),
        clients=_clients(document, layer.clients),
        authorities=tuple(_authority(document, name) for name in layer.trust or ()),
        check=_check(layer.check) if layer.check else None,
        scopes=_scopes(layer, document, place_of),
        gateways=tuple(
            model.DeclaredGateway(
                name=name,
                negotiates=entry.negotiates,
                authorities=tuple(entity_id(document, named) for named in entry.authorities or ()),
                trust=tuple(_authority(document, named) for named in entry.trust or ()),
                guarded=bool(entry.guard),
            )
            for name, entry in sorted((layer.gateways or {}).items())
        ),
        backends=tuple(
            model.DeclaredBackend(
                name=name,
                certificates=tuple(entity_id(document, named) for named in entry.certificates or ()),
                validate=bool(entry.validate_tls),
            )
            for name, entry in sorted((layer.backends or {}).items())
        ),
        window=_window(layer.window) if layer.window else None,
        limits=_limits(layer),
        routes=tuple(
            model.Route(webhook=route.webhook, severities=frozenset(route.severities or _SEVERITIES))
            for route in layer.notify or ()
        ),
        canary_path=layer.canary_path or "",
        expiry_days=layer.expiry_days or given.expiry_days,
        approvers=frozenset(layer.approvers or ()),
        exposure=layer.exposure or "",
        environment=layer.environment or given.environment,
        owner=layer.owner or "",
        stage=stage_of(layer, document),
    )


def stage_of(layer: Layer, document: Document) -> str:
    """The stage of an instance: the last where none is said, so that nothing gets ahead by being forgotten."""
    return layer.stage or (document.rollout.stages[-1] if document.rollout else "")


def is_held_back(layer: Layer, document: Document) -> bool:
    """Whether the roll-out has not reached this instance."""
    rollout = document.rollout
    if rollout is None:
        return False
    return rollout.stages.index(stage_of(layer, document)) > rollout.stages.index(rollout.reached)


def held_back(layer: Layer, document: Document) -> model.Mode:
    """The declared mode; report where the roll-out has not reached the instance."""
    if layer.mode is None or is_held_back(layer, document):
        return model.Mode.REPORT
    return model.Mode.parse(layer.mode)


def waiver(entry: WaiverEntry, place: model.Place) -> model.Waiver:
    """A waiver as rules read it. One that has expired is one too."""
    return model.Waiver(
        id=entry.id,
        category=entry.category,
        owner=entry.owner,
        reason=entry.reason,
        ticket=entry.ticket,
        expires=entry.expires,
        scope=entry.scope or "",
        controls=tuple(control.casefold() for control in entry.controls),
        place=place,
    )


def attestation(entry: AttestationEntry, place: model.Place) -> model.Attestation:
    """An attestation as controls read it."""
    return model.Attestation(
        control=entry.control, owner=entry.owner, evidence=entry.evidence, expires=entry.expires, place=place
    )


def _of(kind: Callable[[Given], Made], word: Given | None) -> Made | None:
    return None if word is None else kind(word)


def _source(document: Document, name: str | None) -> model.VaultObject | None:
    if name is None:
        return None
    entry = document.certificates[name]
    return model.VaultObject(vault=entry.vault, name=entry.certificate)


def _certificate(document: Document, name: str, identity: str | None) -> model.DeclaredCertificate:
    entry = document.certificates[name]
    return model.DeclaredCertificate(
        id=entity_id(document, name),
        source=model.VaultObject(vault=entry.vault, name=entry.certificate),
        identity=entry.identity or identity,
    )


def _clients(document: Document, names: list[str] | None) -> tuple[model.DeclaredClient, ...]:
    entries = [(name, document.clients[name]) for name in names or ()]
    return tuple(
        model.DeclaredClient(
            name=name,
            source=_source(document, entry.certificate),
            pem=entry.pem,
            thumbprint=entry.thumbprint,
            also=tuple(entry.also),
            retired=tuple(entry.retired),
        )
        for name, entry in entries
    )


def _authority(document: Document, name: str) -> model.DeclaredAuthority:
    entry = document.authorities[name]
    return model.DeclaredAuthority(
        name=name, store=entry.store, source=_source(document, entry.certificate), pem=entry.pem
    )


def _check(check: Check) -> model.DeclaredCheck:
    """`validate-revocation` is true only where declared: a private CA's list is hardly ever reachable."""
    action = model.Action(check.action or "enforce")
    given = model.DeclaredCheck(template=ClientCertificateCheck())
    return model.DeclaredCheck(
        template=ClientCertificateCheck(
            validate_revocation=bool(check.validate_revocation),
            validate_trust=check.validate_trust is not False,
            validate_not_before=check.validate_not_before is not False,
            validate_not_after=check.validate_not_after is not False,
            ignore_error=action is model.Action.OBSERVE,
            identities=tuple(
                ClientIdentity(**identity.model_dump(exclude_unset=True)) for identity in check.identities or ()
            ),
        ),
        action=action,
        state=model.State(check.state or "present"),
        form=Form(check.form or "element"),
        observe_days=check.observe_days or given.observe_days,
        record=Record(check.record) if check.record else given.record,
    )


def _scopes(layer: Layer, document: Document, place_of: PlaceOf) -> tuple[model.DeclaredScope, ...]:
    return tuple(
        model.DeclaredScope(
            scope=name,
            check=_check(inherited(layer.check, scope)),
            clients=_clients(document, scope.clients if scope.clients is not None else layer.clients),
            place=place_of(("scopes", name)),
        )
        for name, scope in sorted((layer.scopes or {}).items())
    )


def _window(window: Window) -> model.Window | None:
    if window.from_ is None or window.to is None:
        return None
    return model.Window(
        days=frozenset(map(_DAYS.index, window.days or _DAYS)),
        start=window.from_,
        end=window.to,
        zone=window.zone or "UTC",
    )


def _limits(layer: Layer) -> model.Limits:
    given, limits = model.Limits(), layer.limits
    if limits is None:
        return given
    return model.Limits(
        writes_a_day=given.writes_a_day if limits.writes_per_day is None else limits.writes_per_day,
        instances_a_day=given.instances_a_day if limits.instances_per_day is None else limits.instances_per_day,
        rounds=limits.rounds or given.rounds,
    )
