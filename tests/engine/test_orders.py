"""
What people take back: runs, checks for a while, checks for good.
"""

from datetime import timedelta

from apimend.model.runs import OrderKind
from apimend.policy import Document, same_policy
from demo.world import World
from tests.engine.conftest import ID, POLICY, checks, codes, negotiates, opened, order, results, touch
from tests.job.conftest import desired


async def last_with(world: World, what: str) -> str:
    """The newest run that wrote something of a kind."""
    for run in await world.runs():
        _, detail = await world.http("GET", run["detail"])
        wrote = [c for c in detail["changes"] if (c.get("outcome") or {}).get("status") in ("applied", "pending")]
        if any(what in change["kind"] for change in wrote):
            return str(run["run"])
    raise LookupError(what)


async def test_undo_puts_back_the_text_that_stood_there() -> None:
    """
    Undoing the run that put the check in leaves the document as it was before.
    """
    async with opened() as world:
        before = (await world.arm("GET", POLICY))["properties"]["value"]
        await touch(world)
        await order(world, OrderKind.UNDO, run=await last_with(world, "policy"))

        assert before == (await world.arm("GET", POLICY))["properties"]["value"]
        assert "undone" in await results(world)


async def test_what_was_undone_comes_back_only_with_approval() -> None:
    """
    After an undo the next visit asks, in enforce mode too.
    """
    async with opened() as world:
        await touch(world)
        await order(world, OrderKind.UNDO, run=await last_with(world, "policy"))
        await touch(world)

        assert ("nothing", "asked") == (await checks(world), (await world.runs())[0]["result"])


async def test_undo_leaves_what_somebody_has_changed_since() -> None:
    """
    A document that somebody edited after the run is left as it is, and the refusal is explained.
    """
    async with opened() as world:
        await touch(world)
        run = await last_with(world, "policy")
        text = (await world.arm("GET", POLICY))["properties"]["value"]
        edited = text.replace("</inbound>", "<!-- ours --></inbound>")
        await world.arm("PUT", POLICY, {"properties": {"format": "rawxml", "value": edited}})
        await order(world, OrderKind.UNDO, run=run)
        refused = next(one for one in await world.runs() if one["result"] == "refused")
        _, detail = await world.http("GET", refused["detail"])

        assert "refuse" == await checks(world)
        assert ["undo_refused"] == [finding["code"] for finding in detail["findings"]]


async def test_negotiation_is_not_switched_off_under_a_live_check() -> None:
    """
    R4: undoing the run that switched negotiation on is refused while a check relies on it.
    """
    async with opened() as world:
        await touch(world)
        await order(world, OrderKind.UNDO, run=await last_with(world, "negotiation"))
        refused = next(one for one in await world.runs() if one["result"] == "refused")
        _, detail = await world.http("GET", refused["detail"])

        assert await negotiates(world)
        assert "policies/policy" in detail["findings"][0]["whyLeft"]


async def test_undo_in_reverse_order_gives_everything_up() -> None:
    """
    Check, then negotiation: undone in this order, both are gone, and no visit brings them back by itself.
    """
    async with opened() as world:
        await touch(world)
        await order(world, OrderKind.UNDO, run=await last_with(world, "policy"))
        await order(world, OrderKind.UNDO, run=await last_with(world, "negotiation"))
        await world.settle()

        assert ("nothing", False) == (await checks(world), await negotiates(world))


async def test_an_attached_certificate_is_detached_only_where_nothing_names_it() -> None:
    """
    Undo of a creation is a deletion, and R4 holds for it too: a policy that names the certificate keeps it.
    """
    async with opened() as world:
        await touch(world)
        run = await last_with(world, "certificate")
        await order(world, OrderKind.UNDO, run=run)
        kept = await world.arm("GET", f"{POLICY.removesuffix('/policies/policy')}/certificates")
        await order(world, OrderKind.UNDO, run=await last_with(world, "policy"))
        await order(world, OrderKind.UNDO, run=run)
        left = await world.arm("GET", f"{POLICY.removesuffix('/policies/policy')}/certificates")

        assert (1, 0) == (len(kept["value"]), len(left["value"]))


async def test_relax_lets_everybody_in_within_seconds() -> None:
    """
    Break-glass writes policies only, at once, whatever the window says; and it is audited.
    """
    window = "    window: {days: [sat], from: '00:00', to: '00:01'}\n"
    async with opened() as world:
        await touch(world)
        text = world.desired_file.read_text(encoding="utf-8")
        world.desired_file.write_text(text.replace("    arrives: direct\n", f"    arrives: direct\n{window}"))
        mark, began = world.mark(), world.clock.now()
        placed = await order(world, OrderKind.RELAX, lasts=timedelta(hours=2))
        writes = [(entry.method, (entry.at - began).total_seconds() < 10) for entry in world.writes(mark)]

        assert ("observe", [("PUT", True)]) == (await checks(world), writes)
        ledger = (await world.app.door.wired()).storage.ledger
        assert placed.id in [each for run in await ledger.runs(ID) for each in run.orders]


async def test_a_relaxed_check_is_enforced_again_when_the_time_is_over() -> None:
    """
    Events do not end it early; the end of its time does, as the mode says.
    """
    async with opened() as world:
        await touch(world)
        await order(world, OrderKind.RELAX, lasts=timedelta(hours=2))
        await world.arm("PATCH", POLICY.removesuffix("/policies/policy"), {"tags": {"a": "b"}})
        await world.settle(3600)
        meanwhile = await checks(world)
        await world.settle(7200)

        assert ("observe", "refuse") == (meanwhile, await checks(world))


async def test_release_takes_our_checks_out_and_nothing_puts_them_back() -> None:
    """
    R8: after release the instance depends on us no more; putting a check in again needs an approval.
    """
    async with opened() as world:
        before = (await world.arm("GET", POLICY))["properties"]["value"]
        await touch(world)
        await order(world, OrderKind.RELEASE)
        await touch(world)

        after = (await world.arm("GET", POLICY))["properties"]["value"]

        assert same_policy(Document.parse(before), Document.parse(after))
        assert "asked" == (await world.runs())[0]["result"]


async def test_an_order_writes_nothing_in_report_mode() -> None:
    """
    R22: where the declared mode only reports, an order shows what it would write.
    """
    async with opened() as world:
        await touch(world)
        text = world.desired_file.read_text(encoding="utf-8")
        world.desired_file.write_text(text.replace("mode: enforce", "mode: report"), encoding="utf-8")
        await order(world, OrderKind.RELAX, lasts=timedelta(hours=2))

        assert "refuse" == await checks(world)
        assert "planned" in await results(world)


async def test_the_global_stop_holds_for_orders_too() -> None:
    """
    While everything is stopped, an order is refused and says why.
    """
    async with opened(desired()) as world:
        await touch(world)
        await (await world.app.door.wired()).storage.ledger.note("stop", "an incident (ada)")
        await order(world, OrderKind.RELAX, lasts=timedelta(hours=2))

        assert "refuse" == await checks(world)
        assert "refused" in await results(world)


async def test_an_order_for_what_nothing_declares_is_refused() -> None:
    """
    I10: an instance that nothing declares any more is left as it is, and the order says so.
    """
    async with opened() as world:
        await touch(world)
        text = world.desired_file.read_text(encoding="utf-8")
        world.desired_file.write_text(text.replace("name: contoso-dev", "name: another"), encoding="utf-8")
        await order(world, OrderKind.RELEASE)

        assert "refuse" == await checks(world)
        assert "order_refused" in await codes(world)
