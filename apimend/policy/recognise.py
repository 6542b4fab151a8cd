"""
What the elements of a section do to a caller, as far as certificates are concerned.

Called by pipeline.py. Every element becomes a Step, or nothing where it can neither answer, reach out nor refuse.
What may stand before a check is an allow-list (R13): an element that isn't on it counts as reaching out, so that
an element Azure adds tomorrow makes coverage smaller, never larger. It must not judge: coverage.py does.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from apimend.model.errors import PolicyNotUnderstood
from apimend.policy import check as checks
from apimend.policy.document import Element
from apimend.policy.expression_check import is_refusal, is_refusing_status, read_expression_check
from apimend.policy.forwarded_check import read_forwarded_check
from apimend.policy.grade import CheckSeen
from apimend.policy.guard import Guard, read_guarded

HARMLESS = frozenset(
    {
        "authentication-basic",
        "authentication-certificate",
        "cache-lookup-value",
        "check-header",
        "cors",
        "emit-metric",
        "find-and-replace",
        "ip-filter",
        "json-to-xml",
        "log-to-eventhub",
        "quota",
        "quota-by-key",
        "rate-limit",
        "rate-limit-by-key",
        "redirect-content-urls",
        "rewrite-uri",
        "set-backend-service",
        "set-body",
        "set-header",
        "set-method",
        "set-query-parameter",
        "set-variable",
        "trace",
        "validate-azure-ad-token",
        "validate-content",
        "validate-headers",
        "validate-jwt",
        "validate-parameters",
        "xml-to-json",
        "xsl-transform",
    }
)
"""
What may stand before a check: it neither answers the caller with success nor sends the call anywhere.

`cors` answers the preflight of a browser, which carries no certificate by design. A check of tokens, headers or
addresses refuses or goes on. Fetching signing keys or writing a log entry is no call to a backend.
"""

REACHES_OUT = frozenset(
    {
        "authentication-managed-identity",
        "cache-lookup",
        "cache-remove-value",
        "cache-store-value",
        "forward-request",
        "get-authorization-context",
        "invoke-dapr-binding",
        "proxy",
        "publish-to-dapr",
        "send-one-way-request",
        "send-request",
    }
)
ANSWERS = frozenset({"mock-response", "return-response"})
CONTAINERS = frozenset({"limit-concurrency", "retry", "wait"})
_SET_HEADER = "set-header"
DEEPEST = 40
"""Levels of `choose` and the like that are followed."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """The place of a step: the document's scope (or `fragment x`) and the line."""

    document: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that happens to a call, in its place."""

    where: Where


@dataclass(frozen=True, kw_only=True)
class Base(Step):
    """Here the outer scopes run."""


@dataclass(frozen=True, kw_only=True)
class Include(Step):
    """Here a fragment runs."""

    fragment: str


@dataclass(frozen=True, kw_only=True)
class Check(Step):
    """Here the caller's certificate is checked: by the policy made for it, or by a condition in a known form."""

    read: CheckSeen


@dataclass(frozen=True, kw_only=True)
class Guarded(Step):
    """Steps for the calls that a guard of ours does not spare."""

    guard: Guard
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Choice(Step):
    """
    Branches of which one, or none, runs: nobody knows which.

    `is_doubtful`: it looks at certificates and refuses somebody, but not in a form that we know.
    """

    branches: tuple[tuple[Step, ...], ...]
    is_doubtful: bool = False


@dataclass(frozen=True, kw_only=True)
class WritesHeader(Step):
    """Here a header of the request is written (its name in lower case); empty where it isn't known which."""

    header: str


@dataclass(frozen=True, kw_only=True)
class Refuses(Step):
    """Here everybody is turned away."""


@dataclass(frozen=True, kw_only=True)
class Escapes(Step):
    """Here a caller gets an answer, or something is sent, whatever certificate he has. `ends`: the call is over."""

    what: str
    ends: bool = False


@dataclass(frozen=True, kw_only=True)
class Unclear(Step):
    """Here something happens that we don't know: it counts as reaching out."""

    what: str
    ends: bool = False


