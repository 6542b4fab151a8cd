"""
What is wished to be checked where, and what follows from it for one document.

Called by placement.py, which does the edits. Here stand the relations between scopes: which documents a declared
scope means, which calls run through a document, which of them a check in it has to spare (R20), and whether
outer scopes can answer before it (R19).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from apimend.model.check import ClientCertificateCheck, Record
from apimend.model.own import Own
from apimend.policy.coverage import Judgement
from apimend.policy.guard import Guard
from apimend.policy.pipeline import INBOUND, Pipelines
from apimend.policy.recognise import Choice, Escapes, Guarded, Step, Unclear, Unreadable
from apimend.policy.topology import GLOBAL, ApiNode, Standards, Topology, api_scopes, operation_scopes, scope_of

_RANKS = ("workspaces", "products", "apis", "operations")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """
    What is to be checked where.

    `check` is the instance's (None: only `scopes`), `scopes` the checks of their own below it: their calls are
    spared by the global one. `plain_hosts` stay without a check; `only_gateways` restricts the checks to gateways that
    are known to negotiate. `ours` is what we put in before, by the scope of the document: only that is ever changed.
    `record` is what checks that only observe write down. `absent` are scopes from whose documents our checks are taken
    out; empty for the whole instance, `scopes` excepted.
    """

    check: ClientCertificateCheck | None
    scopes: Mapping[str, ClientCertificateCheck] = field(default_factory=dict)
    plain_hosts: frozenset[str] = frozenset()
    only_gateways: frozenset[str] | None = None
    ours: Mapping[str, Own] = field(default_factory=dict)
    record: Record | None = None
    limit_kib: int = 256
    absent: frozenset[str] = frozenset()

    def is_meant(self, host: str, gateway: str) -> bool:
        """Whether calls at a host of a gateway are to be checked."""
        plain = {each.lower() for each in self.plain_hosts}
        return host.lower() not in plain and (self.only_gateways is None or gateway in self.only_gateways)


def guard_for(topology: Topology, standards: Standards, wish: Wish, scope: str, *, own: str | None) -> Guard:
    """
    What a check in the document of a scope spares: what is waived, and what has a check of its own further in.

    `own` is the declared scope whose check it is; None for the instance's. What `context.Api.Id` says for a
    revision that is not current is not documented, so both spellings are spared.
    """
    spared = {each for each in wish.scopes if own is None or each.startswith(f"{own}/")} | standards.waivers
    apis = [api for api in topology.apis if reaches(api, scope)]
    whole = [] if _is_in_api(scope) else [api for api in apis if not spared.isdisjoint(api_scopes(api))]
    products = {(product, api.product_scope(product)) for api in apis for product in api.products}
    workspaces = {(api.workspace, scope_of(f"workspaces/{api.workspace}")) for api in apis if api.workspace}
    return Guard(
        except_apis=frozenset(name for api in whole for name in (api.base_name, api.name)),
        except_operations=frozenset(
            (name, operation)
            for api in apis
            for operation in api.operations
            if api not in whole
            and "/operations/" not in scope
            and not spared.isdisjoint(operation_scopes(api, operation))
            for name in (api.base_name, api.name)
        ),
        except_products=frozenset(name for name, at in products if at in spared and at != scope),
        except_workspaces=frozenset(name for name, at in workspaces if at in spared and scope == GLOBAL),
        except_hosts=frozenset(host.lower() for host in wish.plain_hosts),
        only_gateways=wish.only_gateways,
    )


def own_scope(topology: Topology, wish: Wish, judgement: Judgement) -> str | None:
    """The innermost declared scope that a call belongs to; None where only the instance's check is meant for it."""
    api = next(each for each in topology.apis if each.name == judgement.api)
    scopes = {*api_scopes(api), *operation_scopes(api, judgement.operation)}
    if judgement.product:
        scopes.add(api.product_scope(judgement.product))
    if api.workspace:
        scopes.add(scope_of(f"workspaces/{api.workspace}"))
    return max((scope for scope in wish.scopes if scope in scopes), key=len, default=None)


def reaches(api: ApiNode, scope: str) -> bool:
    """Whether calls to an API can run through the document of a scope."""
    products = {api.product_scope(product) for product in api.products}
    in_workspace = bool(api.workspace) and scope == scope_of(f"workspaces/{api.workspace}")
    return scope == GLOBAL or _is_within(scope, api.scope) or scope in products or in_workspace


def documents_for(api: ApiNode, scope: str) -> Iterator[str]:
    """The documents of an API revision that a declared scope means: the scope itself, or that of the revision."""
    base = api_scopes(api)[1]
    of_revision = api.scope + scope.removeprefix(base)
    operations = {api.operation_scope(operation) for operation in api.operations}
    if scope == base or (_is_within(scope, base) and of_revision in operations):
        yield of_revision
    elif not _is_within(scope, base) and reaches(api, scope):
        yield scope


def outer_answers(topology: Topology, scope: str) -> bool:
    """Whether an outer scope can answer or reach out before a check behind `<base />` would run."""
    pipelines = Pipelines(topology)
    outers = {
        tuple(each for each in topology.chain(api, operation, product) if _rank(each) < _rank(scope))
        for api in topology.apis
        if reaches(api, scope)
        for operation in api.operations
        for product in ("", *api.products)
    }
    return any(_can_answer(pipelines.steps(outer, INBOUND, missing_inherits=True)) for outer in outers)


def _can_answer(steps: Sequence[Step]) -> bool:
    for step in steps:
        if isinstance(step, (Escapes, Unclear, Unreadable)):
            return True
        if isinstance(step, Choice) and any(_can_answer(branch) for branch in step.branches):
            return True
        if isinstance(step, Guarded) and _can_answer(step.steps):
            return True
    return False


def _rank(scope: str) -> int:
    """How far in a document stands: global, workspace, product, API, operation."""
    kinds = scope.split("/")[::2] if scope else []
    return max((_RANKS.index(kind) + 1 for kind in kinds), default=0)


def _is_in_api(scope: str) -> bool:
    return _rank(scope) > _RANKS.index("products") + 1


def _is_within(scope: str, outer: str) -> bool:
    """Whether a scope is another one itself or lies below it."""
    return scope == outer or scope.startswith(f"{outer}/")
