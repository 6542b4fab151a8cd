"""
The inventory: every certificate, what uses it, and what does not fit together; as JSON, as a drawing, as a page.
"""

import json
from xml.etree import ElementTree

import pytest

from apimend.arm.azure import ArmAzure
from apimend.inventory import Held, Inventory, take
from apimend.model.desired import Desired
from apimend.model.ids import InstanceId
from apimend.report.inventory import draw, inventory_page, svg, to_json
from demo.world import World
from tests.certificates.conftest import INSTANCE, Content, desired, opened

NASTY = "<script>alert(1)</script>"


def whole(content: Content) -> None:
    """An instance that uses certificates in every way, and has an orphan and two dangling mentions."""
    service = content["services"][0]
    content["services"][0]["certificates"] = [
        {"id": "partner", "vault": "kv-certs/partner"},
        {"id": "outgoing", "vault": "kv-certs/outgoing"},
        {"id": "by-hand", "uploaded": "stranger"},
        {"id": "unused", "uploaded": "elliptic"},
    ]
    service["ca_certificates"] = [{"authority": "root", "store": "Root"}]
    ids = [f"{INSTANCE}/certificates/{name}" for name in ("outgoing", "gone")]
    service["backends"][0]["properties"] = {"credentials": {"certificateIds": ids}}
    partner = service["apis"][0]
    partner["policy"] = partner["policy"].replace(
        "<set-backend-service",
        '<authentication-certificate certificate-id="vanished" /><set-backend-service',
    )


async def taken(world: World) -> Inventory:
    """The inventory as the app reads it."""
    azure: ArmAzure = (await world.app.door.wired()).azure
    resolved = await (await world.app.door.wired()).desired.resolve(
        await azure.reader(InstanceId.of(INSTANCE)).service()
    )
    assert isinstance(resolved, Desired)
    return await take(azure.reader(InstanceId.of(INSTANCE)), resolved, world.clock.now())


SAID = desired("clients: [partner]", catalogue="clients: {partner: {certificate: partner}}", mode="report")


async def test_every_certificate_is_there_with_what_uses_it() -> None:
    """
    Hosts, authorities, attached certificates and declared clients, each with its users.
    """
    async with opened(SAID, alter=whole) as world:
        found = await taken(world)

    assert {
        (Held.HOSTNAME, "api.contoso.example"): ["host api.contoso.example (Proxy)"],
        (Held.CA, "Root CN=Contoso Root, O=Contoso"): [],
        (Held.ATTACHED, "partner"): ["client partner (is known by it)"],
        (Held.ATTACHED, "outgoing"): ["backend partner (is shown it)"],
        (Held.ATTACHED, "by-hand"): ["gateway hall (shows it for hall.contoso.example)"],
        (Held.ATTACHED, "unused"): [],
        (Held.CLIENT, "partner"): ["client partner (shows it)"],
    } == {(item.held, item.name): [use.label for use in item.uses] for item in found.items}


async def test_what_does_not_fit_is_told() -> None:
    """
    Orphans, and mentions of what is not attached.
    """
    async with opened(SAID, alter=whole) as world:
        found = await taken(world)

    assert [
        ("certificate_dangling", "apis/partner"),
        ("certificate_dangling", "partner"),
        ("certificate_orphaned", "Root CN=Contoso Root, O=Contoso"),
        ("certificate_orphaned", "unused"),
    ] == sorted((problem.code, problem.about) for problem in found.problems)


async def test_an_instance_that_is_in_order_has_no_problem() -> None:
    """
    What is used and what is there agree: nothing is told.
    """

    def tidy(content: Content) -> None:
        content["services"][0]["certificates"] = [{"id": "by-hand", "uploaded": "stranger"}]

    async with opened(desired(mode="report"), alter=tidy) as world:
        assert () == (await taken(world)).problems


async def test_a_vault_object_that_is_gone_is_told() -> None:
    """
    What can't be renewed any more is the first thing to know.
    """
    async with opened(SAID, alter=whole) as world:
        world.azure.vaults.holdings.remove("kv-certs", "outgoing")
        found = await taken(world)

    assert "vault_object_gone" == found.problems[0].code


async def test_it_reads_and_never_writes() -> None:
    """
    Taking the inventory is a matter of reads.
    """
    async with opened(SAID, alter=whole) as world:
        mark = world.mark()
        await taken(world)

        assert [] == world.writes(mark)


async def test_it_is_json() -> None:
    """
    The JSON names every certificate with its vault object and its version.
    """
    async with opened(SAID, alter=whole) as world:
        body = json.loads(json.dumps(to_json(await taken(world))))
    outgoing = next(one for one in body["certificates"] if one["name"] == "outgoing")

    assert (1, True, 7) == (body["version"], body["complete"], len(body["certificates"]))
    assert ("kv-certs", "outgoing") == (outgoing["vault"]["vault"], outgoing["vault"]["name"])
    assert outgoing["vault"]["version"]


@pytest.mark.parametrize("form", ["drawing", "page"])
async def test_hostile_names_are_escaped(form: str) -> None:
    """
    A name that somebody chose is text, in the drawing and on the page; neither holds a script or an inline style.
    """

    def hostile(content: Content) -> None:
        whole(content)
        content["certificates"]["elliptic"]["subject"] = f"CN={NASTY}"
        content["services"][0]["backends"].append({"id": "b", "url": "https://b.example"})

    async with opened(SAID, alter=hostile) as world:
        found = await taken(world)
    text = svg(found) if form == "drawing" else inventory_page(found)

    assert "<script" not in text
    assert " style=" not in text
    assert "&lt;script&gt;" in text or form == "page"


async def test_the_drawing_joins_what_belongs_together() -> None:
    """
    Well-formed SVG: a box for each origin, certificate and user, a line for each dependence.
    """
    async with opened(SAID, alter=whole) as world:
        found = await taken(world)
    drawn, root = draw(found), ElementTree.fromstring(svg(found))
    uses = sum(len({(use.kind, use.name) for use in item.uses}) for item in found.items)

    assert len(found.items) + uses == len(drawn.paths)
    assert len(drawn.boxes) == len(root.findall("{http://www.w3.org/2000/svg}g"))
    assert len({(box.x, box.y) for box in drawn.boxes}) == len(drawn.boxes)
