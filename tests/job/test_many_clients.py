"""
More clients than one element takes: the check looks through the attached certificates, and says so (R12, R15).
"""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from demo.world import TENANTS, World, open_world
from emulator.tenant import Tenant, load_tenant
from tests.job.conftest import HOST, INSTANCE
from tests.job.test_header import key
from tests.job.test_policies import text_of
from tests.job.test_tiers import codes, replayed

COUNT = 11
NAMES = tuple(f"partner-{number}" for number in range(COUNT))
GLOBAL = f"{INSTANCE}/policies/policy"


@asynccontextmanager
async def opened(more: str = "") -> AsyncIterator[World]:
    """The small tenant with eleven clients, each known by his certificate; `more` is said of the instance."""
    content = dict(load_tenant(TENANTS / "small.yaml").content)
    made = {name: {"subject": f"CN={name}, O=Contoso", "issued_by": "clients-ca"} for name in NAMES}
    content["certificates"] = {**content["certificates"], **made}
    async with open_world(Tenant.of(content), desired="version: 1\n") as world:
        clients = "".join(f"  {name}: {{pem: {json.dumps(world.azure.certificate(name).pem)}}}\n" for name in NAMES)
        world.desired_file.write_text(
            f"version: 1\nclients:\n{clients}instances:\n"
            "  - name: development\n    match: {name: contoso-dev}\n    mode: enforce\n    arrives: direct\n"
            f"    clients: [{', '.join(NAMES)}]\n    check: {{action: enforce, validateTrust: false}}\n{more}"
        )
        yield world


async def statuses(world: World, *callers: str) -> set[int]:
    """What these callers get; an empty name has no certificate."""
    headers = key(world)
    return {(await world.call(HOST, "/echo/", certificate=who, headers=headers)).status for who in callers}


def said(run: dict[str, Any]) -> bool:
    """Whether a run explains the form of its check."""
    return any("context.Deployment.Certificates.Any" in note for note in run["notes"])


async def test_eleven_clients_get_in_and_nobody_else() -> None:
    """
    All are attached and get in over TLS; a stranger and a caller without a certificate don't; the run says how.
    """
    async with opened() as world:
        run = await replayed(world, INSTANCE)

        assert {200} == await statuses(world, *NAMES)
        assert {403} == await statuses(world, "stranger", "")
        assert (100, True) == (run["coverage"]["before"]["percent"], said(run))
        assert "context.Deployment.Certificates.Any" in text_of(world, GLOBAL)


async def test_whoever_gets_attached_gets_in_and_it_is_told() -> None:
    """
    The other direction: a stranger's certificate is attached for another purpose. He gets in, and nothing is covered.
    """
    async with opened() as world:
        await replayed(world, INSTANCE)
        pfx = {"data": base64.b64encode(world.azure.certificate("stranger").pfx("x")).decode(), "password": "x"}
        await world.arm("PUT", f"{INSTANCE}/certificates/for-a-backend", {"properties": pfx})
        run = await replayed(world, INSTANCE)

        assert {200} == await statuses(world, "stranger")
        assert "attached_admits_others" in codes(run)
        assert {"weaker"} == set(run["coverage"]["before"]["verdicts"])
