"""
An HTTP request as a value, and what handlers read of it: JSON bodies, forms, numbers in queries.

The function app makes a Request; every fault of a body is told at once, as BadInput.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from apimend.model.errors import BadInput, Fault
from apimend.model.ids import InstanceId
from apimend.report.plain import clean

MAX_BODY = 64 * 1024
"""Characters of a body; replay alone takes more."""

_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a handler needs of an HTTP request; header names are in lower case."""

    method: str = "GET"
    body: str = field(default="", repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


Reason = Annotated[str, StringConstraints(max_length=500), Field(description="Why, for the ledger.")]
GivenReason = Annotated[str, StringConstraints(min_length=1, max_length=500), Field(description="Why, for the ledger.")]


def _names_an_instance(text: str) -> str:
    try:
        InstanceId.of(text)
    except BadInput as error:
        fault = error.faults[0]
        told = {"what": clean(fault.what)[:300].rstrip("."), "mend": fault.mend.rstrip(".")}
        raise PydanticCustomError("instance", "{what}. {mend}", told) from error
    return text


InstanceText = Annotated[
    str,
    StringConstraints(max_length=512),
    AfterValidator(_names_an_instance),
    Field(description="The Azure resource id of an API Management service."),
]
Hours = Annotated[int, Field(ge=1, le=168, description="For how long.")]


class Body(BaseModel):
    """A JSON body: exactly these fields, of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)


class ReasonBody(Body):
    """What undo takes."""

    reason: Reason = ""


class ApproveBody(Body):
    """
    What approve takes. `digest` is that of the plan that was looked at; `token` the secret of a link, where the
    link alone approves.
    """

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Field(description="The digest of the plan.")]
    token: Annotated[str, StringConstraints(max_length=100), Field(description="The secret of the link.")] = ""
    reason: Reason = ""


class InstanceBody(Body):
    """What release takes."""

    instance: InstanceText
    reason: Reason = ""


class RelaxBody(Body):
    """What relax takes."""

    instance: InstanceText
    hours: Hours = 4
    reason: Reason = ""


class StopBody(Body):
    """What the global stop takes."""

    reason: GivenReason


Given = TypeVar("Given", bound=Body)


class NameBody(Body):
    """What replaying a dead letter takes."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=1024), Field(description="As the list tells it.")]


class TokenForm(Body):
    """What the page of a link sends, to be shown the plan."""

    token: Annotated[str, StringConstraints(max_length=100)]


class RelaxForm(Body):
    """What the page sends."""

    hours: Hours = 4
    reason: Reason = ""


def json_body(model: type[Given], text: str) -> Given:
    """The body as a model; an empty one is an empty object. Raises BadInput with every fault."""
    return read(model, load(text) if text.strip() else {})


def form_body(model: type[Given], text: str) -> Given:
    """The body of an HTML form as a model: numbers come as texts there. Raises BadInput with every fault."""
    if len(text) > MAX_BODY:
        raise bad("The body is too large.")
    try:
        return model.model_validate_strings(
            dict(parse_qsl(text, keep_blank_values=True, max_num_fields=20)), strict=False
        )
    except ValueError as error:
        raise _faults(error) from error


def read(model: type[Given], value: object) -> Given:
    """A loaded body as a model. Raises BadInput with every fault."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _faults(error) from error


def load(text: str, *, most: int = MAX_BODY) -> Any:
    """JSON. Raises BadInput for what is none, or too much."""
    if len(text) > most:
        raise bad("The body is too large.", mend="Send less at a time.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad("The body is no JSON.", mend="Send an object, in UTF-8.") from error


def number(text: str, name: str, *, default: int, most: int) -> int:
    """A number of a query. Raises BadInput for what is none, or out of its range."""
    if not text:
        return default
    if not _NUMBER.fullmatch(text) or not 0 < int(text) <= most:
        raise bad(f"{text[:100]!r} is no number from 1 to {most}.", name)
    return int(text)


def bad(what: str, where: str = "", mend: str = "") -> BadInput:
    """One fault of a request."""
    return BadInput([Fault(what=what, where=where, mend=mend)])


def _faults(error: ValueError) -> BadInput:
    if not isinstance(error, ValidationError):
        return bad("The form has too many fields.")
    return BadInput(
        [Fault(what=f"{each['msg']}.", where=".".join(map(str, each["loc"]))[:200]) for each in error.errors()]
    )
