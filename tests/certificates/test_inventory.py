"""
The inventory: every certificate, what uses it, and what does not fit together; as JSON and as a page with a graph.
"""

import json
from xml.etree import ElementTree

import pytest

from apimend.arm.azure import ArmAzure
from apimend.inventory import Held, Inventory, take
from apimend.model.desired import Desired
from apimend.model.ids import InstanceId
from apimend.report.html import render
from apimend.report.inventory_json import inventory_json
from apimend.web.certificates import Taken, graph, source_of
from demo.world import World
from tests.certificates.conftest import INSTANCE, Content, desired, opened

NASTY = "<b onload=x>"


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


async def test_a_vault_object_that_was_deleted_is_told_with_the_way_back() -> None:
    """
    What was deleted and is kept is no orphan to be cleaned up: it can be had back, and how is said.
    """
    async with opened(SAID, alter=whole) as world:
        world.azure.vaults.holdings.delete("kv-certs", "outgoing", world.clock.now())
        problem = (await taken(world)).problems[0]

    assert ("vault_object_deleted", "outgoing") == (problem.code, problem.about)
    assert problem.steps[0] == "az keyvault certificate recover --vault-name kv-certs --name outgoing"


WORKSPACE = f"{INSTANCE}/workspaces/team"


def with_workspace(content: Content) -> None:
    """
    A workspace whose certificates have the names of the instance's own: one is used, one is not, and one is meant that
    is not there.
    """
    content["services"][0]["certificates"] = [{"id": "by-hand", "uploaded": "stranger"}]
    ids = [f"{WORKSPACE}/certificates/{name}" for name in ("shown", "vanished")]
    policy = """<policies>
      <inbound><base /><authentication-certificate certificate-id="by-hand" /></inbound>
      <backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error>
    </policies>"""
    content["services"][0]["workspaces"] = [
        {
            "id": "team",
            "certificates": [
                {"id": name, "uploaded": held}
                for name, held in (("shown", "outgoing"), ("by-hand", "partner"), ("spare", "elliptic"))
            ],
            "backends": [
                {
                    "id": "inner",
                    "url": "https://inner.backend.test",
                    "properties": {"credentials": {"certificateIds": ids}},
                }
            ],
            "policy": policy,
        }
    ]


async def test_the_certificates_of_workspaces_are_there() -> None:
    """
    Each under the name of its workspace; what a workspace names is what is attached there.
    """
    async with opened(desired(mode="report"), alter=with_workspace) as world:
        found = await taken(world)

    assert {
        "by-hand": ["gateway hall (shows it for hall.contoso.example)"],
        "team/shown": ["backend team/inner (is shown it)"],
        "team/by-hand": ["policy workspaces/team (authentication-certificate)"],
        "team/spare": [],
    } == {item.name: [use.label for use in item.uses] for item in found.items if item.held is Held.ATTACHED}


async def test_what_does_not_fit_in_a_workspace_is_told() -> None:
    """
    Orphans and dangling mentions, as for the instance itself.
    """
    async with opened(desired(mode="report"), alter=with_workspace) as world:
        found = await taken(world)

    assert [("certificate_dangling", "team/inner"), ("certificate_orphaned", "team/spare")] == [
        (problem.code, problem.about) for problem in found.problems
    ]


@pytest.mark.nonconforming("what the identity may read is taken away piece by piece")
async def test_a_workspace_that_is_not_ours_to_see_is_unknown() -> None:
    """
    Without the right to one workspace the rest is told, and that this one is not known.
    """
    async with opened(desired(mode="report"), alter=with_workspace) as world:
        body = {"error": {"code": "AuthorizationFailed", "message": "no"}}
        world.azure.faults.add(path="*/workspaces/team/certificates", status=403, times=None, body=body)
        found = await taken(world)

    assert ["workspace_unseen"] == [problem.code for problem in found.problems if "team" in problem.about]
    assert "by-hand" in [item.name for item in found.items]


async def test_the_graph_shows_workspaces() -> None:
    """
    Two certificates of one name are two boxes, told apart by the workspace, each joined to its own user.
    """
    async with opened(desired(mode="report"), alter=with_workspace) as world:
        found = await taken(world)
    made = graph(Taken(inventory=found, days=30))

    assert {"by-hand", "team/by-hand", "team/shown", "team/spare"} <= {box.whole for box in made.boxes}
    assert "team/by-hand" in drawn(found)


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
    The JSON names every certificate with the vault object that it comes from.
    """
    async with opened(SAID, alter=whole) as world:
        body = json.loads(json.dumps(inventory_json(await taken(world))))
    outgoing = next(one for one in body["certificates"] if one["name"] == "outgoing")

    assert (7, "kv-certs", "outgoing") == (
        len(body["certificates"]),
        outgoing["vault"]["vault"],
        outgoing["vault"]["name"],
    )


def drawn(found: Inventory) -> str:
    """The page, with its table and its graph."""
    told = Taken(inventory=found, days=30)
    return render("certificates.html.j2", root="", found=told, graph=graph(told), source_of=source_of)


async def test_hostile_names_are_escaped() -> None:
    """
    A name that somebody chose is text, in the graph and in the table; the page holds neither script nor style.
    """

    def hostile(content: Content) -> None:
        whole(content)
        content["authorities"]["root"]["subject"] = f"CN={NASTY}"

    async with opened(SAID, alter=hostile) as world:
        page = drawn(await taken(world))

    assert "&lt;b onload=x&gt;" in page
    assert all(bad not in page for bad in ("<b onload", "<script", " style="))


async def test_the_graph_joins_what_belongs_together() -> None:
    """
    Well-formed SVG: a box for each origin, certificate and user, and no two in one place.
    """
    async with opened(SAID, alter=whole) as world:
        found = await taken(world)
    made, page = graph(Taken(inventory=found, days=30)), drawn(found)
    root = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + len("</svg>")])

    assert (len(made.boxes), len(made.lines)) == (len(root.findall("g")), len(root.findall("path")))
    assert len({(box.x, box.y) for box in made.boxes}) == len(made.boxes)
