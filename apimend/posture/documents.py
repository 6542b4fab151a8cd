"""
Policy documents for controls: the elements of a section, and what is in effect for a call.

The families of controls share it. It says what stands where; what that means the controls judge.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from apimend.model.errors import PolicyNotUnderstood
from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.policy import ApiNode, Document, Element, scope_of
from apimend.posture.credentials import masked
from apimend.posture.doubt import Unsure
from apimend.posture.estate import Estate
from apimend.posture.node import Node
from apimend.posture.table import APIM
from apimend.survey import Survey, scope_id

_ONCE = 8
"""Levels of fragments that are followed."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A policy document or a fragment that can be read, by its name and the id of its resource."""

    name: str
    id: str
    document: Document

    @property
    def is_inner(self) -> bool:
        """Whether it stands below others."""
        return bool(self.name) and not self.document.is_fragment


def documents(estate: Estate) -> Iterator[Written]:
    """Every document and fragment that can be read; those that can't are found by `unreadable`."""
    survey = estate.surveyed
    for scope, found in survey.topology.documents.items():
        if isinstance(found, Document):
            yield Written(name=scope, id=scope_id(survey.service.id, scope).text, document=found)
    for id, found in survey.topology.fragments.items():
        if isinstance(found, Document):
            home = survey.service.id.child("policyFragments", id)
            yield Written(name=f"fragment {id}", id=home.text, document=found)


def unreadable(estate: Estate) -> Iterator[Evidence]:
    """Documents that can't be read without guessing: whatever they hold is unknown."""
    survey = estate.surveyed
    both = (*survey.topology.documents.items(), *survey.topology.fragments.items())
    for scope, found in both:
        if isinstance(found, PolicyNotUnderstood):
            yield Evidence(
                subject=scope_id(survey.service.id, scope).text,
                pointer=f"line {found.line}",
                observed="a document that can't be read",
                expected="a document that can be read",
                ok=None,
                read=estate.now,
                why=f"A policy can't be read: {found.reason}.",
            )


def found(
    estate: Estate,
    written: Written,
    element: Element,
    ok: bool | None,
    expected: str,
    why: str = "",
    *,
    shown: str | None = None,
    severity: Severity = Severity.INFO,
) -> Evidence:
    """Evidence that rests on an element of a document."""
    return Evidence(
        subject=written.id,
        pointer=f"line {element.line}: {element.name}",
        observed=masked(shown if shown is not None else element.name),
        expected=expected,
        ok=ok,
        read=estate.now,
        api_version=APIM,
        why=why,
        severity=severity,
    )


def elements(document: Document) -> Iterator[Element]:
    """Every element of a document."""
    yield from document.root.descendants


def of_section(survey: Survey, scope: str, section: str) -> tuple[Element, ...]:
    """Every element of a section of one document, fragments included where they are."""
    found = survey.topology.documents.get(scope)
    if not isinstance(found, Document):
        return ()
    home = found.section(section)
    return tuple(_expanded(survey, home, _ONCE)) if home is not None else ()


def _expanded(survey: Survey, home: Element, levels: int) -> Iterator[Element]:
    for element in home.descendants:
        yield element
        if element.name == "include-fragment" and levels:
            fragment = survey.topology.fragments.get((element.value("fragment-id") or "").casefold())
            if isinstance(fragment, Document):
                yield from _expanded(survey, fragment.root, levels - 1)


def effective(survey: Survey, chain: Sequence[str], section: str = "inbound") -> tuple[Element, ...]:
    """
    Every element that a section of a call can come by, from the innermost document outwards as far as `<base />`.

    Raises Unsure where a document on the way can't be read.
    """
    gathered: list[Element] = []
    for scope in reversed(chain):
        document = survey.topology.documents.get(scope)
        if isinstance(document, PolicyNotUnderstood):
            raise Unsure(f"The policy of {scope or 'all APIs'} can't be read: {document.reason}.")
        inner = of_section(survey, scope, section)
        gathered += inner
        has_section = document is not None and document.section(section) is not None
        if has_section and scope and not any(element.name == "base" for element in inner):
            break
    return tuple(gathered)


def in_effect(survey: Survey, chain: Sequence[str], wanted: Callable[[Element], bool]) -> bool | None:
    """Whether such an element runs for a call; None where all there are stand behind a condition."""
    found = [element for element in effective(survey, chain) if wanted(element)]
    if not found:
        return False
    return True if any(not _is_conditional(element) for element in found) else None


def _is_conditional(element: Element) -> bool:
    above = element.parent
    while above is not None and above.name != "choose":
        above = above.parent
    return above is not None


def by_scope(estate: Estate, key: str) -> dict[str, Node]:
    """The rows of a list by their place below the instance, as `apis/orders` or `workspaces/team/apis/orders`."""
    start = len(estate.instance.text)
    return {scope_of(row.subject[start:]): row for row in estate.rows(key)}


def beside(api: ApiNode, kind: str, name: str) -> str:
    """The place of something in the workspace of an API, or in the instance where it is in none."""
    home = f"workspaces/{api.workspace}/" if api.workspace else ""
    return scope_of(f"{home}{kind}/{name}")


def calls(survey: Survey) -> Iterator[tuple[ApiNode, str, tuple[str, ...]]]:
    """Every operation with the documents of a call without a product, outermost first."""
    for api in survey.topology.apis:
        for operation in api.operations:
            yield api, operation, survey.topology.chain(api, operation, "")
