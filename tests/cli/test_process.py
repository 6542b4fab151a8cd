"""
`apimend` as a process of its own: what a shell and a pipeline see.
"""

import asyncio
import os
import sys
from pathlib import Path

from demo.serve import settings_file
from tests.cli.terminal import Said
from tests.job.conftest import desired, opened

ROOT = Path(__file__).parents[2]
BARE = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


async def started(*arguments: str, environ: dict[str, str] | None = None, answers: str = "") -> Said:
    """`python cli.py ARGUMENTS` with nothing of this process' environment but what a shell has."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "cli.py"),
        *arguments,
        env={**BARE, **(environ or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(answers.encode())
    return Said(code=process.returncode or 0, out=out.decode(), err=err.decode())


async def test_a_plan_against_the_local_azure() -> None:
    """
    With the settings in a file and nothing else, a plan is made; the exit code says that there are changes.
    """
    async with opened(desired("report")) as world:
        said = await started("plan", "contoso-dev", "--settings", str(settings_file(world)))

        assert (2, "", True) == (said.code, said.err, "contoso-dev  Dry run. 3 changes planned." in said.out)


async def test_an_answer_through_a_pipe() -> None:
    """
    `yes | apimend apply` applies.
    """
    async with opened(desired("enforce")) as world:
        said = await started("apply", "contoso-dev", "--settings", str(settings_file(world)), answers="y\n")

        assert (2, 2) == (said.code, len(world.writes()))


async def test_a_terminal_that_knows_ascii_only() -> None:
    """
    Characters that the output can't hold are replaced; nothing breaks off.
    """
    said = await started("--help", environ={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})

    assert (0, "", True) == (said.code, said.err, said.out.isascii())


async def test_a_reader_that_goes_away() -> None:
    """
    `apimend … | head -1` ends without a traceback.
    """
    command = f"{sys.executable} {ROOT / 'cli.py'} validate {ROOT / 'README.md'} -o json | head -c 1"
    process = await asyncio.create_subprocess_shell(command, stderr=asyncio.subprocess.PIPE, stdout=-3, env=BARE)
    _, err = await process.communicate()

    assert b"Traceback" not in err


async def test_the_app_runs_without_what_draws_on_terminals() -> None:
    """
    What the command line needs besides is not deployed: the function app imports where neither is installed.
    """
    code = "import sys; sys.modules |= {'rich': None, 'typer': None}; import function_app"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, env=BARE)

    assert 0 == await process.wait()
