"""
The one computed view of an instance's posture: what text, JSON, CSV, SARIF and OCSF are made of.

The command line and the pages call it with what the ledger remembers and the catalogue of controls. It judges nothing
and shows evidence as it was masked when it was made.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from apimend.model.ids import InstanceId
from apimend.model.plan import Severity
from apimend.model.posture import Assessment, Evidence, Verdict
from apimend.posture.control import Catalogue
from apimend.posture.record import Posture
from apimend.posture.score import families, raising, score
from apimend.report.handoff import of_control
from apimend.report.plain import clean


@dataclass(frozen=True, kw_only=True)
class ControlView:
    """What one control came to, with its words. `points` is what mending it would bring, `hand_off` how in code."""

    id: str
    name: str
    family: str
    title: str
    verdict: Verdict
    severity: Severity
    reason: str
    why: str
    mend: str
    limits: str
    mcsb: tuple[str, ...]
    policy: tuple[str, ...]
    psrule: tuple[str, ...]
    cis: tuple[str, ...]
    others: tuple[str, ...]
    read: datetime
    until: datetime | None
    points: int
    hand_off: tuple[str, ...] = ()
    no_hand_off: str = ""
    evidence: tuple[Evidence, ...] = field(default=())

    @property
    def bad(self) -> tuple[Evidence, ...]:
        """The evidence that speaks against it, or that could not be judged."""
        return tuple(each for each in self.evidence if each.ok is not True)


@dataclass(frozen=True, kw_only=True)
class PostureView:
    """A posture as people see it. Every text is one harmless line; nothing is escaped for any format yet."""

    instance: InstanceId
    score: int
    families: tuple[tuple[str, int], ...]
    verdicts: tuple[tuple[Verdict, int], ...]
    controls: tuple[ControlView, ...]
    raises: tuple[ControlView, ...]
    trend: tuple[tuple[str, int], ...]
    looked: datetime | None
    read: datetime | None

    @classmethod
    def of(cls, posture: Posture, catalogue: Catalogue) -> "PostureView":
        """The view of a posture."""
        points = {each.control: number for each, number in raising(posture.assessments)}
        views = tuple(
            _control(each, posture.instance, catalogue, points.get(each.control, 0)) for each in posture.assessments
        )
        by_id = {view.id: view for view in views}
        counts = {verdict: sum(view.verdict is verdict for view in views) for verdict in Verdict}
        return cls(
            instance=posture.instance,
            score=score(posture.assessments),
            families=families(posture.assessments),
            verdicts=tuple((verdict, number) for verdict, number in counts.items() if number),
            controls=views,
            raises=tuple(by_id[id] for id in points),
            trend=posture.trend,
            looked=posture.looked,
            read=posture.read,
        )

    @property
    def sentence(self) -> str:
        """It in one line: `71 of 100: 9 fail, 6 unknown, 40 pass`."""
        counted = ", ".join(f"{number} {verdict.value}" for verdict, number in self.verdicts)
        return f"{self.score} of 100: {counted}" if self.controls else "Not looked at yet"


def _control(each: Assessment, instance: InstanceId, catalogue: Catalogue, points: int) -> ControlView:
    told = of_control(each.control, each.verdict, instance, each.evidence)
    control, statement = catalogue.controls.get(each.control), catalogue.statements.get(each.control)
    return ControlView(
        id=each.control,
        name=each.name,
        family=each.family,
        title=clean(each.title),
        verdict=each.verdict,
        severity=each.severity,
        reason=clean(each.reason),
        why=control.why if control else "Azure can't show it." if statement else "",
        mend=control.mend if control else f"Attest {each.control} in the desired state." if statement else "",
        limits=control.limits if control else "",
        mcsb=words(control.mcsb if control else statement.mcsb if statement else ""),
        policy=words(control.policy) if control else (),
        psrule=words(control.psrule) if control else (),
        cis=words(control.cis) if control else (),
        others=words(control.others) if control else (),
        read=each.read,
        until=each.until,
        points=points,
        hand_off=told.lines,
        no_hand_off=told.why_none,
        evidence=tuple(map(_harmless, each.evidence)),
    )


def _harmless(found: Evidence) -> Evidence:
    return replace(
        found,
        subject=clean(found.subject),
        pointer=clean(found.pointer),
        observed=clean(found.observed),
        why=clean(found.why),
    )


def words(text: str) -> tuple[str, ...]:
    """The ids in a list with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
