"""
Who calls: somebody who holds a function key, or a person (or program) that App Service authentication let in.

The header of App Service authentication is believed only with `APIMEND_SIGN_IN=appservice`; anybody could send it
otherwise. Every handler that changes something asks `may_order`; nothing else decides who may.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from apimend.model.errors import Denied
from apimend.report.plain import clean, clip
from apimend.settings import Approval, Settings, SignIn
from apimend.web.request import Request

PRINCIPAL = "x-ms-client-principal"
_MAX_PRINCIPAL = 64 * 1024
_TENANT = ("http://schemas.microsoft.com/identity/claims/tenantid", "tid")
_OBJECT = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")
_NAMES = (
    "preferred_username",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "upn",
    "name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "appid",
    "azp",
)
_SAFE = ("GET", "HEAD")


class NotSignedIn(Denied):
    """Nobody is signed in, where somebody has to be."""


class Access(Enum):
    """
    Who may call a route at all. API: whoever has a key, or signs in. PAGE: whoever signs in. APPROVAL: whoever signs
    in, or anybody where the secret of a link is enough, which the handler then asks for. OPEN: anybody.
    """

    API = "api"
    PAGE = "page"
    APPROVAL = "approval"
    OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """
    Who asks. `groups` are the object ids of a person's groups, in lower case; None for whoever holds a key.

    `overage`: Entra left the groups out of the token, because there are too many.
    """

    name: str
    groups: frozenset[str] | None = None
    overage: bool = False

    @property
    def signed_in(self) -> bool:
        """Whether it is known who it is."""
        return self.groups is not None


KEY = Caller(name="function key")
NOBODY = Caller(name="nobody")


def caller(settings: Settings, request: Request, access: Access) -> Caller:
    """
    Who calls this route. Raises NotSignedIn, or Denied where pages are off or a request comes from another site.

    A key of the API is checked by the platform, before we are asked.
    """
    if access is Access.OPEN:
        return NOBODY
    if settings.sign_in is SignIn.NONE:
        if access is Access.API:
            return KEY
        if access is Access.APPROVAL and settings.approval is Approval.LINK:
            _refuse_strangers(settings, request)
            return NOBODY
        raise Denied(
            "Pages need App Service authentication (APIMEND_SIGN_IN=appservice). The HTTP API and the command line "
            "show and do the same."
        )
    found = _person(settings, request)
    _refuse_strangers(settings, request)
    return found


def may_order(who: Caller, approvers: frozenset[str], *, what: str) -> None:
    """
    Raises Denied unless they may order this: a key's holder, or a member of a declared group.
    """
    if who.groups is None:
        return
    if not approvers:
        raise Denied(f"No group may {what}: declare `approvers`.")
    if not who.groups & {group.lower() for group in approvers}:
        why = (
            "Entra left the groups out of the token, because there are too many: have the app registration send only "
            "groups assigned to the application."
            if who.overage
            else "None of the declared groups of approvers has them as a member."
        )
        raise Denied(f"{who.name} may not {what}. {why}")


def _person(settings: Settings, request: Request) -> Caller:
    principal = _principal(request.headers.get(PRINCIPAL, ""))
    if principal is None:
        raise NotSignedIn("Nobody is signed in.")
    claims = list(_claims(principal))
    tenant = next((value for name, value in claims if name in _TENANT), "")
    if tenant.casefold() != settings.tenant:
        raise Denied("The sign-in is from another tenant.")
    given = [(name, value) for name, value in claims if value]
    names = [value for wanted in _NAMES for name, value in given if name == wanted]
    ids = [value for name, value in given if name in _OBJECT]
    groups = frozenset(value.lower() for name, value in given if name == "groups")
    overage = any(name in ("hasgroups", "_claim_names") for name, _ in claims)
    told = " ".join((*names[:1], *(f"({id})" for id in ids[:1])))
    if not told:
        raise Denied("The sign-in names nobody.")
    return Caller(name=clip(clean(told), 200), groups=groups, overage=overage)


def _principal(header: str) -> Mapping[str, Any] | None:
    """The header's JSON; None where there is none, or it is not from Entra."""
    if not header or len(header) > _MAX_PRINCIPAL:
        return None
    try:
        found = json.loads(base64.b64decode(header, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("auth_typ") == "aad" else None


def _claims(principal: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    claims = principal.get("claims")
    for claim in claims if isinstance(claims, list) else ():
        if isinstance(claim, dict):
            name, value = claim.get("typ"), claim.get("val")
            if isinstance(name, str) and isinstance(value, str):
                yield name, value


def _refuse_strangers(settings: Settings, request: Request) -> None:
    """
    A browser's request that changes something comes from our own pages: signing in leaves a cookie, which a
    browser sends along with what other sites make it send. Programs send neither header.
    """
    if request.method in _SAFE or request.headers.get("sec-fetch-site") in ("same-origin", "none"):
        return
    origin = request.headers.get("origin")
    known = {_origin(settings.pages_url), request.headers.get("host", "")} - {""}
    if "sec-fetch-site" in request.headers or (origin is not None and _origin(origin) not in known):
        raise Denied("The request comes from another site.")


def _origin(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
