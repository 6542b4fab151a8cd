"""
One call's way through its steps: what a caller without an allowed certificate can reach before he is stopped.

Called by coverage.py, once for every way that differs. It must not know of waivers or figures.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from apimend.policy.forwarded_check import ForwardedCheck
from apimend.policy.grade import Verdict, grade
from apimend.policy.guard import GuardedCall
from apimend.policy.pipeline import INBOUND, ON_ERROR, Pipelines
from apimend.policy.recognise import (
    Check,
    Choice,
    Escapes,
    Guarded,
    Refuses,
    Step,
    Unclear,
    Unreadable,
    Where,
    WritesHeader,
)
from apimend.policy.topology import GLOBAL, ApiNode, Host, Standards

PROVEN = frozenset({"", "http", "soap", "graphql", "websocket", "odata"})
"""API types whose calls run the policies of their scopes. Of others (gRPC, MCP, A2A) that is not known well enough."""


class Cause(Enum):
    """What decided a judgement."""

    NO_CHECK = "no check"
    BEFORE_CHECK = "before the check"
    CHECK = "the check"
    GUARD = "the guard"
    ON_ERROR = "on-error"
    NOT_READ = "not read"


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    A verdict with its place and reason. `ends`: nothing that follows in its section is reached; `admits`: the only
    thumbprints that get past it.
    """

    verdict: Verdict
    where: Where
    reason: str
    cause: Cause = Cause.CHECK
    ends: bool = False
    admits: frozenset[str] | None = None


_Against = Escapes | Unclear | Unreadable

_STRENGTH = (
    Verdict.COVERED,
    Verdict.NOT_UNDERSTOOD,
    Verdict.WEAKER,
    Verdict.FORGEABLE,
    Verdict.OBSERVED_ONLY,
    Verdict.BYPASSED,
)
"""
How much a check holds, the strongest first: one that lets everybody pass adds nothing to one that doesn't. One that
isn't understood may stop whom a weaker one lets in, so that who gets through both isn't known.
"""

_HOLDING = frozenset({Verdict.WEAKER, Verdict.FORGEABLE, Verdict.NOT_UNDERSTOOD})
"""Verdicts on checks that stop, or may stop, whoever has no certificate at all."""


def judge_call(
    pipelines: Pipelines, api: ApiNode, chain: Sequence[str], call: GuardedCall, host: Host, standards: Standards
) -> Outcome:
    """One call, by both readings of a section that is missing: where they differ, it is not understood."""
    if api.type.casefold() not in PROVEN:
        reason = f"how calls of an API of type `{api.type}` run is not proven"
        return Outcome(Verdict.NOT_UNDERSTOOD, Where(document=api.scope, line=0), reason, Cause.NOT_READ)
    walk = _Walk(pipelines, chain, call, host, standards)
    inherited, dropped = walk.outcome(missing_inherits=True), walk.outcome(missing_inherits=False)
    worse = max(inherited, dropped, key=lambda each: each.verdict)
    if inherited.verdict is dropped.verdict or worse.verdict is Verdict.LOCKED_OUT:
        return worse
    reason = "a section is missing, and whether outer scopes run then is not documented"
    scope = next((each for each in reversed(chain) if pipelines.is_missing((each,), INBOUND)), chain[-1])
    return Outcome(Verdict.NOT_UNDERSTOOD, Where(document=scope, line=0), reason, Cause.NOT_READ)


