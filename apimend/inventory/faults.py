"""
What does not fit together in an inventory: vault objects that are gone, mentions of nothing, orphans. Pure.
"""

from collections.abc import Iterable, Iterator

from apimend.inventory.items import Held, Item, Problem
from apimend.inventory.look import Seen
from apimend.inventory.mentions import mentions, scope_text
from apimend.model.ids import ResourceId
from apimend.model.plan import Severity
from apimend.policy.usage import Names, Reference


def problems(seen: Seen, items: tuple[Item, ...]) -> tuple[Problem, ...]:
    """All of them, the worst first."""
    found = (
        *_missing_vault_objects(items),
        *_dangling(seen),
        *(_orphans(items) if seen.complete else ()),
        *_unseen(seen),
    )
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (-one.severity, one.about, one.message)))


def _missing_vault_objects(items: Iterable[Item]) -> Iterator[Problem]:
    for item in items:
        stored = item.stored
        if stored is None or not stored.gone:
            continue
        origin = f"{item.held.value.capitalize()} {item.name} comes from {stored.label}"
        if stored.steps:
            what = f"{origin}, and that is deleted. {stored.trouble}"
            yield Problem(
                code="vault_object_deleted",
                about=item.name,
                message=what,
                severity=Severity.HIGH,
                target=item.target,
                steps=stored.steps,
            )
        else:
            what = f"{origin}, which does not exist."
            yield Problem(
                code="vault_object_gone", about=item.name, message=what, severity=Severity.HIGH, target=item.target
            )


def _dangling(seen: Seen) -> Iterator[Problem]:
    """Mentions of certificates that are not attached."""
    for mention in mentions(seen):
        if mention.found(seen) is None:
            yield _dangle(mention.who, mention.about, mention.value.rsplit("/", 1)[-1], mention.target)
    thumbprints = {entity.thumbprint for entity in seen.entities}
    known = {pin for client in seen.clients for pin in (client.thumbprint, *client.also)} | thumbprints
    for reference in seen.of(Names.THUMBPRINT):
        value = reference.value.upper()
        shown = reference.element == "authentication-certificate"
        if shown and value and value not in thumbprints:
            where = scope_text(reference.where)
            who = f"`{reference.element}` on line {reference.line} of {where}"
            yield _dangle(who, where, reference.value, seen.service.id)
        elif not shown and value not in known | {""}:
            yield _unknown_pin(reference, seen.service.id)


def _unknown_pin(reference: Reference, home: ResourceId) -> Problem:
    """A pin of nobody that is declared or attached: somebody gets in whom this inventory can't name."""
    where = scope_text(reference.where)
    what = f"Line {reference.line} of {where} lets in {reference.value}: nobody says who that is."
    return Problem(code="pin_unknown", about=where, message=what, severity=Severity.LOW, target=home)


def _dangle(who: str, about: str, what: str, target: ResourceId) -> Problem:
    message = f"{who} names the certificate {what}, which is not attached."
    return Problem(code="certificate_dangling", about=about, message=message, severity=Severity.MEDIUM, target=target)


def _orphans(items: Iterable[Item]) -> Iterator[Problem]:
    for item in items:
        what = {
            Held.ATTACHED: f"The certificate {item.name} is attached, and nothing uses it.",
            Held.CA: f"The CA certificate {item.subject} is trusted, and no check and no backend needs it.",
        }.get(item.held)
        if what is not None and not item.uses:
            yield Problem(
                code="certificate_orphaned", about=item.name, message=what, severity=Severity.LOW, target=item.target
            )


def _unseen(seen: Seen) -> Iterator[Problem]:
    for name in seen.unseen:
        what = f"The certificates of the workspace {name} can't be seen by us: whether they fit together is not known."
        where = seen.service.id.child("workspaces", name)
        yield Problem(code="workspace_unseen", about=name, message=what, severity=Severity.LOW, target=where)
