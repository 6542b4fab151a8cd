"""
Policy documents: read and edited without losing a byte, and judged operation by operation.

Called by remediators and the engine; pure: text and frozen values in, text and frozen values out. It must not
read from Azure, write to it, or know a clock.

Reading and editing
    Document.parse(text)                          read a policy or a fragment; PolicyNotUnderstood says line and column
    find_checks(document)                         the certificate checks in `inbound`, guarded or not, of either form
    with_check(document, check, is_global=…, guard=…)     the text with the check: changed in place, or inserted (R19)
    with_changed(document, found, check)          one check changed in place
    with_guard(document, found, guard)            another guard at a guarded check
    without_check(document, check), without_found(document, found)    the text without it
    check_text(check)                             the check alone; ValueError where it can't be written as declared
    same_policy(one, other), same_check(one, other)       equality by meaning
    NEW_INNER, NEW_GLOBAL                         documents that change nothing, for scopes that have none

Proving and placing
    Topology(apis, hosts, documents, fragments), Standards(…)     what is there, and what it is measured against
    read_documents(texts), scope_of(path)                         documents by scope, from what Azure sent
    judge(topology, standards).figures                            coverage: one Judgement an operation, the worst
    judge_calls(topology, standards)                              one Judgement for each operation × product × host
    place(topology, standards, Wish(…))                           the fewest edits, and what is left alone
    take_out(topology, standards, ours), is_bare(text)            the edits that take our checks out again
    own_after(own, before, after), our_checks(document, own)      what a write makes ours, and what of a document is

For a document that has no check of ours yet, `without_check(Document.parse(with_check(d, check)), check)`
is `d.text` again, byte for byte.
"""

from apimend.model.check import Record
from apimend.policy.change import (
    NEW_GLOBAL,
    NEW_INNER,
    FoundCheck,
    check_text,
    find_checks,
    with_changed,
    with_check,
    with_guard,
    with_inserted,
    without_check,
    without_found,
)
from apimend.policy.check import CheckRead, normal_check, plain_thumbprint, read_check, same_check
from apimend.policy.compare import normal_form, same_policy
from apimend.policy.coverage import Coverage, Judgement, judge, judge_calls
from apimend.policy.document import Attribute, Document, Element, Span
from apimend.policy.edits import Edit, apply
from apimend.policy.grade import Verdict
from apimend.policy.guard import Guard, GuardedCall
from apimend.policy.own import each_edited, our_checks, own_after, own_either
from apimend.policy.placed import Left, PlacedEdit, Placement, Unplaced
from apimend.policy.placement import is_bare, place, take_out
from apimend.policy.topology import ApiNode, Host, Standards, Topology, is_waived, read_documents, scope_of
from apimend.policy.walk import Cause
from apimend.policy.wish import Wish

__all__ = [
    "NEW_GLOBAL",
    "NEW_INNER",
    "ApiNode",
    "Attribute",
    "Cause",
    "CheckRead",
    "Coverage",
    "Document",
    "Edit",
    "Element",
    "FoundCheck",
    "Guard",
    "GuardedCall",
    "Host",
    "Judgement",
    "Left",
    "PlacedEdit",
    "Placement",
    "Record",
    "Span",
    "Standards",
    "Topology",
    "Unplaced",
    "Verdict",
    "Wish",
    "apply",
    "check_text",
    "each_edited",
    "find_checks",
    "is_bare",
    "is_waived",
    "judge",
    "judge_calls",
    "normal_check",
    "normal_form",
    "our_checks",
    "own_after",
    "own_either",
    "place",
    "plain_thumbprint",
    "read_check",
    "read_documents",
    "same_check",
    "same_policy",
    "scope_of",
    "take_out",
    "with_changed",
    "with_check",
    "with_guard",
    "with_inserted",
    "without_check",
    "without_found",
]
