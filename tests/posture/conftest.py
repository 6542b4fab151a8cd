"""
What the controls come to on the tenant and with each change to it: looked at once, asked by many tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from apimend.model.posture import Assessment
from tests.posture.stand import DESIRED, standing
from tests.posture.tenant import FAILING, PASSING, SERVICE, Edit

TIERS = ("Developer", "Basic", "Standard", "Premium", "Consumption", "BasicV2", "StandardV2", "PremiumV2", "Isolated")

Looked = Mapping[str, Assessment]


@dataclass
class Looks:
    """The looks, by what was changed."""

    base: Looked = field(default_factory=dict)
    failing: dict[str, Looked] = field(default_factory=dict)
    passing: dict[str, Looked] = field(default_factory=dict)
    tiers: dict[str, Looked] = field(default_factory=dict)


async def _look_at_all() -> Looks:
    looks = Looks()
    bare = replace(DESIRED, attestations=())
    async with standing() as stand:
        looks.base = await stand.look()
        for control, edits in FAILING.items():
            looks.failing[control] = await stand.look(*edits, desired=bare)
        for control, edits in PASSING.items():
            looks.passing[control] = await stand.look(*edits)
        for tier in TIERS:
            looks.tiers[tier] = await stand.look(Edit(SERVICE, "sku/name", tier))
    return looks


@pytest.fixture(scope="session")
def looks() -> Looks:
    """Everything, looked at in one go: a local Azure is started once."""
    return asyncio.run(_look_at_all())
