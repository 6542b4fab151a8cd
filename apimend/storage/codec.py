"""
Model values as JSON documents, and back.

Called by bells, ledger and limits. Every document says its version and its form; a document of another version,
another form, cut off, or with a field that this version doesn't know raises Unreadable and is never guessed at.
A field that is missing takes its default, so a document from before the field was added can be read.

Texts that the model keeps out of its `repr` (policies, snippets) are kept out of documents too: they go into a second
document, the *aside*, which lies in the container for pre-images (rules.md R27). The first holds its hash.
"""

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum, IntEnum
from functools import lru_cache
from typing import Any, TypeVar

from apimend.model.errors import BadInput, Unreadable
from apimend.model.ids import ResourceId

VERSION = 1

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Packed:
    """A value as it is stored. `aside` is None where the value has no guarded texts."""

    body: bytes = dataclasses.field(repr=False)
    aside: bytes | None = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Envelope:
    """A document that was opened: its version and form are known to be right."""

    form: str
    aside: str | None
    content: object = dataclasses.field(repr=False)


def pack(value: object) -> Packed:
    """The documents of a model value."""
    texts: list[str] = []
    content = _encode(value, texts)
    aside = _dump({"v": VERSION, "form": "texts", "content": texts}) if texts else None
    body: dict[str, object] = {"v": VERSION, "form": form_of(type(value)), "content": content}
    if aside is not None:
        body["aside"] = _hash(aside)
    return Packed(body=_dump(body), aside=aside)


def form_of(cls: type) -> str:
    """The word by which a document says what it is."""
    return cls.__name__.lower()


def open_envelope(form: str, body: bytes, *, name: str) -> Envelope:
    """The document `name`, which has to be of this form. Raises Unreadable."""
    found = parse_object(body, name=name)
    check_version(found.get("v"), name=name)
    if found.get("form") != form:
        raise Unreadable(f"{name}: this is no {form}.")
    aside = found.get("aside")
    if "content" not in found or not (aside is None or isinstance(aside, str)) or len(found) > 4:
        raise Unreadable(f"{name}: this {form} is not whole.")
    return Envelope(form=form, aside=aside, content=found["content"])


def unpack(cls: type[T], envelope: Envelope, aside: bytes | None = None, *, name: str) -> T:
    """The value in a document; `aside` is what lies beside it, where the document names one. Raises Unreadable."""
    return _unpacked(cls, envelope, _texts(envelope, aside, name=name), name=name)


def unpack_less_texts(cls: type[T], envelope: Envelope, *, name: str) -> T:
    """The value in a document with None for each text that lies beside it. Raises Unreadable."""
    return _unpacked(cls, envelope, None, name=name)


def amended(body: bytes, form: str, changes: Mapping[str, bool | str], *, name: str) -> bytes:
    """A document with other values in some fields; what lies beside it stays. Raises Unreadable."""
    envelope = open_envelope(form, body, name=name)
    if not isinstance(envelope.content, dict):
        raise Unreadable(f"{name}: this {form} is not whole.")
    return _dump({**parse_object(body, name=name), "content": {**envelope.content, **changes}})


def _unpacked(cls: type[T], envelope: Envelope, texts: list[str] | None, *, name: str) -> T:
    try:
        value = _decode(cls, envelope.content, texts, envelope.form)
    except (_Misfit, BadInput, ValueError, OverflowError) as error:
        where = str(error) if isinstance(error, _Misfit) else f"{envelope.form} has a value out of its range"
        raise Unreadable(f"{name}: {where}.") from None
    assert isinstance(value, cls)
    return value


def read(cls: type[T], body: bytes, *, name: str) -> T:
    """The value in a document that has no aside. Raises Unreadable."""
    return unpack(cls, open_envelope(form_of(cls), body, name=name), name=name)


def parse_object(body: bytes | str, *, name: str) -> dict[str, object]:
    """A JSON object. Raises Unreadable for anything else, without citing a byte of it."""
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable(f"{name}: this is no JSON, or it is cut off.") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{name}: this is no JSON object.")
    return found


def check_version(version: object, *, name: str) -> None:
    """Raises Unreadable for any version but ours."""
    if type(version) is not int:
        raise Unreadable(f"{name}: it has no version; Apimend did not write this.")
    if version > VERSION:
        raise Unreadable(f"{name}: version {version} was written by a newer Apimend; this one reads {VERSION}.")
    if version != VERSION:
        raise Unreadable(f"{name}: version {version} is not known; this Apimend reads {VERSION}.")


class _Misfit(Exception):
    """A value that does not fit its type: tells where, never what."""


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is no JSON")


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _texts(envelope: Envelope, aside: bytes | None, *, name: str) -> list[str]:
    if envelope.aside is None:
        return []
    if aside is None:
        raise Unreadable(f"{name}: the texts that belong to this {envelope.form} are gone.")
    if _hash(aside) != envelope.aside:
        raise Unreadable(f"{name}: the texts that belong to this {envelope.form} are cut off or altered.")
    texts = open_envelope("texts", aside, name=name).content
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Unreadable(f"{name}: the texts that belong to this {envelope.form} are not whole.")
    return texts


