"""
Where checks go: the fewest edits that cover everything declared and touch nothing that is waived.

Called by remediators. One check at global scope, guarded where something is waived (R20), and one of its own below a
scope that drops `<base />` or does something before the outer scopes run. It is idempotent (placing again
changes nothing) and local (an API more or less moves no other check). It must not write, and never touches a
check that isn't ours: what it can't do it says.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from apimend.model.check import ClientCertificateCheck
from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.change import (
    NEW_GLOBAL,
    NEW_INNER,
    FoundCheck,
    find_checks,
    with_changed,
    with_guard,
    with_inserted,
    without_found,
)
from apimend.policy.check import normal_check
from apimend.policy.compare import same_policy
from apimend.policy.coverage import Cause, Coverage, Judgement, judge, judge_calls
from apimend.policy.document import Document
from apimend.policy.grade import Verdict
from apimend.policy.guard import Guard
from apimend.policy.pipeline import INBOUND, Pipelines
from apimend.policy.recognise import Choice, Escapes, Guarded, Step, Unclear, Unreadable
from apimend.policy.topology import GLOBAL, ApiNode, Host, Standards, Topology, scope_of

ROUNDS = 8
KIB = 1024


@dataclass(frozen=True, kw_only=True)
class Wish:
    """
    What is to be checked where.

    `check` is the instance's (None: only `scopes`), `scopes` the checks of their own below it: their calls are
    spared by the global one. `plain_hosts` stay without a check; `only_gateways` restricts the checks to gateways that
    are known to negotiate. `ours` are checks that we wrote before: only they, and those that say what
    is wished, are ever changed.
    """

    check: ClientCertificateCheck | None
    scopes: Mapping[str, ClientCertificateCheck] = field(default_factory=dict)
    plain_hosts: frozenset[str] = frozenset()
    only_gateways: frozenset[str] | None = None
    ours: tuple[ClientCertificateCheck, ...] = ()
    limit_kib: int = 256


@dataclass(frozen=True, kw_only=True)
class PlacedEdit:
    """One document to be written, in this order. `before` is None where the scope has none yet."""

    scope: str
    before: str | None = field(repr=False)
    after: str = field(repr=False)
    reason: str


@dataclass(frozen=True, kw_only=True)
class Unplaced:
    """Something that is left as it is, and why. `blocks`: nothing is placed at all because of it."""

    scope: str
    line: int
    reason: str
    blocks: bool = False


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The edits, what is left alone, and the coverage without and with them."""

    edits: tuple[PlacedEdit, ...]
    unplaced: tuple[Unplaced, ...]
    before: Coverage
    after: Coverage


def place(topology: Topology, standards: Standards, wish: Wish) -> Placement:
    """The edits that fulfil a wish. Raises ValueError for a value that can't be written into a policy."""
    before = judge(topology, standards)
    if GLOBAL in standards.waivers:
        return Placement(edits=(), unplaced=(), before=before, after=before)
    blocking = tuple(_unready(topology, standards, wish))
    if blocking:
        return Placement(edits=(), unplaced=blocking, before=before, after=before)
    wish = replace(wish, scopes={scope_of(scope): check for scope, check in wish.scopes.items()})
    work = _Work(topology, standards, wish)
    for scope in sorted(wish.scopes):
        work.put_own(scope)
    if wish.check is not None:
        work.put(GLOBAL, wish.check, "every call passes here, save below a document without `<base />`")
    work.reach_the_rest()
    after = judge(work.topology, standards)
    return Placement(edits=tuple(work.edits()), unplaced=tuple(dict.fromkeys(work.left())), before=before, after=after)


