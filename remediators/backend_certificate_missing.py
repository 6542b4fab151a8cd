"""
A backend that is to be shown a client certificate, and isn't.

What it finds: a declared backend whose `credentials.certificateIds` don't begin with the declared certificates; for a
pool, its members, because they carry the credentials. Also backends that no policy selects, and APIs that call the
same address past the backend.
Why it matters: a backend that demands mutual TLS answers 403 to a gateway without a certificate.
What it changes: puts the declared certificates first, by full id. Other ids stay behind them; `tls` is sent as it is.
Fix safety: safe. A backend that asks for no certificate is not shown one. Whether ids at a backend suffice, or the
policy has to name the certificate too, is told differently by different sources: the snippet to hand over does that.
References: https://learn.microsoft.com/azure/api-management/backends,
https://learn.microsoft.com/azure/api-management/authentication-certificate-policy
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from apimend.mends import PolicyMend, element
from apimend.model.azure import Api, Backend, Certificate, Service
from apimend.model.desired import DeclaredBackend, Desired
from apimend.model.ids import ResourceId
from apimend.model.plan import Change, Finding, Kind, Severity, Stage, canonical
from apimend.policy.usage import Names, Reference, references
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext
from apimend.survey import survey


@dataclass(frozen=True, kw_only=True)
class Behind:
    """The backends, what is attached, and which policies select what."""

    service: Service
    backends: tuple[Backend, ...] = ()
    entities: tuple[Certificate, ...] = ()
    apis: tuple[Api, ...] = ()
    named: tuple[Reference, ...] = ()

    def backend(self, name: str) -> Backend | None:
        """A backend by the last part of its id."""
        wanted = name.rsplit("/", 1)[-1].casefold()
        return next((one for one in self.backends if one.name.casefold() == wanted), None)


class BackendCertificateMissing:
    name = "backend_certificate_missing"
    watches = frozenset({"backends", "certificates", "policies", "apis"})
    safety = Safety.SAFE
    reads = frozenset(
        {
            "Microsoft.ApiManagement/service/allPolicies/read",
            "Microsoft.ApiManagement/service/apis/operations/policies/read",
            "Microsoft.ApiManagement/service/apis/operations/read",
            "Microsoft.ApiManagement/service/apis/policies/read",
            "Microsoft.ApiManagement/service/apis/read",
            "Microsoft.ApiManagement/service/apis/revisions/read",
            "Microsoft.ApiManagement/service/backends/read",
            "Microsoft.ApiManagement/service/certificates/read",
            "Microsoft.ApiManagement/service/policies/read",
            "Microsoft.ApiManagement/service/policyFragments/read",
            "Microsoft.ApiManagement/service/products/apis/read",
            "Microsoft.ApiManagement/service/products/policies/read",
            "Microsoft.ApiManagement/service/products/read",
        }
    )
    writes = frozenset({"Microsoft.ApiManagement/service/backends/write"})

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Behind:
        service = await reader.service()
        if not any(one.certificates for one in desired.backends):
            return Behind(service=service)
        backends, entities = await asyncio.gather(reader.backends(), reader.certificates())
        if not context.thorough:
            return Behind(service=service, backends=backends, entities=entities)
        apis, found = await asyncio.gather(
            reader.apis(), survey(reader, desired, handshakes=context.handshakes, walk=context.walk)
        )
        documents = {**found.topology.documents, **{f"fragment {id}": d for id, d in found.topology.fragments.items()}}
        named = tuple(each for where, document in documents.items() for each in references(document, where))
        return Behind(service=service, backends=backends, entities=entities, apis=apis, named=named)

    def plan(self, observed: Behind, desired: Desired, context: VisitContext) -> Proposal:
        changes: list[Change] = []
        findings: list[Finding] = []
        for declared in desired.backends:
            backend = observed.backend(declared.name)
            if not declared.certificates:
                continue
            if backend is None:
                what = f"There is no backend {declared.name}."
                findings.append(_finding(observed.service.id, "backend_absent", what, "Correct its name, or make it."))
                continue
            for target in _carriers(backend, observed):
                changes += _changes(target, declared, observed)
            findings += _selection(backend, observed) if context.thorough else ()
        return Proposal(changes=tuple(changes), findings=tuple(findings))


def _carriers(backend: Backend, observed: Behind) -> Sequence[Backend]:
    """The backends that carry the credentials: the members of a pool, else the backend itself."""
    members = [observed.backend(member) for member in backend.pool]
    return [member for member in members if member] if backend.pool else [backend]


def _changes(target: Backend, declared: DeclaredBackend, observed: Behind) -> Iterator[Change]:
    ids = [_full_id(id, observed) for id in declared.certificates]
    first = [id.casefold() for id in target.certificate_ids[: len(ids)]]
    if first == [id.casefold() for id in ids]:
        return
    wanted = {id.casefold() for id in ids}
    after = [*ids, *(id for id in target.certificate_ids if id.casefold() not in wanted)]
    names = ", ".join(declared.certificates)
    # Azure replaces what is nested whole, so the checks of the backend's own certificate are sent as they are.
    held = {"validateCertificateChain": target.validate_chain, "validateCertificateName": target.validate_name}
    tls = {} if set(held.values()) == {None} else {"tls": {name: on is not False for name, on in held.items()}}
    yield Change(
        kind=Kind.BACKEND,
        target=target.id,
        stage=Stage.PREPARE,
        rank=1,
        remediator=BackendCertificateMissing.name,
        before=canonical({"credentials": {"certificateIds": list(target.certificate_ids) or None}}),
        after=canonical({"credentials": {"certificateIds": after}, **tls}),
        reason=f"The backend {target.name} is not shown {names}.",
        was=_shown(target),
        will=f"is shown {names}",
        hand_off=f"<!-- Where the backend still refuses: in the policy that selects {target.name} -->\n"
        f"{element('authentication-certificate', {'certificate-id': declared.certificates[0]})}",
    )


def _full_id(id: str, observed: Behind) -> str:
    entity = next((one for one in observed.entities if one.id.name.casefold() == id.casefold()), None)
    return entity.id.text if entity else observed.service.id.child("certificates", id).text


def _shown(target: Backend) -> str:
    names = [id.rsplit("/", 1)[-1] for id in target.certificate_ids] or list(target.certificate_thumbprints)
    return f"is shown {', '.join(names)}" if names else "is shown no certificate"


def _selection(backend: Backend, observed: Behind) -> Iterator[Finding]:
    """A backend counts only where a policy selects it."""
    chosen = [each for each in observed.named if each.names is Names.BACKEND]
    if any(not each.value for each in chosen):
        return  # an expression chooses at run time: which backend, can't be told
    names = {backend.name.casefold()} | {one.name.casefold() for one in observed.backends if _is_in(backend, one)}
    snippet = element("set-backend-service", {"backend-id": backend.name})
    if not any(each.value.casefold() in names for each in chosen):
        what = f"No policy selects the backend {backend.name}, so its certificate is never shown."
        where = "# In the policy of an API that is to use it\n"
        yield _finding(backend.id, "backend_never_selected", what, "Policies are their authors'.", f"{where}{snippet}")
    scopes = {each.where for each in chosen}
    for api in observed.apis:
        if _same_address(api.service_url, backend.url) and not scopes & _around(api, observed.named):
            what = f"The API {api.name} calls {api.service_url} itself, past the backend {backend.name}."
            there = PolicyMend(
                target=api.id.child("policies", "policy"), xml=snippet, note="in inbound, after <base />"
            )
            yield _finding(api.id, "api_bypasses_backend", what, "It shows no certificate there.", there.text)


def _around(api: Api, named: Sequence[Reference]) -> set[str]:
    """The scopes whose documents can choose a backend for an API: all that are not another API's."""
    own = f"apis/{api.name.casefold()}"
    return {
        each.where for each in named if not each.where.startswith("apis/") or f"{each.where}/".startswith(f"{own}/")
    }


def _is_in(backend: Backend, pool: Backend) -> bool:
    return any(member.rsplit("/", 1)[-1].casefold() == backend.name.casefold() for member in pool.pool)


def _same_address(service_url: str, url: str) -> bool:
    one, other = urlsplit(service_url), urlsplit(url)
    return bool(other.hostname) and (one.hostname, one.port) == (other.hostname, other.port)


def _finding(target: ResourceId, code: str, message: str, why: str, hand_off: str = "") -> Finding:
    return Finding(
        code=code,
        target=target,
        remediator=BackendCertificateMissing.name,
        severity=Severity.MEDIUM,
        message=message,
        why_left=why,
        hand_off=hand_off,
    )
