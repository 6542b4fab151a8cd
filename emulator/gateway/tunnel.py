"""
One TLS connection driven by hand: pyOpenSSL on memory buffers, asyncio streams beneath.

Used by the listener (server side) and by the caller and the forwarder (client side). Python's own `ssl` accepts no
unverified client certificate, which is exactly what Azure's gateway does; hence OpenSSL itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from OpenSSL import SSL

T = TypeVar("T")
CHUNK = 65_536
RECORD = 16_384


class Tunnel:
    """
    Handshake, read, write and close, each waiting for the network where TLS has to.
    """

    def __init__(self, tls: SSL.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tls = tls
        self._reader = reader
        self._writer = writer

    async def shake_hands(self) -> None:
        """
        Complete the handshake; SSL.Error when it fails, after the alert has gone out.
        """
        try:
            await self._step(self.tls.do_handshake)
        finally:
            await self._flush()

    async def read(self) -> bytes:
        """
        Some decrypted bytes, or none when the other side is done.
        """
        try:
            return await self._step(lambda: self.tls.recv(CHUNK))
        except (SSL.ZeroReturnError, SSL.SysCallError):
            return b""
        finally:
            await self._flush()

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), RECORD):
            self.tls.sendall(data[start : start + RECORD])
        await self._flush()

    async def close(self) -> None:
        try:
            self.tls.shutdown()
            await self._flush()
        except (SSL.Error, ConnectionError):
            pass
        self._writer.close()

    async def _step(self, step: Callable[[], T]) -> T:
        while True:
            try:
                return step()
            except SSL.WantReadError:
                await self._flush()
            data = await self._reader.read(CHUNK)
            if not data:
                raise SSL.SysCallError(-1, "Unexpected EOF")
            self.tls.bio_write(data)

    async def _flush(self) -> None:
        while True:
            try:
                self._writer.write(self.tls.bio_read(CHUNK))
            except SSL.WantReadError:
                break
        if not self._writer.is_closing():
            await self._writer.drain()
