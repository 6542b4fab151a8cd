"""
The security baseline: one module for a family of controls, and the rule that reads and judges them all.

A control only reports. What it finds goes into the run as a posture of its own: it never blocks a change, and it never
makes one.
"""

from apimend.model.desired import Desired
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext
from apimend.posture.control import Control
from apimend.posture.estate import Estate
from apimend.posture.judge import judge, reminders
from apimend.posture.reads import look
from apimend.posture.table import READS
from remediators.posture import (
    access_too_wide,
    network_open,
    policies_weak,
    secrets_exposed,
    transit_weak,
    unmanaged,
    unobserved,
)
from remediators.posture.attestation_missing import STATEMENTS

CONTROLS: tuple[Control, ...] = (
    *network_open.CONTROLS,
    *transit_weak.CONTROLS,
    *secrets_exposed.CONTROLS,
    *access_too_wide.CONTROLS,
    *policies_weak.CONTROLS,
    *unobserved.CONTROLS,
    *unmanaged.CONTROLS,
)
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
