"""
The security baseline: a module or two for each family of controls, and the rule that reads and judges them all.

A control only reports. What it finds goes into the run as a posture of its own: it never blocks a change, and it never
makes one.
"""

from apimend.model.desired import Desired
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext
from apimend.posture.control import Control, Family
from apimend.posture.estate import Estate
from apimend.posture.judge import judge, reminders
from apimend.posture.reads import look
from apimend.posture.table import READS
from remediators.posture import (
    access_too_wide,
    certificates_weak,
    network_open,
    network_unfiltered,
    policies_weak,
    rights_too_wide,
    secrets_exposed,
    transit_weak,
    unmanaged,
    unobserved,
    unrecorded,
    unrecoverable,
)
from remediators.posture.attestation_missing import STATEMENTS

_MODULES = (
    network_open,
    network_unfiltered,
    transit_weak,
    certificates_weak,
    secrets_exposed,
    access_too_wide,
    rights_too_wide,
    policies_weak,
    unrecorded,
    unobserved,
    unmanaged,
    unrecoverable,
)
_FAMILIES = tuple(Family)


def _place(control: Control) -> tuple[int, int]:
    """By family, and within it by number."""
    return _FAMILIES.index(control.family), int(control.id[1:])


CONTROLS: tuple[Control, ...] = tuple(sorted((each for module in _MODULES for each in module.CONTROLS), key=_place))
"""Every control, in the order of reports."""


class BaselineUnmet:
    """
    Whatever of the security baseline an instance does not meet.

    What it finds: one assessment for each control that this visit can judge.
    Why it matters: mutual TLS is one lock of many.
    What it changes: nothing.
    Fix safety: report only.
    References: docs/controls.md
    """

    name = "baseline_unmet"
    watches = frozenset({read.touch for read in READS.values() if read.touch})
    safety = Safety.REPORT_ONLY
    reads = frozenset(action for control in CONTROLS for key in control.needs for action in READS[key].actions)
    writes: frozenset[str] = frozenset()
    controls = CONTROLS
    statements = STATEMENTS

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Estate:
        return await look(reader, desired, context)

    def plan(self, observed: Estate, desired: Desired, context: VisitContext) -> Proposal:
        told = tuple(reminders(STATEMENTS, observed)) if observed.whole else ()
        return Proposal(posture=judge(CONTROLS, STATEMENTS, observed), notes=told)


__all__ = ["CONTROLS", "STATEMENTS", "BaselineUnmet"]
