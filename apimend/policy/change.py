"""
Putting a certificate check into a document, changing it in place, and taking it out.

Called by placement and remediators. Where it goes is R19: at global scope first in `inbound`, but behind a leading
`cors`; elsewhere directly behind a leading `<base />`. It must not decide whether a check belongs into a
document (placement does), and it leaves every byte that is not ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.policy import check as checks
from apimend.policy.document import Document, Element, Span
from apimend.policy.edits import (
    Edit,
    Lines,
    add_section,
    apply,
    insert_after,
    insert_before,
    insert_first,
    remove,
    take_out,
)
from apimend.policy.guard import Guard, condition, guarded, read_guarded
from apimend.policy.record import Record, read_record, record_lines

INBOUND = "inbound"

NEW_INNER = (
    "<policies>\r\n"
    "\t<inbound>\r\n\t\t<base />\r\n\t</inbound>\r\n"
    "\t<backend>\r\n\t\t<base />\r\n\t</backend>\r\n"
    "\t<outbound>\r\n\t\t<base />\r\n\t</outbound>\r\n"
    "\t<on-error>\r\n\t\t<base />\r\n\t</on-error>\r\n"
    "</policies>"
)
"""A document below global scope that changes nothing: every section runs the outer scopes."""

NEW_GLOBAL = (
    "<policies>\r\n"
    "\t<inbound>\r\n\t</inbound>\r\n"
    "\t<backend>\r\n\t\t<forward-request />\r\n\t</backend>\r\n"
    "\t<outbound />\r\n"
    "\t<on-error />\r\n"
    "</policies>"
)
"""A global document that changes nothing: without `forward-request` no call would reach a backend."""


@dataclass(frozen=True, slots=True)
class FoundCheck:
    """
    A `validate-client-certificate` element directly in `inbound`, or in a guard of the form that we write.

    `outer` is what insertion put in: the guard's `choose`, or the element itself; `record` is ours beside it.
    """

    element: Element
    outer: Element
    guard: Guard | None
    check: ClientCertificateCheck
    not_understood: tuple[str, ...]
    record: Element | None = None


def find_checks(document: Document) -> tuple[FoundCheck, ...]:
    """The checks in `inbound`, or in a fragment, in their order. One inside somebody's own `choose` is not found."""
    if checks.NAME not in document.text:
        return ()
    home = document.root if document.is_fragment else document.section(INBOUND)
    return () if home is None else tuple(_found(home))


def with_check(
    document: Document,
    check: ClientCertificateCheck,
    *,
    is_global: bool,
    guard: Guard | None = None,
    before_base: bool = False,
    record: Record | None = None,
) -> str:
    """
    The text with the check in it.

    A check with the same guard is changed in place, and left as it is where it means the same already; otherwise
    the check is inserted. `record` is what a check that only observes writes down (R9). Raises ValueError for a
    value that can't be written.
    """
    guard = None if guard is None or guard.is_empty else guard
    for found in find_checks(document):
        if found.guard == guard:
            return with_changed(document, found, check, record=record)
    return with_inserted(document, check, is_global=is_global, guard=guard, before_base=before_base, record=record)


def with_inserted(
    document: Document,
    check: ClientCertificateCheck,
    *,
    is_global: bool,
    guard: Guard | None = None,
    before_base: bool = False,
    record: Record | None = None,
) -> str:
    """The text with one check more, whatever others stand there."""
    lines = guarded(guard, [*checks.check_lines(check), *record_lines(_recorded(check, record))])
    return apply(document.text, [_insertion(document, lines, is_global=is_global, before_base=before_base)])


def with_changed(
    document: Document, found: FoundCheck, check: ClientCertificateCheck, *, record: Record | None = None
) -> str:
    """The text with one check changed in place. Comments, layout and attributes that we don't own stay."""
    edits = list(_record_edits(found, _recorded(check, record)))
    if found.not_understood or not checks.same_check(found.check, check):
        edits += (*_switch_edits(found.element, check), *_identity_edits(found.element, check))
    return apply(document.text, edits)


def with_guard(document: Document, found: FoundCheck, guard: Guard) -> str:
    """The text with another guard at a guarded check. Raises ValueError where the check has none, or gets none."""
    if found.guard is None or guard.is_empty:
        raise ValueError("a guard is put on or taken off by inserting and removing")
    when = found.outer.children[0]
    return apply(document.text, [Edit(when.attributes["condition"].value_span, condition(guard))])


def without_check(document: Document, check: ClientCertificateCheck) -> str:
    """The text without the checks that mean this one, guards included; the same object where there is none."""
    alike = [
        found for found in find_checks(document) if not found.not_understood and checks.same_check(found.check, check)
    ]
    return apply(document.text, [_removal(found) for found in alike])