@lru_cache(maxsize=128)
def _fields(cls: Any) -> Mapping[str, tuple[object, bool, bool]]:
    """Of each field: its type, whether it is guarded, whether it has to be there."""
    hints = typing.get_type_hints(cls)
    return {
        field.name: (
            hints[field.name],
            not field.repr,
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
    }


def _encode(value: object, texts: list[str]) -> object:
    if isinstance(value, ResourceId):
        return value.text
    if isinstance(value, Enum):
        return value.name.lower() if isinstance(value, IntEnum) else value.value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("A time without a zone is never stored")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return {key: _encode(each, texts) for key, each in value.items()}
    if isinstance(value, frozenset):
        return sorted(_encode(each, texts) for each in value)  # type: ignore[type-var]  # sets hold texts and enums
    if isinstance(value, tuple):
        return [_encode(each, texts) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _encode_fields(value, texts)
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} has no stored form")


def _encode_fields(value: Any, texts: list[str]) -> dict[str, object]:
    encoded: dict[str, object] = {}
    cls: Any = type(value)
    for name, (_, guarded, _) in _fields(cls).items():
        each = getattr(value, name)
        if guarded and isinstance(each, str) and each:
            encoded[name] = len(texts)
            texts.append(each)
        else:
            encoded[name] = _encode(each, texts)
    return encoded


def _decode(hint: Any, value: object, texts: list[str] | None, where: str) -> object:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _decode_optional(inner, value, texts, where)
    if origin is tuple:
        return _decode_tuple(inner, value, texts, where)
    if origin is frozenset:
        return frozenset(_decode(inner[0], each, texts, where) for each in _expect(list, value, where))
    if origin is Mapping:
        items = _expect(dict, value, where).items()
        return {key: _decode(inner[1], each, texts, f"{where}[…]") for key, each in items}
    if dataclasses.is_dataclass(hint) and not issubclass(hint, ResourceId):  # type: ignore[arg-type]  # a dataclass is a type
        return _decode_fields(hint, _expect(dict, value, where), texts, where)
    return _decode_plain(hint, value, where)


def _decode_optional(options: tuple[Any, ...], value: object, texts: list[str] | None, where: str) -> object:
    (kind,) = (option for option in options if option is not types.NoneType)
    return None if value is None else _decode(kind, value, texts, where)


def _decode_tuple(inner: tuple[Any, ...], value: object, texts: list[str] | None, where: str) -> object:
    items = _expect(list, value, where)
    kinds = (inner[0],) * len(items) if inner[-1] is Ellipsis else inner
    if len(kinds) != len(items):
        raise _Misfit(f"{where} has {len(items)} items, not {len(kinds)}")
    return tuple(_decode(kind, each, texts, f"{where}[]") for kind, each in zip(kinds, items, strict=True))


def _decode_plain(hint: Any, value: object, where: str) -> object:
    if hint is float:
        return float(_expect((int, float), value, where))
    if hint in (str, int, bool):
        return _expect(hint, value, where)
    text = _expect(str, value, where)
    if issubclass(hint, IntEnum):
        members = {member.name.lower(): member for member in hint}
        if text not in members:
            raise _Misfit(f"{where} is a word that this Apimend doesn't know")
        return members[text]
    if issubclass(hint, ResourceId):
        return hint.of(text)
    if hint is datetime:
        return _moment(text, where)
    try:
        return hint(text)
    except ValueError:
        raise _Misfit(f"{where} is a word that this Apimend doesn't know") from None


def _moment(text: str, where: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise _Misfit(f"{where} is a time without a zone")
    return moment.astimezone(UTC)


def _decode_fields(cls: Any, found: dict[str, object], texts: list[str] | None, where: str) -> object:
    fields = _fields(cls)
    if unknown := sorted(found.keys() - fields.keys()):
        raise _Misfit(f"{where} has a field that this Apimend doesn't know ({unknown[0][:40]!r})")
    values: dict[str, object] = {}
    for name, (hint, guarded, required) in fields.items():
        if name not in found:
            if required:
                raise _Misfit(f"{where} lacks {name}")
        elif guarded and type(found[name]) is int:
            values[name] = _text(texts, typing.cast("int", found[name]), f"{where}.{name}")
        else:
            values[name] = _decode(hint, found[name], texts, f"{where}.{name}")
    return cls(**values)


def _text(texts: list[str] | None, index: int, where: str) -> str | None:
    if texts is None:
        return None
    if not 0 <= index < len(texts):
        raise _Misfit(f"{where} names a text that isn't there")
    return texts[index]


def _expect(kind: Any, value: object, where: str) -> Any:
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise _Misfit(f"{where} is of the wrong type")
    return value