def take_out(topology: Topology, standards: Standards, ours: tuple[ClientCertificateCheck, ...]) -> Placement:
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

    def put_own(self, scope: str) -> None:
        """A check of a scope's own, in the document of that scope (for an API: of every revision)."""
        targets = sorted({target for api in self.topology.apis for target in _documents_for(api, scope)})
        if not targets:
            self._leave(scope, 0, "there is nothing of this name that can be called")
        for target in targets:
            if target in self.standards.waivers:
                self._leave(target, 0, "it has a check of its own, and is waived")
            else:
                self.put(target, self.wish.scopes[scope], f"`{scope}` has clients of its own", own=scope)

    def put(self, scope: str, check: ClientCertificateCheck, reason: str, *, own: str | None = None) -> None:
        """The check into one document: changed where it is ours, else inserted."""
        self._tried.add(scope)
        found = self.topology.documents.get(scope)
        if isinstance(found, PolicyNotUnderstood):
            self._leave(scope, found.line, f"the document can't be read: {found.reason}")
            return
        bare = Document.parse(NEW_GLOBAL if scope == GLOBAL else NEW_INNER)
        try:
            text = self._with(scope, found or bare, check, self._guard(scope, own))
        except PolicyNotUnderstood as error:
            self._leave(scope, error.line, f"the document can't be read: {error.reason}")
            return
        if text is not None and len(text.encode()) > self.wish.limit_kib * KIB:
            self._leave(scope, 0, f"the document would be larger than {self.wish.limit_kib} KiB")
        elif text is not None and (found is None or text != found.text):
            self._store(scope, found, text, reason)

    def clear(self, scope: str) -> None:
        """One document without our checks."""
        document = self.topology.documents[scope]
        if isinstance(document, PolicyNotUnderstood):
            return
        text = document.text
        while ours := [found for found in find_checks(Document.parse(text)) if self._is_ours(found, None)]:
            text = without_found(ours[0].element.document, ours[0])
        if text != document.text:
            self._store(scope, document, text, "the check is declared absent")

    def reach_the_rest(self) -> None:
        """A check of its own for every document that the checks so far do not reach behind."""
        for _ in range(ROUNDS):
            pipelines = Pipelines(self.topology)
            troubles: dict[str, Judgement] = {}
            for judgement in self._uncovered():
                scope = _scope_to_mend(pipelines, judgement, self.topology)
                if scope is not None and scope not in self._tried:
                    troubles.setdefault(scope, judgement)
            if not troubles:
                return
            for scope, judgement in sorted(troubles.items()):
                own = self._own_scope(judgement)
                check = self.wish.check if own is None else self.wish.scopes[own]
                self._tried.add(scope)
                if check is not None:
                    self.put(scope, check, _why(judgement), own=own)

    def left(self) -> Iterator[Unplaced]:
        """What was left alone, and what is still not covered."""
        yield from self.problems
        for judgement in self._uncovered():
            yield Unplaced(scope=judgement.document, line=judgement.line, reason=judgement.reason)

    def edits(self) -> Iterator[PlacedEdit]:
        """Inner documents first: what the global guard is to spare has its own check by then."""
        for scope in sorted(self._before, key=lambda each: (each == GLOBAL, each)):
            document = self.topology.documents[scope]
            assert isinstance(document, Document)
            yield PlacedEdit(scope=scope, before=self._before[scope], after=document.text, reason=self._reasons[scope])

    def _uncovered(self) -> Iterator[Judgement]:
        """Calls that meet no check of ours, at the hosts and gateways that are not left out."""
        for judgement in judge_calls(self.topology, self.standards):
            host = (judgement.host.lower(), judgement.gateway)
            if judgement.verdict > Verdict.OBSERVED_ONLY and _is_meant(host, self.wish):
                yield judgement

    def _with(self, scope: str, document: Document, check: ClientCertificateCheck, guard: Guard) -> str | None:
        found = find_checks(document)
        ours = next((each for each in found if self._is_ours(each, check)), None)
        if ours is not None:
            return _changed(document, ours, check, guard, is_global=scope == GLOBAL)
        if found:
            self._leave(scope, found[0].element.line, "another check stands there, which is not ours")
            return None
        before_base = scope != GLOBAL and self._outer_answers(scope)
        return with_inserted(document, check, is_global=scope == GLOBAL, guard=guard, before_base=before_base)

    def _is_ours(self, found: FoundCheck, wished: ClientCertificateCheck | None) -> bool:
        if found.not_understood:
            return False
        mine = [*self.wish.ours, *([wished] if wished else [])]
        return _by_meaning(found.check) in {_by_meaning(each) for each in mine}

    def _guard(self, scope: str, own: str | None) -> Guard:
        """What a check in a document spares: what is waived, and what has a check of its own further in."""
        spared = {
            each for each in self.wish.scopes if own is None or each.startswith(f"{own}/")
        } | self.standards.waivers
        apis = [api for api in self.topology.apis if scope == GLOBAL or _reaches(api, scope)]
        inside_api = any(_is_in(api.scope, scope) for api in apis)
        whole = [api for api in apis if not inside_api and not spared.isdisjoint(_api_scopes(api))]
        names = frozenset(api.base_name for api in whole)
        return Guard(
            except_apis=names,
            except_operations=frozenset(
                (api.base_name, operation)
                for api in apis
                for operation in api.operations
                if api.base_name not in names and "/operations/" not in scope and _spares(spared, api, operation)
            ),
            except_products=frozenset(
                product
                for api in apis
                for product in api.products
                if api.product_scope(product) in spared and api.product_scope(product) != scope
            ),
            except_workspaces=frozenset(
                api.workspace
                for api in apis
                if api.workspace and scope == GLOBAL and scope_of(f"workspaces/{api.workspace}") in spared
            ),
            except_hosts=frozenset(host.lower() for host in self.wish.plain_hosts),
            only_gateways=self.wish.only_gateways,
        )

    def _own_scope(self, judgement: Judgement) -> str | None:
        """The innermost scope with a check of its own that a call belongs to."""
        api = next(each for each in self.topology.apis if each.name == judgement.api)
        scopes = {
            each for base in _api_scopes(api) for each in (base, f"{base}/operations/{judgement.operation.casefold()}")
        }
        if judgement.product:
            scopes.add(api.product_scope(judgement.product))
        if api.workspace:
            scopes.add(scope_of(f"workspaces/{api.workspace}"))
        return max((scope for scope in self.wish.scopes if scope in scopes), key=len, default=None)

    def _outer_answers(self, scope: str) -> bool:
        """Whether an outer scope can answer or reach out before a check behind `<base />` would run."""
        pipelines = Pipelines(self.topology)
        outers = {
            _outside(self.topology.chain(api, operation, product), scope)
            for api in self.topology.apis
            if _reaches(api, scope)
            for operation in api.operations
            for product in ("", *api.products)
        }
        return any(_can_answer(pipelines.steps(outer, INBOUND, missing_inherits=True)) for outer in outers)

    def _leave(self, scope: str, line: int, reason: str) -> None:
        self.problems.append(Unplaced(scope=scope, line=line, reason=reason))

    def _store(self, scope: str, before: Document | None, after: str, reason: str) -> None:
        self._before.setdefault(scope, before.text if before else None)
        self._reasons.setdefault(scope, reason)
        documents = {**self.topology.documents, scope: Document.parse(after)}
        self.topology = replace(self.topology, documents=documents)


