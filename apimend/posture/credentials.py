"""
What credentials look like in texts: to find them, and to keep them out of everything that is shown.

Controls search policies and named values with it; nodes mask with it. A match is told by the name of its pattern and
its place, never by its text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_KEY = r"[A-Za-z0-9+/_\-]{16,}={0,2}"
_KEY_HEADERS = r"(?:Ocp-Apim-Subscription-Key|x-functions-key|api-key|x-api-key)"
_HEADER_VALUE = r"[^>]*>\s*<value>\s*"


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """One kind of credential."""

    name: str
    form: re.Pattern[str]


def _pattern(name: str, form: str) -> Pattern:
    return Pattern(name=name, form=re.compile(form, re.IGNORECASE | re.DOTALL))


PATTERNS = (
    _pattern("basic-literal", r"<authentication-basic\b[^>]*?\bpassword\s*=\s*\"(?!\{\{|@\()[^\"]+\""),
    _pattern(
        "auth-header-literal",
        rf"name\s*=\s*\"Authorization\"{_HEADER_VALUE}(?:Basic\s+[A-Za-z0-9+/=]{{8,}}|Bearer\s+eyJ[^<]*)",
    ),
    _pattern("key-header-literal", rf"name\s*=\s*\"{_KEY_HEADERS}\"{_HEADER_VALUE}(?=[^<]*[0-9]){_KEY}\s*<"),
    _pattern("function-code", r"[?&]code=[A-Za-z0-9_\-]{20,}={0,2}"),
    _pattern("sas", r"\bsig=[A-Za-z0-9%+/]{20,}|SharedAccessSignature\s+sr=[^\"'<]*sig=[A-Za-z0-9%]{8,}"),
    _pattern("storage-or-bus-key", r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}"),
    _pattern("client-secret", r"client_secret=(?!\{|@|\s|\"|'|&)[^&\"'<\s{}]{8,}"),
    _pattern("jwt-key", r"<(?:issuer-signing-keys|decryption-keys)>\s*<key[^>]*>\s*[A-Za-z0-9+/]{16,}={0,2}\s*<"),
    _pattern("pem", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    _pattern("pfx-inline", r"<authentication-certificate\b[^>]*?\b(?:body|password)\s*=\s*\"(?!\{\{)[^\"]+\""),
    _pattern("jwt-inline", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]+"),
)

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SECRET_NAME = re.compile(
    r"secret|password|passwd|pwd|token|connection[-_ ]?string"
    r"|(?<!public)(?:api|account|access|shared|subscription|^)[-_ ]?key|[-_ ]key$|(?:^|[-_ ])sas(?:$|[-_ ])",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"[0-9a-f]{40}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|https?://[^?\s]*|true|false|\d{1,12}|", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Match:
    """A credential in a text: the name of its pattern, its line, and whether it stands in a comment."""

    pattern: str
    line: int
    in_comment: bool


def credentials_in(text: str) -> Iterator[Match]:
    """Every credential in a policy document."""
    comments = [found.span() for found in _COMMENT.finditer(text)]
    for pattern in PATTERNS:
        for found in pattern.form.finditer(text):
            inside = any(start <= found.start() < end for start, end in comments)
            yield Match(pattern=pattern.name, line=text.count("\n", 0, _telling(found)) + 1, in_comment=inside)


def _telling(found: re.Match[str]) -> int:
    """Where the telling part of a match lies: the line of its value, not of the element it stands in."""
    return found.end() - 1


def kind_of(text: str) -> str:
    """The name of the pattern that a text matches; empty where none does."""
    return next((pattern.name for pattern in PATTERNS if pattern.form.search(text)), "")


def is_secret_name(name: str) -> bool:
    """Whether the name of a value promises a secret."""
    return bool(_SECRET_NAME.search(name))


def is_harmless(value: str) -> bool:
    """Whether a value can't be a secret: a thumbprint, a GUID, a URL without a query, a number, a truth."""
    return bool(_HARMLESS.fullmatch(value.strip())) or "PUBLIC KEY" in value or "BEGIN CERTIFICATE" in value


def masked(text: str) -> str:
    """A text without credentials: what matches is replaced by the name of its pattern."""
    for pattern in PATTERNS:
        text = pattern.form.sub(f"({pattern.name})", text)
    return text