def without_found(document: Document, found: FoundCheck) -> str:
    """The text without one check, its guard included."""
    return apply(document.text, [_removal(found)])


def _found(home: Element) -> Iterator[FoundCheck]:
    for outer in home.children:
        if outer.name == checks.NAME:
            yield _read(outer, outer, None)
        elif (guarded_by := read_guarded(outer)) is not None:
            guard, when = guarded_by
            inside = [child for child in when.children if child.name == checks.NAME]
            if inside and len(when.children) == 1 + (_record_behind(inside[0]) is not None):
                yield _read(inside[0], outer, guard)


def _read(element: Element, outer: Element, guard: Guard | None) -> FoundCheck:
    read = checks.read_check(element)
    return FoundCheck(element, outer, guard, read.check, read.not_understood, _record_behind(element))


def _record_behind(element: Element) -> Element | None:
    """Our record, where it stands directly behind a check."""
    following = element.next_element
    return following if following is not None and read_record(following) is not None else None


def _recorded(check: ClientCertificateCheck, record: Record | None) -> Record | None:
    """Only a check that lets everybody pass needs a record."""
    return record if check.ignore_error else None


def _removal(found: FoundCheck) -> Edit:
    return remove(found.outer, found.record if found.guard is None else None)


def _record_edits(found: FoundCheck, wanted: Record | None) -> Iterator[Edit]:
    present = None if found.record is None else read_record(found.record)
    if present is wanted:
        return
    if found.record is not None:
        yield take_out(found.record)
    if wanted is not None:
        parent = found.element.parent
        assert parent is not None
        yield insert_after(parent, found.record or found.element, record_lines(wanted))


def _insertion(document: Document, lines: Lines, *, is_global: bool, before_base: bool) -> Edit:
    home = document.root if document.is_fragment else document.section(INBOUND)
    if home is None:
        return add_section(document, INBOUND, lines)
    leading = home.first_element
    if leading is None:
        return insert_first(home, lines)
    if before_base and leading.name == "base":
        return insert_before(home, leading, lines)
    if leading.name == ("cors" if is_global else "base"):
        return insert_after(home, leading, lines)
    return insert_first(home, lines)


def _switch_edits(element: Element, check: ClientCertificateCheck) -> Iterator[Edit]:
    """Wrong values are replaced; what is missing is added only where the default is not what is wanted."""
    last = max((attribute.span.end for attribute in element.attributes.values()), default=0)
    end = last or element.start + 1 + len(element.name)
    added = ""
    for name, field in checks.SWITCHES.items():
        wanted = checks.switch(check, name)
        attribute = element.attributes.get(name)
        if attribute is not None and attribute.value.strip().lower() != wanted:
            yield Edit(attribute.value_span, wanted)
        elif attribute is None and getattr(checks.DEFAULTS, field) != getattr(check, field):
            added += f' {name}="{wanted}"'
    if added:
        yield Edit(Span(end, end), added)


def _identity_edits(element: Element, check: ClientCertificateCheck) -> Iterator[Edit]:
    wanted = dict.fromkeys(checks.normal_identity(identity) for identity in check.identities)
    groups = [child for child in element.children if child.name == "identities"]
    if not groups:
        if wanted:
            yield insert_first(element, _group_lines(tuple(wanted)))
        return
    for group in groups[1:]:
        yield take_out(group)
    if not wanted:
        yield from _dissolve(groups[0])
        return
    yield from _in_group(groups[0], wanted)


def _in_group(group: Element, wanted: dict[ClientIdentity, None]) -> Iterator[Edit]:
    """Identities that are not wanted go, those that are missing come behind the last that is there."""
    missing = dict(wanted)
    children = group.children
    for child in children:
        identity, unclear = checks.read_identity(child)
        if unclear or identity not in missing:
            yield take_out(child)
        else:
            del missing[identity]
    lines = [(0, checks.identity_tag(identity)) for identity in missing]
    if lines and children:
        yield insert_after(group, children[-1], lines)
    elif lines:
        yield insert_first(group, lines)


def _dissolve(group: Element) -> Iterator[Edit]:
    """`identities` without an identity has no documented meaning: the element goes, comments in it stay."""
    if not group.has_comments or group.is_self_closed:
        yield take_out(group)
        return
    yield Edit(Span(group.start, group.inner_span.start), "")
    for child in group.children:
        yield take_out(child)
    yield Edit(Span(group.inner_span.end, group.span.end), "")


def _group_lines(identities: tuple[ClientIdentity, ...]) -> Lines:
    tags = [(1, checks.identity_tag(identity)) for identity in identities]
    return [(0, "<identities>"), *tags, (0, "</identities>")]
