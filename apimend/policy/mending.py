"""
Where a call that meets no check could be given one: the document in which a check of its own would help, and why there.

Called by placement.py for what the checks so far do not reach.
"""

import re

from apimend.policy.coverage import Judgement
from apimend.policy.grade import Verdict
from apimend.policy.pipeline import Pipelines
from apimend.policy.topology import GLOBAL, Topology
from apimend.policy.walk import Cause

_REVISION = re.compile(r";rev=[^/]*")


def scope_to_mend(pipelines: Pipelines, judgement: Judgement, topology: Topology) -> str | None:
    """The document in which a check of its own would help; None where none would."""
    api = next(each for each in topology.apis if each.name == judgement.api)
    if judgement.cause is Cause.GUARD and judgement.document == GLOBAL:
        # Guards can't tell revisions apart: one that spares a waived revision spares the others too.
        return api.scope
    is_observed = judgement.verdict is Verdict.OBSERVED_ONLY
    if not is_observed and judgement.cause not in (Cause.NO_CHECK, Cause.BEFORE_CHECK):
        return None
    if not judgement.document.startswith("fragment "):
        return judgement.document
    chain = topology.chain(api, judgement.operation, judgement.product)
    return pipelines.including(chain, judgement.document.removeprefix("fragment "))


def belongs(scope: str, declared: str) -> bool:
    """Whether a document, of whichever revision, lies in a declared scope."""
    return any(f"{each}/".startswith(f"{declared}/") for each in (scope, _REVISION.sub("", scope)))


def why_there(judgement: Judgement) -> str:
    """What the plan says of it."""
    place = f"`{judgement.document}`" + (f" (line {judgement.line})" if judgement.line else "")
    return f"the global check does not reach {place}: {judgement.reason}"
