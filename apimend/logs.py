"""
Logging: one JSON object a line through `logging`, so that Azure Functions forwards it, and without secrets.

Whoever starts the app calls `configure` once; importing this changes nothing. Modules log with
`logger(__name__).info("dotted.event.name", key=value)`; the engine binds instance, rule, mode and run once with
`bound`. There is no time in a line: the host stamps it when it takes it over.
"""

import logging
import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from enum import Enum
from typing import Any, TextIO

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.typing import FilteringBoundLogger, WrappedLogger

MASK = "***"
LONGEST = 8192
_DEEPEST = 6

_SECRETS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        (r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", MASK),
        (r"\b(Bearer|SharedAccessSignature)(\s+)[A-Za-z0-9._~+/=%&-]{16,}", rf"\1\2{MASK}"),
        (r"(authorization[\"']?\s*[:=]\s*[\"']?Basic\s+)[A-Za-z0-9+/=]+", rf"\1{MASK}"),
        (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?", MASK),
        (r"((?:^|[^A-Za-z0-9])sig(?:=|%3D))[^&\s\"'<>#]+", rf"\1{MASK}"),
        (
            r"((?:[?&#]|%3F|%26)(?:signature|code|token|access_token|client_secret|assertion)(?:=|%3D))[^&\s\"'<>#]+",
            rf"\1{MASK}",
        ),
        (r"\b((?:Account|SharedAccess|Api)Key|Password|Pwd)(\s*=\s*)[^;\s\"']+", rf"\1\2{MASK}"),
        (
            r"(x-functions-key|ocp-apim-subscription-key|aeg-sas-key)([\"']?\s*[:=]\s*[\"']?)[^\s\"',;&]+",
            rf"\1\2{MASK}",
        ),
        # What begins like DER in base64 and is long is a certificate at best and a PFX with its key at worst.
        (r"\bMII[A-Za-z0-9+/\r\n]{128,}={0,2}", MASK),
    )
)
_SECRET_NAMES = re.compile(
    r"(password|passphrase|secret|token|authorization|credential|cookie|connection_?string|webhook(_?url)?|pfx|pem|"
    r"(function|functions|api|account|access|primary|secondary|private|subscription)[_-]?key)$",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """The text without signatures, tokens, keys and key material; safe to apply twice."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def configure(level: str, *, stream: TextIO | None = None) -> None:
    """
    Set logging up: `level` is debug, info, warning or error.

    With `stream` the lines go there (a terminal, a local run), otherwise to whoever handles `logging`, as the
    Functions worker does.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    ours = logging.getLogger("apimend")
    ours.setLevel(number)
    for noisy in ("azure", "aiohttp", "urllib3"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))
    if stream is not None:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(message)s"))
        ours.handlers[:] = [handler]
        ours.propagate = False
    structlog.configure(
        processors=[
            merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            without_secrets,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> FilteringBoundLogger:
    """The logger of a module; its name has to begin with apimend to be heard."""
    bound_to_name: FilteringBoundLogger = structlog.get_logger(name)
    return bound_to_name


@contextmanager
def bound(*, event_id: str = "", instance: str = "", rule: str = "", mode: str = "", run: str = "") -> Iterator[None]:
    """Every line logged inside the block carries these keys; empty ones leave what is bound already."""
    given = {"event_id": event_id, "instance": instance, "rule": rule, "mode": mode, "run": run}
    with bound_contextvars(**{name: value for name, value in given.items() if value}):
        yield


def without_secrets(_: WrappedLogger, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The structlog processor: every value of a line, however deep, as plain JSON without secrets."""
    return {name: _clean(name, value, _DEEPEST) for name, value in line.items()}


def _clean(name: str, value: Any, depth: int) -> Any:
    if _SECRET_NAMES.search(name) and value:
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if isinstance(value, Enum):
        return _clean(name, value.value, depth)
    if isinstance(value, Mapping) and depth:
        return {str(key): _clean(str(key), inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [_clean(name, inner, depth - 1) for inner in value]
    return _short(redact(str(value)))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
