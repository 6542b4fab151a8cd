"""
The HTTP API through the real doors: orders, replay, posture, parked messages, health.
"""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from apimend.model.ids import InstanceId
from apimend.model.runs import OrderKind
from apimend.web.posture import cell
from demo.world import World
from tests.web.stand import GROUP, INSTANCE, OTHER, ask, asking, desired, opened, principal, touch

EVENTS = Path(__file__).parents[1] / "events"


async def first_run(world: World) -> Mapping[str, Any]:
    await touch(world)
    return (await world.runs())[0]


@pytest.mark.parametrize(
    ("path", "body", "kind", "lasts"),
    [
        ("/api/relax", {"instance": INSTANCE, "hours": 2, "reason": "INC7"}, OrderKind.RELAX, 2),
        ("/api/release", {"instance": INSTANCE, "reason": "INC7"}, OrderKind.RELEASE, 0),
    ],
    ids=["relax", "release"],
)
async def test_an_order_is_kept_with_who_and_why(path: str, body: object, kind: OrderKind, lasts: int) -> None:
    """
    An order is answered 202 with its status; the ledger has kind, caller, reason and how long it lasts.
    """
    async with opened() as world:
        answer = await ask(world, "POST", path, body)
        ledger = (await world.app.door.wired()).storage.ledger
        (order,) = await ledger.orders(InstanceId.of(INSTANCE))
        status = await ask(world, "GET", answer.headers["Location"])

        assert (202, "waiting") == (answer.status, status.json["status"])
        assert (kind, "function key", "INC7") == (order.kind, order.by, order.reason)
        assert lasts * 3600 == (order.expires - order.at).total_seconds() if order.expires else lasts == 0


async def test_every_fault_of_a_body_is_told_at_once() -> None:
    """
    An instance that is none, a number out of its range and a field that isn't there are three faults of one answer.
    """
    async with opened() as world:
        body = {"instance": "contoso", "hours": 0, "colour": 1}
        answer = await ask(world, "POST", "/api/relax", body)

        assert (400, ["colour", "hours", "instance"]) == (
            answer.status,
            sorted(error["where"] for error in answer.json["errors"]),
        )
        assert "'contoso' is no resource id. It begins with /subscriptions/." in answer.text


async def test_undo_needs_something_to_undo() -> None:
    """
    A run that wrote nothing can't be undone; one that did can, and its status leads to the run that did it.
    """
    async with opened(desired("report")) as world:
        run = await first_run(world)
        nothing = await ask(world, "POST", f"/api/runs/{run['run']}/undo")

        assert 400 == nothing.status
        assert "wrote nothing" in nothing.text


async def test_what_was_applied_is_undone() -> None:
    """
    Undo over HTTP ends with the state from before.
    """
    async with opened() as world:
        await touch(world)
        wrote = next(run for run in reversed(await world.runs()) if run["counts"].get("applied"))
        answer = await ask(world, "POST", f"/api/runs/{wrote['run']}/undo", {"reason": "wrong instance"})
        await world.settle(60)
        order = await ask(world, "GET", answer.headers["Location"])

        assert 202 == answer.status
        assert "done" == order.json["status"]


@pytest.mark.parametrize("groups", [(), (OTHER,)], ids=["no group", "another"])
@pytest.mark.parametrize("path", ["/api/relax", "/api/release", "/api/stop"])
async def test_signed_in_is_not_enough_for_an_order(path: str, groups: tuple[str, ...]) -> None:
    """
    Behind sign-in only members of a declared group may relax, release or stop.
    """
    body = {"reason": "x"} if path == "/api/stop" else {"instance": INSTANCE}
    async with asking(APIMEND_SIGN_IN="appservice") as world:
        answer = await ask(world, "POST", path, body, headers=principal(world, *groups), key=False)

        assert 403 == answer.status
        assert "declared groups" in answer.json["detail"]


async def test_the_stop_stops_writes_and_is_lifted() -> None:
    """
    While the stop is on nothing is written, and health tells who set it and why; lifted, the work goes on.
    """
    async with opened() as world:
        stopped = await ask(world, "POST", "/api/stop", {"reason": "INC7"})
        await touch(world)
        none, health = world.writes(), await ask(world, "GET", "/api/health")
        await ask(world, "DELETE", "/api/stop")
        await touch(world)

        assert ([], 200) == (none, stopped.status)
        assert health.json["stopped"].startswith("INC7 (function key")
        assert world.writes()


