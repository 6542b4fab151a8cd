"""
Putting a certificate check into a document, changing it in place, and taking it out.

Called by placement and remediators. Where it goes is R19: at global scope first in `inbound`, but behind a leading
`cors`; elsewhere directly behind a leading `<base />`. It must not decide whether a check belongs into a
document (placement does), and it leaves every byte that is not ours.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from apimend.model.check import ClientCertificateCheck, Form, Record
from apimend.policy import check as checks
from apimend.policy.condition import body_lines, condition_lines, condition_of, read_condition_check
from apimend.policy.document import Document, Element
from apimend.policy.edits import (
    Edit,
    add_inbound,
    apply,
    insert_after,
    insert_before,
    insert_first,
    inserted_at_head,
    remove,
    replace,
    take_out,
    without_inserted,
)
from apimend.policy.expression_check import read_expression_check
from apimend.policy.forwarded_check import read_forwarded_check
from apimend.policy.guard import Guard, condition, guarded, read_guarded
from apimend.policy.inplace import identity_edits, switch_edits
from apimend.policy.layout import Lines, layout_in, one_line
from apimend.policy.record import read_record, record_lines

INBOUND = "inbound"
_IN_ALL = "ertificate"
_IN_A_CHECK = (checks.NAME, "Request.Certificate", "X509Certificate2")
_IN_A_RECORD = tuple(f"<{record.value}" for record in Record)
"""Words of which every check has one, whatever its form, and what they have in common."""

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
    A check directly in `inbound`, or in a guard of the form that we write.

    `element` is `validate-client-certificate`, or the `choose` of a condition in the documented form. `outer` is what
    insertion put in: the guard's `choose`, or the element itself; `record` is ours beside it, or in the condition.
    """

    element: Element
    outer: Element
    guard: Guard | None
    check: ClientCertificateCheck
    not_understood: tuple[str, ...]
    record: Element | None = None


def find_checks(document: Document) -> tuple[FoundCheck, ...]:
    """The checks in `inbound`, or in a fragment, in their order. One inside somebody's own `choose` is not found."""
    if _IN_ALL not in document.text or not _names_a_check(document):
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

    A check of the same form with the same guard is changed in place, and left as it is where it means the same
    already; otherwise the check is inserted. `record` is what a check that only observes writes down (R9). Raises
    ValueError for a value that can't be written.
    """
    guard = None if guard is None or guard.is_empty else guard
    for found in find_checks(document):
        if found.guard == guard and (found.check.form is Form.ELEMENT) is (check.form is Form.ELEMENT):
            return with_changed(document, found, check, record=record)
    return _with_inserted(document, guarded(guard, _lines(check, record)), is_global, before_base)


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
    return _with_inserted(document, guarded(guard, _lines(check, record)), is_global, before_base)


def with_changed(
    document: Document, found: FoundCheck, check: ClientCertificateCheck, *, record: Record | None = None
) -> str:
    """The text with one check changed in place. Comments, layout and attributes that we don't own stay."""
    is_element = found.check.form is Form.ELEMENT
    if is_element is not (check.form is Form.ELEMENT):
        return apply(document.text, _rewriting(found, check, record))
    if not is_element:
        return apply(document.text, _condition_edits(found, check, record))
    edits = list(_record_edits(found, _recorded(check, record)))
    if found.not_understood or not checks.same_check(found.check, check):
        edits += (*switch_edits(found.element, check), *identity_edits(found.element, check))
    return apply(document.text, edits)


def with_guard(document: Document, found: FoundCheck, guard: Guard) -> str:
    """The text with another guard at a guarded check. Raises ValueError where the check has none, or gets none."""
    if found.guard is None or guard.is_empty:
        raise ValueError("a guard is put on or taken off by inserting and removing")
    when = found.outer.children[0]
    return apply(document.text, [Edit(when.attributes["condition"].value_span, condition(guard))])


def check_text(check: ClientCertificateCheck) -> str:
    """The check by itself, on one line. Raises ValueError where it can't be written."""
    return one_line(_lines(check, None))


def without_check(document: Document, check: ClientCertificateCheck) -> str:
    """The text without the checks that mean this one, guards included; the same object where there is none."""
    if (text := _without_the_only(document, check)) is not None:
        return text
    alike = [
        found for found in find_checks(document) if not found.not_understood and checks.same_check(found.check, check)
    ]
    return apply(document.text, [_removal(found) for found in alike])


def without_found(document: Document, found: FoundCheck) -> str:
    """The text without one check, its guard included."""
    return apply(document.text, [_removal(found)])


