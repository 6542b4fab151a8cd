"""
What the controls came to on a visit, joined to what was known: the ledger's note, and the figures of the run.

Called by `reconcile` at the end of a visit. A note that can't be read is begun anew: it is no more than memory.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog

from apimend.model.errors import Unreadable
from apimend.model.ids import InstanceId
from apimend.model.posture import Assessment, PostureFigures
from apimend.ports import Ledger
from apimend.posture.control import Family
from apimend.posture.record import Posture, dumped, loaded, merged, note_key
from apimend.posture.score import figures

_log = structlog.get_logger(__name__)


async def remembered(ledger: Ledger, instance: InstanceId) -> Posture:
    """The posture of an instance as it was judged last."""
    try:
        return loaded(instance, await ledger.noted(note_key(instance)))
    except Unreadable as error:
        _log.warning("posture.unreadable", instance=str(instance), error=str(error))
        return Posture(instance=instance)


async def keep(
    ledger: Ledger, instance: InstanceId, judged: Sequence[Assessment], now: datetime
) -> PostureFigures | None:
    """Join what this visit judged to what is known; None where it judged nothing."""
    if not judged:
        return None
    whole = any(each.family == Family.ATTESTATIONS.value for each in judged)
    before = await remembered(ledger, instance)
    after = merged(before, judged, now=now, whole=whole)
    await ledger.note(note_key(instance), dumped(after))
    return figures(after.assessments, before.assessments, whole=after.looked is not None)