async def test_replay_of_a_run_tells_what_has_changed_since() -> None:
    """
    A run replayed, plan only, answers with where the comparison will stand; it tells what is gone, new and the same.
    """
    async with opened(desired("report")) as world:
        run = await first_run(world)
        text = world.desired_file.read_text(encoding="utf-8")
        world.desired_file.write_text(text.replace("    certificates: [partner-a]\n", ""), encoding="utf-8")
        replayed = await ask(world, "POST", "/api/replay", {"run": run["run"], "mode": "report"})
        await world.settle()
        since = (await ask(world, "GET", replayed.json["since"])).json

        assert run["run"] == since["run"] != since["later"]["run"]
        assert (False, ["certificates/partner-a"]) == (
            since["samePlan"],
            [c["target"] for c in since["changes"]["gone"]],
        )


async def test_the_later_run_has_to_be_later() -> None:
    """
    Two runs the wrong way round, or none of that id, are told apart.
    """
    async with opened(desired("report")) as world:
        earlier = await first_run(world)
        await world.settle(60)
        await world.http("POST", "/api/replay", {"instance": INSTANCE})
        await world.settle()
        later = (await world.runs())[0]
        swapped = await ask(world, "GET", f"/api/runs/{later['run']}/since?run={earlier['run']}")
        unknown = await ask(world, "GET", f"/api/runs/{later['run']}/since?run=x")

        assert (400, 404) == (swapped.status, unknown.status)


async def test_a_dead_letter_blob_is_replayed_as_it_is() -> None:
    """
    The array that Event Grid writes into a dead-letter blob can be posted whole.
    """
    async with opened(desired("report")) as world:
        blob = (EVENTS / "dead-letter.json").read_text(encoding="utf-8")
        events = json.loads(blob)
        for event in events:
            event["data"]["resourceUri"] = event["subject"] = INSTANCE
        answer = await ask(world, "POST", "/api/replay", text=json.dumps(events))

        assert 202 == answer.status, answer.text
        assert [INSTANCE] == [order["instance"] for order in answer.json["orders"]]


async def test_the_caller_of_a_replay_is_in_the_ledger() -> None:
    """
    Behind sign-in a replay is in the name of whoever asked.
    """
    async with asking(APIMEND_SIGN_IN="appservice") as world:
        await ask(world, "POST", "/api/replay", {"instance": INSTANCE}, headers=principal(world), key=False)
        await world.settle()
        runs = (await ask(world, "GET", "/api/runs", headers=principal(world))).json["runs"]

        assert "ada@contoso.com (0d1d-ada)" == runs[0]["trigger"]["by"]


async def test_the_posture_adds_up() -> None:
    """
    Tenant, subscription and instance tell the same operations and findings; seen and run lead to the evidence.
    """
    async with opened(desired("report")) as world:
        run = await first_run(world)
        found = (await ask(world, "GET", "/api/posture")).json
        (subscription,) = found["subscriptions"]
        (row,) = subscription["instances"]

        assert found["tenant"]["coverage"] == subscription["coverage"]
        assert row["coverage"]["total"] == found["tenant"]["coverage"]["total"]
        assert (run["run"], INSTANCE) == (row["run"], row["instance"])


async def test_the_posture_is_narrowed() -> None:
    """
    By subscription and by instance; an instance that was never looked at is told as such.
    """
    async with opened(desired("report")) as world:
        await first_run(world)
        other = await ask(world, "GET", "/api/posture?subscription=99999999-9999-9999-9999-999999999999")
        mine = await ask(
            world, "GET", f"/api/posture?instance={INSTANCE.upper().replace('/SUBSCRIPTIONS', '/subscriptions')}"
        )
        never = await ask(world, "GET", f"/api/posture?instance={INSTANCE}-other")

        assert [0, 1] == [answer.json["tenant"]["instances"] for answer in (other, mine)]
        assert 404 == never.status


