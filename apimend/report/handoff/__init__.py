"""
The hand-off: the same change in the owner's code, or one sentence that says why there is none.

The view of a run calls it for changes and findings, the view of a posture for controls. It renders what the tables of
this package declare, and reads nothing.
"""

from apimend.report.handoff.changes import of_change
from apimend.report.handoff.controls import TABLE as CONTROLS
from apimend.report.handoff.controls import of_control
from apimend.report.handoff.findings import TABLE as FINDINGS
from apimend.report.handoff.findings import of_finding
from apimend.report.handoff.told import HandOff

__all__ = ["CONTROLS", "FINDINGS", "HandOff", "of_change", "of_control", "of_finding"]
