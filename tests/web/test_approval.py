"""
Approval through the real doors: who may, for how long, for what, and what the ledger says of it.
"""

import asyncio
import re
from typing import Any

import pytest

from apimend.engine.approvals import CONTAINER
from apimend.model.ids import InstanceId
from apimend.model.runs import Order
from demo.world import World
from tests.web.stand import (
    APPROVERS,
    GROUP,
    INSTANCE,
    OTHER,
    Answered,
    ask,
    asking,
    desired,
    opened,
    principal,
    touch,
)

SIGNED_IN = {"APIMEND_SIGN_IN": "appservice"}
LINK = {"APIMEND_APPROVAL": "link"}


async def newest(world: World) -> dict[str, Any]:
    """The newest run."""
    listed = await ask(world, "GET", "/api/runs", headers=principal(world))
    run: dict[str, Any] = listed.json["runs"][0]
    return run


async def asked(world: World) -> dict[str, Any]:
    """The run that waits for approval."""
    await touch(world)
    run = await newest(world)
    assert run["result"] == "asked"
    return run


async def approve(world: World, run: dict[str, Any], *, headers: dict[str, str] | None = None, **more: str) -> Answered:
    body = {"digest": run["digest"], **more}
    return await ask(world, "POST", f"/api/runs/{run['run']}/approve", body, headers=headers)


async def orders(world: World) -> tuple[Order, ...]:
    """What waits in the ledger."""
    return await (await world.app.door.wired()).storage.ledger.orders(InstanceId.of(INSTANCE))


def token_of(world: World) -> str:
    """The secret in the link of the newest card."""
    found: list[str] = [x for card in world.teams.cards for x in re.findall(r"/approve#([\w-]+)", str(card))]
    return found[-1]


async def test_a_member_of_a_declared_group_approves() -> None:
    """
    In ask mode nothing is written until a member approves; then it is, and the ledger has name, reason and changes.
    """
    async with asking(**SIGNED_IN) as world:
        run = await asked(world)
        untouched = world.writes()
        answer = await approve(world, run, headers=principal(world, GROUP), reason="agreed in CHG1")
        (order,) = await orders(world)
        await world.settle()

        assert ([], 202) == (untouched, answer.status)
        assert ("ada@contoso.com (0d1d-ada)", "agreed in CHG1", 3) == (order.by, order.reason, len(order.changes))
        assert "converged" == (await newest(world))["result"]


@pytest.mark.parametrize(
    ("groups", "more", "status", "said"),
    [
        ((), {}, 403, "None of the declared groups"),
        ((OTHER,), {}, 403, "None of the declared groups"),
        ((GROUP.upper(),), {}, 202, "/api/orders/"),
        ((), {"hasgroups": "true"}, 403, "too many"),
        ((GROUP,), {"tid": "99999999-9999-9999-9999-999999999999"}, 403, "another tenant"),
    ],
    ids=["no group", "another group", "member, in capitals", "groups left out", "another tenant"],
)
async def test_who_may_approve(groups: tuple[str, ...], more: dict[str, str], status: int, said: str) -> None:
    """
    Only a member of a declared group may, of our tenant; the refusal says what is missing.
    """
    async with asking(**SIGNED_IN) as world:
        run = await asked(world)
        answer = await approve(world, run, headers=principal(world, *groups, **more))

        assert status == answer.status
        assert said in answer.text
        assert (status == 202) == bool(await orders(world))


async def test_a_key_approves_nothing() -> None:
    """
    A function key is no identity, and without App Service authentication a forged header is none either.
    """
    async with asking() as world:
        run = await asked(world)
        with_key = await approve(world, run)
        forged = await approve(world, run, headers=principal(world, GROUP))
        page = await ask(world, "GET", f"/runs/{run['run']}/approve", key=False, headers=principal(world, GROUP))

        assert (403, 403, 403) == (with_key.status, forged.status, page.status)
        assert () == await orders(world)


async def test_an_approval_is_for_one_plan() -> None:
    """
    Another digest is refused; and what is altered after the approval asks again.
    """
    async with asking(**SIGNED_IN) as world:
        run = await asked(world)
        other = await approve(world, {**run, "digest": "0" * 64}, headers=principal(world, GROUP))
        text = world.desired_file.read_text(encoding="utf-8")
        await approve(world, run, headers=principal(world, GROUP))
        world.desired_file.write_text(text.replace("validateTrust: false", "validateTrust: true"), encoding="utf-8")
        mark = world.mark()
        await world.settle()
        policies = [entry.path for entry in world.writes(mark) if "/policies/" in entry.path]

        assert 403 == other.status
        assert [] == policies
        assert "converged" != (await newest(world))["result"]


