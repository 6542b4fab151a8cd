"""
The posture of an instance as the ledger remembers it: the newest assessment of each control, and the trend.

The engine keeps it as a note; pages, command line and exports read it. What a visit did not look at stays as it was
judged last, with the time of that reading.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from apimend.model.errors import Unreadable
from apimend.model.ids import InstanceId
from apimend.model.plan import Severity
from apimend.model.posture import Assessment, Evidence, PostureFigures, Verdict
from apimend.posture.control import Family
from apimend.posture.score import figures, score

VERSION = 1
POINTS = 180
"""Days of the trend that are kept."""

_FAMILIES = [family.value for family in Family]


@dataclass(frozen=True, kw_only=True)
class Posture:
    """A posture with its trend: (day, score), oldest first. `looked` is when every control was last judged."""

    instance: InstanceId
    assessments: tuple[Assessment, ...] = ()
    trend: tuple[tuple[str, int], ...] = ()
    looked: datetime | None = None
    read: datetime | None = None

    @property
    def figures(self) -> PostureFigures:
        """It in a few numbers."""
        return figures(self.assessments, whole=self.looked is not None)


def note_key(instance: InstanceId) -> str:
    """Under which key the ledger keeps the note."""
    return f"posture:{instance.key}"


def merged(before: Posture, judged: Sequence[Assessment], *, now: datetime, whole: bool) -> Posture:
    """
    What is known after a visit.

    A look that was not whole keeps what was known where it could not tell, because an update is on its way, say.
    """
    known = {} if whole else {each.control: each for each in before.assessments}
    known.update({e.control: e for e in judged if e.verdict is not Verdict.UNKNOWN or e.control not in known})
    assessments = tuple(sorted(known.values(), key=_order))
    days = {**dict(before.trend), f"{now:%Y-%m-%d}": score(assessments)} if whole or before.looked else {}
    return Posture(
        instance=before.instance,
        assessments=assessments,
        trend=tuple(sorted(days.items()))[-POINTS:],
        looked=now if whole else before.looked,
        read=now,
    )


def _order(each: Assessment) -> tuple[int, str, int]:
    digits = "".join(c for c in each.control if c.isdigit())
    family = _FAMILIES.index(each.family) if each.family in _FAMILIES else len(_FAMILIES)
    return (family, each.control.rstrip("0123456789"), int(digits or 0))


def dumped(posture: Posture) -> str:
    """The note."""
    return json.dumps(
        {
            "v": VERSION,
            "instance": posture.instance.text,
            "looked": _stamp(posture.looked),
            "read": _stamp(posture.read),
            "trend": posture.trend,
            "assessments": [asdict(each) for each in posture.assessments],
        },
        default=_plain,
        separators=(",", ":"),
    )


def loaded(instance: InstanceId, text: str) -> Posture:
    """The posture in a note; an empty one where nothing was noted. Raises Unreadable."""
    if not text:
        return Posture(instance=instance)
    try:
        found = json.loads(text)
        if found["v"] != VERSION:
            raise Unreadable(f"The posture of {instance.name} was written by another version.")
        return Posture(
            instance=InstanceId.of(found["instance"]),
            assessments=tuple(_assessment(each) for each in found["assessments"]),
            trend=tuple((str(day), int(points)) for day, points in found["trend"]),
            looked=_moment(found["looked"]),
            read=_moment(found["read"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"The posture of {instance.name} has an unknown form.") from error


def _assessment(raw: dict[str, Any]) -> Assessment:
    made = {
        **raw,
        "verdict": Verdict(raw["verdict"]),
        "severity": Severity(raw["severity"]),
        "read": _moment(raw["read"]),
        "until": _moment(raw["until"]),
        "evidence": tuple(
            Evidence(**{**each, "read": _moment(each["read"]), "severity": Severity(each["severity"])})
            for each in raw["evidence"]
        ),
    }
    return Assessment(**made)


def _plain(value: object) -> object:
    if isinstance(value, Verdict):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
