"""
What Azure can't show, and a person has to vouch for.

What it finds: attestations that are missing, have ended, or are declared for longer than they may hold.
Why it matters: a gap in what can be read must not look like a clean slate.
What it changes: nothing. Nothing is enforced when one ends.
References: docs/controls.md
"""

from typing import Any

from apimend.model.plan import Severity
from apimend.posture.control import Statement


def _statement(id: str, name: str, days: int, mcsb: str, seed: str, title: str, **more: Any) -> Statement:
    return Statement(id=id, name=name, days=days, mcsb=mcsb, seed=seed, title=title, **more)


# fmt: off
STATEMENTS = (
    _statement("A1", "firewall_elsewhere", 365, "NS-4, NS-6", "1.3, 1.4, 1.6",
               "A firewall that can't be seen in Azure inspects all traffic, and the direct path is closed",
               severity=Severity.MEDIUM, hint=("N6", "N7")),
    _statement("A2", "dedicated_administrators", 180, "PA-1, PA-3", "3.1, 3.3",
               "Administrators have accounts of their own, with an inventory and a procedure", hint=("I11",)),
    _statement("A3", "multi_factor", 180, "IM-6", "3.5",
               "Everybody with access to the control plane signs in with several factors",
               severity=Severity.HIGH, hint=("I12",)),
    _statement("A4", "privileged_workstations", 365, "PA-6", "3.6",
               "Administration happens from privileged workstations only"),
    _statement("A5", "conditional_access", 365, "IM-7, AM-4", "3.8, 6.11",
               "Conditional Access restricts the Azure management app by place and user"),
    _statement("A6", "sign_in_logs", 365, "LT-2", "3.7, 3.11, 3.12",
               "Sign-in and risk logs reach the SIEM, and alerts of Identity Protection are handled"),
    _statement("A7", "access_reviews", 180, "PA-4", "3.10",
               "Access is reviewed on schedule", hint=("I11",)),
    _statement("A8", "key_rotation", 90, "IM-8", "3.2",
               "Subscription keys are rotated, and `master` is not used", severity=Severity.MEDIUM, hint=("I6",)),
    _statement("A9", "delegation_verified", 365, "IM-5", "3.4",
               "The delegation page verifies signatures, and its key is rotated", hint=("I5",)),
    _statement("A10", "data_classified", 365, "DP-1, GS-2", "4.1, 4.2",
               "Data that passes the APIs is classified; development, test and production are kept apart",
               hint=("C1",)),
    _statement("A11", "configuration_in_repository", 180, "DS-6, BR-1", "7.5, 7.9",
               "The configuration lives in a repository and can be rebuilt", hint=("C12",)),
    _statement("A12", "repositories_scanned", 365, "IM-8, DS-4", "7.13",
               "Repositories are scanned for secrets", hint=("S3",)),
    _statement("A13", "restore_tested", 180, "BR-4", "9.3",
               "A restore was tested, certificates included", severity=Severity.MEDIUM, hint=("C10",)),
    _statement("A14", "logs_reviewed", 180, "LT-5, IR-3, IR-5", "2.6, 10.2, 10.5",
               "Logs and alerts are reviewed, SIEM rules exist, incidents are scored", hint=("L4", "L6", "L8")),
    _statement("A15", "incident_plan", 365, "IR-1, IR-2", "10.1, 10.3, 10.4",
               "An incident plan is written, contacts are named, and it was exercised in the last year",
               hint=("L9",)),
    _statement("A16", "self_hosted_maintained", 90, "PV-6", "new",
               "Self-hosted gateways have a current image, rotated tokens, replicas and a hardened host",
               severity=Severity.MEDIUM, hint=("C9",)),
    _statement("A17", "unapproved_removed", 365, "AM-3, PV-7", "6.3, 11.1",
               "Unapproved resources are found and removed; penetration tests follow the rules of engagement",
               hint=("C3",)),
)
# fmt: on
