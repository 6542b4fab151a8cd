"""
A route as data: its method and path, who may call it, who handles it, and what the OpenAPI document says of it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apimend.model.errors import ApimendError
from apimend.web.answers import Answer, problem, problem_page
from apimend.web.app import App
from apimend.web.request import Body, Request
from apimend.web.signin import Access, Caller, caller

Handler = Callable[[App, Request, Caller], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True)
class Param:
    """A parameter of a query."""

    name: str
    about: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Route:
    """
    One route. `path` has no slash at its beginning. `answers` names the schema of each status that is no problem;
    `forms` are further media types of a 200.
    """

    name: str
    method: str
    path: str
    handler: Handler
    access: Access = Access.API
    about: str = ""
    query: tuple[Param, ...] = ()
    body: type[Body] | Mapping[str, Any] | None = None
    answers: Mapping[int, str] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    forms: tuple[str, ...] = ()

    async def answer(self, app: App, request: Request) -> Answer:
        """The answer to a request, an error of ours as a problem or as a page."""
        try:
            return await self.handler(app, request, caller(app.settings, request, self.access))
        except ApimendError as error:
            return problem(error) if self.access is Access.API else problem_page(error)

    def needs_key(self, sign_in: str) -> bool:
        """Whether the platform asks for a function key: for the API, unless App Service authentication stands there."""
        return self.access is Access.API and sign_in != "appservice"
