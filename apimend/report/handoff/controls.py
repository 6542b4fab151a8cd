"""
Hand-offs of the security baseline: the tables of all families, and what one assessment comes to.
"""

from collections.abc import Iterator, Sequence

from apimend.mends import Mend, PolicyMend, is_known, policy_place, together
from apimend.model.errors import BadInput
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.posture import Evidence, Verdict
from apimend.report.handoff.families import access, detection, network, operation, policies, secrets, transit
from apimend.report.handoff.spot import Entry, Spot, Table
from apimend.report.handoff.told import HandOff

TABLE: Table = {
    **network.TABLE,
    **transit.TABLE,
    **secrets.TABLE,
    **access.TABLE,
    **policies.TABLE,
    **detection.TABLE,
    **operation.TABLE,
}
"""What there is for each control."""

MOST = 5
"""Resources of one control whose snippets are shown."""

_ATTESTED = "Azure can't show it, so no code can: a person attests it in the desired state."
_UNKNOWN = "What could not be read can't be mended yet."
_NEWER = "This control is newer than the table of hand-offs."


def of_control(control: str, verdict: Verdict, instance: InstanceId, evidence: Sequence[Evidence]) -> HandOff:
    """The mends of what speaks against a control; an empty hand-off where nothing has to be mended."""
    if verdict in (Verdict.ATTESTATION_MISSING, Verdict.ATTESTATION_EXPIRED):
        return HandOff(why_none=_ATTESTED)
    if verdict is Verdict.UNKNOWN:
        return HandOff(why_none=_UNKNOWN)
    if verdict not in (Verdict.FAIL, Verdict.WAIVED):
        return HandOff()
    entry = TABLE.get(control, _NEWER)
    if isinstance(entry, str):
        return HandOff(why_none=entry)
    return HandOff.of(together(_mends(entry, instance, evidence), MOST), entry.otherwise)


def _mends(entry: Entry, instance: InstanceId, evidence: Sequence[Evidence]) -> Iterator[Mend | PolicyMend]:
    for found in evidence:
        subject = _subject(found) if found.ok is False else None
        made = entry.make(Spot(instance=instance, subject=subject, evidence=found)) if subject else None
        if made is not None and _can_be_said(made):
            yield made


def _subject(found: Evidence) -> ResourceId | None:
    try:
        return ResourceId.of(found.subject)
    except BadInput:
        return None


def _can_be_said(made: Mend | PolicyMend) -> bool:
    """Whether the languages have a name for the resource; workspaces' and fragments' have none here."""
    return bool(policy_place(made.target)) if isinstance(made, PolicyMend) else is_known(made.target)
