"""
Where checks go: the fewest edits that cover everything declared and touch nothing that is waived.

Called by remediators. One check at global scope, guarded where something is waived (R20), and one of its own below a
scope that drops `<base />` or does something before the outer scopes run. It is idempotent (placing again
changes nothing) and local (an API more or less moves no other check). It must not write, and never touches a
check that isn't ours: what it can't do it says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from apimend.model.check import ClientCertificateCheck
from apimend.model.errors import PolicyNotUnderstood
from apimend.model.own import Own
from apimend.policy.change import (
    NEW_GLOBAL,
    NEW_INNER,
    FoundCheck,
    find_checks,
    with_inserted,
    without_found,
)
from apimend.policy.compare import same_policy
from apimend.policy.coverage import Judgement, judge, judge_calls
from apimend.policy.document import Document
from apimend.policy.grade import Verdict
from apimend.policy.guard import Guard
from apimend.policy.leftover import NOT_OURS, judged_document, left_at, unread
from apimend.policy.mending import belongs, scope_to_mend, why_there
from apimend.policy.own import each_edited, our_checks, own_after
from apimend.policy.pipeline import Pipelines
from apimend.policy.placed import Left, PlacedEdit, Placement, Unplaced
from apimend.policy.readiness import unready
from apimend.policy.single import holds, rewritten, stands_in_the_way
from apimend.policy.topology import GLOBAL, ReadDocument, Standards, Topology, scope_of
from apimend.policy.wish import Wish, documents_for, guard_for, outer_answers, own_scope

ROUNDS = 8
KIB = 1024


def place(topology: Topology, standards: Standards, wish: Wish) -> Placement:
    """The edits that fulfil a wish. Raises ValueError for a value that can't be written into a policy."""
    before = judge(topology, standards)
    if GLOBAL in standards.waivers:
        return Placement(edits=(), unplaced=(), before=before, after=before)
    blocking = tuple(unready(topology, wish))
    if blocking:
        return Placement(edits=(), unplaced=blocking, before=before, after=before)
    wish = replace(wish, scopes={scope_of(scope): check for scope, check in wish.scopes.items()})
    work = _Work(topology, standards, wish)
    work.clear_absent()
    for scope in sorted(wish.scopes):
        work.put_own(scope)
    if wish.check is not None:
        work.put(GLOBAL, wish.check, "every call passes here, save below a document without `<base />`")
    work.bring_up_to_date()
    work.reach_the_rest()
    after = judge(work.topology, standards)
    return Placement(edits=tuple(work.edits()), unplaced=tuple(dict.fromkeys(work.left())), before=before, after=after)


def take_out(topology: Topology, standards: Standards, ours: Mapping[str, Own]) -> Placement:
    """The edits that take our checks out everywhere. Others stay, and so do documents that we made."""
    before = judge(topology, standards)
    work = _Work(topology, standards, Wish(check=None, ours=ours))
    for scope in sorted(topology.documents):
        work.clear(scope)
    after = judge(work.topology, standards)
    return Placement(edits=tuple(work.edits()), unplaced=tuple(work.problems), before=before, after=after)


def is_bare(text: str) -> bool:
    """Whether a document changes nothing any more: one that we created can be deleted then."""
    document = Document.parse(text)
    return any(same_policy(document, Document.parse(bare)) for bare in (NEW_GLOBAL, NEW_INNER))


