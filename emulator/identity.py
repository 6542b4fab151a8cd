"""
Managed identity and tokens: the endpoint that azure-identity calls, and what a token says.

Tokens have the form of a JWT and are signed with the emulator's own secret, so that a token of nobody is refused as a
real one would be. The names of principals come from the tenant. Which roles a principal has is decided in `access`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from emulator.http import Answer, Call
from emulator.routes import Place, Route, RouteTable, Source

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
TENANT_ID = "http://schemas.microsoft.com/identity/claims/tenantid"
NAMESPACE = uuid.UUID("5f0f3d0e-6f1b-4a7b-9a53-0d5d4c1f2e00")
LIFETIME = timedelta(hours=24)
# azure-identity keeps tokens by the machine's clock, the emulator lives on another one: far away on both.
FAR = 4102444800


@dataclass(frozen=True)
class Principal:
    """
    Someone a token can speak for.
    """

    name: str
    object_id: str
    client_id: str
    kind: str = "ServicePrincipal"


def principal_of(declared: Mapping[str, Any]) -> Principal:
    name = str(declared["name"])
    return Principal(
        name,
        str(declared.get("object_id") or uuid.uuid5(NAMESPACE, f"object:{name}")),
        str(declared.get("client_id") or uuid.uuid5(NAMESPACE, f"client:{name}")),
        str(declared.get("kind", "ServicePrincipal")),
    )


class Identity:
    """
    The issuer of tokens.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self._secret = hashlib.sha256(azure.tenant.id.encode()).digest()
        declared = azure.tenant.items("principals") or [{"name": "local"}]
        self.principals = [principal_of(one) for one in declared]

    @property
    def default(self) -> Principal:
        return self.principals[0]

    def find(self, text: str) -> Principal | None:
        """
        A principal by name, object id or client id.
        """
        wanted = text.casefold()
        return next(
            (
                one
                for one in self.principals
                if wanted in (one.name.casefold(), one.object_id.casefold(), one.client_id.casefold())
            ),
            None,
        )

    def token(self, audience: str, principal: Principal | str | None = None) -> str:
        """
        A token for an audience (`https://management.azure.com`), by default of the first principal.
        """
        who = principal if isinstance(principal, Principal) else self.find(principal) if principal else self.default
        if who is None:
            raise KeyError(principal)
        now = self._azure.now()
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self._azure.tenant.id}/",
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": FAR,
            "appid": who.client_id,
            "appidacr": "2",
            "idtyp": "app",
            "oid": who.object_id,
            "sub": who.object_id,
            "tid": self._azure.tenant.id,
            "name": who.name,
            "ver": "1.0",
        }
        head = _encoded({"typ": "JWT", "alg": "HS256"})
        body = _encoded(claims)
        return f"{head}.{body}.{self._signature(f'{head}.{body}')}"

    def claims(self, token: str) -> dict[str, Any] | None:
        """
        What a token of ours says; None for any other, or one that has expired.
        """
        head, _, signature = token.rpartition(".")
        if not head or not hmac.compare_digest(signature, self._signature(head)):
            return None
        claims: dict[str, Any] = json.loads(_decoded(head.partition(".")[2]))
        return claims if int(claims["exp"]) > self._azure.now().timestamp() else None

    def routes(self, table: RouteTable) -> None:
        table.add(
            Route(
                method="GET",
                path="/msi/token",
                handler=self._managed,
                place=Place.PLAIN,
                source=Source.SPECIFIED,
                note="App Service managed identity, api-version 2019-08-01",
            ),
            Route(
                method="POST",
                path="/{tenant}/oauth2/v2.0/token",
                handler=self._client_credentials,
                place=Place.LOGIN,
                source=Source.SPECIFIED,
                note="client credentials; the secret is not checked",
            ),
        )

    async def _managed(self, call: Call) -> Answer:
        if call.headers.get("X-IDENTITY-HEADER") != self._azure.endpoints.identity_header:
            return Answer(status=401, body={"statusCode": 401, "message": "Invalid X-IDENTITY-HEADER."})
        resource = call.query.get("resource", "")
        if not resource:
            return Answer(status=400, body={"statusCode": 400, "message": "resource is required."})
        asked = call.query.get("client_id") or call.query.get("principal_id") or call.query.get("object_id")
        who = self.find(asked) if asked else self.default
        if who is None:
            return Answer(
                status=400, body={"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found"}
            )
        return Answer(body=self._grant(resource, who, seconds_as_text=True))

    async def _client_credentials(self, call: Call) -> Answer:
        form = dict(pair.partition("=")[::2] for pair in call.body.decode().split("&"))
        who = self.find(form.get("client_id", ""))
        if who is None:
            return Answer(status=400, body={"error": "unauthorized_client", "error_description": "AADSTS700016"})
        scope = form.get("scope", "").replace("%3A", ":").replace("%2F", "/").removesuffix("/.default")
        return Answer(body=self._grant(scope, who, seconds_as_text=False))

    def _grant(self, resource: str, who: Principal, *, seconds_as_text: bool) -> dict[str, Any]:
        seconds = int(LIFETIME.total_seconds())
        granted = {"access_token": self.token(resource, who), "token_type": "Bearer", "resource": resource}
        if seconds_as_text:
            return {**granted, "expires_on": str(FAR), "client_id": who.client_id}
        return {**granted, "expires_in": seconds, "ext_expires_in": seconds}

    def _signature(self, text: str) -> str:
        return _plain(hmac.new(self._secret, text.encode(), hashlib.sha256).digest())


def _encoded(value: dict[str, Any]) -> str:
    return _plain(json.dumps(value, separators=(",", ":")).encode())


def _plain(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
