"""
`client_certificate_missing`: attached from Key Vault as declared, and refused where Azure could not do with it.
"""

from collections.abc import Callable

import pytest

from tests.certificates.conftest import (
    Content,
    desired,
    get,
    look,
    opened,
    pem,
    planned,
    steps,
    told,
    writes_of_another_look,
)

RULE = "client_certificate_missing"


def attached_by_version(content: Content) -> None:
    content["services"][0]["certificates"] = [{"id": "partner", "vault": "kv-certs/partner/1"}]


def fetch_failed(content: Content) -> None:
    content["services"][0]["certificates"] = [{"id": "partner", "vault": "kv-certs/partner", "failed": "no access"}]


def attached_as_declared(content: Content) -> None:
    content["services"][0]["certificates"] = [{"id": "partner", "vault": "kv-certs/partner"}]


@pytest.mark.parametrize(
    "alter",
    [lambda content: None, attached_by_version, fetch_failed],
    ids=["missing", "by a version", "last fetch failed"],
)
async def test_it_is_attached_without_a_version(alter: Callable[[Content], None]) -> None:
    """
    Whatever there was, the entity then fetches the declared secret without a version; a further visit writes nothing.
    """
    async with opened(desired("certificates: [partner]"), alter=alter) as world:
        await look(world)
        vault = (await get(world, "certificates/partner"))["keyVault"]

        assert ("/secrets/partner", "Success") == (vault["secretIdentifier"][-16:], vault["lastStatus"]["code"])
        assert 0 == await writes_of_another_look(world)


async def test_what_is_attached_as_declared_is_left_alone() -> None:
    """
    Nothing is sent where nothing differs: a second PUT can break what works.
    """
    async with opened(desired("certificates: [partner]"), alter=attached_as_declared) as world:
        assert 0 == await writes_of_another_look(world)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("elliptic", "vault_certificate_ec"),
        ("sealed", "vault_certificate_not_exportable"),
        ("switched-off", "vault_certificate_disabled"),
        ("nowhere", "vault_certificate_gone"),
    ],
    ids=["an EC key", "a key that can't be exported", "disabled", "not there"],
)
async def test_what_azure_can_not_take_is_refused_before_the_call(name: str, code: str) -> None:
    """
    A certificate that the service can't fetch is told with the way out, and never sent.
    """
    async with opened(desired(f"certificates: [{name}]")) as world:
        mark = world.mark()
        run = await look(world)

        assert ([code], []) == (
            [c for c in told(run, by=RULE) if c.startswith("vault_")],
            [entry.path for entry in world.writes(mark)],
        )


async def test_an_attached_ec_certificate_is_left_in_peace() -> None:
    """
    One with an EC key that is attached does its work: it is mentioned, stands in nothing's way, and is not sent again.
    """
    attached = {"id": "elliptic", "vault": "kv-certs/elliptic"}
    async with opened(
        desired("certificates: [elliptic]"), alter=lambda c: c["services"][0].update(certificates=[attached])
    ) as world:
        run = await look(world)
        found = next(f for f in run["findings"] if f["code"] == "vault_certificate_ec")

        assert ("low", []) == (found["severity"], found["blocks"])
        assert 0 == await writes_of_another_look(world)


async def test_an_uploaded_file_is_told_with_the_way_to_the_vault() -> None:
    """
    What somebody uploaded with its key is proposed to move to Key Vault, with the names filled in; it stays as it is.
    """
    async with opened(desired("certificates: [partner]")) as world:
        run = await look(world)

        assert "az keyvault certificate import --vault-name kv-certs --name by-hand" in steps(run, by=RULE)
        assert "CN=stranger, O=Elsewhere" == (await get(world, "certificates/by-hand"))["subject"]


