"""
What is ours: only what we put in is ever changed or taken out, and it is known when every old text has expired.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from apimend.model.runs import OrderKind
from apimend.policy import Document, same_policy
from apimend.storage import names
from demo.world import World
from tests.certificates.conftest import desired as declared
from tests.certificates.conftest import opened as opened_with_certificates
from tests.certificates.test_rotation import CLIENTS, SAID, accepted, live, renew, simple
from tests.engine.conftest import ID, INSTANCE, POLICY, checks, codes, opened, order, switch, touch
from tests.engine.test_long_work import LOST
from tests.engine.test_orders import last_with
from tests.job.conftest import desired

API = f"{INSTANCE}/apis/orders/policies/policy"
PIN = "A" * 40
FOREIGN = (
    "\t\t<choose>\r\n"
    '\t\t\t<when condition="@(context.Request.Certificate == null || context.Request.Certificate.Thumbprint != '
    f'&quot;{PIN}&quot;)">\r\n'
    "\t\t\t\t<return-response>\r\n"
    '\t\t\t\t\t<set-status code="403" reason="Partner only" />\r\n'
    "\t\t\t\t</return-response>\r\n"
    "\t\t\t</when>\r\n"
    "\t\t</choose>"
)
ELEMENT = (
    '\t\t<validate-client-certificate validate-trust="false" ignore-error="false">\r\n'
    f'\t\t\t<identities>\r\n\t\t\t\t<identity thumbprint="{PIN}" />\r\n\t\t\t</identities>\r\n'
    "\t\t</validate-client-certificate>"
)
GLOBAL_DOCUMENT = (
    "<policies>\r\n\t<inbound>\r\n{}\r\n\t</inbound>\r\n"
    "\t<backend>\r\n\t\t<forward-request />\r\n\t</backend>\r\n\t<outbound />\r\n\t<on-error />\r\n</policies>"
)
WITHOUT_BASE = (
    '<policies>\r\n\t<inbound>\r\n\t\t<set-variable name="a" value="b" />\r\n\t</inbound>\r\n'
    "\t<backend>\r\n\t\t<base />\r\n\t</backend>\r\n\t<outbound>\r\n\t\t<base />\r\n\t</outbound>\r\n"
    "\t<on-error>\r\n\t\t<base />\r\n\t</on-error>\r\n</policies>"
)
STRICTER = "validateTrust: false, validateNotAfter: false"


async def put(world: World, text: str, at: str = POLICY) -> None:
    """An author writes a document."""
    await world.arm("PUT", at, {"properties": {"format": "rawxml", "value": text}})


async def text_of(world: World, at: str = POLICY) -> str:
    return str((await world.arm("GET", at))["properties"]["value"])


def redeclare(world: World, before: str, after: str) -> None:
    """The operators declare something else."""
    said = world.desired_file.read_text(encoding="utf-8")
    world.desired_file.write_text(said.replace(before, after), encoding="utf-8")


async def expire(world: World, *containers: str) -> int:
    """The storage's lifecycle rule deletes what is old."""
    records = (await world.app.door.wired()).storage.records
    gone = [(name, record.key) for name in containers for record in [each async for each in records.list(name)]]
    for name, key in gone:
        await records.delete(name, key)
    return len(gone)


async def parked(world: World) -> int:
    return len(await (await world.app.door.wired()).parking.all())


async def released(world: World) -> None:
    await order(world, OrderKind.RELEASE)


async def relaxed(world: World) -> None:
    await order(world, OrderKind.RELAX, lasts=timedelta(hours=2))


async def absent(world: World) -> None:
    redeclare(world, "{action: enforce, validateTrust: false}", "{state: absent}")
    await touch(world)


async def removed(world: World) -> None:
    """Somebody takes our check out, and leaves his own."""
    await put(world, GLOBAL_DOCUMENT.format(FOREIGN))
    await world.settle()


DEEDS = {
    "release": (released, "nothing"),
    "relax": (relaxed, "observe"),
    "state absent": (absent, "nothing"),
    "repair": (removed, "refuse"),
}


@pytest.mark.parametrize(("deed", "left"), DEEDS.values(), ids=DEEDS)
async def test_an_authors_check_beside_ours_stays_as_it_is(deed: Callable[[World], Awaitable[None]], left: str) -> None:
    """
    I2: a check that stood there before ours is not a byte different after release, relax, absence and repair.
    """
    async with opened() as world:
        await put(world, GLOBAL_DOCUMENT.format(FOREIGN))
        await touch(world)
        before = (await checks(world), FOREIGN in await text_of(world))
        await deed(world)

        assert ("refuse", True) == before
        assert (left, True) == (await checks(world), FOREIGN in await text_of(world))


@pytest.mark.parametrize("at", [POLICY, API], ids=["global", "an API's"])
async def test_an_authors_element_that_came_later_stays(at: str) -> None:
    """
    Ours follows what is declared, and goes by release; what the author put beside it meanwhile stays.
    """
    async with opened() as world:
        if at == API:
            await put(world, WITHOUT_BASE, API)
        await touch(world)
        ours = await text_of(world, at)
        await put(world, ours.replace("\r\n\t</inbound>", f"\r\n{ELEMENT}\r\n\t</inbound>", 1), at)
        redeclare(world, "validateTrust: false", STRICTER)
        await touch(world)
        changed = await text_of(world, at)
        await order(world, OrderKind.RELEASE)
        after = await text_of(world, at)

    assert (2, 1) == (changed.count("<validate-client-certificate"), after.count("<validate-client-certificate"))
    assert 'validate-not-after="false"' in changed
    assert ELEMENT in after


