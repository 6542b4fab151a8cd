"""
`ca_certificate_missing`, and what trust means: a chain ends in the Root store.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from demo.world import World
from emulator import LocalAzure, Options
from emulator.options import Uploaded
from tests.certificates.conftest import (
    Content,
    asked,
    desired,
    get,
    look,
    of_authorities,
    opened,
    planned,
    told,
    writes_of_another_look,
)

RULE = "ca_certificate_missing"
BOTH = {"root": "Root", "issuing": "CertificateAuthority"}
CONTOSO = {"CN=Contoso Root, O=Contoso": "Root", "CN=Contoso Issuing, O=Contoso": "CertificateAuthority"}


def holding(*names: str, sku: str = "Premium", store: str = "Root") -> Callable[[Content], None]:
    """An instance with these authorities, and nothing that was uploaded or stands elsewhere."""

    def alter(content: Content) -> None:
        service = content["services"][0]
        held = [{"authority": name, "store": store} for name in names]
        for key in ("hostnames", "gateways", "backends", "apis"):
            service.pop(key)
        service |= {"sku": sku, "ca_certificates": held}

    return alter


async def declare(world: World, more: str = "", *, negotiate: Any = False, **stores: Any) -> Mapping[str, Any]:
    """Declare that these are trusted, by name and store, and let it happen."""
    catalogue = "authorities:\n" + "".join(
        of_authorities(world, name, store=store).partition("\n")[2] for name, store in stores.items()
    )
    said = f"trust: [{', '.join(stores)}]\n{more}"
    world.desired_file.write_text(desired(said, catalogue=catalogue, negotiate=negotiate), encoding="utf-8")
    await look(world)
    return await asked(world)


async def trusted(world: World) -> dict[str, str]:
    """The store of every CA certificate of the instance, by subject."""
    held = (await get(world))["certificates"] or []
    return {entry["certificate"]["subject"]: entry["storeName"] for entry in held}


async def test_missing_authorities_are_added() -> None:
    """
    A root and an intermediate go into their stores, and a further visit writes nothing.
    """
    async with opened(desired(), alter=holding()) as world:
        await declare(world, **BOTH)

        assert CONTOSO == await trusted(world)
        assert 0 == await writes_of_another_look(world)


@pytest.mark.parametrize("answer", list(Uploaded), ids=lambda answer: answer.value)
async def test_what_is_declared_is_kept_by_its_text(answer: Uploaded) -> None:
    """
    An entry that is declared too is sent as a certificate, so it survives whatever Azure does with descriptions.
    """
    async with opened(desired(), alter=holding("other"), options=Options(uploaded_certificates=answer)) as world:
        await declare(world, root="Root", other="Root")

        assert {"CN=Contoso Root, O=Contoso": "Root", "CN=Other Root, O=Elsewhere": "Root"} == await trusted(world)


async def test_an_entry_that_can_not_be_sent_again_blocks_the_list() -> None:
    """
    What nobody declares never comes back from Azure: nothing is written, and the way out is told.
    """
    async with opened(desired(), alter=holding("other")) as world:
        run = await declare(world, root="Root")

        assert (["ca_entry_kept"], [], {"CN=Other Root, O=Elsewhere": "Root"}) == (
            told(run, by=RULE),
            planned(run, by=RULE),
            await trusted(world),
        )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(Uploaded.ACCEPT, {"Contoso", "Elsewhere"}), (Uploaded.REFUSE, {"Elsewhere"})],
    ids=["Azure accepts", "Azure refuses"],
)
async def test_descriptions_are_sent_where_that_is_declared(answer: Uploaded, expected: set[str]) -> None:
    """
    With `uploadedCertificates: resend` the entry goes as Azure described it; a refusal leaves all as it was.
    """
    async with opened(desired(), alter=holding("other"), options=Options(uploaded_certificates=answer)) as world:
        await declare(world, "uploadedCertificates: resend", root="Root")

        assert expected == {subject.rpartition("O=")[2] for subject in await trusted(world)}


async def test_trust_and_negotiation_go_in_one_patch(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    R17: one update of the service, not two with their downtimes.
    """
    bodies: list[dict[str, Any]] = []
    monkeypatch.setattr(
        LocalAzure,
        "watchers",
        [
            lambda passed: bodies.append(json.loads(passed.call.body)) if passed.call.method == "PATCH" else None,
            *LocalAzure.watchers,
        ],
    )
    async with opened(desired(), alter=holding()) as world:
        await declare(world, negotiate=True, root="Root")

        assert [["certificates", "hostnameConfigurations"]] == [sorted(body["properties"]) for body in bodies]


