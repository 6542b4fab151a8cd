"""
The composition root: all that the doors of the product (`function_app`, `cli`) know of it.

They import from here and from `remediators`, and nothing else of ours.
"""

from collections.abc import Mapping

from apimend.notify.message import QUEUE as NOTICES_QUEUE
from apimend.ports import Clock
from apimend.settings import SETTINGS, Settings
from apimend.storage.names import VISITS_QUEUE
from apimend.web.request import Request
from apimend.web.route import Route
from apimend.web.routes import ROUTES
from apimend.wiring.clock import SystemClock
from apimend.wiring.door import Door, Wiring
from apimend.wiring.wire import Wired, wire

SWEEP_SCHEDULE = "APIMEND_SWEEP_SCHEDULE"
SIGN_IN = "APIMEND_SIGN_IN"


def sweep_schedule(environ: Mapping[str, str]) -> str:
    """When the sweep's timer rings: it has to be known when the functions are indexed."""
    defaults = {setting.name: setting.default for setting in SETTINGS}
    return environ.get(SWEEP_SCHEDULE) or defaults[SWEEP_SCHEDULE]


def needs_key(route: Route, environ: Mapping[str, str]) -> bool:
    """Whether the platform asks for a function key on this route: known when the functions are indexed, too."""
    return route.needs_key(environ.get(SIGN_IN, ""))


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
    "Wiring",
    "needs_key",
    "sweep_schedule",
    "wire",
]
