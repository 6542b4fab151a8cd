"""
A stage of which a part could not be done: what names the missing part waits, and nothing is sent twice blindly.
"""

from datetime import timedelta

import pytest

from emulator.faults import Fault, When
from tests.certificates.conftest import INSTANCE, desired, get, look, opened

ID = f"{INSTANCE}/certificates/outgoing"
SAID = "certificates: [outgoing]\nbackends: {partner: {certificates: [outgoing]}}"
AWAY = Fault(
    name="away", place="arm", method="PUT", path="*/certificates/outgoing", status=503, headers={"Retry-After": "90"}
)
LOST = Fault(name="lost", place="arm", method="PUT", path="*/certificates/outgoing", reset=True, when=When.AFTER)


async def test_a_backend_is_not_written_before_the_certificate_that_it_names() -> None:
    """
    Azure refuses it then, and a refusal is not repeated for a day: it waits for the certificate, and is done with it.
    """
    async with opened(desired(SAID)) as world:
        world.azure.faults.add(AWAY)
        mark = world.mark()
        await look(world)
        written = [(entry.method, entry.path.rpartition("/")[2], entry.status) for entry in world.writes(mark)]

        assert [("PUT", "outgoing", 503), ("PUT", "outgoing", 201), ("PATCH", "partner", 200)] == written
        assert [ID] == (await get(world, "backends/partner"))["credentials"]["certificateIds"]


@pytest.mark.parametrize("fault", [LOST, AWAY], ids=["the answer was lost", "no answer"])
async def test_a_write_without_a_condition_is_sent_once_in_a_visit(fault: Fault) -> None:
    """
    Whether it took effect, the next visit looks: a second one might undo what somebody did meanwhile.
    """
    async with opened(desired("certificates: [outgoing]")) as world:
        world.azure.faults.add(fault)
        mark = world.mark()
        await look(world)
        sent = [entry.at for entry in world.writes(mark) if entry.path.endswith("/certificates/outgoing")]

        assert all(later - sent[0] > timedelta(seconds=20) for later in sent[1:])
        assert (await get(world, "certificates/outgoing"))["keyVault"]["secretIdentifier"]
