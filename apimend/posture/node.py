"""
A place in a resource as it was read: raw JSON with the resource's id, a JSON pointer and the time of reading.

Controls walk nodes and make evidence of them, so that evidence is exact by construction. Names are found without
regard to case, null is told apart from false, and a value of an unknown form is Unsure, never a guess.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.posture.credentials import masked
from apimend.posture.doubt import Unsure

_LONGEST = 120


@dataclass(frozen=True, kw_only=True)
class Node:
    """A value in a resource. `value` is None where it is null or absent."""

    subject: str
    value: Any = field(repr=False)
    read: datetime
    api_version: str = ""
    pointer: str = ""

    def at(self, *names: str) -> "Node":
        """The member below these names, in any case; a node with None where there is none."""
        node = self
        for name in names:
            node = node._member(name)
        return node

    def prop(self, *names: str) -> "Node":
        """A member of `properties`."""
        return self.at("properties", *names)

    def _member(self, name: str) -> "Node":
        found, key = self.value, name
        if found is not None and not isinstance(found, Mapping):
            raise Unsure(f"{self.pointer or '/'} of {self.subject} has an unknown form.")
        for each in found or ():
            if str(each).casefold() == name.casefold():
                key = str(each)
                break
        escaped = key.replace("~", "~0").replace("/", "~1")
        return replace(self, value=(found or {}).get(key), pointer=f"{self.pointer}/{escaped}")

    @property
    def items(self) -> tuple["Node", ...]:
        """The items of a list; none where it is null."""
        if self.value is None:
            return ()
        if not isinstance(self.value, list):
            raise Unsure(f"{self.pointer} of {self.subject} is no list.")
        return tuple(replace(self, value=v, pointer=f"{self.pointer}/{i}") for i, v in enumerate(self.value))

    @property
    def members(self) -> Iterator[tuple[str, "Node"]]:
        """The members of an object; none where it is null."""
        if self.value is not None and not isinstance(self.value, Mapping):
            raise Unsure(f"{self.pointer} of {self.subject} is no object.")
        for name in self.value or ():
            yield str(name), self._member(str(name))

    @property
    def text(self) -> str:
        """The text; empty where it is null."""
        if self.value is None:
            return ""
        if not isinstance(self.value, str):
            raise Unsure(f"{self.pointer} of {self.subject} is no text.")
        return self.value

    @property
    def word(self) -> str:
        """The text in lower case, for words whose case Azure varies."""
        return self.text.casefold()

    @property
    def words(self) -> frozenset[str]:
        """The texts of a list in lower case."""
        return frozenset(item.word for item in self.items)

    @property
    def truth(self) -> bool | None:
        """True or false, also as the texts `True` and `False`; None where it is null."""
        if self.value is None or isinstance(self.value, bool):
            return self.value
        known = {"true": True, "false": False}
        if isinstance(self.value, str) and self.value.casefold() in known:
            return known[self.value.casefold()]
        raise Unsure(f"{self.pointer} of {self.subject} is neither true nor false.")

    @property
    def number(self) -> float | None:
        """The number; None where it is null."""
        if self.value is None:
            return None
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise Unsure(f"{self.pointer} of {self.subject} is no number.")
        return float(self.value)

    @property
    def moment(self) -> datetime | None:
        """The time; None where it is null."""
        if not self.text:
            return None
        try:
            found = datetime.fromisoformat(self.text)
        except ValueError:
            raise Unsure(f"{self.pointer} of {self.subject} is no time.") from None
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.subject.rpartition("/")[2]

    @property
    def workspace(self) -> str:
        """The workspace of the instance that the resource lies in, in lower case; empty where it is in none."""
        _, _, below = self.subject.casefold().partition("/microsoft.apimanagement/service/")
        parts = below.split("/")
        return parts[2] if len(parts) > 2 and parts[1] == "workspaces" else ""

    def found(
        self,
        ok: bool | None,
        expected: str,
        why: str = "",
        *,
        severity: Severity | None = None,
        shown: str | None = None,
        attestable: bool = False,
    ) -> Evidence:
        """
        Evidence that rests on this value. `shown` stands in for a value that must not be shown.

        A `severity` other than the control's own is given with it. `attestable`: a person may vouch for it.
        """
        return Evidence(
            subject=self.subject,
            pointer=self.pointer or "/",
            observed=shown if shown is not None else _shown(self.value),
            expected=expected,
            ok=ok,
            read=self.read,
            api_version=self.api_version,
            why=why,
            severity=severity if severity is not None else Severity.INFO,
            attestable=attestable,
        )


def _shown(value: Any) -> str:
    """A value in a few harmless words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        scalars = all(isinstance(item, str | int) for item in value)
        text = ", ".join(map(str, value)) if scalars else f"{len(value)} items"
        return masked(text)[:_LONGEST] or "an empty list"
    if isinstance(value, Mapping):
        return f"an object with {len(value)} members"
    return masked(str(value))[:_LONGEST]