async def test_an_approval_lapses() -> None:
    """
    After the hours of the setting a run can't be approved any more.
    """
    async with asking(**SIGNED_IN, APIMEND_APPROVAL_HOURS="1") as world:
        run = await asked(world)
        await world.settle(3601)
        answer = await approve(world, run, headers=principal(world, GROUP))

        assert 403 == answer.status
        assert "over" in answer.json["detail"]


async def test_twice_is_once() -> None:
    """
    Approving again while an approval stands gives the same order.
    """
    async with asking(**SIGNED_IN) as world:
        run = await asked(world)
        first = await approve(world, run, headers=principal(world, GROUP))
        second = await approve(world, run, headers=principal(world, GROUP, name="bob@contoso.com"))

        assert first.json["orders"] == second.json["orders"]


async def test_a_link_works_once() -> None:
    """
    Where the link is enough, its secret of 256 bits works once, however close the second try; the ledger says so and
    never holds the secret.
    """
    async with asking(**LINK) as world:
        run = await asked(world)
        token = token_of(world)
        tries = await asyncio.gather(*(approve(world, run, token=token) for _ in range(3)))
        storage = (await world.app.door.wired()).storage
        kept = [record async for record in storage.records.list(CONTAINER)]
        (order,) = await orders(world)

        assert [202, 403, 403] == sorted(answer.status for answer in tries)
        assert len(token) >= 43
        assert "approval link, nobody signed in" == order.by
        assert not any(token in record.key or token.encode() in record.body for record in kept)


@pytest.mark.parametrize("token", ["", "wrong", "x" * 100], ids=["none", "wrong", "long"])
async def test_a_wrong_secret_opens_nothing(token: str) -> None:
    """
    Without the secret the plan isn't shown, and nothing is approved.
    """
    async with asking(**LINK) as world:
        run = await asked(world)
        answer = await approve(world, run, token=token)
        shown = await ask(world, "POST", f"/runs/{run['run']}/approve/plan", form={"token": token}, key=False)

        assert (403, 403) == (answer.status, shown.status)
        assert "contoso-dev" not in shown.text
        assert () == await orders(world)


async def test_looking_approves_nothing() -> None:
    """
    A link preview gets a page without the plan; showing the plan uses nothing up; the second click does it.
    """
    async with asking(**LINK) as world:
        run = await asked(world)
        path, token = f"/runs/{run['run']}/approve", token_of(world)
        preview = await ask(world, "GET", path, key=False)
        shown = await ask(world, "POST", f"{path}/plan", form={"token": token}, key=False)
        nothing = await orders(world)
        form = {"digest": run["digest"], "token": token, "reason": ""}
        done = await ask(world, "POST", path, form=form, key=False)

        assert (200, False) == (preview.status, "contoso-dev" in preview.text)
        assert (200, True, ()) == (shown.status, token in shown.text, nothing)
        assert (200, 1) == (done.status, len(await orders(world)))


async def test_another_site_can_order_nothing() -> None:
    """
    What a browser sends because another site made it is refused, cookie or not.
    """
    async with asking(**SIGNED_IN) as world:
        run = await asked(world)
        who = principal(world, GROUP)
        tries = [
            await approve(world, run, headers={**who, "Origin": "https://evil.example"}),
            await approve(world, run, headers={**who, "Sec-Fetch-Site": "cross-site"}),
            await approve(world, run, headers={**who, "Origin": "null"}),
            await approve(world, run, headers={**who, "Origin": world.host.url}),
        ]

        assert [403, 403, 403, 202] == [answer.status for answer in tries]


@pytest.mark.parametrize(
    ("more", "ceiling", "stop", "results"),
    [
        ("", "enforce", False, {"converged"}),
        ("", "enforce", True, {"refused"}),
        ("    window: {days: [mon], from: '01:00', to: '02:00'}\n", "enforce", False, {"pending"}),
        ("", "report", False, {"planned"}),
    ],
    ids=["free", "stopped", "outside of the window", "ceiling at report"],
)
async def test_an_approval_passes_no_other_guard(more: str, ceiling: str, stop: bool, results: set[str]) -> None:
    """
    Stop, window and ceiling count for what is approved too.
    """
    text = desired("ask", more=APPROVERS + more)
    async with opened(text, ceiling=ceiling, settings=SIGNED_IN) as world:
        who = principal(world, GROUP)
        await touch(world)
        run = await newest(world)
        if stop:
            await ask(world, "POST", "/api/stop", {"reason": "INC7"}, headers=who)
        answer = await approve(world, run, headers=who)
        await world.settle(3600)
        last = await newest(world)

        assert results == {last["result"]}
        assert (ceiling == "report") == (answer.status == 403)
        assert (results == {"converged"}) == bool(world.writes())
