"""
The desired state in a blob: fetched only when its etag has changed.

`wiring` loads it by name where the setting is a URL. The identity needs *Storage Blob Data Reader* on the container.
"""

from typing import Any

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError
from azure.storage.blob.aio import BlobClient

from apimend.documents.source import Fetched
from apimend.model.errors import Gone
from apimend.ports import Clock
from apimend.storage.azure.account import ClockedRetry, ClockedTransport
from apimend.storage.azure.errors import NOT_THERE, translated

_NOT_MODIFIED = 304


class BlobFetch:
    """A `documents.source.Fetch` of one blob. Raises Gone, Denied or TryLater."""

    def __init__(self, blob: BlobClient) -> None:
        self._blob = blob

    async def __call__(self, etag: str | None) -> Fetched | None:
        """The text, unless it still has this etag: then None."""
        unless: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfModified} if etag else {}
        with translated("The desired state"):
            try:
                found = await self._blob.download_blob(**unless)
                return Fetched(body=await found.readall(), etag=str(found.properties.etag))
            except HttpResponseError as error:
                if error.status_code == NOT_THERE:
                    raise Gone("there is no such blob") from error
                if error.status_code != _NOT_MODIFIED:
                    raise
                return None

    async def close(self) -> None:
        """Let the connections go."""
        await self._blob.close()


def fetch_from(url: str, credential: AsyncTokenCredential, clock: Clock) -> BlobFetch:
    """Fetches the blob at a URL by identity."""
    return BlobFetch(
        BlobClient.from_blob_url(
            url, credential=credential, transport=ClockedTransport(clock), retry_policy=ClockedRetry(clock)
        )
    )
