"""
Just enough HTTP/1.1 for small calls over the gateway's own TLS: messages in, messages out.

The listener reads requests with it, the caller reads answers; aiohttp cannot serve here because its transport would
have to be Python's own TLS, which refuses an unverified client certificate. No HTTP/2, no upgrades, no trailers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from multidict import CIMultiDict

MOST_HEADER_BYTES = 65_536
MOST_BODY_BYTES = 16 * 1024 * 1024


class Malformed(ValueError):
    """
    The bytes are not a message of HTTP/1.1, or a larger one than is read here.
    """


class Ended(ConnectionError):
    """
    The other side closed the connection in the middle of a message.
    """


@dataclass(frozen=True, kw_only=True)
class Message:
    """
    A request or an answer: its first line in three words, its headers, its whole body.
    """

    first: tuple[str, str, str]
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    body: bytes = b""

    @property
    def keeps_alive(self) -> bool:
        return self.headers.get("Connection", "").casefold() != "close"

    def encoded(self) -> bytes:
        lines = [" ".join(self.first), *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""]).encode("latin-1") + self.body


def request(method: str, path: str, host: str, headers: Mapping[str, str], body: bytes) -> Message:
    return Message(first=(method, path, "HTTP/1.1"), headers=CIMultiDict({"Host": host, **headers}), body=body)


def answer(status: int, reason: str, headers: Mapping[str, str], body: bytes) -> Message:
    return Message(first=("HTTP/1.1", str(status), reason), headers=CIMultiDict(headers), body=body)


class Messages:
    """
    The messages that arrive one after another on one connection.
    """

    def __init__(self, read: Callable[[], Awaitable[bytes]]) -> None:
        self._read = read
        self._buffer = bytearray()

    async def next(self) -> Message | None:
        """
        The next message, or None when the other side has closed between two.
        """
        while not self._buffer:
            if not await self._more():
                return None
        head = (await self._until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        words = head[0].split(" ", 2)
        if len(words) < 3 or not (words[0].startswith("HTTP/1.") or words[2].startswith("HTTP/1.")):
            raise Malformed(f"not a first line of HTTP/1.1: {head[0][:80]!r}")
        headers = CIMultiDict(_header(line) for line in head[1:])
        return Message(first=(words[0], words[1], words[2]), headers=headers, body=await self._body(headers))

    async def _body(self, headers: CIMultiDict[str]) -> bytes:
        if headers.get("Transfer-Encoding", "").casefold() == "chunked":
            return await self._chunks()
        length = headers.get("Content-Length", "0")
        if not length.isdecimal():
            raise Malformed(f"not a length: {length[:80]!r}")
        return await self._exactly(int(length))

    async def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            digits = (await self._until(b"\r\n")).split(b";")[0].strip()
            try:
                size = int(digits, 16)
            except ValueError as odd:
                raise Malformed(f"not the size of a chunk: {digits[:80]!r}") from odd
            body += await self._exactly(size)
            await self._until(b"\r\n")
            if not size:
                return bytes(body)

    async def _until(self, mark: bytes) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > MOST_HEADER_BYTES:
                raise Malformed("the header is too long")
            if not await self._more():
                raise Ended("the connection ended inside a header")
        return self._take(end, len(mark))

    async def _exactly(self, size: int) -> bytes:
        if size > MOST_BODY_BYTES:
            raise Malformed(f"a body of {size} bytes is not read here")
        while len(self._buffer) < size:
            if not await self._more():
                raise Ended("the connection ended inside a body")
        return self._take(size, 0)

    async def _more(self) -> bool:
        data = await self._read()
        self._buffer += data
        return bool(data)

    def _take(self, size: int, mark: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[: size + mark]
        return taken


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise Malformed(f"not a header: {line[:80]!r}")
    return name, value.strip()
