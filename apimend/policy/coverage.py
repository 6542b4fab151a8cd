"""
Which operations turn away a caller without an allowed certificate, and why the others don't.

Called by placement, remediators and the engine. For every operation, in every call context and at every host, one
verdict with document, line and reason; the worst of them is the operation's (R13). It is never optimistic: whatever
isn't understood counts as uncovered. It must not propose anything.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from apimend.model.plan import CoverageFigures, Uncovered
from apimend.policy.grade import Verdict
from apimend.policy.guard import GuardedCall
from apimend.policy.pipeline import Pipelines
from apimend.policy.recognise import Where
from apimend.policy.topology import ApiNode, Host, Standards, Topology, is_waived, operation_scopes
from apimend.policy.walk import Cause, Outcome, judge_call

_MOST = 20
"""Reasons that the figures carry along; each is told with its place."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """
    What becomes of a caller without an allowed certificate who calls an operation in one context at one host.

    `document` and `line` say where it is decided: a scope or `fragment x`; line 0 where nothing is there.
    """

    api: str
    operation: str
    product: str
    host: str
    gateway: str
    verdict: Verdict
    cause: Cause
    document: str
    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The worst judgement of every operation, in the order of the topology."""

    judgements: tuple[Judgement, ...]

    @property
    def figures(self) -> CoverageFigures:
        """How many operations are covered, in all and for each API."""
        verdicts = Counter(judgement.verdict.word for judgement in self.judgements)
        apis: dict[str, list[bool]] = {}
        for judgement in self.judgements:
            apis.setdefault(judgement.api, []).append(judgement.verdict is Verdict.COVERED)
        return CoverageFigures(
            covered=verdicts[Verdict.COVERED.word],
            total=len(self.judgements),
            verdicts=dict(sorted(verdicts.items())),
            apis=tuple((name, sum(covered), len(covered)) for name, covered in apis.items()),
            worst=tuple(self._worst()),
        )

    def _worst(self) -> Iterator[Uncovered]:
        """What is uncovered for the same reason at the same place together, the worst first."""
        groups: dict[tuple[Verdict, str, str, int, str], list[str]] = {}
        for each in self.uncovered():
            place = (each.verdict, each.api, each.document, each.line, each.reason)
            groups.setdefault(place, []).append(each.operation)
        for place, operations in sorted(groups.items(), key=lambda group: (-group[0][0], -len(group[1])))[:_MOST]:
            verdict, api, document, line, reason = place
            yield Uncovered(
                verdict=verdict.word,
                api=api,
                operation=operations[0],
                operations=len(operations),
                document=document,
                line=line,
                reason=reason,
            )

    def uncovered(self) -> tuple[Judgement, ...]:
        """What is neither covered nor waived."""
        return tuple(each for each in self.judgements if each.verdict > Verdict.WAIVED)


@dataclass(frozen=True, slots=True)
class _Judged:
    product: str
    host: str
    gateway: str
    outcome: Outcome


def judge(topology: Topology, standards: Standards) -> Coverage:
    """The coverage of an instance: for each operation the worst judgement of all its calls."""
    worst = (
        _judgement(api, operation, max(calls, key=lambda call: call.outcome.verdict))
        for api, operation, calls in _judged(topology, standards)
    )
    return Coverage(judgements=tuple(worst))


def judge_calls(topology: Topology, standards: Standards, *, above: Verdict | None = None) -> Iterator[Judgement]:
    """Every operation × call context × host; only those worse than `above` where that is given."""
    for api, operation, calls in _judged(topology, standards):
        for call in calls:
            if above is None or call.outcome.verdict > above:
                yield _judgement(api, operation, call)


def _judged(topology: Topology, standards: Standards) -> Iterator[tuple[ApiNode, str, "tuple[_Judged, ...]"]]:
    """Every operation with the outcomes of its calls; operations that nothing tells apart are judged once."""
    pipelines = Pipelines(topology)
    for api in topology.apis:
        named = _named(pipelines, api, standards)
        alike: tuple[_Judged, ...] | None = None
        for operation in api.operations:
            is_alike = operation not in named and api.operation_scope(operation) not in topology.documents
            if is_alike and alike is not None:
                yield api, operation, alike
                continue
            calls = tuple(_calls(pipelines, api, operation, standards))
            alike = calls if is_alike else alike
            yield api, operation, calls


def _named(pipelines: Pipelines, api: ApiNode, standards: Standards) -> frozenset[str]:
    """The operations of an API that a guard or a waiver names."""
    topology = pipelines.topology
    chains = {topology.chain(api, "", product) for product in ("", *api.products)}
    guarded = {pair for chain in chains for guard in pipelines.guards(chain) for pair in guard.except_operations}
    return frozenset(
        operation
        for operation in api.operations
        if (api.base_name, operation) in guarded or not standards.waivers.isdisjoint(operation_scopes(api, operation))
    )


def _calls(pipelines: Pipelines, api: ApiNode, operation: str, standards: Standards) -> Iterator["_Judged"]:
    is_callable = False
    for product, host in pipelines.topology.calls(api):
        is_callable = True
        chain = pipelines.topology.chain(api, operation, product)
        found = judge_call(pipelines, api, chain, _call(api, operation, product, host), host, standards)
        excusable = Verdict.WAIVED < found.verdict < Verdict.LOCKED_OUT
        if excusable and is_waived(standards.waivers, api, operation, product):
            found = replace(found, verdict=Verdict.WAIVED, reason=f"waived; without the waiver: {found.reason}")
        yield _Judged(product, host.name, host.gateway, found)
    if not is_callable:
        reason = "no host is known at which it can be called"
        outcome = Outcome(Verdict.NOT_UNDERSTOOD, Where(document=api.scope, line=0), reason, Cause.NOT_READ)
        yield _Judged("", "", "", outcome)


def _call(api: ApiNode, operation: str, product: str, host: Host) -> GuardedCall:
    return GuardedCall(
        api=api.base_name,
        operation=operation,
        host=host.name,
        gateway=host.gateway,
        product=product,
        workspace=api.workspace,
    )


def _judgement(api: ApiNode, operation: str, call: _Judged) -> Judgement:
    found = call.outcome
    return Judgement(
        api=api.name,
        operation=operation,
        product=call.product,
        host=call.host,
        gateway=call.gateway,
        verdict=found.verdict,
        cause=found.cause,
        document=found.where.document,
        line=found.where.line,
        reason=found.reason,
    )