def _changed(
    document: Document, found: FoundCheck, check: ClientCertificateCheck, guard: Guard, *, is_global: bool
) -> str:
    """Our check as it is wished now, guard included."""
    if (found.guard or Guard()) == guard:
        return with_changed(document, found, check)
    if found.guard is None or guard.is_empty:
        without = Document.parse(without_found(document, found))
        return with_inserted(without, check, is_global=is_global, guard=guard)
    guarded = Document.parse(with_guard(document, found, guard))
    again = next(each for each in find_checks(guarded) if each.outer.index == found.outer.index)
    return with_changed(guarded, again, check)


def _by_meaning(check: ClientCertificateCheck) -> ClientCertificateCheck:
    """A check apart from whether it observes or enforces: the two are steps of one roll-out."""
    return replace(normal_check(check), ignore_error=False)


def _unready(topology: Topology, standards: Standards, wish: Wish) -> Iterator[Unplaced]:
    """Hosts at which a check would refuse everybody, or might: nobody is locked out by us (R1)."""
    checks = [check for check in (wish.check, *wish.scopes.values()) if check is not None and not check.ignore_error]
    for host in topology.hosts if checks else ():
        if not _is_meant((host.name.lower(), host.gateway), wish) or not _in_use(host, topology):
            continue
        name = host.name or host.gateway
        if host.negotiates is False:
            yield Unplaced(scope=GLOBAL, line=0, reason=f"{name} does not ask for a certificate", blocks=True)
        elif host.negotiates is None:
            yield Unplaced(
                scope=GLOBAL, line=0, reason=f"whether {name} asks for a certificate is not known", blocks=True
            )
        elif host.trusts is False and any(check.validate_trust for check in checks):
            yield Unplaced(scope=GLOBAL, line=0, reason=f"{name} does not trust the clients' chain", blocks=True)


