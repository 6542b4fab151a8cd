"""
Who the command line is in Azure: whoever signed in with `az login`, or the machine's managed identity.

The function app never uses this; it has its own identity.
"""

import base64
import binascii
import json
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import DefaultAzureCredential

from apimend.model.errors import Denied
from apimend.ports import Clock
from apimend.report.plain import clean, clip
from apimend.settings import Settings

_FRESH_SECONDS = 300
_HOW = "Run `az login` (or `azd auth login`), or set the variables of a service principal or a managed identity."
_PERSON = ("upn", "unique_name", "preferred_username")
_APPLICATION = ("appid", "azp")


class SignedIn:
    """
    A credential that keeps its tokens, because `az` takes a second for each, and says in one sentence what is missing.
    """

    def __init__(self, behind: AsyncTokenCredential, clock: Clock) -> None:
        self._behind = behind
        self._clock = clock
        self._tokens: dict[tuple[Any, ...], AccessToken] = {}

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token for these scopes. Raises Denied where nobody is signed in."""
        key = (scopes, *sorted((name, str(value)) for name, value in options.items()))
        kept = self._tokens.get(key)
        if kept is None or kept.expires_on - self._clock.now().timestamp() < _FRESH_SECONDS:
            try:
                self._tokens[key] = await self._behind.get_token(*scopes, **options)
            except ClientAuthenticationError as error:
                raise Denied(f"Nobody is signed in to Azure. {_HOW}") from error
        return self._tokens[key]

    async def close(self) -> None:
        """Let its connections go."""
        await self._behind.close()

    async def __aenter__(self) -> "SignedIn":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def signed_in(settings: Settings, clock: Clock) -> SignedIn:
    """The credential of whoever sits at the terminal."""
    behind = DefaultAzureCredential(
        authority=settings.cloud.login_url,
        managed_identity_client_id=settings.client_id or None,
        exclude_shared_token_cache_credential=True,
    )
    return SignedIn(behind, clock)


def named_in(token: str) -> str:
    """
    Whom an access token of Azure was given to, for the ledger: a person's name or an application's id, and the object
    id. Empty where it doesn't say. Nothing is allowed by it: Azure itself checks the token.
    """
    claims = _claims(token)
    told: dict[str, str] = {name: value for name, value in claims.items() if isinstance(value, str) and value}
    person = next((told[name] for name in _PERSON if name in told), "")
    application = next((f"application {told[name]}" for name in _APPLICATION if name in told), "")
    oid = f"({told['oid']})" if "oid" in told else ""
    return clip(clean(" ".join(text for text in (person or application, oid) if text)), 200)


def _claims(token: str) -> dict[str, Any]:
    """The claims of a token in the form of a JWT; none of anything else."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
