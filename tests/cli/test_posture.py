"""
`apimend posture`: the security baseline at a terminal, in every form.
"""

import json

import pytest

from tests.cli.terminal import typed
from tests.job.conftest import desired, opened


async def test_it_says_what_to_do() -> None:
    """
    Score, what would raise it most, evidence and what to do stand on the screen; nothing is written.
    """
    async with opened(desired("report")) as world:
        mark = world.mark()
        said = await typed(world, "posture", "contoso-dev")

        assert (0, []) == (said.code, world.writes(mark))
        assert "Would raise it most" in said.out
        assert "D11" in said.out
        assert "What to do" in said.out


@pytest.mark.parametrize("form", ["json", "sarif", "ocsf"])
async def test_programs_get_json(form: str) -> None:
    """
    The forms for programs are JSON and nothing else.
    """
    async with opened(desired("report")) as world:
        said = await typed(world, "posture", "contoso-dev", "--format", form)

        assert json.loads(said.out)


async def test_a_score_can_be_demanded() -> None:
    """
    A score below what is demanded ends with 3.
    """
    async with opened(desired("report")) as world:
        said = await typed(world, "posture", "contoso-dev", "--at-least", "100")

        assert 3 == said.code
