"""
The kinds of single values that the desired state has: how each is read from its text, and what a wrong one is told.

Every scalar comes as the text that was written. A reader here turns it into a number, a yes or no or a moment, or
raises `refused` with a sentence; patterns have their sentences in PATTERNS.
"""

import base64
import binascii
import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9])?$"
PATTERN = r"^[A-Za-z0-9._()*?-]{1,90}$"
HOST = r"^[a-z0-9*]([a-z0-9.-]{0,251}[a-z0-9])?$"
VAULT = r"^[A-Za-z](-?[A-Za-z0-9]){2,23}$"
OBJECT = r"^[A-Za-z0-9-]{1,127}$"
RULE = r"^[a-z][a-z0-9_]{0,79}$"
SCOPE = r"^(workspaces/[^/\s]+/)?(apis/[^/\s]+(/operations/[^/\s]+)?|products/[^/\s]+)$|^workspaces/[^/\s]+$"
THUMBPRINT = r"^[0-9a-fA-F]{40}$"
HEADER = r"^[A-Za-z0-9-]{1,80}$"
LINE = r"^\S[^\x00-\x1f\x7f]{0,499}$"
URL_PATH = r"^/[!-~]{0,400}$"

PATTERNS = {
    GUID: ("is no GUID.", "It looks like 11111111-2222-3333-4444-555555555555."),
    NAME: ("is no name.", "Use letters, digits, hyphens, underscores and dots."),
    PATTERN: ("is no name or pattern.", "Use letters, digits and hyphens; * stands for any text, ? for one character."),
    HOST: ("is no host name.", "Write it in lower case, without https:// and port."),
    VAULT: ("is no name of a vault.", "Write its short name, such as kv-contoso, not its URL."),
    OBJECT: ("is no name of a certificate in Key Vault.", "Use letters, digits and hyphens; no version."),
    RULE: ("is no name of a rule.", "They look like negotiation_disabled."),
    SCOPE: ("is no scope.", "Write apis/NAME, apis/NAME/operations/NAME, products/NAME or workspaces/NAME/…"),
    THUMBPRINT: ("is no SHA-1 thumbprint.", "Write its 40 hexadecimal digits without spaces or colons."),
    HEADER: ("is no name of a header.", "Use letters, digits and hyphens."),
    LINE: ("is no text of one line.", "Write up to 500 characters on one line."),
    URL_PATH: ("is no path.", "It begins with a slash, such as /status."),
}


def refused(what: str, mend: str = "") -> PydanticCustomError:
    """The error for a value that is no good, with a sentence on what is wrong and one on how to mend it."""
    return PydanticCustomError("apimend", "{what} {mend}", {"what": what, "mend": mend})


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise refused(f"Here stands {'a list' if isinstance(value, list) else 'a mapping'}, not a text.")
    return value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _number(value: Any) -> int:
    written = _text(value)
    if not re.fullmatch(r"[0-9]{1,9}", written):
        raise refused(f"{written[:60]!r} is no whole number.")
    return int(written)


def _truth(value: Any) -> bool:
    written = _text(value)
    if written not in ("true", "false"):
        raise refused(f"{written[:60]!r} is neither true nor false.")
    return written == "true"


def _moment(value: Any) -> datetime:
    """A day counts to its end, in UTC."""
    written = _text(value)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written):
            return datetime.fromisoformat(written).replace(tzinfo=UTC) + timedelta(days=1)
        moment = datetime.fromisoformat(written)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise refused(f"{written[:60]!r} is no date.", "Write it as 2027-01-31.") from error


def _time_of_day(value: Any) -> time:
    written = _text(value)
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", written):
        raise refused(f"{written[:60]!r} is no time of day.", "Write it as 22:00.")
    return time.fromisoformat(written)


def _zone(value: Any) -> str:
    written = _text(value)
    if written == "UTC":
        return written
    try:
        return ZoneInfo(written[:100]).key
    except (LookupError, ValueError, OSError) as error:
        raise refused(f"{written[:60]!r} is no time zone.", "Write UTC or a name such as Europe/Amsterdam.") from error


def _pem(value: Any) -> str:
    written = _text(value).strip()
    found = re.fullmatch(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----", written)
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    except binascii.Error:
        der = b""
    if not der.startswith(b"\x30"):
        raise refused("It is no certificate in PEM form.", "It begins with -----BEGIN CERTIFICATE-----.")
    return written + "\n"


def _upper(value: Any) -> str:
    return _text(value).upper()


def _lower(value: Any) -> str:
    return _text(value).lower()


Guid = Annotated[str, Field(pattern=GUID), BeforeValidator(_lower)]
Name = Annotated[str, Field(pattern=NAME), BeforeValidator(_text)]
Pattern = Annotated[str, Field(pattern=PATTERN), BeforeValidator(_text)]
Host = Annotated[str, Field(pattern=HOST), BeforeValidator(_lower)]
VaultName = Annotated[str, Field(pattern=VAULT), BeforeValidator(_text)]
ObjectName = Annotated[str, Field(pattern=OBJECT), BeforeValidator(_text)]
Rule = Annotated[str, Field(pattern=RULE), BeforeValidator(_text)]
Scope = Annotated[str, Field(pattern=SCOPE), BeforeValidator(_text)]
Thumbprint = Annotated[str, Field(pattern=THUMBPRINT), BeforeValidator(_upper)]
HeaderName = Annotated[str, Field(pattern=HEADER), BeforeValidator(_text)]
Line = Annotated[str, Field(pattern=LINE), BeforeValidator(_text)]
UrlPath = Annotated[str, Field(pattern=URL_PATH), BeforeValidator(_text)]
Whole = Annotated[int, BeforeValidator(_number)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].+)?$"}),
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]
Zone = Annotated[str, BeforeValidator(_zone)]
Pem = Annotated[str, BeforeValidator(_pem)]
TagValue = Annotated[
    str, Field(max_length=256), BeforeValidator(_text), WithJsonSchema({"type": ["string", "integer", "boolean"]})
]

Sku = Literal[
    "Developer", "Basic", "Standard", "Premium", "Isolated", "Consumption", "BasicV2", "StandardV2", "PremiumV2"
]

# One value, or a list of them: people write `subscription: X` far more often than a list of one.
_ONE_OR_MORE = BeforeValidator(_as_list)
Guids = Annotated[list[Guid], _ONE_OR_MORE, Field(min_length=1, json_schema_extra={"x-one-or-more": True})]
Patterns = Annotated[list[Pattern], _ONE_OR_MORE, Field(min_length=1, json_schema_extra={"x-one-or-more": True})]
Skus = Annotated[list[Sku], _ONE_OR_MORE, Field(min_length=1, json_schema_extra={"x-one-or-more": True})]
TagValues = Annotated[list[TagValue], _ONE_OR_MORE, Field(min_length=1, json_schema_extra={"x-one-or-more": True})]
