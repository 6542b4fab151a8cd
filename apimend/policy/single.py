"""
One document and the check that is wished there: whether it holds it, what of somebody else's stands in the way, and the
text with ours as it is wished now.

Called by placement.py, which decides for which documents.
"""

from apimend.model.check import ClientCertificateCheck, Form, Record
from apimend.policy.change import FoundCheck, find_checks, with_changed, with_guard, with_inserted, without_found
from apimend.policy.check import same_check
from apimend.policy.document import Document
from apimend.policy.expression_check import read_expression_check
from apimend.policy.forwarded_check import read_forwarded_check
from apimend.policy.grade import Verdict, grade
from apimend.policy.guard import Guard
from apimend.policy.topology import Standards, Topology


def holds(document: Document, check: ClientCertificateCheck, guard: Guard) -> bool:
    """Whether a check that says the same stands there already, for the same calls, whoever put it in."""
    return any(says(each, check) and (each.guard or Guard()) == guard for each in find_checks(document))


def says(found: FoundCheck, check: ClientCertificateCheck) -> bool:
    """Whether a check that was found means the same as another."""
    return not found.not_understood and same_check(found.check, check)


def stands_in_the_way(found: FoundCheck, topology: Topology, standards: Standards) -> bool:
    """
    Whether a check of somebody else is left as the only one. A condition that doesn't do its work is no reason
    to do without ours: whoever passes ours still has to pass it.
    """
    if found.check.form is Form.ELEMENT:
        return True
    read = read_expression_check(found.element) or read_forwarded_check(found.element)
    return read is not None and all(grade(read, host, standards).verdict is Verdict.COVERED for host in topology.hosts)


def rewritten(
    document: Document,
    found: FoundCheck,
    check: ClientCertificateCheck,
    guard: Guard,
    record: Record | None,
    *,
    is_global: bool,
) -> str:
    """Our check as it is wished now, guard and record included."""
    if (found.guard or Guard()) == guard:
        return with_changed(document, found, check, record=record)
    if found.guard is None or guard.is_empty:
        without = Document.parse(without_found(document, found))
        return with_inserted(without, check, is_global=is_global, guard=guard, record=record)
    guarded = Document.parse(with_guard(document, found, guard))
    again = next(each for each in find_checks(guarded) if each.outer.index == found.outer.index)
    return with_changed(guarded, again, check, record=record)