def _in_use(host: Host, topology: Topology) -> bool:
    return any(host.serves(api) for api in topology.apis) or not topology.apis


def _is_meant(host: tuple[str, str], wish: Wish) -> bool:
    name, gateway = host
    plain = {each.lower() for each in wish.plain_hosts}
    return name not in plain and (wish.only_gateways is None or gateway in wish.only_gateways)


def _scope_to_mend(pipelines: Pipelines, judgement: Judgement, topology: Topology) -> str | None:
    """The document in which a check of its own would help; None where none would."""
    if judgement.verdict is not Verdict.BYPASSED or judgement.cause not in (Cause.NO_CHECK, Cause.BEFORE_CHECK):
        return None
    if not judgement.document.startswith("fragment "):
        return judgement.document
    api = next(each for each in topology.apis if each.name == judgement.api)
    chain = topology.chain(api, judgement.operation, judgement.product)
    return pipelines.including(chain, judgement.document.removeprefix("fragment "))


def _why(judgement: Judgement) -> str:
    place = f"`{judgement.document}`" + (f" (line {judgement.line})" if judgement.line else "")
    return f"the global check does not reach {place}: {judgement.reason}"


def _api_scopes(api: ApiNode) -> tuple[str, str]:
    """The scopes that mean an API: its revision's own, and that of all revisions."""
    return (api.scope, api.scope.partition(";rev=")[0])


def _spares(spared: Set[str], api: ApiNode, operation: str) -> bool:
    return any(f"{scope}/operations/{operation.casefold()}" in spared for scope in _api_scopes(api))


def _is_in(outer: str, scope: str) -> bool:
    """Whether a scope is `outer` or lies below it."""
    return scope == outer or scope.startswith(f"{outer}/")


def _reaches(api: ApiNode, scope: str) -> bool:
    """Whether calls to an API can run through the document of a scope."""
    products = {api.product_scope(product) for product in api.products}
    in_workspace = bool(api.workspace) and scope == scope_of(f"workspaces/{api.workspace}")
    return scope == GLOBAL or _is_in(api.scope, scope) or scope in products or in_workspace


def _documents_for(api: ApiNode, scope: str) -> Iterator[str]:
    """The documents of an API revision that a declared scope means: the scope itself, or that of the revision."""
    base = _api_scopes(api)[1]
    operations = {api.operation_scope(operation) for operation in api.operations}
    own = api.scope + scope.removeprefix(base)
    if scope == base or (_is_in(base, scope) and own in operations):
        yield own
    elif not _is_in(base, scope) and _reaches(api, scope):
        yield scope


def _outside(chain: tuple[str, ...], scope: str) -> tuple[str, ...]:
    """The documents of a chain that are outside of a scope, whether or not it has one yet."""
    return tuple(each for each in chain if _rank(each) < _rank(scope))


def _rank(scope: str) -> int:
    """How far in a document stands: global, workspace, product, API, operation."""
    kinds = scope.split("/")[::2]
    return (
        4
        if "operations" in kinds
        else max(("workspaces", "products", "apis").index(each) + 1 for each in kinds)
        if scope
        else 0
    )


def _can_answer(steps: Sequence[Step]) -> bool:
    """Whether anything in these steps answers, reaches out or is not known."""
    for step in steps:
        if isinstance(step, (Escapes, Unclear, Unreadable)):
            return True
        if isinstance(step, Choice) and any(_can_answer(branch) for branch in step.branches):
            return True
        if isinstance(step, Guarded) and _can_answer(step.steps):
            return True
    return False
