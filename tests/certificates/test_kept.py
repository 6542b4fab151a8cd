"""
What is kept: names that are taken, and things that others rely on when a run is taken back (R4).
"""

import json
from typing import Any

import pytest

from apimend.arm.writer import service_patch
from apimend.model.desired import Uploaded
from apimend.model.errors import Changed
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Change, Kind, Stage
from apimend.model.runs import OrderKind, Status
from demo.world import World
from tests.certificates.conftest import (
    INSTANCE,
    Content,
    desired,
    get,
    look,
    of_authorities,
    opened,
    pem,
    told,
)
from tests.certificates.test_gateways import with_trust
from tests.certificates.test_trust import declare, holding, trusted
from tests.engine.conftest import codes

DONE = (Status.APPLIED, Status.PENDING)
RECOGNISED = "clients: [walk-in]\ncheck: {form: attached, validateTrust: false}\narrives: direct"


async def undo(world: World, what: str) -> None:
    """Take back the newest run that wrote something of a kind."""
    app = await world.app.door.wired()
    found = [
        run.id
        for run in await app.storage.ledger.runs(limit=1000)
        for change in run.plan.changes
        if what in change.kind.value and (done := run.outcome_of(change.id)) and done.status in DONE
    ]
    await app.orders.place(OrderKind.UNDO, InstanceId.of(INSTANCE), by="ada", run=found[0])
    await world.settle()


def walk_in(world: World, body: str = RECOGNISED) -> str:
    """A client that is declared as text and recognised by what is attached."""
    catalogue = f"clients: {{walk-in: {{pem: {json.dumps(pem(world.azure, 'partner'))}}}}}"
    return desired(body, catalogue=catalogue, negotiate=True)


async def test_a_client_never_takes_the_place_of_another_certificate() -> None:
    """
    An entity that has the client's name already keeps its key; the client is attached beside it.
    """

    def alter(content: Content) -> None:
        content["services"][0]["certificates"] = [{"id": "walk-in", "uploaded": "outgoing"}]

    async with opened(desired(), alter=alter) as world:
        world.desired_file.write_text(walk_in(world), encoding="utf-8")
        await look(world)
        partner = world.azure.certificate("partner").thumbprint
        kept, added = (
            await get(world, "certificates/walk-in"),
            await get(world, f"certificates/walk-in-{partner[:8].lower()}"),
        )

        assert (True, world.azure.certificate("outgoing").thumbprint) == (kept["hasPrivateKey"], kept["thumbprint"])
        assert (False, partner) == (added["hasPrivateKey"], added["thumbprint"])


async def test_a_file_becomes_a_reference_only_with_approval() -> None:
    """
    An uploaded certificate that is declared with its vault waits for a person: the file could not be put back.
    """

    def alter(content: Content) -> None:
        content["services"][0]["certificates"] = [{"id": "outgoing", "uploaded": "outgoing"}]

    async with opened(desired("certificates: [outgoing]"), alter=alter) as world:
        run = await look(world)

        assert "asked" == run["result"]
        assert (await get(world, "certificates/outgoing")).get("keyVault") is None


async def test_an_authority_never_takes_the_place_of_another_certificate() -> None:
    """
    Its name is taken: that is told, nothing is written, and no visit follows by itself.
    """
    taken = {"id": "root", "uploaded": "stranger"}
    async with opened(desired(), alter=lambda c: c["services"][0]["certificates"].append(taken)) as world:
        world.desired_file.write_text(with_trust("root", of_authorities(world, "root")), encoding="utf-8")
        run = await look(world)

        assert "authority_name_taken" in told(run, by="gateway_authority_missing")
        assert (await get(world, "certificates/root"))["hasPrivateKey"]
        assert 5 > len(await world.runs())


async def test_undo_spares_a_certificate_that_a_check_looks_for_among_the_attached() -> None:
    """
    A check against what is attached names no certificate: every one stays while it does.
    """

    def alter(content: Content) -> None:
        holding()(content)
        content["services"][0].pop("certificates")

    async with opened(desired(), alter=alter) as world:
        world.desired_file.write_text(walk_in(world), encoding="utf-8")
        await look(world)
        policy = (await get(world, "policies/policy"))["value"]
        await undo(world, "certificate")

        assert "Deployment.Certificates" in policy
        assert not (await get(world, "certificates/walk-in"))["hasPrivateKey"]
        assert "undo_refused" in await codes(world)


@pytest.mark.parametrize(("validates", "left"), [(True, {"CN=Contoso Root, O=Contoso": "Root"}), (False, {})], ids=str)
async def test_undo_spares_an_authority_that_backends_are_judged_by(validates: bool, left: dict[str, str]) -> None:
    """
    A backend whose chain is validated may be known by that authority alone; one that isn't does not count.
    """

    def alter(content: Content) -> None:
        holding()(content)
        tls: dict[str, Any] = {"tls": {"validateCertificateChain": validates, "validateCertificateName": validates}}
        erp = {"id": "erp", "url": "https://erp.contoso.example", "properties": tls}
        content["services"][0]["backends"] = [erp]

    async with opened(desired(), alter=alter) as world:
        await declare(world, root="Root")
        await undo(world, "ca")

        assert left == await trusted(world)


def test_undo_never_sends_a_shorter_list_than_was_meant() -> None:
    """
    Thumbprints are the same in lower case, and an authority that is not there any more stops the write.
    """
    held = [
        {"storeName": "Root", "certificate": {"thumbprint": thumbprint, "subject": "CN=a"}}
        for thumbprint in ("abcdef0123", "ffff")
    ]
    live = {"properties": {"certificates": held}}

    def leaving(*thumbprints: str) -> Change:
        after = json.dumps({"thumbprints": thumbprints})
        return Change(
            kind=Kind.SERVICE_CA,
            target=ResourceId.of(INSTANCE),
            stage=Stage.PREPARE,
            remediator="ca_certificate_missing",
            before="{}",
            after=after,
            reason="undo",
        )

    sent = service_patch(live, [leaving("ABCDEF0123")], uploaded=Uploaded.RESEND)["properties"]["certificates"]

    assert ["abcdef0123"] == [entry["certificate"]["thumbprint"] for entry in sent]
    with pytest.raises(Changed, match="no longer there"):
        service_patch(live, [leaving("ABCDEF0123", "EEEE")], uploaded=Uploaded.RESEND)