@dataclass(frozen=True)
class _Walk:
    """One call's way through its steps."""

    pipelines: Pipelines
    chain: Sequence[str]
    call: GuardedCall
    host: Host
    standards: Standards

    def outcome(self, *, missing_inherits: bool) -> Outcome:
        """The verdict on the call: what stands before the checks, the checks, and what errors lead to."""
        inbound = self.pipelines.steps(self.chain, INBOUND, missing_inherits=missing_inherits)
        found = self._inbound(inbound)
        if found.verdict in (Verdict.BYPASSED, Verdict.LOCKED_OUT, Verdict.OBSERVED_ONLY):
            return found
        on_error = self.pipelines.steps(self.chain, ON_ERROR, missing_inherits=missing_inherits)
        return self._worst(on_error, found)

    def _inbound(self, steps: Sequence[Step]) -> Outcome:
        """The checks add up, so the best of them counts; what comes before it counts against it."""
        against: list[Outcome] = []
        checks: list[Outcome] = []
        for found in self._found(steps):
            is_stopped = any(check.verdict is Verdict.COVERED for check in checks)
            if isinstance(found, Outcome):
                checks.append(found)
            elif not is_stopped:
                against.append(_before(found, (*checks, *against)))
            if found.ends:
                break
        locked = next((each for each in checks if each.verdict is Verdict.LOCKED_OUT), _at_odds(checks))
        if locked is not None:
            return locked
        unread = [each for each in against if each.verdict is Verdict.NOT_UNDERSTOOD]
        best = min((*checks, *unread), key=lambda each: _STRENGTH.index(each.verdict), default=self._unchecked())
        return max((*against, best), key=lambda each: each.verdict)

    def _found(self, steps: Sequence[Step], written: set[str] | None = None) -> Iterator["Outcome | _Against"]:
        """
        What matters of the steps that this call surely takes: outcomes of checks, and what speaks against them.

        `written` are the headers that policies may have written so far.
        """
        written = set() if written is None else written
        for step in steps:
            if isinstance(step, Check):
                yield self._checked(step, written)
            elif isinstance(step, WritesHeader):
                written.add(step.header)
            elif isinstance(step, Refuses):
                yield Outcome(Verdict.COVERED, step.where, "everybody is refused here", ends=True)
            elif isinstance(step, Guarded):
                yield from self._guarded(step, written)
            elif isinstance(step, Choice):
                yield from self._maybe(step, written)
            elif isinstance(step, (Escapes, Unclear, Unreadable)):
                yield step

    def _checked(self, step: Check, written: set[str]) -> Outcome:
        graded = grade(step.read, self.host, self.standards)
        found = Outcome(graded.verdict, step.where, graded.reason, admits=graded.admits)
        if not isinstance(step.read, ForwardedCheck) or written.isdisjoint({"", step.read.header.casefold()}):
            return found
        reason = f"a policy before the check may write the header {step.read.header}"
        return max(found, Outcome(Verdict.NOT_UNDERSTOOD, step.where, reason), key=lambda each: each.verdict)

    def _guarded(self, step: Guarded, written: set[str]) -> Iterator["Outcome | _Against"]:
        if step.guard.applies(self.call):
            yield from self._found(step.steps, written)
        elif any(isinstance(inner, Check) for inner in step.steps):
            yield Outcome(Verdict.BYPASSED, step.where, "the guard of the check spares this call", Cause.GUARD)

    def _maybe(self, choice: Choice, written: set[str]) -> Iterator["Outcome | _Against"]:
        """Nobody knows whether a branch runs: what is bad in it counts, a check in it does not."""
        for found in (each for branch in choice.branches for each in self._found(branch, written)):
            if isinstance(found, Escapes):
                yield replace(found, ends=False)
            elif not isinstance(found, Outcome):
                yield found
            elif not found.ends and found.verdict is not Verdict.BYPASSED:
                reason = "a check under a condition that is not understood"
                yield Outcome(Verdict.NOT_UNDERSTOOD, found.where, reason)
        if choice.is_doubtful:
            reason = "a condition on the certificate that is not in the documented form"
            yield Outcome(Verdict.NOT_UNDERSTOOD, choice.where, reason)

    def _unchecked(self) -> Outcome:
        dropped = next((scope for scope in reversed(self.chain[1:]) if self.pipelines.drops_base(scope)), None)
        if dropped is None:
            return Outcome(
                Verdict.BYPASSED, Where(document=GLOBAL, line=0), "no check stands on the way", Cause.NO_CHECK
            )
        reason = "its inbound has no `<base />`, and no check"
        return Outcome(Verdict.BYPASSED, Where(document=dropped, line=0), reason, Cause.NO_CHECK)

    def _worst(self, on_error: Iterable[Step], found: Outcome) -> Outcome:
        """
        What `on-error` answers is what a caller gets who fails a check.

        It counts whatever stands in inbound: the service runs it for errors of its own too, such as a missing key.
        """
        for bad in self._found(tuple(on_error)):
            if isinstance(bad, Outcome) and bad.ends:
                break
            if isinstance(bad, Outcome):
                continue
            if isinstance(bad, Escapes):
                reason = f"{bad.what} in on-error undoes the refusal"
                return Outcome(Verdict.BYPASSED, bad.where, reason, Cause.ON_ERROR)
            unclear = Outcome(Verdict.NOT_UNDERSTOOD, bad.where, f"{bad.what} in on-error", Cause.ON_ERROR)
            found = max(found, unclear, key=lambda each: each.verdict)
        return found


def _before(step: _Against, so_far: Sequence[Outcome]) -> Outcome:
    """What gets out here gets out to whom the checks so far let pass; where one isn't understood, nobody knows."""
    if isinstance(step, Unreadable):
        return Outcome(Verdict.NOT_UNDERSTOOD, step.where, step.what, Cause.NOT_READ)
    reason = f"{step.what} comes before any check that would stop the caller"
    held = min((each.verdict for each in so_far if each.verdict in _HOLDING), key=_STRENGTH.index, default=None)
    return Outcome(held or Verdict.BYPASSED, step.where, reason, Cause.BEFORE_CHECK)


def _at_odds(checks: Sequence[Outcome]) -> Outcome | None:
    """The first check that nobody passes who has passed those before it."""
    passing: frozenset[str] | None = None
    for each in checks:
        if each.admits is not None:
            passing = each.admits if passing is None else passing & each.admits
            if not passing:
                reason = "no certificate passes this check and those before it: they pin different clients"
                return Outcome(Verdict.LOCKED_OUT, each.where, reason)
    return None
