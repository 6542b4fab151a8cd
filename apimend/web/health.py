"""
Health: whether the app can do its work. Settings were read if this is reached at all; faults there are the door's.
"""

from datetime import datetime
from typing import Any

from apimend.engine import sweeps
from apimend.engine.stop import stopped
from apimend.engine.sweep import SWEPT_NOTE
from apimend.model.errors import ApimendError, BadInput
from apimend.web.answers import Answer, ok
from apimend.web.app import App

LATE_SWEEP = 25 * 3600.0
"""Seconds after which no schedule that anybody would set explains a missing sweep."""


async def health(app: App) -> Answer:
    """200 while the work can be done, 503 where not, with the reasons in either case."""
    ledger = app.storage.ledger
    faults = await _desired_faults(app)
    swept = await ledger.noted(SWEPT_NOTE)
    age = (app.clock.now() - datetime.fromisoformat(swept)).total_seconds() if swept else None
    problems = [*(["The desired state can't be read."] if faults else [])]
    if age is not None and age > LATE_SWEEP:
        problems.append("The sweep is late: see the timer function `sweep`.")
    body: dict[str, Any] = {
        "status": "degraded" if problems else "ok",
        "problems": problems,
        "modeCeiling": app.settings.ceiling.word,
        "signIn": app.settings.sign_in.value,
        "approval": app.settings.approval.value,
        "desiredState": {"readable": not faults, "faults": faults},
        "swept": swept,
        "sweepAgeSeconds": age,
        "stopped": await stopped(ledger),
        "parked": len(await app.parking.all()),
        "sweep": (await sweeps.status(ledger, app.clock)).as_json(),
    }
    return ok(body, status=503 if problems else 200)


async def _desired_faults(app: App) -> list[str]:
    try:
        await app.desired.state()
    except BadInput as error:
        return [str(fault) for fault in error.faults]
    except ApimendError as error:
        return [str(error)]
    return []
