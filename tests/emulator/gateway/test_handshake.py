"""The listener's TLS: who is asked for a certificate, in which version, and what a stranger to it meets."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from emulator.certificates import ALWAYS, FOREVER, Bundle, Workshop
from emulator.gateway.caller import Answer, NoConnection, Version, call, connected
from emulator.gateway.http1 import Message, answer
from emulator.gateway.listener import Arrival, Listener

T = TypeVar("T")
WORKSHOP = Workshop(lambda: datetime(2026, 3, 1, tzinfo=UTC))
AUTHORITY = WORKSHOP.authority("CN=Test Authority", starts=ALWAYS, ends=FOREVER)
ROOT = WORKSHOP.authority("CN=Some Root")
CLIENT = WORKSHOP.leaf("CN=client", issued_by=ROOT)
EXPIRED = WORKSHOP.leaf("CN=old", issued_by=ROOT, starts=ALWAYS, ends=ALWAYS.replace(year=2001), key="rsa")


@dataclass(frozen=True)
class Door:
    host: str
    negotiates: bool


DOORS = {"asks.example": Door("asks.example", True), "open.example": Door("open.example", False)}


async def describe(arrival: Arrival[Door]) -> Message:
    shown = arrival.certificate.subject.rfc4514_string() if arrival.certificate else "nobody"
    return answer(200, "OK", {}, f"{shown} {len(arrival.message.body)}".encode())


@dataclass
class Bench:
    runner: asyncio.Runner
    address: tuple[str, int]
    ca_file: str

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def call(self, host: str, who: Bundle | None = None, **more: Any) -> Answer:
        shown = (who.chain_pem, who.key_pem) if who else None
        return self.run(call(self.address, host, "/", self.ca_file, client_certificate=shown, **more))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    ca_file: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca_file.write_text(AUTHORITY.pem)
    listener = Listener(lookup=DOORS.get, handler=describe, authority=lambda _: AUTHORITY, workshop=WORKSHOP)
    with asyncio.Runner() as runner:
        yield Bench(runner, runner.run(listener.start()), str(ca_file))
        runner.run(listener.stop())


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("door", DOORS.values(), ids=lambda door: door.host)
def test_a_certificate_is_asked_for_where_the_host_negotiates(bench: Bench, door: Door, tls: Version) -> None:
    """
    The client sees a certificate request on a negotiating host and on no other, in both versions of TLS.
    """
    seen = bench.call(door.host, CLIENT, tls=tls)

    assert (door.negotiates, f"TLSv{tls}") == (seen.asked_for_certificate, seen.tls_version)
    assert ("CN=client 0" if door.negotiates else "nobody 0") == seen.text


@pytest.mark.parametrize("who", [None, CLIENT, EXPIRED], ids=["none", "private-root", "expired"])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_any_certificate_gets_through_the_handshake(bench: Bench, who: Bundle | None, tls: Version) -> None:
    """
    The handshake judges no certificate, and asks without insisting.
    """
    assert 200 == bench.call("asks.example", who, tls=tls).status


@pytest.mark.parametrize("host", ["nobody.example", "ASKS.example.org"])
def test_an_unknown_host_meets_an_alert(bench: Bench, host: str) -> None:
    """
    A host that nobody serves ends in the handshake.
    """
    with pytest.raises(NoConnection, match="alert"):
        bench.call(host)


def test_the_server_proves_its_name(bench: Bench, tmp_path: Path) -> None:
    """
    The certificate shown is of the given authority; with another one the caller gives up.
    """
    other = tmp_path / "other.pem"
    other.write_text(WORKSHOP.authority("CN=Other", starts=ALWAYS, ends=FOREVER).pem)

    with pytest.raises(NoConnection, match="verify failed"):
        bench.run(call(bench.address, "open.example", "/", str(other)))


def test_a_line_serves_many_large_calls(bench: Bench) -> None:
    """
    A connection is kept for further calls, bodies of 200 KB included.
    """

    async def several() -> list[str]:
        async with connected(bench.address, "open.example", bench.ca_file) as line:
            return [(await line.call("/", method="POST", body=b"x" * size)).text for size in (200_000, 0, 65_536)]

    assert ["nobody 200000", "nobody 0", "nobody 65536"] == bench.run(several())


def test_an_answer_to_head_has_no_body(bench: Bench) -> None:
    """
    HEAD is answered by headers alone, so that the line stays in step.
    """

    async def twice() -> list[str]:
        async with connected(bench.address, "open.example", bench.ca_file) as line:
            return [(await line.call("/", method=method)).text for method in ("HEAD", "GET")]

    assert ["", "nobody 0"] == bench.run(twice())


def test_nonsense_is_answered_with_400(bench: Bench) -> None:
    """
    What is no HTTP gets a 400, and the listener lives on.
    """
    seen = bench.call("open.example", headers={"Content-Length": "many"})

    assert (400, 200) == (seen.status, bench.call("open.example").status)


def test_callers_do_not_wait_for_each_other(bench: Bench) -> None:
    """
    Many connections at once are served at once.
    """

    async def crowd() -> set[int]:
        calls = (call(bench.address, "asks.example", "/", bench.ca_file) for _ in range(8))
        return {seen.status for seen in await asyncio.gather(*calls)}

    assert {200} == bench.run(crowd())


def test_a_broken_handshake_harms_nobody(bench: Bench) -> None:
    """
    Bytes that are no TLS, and a connection that ends at once, leave the listener working.
    """

    async def disturb() -> None:
        for sent in (b"", b"GET / HTTP/1.1\r\n\r\n"):
            reader, writer = await asyncio.open_connection(*bench.address)
            writer.write(sent)
            writer.write_eof()
            await reader.read()
            writer.close()

    bench.run(disturb())

    assert 200 == bench.call("open.example").status
