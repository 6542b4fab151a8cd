"""
Every control on one estate: what it found becomes one verdict, by the same rules for all of them.

Called by the posture's rule. Pure. A control that stumbles over a form that nobody foresaw is unknown with that reason:
the others go on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from apimend.model.desired import Attestation, Waiver
from apimend.model.errors import PolicyNotUnderstood
from apimend.model.features import FEATURES, lacks
from apimend.model.plan import Severity
from apimend.model.posture import Assessment, Evidence, Verdict
from apimend.model.words import did_you_mean
from apimend.policy.topology import scope_of
from apimend.posture.control import Control, Family, Statement
from apimend.posture.doubt import Beside, Unsure
from apimend.posture.estate import Estate

MOST, MOST_PASSING = 40, 5
"""Pieces of evidence that an assessment keeps: what is beyond is counted in its reason."""

_SOON = timedelta(days=30)
_NOT_CLOSED = frozenset({"", "public", "fronted"})


def judge(controls: Sequence[Control], statements: Sequence[Statement], estate: Estate) -> tuple[Assessment, ...]:
    """What every control that this visit could look at came to; on a whole look the attestations too."""
    judged = [assess(control, estate, statements) for control in controls if _was_read(control, estate)]
    attested = [attest(statement, estate) for statement in statements] if estate.whole else []
    return (*judged, *attested)


def _was_read(control: Control, estate: Estate) -> bool:
    return all(estate.has(key) for key in control.needs)


def assess(control: Control, estate: Estate, statements: Sequence[Statement] = ()) -> Assessment:
    """What one control came to."""
    severity = weighed(control, estate)
    try:
        found = tuple(_with_severity(each, control, severity) for each in _found(control, estate))
        verdict, reason = _verdict(control, found, estate)
    except Unsure as error:
        found, verdict, reason = (), Verdict.UNKNOWN, str(error)
    except Beside as error:
        found, verdict, reason = (), Verdict.NOT_APPLICABLE, str(error)
    except PolicyNotUnderstood as error:
        found, verdict, reason = (), Verdict.UNKNOWN, f"A policy can't be read: {error}."
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        found, verdict, reason = (), Verdict.UNKNOWN, f"What was read has an unknown form ({type(error).__name__})."
    if verdict is Verdict.FAIL:
        severity = max(each.severity for each in found if each.ok is False)
    assessment = Assessment(
        control=control.id,
        name=control.name,
        family=control.family.value,
        title=control.title,
        verdict=verdict,
        severity=severity,
        reason=reason,
        read=estate.now,
        evidence=_kept(found),
    )
    if control.attested_by and all(each.attestable for each in found if each.ok is False):
        assessment = _vouched(assessment, control, estate, statements)
    return _waived(assessment, control.names, found, estate)


def _found(control: Control, estate: Estate) -> Iterator[Evidence]:
    if control.feature and estate.tier.known and (why := lacks(estate.tier, control.feature)):
        raise Beside(why)
    if control.feature and not estate.tier.known:
        raise Unsure(f"The tier {estate.tier.name} is new to us: whether it has {FEATURES[control.feature].name} "
                     "is not known.")  # fmt: skip
    if "service" in control.needs and estate.is_busy:
        raise Unsure("An update of the service is on its way: what it shows now is not final.")
    yield from control.judge(estate)


def _verdict(control: Control, found: Sequence[Evidence], estate: Estate) -> tuple[Verdict, str]:
    bad = [each for each in found if each.ok is False]
    unsure = [each for each in found if each.ok is None]
    if bad:
        worst = max(bad, key=lambda each: each.severity)
        return Verdict.FAIL, _said(worst.why or control.title, len(bad))
    if unsure:
        return Verdict.UNKNOWN, _said(unsure[0].why or f"{unsure[0].pointer} can't be judged.", len(unsure))
    if not found:
        return Verdict.NOT_APPLICABLE, "There is nothing of this kind."
    if not estate.tier.known:
        return Verdict.UNKNOWN, f"The tier {estate.tier.name} is new to us: what was read proves nothing."
    return Verdict.PASS, next((each.why for each in found if each.why), "As it should be.")


def _said(why: str, number: int) -> str:
    return why if number == 1 else f"{why} ({number} in all)"


def _with_severity(found: Evidence, control: Control, weighed_: Severity) -> Evidence:
    """Evidence that names no severity of its own has the control's; what exposure and environment spare holds too."""
    spared = control.severity - weighed_
    own = found.severity if found.severity is not Severity.INFO or control.severity is Severity.INFO else None
    severity = weighed_ if own is None else Severity(max(own - spared, min(own, Severity.LOW)))
    return replace(found, severity=severity)


def weighed(control: Control, estate: Estate) -> Severity:
    """A control's severity here: less where it is not production, and less behind a closed network."""
    severity = int(control.severity)
    if not estate.is_prod:
        severity -= 1
    if control.exposed and estate.desired.exposure.casefold() not in _NOT_CLOSED:
        severity -= 1
    return Severity(max(severity, min(control.severity, Severity.LOW)))


