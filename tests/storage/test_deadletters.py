"""
Dead letters on a real container: counted, read and thrown away.
"""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from azure.storage.blob import ContainerClient

from apimend.model.errors import Gone
from apimend.settings import AzureStorage
from apimend.storage.azure.deadletters import BlobDeadLetters, open_dead_letters
from devhost.clock import VirtualClock
from tests.storage.azurite import Azurite

pytestmark = pytest.mark.azurite
NAME = "APIMEND-INSTANCES/2026/11/22/9/4f8b0e4e.json"


@pytest.fixture
async def letters(azurite: Azurite, clock: VirtualClock) -> AsyncIterator[BlobDeadLetters]:
    """A container with one dead letter, under a name as Event Grid gives it."""
    name = f"d{uuid4().hex[:20]}"
    with ContainerClient.from_connection_string(azurite.connection_string, name) as container:
        container.create_container()
        container.upload_blob(NAME, b'[{"id": "1"}]')
    account = AzureStorage(connection_string=azurite.connection_string)
    opened = open_dead_letters(account, clock=clock, credential=None, container=name)  # type: ignore[arg-type]  # Azurite needs none
    yield opened
    await opened.close()


async def test_a_dead_letter_is_counted_read_and_forgotten(letters: BlobDeadLetters) -> None:
    """
    What lies there is found by its name, and is gone when it was thrown away, once or twice.
    """
    before, text = await letters.names(), await letters.read(NAME)
    await letters.forget(NAME)
    await letters.forget(NAME)

    assert ((NAME,), '[{"id": "1"}]', 0) == (before, text, await letters.count())


async def test_one_that_is_not_there_is_gone(letters: BlobDeadLetters) -> None:
    """
    A name that nothing has raises Gone.
    """
    with pytest.raises(Gone):
        await letters.read("no.json")


async def test_a_container_that_was_never_made_holds_none(azurite: Azurite, clock: VirtualClock) -> None:
    """
    Before the first dead letter there may be no container.
    """
    account = AzureStorage(connection_string=azurite.connection_string)
    opened = open_dead_letters(account, clock=clock, credential=None, container="never-made")  # type: ignore[arg-type]  # Azurite needs none
    found = await opened.count()
    await opened.close()

    assert 0 == found
