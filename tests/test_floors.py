"""
The floors that import-linter can't see: plain modules, the standard library, and the exact list of what may be used.

The contracts in .importlinter hold the packages apart; these tests read the sources.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("apimend", "benchmarks", "cli", "demo", "devhost", "emulator", "function_app", "remediators", "script", "tests")
NETWORK = ("ftplib", "http", "smtplib", "socket", "ssl", "subprocess", "urllib.request")


def within(name: str, modules: Iterable[str]) -> bool:
    """Whether a name is one of the modules, or something in one."""
    return any(f"{name}.".startswith(f"{each}.") for each in modules)


def sources(*names: str) -> list[Path]:
    """The Python files of packages and plain modules, of those that are there."""
    found = [ROOT / f"{name}.py" for name in names if (ROOT / f"{name}.py").exists()]
    return found + [path for name in names for path in sorted((ROOT / name).rglob("*.py"))]


def imports(path: Path) -> Iterator[str]:
    """The full name of everything that a file imports, relative imports resolved."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def of_ours(*names: str, but: tuple[str, ...]) -> list[str]:
    """What these import of our tree besides the allowed modules and what lies in them, as `file: module`."""
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(*names)
        for name in imports(path)
        if name.partition(".")[0] in OURS and not within(name, but)
    ]


def of_strangers(*names: str, but: tuple[str, ...] = ()) -> list[str]:
    """What these import of neither our tree nor the standard library (its network not counted), as `file: module`."""
    known = sys.stdlib_module_names | set(OURS) | set(but)
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(*names)
        for name in imports(path)
        if name.partition(".")[0] not in known or within(name, NETWORK)
    ]


@pytest.mark.parametrize("name", ["function_app", "cli"])
def test_the_doors_know_wiring_and_the_rules(name: str) -> None:
    """
    The function app and the command line import the composition root and the rules, and nothing else of ours.
    """
    assert sources(name), f"{name}.py is not there"
    assert [] == of_ours(name, but=("apimend.wiring", "remediators"))


def test_the_model_stands_on_the_standard_library() -> None:
    """
    The model imports itself and the standard library.
    """
    assert [] == of_ours("apimend/model", but=("apimend.model",)) + of_strangers("apimend/model")


def test_a_rule_sees_the_model_policies_and_ports() -> None:
    """
    A rule imports no other part of ours, nothing of the network or of Azure; reading certificates is pure.
    """
    allowed = tuple(
        f"apimend.{name}"
        for name in (
            "attachable",
            "checkchange",
            "clients",
            "demand",
            "evidence",
            "fetchable",
            "fetches",
            "inventory",
            "mends",
            "model",
            "ours",
            "policy",
            "ports",
            "posture",
            "reach",
            "regionseen",
            "standards",
            "survey",
        )
    )
    found = of_ours("remediators", but=allowed) + of_strangers("remediators", but=("cryptography",))

    gathers = ("remediators/__init__.py: remediators.", "remediators/posture/__init__.py: remediators.posture.")

    assert [] == [each for each in found if not each.startswith(gathers)]


def test_the_emulator_imports_nothing_of_ours() -> None:
    """
    The emulator knows only itself: a shared mistake would hide.
    """
    assert [] == of_ours("emulator", but=("emulator",))


def test_the_local_host_knows_the_embedded_queue_alone() -> None:
    """
    Of Apimend the local host imports the function app and its embedded queue.
    """
    assert [] == of_ours("devhost", but=("devhost", "function_app", "apimend.storage.sqlite"))


def test_nothing_imports_the_tests() -> None:
    """
    No product code imports tests, benchmarks or scripts.
    """
    product = ("apimend", "remediators", "emulator", "devhost", "function_app", "cli")

    assert [] == of_ours(*product, but=product)
