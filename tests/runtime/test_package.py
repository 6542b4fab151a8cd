"""
What .funcignore leaves to be deployed: complete, nothing of ours that only serves here, and no library but those of
requirements.txt.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pathspec
import pytest
from packaging.requirements import Requirement

import function_app
from devhost.functions import read
from tests.runtime.app import ROOT, on_runtime

RULES = pathspec.GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())


def deployed() -> Iterator[Path]:
    """The files that azd and func put into the package, by the rules of .gitignore."""
    for here, folders, files in os.walk(ROOT):
        where = Path(here).relative_to(ROOT)
        folders[:] = [one for one in folders if not RULES.match_file(f"{where / one}/")]
        yield from (where / one for one in files if not RULES.match_file(str(where / one)))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what would be deployed."""
    folder = tmp_path_factory.mktemp("package")
    for file in deployed():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    return folder


def closure() -> dict[str, Distribution]:
    """The libraries of requirements.txt and all that they need here."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    found: dict[str, Distribution] = {}
    while wanted:
        requirement = wanted.pop()
        name = requirement.name.casefold()
        if name not in found and (not requirement.marker or requirement.marker.evaluate({"extra": ""})):
            found[name] = distribution(name)
            wanted += [Requirement(line) for line in found[name].requires or ()]
    return found


def test_only_what_runs_is_deployed(package: Path) -> None:
    """
    The package is the app, its libraries' names, and its settings; no test, no emulator, no command line.
    """
    expected = {"apimend", "remediators", "function_app.py", "host.json", "requirements.txt"}

    assert expected == {one.name for one in package.iterdir()} - {".funcignore", "desired.sample.yaml"}
    assert not (package / "apimend" / "commands").exists()


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(".azure/prod/.env", id="azd's parameters, the webhook among them"),
        pytest.param(".env", id="a developer's environment"),
        pytest.param("local.settings.json", id="the settings of Core Tools"),
        pytest.param(".apimend/apimend.db", id="a local ledger"),
        pytest.param(".git/config", id="the repository"),
        pytest.param("infra/events.parameters.json", id="parameters of a deployment"),
        pytest.param("tests/conftest.py", id="tests"),
    ],
)
def test_what_is_only_here_stays_here(file: str) -> None:
    """
    Neither secrets nor state of whoever deploys get into the package.
    """
    assert RULES.match_file(file)


def imported(package: Path) -> Iterator[tuple[str, str]]:
    """What the modules of the package import of others, each with who does."""
    for file in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            yield from ((str(file.relative_to(package)), name) for name in names)


def test_it_needs_no_library_but_those_of_its_requirements(package: Path) -> None:
    """
    Each import is of the package itself, of Python, or of a library that is deployed with it.
    """
    files = [str(file) for one in closure().values() for file in one.files or () if file.suffix == ".py"]
    modules = {file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in files}
    strange = []
    for file, name in imported(package):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or (package / top).is_dir() or (package / f"{top}.py").is_file():
            continue
        is_namespace = any(one.startswith(f"{name}.") for one in modules)
        if name not in modules and not is_namespace:
            strange.append(f"{file}: {name}")

    assert [] == strange


def test_it_imports_nothing_of_ours_that_stays_here(package: Path) -> None:
    """
    Each module of ours that a deployed module imports is deployed.
    """
    names = {(file, name) for file, name in imported(package) if (package / name.partition(".")[0]).is_dir()}
    places = {(file, name): package.joinpath(*name.split(".")) for file, name in names}

    assert [] == [at for at, place in places.items() if not place.is_dir() and not place.with_suffix(".py").is_file()]


def test_the_runtime_takes_it(package: Path, tmp_path: Path) -> None:
    """
    Microsoft's runtime indexes the package and gets an answer from it, pages with their templates included.
    """
    settings = {"APIMEND_STORAGE": f"sqlite:{tmp_path / 'apimend.db'}", "APIMEND_DESIRED_STATE": "desired.sample.yaml"}
    calls = [{"function": name, "kind": "http"} for name in ("health", "stylesheet", "runs_page")]
    report = on_runtime(package / "function_app.py", calls, scratch=tmp_path, settings=settings)

    assert {one.name for one in read(function_app.create())} == set(report.functions)
    assert ["", "", ""] == [one.error for one in report.results]
    assert [200, 200] == [one.status for one in report.results[:2]]