def _kept(found: Sequence[Evidence]) -> tuple[Evidence, ...]:
    ranked = sorted(found, key=lambda each: ({False: 0, None: 1, True: 2}[each.ok], -each.severity))
    bad = [each for each in ranked if each.ok is not True]
    return (*bad[:MOST], *ranked[len(bad) :][:MOST_PASSING])


def _vouched(assessment: Assessment, control: Control, estate: Estate, statements: Sequence[Statement]) -> Assessment:
    """What Azure can't show may be vouched for, where the control says by which attestation."""
    if assessment.verdict is not Verdict.FAIL:
        return assessment
    statement = next((one for one in statements if one.id == control.attested_by), None)
    given = _attestation(statement, estate) if statement else None
    if statement is None or given is None or given.expires <= estate.now:
        return assessment
    until = min(given.expires, estate.now + timedelta(days=statement.days))
    reason = f"{given.owner} vouches for it ({statement.id}: {given.evidence})."
    return replace(assessment, verdict=Verdict.ATTESTED, reason=reason, until=until)


def _waived(assessment: Assessment, names: frozenset[str], found: Iterable[Evidence], estate: Estate) -> Assessment:
    if assessment.verdict not in (Verdict.FAIL, Verdict.UNKNOWN, *_UNATTESTED):
        return assessment
    waivers = [w for w in estate.desired.waivers if names & {c.casefold() for c in w.controls}]
    live = [waiver for waiver in waivers if waiver.expires > estate.now]
    bad = [each for each in found if each.ok is not True]
    covering = [waiver for waiver in live if not waiver.scope]
    if not covering and bad and all(any(_covers(w, each, estate) for w in live) for each in bad):
        covering = live
    if covering:
        until = min(waiver.expires for waiver in covering)
        reason = "; ".join(f"{w.reason} ({w.owner}, {w.ticket})" for w in covering)
        return replace(assessment, verdict=Verdict.WAIVED, reason=reason, until=until)
    if waivers and not live:
        ended = max(waiver.expires for waiver in waivers)
        return replace(assessment, reason=f"{assessment.reason} Its waiver ended on {ended:%Y-%m-%d}.")
    return assessment


_UNATTESTED = (Verdict.ATTESTATION_MISSING, Verdict.ATTESTATION_EXPIRED)


def _covers(waiver: Waiver, found: Evidence, estate: Estate) -> bool:
    home = estate.instance.key
    if not found.subject.casefold().startswith(home):
        return False
    below = scope_of(found.subject[len(home) :])
    scope = scope_of(waiver.scope)
    return below == scope or below.startswith((f"{scope}/", f"{scope};rev="))


def attest(statement: Statement, estate: Estate) -> Assessment:
    """What became of an attestation: one that is missing or has ended is a finding, and enforces nothing."""
    given = _attestation(statement, estate)
    until = None
    if given is None:
        verdict, reason = Verdict.ATTESTATION_MISSING, "Nobody vouches for it."
    elif given.expires <= estate.now:
        verdict, reason = Verdict.ATTESTATION_EXPIRED, f"{given.owner} vouched for it until {given.expires:%Y-%m-%d}."
    elif given.expires > estate.now + timedelta(days=statement.days + 1):
        verdict = Verdict.ATTESTATION_EXPIRED
        reason = f"It is declared until {given.expires:%Y-%m-%d}; it may hold for {statement.days} days at the most."
    else:
        verdict, until = Verdict.ATTESTED, given.expires
        reason = f"{given.owner} vouches for it: {given.evidence}.{_reminder(given.expires, estate.now)}"
    assessment = Assessment(
        control=statement.id,
        name=statement.name,
        family=Family.ATTESTATIONS.value,
        title=statement.title,
        verdict=verdict,
        severity=statement.severity,
        reason=reason,
        read=estate.now,
        until=until,
    )
    return _waived(assessment, statement.names, (), estate)


def reminders(statements: Sequence[Statement], estate: Estate) -> Iterator[str]:
    """What people should hear of their attestations: those that end soon, and those that nobody can place."""
    known = {name for statement in statements for name in statement.names}
    for given in estate.desired.attestations:
        word = given.control.casefold()
        if word not in known:
            yield f"{given.place}: no attestation is called {given.control}. {did_you_mean(word, known)}".rstrip()
        elif estate.now < given.expires < estate.now + _SOON:
            yield f"The attestation {given.control} of {given.owner} ends on {given.expires:%Y-%m-%d}: renew it."


def _attestation(statement: Statement, estate: Estate) -> Attestation | None:
    """The one that holds longest, where several were given."""
    given = [one for one in estate.desired.attestations if one.control.casefold() in statement.names]
    return max(given, key=lambda one: one.expires, default=None)


def _reminder(expires: datetime, now: datetime) -> str:
    return f" It ends in {(expires - now).days} days: renew it." if expires - now < _SOON else ""
