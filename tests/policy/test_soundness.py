"""
Coverage is never optimistic, tried on random pipelines.

A tiny gateway, written here and nowhere else, sends a caller without a certificate through the documents, once for
every way that the conditions can turn out. Where he gets anything but a refusal on one of them, the verdict
must not be "covered".
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from apimend.policy import Document, Element, Verdict, judge
from tests.policy.tenants import ELEMENT, ORDERS, STANDARDS, topology

OBSERVING = ELEMENT.replace("validate-trust=", 'ignore-error="true" validate-trust=')
REFUSAL = '<return-response><set-status code="403" /></return-response>'
BY_HAND = f'<choose><when condition="@(context.Request.Certificate == null)">{REFUSAL}</when></choose>'
LEAVES = [
    ELEMENT,
    OBSERVING,
    BY_HAND,
    REFUSAL,
    "<return-response />",
    "<send-request />",
    "<set-variable />",
    "<cors />",
    "<trace />",
    '<include-fragment fragment-id="f" />',
]


def inside(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Elements around elements."""
    many = st.lists(leaves, max_size=3).map("".join)
    branch = many.map(lambda body: f'<when condition="@(x)">{body}</when>')
    otherwise = st.one_of(st.just(""), many.map(lambda body: f"<otherwise>{body}</otherwise>"))
    return st.one_of(
        st.builds(lambda one, rest: f"<choose>{''.join(one)}{rest}</choose>", st.lists(branch, max_size=2), otherwise),
        many.map(lambda body: f'<retry condition="@(x)">{body}</retry>'),
    )


ELEMENTS = st.recursive(st.sampled_from(LEAVES), inside, max_leaves=4)
SECTIONS = st.lists(st.one_of(ELEMENTS, st.just("<base />")), max_size=4).map("".join)
ON_ERRORS = st.sampled_from(["", "<base />", "<trace />", "<return-response />", "<send-request />"])
POLICIES = st.builds(
    lambda inbound, on_error: f"<policies><inbound>{inbound}</inbound><on-error>{on_error}</on-error></policies>",
    SECTIONS,
    ON_ERRORS,
)


class Over(Exception):
    """The call has ended: refused or not."""


class Failed(Exception):
    """A check has failed: on-error is next."""


@dataclass
class Gateway:
    """One call of a caller without a certificate, with the outcomes of its conditions given."""

    documents: list[Document]
    fragment: Document
    conditions: Iterator[bool]
    got_something: bool = field(default=False)

    def call(self) -> bool:
        """Whether he got anything but a refusal."""
        try:
            self._section(len(self.documents) - 1, "inbound")
            self.got_something = True
        except Failed:
            with suppress(Over, Failed):
                self._section(len(self.documents) - 1, "on-error")
        except Over:
            pass
        return self.got_something

    def _section(self, level: int, name: str) -> None:
        section = self.documents[level].section(name) if level >= 0 else None
        for element in section.children if section else ():
            if element.name == "base":
                self._section(level - 1, name)
            else:
                self._element(element)

    def _all(self, elements: tuple[Element, ...]) -> None:
        for element in elements:
            self._element(element)

    def _element(self, element: Element) -> None:
        if element.name == "validate-client-certificate" and element.value("ignore-error") != "true":
            raise Failed
        if element.name == "return-response":
            self.got_something |= not element.children
            raise Over
        if element.name == "send-request":
            self.got_something = True
        elif element.name == "retry":
            self._all(element.children)
        elif element.name == "include-fragment":
            self._all(self.fragment.root.children)
        elif element.name == "choose":
            self._choose(element)

    def _choose(self, choose: Element) -> None:
        for branch in choose.children:
            known = "Certificate" in (branch.value("condition") or "")
            if branch.name == "otherwise" or known or next(self.conditions):
                self._all(branch.children)
                return


def gets_something(texts: list[str], fragment: str) -> bool:
    """Whether there is a way on which a caller without a certificate gets more than a refusal."""
    documents = [Document.parse(text) for text in texts]
    count = min(sum(text.count("@(x)") for text in texts) + 2, 8)
    return any(
        Gateway(documents, Document.parse(fragment), iter((*outcomes, *[False] * 500))).call()
        for outcomes in product((False, True), repeat=count)
    )


@settings(deadline=None, max_examples=100)
@given(texts=st.lists(POLICIES, min_size=3, max_size=3), inner=st.lists(st.sampled_from(LEAVES[:-1]), max_size=2))
def test_what_is_covered_lets_nobody_through(texts: list[str], inner: list[str]) -> None:
    """
    Whoever comes without a certificate is refused on every way through a covered operation.
    """
    scopes = ("", "apis/orders", "apis/orders/operations/list")
    fragment = f"<fragment>{''.join(inner)}</fragment>"
    instance = topology(dict(zip(scopes, texts, strict=True)), apis=(ORDERS,), fragments={"f": fragment})
    verdict = judge(instance, STANDARDS).judgements[0].verdict

    assert not (verdict is Verdict.COVERED and gets_something(texts, fragment))
    assert verdict is not Verdict.BYPASSED or gets_something(texts, fragment) or _is_cautious("".join(texts))


def _is_cautious(text: str) -> bool:
    """
    Where the verdict may be worse than this gateway.

    What stands in `retry` or in all branches of a `choose` is not counted as a refusal. An on-error that answers
    counts always, because the service runs it for errors of its own too (a missing key, say).
    """
    return any(
        each in text for each in ("<retry", "<otherwise", "<on-error><return-response", "<on-error><send-request")
    )
