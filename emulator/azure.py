"""
The local Azure: what it is made of, and how it starts, stops and moves in time.

Tests, devhost, the demo and `python -m emulator` make a `LocalAzure` and enter it. There is no global state: many can
live in one process. It starts no background task; whoever owns the clock asks `next_due()` and calls `advance()`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, TypeVar

from emulator.arm import catalogue
from emulator.arm.front import Front
from emulator.arm.provider import Provider
from emulator.certificates import ALWAYS, FOREVER, Bundle, Workshop
from emulator.clock import Offset, Waiting
from emulator.control import register as register_control
from emulator.faults import Faults
from emulator.identity import Identity
from emulator.listeners import Listeners
from emulator.log import CallLog, Watcher
from emulator.options import Options
from emulator.parts import Part
from emulator.routes import RouteTable
from emulator.seed import plant
from emulator.store import Store
from emulator.tenant import Tenant
from emulator.vault.plane import VaultPlane

PartFactory = Callable[["LocalAzure"], Part]
Kind = TypeVar("Kind")


@dataclass
class Endpoints:
    """
    Where everything listens; complete once the emulator has started. `topic`, `teams` and `gateway` are filled in by
    their parts.
    """

    arm: str = ""
    login: str = ""
    identity: str = ""
    identity_header: str = "local-identity-header"
    control: str = ""
    vault_suffix: str = ""
    topic: str = ""
    teams: str = ""
    gateway: tuple[str, int] = ("127.0.0.1", 0)
    further: dict[str, str] = field(default_factory=dict)


class LocalAzure:
    """
    One Azure on loopback. `watchers` see every exchange of every local Azure in the process: a test run checks them.
    """

    watchers: ClassVar[list[Watcher]] = []

    def __init__(
        self,
        tenant: Tenant | Mapping[str, Any],
        *,
        now: Callable[[], datetime],
        options: Options | None = None,
        parts: Sequence[PartFactory] = (),
    ) -> None:
        self.tenant = tenant if isinstance(tenant, Tenant) else Tenant.of(tenant)
        self.options = options or Options()
        self.clock = Offset(now)
        self.now = self.clock.now
        self.endpoints = Endpoints()
        self.store = Store()
        self.log = CallLog()
        self.faults = Faults(self.options.seed)
        self.waiting = Waiting()
        self.workshop = Workshop(self.now)
        self.certificates: dict[str, Bundle] = {}
        self.authority = self.workshop.authority("CN=Local Azure, O=Emulator", starts=ALWAYS, ends=FOREVER)
        self.identity = Identity(self)
        self.vaults = VaultPlane(self)
        self.provider = Provider(self)
        self.table = RouteTable()
        self.front = Front(self)
        self.listeners = Listeners(self)
        self.parts: list[Part] = [make(self) for make in parts]
        self._started: list[Part] = []
        self.in_flight = 0
        self.ca_file = ""
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def certificate(self, name: str) -> Bundle:
        """
        A certificate that the tenant declares under `certificates` or `authorities`, with its private key.
        """
        return self.certificates[name]

    def part(self, kind: type[Kind]) -> Kind:
        """
        The part of one kind: `azure.part(EventGrid)`.
        """
        for part in self.parts:
            if isinstance(part, kind):
                return part
        raise LookupError(f"this local Azure has no {kind.__name__}")

    def vault_url(self, name: str, *, plain: bool = False) -> str:
        """
        The base URL of a vault; `plain` avoids names under .localhost, which not every machine resolves.
        """
        if plain:
            return f"https://localhost:{self.listeners.vault_ports[name.casefold()]}"
        return f"https://{name}{self.endpoints.vault_suffix}"

    def next_due(self) -> datetime | None:
        """
        The earliest moment at which `advance` will have something to do; None when nothing is pending.
        """
        moments = [self.waiting.next_due(), self.provider.next_due(), *(part.next_due() for part in self.parts)]
        return min((moment for moment in moments if moment is not None), default=None)

    async def advance(self) -> None:
        """
        Do all that is due now.
        """
        self.waiting.release(self.now())
        self.provider.advance()
        for part in self.parts:
            await part.advance()

    def lay_out(self) -> RouteTable:
        """
        Fill the table of routes; called once, by the start or by whoever only wants to see them.
        """
        catalogue.register(self)
        register_control(self)
        for part in self.parts:
            part.routes(self.table)
        return self.table

    async def __aenter__(self) -> LocalAzure:
        self.lay_out()
        self._write_authority()
        try:
            await self.listeners.start()
            plant(self)
            self.store.settle()
            for part in self.parts:
                await part.start()
                self._started.append(part)
        except BaseException:  # what has started is stopped: raised again
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        while self._started:
            await self._started.pop().stop()
        await self.listeners.stop()
        if self._folder is not None:
            self._folder.cleanup()

    def _write_authority(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="local-azure-", ignore_cleanup_errors=True)
        self.ca_file = str(Path(self._folder.name) / "ca.pem")
        Path(self.ca_file).write_text(self.authority.pem)