@dataclass
class _Work:
    """The documents while edits are gathered. Nothing leaves it but the edits and what was left alone."""

    topology: Topology
    standards: Standards
    wish: Wish
    problems: list[Unplaced] = field(default_factory=list)
    _before: dict[str, str | None] = field(default_factory=dict)
    _reasons: dict[str, str] = field(default_factory=dict)
    _tried: set[str] = field(default_factory=set)
    _cleared: set[str] = field(default_factory=set)
    _owned: dict[str, Own] = field(default_factory=dict)

    def put_own(self, scope: str) -> None:
        """A check of a scope's own, in the document of that scope (for an API: of every revision)."""
        targets = sorted({target for api in self.topology.apis for target in documents_for(api, scope)})
        if not targets:
            self._leave(scope, "there is nothing of this name that can be called", Left.NOT_THERE)
        for target in targets:
            if target in self.standards.waivers:
                self._leave(target, "it has a check of its own, and is waived", Left.NOT_COVERED)
            else:
                self.put(target, self.wish.scopes[scope], f"`{scope}` has clients of its own", own=scope)

    def put(self, scope: str, check: ClientCertificateCheck, reason: str, *, own: str | None = None) -> None:
        """The check into one document: changed where it is ours, else inserted."""
        self._tried.add(scope)
        found = self.topology.documents.get(scope)
        if isinstance(found, PolicyNotUnderstood):
            self._not_read(scope, found)
            return
        guard = guard_for(self.topology, self.standards, self.wish, scope, own=own)
        document = found or Document.parse(NEW_GLOBAL if scope == GLOBAL else NEW_INNER)
        try:
            text = self._with(scope, document, check, guard)
        except PolicyNotUnderstood as error:
            self._not_read(scope, error)
            return
        if isinstance(text, FoundCheck):
            self._leave(scope, NOT_OURS, Left.FOREIGN, line=text.element.line, column=text.element.column)
        elif len(text.encode()) > self.wish.limit_kib * KIB:
            self._leave(scope, f"the document would be larger than {self.wish.limit_kib} KiB", Left.TOO_LARGE)
        elif found is None or text != found.text:
            self._store(scope, found, text, reason)

    def _with(self, scope: str, document: Document, check: ClientCertificateCheck, guard: Guard) -> str | FoundCheck:
        ours = self._ours(scope, document)
        if ours:
            return rewritten(document, ours[0], check, guard, self.wish.record, is_global=scope == GLOBAL)
        if holds(document, check, guard):
            return document.text
        foreign = next((f for f in find_checks(document) if stands_in_the_way(f, self.topology, self.standards)), None)
        if foreign is not None:
            return foreign
        return with_inserted(
            document,
            check,
            is_global=scope == GLOBAL,
            guard=guard,
            before_base=scope != GLOBAL and outer_answers(self.topology, scope),
            record=self.wish.record,
        )

    def clear_absent(self) -> None:
        """The documents of scopes that are declared absent without our checks; for the instance: all but the own."""
        absent = {scope_of(scope) for scope in self.wish.absent}
        targets = self._targets(absent)
        if GLOBAL in absent:
            targets |= set(self.topology.documents) - self._targets(self.wish.scopes)
        for target in sorted(targets & set(self.topology.documents)):
            self.clear(target)

    def _targets(self, scopes: Iterable[str]) -> set[str]:
        return {target for scope in scopes for api in self.topology.apis for target in documents_for(api, scope)}

    def clear(self, scope: str) -> None:
        """One document without our checks."""
        document = self.topology.documents[scope]
        if isinstance(document, PolicyNotUnderstood):
            return
        text = each_edited(document, self._own(scope), without_found).text
        if text != document.text:
            self._cleared.add(scope)
            self._store(scope, document, text, "the check is declared absent")

    def bring_up_to_date(self) -> None:
        """The checks that we put further in, as they are wished now: with today's pins, enforcing or observing."""
        for scope, document in sorted(self.topology.documents.items()):
            if scope not in self._tried and self._ours(scope, document):
                own = max((each for each in self.wish.scopes if belongs(scope, each)), key=len, default=None)
                check = self.wish.check if own is None else self.wish.scopes[own]
                if check is not None:
                    self.put(scope, check, "our check there is not as it is declared now", own=own)

    def _ours(self, scope: str, document: ReadDocument) -> tuple[FoundCheck, ...]:
        return () if isinstance(document, PolicyNotUnderstood) else our_checks(document, self._own(scope))

    def _own(self, scope: str) -> Own | None:
        return self._owned.get(scope, self.wish.ours.get(scope))

    def reach_the_rest(self) -> None:
        """A check of its own for every document that the checks so far do not reach behind."""
        for _ in range(ROUNDS):
            pipelines = Pipelines(self.topology)
            troubles: dict[str, Judgement] = {}
            for judgement in self._uncovered():
                scope = scope_to_mend(pipelines, judgement, self.topology)
                if scope is not None and scope not in self._tried:
                    troubles.setdefault(scope, judgement)
            if not troubles:
                return
            for scope, judgement in sorted(troubles.items()):
                own = own_scope(self.topology, self.wish, judgement)
                check = self.wish.check if own is None else self.wish.scopes[own]
                self._tried.add(scope)
                if check is not None:
                    self.put(scope, check, why_there(judgement), own=own)

    def left(self) -> Iterator[Unplaced]:
        """What was left alone, and what is still not covered."""
        yield from self.problems
        for judgement in self._uncovered():
            if self.wish.check is None and own_scope(self.topology, self.wish, judgement) is None:
                continue
            document = judged_document(self.topology, judgement)
            ours = () if document is None else self._ours(judgement.document, document)
            yield left_at(judgement, document, ours, self.wish)

    def edits(self) -> Iterator[PlacedEdit]:
        """
        Inner documents first: what the global guard is to spare has its own check by then. What loses its own comes
        last: the global check takes its place by then.
        """
        for scope in sorted(self._before, key=lambda each: (each in self._cleared, each == GLOBAL, each)):
            document = self.topology.documents[scope]
            assert isinstance(document, Document)
            if document.text == self._before[scope]:
                continue
            yield PlacedEdit(scope=scope, before=self._before[scope], after=document.text, reason=self._reasons[scope])

    def _uncovered(self) -> Iterator[Judgement]:
        """Calls that meet no check as it is wished, at the hosts and gateways that are not left out."""
        for judgement in judge_calls(self.topology, self.standards, above=Verdict.WAIVED):
            if self.wish.is_meant(judgement.host, judgement.gateway) and not self._is_observed(judgement):
                yield judgement

    def _is_observed(self, judgement: Judgement) -> bool:
        """Whether a call is observed, and no more is wished: a check that is to be enforced has to get there yet."""
        if judgement.verdict is not Verdict.OBSERVED_ONLY:
            return False
        own = own_scope(self.topology, self.wish, judgement)
        check = self.wish.check if own is None else self.wish.scopes[own]
        return check is None or check.ignore_error

    def _not_read(self, scope: str, error: PolicyNotUnderstood) -> None:
        self.problems.append(unread(scope, error))

    def _leave(self, scope: str, reason: str, kind: Left, *, line: int = 0, column: int = 0) -> None:
        self.problems.append(Unplaced(scope=scope, line=line, column=column, reason=reason, kind=kind))

    def _store(self, scope: str, before: Document | None, after: str, reason: str) -> None:
        self._before.setdefault(scope, before.text if before else None)
        self._reasons.setdefault(scope, reason)
        self._owned[scope] = own_after(self._own(scope), before.text if before else None, after)
        documents = {**self.topology.documents, scope: Document.parse(after)}
        self.topology = replace(self.topology, documents=documents)
