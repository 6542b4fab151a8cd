"""The desired state in a blob, against Azurite."""

import pytest
from azure.storage.blob.aio import BlobServiceClient

from apimend.model.errors import Gone
from apimend.storage.azure.desired import BlobFetch
from devhost.azurite import azurite


@pytest.mark.azurite
async def test_a_blob_is_fetched_when_it_has_changed() -> None:
    """
    The first fetch brings the text, the next one nothing, and one after a change the new text; a missing blob is
    gone.
    """
    with azurite() as connection:
        async with BlobServiceClient.from_connection_string(connection, api_version="2025-11-05") as service:
            container = service.get_container_client("desired")
            await container.create_container()
            blob = container.get_blob_client("desired.yaml")
            fetch = BlobFetch(blob)
            with pytest.raises(Gone):
                await fetch(None)
            await blob.upload_blob(b"version: 1")
            first = await fetch(None)
            assert first is not None
            again = await fetch(first.etag)
            await blob.upload_blob(b"version: 1 # changed", overwrite=True)
            changed = await fetch(first.etag)

    assert (b"version: 1", None) == (first.body, again)
    assert changed is not None
    assert b"version: 1 # changed" == changed.body
