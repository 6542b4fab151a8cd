"""The gateway's own HTTP/1.1 reads what callers send, in any pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from emulator.gateway.http1 import Ended, Malformed, Message, Messages


def messages(*pieces: bytes) -> Messages:
    waiting: Iterator[bytes] = iter(pieces)

    async def read() -> bytes:
        return next(waiting, b"")

    return Messages(read)


def read_all(*pieces: bytes) -> list[Message]:
    async def read() -> list[Message]:
        found, source = [], messages(*pieces)
        while (message := await source.next()) is not None:
            found.append(message)
        return found

    return asyncio.run(read())


GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 1000], ids=["byte-by-byte", "odd-pieces", "at-once"])
def test_pieces_make_no_difference(size: int) -> None:
    """
    Messages are found wherever the network cuts them.
    """
    stream = GET + POST + CHUNKED

    found = read_all(*(stream[at : at + size] for at in range(0, len(stream), size)))

    assert [("/a", b""), ("/b", b"abc"), ("/c", b"abcde")] == [(one.first[1], one.body) for one in found]


def test_what_is_written_can_be_read() -> None:
    """
    An encoded message comes back the same, with its length added.
    """
    sent = Message(first=("HTTP/1.1", "403", "Not Allowed Here"), body=b"x" * 200_000)

    (found,) = read_all(sent.encoded())

    assert (sent.first, sent.body, "200000") == (found.first, found.body, found.headers["content-length"])


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        pytest.param(b"nonsense\r\n\r\n", Malformed, id="no-http"),
        pytest.param(b"GET / HTTP/1.1\r\nno colon\r\n\r\n", Malformed, id="bad-header"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", Malformed, id="bad-length"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", Malformed, id="huge"),
        pytest.param(b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", Malformed, id="bad-chunk"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000, Malformed, id="endless-header"),
        pytest.param(b"GET / HTTP/1.1\r\n", Ended, id="cut-header"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", Ended, id="cut-body"),
    ],
)
def test_what_is_no_message_is_refused(stream: bytes, error: type[Exception]) -> None:
    """
    Nonsense and cut-off messages are told apart from a connection that ended in order.
    """
    with pytest.raises(error):
        read_all(stream)
