"""
Who names an attached certificate, and which one is meant.

`join` makes uses of mentions, `faults` tells those of what is not there. A mention in a workspace means what is
attached there; where nothing of that name is, the instance's own may be meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from apimend.inventory.items import Use
from apimend.inventory.look import Seen, full_name, workspace_of
from apimend.model.azure import Certificate
from apimend.model.ids import ResourceId
from apimend.policy.usage import Names


@dataclass(frozen=True, kw_only=True)
class Mention:
    """
    One mention, by name or id, in the resource `target`. `who` says it in a sentence; `near` is the workspace that it
    stands in.
    """

    value: str
    near: str
    use: Use
    who: str
    about: str
    target: ResourceId

    def means(self, entity: Certificate, seen: Seen) -> bool:
        """Whether it means this certificate."""
        return self.found(seen) is entity

    def found(self, seen: Seen) -> Certificate | None:
        """The certificate that is meant; None where it is not attached."""
        name = self.value.rsplit("/", 1)[-1].casefold()
        near = _workspace_in(self.value) or self.near
        for home in dict.fromkeys((near.casefold(), "")):
            for entity in seen.entities:
                if (workspace_of(entity.id).casefold(), entity.id.name.casefold()) == (home, name):
                    return entity
        return None


def mentions(seen: Seen) -> Iterator[Mention]:
    """Everything that names an attached certificate by its name or id."""
    for backend in seen.backends:
        name = full_name(backend.id)
        for id in backend.certificate_ids:
            use = Use(kind="backend", name=name, how="is shown it")
            who, near = f"The backend {name}", workspace_of(backend.id)
            yield Mention(value=id, near=near, use=use, who=who, about=name, target=backend.id)
    for gateway, host in seen.hosts:
        if host.certificate_id:
            use = Use(kind="gateway", name=gateway.name, how=f"shows it for {host.host}")
            who = f"The host {host.host} of the gateway {gateway.name}"
            yield Mention(value=host.certificate_id, near="", use=use, who=who, about=gateway.name, target=host.id)
    for gateway, authority in seen.authorities:
        use = Use(kind="gateway", name=gateway.name, how="trusts it" if authority.trusted else "builds chains of it")
        who, named = f"The gateway {gateway.name}", authority.id.name
        yield Mention(value=named, near="", use=use, who=who, about=gateway.name, target=authority.id)
    for reference in seen.named:
        if reference.names in (Names.CERTIFICATE, Names.ISSUER) and reference.value:
            where = scope_text(reference.where)
            use = Use(kind="policy", name=where, how=reference.element)
            who = f"`{reference.element}` on line {reference.line} of {where}"
            near, home = _workspace_in(reference.where), seen.service.id
            yield Mention(value=reference.value, near=near, use=use, who=who, about=where, target=home)


def scope_text(where: str) -> str:
    """A scope as people say it."""
    return where or "all APIs"


def near_to(where: str, entity: Certificate) -> bool:
    """Whether a policy at this scope sees what is attached where this certificate is."""
    return workspace_of(entity.id).casefold() in ("", _workspace_in(where).casefold())


def _workspace_in(text: str) -> str:
    """The workspace in an id, or in a scope."""
    parts = text.split("/")
    at = next((index for index, part in enumerate(parts) if part.casefold() == "workspaces"), len(parts))
    return parts[at + 1] if at + 1 < len(parts) else ""
