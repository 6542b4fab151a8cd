"""
`certificate_expiring`: what breaks, and when.
"""

import pytest

from tests.certificates.conftest import Content, desired, get, look, opened, pem, told

RULE = "certificate_expiring"


def ending(content: Content) -> None:
    """A backend's certificate, an authority and a client end soon."""
    content["certificates"]["outgoing"] |= {"starts": "-300d", "ends": "20d"}
    content["authorities"]["root"] |= {"starts": "-300d", "ends": "10d"}
    service = content["services"][0]
    service["certificates"] = [{"id": "outgoing", "vault": "kv-certs/outgoing"}]
    service["ca_certificates"] = [{"authority": "root", "store": "Root"}]
    service["backends"][0]["properties"] = {
        "credentials": {"certificateIds": [f"{_SERVICE}/certificates/outgoing"]},
    }


_SERVICE = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-apim"
    "/providers/Microsoft.ApiManagement/service/contoso-map"
)


async def test_it_says_what_breaks_and_when() -> None:
    """
    Hosts, authorities and attached certificates that end within the declared days are told, with what needs them.
    """
    async with opened(desired(mode="report"), alter=ending) as world:
        run = await look(world)
        messages = [f["message"] for f in run["findings"] if f["code"] == RULE]

        assert 3 == len(messages)
        assert any("hostname api.contoso.example ends on 2026-11-27" in message for message in messages)
        assert any("It is needed by backend partner (is shown it)" in message for message in messages)
        assert any("CN=Contoso Root, O=Contoso ends on 2026-12-02" in message for message in messages)


@pytest.mark.parametrize(("days", "expected"), [(4, []), (6, [RULE])], ids=["farther off", "nearer"])
async def test_the_declared_time_counts(days: int, expected: list[str]) -> None:
    """
    What ends later than declared is left alone.
    """
    async with opened(desired(f"expiryDays: {days}", mode="report")) as world:
        assert expected == told(await look(world), by=RULE)


async def test_what_has_ended_is_urgent() -> None:
    """
    A certificate whose end has passed is told as such.
    """

    def today(content: Content) -> None:
        content["certificates"]["soon"]["ends"] = "1h"

    async with opened(desired(mode="report"), alter=today) as world:
        await world.settle(2 * 3600.0)
        run = await look(world)
        found = next(f for f in run["findings"] if f["remediator"] == RULE)

        assert ("certificate_expired", "high") == (found["code"], found["severity"])


async def test_a_renewal_on_its_way_is_no_alarm() -> None:
    """
    Where the vault holds a successor already, that is what is said.
    """
    async with opened(desired("certificates: [outgoing]", mode="report"), alter=ending) as world:
        world.azure.vaults.put("kv-certs", "outgoing", world.azure.certificate("partner-next"))
        run = await look(world)
        found = next(f for f in run["findings"] if f["remediator"] == RULE and "outgoing" in f["message"])

        assert "low" == found["severity"]
        assert "holds a newer version already" in found["whyLeft"]


async def test_a_declared_client_is_watched_too() -> None:
    """
    A client that is known by its text ends some day, though nothing of it is attached.
    """
    async with opened(desired(), alter=ending) as world:
        text = pem(world.azure, "outgoing").replace("\n", "\\n")
        catalogue = f'clients: {{walk-in: {{pem: "{text}"}}}}'
        said = "clients: [walk-in]"
        world.desired_file.write_text(desired(said, catalogue=catalogue, mode="report"), encoding="utf-8")
        run = await look(world)

        assert any("declared client walk-in ends on 2026-12-12" in f["message"] for f in run["findings"])
        assert await get(world)


async def test_a_workspace_is_not_forgotten() -> None:
    """
    What ends in a workspace is told with the workspace's name.
    """

    def within(content: Content) -> None:
        certificates = [{"id": "ending", "uploaded": "soon"}]
        content["services"][0]["workspaces"] = [{"id": "team", "certificates": certificates}]

    async with opened(desired(mode="report"), alter=within) as world:
        found = [f for f in (await look(world))["findings"] if f["remediator"] == RULE and "team/" in f["message"]]

        assert [f"{_SERVICE}/workspaces/team/certificates/ending"] == [finding["target"] for finding in found]


async def test_what_can_not_be_renewed_is_told_before_it_ends() -> None:
    """
    A host whose certificate was deleted from its vault is a finding at once, with the way to have it back.
    """

    def from_vault(content: Content) -> None:
        content["services"][0]["hostnames"] = [{"host": "api.contoso.example", "vault": "kv-certs/partner"}]

    async with opened(desired(mode="report"), alter=from_vault) as world:
        world.azure.vaults.holdings.delete("kv-certs", "partner", world.clock.now())
        found = [f for f in (await look(world))["findings"] if f["code"] == "vault_object_deleted"]

        assert ["high"] == [finding["severity"] for finding in found]
        assert found[0]["steps"][0].startswith("az keyvault certificate recover --vault-name kv-certs --name partner")


async def test_a_backend_that_names_what_is_not_attached_is_told() -> None:
    """
    A mention of nothing is a finding of the resource that mentions it.
    """

    def dangling(content: Content) -> None:
        ids = [f"{_SERVICE}/certificates/gone"]
        content["services"][0]["backends"][0]["properties"] = {"credentials": {"certificateIds": ids}}

    async with opened(desired(mode="report"), alter=dangling) as world:
        found = [f for f in (await look(world))["findings"] if f["code"] == "certificate_dangling"]

        assert [f"{_SERVICE}/backends/partner"] == [finding["target"] for finding in found]