async def test_an_intermediate_that_became_a_root_stays_one() -> None:
    """
    What is trusted as a root is not put back among the intermediates: others may rely on it.
    """
    async with opened(desired(), alter=holding("root")) as world:
        mark = world.mark()
        await declare(world, root="CertificateAuthority")

        assert [] == world.writes(mark)


async def test_a_root_among_the_intermediates_is_put_right() -> None:
    """
    A root in the store of intermediates ends no chain.
    """
    async with opened(desired(), alter=holding("root", store="CertificateAuthority")) as world:
        await declare(world, root="Root")

        assert {"CN=Contoso Root, O=Contoso": "Root"} == await trusted(world)


@pytest.mark.parametrize("kept", [True, False], ids=["the store exists after all", "there is no store"])
async def test_the_v2_tiers_are_not_relied_on(kept: bool) -> None:
    """
    Whether v2 keeps CA certificates is told differently by different sources: nothing is written, the way out is told.
    """
    options = Options(ca_certificates_on_v2=kept)
    async with opened(desired(), alter=holding(sku="StandardV2"), options=options) as world:
        mark = world.mark()
        run = await declare(world, root="Root")

        assert (["ca_store_unsupported"], []) == (told(run, by=RULE), world.writes(mark))


@pytest.mark.parametrize(
    ("stores", "code"),
    [
        ({"issuing": "Root"}, "authority_is_no_root"),
        ({"partner": "CertificateAuthority"}, "authority_is_no_ca"),
    ],
    ids=["an intermediate as a root", "a leaf"],
)
async def test_what_would_not_help_is_told(stores: dict[str, str], code: str) -> None:
    """
    A certificate that ends or builds no chain is not uploaded.
    """
    async with opened(desired(), alter=holding()) as world:
        mark = world.mark()
        run = await declare(world, **stores)

        assert ([code], []) == (told(run, by=RULE), world.writes(mark))


@pytest.mark.parametrize("wrong", ["the certificate is gone", "the identity is gone"])
async def test_no_update_is_sent_that_would_brick_a_host(wrong: str) -> None:
    """
    R17: an update fetches the certificates of all hosts again; one that can't be had forbids it.
    """

    def hosted(content: Content) -> None:
        holding()(content)
        host = {"host": "api.contoso.example", "vault": "kv-certs/outgoing"}
        content["services"][0]["hostnames"] = [host | ({"identity": "gone"} if "identity" in wrong else {})]

    async with opened(desired(), alter=hosted) as world:
        if "certificate" in wrong:
            world.azure.vaults.holdings.remove("kv-certs", "outgoing")
        mark = world.mark()
        run = await declare(world, root="Root")

        assert (["hostname_certificate_unfetchable"], []) == (told(run, by=RULE), world.writes(mark))


async def test_the_store_takes_ten() -> None:
    """
    Azure's limit is told before the call.
    """

    def eleven(content: Content) -> None:
        content["authorities"] |= {f"ca-{n}": {"subject": f"CN=CA {n}"} for n in range(10)}
        holding(*(f"ca-{n}" for n in range(10)))(content)

    async with opened(desired(), alter=eleven) as world:
        run = await declare(world, "uploadedCertificates: resend", root="Root")

        assert ["ca_store_full"] == told(run, by=RULE)


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("root", "issuing"), 200), (("issuing",), None), (("root",), None)],
    ids=["root and intermediate", "the intermediate alone is no anchor", "the root alone can't be reached"],
)
async def test_a_check_with_trust_goes_in_only_where_chains_end(names: tuple[str, ...], expected: int | None) -> None:
    """
    R3: the declared client is rehearsed against what is live; the gateway then lets in whom the rehearsal let in.
    """

    def calling(content: Content) -> None:
        echo = {
            "id": "echo",
            "path": "echo",
            "subscription_required": False,
            "service_url": "https://echo.example",
            "operations": [{"id": "get", "method": "GET", "url": "/"}],
        }
        holding()(content)
        content["services"][0]["apis"] = [echo]

    async with opened(desired(), alter=calling) as world:
        text = json.dumps(world.azure.certificate("partner").pem)
        said = "clients: [caller]\narrives: direct\ncheck: {action: enforce}"
        catalogue = f"clients: {{caller: {{pem: {text}}}}}\nauthorities:\n" + "".join(
            of_authorities(world, name, store=BOTH[name]).partition("\n")[2] for name in names
        )
        said += f"\ntrust: [{', '.join(names)}]"
        world.desired_file.write_text(desired(said, catalogue=catalogue, negotiate=True), encoding="utf-8")
        run = await look(world)
        refused = "client_would_be_refused" in told(run, by="client_certificate_unchecked")
        answers = [
            (await world.call("contoso-map.azure-api.net", "/echo/", certificate=who)).status
            for who in ("partner", "stranger")
        ]

        assert ((expected is None), ([200, 200] if expected is None else [200, 401])) == (refused, answers)
