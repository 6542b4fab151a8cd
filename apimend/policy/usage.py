"""
What a policy document names of what lies beside it: backends, certificates, thumbprints.

Called by rules on backends and by the inventory. It tells only what stands there as a literal; what is computed at run
time it says to be computed, so that nobody takes silence for absence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.document import Attribute, Document, Element


class Names(Enum):
    """What a reference names."""

    BACKEND = "backend"
    CERTIFICATE = "certificate"
    THUMBPRINT = "thumbprint"
    ISSUER = "issuer"
    ATTACHED = "attached certificates"
    TRUST = "trusted authorities"


_ATTRIBUTES = {
    ("set-backend-service", "backend-id"): Names.BACKEND,
    ("authentication-certificate", "certificate-id"): Names.CERTIFICATE,
    ("authentication-certificate", "thumbprint"): Names.THUMBPRINT,
    ("identity", "thumbprint"): Names.THUMBPRINT,
    ("identity", "issuer-certificate-id"): Names.ISSUER,
}
_CHECK = "validate-client-certificate"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """
    One mention. `value` is empty where it is computed at run time; `where` is the document's scope.

    `element` is the element that mentions it, or the check that it stands in.
    """

    names: Names
    value: str
    where: str
    line: int
    element: str


def references(document: Document | PolicyNotUnderstood, where: str) -> Iterator[Reference]:
    """Everything that a document names; nothing where it can't be read."""
    if isinstance(document, PolicyNotUnderstood):
        return
    for element in document.root.descendants:
        try:
            yield from _of(element, where)
        except PolicyNotUnderstood:
            continue


def _of(element: Element, where: str) -> Iterator[Reference]:
    name = element.name
    shown = _CHECK if name == "identity" else name
    for (on, attribute), names in _ATTRIBUTES.items():
        if name == on and attribute in element.attributes:
            value = _literal(element.attributes[attribute])
            yield Reference(names=names, value=value, where=where, line=element.line, element=shown)
    if name == _CHECK and element.value("validate-trust") != "false":
        yield Reference(names=Names.TRUST, value="", where=where, line=element.line, element=shown)
    if any("context.Deployment.Certificates" in attribute.raw for attribute in element.attributes.values()):
        yield Reference(names=Names.ATTACHED, value="", where=where, line=element.line, element=shown)


def _literal(attribute: Attribute) -> str:
    return attribute.value.strip() if attribute.is_literal else ""
