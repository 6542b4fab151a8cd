"""
The effective pipeline of a call: the steps of all its documents, spliced where `<base />` stands.

Called by coverage.py. Outer scopes run only where the inner document says so; fragments run where they are
included. Whether a document without the section at all runs the outer scopes is not documented, so a Pipelines is
asked for one reading or the other (`missing_inherits`). It must not judge what the steps mean.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.guard import Guard
from apimend.policy.recognise import Base, Choice, Guarded, Include, Step, Unreadable, Where, steps_of
from apimend.policy.topology import GLOBAL, ReadDocument, Topology

INBOUND = "inbound"
ON_ERROR = "on-error"


@dataclass(frozen=True)
class Pipelines:
    """The pipelines of one instance. Every document is looked at once, however many calls run through it."""

    topology: Topology
    _sections: dict[tuple[str, str], tuple[Step, ...] | None] = field(default_factory=dict)
    _fragments: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    _guards: dict[tuple[str, ...], tuple[Guard, ...]] = field(default_factory=dict)
    _spliced: dict[tuple[tuple[str, ...], str, bool], tuple[Step, ...]] = field(default_factory=dict)

    def steps(self, chain: Sequence[str], section: str, *, missing_inherits: bool) -> tuple[Step, ...]:
        """What runs in a section of a call, in order. `chain` are the scopes of its documents, outermost first."""
        key = (tuple(chain), section, missing_inherits)
        if key not in self._spliced:
            self._spliced[key] = tuple(self._splice(key[0], section, missing_inherits=missing_inherits))
        return self._spliced[key]

    def guards(self, chain: tuple[str, ...]) -> tuple[Guard, ...]:
        """The guards that stand anywhere on the way of a call."""
        if chain not in self._guards:
            steps = self.steps(chain, INBOUND, missing_inherits=True)
            self._guards[chain] = tuple(dict.fromkeys(_guards(steps)))
        return self._guards[chain]

    def including(self, chain: Sequence[str], fragment: str) -> str | None:
        """The innermost document of a chain that includes a fragment in its inbound section."""
        return next((scope for scope in reversed(chain) if fragment in self._included(scope)), None)

    def _included(self, scope: str) -> frozenset[str]:
        return frozenset(_includes(self._section(scope, INBOUND) or ()))

    def is_missing(self, chain: Sequence[str], section: str) -> bool:
        """Whether an inner document of a chain has no such section, so that the two readings may differ."""
        return any(scope != GLOBAL and self._section(scope, section) is None for scope in chain)

    def drops_base(self, scope: str) -> bool:
        """Whether a document has an inbound section that runs no outer scope."""
        steps = self._section(scope, INBOUND)
        return steps is not None and not any(isinstance(step, (Base, Unreadable)) for step in steps)

    def _splice(self, chain: tuple[str, ...], section: str, *, missing_inherits: bool) -> Iterator[Step]:
        if not chain:
            return
        *outer, scope = chain
        own = self._section(scope, section)
        if own is None:
            if missing_inherits:
                yield from self.steps(outer, section, missing_inherits=missing_inherits)
            return
        for step in own:
            if isinstance(step, Base):
                yield from self.steps(outer, section, missing_inherits=missing_inherits)
            else:
                yield from self._expanded(step)

    def _expanded(self, step: Step) -> Iterator[Step]:
        if isinstance(step, Include):
            yield from self._fragment(step)
        elif isinstance(step, Choice):
            branches = tuple(tuple(self._all_expanded(branch)) for branch in step.branches)
            yield replace(step, branches=branches)
        elif isinstance(step, Guarded):
            yield replace(step, steps=tuple(self._all_expanded(step.steps)))
        else:
            yield step

    def _all_expanded(self, steps: Sequence[Step]) -> Iterator[Step]:
        for step in steps:
            yield from self._expanded(step)

    def _section(self, scope: str, section: str) -> tuple[Step, ...] | None:
        key = (scope, section)
        if key not in self._sections:
            self._sections[key] = _read(self.topology.documents[scope], scope, section)
        return self._sections[key]

    def _fragment(self, include: Include) -> tuple[Step, ...]:
        id = include.fragment.casefold()
        if include.where.document.startswith("workspaces/"):
            # A workspace has fragments of its own, which come first and are not read.
            return (Unreadable(where=include.where, what=f"fragment `{include.fragment}` of a workspace is not read"),)
        found = self.topology.fragments.get(id)
        if found is None:
            return (Unreadable(where=include.where, what=f"fragment `{include.fragment}` does not exist"),)
        if id not in self._fragments:
            self._fragments[id] = tuple(_without_nesting(_read(found, f"fragment {id}", "") or ()))
        return self._fragments[id]


def _read(document: ReadDocument, name: str, section: str) -> tuple[Step, ...] | None:
    if isinstance(document, PolicyNotUnderstood):
        return (Unreadable(where=Where(document=name, line=document.line), what=document.reason),)
    if document.is_fragment != (not section):
        what = f"the root is `{document.root.name}`"
        return (Unreadable(where=Where(document=name, line=document.root.line), what=what),)
    home = document.root if document.is_fragment else document.section(section)
    return None if home is None else steps_of(home, name)


def _inner(step: Step) -> tuple[Step, ...]:
    if isinstance(step, Choice):
        return tuple(inner for branch in step.branches for inner in branch)
    return step.steps if isinstance(step, Guarded) else ()


def _guards(steps: Sequence[Step]) -> Iterator[Guard]:
    for step in steps:
        if isinstance(step, Guarded):
            yield step.guard
        yield from _guards(_inner(step))


def _includes(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Include):
            yield step.fragment.casefold()
        yield from _includes(_inner(step))


def _without_nesting(steps: Sequence[Step]) -> Iterator[Step]:
    """A fragment has neither `base` nor fragments of its own; where one does, what happens is not known."""
    for step in steps:
        if isinstance(step, (Base, Include)):
            yield Unreadable(where=step.where, what="`base` or a fragment inside a fragment")
        elif isinstance(step, Choice):
            branches = tuple(tuple(_without_nesting(branch)) for branch in step.branches)
            yield replace(step, branches=branches)
        elif isinstance(step, Guarded):
            yield replace(step, steps=tuple(_without_nesting(step.steps)))
        else:
            yield step