@dataclass(frozen=True, kw_only=True)
class Unreadable(Step):
    """Here a document or fragment runs that can't be read, or isn't there."""

    what: str
    ends: bool = False


def steps_of(home: Element, document: str) -> tuple[Step, ...]:
    """The steps of a section or a fragment."""
    return tuple(_steps(home, document, 0))


def _steps(home: Element, document: str, depth: int) -> Iterator[Step]:
    """Depth 0 is the section itself; only there may `base` stand, and once is enough."""
    if depth > DEEPEST:
        yield Unclear(where=_where(home, document), what="a policy nested too deeply")
        return
    text = home.own_text.strip()
    if text:
        yield Unclear(where=_where(home, document), what="text among the policies" + ", a named value" * ("{{" in text))
    seen_base = False
    for element in home.children:
        if element.name != "base":
            yield from _readable_step(element, document, depth)
        elif depth:
            yield Unclear(where=_where(element, document), what="`base` inside another policy")
        elif not seen_base:
            seen_base = True
            yield Base(where=_where(element, document))


def _readable_step(element: Element, document: str, depth: int) -> Iterator[Step]:
    try:
        yield from _step(element, document, depth)
    except PolicyNotUnderstood as error:
        yield Unreadable(where=Where(document=document, line=error.line), what=error.reason)


def _step(element: Element, document: str, depth: int) -> Iterator[Step]:
    name = element.name
    if name in HARMLESS and name != _SET_HEADER:
        return
    where = _where(element, document)
    if name == _SET_HEADER:
        yield WritesHeader(where=where, header=_header_of(element))
        return
    if name == checks.NAME:
        yield Check(where=where, read=checks.read_check(element))
    elif name == "choose":
        yield _choose(element, where, depth + 1)
    elif name == "include-fragment":
        yield Include(where=where, fragment=element.value("fragment-id") or "")
    elif name in ANSWERS:
        yield _answer(element, where)
    elif name == "set-status":
        if not is_refusing_status(element.value("code")):
            yield Escapes(where=where, what="`set-status` that is no refusal")
    elif name in REACHES_OUT:
        yield Escapes(where=where, what=f"`{name}`")
    elif name in CONTAINERS:
        yield Choice(where=where, branches=(tuple(_steps(element, document, depth + 1)),))
    else:
        yield Unclear(where=where, what=f"`{name}`, which is not known")


def _header_of(element: Element) -> str:
    """The header that is written; expressions and named values tell none."""
    name = (element.value("name") or "").strip()
    return "" if "@" in name or "{{" in name else name.casefold()


def _answer(element: Element, where: Where) -> Step:
    if element.name == "return-response" and is_refusal(element):
        return Refuses(where=where)
    if element.name == "mock-response" and is_refusing_status(element.value("status-code")):
        return Refuses(where=where)
    return Escapes(where=where, what=f"`{element.name}`", ends=True)


def _choose(choose: Element, where: Where, depth: int) -> Step:
    by_hand = read_expression_check(choose) or read_forwarded_check(choose)
    if by_hand is not None:
        return Check(where=where, read=by_hand)
    guarded = read_guarded(choose)
    if guarded is not None:
        guard, when = guarded
        return Guarded(where=where, guard=guard, steps=tuple(_steps(when, where.document, depth)))
    branches = tuple(tuple(_branch(branch, where.document, depth)) for branch in choose.children)
    refuses = any(isinstance(step, Refuses) for branch in branches for step in branch)
    asks = any("Certificate" in (branch.value("condition") or "") for branch in choose.children)
    return Choice(where=where, branches=branches, is_doubtful=refuses and asks)


def _branch(branch: Element, document: str, depth: int) -> Iterator[Step]:
    if branch.name not in ("when", "otherwise"):
        yield Unclear(where=_where(branch, document), what=f"`{branch.name}` in `choose`")
    yield from _steps(branch, document, depth)


def _where(element: Element, document: str) -> Where:
    return Where(document=document, line=element.line)