async def test_of_two_that_say_the_same_ours_alone_is_touched() -> None:
    """
    Somebody copies our check: relax lets go of one, and the copy is the author's.
    """
    async with opened() as world:
        await touch(world)
        text = await text_of(world)
        start, end = text.index("<validate-client"), text.index("</validate-client-certificate>")
        copy = text[start:end] + "</validate-client-certificate>"
        await put(world, text.replace("</inbound>", f"\t{copy}\r\n\t</inbound>"))
        await order(world, OrderKind.RELAX, lasts=timedelta(hours=2))
        after = await text_of(world)

    assert (1, 1) == (after.count('ignore-error="true"'), after.count('ignore-error="false"'))


async def test_a_write_without_an_answer_is_ours_all_the_same() -> None:
    """
    I6: whatever became of a write that nobody answered, what came of it is taken out by release.
    """
    async with opened() as world:
        before = await text_of(world)
        world.azure.faults.add(method="PUT", path="*/policies/policy", status=503, times=5)
        await touch(world)
        await world.settle(3600)
        enforced = await checks(world)
        await order(world, OrderKind.RELEASE)

        assert ("refuse", "nothing") == (enforced, await checks(world))
        assert same_policy(Document.parse(before), Document.parse(await text_of(world)))


GONE = {
    "pre-images": (names.PREIMAGES,),
    "pre-images, intents and runs": (names.PREIMAGES, names.INTENTS, names.RUNS),
}


@pytest.mark.parametrize("containers", GONE.values(), ids=GONE)
async def test_orders_are_carried_out_when_every_text_has_expired(containers: tuple[str, ...]) -> None:
    """
    Break-glass and release do what they do on the first day, and no visit is parked.
    """
    async with opened() as world:
        await touch(world)
        assert 0 < await expire(world, *containers)
        await order(world, OrderKind.RELAX, lasts=timedelta(hours=2))
        relaxed_to = await checks(world)
        await order(world, OrderKind.RELEASE)

        assert ("observe", "nothing", 0) == (relaxed_to, await checks(world), await parked(world))


async def test_visits_go_on_when_texts_have_expired() -> None:
    """
    A check that somebody took out is put back, an attached certificate that went is attached, and nothing is parked.
    """
    async with opened() as world:
        before = await text_of(world)
        await touch(world)
        await expire(world, names.PREIMAGES)
        await put(world, before)
        await world.settle()
        await world.arm("DELETE", f"{INSTANCE}/certificates/partner-a", None, **{"If-Match": "*"})
        await world.settle(3600)
        attached = (await world.arm("GET", f"{INSTANCE}/certificates"))["value"]

        assert ("refuse", 1, 0) == (await checks(world), len(attached), await parked(world))
        assert "rule_failed" not in await codes(world)


async def test_a_vanished_negotiation_is_told_when_texts_have_expired() -> None:
    """
    R4: callers are let in as declared, however old the check is.
    """
    async with opened(desired(more=LOST)) as world:
        await touch(world)
        await expire(world, names.PREIMAGES, names.INTENTS, names.RUNS)
        await switch(world, on=False)
        await world.settle(180 + 60)

        assert "observe" == await checks(world)
        assert "negotiation_lost" in await codes(world)


async def test_a_renewal_is_pinned_when_texts_have_expired() -> None:
    """
    A client's new certificate is accepted beside the old one, though the check was written long ago.
    """
    async with opened_with_certificates(declared(SAID, catalogue=CLIENTS, negotiate=True), alter=simple) as world:
        await live(world)
        await expire(world, names.PREIMAGES)
        await renew(world)

        assert ["partner", "partner-next"] == await accepted(world)


async def test_only_the_undo_of_what_has_expired_is_refused() -> None:
    """
    Undo says that what was there before is no longer kept; nothing is written.
    """
    async with opened() as world:
        await touch(world)
        run = await last_with(world, "policy")
        records = (await world.app.door.wired()).storage.records
        for record in [each async for each in records.list(names.PREIMAGES, names.INTENTS)]:
            await records.delete(names.PREIMAGES, record.key)
        mark = world.mark()
        await order(world, OrderKind.UNDO, run=run)
        refused = next(one for one in await world.runs() if one["result"] == "refused")
        _, detail = await world.http("GET", refused["detail"])

        assert [("undo_refused", "What was there before was kept for a time that is over.")] == [
            (finding["code"], finding["whyLeft"]) for finding in detail["findings"]
        ]
        assert ([], 0) == (world.writes(mark), await parked(world))


async def test_what_was_written_before_it_was_noted_is_known() -> None:
    """
    A ledger from before what is ours was noted: the writes themselves tell it, once.
    """
    async with opened() as world:
        await put(world, GLOBAL_DOCUMENT.format(FOREIGN))
        await touch(world)
        ledger = (await world.app.door.wired()).storage.ledger
        progress = await ledger.progress(ID)
        targets = tuple(ID.child(path) for path in progress.own)
        await ledger.save_progress(replace(progress, own={}, checks=targets))
        await touch(world)
        await expire(world, names.PREIMAGES)
        await order(world, OrderKind.RELEASE)

        assert ("nothing", True) == (await checks(world), FOREIGN in await text_of(world))
        assert progress.own.keys() == (await ledger.progress(ID)).own.keys() | progress.own.keys()
