"""
Checks of a certificate that a proxy forwards in a header: found wherever they stand, and reported (R16).

Called by rules. Whoever reaches the gateway around the proxy can write such a header himself, so a check of it proves
nothing about the caller, unless it is in our form and its header is believed. It only tells where one stands.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from apimend.model.errors import PolicyNotUnderstood
from apimend.model.ids import InstanceId
from apimend.model.plan import Finding, Severity
from apimend.policy.document import Document, Element
from apimend.policy.forwarded_check import read_forwarded_check
from apimend.policy.left import target_of
from apimend.policy.topology import ReadDocument, Topology

_KNOWN = ("x-arr-clientcert", "x-client-cert", "x-client-certificate", "x-forwarded-client-cert", "x-ssl-client-cert")
"""Headers that proxies are commonly told to put a certificate into."""

_HEADER = re.compile(r'Request\.Headers(?:\.GetValueOrDefault\(|\[)\s*"([^"]+)"')
_LOOKS_AT_A_CERTIFICATE = re.compile(r"X509Certificate|Thumbprint", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Forwarded:
    """Where a header is read as a certificate."""

    scope: str
    line: int
    column: int
    header: str


def find_forwarded(
    documents: Mapping[str, ReadDocument], declared: str = "", *, believed: frozenset[str] = frozenset()
) -> tuple[Forwarded, ...]:
    """
    The first such place of every document; `declared` is the header of the desired state.

    A check in our form of a header that is `believed` (in lower case) is none.
    """
    search = _Search(declared=declared.casefold(), believed=believed)
    found = (next(search.within(scope, document), None) for scope, document in sorted(documents.items()))
    return tuple(each for each in found if each is not None)


def forwarded_findings(
    topology: Topology,
    instance: InstanceId,
    remediator: str,
    *,
    header: str,
    restriction: str,
    believed: frozenset[str],
) -> tuple[Finding, ...]:
    """One finding for every document or fragment; `header` and `restriction` are what is declared."""
    fragments = {f"fragment {name}": document for name, document in topology.fragments.items()}
    found = find_forwarded({**topology.documents, **fragments}, header, believed=believed)
    return tuple(_finding(each, instance, remediator, restriction) for each in found)


def _finding(each: Forwarded, instance: InstanceId, remediator: str, restriction: str) -> Finding:
    place = f"{each.scope or 'all APIs'}, line {each.line}, column {each.column}"
    return Finding(
        code="forwarded_header_check",
        target=target_of(instance, each.scope),
        remediator=remediator,
        severity=Severity.MEDIUM,
        message=f"{place}: a certificate is taken from the header {each.header}.",
        why_left="Whoever reaches the gateway around the proxy can write this header, so it counts as no check.",
        steps=(
            f"Let only the proxy reach the gateway: {restriction or 'nothing is declared yet'}.",
            f"Have the proxy clear {each.header} on every listener that asks for no certificate.",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Search:
    """What is looked for."""

    declared: str
    believed: frozenset[str]

    def within(self, scope: str, document: ReadDocument) -> Iterator[Forwarded]:
        if not isinstance(document, Document) or "Headers" not in document.text:
            return
        home = document.root if document.is_fragment else document.section("inbound")
        for element in self._doubtful(home.descendants if home is not None else ()):
            for header in _headers(element):
                name = header.casefold()
                if name == self.declared or name in _KNOWN or _LOOKS_AT_A_CERTIFICATE.search(_code(element)):
                    yield Forwarded(scope=scope, line=element.line, column=element.column, header=header)

    def _doubtful(self, elements: Iterable[Element]) -> Iterator[Element]:
        """All but checks in our form of a header that is believed, with what is in them."""
        past = 0
        for element in elements:
            if element.start >= past and self._is_believed(element):
                past = element.span.end
            elif element.start >= past:
                yield element

    def _is_believed(self, element: Element) -> bool:
        try:
            read = read_forwarded_check(element)
        except PolicyNotUnderstood:
            return False
        return read is not None and read.header.casefold() in self.believed


def _headers(element: Element) -> Iterator[str]:
    return (found.group(1) for found in _HEADER.finditer(_code(element)))


def _code(element: Element) -> str:
    """The expressions of an element itself."""
    try:
        values = [attribute.value for attribute in element.attributes.values()]
    except PolicyNotUnderstood:
        return ""
    return " ".join((*values, element.own_text))