async def test_a_public_file_recognises_clients_and_is_left_alone() -> None:
    """
    A certificate without its key can't be renewed from anywhere, and is no finding.
    """
    public = {"id": "known", "uploaded": "stranger", "public_only": True}
    async with opened(
        desired("certificates: [partner]"), alter=lambda c: c["services"][0].update(certificates=[public])
    ) as world:
        assert [] == told(await look(world), by=RULE)


async def test_a_client_is_uploaded_to_be_recognised() -> None:
    """
    For a check against what is attached, a client that is declared as text is attached with its public part.
    """
    async with opened(desired()) as world:
        text = pem(world.azure, "partner").replace("\n", "\\n")
        said = "clients: [walk-in]\ncheck: {form: attached, validateTrust: false}"
        catalogue = f'clients: {{walk-in: {{pem: "{text}"}}}}'
        world.desired_file.write_text(desired(said, catalogue=catalogue), encoding="utf-8")
        await look(world)
        found = await get(world, "certificates/walk-in")

        assert (world.azure.certificate("partner").thumbprint, False) == (found["thumbprint"], found["hasPrivateKey"])
        assert 0 == await writes_of_another_look(world)


async def test_a_newer_version_is_fetched_on_demand() -> None:
    """
    When the vault holds a newer version the service is asked to fetch it now, not within four hours.
    """
    async with opened(desired("certificates: [partner]")) as world:
        await look(world)
        world.azure.vaults.put("kv-certs", "partner", world.azure.certificate("partner-next"))
        await look(world)

        assert (
            world.azure.certificate("partner-next").thumbprint
            == (await get(world, "certificates/partner"))["thumbprint"]
        )


async def test_no_refresh_takes_a_certificate_from_a_check_against_the_attached() -> None:
    """
    Where callers are let in by what is attached, a refresh would refuse those who still show the old one: it is told.
    """
    said = "certificates: [partner]\nclients: [partner]\ncheck: {form: attached, validateTrust: false}"
    text = desired(said, catalogue="clients: {partner: {certificate: partner}}", mode="report")
    async with opened(text, alter=attached_as_declared) as world:
        world.azure.vaults.put("kv-certs", "partner", world.azure.certificate("partner-next"))
        run = await look(world)

        assert (["rotation_swaps_at_once"], []) == (told(run, by=RULE), planned(run, by=RULE))


async def test_a_deleted_certificate_is_told_apart_from_a_missing_one() -> None:
    """
    What was deleted and is kept is told with the day on which it goes, and with the commands; nothing is sent.
    """
    async with opened(desired("certificates: [partner]")) as world:
        world.azure.vaults.holdings.delete("kv-certs", "partner", world.clock.now())
        mark = world.mark()
        run = await look(world)

        assert (["vault_certificate_deleted"], []) == (told(run, by=RULE)[-1:], world.writes(mark))
        assert "az keyvault certificate recover --vault-name kv-certs --name partner" in steps(run, by=RULE)
        assert "az keyvault certificate purge --vault-name kv-certs --name partner" in steps(run, by=RULE)


async def test_a_certificate_that_never_was_has_no_recovery() -> None:
    """
    Where the vault shows that it has not deleted such a certificate, no command to recover it is given.
    """
    async with opened(desired("certificates: [nowhere]")) as world:
        assert "recover" not in steps(await look(world), by=RULE)


@pytest.mark.nonconforming("what the identity may read is taken away piece by piece")
async def test_where_we_may_not_see_deleted_ones_that_is_said() -> None:
    """
    Without the right to look, whether it was deleted is not known, and the command is given for the case that it was.
    """
    async with opened(desired("certificates: [nowhere]")) as world:
        body = {"error": {"code": "Forbidden", "message": "no"}}
        world.azure.faults.add(path="/deletedcertificates/*", status=403, times=None, body=body)
        run = await look(world)
        (finding,) = [one for one in run["findings"] if one["code"] == "vault_certificate_gone"]

        assert "whether it was deleted lately can't be seen" in finding["whyLeft"]
        assert "az keyvault certificate recover --vault-name kv-certs --name nowhere" in finding["steps"]
