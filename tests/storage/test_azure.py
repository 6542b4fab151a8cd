"""What only Azure Storage has: where things lie, who may read them, and what its errors become."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobLeaseClient, BlobServiceClient

from apimend.model.errors import Denied, LeaseTaken, Rejected, Unavailable, Unreadable
from apimend.settings import AzureStorage
from apimend.storage.azure import open_azure
from apimend.storage.names import BELLS, of_resource
from apimend.storage.stores import Storage
from devhost.azurite import KEY
from devhost.clock import VirtualClock
from tests.storage.azurite import Azurite
from tests.storage.samples import instance, intent, run, trigger

pytestmark = pytest.mark.azurite


@pytest.fixture
async def opened(azurite: Azurite, clock: VirtualClock) -> AsyncIterator[Storage]:
    account = AzureStorage(connection_string=azurite.connection_string)
    storage = open_azure(account, clock=clock, name="placed")
    yield storage
    await storage.close()


async def test_everything_lies_in_its_place(opened: Storage, azurite: Azurite) -> None:
    """
    Rows lie in one table, runs and leases in one blob container, and pre-images in another of their own (R27).
    """
    await opened.ledger.save_run(run())
    await opened.ledger.intend(intent())
    async with opened.leases.hold(instance()):
        pass
    with BlobServiceClient.from_connection_string(azurite.connection_string) as blobs:
        found = {
            container: sorted({name.split("/")[0] for name in blobs.get_container_client(container).list_blob_names()})
            for container in ("placed", "placed-preimages")
        }

    assert {"placed": ["leases", "runs"], "placed-preimages": ["preimages"]} == found


async def test_a_row_that_somebody_else_wrote_is_unreadable(opened: Storage, azurite: Azurite) -> None:
    """
    A row in our table that isn't ours is said to be so.
    """
    await opened.bells.ring(trigger())
    with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
        entity = {"PartitionKey": BELLS, "RowKey": of_resource(instance()), "body00": "a text"}
        tables.get_table_client("placed").upsert_entity(entity)

    with pytest.raises(Unreadable, match="Apimend did not write this"):
        await opened.bells.trigger(instance())


async def test_a_row_takes_no_more_than_a_table_does(opened: Storage) -> None:
    """
    A document too large for a row is refused with both figures, and nothing is written.
    """
    with pytest.raises(Rejected, match="has 900001 bytes; a table takes 900000"):
        await opened.records.put(BELLS, "large", b"x" * 900_001)
    assert await opened.records.get(BELLS, "large") is None


async def test_a_lease_that_somebody_broke_is_lost(opened: Storage, azurite: Azurite) -> None:
    """
    Who breaks a lease in the portal stops the visit before its next write.
    """
    async with opened.leases.hold(instance()) as lease:
        with BlobServiceClient.from_connection_string(azurite.connection_string) as blobs:
            blob = blobs.get_blob_client("placed", f"leases/{of_resource(instance())}")
            BlobLeaseClient(blob).break_lease(lease_break_period=0)
        with pytest.raises(LeaseTaken, match="was lost"):
            await lease.confirm()


async def test_a_wrong_key_is_denied_and_not_shown(azurite: Azurite, clock: VirtualClock) -> None:
    """
    No access is a finding for a person; neither key nor signature stands in it.
    """
    wrong = KEY.replace("Eby8", "AAAA")
    storage = open_azure(
        AzureStorage(connection_string=azurite.connection_string.replace(KEY, wrong)), clock=clock, name="placed"
    )
    for call in (storage.ledger.run("r1"), storage.bells.ring(trigger()), storage.messages.send("apimend-notices", "")):
        with pytest.raises(Denied, match="storage account") as raised:
            await call
        assert wrong not in str(raised.value)
    await storage.close()


async def test_an_account_that_does_not_answer_is_unavailable(azurite: Azurite, clock: VirtualClock) -> None:
    """
    No connection means later again; the waiting in between is on the injected clock.
    """
    nobody = azurite.connection_string.replace("127.0.0.1:", "127.0.0.1:1/")
    storage = open_azure(AzureStorage(connection_string=nobody), clock=clock)
    for call in (storage.ledger.run("r1"), storage.ledger.progress(instance()), storage.messages.send("q", "")):
        before = clock.now()
        with pytest.raises(Unavailable, match="no answer from the storage account"):
            await call
        assert clock.now() > before
    await storage.close()


class NoToken:
    """An identity that has no token."""

    async def get_token(self, *scopes: str, **more: Any) -> Any:
        raise ClientAuthenticationError("no managed identity here")

    async def close(self) -> None:
        return

    async def __aenter__(self) -> "NoToken":
        return self

    async def __aexit__(self, *why: object) -> None:
        return


async def test_an_identity_without_a_token_is_denied(clock: VirtualClock) -> None:
    """
    An account that is opened by its URLs takes the identity; where that has no token, it says so.
    """
    urls = {f"{kind}_url": f"https://nobody.{kind}.core.windows.net" for kind in ("blob", "queue", "table")}
    storage = open_azure(AzureStorage(**urls), clock=clock, credential=NoToken())
    for call in (storage.ledger.run("r1"), storage.ledger.progress(instance()), storage.messages.send("q", "")):
        with pytest.raises(Denied, match="no access to the storage account \\(no token\\)"):
            await call
    await storage.close()


def test_the_hosts_word_for_azurite_is_understood(clock: VirtualClock) -> None:
    """
    `UseDevelopmentStorage=true`, which local settings hold, opens without a fault.
    """
    open_azure(AzureStorage(connection_string="UseDevelopmentStorage=true"), clock=clock)
