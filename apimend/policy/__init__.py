"""
Policy documents: read and edited without losing a byte, and judged operation by operation.

Called by remediators and the engine; pure: text and frozen values in, text and frozen values out. It must not
read from Azure, write to it, or know a clock.

Reading and editing
    Document.parse(text)                          read a policy or a fragment; PolicyNotUnderstood says line and column
    find_checks(document)                         the certificate checks in `inbound`, guarded or not
    with_check(document, check, is_global=…, guard=…)     the text with the check: changed in place, or inserted (R19)
    with_changed(document, found, check)          one check changed in place
    with_guard(document, found, guard)            another guard at a guarded check
    without_check(document, check), without_found(document, found)    the text without it
    same_policy(one, other), same_check(one, other)       equality by meaning
    NEW_INNER, NEW_GLOBAL                         documents that change nothing, for scopes that have none

For a document that has no check of ours yet, `without_check(Document.parse(with_check(d, check)), check)`
is `d.text` again, byte for byte.
"""

from apimend.policy.change import (
    NEW_GLOBAL,
    NEW_INNER,
    FoundCheck,
    find_checks,
    with_changed,
    with_check,
    with_guard,
    without_check,
    without_found,
)
from apimend.policy.check import CheckRead, normal_check, plain_thumbprint, read_check, same_check
from apimend.policy.compare import normal_form, same_policy
from apimend.policy.document import Attribute, Document, Element, Span
from apimend.policy.edits import Edit, apply
from apimend.policy.guard import Guard

__all__ = [
    "NEW_GLOBAL",
    "NEW_INNER",
    "Attribute",
    "CheckRead",
    "Document",
    "Edit",
    "Element",
    "FoundCheck",
    "Guard",
    "Span",
    "apply",
    "find_checks",
    "normal_check",
    "normal_form",
    "plain_thumbprint",
    "read_check",
    "same_check",
    "same_policy",
    "with_changed",
    "with_check",
    "with_guard",
    "without_check",
    "without_found",
]
