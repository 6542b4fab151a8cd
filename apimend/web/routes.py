"""
Every route with its method, in one table that the function app registers.
"""

from apimend.web import openapi
from apimend.web.answers import Answer, ok
from apimend.web.api import API_ROUTES
from apimend.web.app import App
from apimend.web.controls import CONTROL_ROUTES
from apimend.web.pages import PAGE_ROUTES
from apimend.web.parked import PARKED_ROUTES
from apimend.web.request import Request
from apimend.web.route import Route
from apimend.web.signin import Caller


async def _openapi(app: App, request: Request, who: Caller) -> Answer:
    return ok(openapi.document(ROUTES))


ROUTES = (
    *API_ROUTES,
    *PARKED_ROUTES,
    Route(
        name="openapi",
        method="GET",
        path="api/openapi.json",
        handler=_openapi,
        about="This document.",
        answers={200: "Document"},
    ),
    *CONTROL_ROUTES,
    *PAGE_ROUTES,
)
"""Paths begin at the host's root: host.json sets an empty routePrefix."""
