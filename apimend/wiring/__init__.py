"""
The composition root: all that the doors of the product (`function_app`, `cli`) know of it.

They import from here and from `remediators`, and nothing else of ours.
"""

from collections.abc import Mapping

from apimend.notify.message import QUEUE as NOTICES_QUEUE
from apimend.ports import Clock
from apimend.settings import SETTINGS, Settings
from apimend.storage.names import VISITS_QUEUE
from apimend.web.routes import ROUTES, Request, Route
from apimend.wiring.clock import SystemClock
from apimend.wiring.door import Door
from apimend.wiring.wire import Wired, wire

SWEEP_SCHEDULE = "APIMEND_SWEEP_SCHEDULE"


def sweep_schedule(environ: Mapping[str, str]) -> str:
    """When the sweep's timer rings: it has to be known when the functions are indexed."""
    defaults = {setting.name: setting.default for setting in SETTINGS}
    return environ.get(SWEEP_SCHEDULE) or defaults[SWEEP_SCHEDULE]


__all__ = [
    "NOTICES_QUEUE",
    "ROUTES",
    "VISITS_QUEUE",
    "Clock",
    "Door",
    "Request",
    "Route",
    "Settings",
    "SystemClock",
    "Wired",
    "sweep_schedule",
    "wire",
]
