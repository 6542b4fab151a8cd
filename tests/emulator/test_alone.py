"""The emulator as a program of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import emulator
from emulator.__main__ import arguments, main, options_of

FOLDER = Path(emulator.__file__).parent


@pytest.fixture(scope="module")
def announced() -> Iterator[str]:
    """
    What a running `python -m emulator` prints.
    """
    command = [sys.executable, "-m", "emulator", "--update-seconds", "1"]
    with subprocess.Popen(command, cwd=FOLDER.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "\n")
        yield "".join(lines)
        process.terminate()  # an interrupt is ignored where the tests were started in the background


def test_it_says_where_everything_listens(announced: str) -> None:
    """
    The start-up message names ARM, identity, gateways, vaults, control, the CA file and a first call.
    """
    for words in (
        "Azure Resource Manager",
        "managed identity",
        "API gateways",
        "vault kv-contoso-dev",
        "CA cert",
        "curl",
    ):
        assert words in announced


def test_its_control_answers(announced: str) -> None:
    """
    The printed health address answers with the endpoints.
    """
    found = re.search(r"http://\S+/_emulator/health", announced)
    assert found is not None
    with urllib.request.urlopen(found[0]) as answer:
        health = json.load(answer)

    assert "ok" == health["status"]
    assert health["arm"] in announced


def test_a_tenant_that_isnt_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A missing tenant file ends in one clear line and status 2.
    """
    assert 2 == main(["--tenant", "/nowhere.yaml"])
    assert "can't start" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("services: [", "is no YAML", id="syntax"),
        pytest.param("[]", "a tenant is a mapping", id="a list"),
        pytest.param("servces: []", "unknown members of a tenant: servces", id="misspelt"),
        pytest.param("services: 5", "services is a list", id="no list"),
        pytest.param("services: [5]", "services[0] is a mapping", id="no mapping"),
        pytest.param("services: [{}]", "services[0]: there is no 'name'", id="no name"),
        pytest.param("services: [{name: a, hostname: []}]", "services[0]: unknown: hostname", id="member"),
        pytest.param("services: [{name: a, apis: [{}]}]", "services[0]: there is no 'id'", id="below"),
        pytest.param("services: [{name: a, policy: <p}]", "services[0]: ", id="policy"),
        pytest.param("roles: [{role: x}]", "roles[0]: unknown role x", id="role"),
        pytest.param("certificates: {a: {subject: CN=a, ends: soon}}", "not a duration: 'soon'", id="duration"),
    ],
)
def test_a_tenant_that_cannot_be_meant_is_told(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    What is wrong in a tenant file is said in one line, with its place.
    """
    file = tmp_path / "tenant.yaml"
    file.write_text(text, encoding="utf-8")

    assert 2 == main(["--tenant", str(file)])
    assert said in capsys.readouterr().err


def test_an_option_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """
    So is an option by a wrong name.
    """
    assert 2 == main(["--set", "pagesize=3"])
    assert "is no option" in capsys.readouterr().err


def test_updates_are_shortened() -> None:
    """
    On its own, service updates take the seconds asked for.
    """
    options = options_of(arguments(["--update-seconds", "3", "--port", "8443", "--set", "page_size=7"]))

    assert (3, 8443, 7) == (options.update_duration.total_seconds(), options.port, options.page_size)


def test_nothing_of_the_product_is_imported() -> None:
    """
    Importing the emulator brings no module of the product with it.
    """
    code = (
        "import sys, emulator.__main__\n"
        "ours = {'apimend', 'remediators', 'devhost', 'cli'}\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ours])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