async def test_the_posture_as_csv() -> None:
    """
    CSV has a head and a row for each finding or instance, and asks to be saved.
    """
    async with opened(desired("report")) as world:
        await first_run(world)
        answer = await ask(world, "GET", "/api/posture?format=csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))

        assert {"contoso-dev"} == {row["instance"] for row in rows}
        assert "attachment" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1", "-1", "@x", "\t=1", "\r=1", "|x", "%x", " =1", "＝1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """
    What a spreadsheet would take for a formula begins with an apostrophe.
    """
    assert cell(text).startswith("'")


def test_a_plain_cell_stays_plain() -> None:
    """
    Everything else stays as it is.
    """
    assert ("a=b", "") == (cell("a=b"), cell(""))


async def test_parked_messages_are_listed_tried_again_and_forgotten() -> None:
    """
    A parked visit rings its instance when tried again, anything else goes back to its queue; a forgotten one is gone.
    """
    async with opened(desired("report")) as world:
        parking = (await world.app.door.wired()).parking
        visit = await parking.park("apimend-visits", json.dumps({"v": 1, "instance": INSTANCE, "ticket": "old"}), "x")
        other = await parking.park("apimend-notices", "{}", "x")
        listed = (await ask(world, "GET", "/api/parked")).json["parked"]
        again = await ask(world, "POST", f"/api/parked/{visit.id}/replay")
        gone = await ask(world, "DELETE", f"/api/parked/{other.id}")
        twice = await ask(world, "DELETE", f"/api/parked/{other.id}")
        await world.settle()

        assert {visit.id, other.id} == {each["id"] for each in listed}
        assert (202, 204, 404) == (again.status, gone.status, twice.status)
        assert "replay" == (await world.runs())[0]["trigger"]["cause"]


async def test_health_tells_what_is_wrong() -> None:
    """
    A desired state with faults is told with file and line, as 503; all well is 200 with the age of the last sweep.
    """
    async with opened() as world:
        await world.app.door.sweep()
        await world.settle(60)
        well = await ask(world, "GET", "/api/health")
        world.desired_file.write_text("version: 2\n", encoding="utf-8")
        ill = await ask(world, "GET", "/api/health")

        assert (200, "ok", 60) == (well.status, well.json["status"], round(well.json["sweepAgeSeconds"]))
        assert (503, False) == (ill.status, ill.json["desiredState"]["readable"])
        assert "desired.yaml:1" in ill.json["desiredState"]["faults"][0]


async def test_an_unknown_id_is_a_problem() -> None:
    """
    What isn't there is 404 as problem+json, whatever the id looks like.
    """
    async with opened() as world:
        for path in ("runs/%00", "runs/..%2f..%2fetc", "orders/x" * 1, "runs/" + "x" * 2000, "runs/%F0%9F%92%A9"):
            answer = await ask(world, "GET", f"/api/{path}")

            assert (404, "application/problem+json") == (answer.status, answer.headers["Content-Type"])


async def test_the_certificates_of_an_instance() -> None:
    """
    Every certificate is told with where it comes from and what uses it; an instance has to be named.
    """
    async with opened() as world:
        await touch(world)
        found = await ask(world, "GET", f"/api/certificates?instance={INSTANCE}")
        unnamed = await ask(world, "GET", "/api/certificates")
        attached = [each for each in found.json["certificates"] if each["held"] == "client certificate"]
        (only,) = attached

        assert ("partner-a", "kv-contoso-dev", "partner-a") == (
            only["name"],
            only["vault"]["vault"],
            only["vault"]["name"],
        )
        assert only["uses"]
        assert 400 == unnamed.status


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("DELETE", "/api/parked/{id}", None, id="forget"),
        pytest.param("POST", "/api/parked/{id}/replay", None, id="again"),
        pytest.param("POST", "/api/dead-letters/replay", {"name": "batch.json"}, id="dead letter"),
    ],
)
async def test_only_approvers_decide_about_what_nobody_could_handle(method: str, path: str, body: object) -> None:
    """
    Behind sign-in anybody may look at parked messages; throwing them away or trying them again is for approvers.
    """
    async with asking(APIMEND_SIGN_IN="appservice") as world:
        await touch(world)
        app = await world.app.door.wired()
        parked = await app.parking.park("apimend-visits", "x", "why")
        at = path.format(id=parked.id)
        reader, approver = principal(world, OTHER), principal(world, GROUP)
        refused = await ask(world, method, at, body, headers=reader, key=False)
        kept = len(await app.parking.all())
        allowed = await ask(world, method, at, body, headers=approver, key=False)

        assert (403, 1) == (refused.status, kept)
        assert 403 != allowed.status
