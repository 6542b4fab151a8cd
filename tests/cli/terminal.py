"""
A terminal for the tests: runs `apimend` in this process beside the world, and keeps what it wrote.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from typer.testing import CliRunner

import cli
from apimend.ports import Clock
from apimend.wiring.command_line import Surroundings
from demo.world import World
from devhost.clock import VirtualClock
from remediators import ALL

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def body(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


def run(
    arguments: Sequence[str],
    environ: Mapping[str, str] | None = None,
    *,
    clock: Clock | None = None,
    answers: str = "",
) -> Said:
    """`apimend ARGUMENTS` in this process. A bug of the command line rises."""
    around = Surroundings(clock=clock or VirtualClock(NOON), environ=environ or {}, remediators=ALL, by="ada")
    result = CliRunner().invoke(cli.app, list(arguments), obj=around, input=answers)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(code=result.exit_code, out=result.stdout, err=result.stderr)


async def typed(world: World, *arguments: str, answers: str = "", environ: Mapping[str, str] | None = None) -> Said:
    """`apimend ARGUMENTS` with the settings of the world's app, while the world goes on."""
    around = {**world.environ, **(environ or {})}
    return await asyncio.to_thread(run, arguments, around, clock=world.clock, answers=answers)
