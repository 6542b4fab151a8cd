"""The page about the gateway names all that it plays."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from emulator import Options
from emulator.gateway.elements import STEPS
from emulator.gateway.members import MEMBERS, TEXT_METHODS
from emulator.gateway.pipeline import WRAPPERS

PAGE = (Path(__file__).parents[3] / "docs" / "gateway.md").read_text()
CODE = frozenset(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)))


@pytest.mark.parametrize("name", sorted({*STEPS, *WRAPPERS, *TEXT_METHODS}))
def test_every_policy_is_named(name: str) -> None:
    """
    Each policy and each method that the gateway plays stands on the page.
    """
    assert name in CODE


@pytest.mark.parametrize("member", sorted(MEMBERS))
def test_every_member_is_named(member: str) -> None:
    """
    Each member that a condition may use stands on the page, below the object it belongs to.
    """
    parts = member.split(".")
    splits = [(".".join(parts[:at]), ".".join(parts[at:])) for at in range(1, len(parts))]

    assert member in CODE or any({above, below} <= CODE for above, below in splits)


def test_every_option_exists() -> None:
    """
    The options that the page names are options.
    """
    named = re.findall(r"`(\w+)`", PAGE.partition("## What is not known")[2])

    assert set(named) <= {field.name for field in dataclasses.fields(Options)}