def _without_the_only(document: Document, check: ClientCertificateCheck) -> str | None:
    """The text without a check that stands as we insert it, if it is the only one and there is no record; else None."""
    if check.form is not Form.ELEMENT or checks.NAME not in document.text:
        return None
    try:
        text = without_inserted(document, checks.check_lines(check))
    except ValueError:
        return None
    return None if text is None or any(word in text for word in (*_IN_A_CHECK, *_IN_A_RECORD)) else text


def _names_a_check(document: Document) -> bool:
    text = document.text_without_comments
    return any(word in text for word in _IN_A_CHECK)


def _found(home: Element) -> Iterator[FoundCheck]:
    for outer in home.children:
        if (direct := _read(outer, outer, None)) is not None:
            yield direct
        elif (guarded_by := read_guarded(outer)) is not None:
            guard, when = guarded_by
            inside = when.children
            found = _read(inside[0], outer, guard) if inside else None
            if found is not None and len(inside) == 1 + (_record_behind(inside[0]) is not None):
                yield found


def _read(element: Element, outer: Element, guard: Guard | None) -> FoundCheck | None:
    if element.name == checks.NAME:
        read = checks.read_check(element)
        return FoundCheck(element, outer, guard, read.check, read.not_understood, _record_behind(element))
    by_header = read_forwarded_check(element)
    condition_found = None if by_header else read_expression_check(element)
    if by_header is not None:
        check, unclear = by_header.check, tuple[str, ...]()
    elif condition_found is not None:
        check, unclear = read_condition_check(condition_found)
    else:
        return None
    record = element.children[0].children[0] if check.ignore_error else None
    return FoundCheck(element, outer, guard, check, unclear, record)


def _record_behind(element: Element) -> Element | None:
    """Our record, where it stands directly behind a check."""
    following = element.next_element
    return following if following is not None and read_record(following) is not None else None


def _recorded(check: ClientCertificateCheck, record: Record | None) -> Record | None:
    """Only a check that lets everybody pass needs a record."""
    return record if check.ignore_error else None


def _removal(found: FoundCheck) -> Edit:
    is_beside = found.guard is None and found.check.form is Form.ELEMENT
    return remove(found.outer, found.record if is_beside else None)


def _lines(check: ClientCertificateCheck, record: Record | None) -> Lines:
    if check.form is not Form.ELEMENT:
        return condition_lines(check, record)
    lines = checks.check_lines(check)
    return lines if record is None else (*lines, *record_lines(_recorded(check, record)))


def _rewriting(found: FoundCheck, check: ClientCertificateCheck, record: Record | None) -> list[Edit]:
    """A check of one form in the place of one of the other, its record with it."""
    edits = [replace(found.element, _in_place(found.element, _lines(check, record)))]
    if found.record is not None and found.check.form is Form.ELEMENT:
        edits.append(take_out(found.record))
    return edits


def _condition_edits(found: FoundCheck, check: ClientCertificateCheck, record: Record | None) -> Iterator[Edit]:
    """Another condition, and another consequence, each only where it means something else."""
    when = found.element.children[0]
    strict = (dataclasses.replace(one, ignore_error=False) for one in (found.check, check))
    if found.not_understood or not checks.same_check(*strict):
        yield Edit(when.attributes["condition"].value_span, condition_of(check))
    present = None if found.record is None else read_record(found.record)
    another_place = check.ignore_error and found.check.header.casefold() != check.header.casefold()
    if another_place or present is not ((record or Record.TRACE) if check.ignore_error else None):
        body = when.children[0]
        yield replace(body, _in_place(body, body_lines(check, record)))


def _in_place(element: Element, lines: Lines) -> str:
    """Lines where an element stands: laid out as it is, on one line where it shares its own."""
    parent = element.parent
    assert parent is not None
    if not ({"\r", "\n"} & set(element.text_before)):
        return one_line(lines)
    layout = layout_in(element.document, parent.start, element.start, element.start)
    return layout.lines(lines).removeprefix(layout.indent)


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


def _with_inserted(document: Document, lines: Lines, is_global: bool, before_base: bool) -> str:
    before, behind = "base" if before_base else "", "cors" if is_global else "base"
    text = inserted_at_head(document, lines, before, behind)
    return apply(document.text, [_insertion(document, lines, before, behind)]) if text is None else text


def _insertion(document: Document, lines: Lines, before: str, behind: str) -> Edit:
    home = document.root if document.is_fragment else document.section(INBOUND)
    if home is None:
        return add_inbound(document, lines)
    leading = home.first_element
    if leading is None:
        return insert_first(home, lines)
    if leading.name == before:
        return insert_before(home, leading, lines)
    if leading.name == behind:
        return insert_after(home, leading, lines)
    return insert_first(home, lines)
