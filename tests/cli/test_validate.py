"""
`apimend validate`: every fault with its line and the way to mend it, and an exit code for pipelines.
"""

from pathlib import Path

import pytest

from tests.cli.terminal import run

ROOT = Path(__file__).parents[2]

FAULTY = """\
version: 1
certificates:
  partner-a: {vault: kv-contoso-dev, certificate: partner-a}
instances:
  - name: development
    match: {name: contoso-dev}
    mode: enfroce
    arives: direct
"""


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A file with two faults."""
    path = tmp_path / "faulty.yaml"
    path.write_text(FAULTY, encoding="utf-8")
    return path


def test_the_sample_is_valid() -> None:
    """
    The sample in the repository is without fault, and the command says so.
    """
    said = run(["validate", str(ROOT / "desired.sample.yaml")])

    assert (0, True) == (said.code, said.out.endswith("desired.sample.yaml is valid.\n"))


def test_all_faults_are_told_with_line_and_mending(faulty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Each fault has its place, the line it stands in with a mark below, and a word on how to mend it.
    """
    monkeypatch.chdir(faulty.parent)
    said = run(["validate", faulty.name])
    lines = [line.strip() for line in said.out.splitlines()]

    assert 2 == said.code
    assert f"{faulty.name}:7:11  instances[0].mode" in lines
    assert ["7 |     mode: enfroce", "^", "Did you mean enforce?"] == lines[2:5]
    assert "Did you mean arrives?" in lines
    assert f"{faulty.name} has 2 faults." in lines


def test_faults_for_programs(faulty: Path) -> None:
    """
    `--output json` has the same faults as data.
    """
    body = run(["validate", str(faulty), "--output", "json"]).body

    assert (False, [7, 8]) == (body["valid"], [fault["line"] for fault in body["faults"]])
    assert {"what", "where", "mend", "file", "line", "column"} == set(body["faults"][0])


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (None, 1, "It can't be read: No such file or directory."),
        (b"version: 1\nx: \xff", 2, "It is not in UTF-8."),
        (b"version: [1", 2, "It is no YAML"),
        (b"", 0, "is valid"),
    ],
    ids=["no file", "no UTF-8", "no YAML", "empty"],
)
def test_files_that_are_no_desired_state(tmp_path: Path, content: bytes | None, code: int, said: str) -> None:
    """
    One clear message; an exit code of 1 only where there is nothing to look at.
    """
    path = tmp_path / "desired.yaml"
    if content is not None:
        path.write_bytes(content)
    found = run(["validate", str(path)])

    assert code == found.code
    assert said in found.out + found.err


def test_the_mark_stands_below_the_fault(tmp_path: Path) -> None:
    """
    Characters that turn text around or move the cursor don't move the mark, nor reach the terminal.
    """
    path = tmp_path / "desired.yaml"
    path.write_text('version: 1\ninstances: [{name: a, match: {name: b}, mode: "\u202ex\\x9b31m"}]\n', encoding="utf-8")
    said = run(["validate", str(path)])
    line, mark = next(
        (line, mark)
        for line, mark in zip(said.out.splitlines(), said.out.splitlines()[1:], strict=False)
        if "|" in line
    )

    assert '"' == line[mark.index("^")]
    assert not {"\u202e", "\u009b"} & set(said.out)


def test_routes_are_checked_against_given_settings(tmp_path: Path) -> None:
    """
    With `--settings` the names of webhooks have to be those that the app has.
    """
    settings = tmp_path / "local.settings.json"
    settings.write_text('{"Values": {"APIMEND_TEAMS_WEBHOOK": "https://hooks.example/x?sig=y"}}', encoding="utf-8")
    path = tmp_path / "desired.yaml"
    path.write_text("version: 1\ndefaults: {notify: [{webhook: taems}]}\n", encoding="utf-8")

    codes = [run(["validate", str(path), *more]).code for more in ([], ["--settings", str(settings)])]

    assert [0, 2] == codes


def test_a_waiver_of_nothing_is_a_fault(tmp_path: Path) -> None:
    """
    A control that isn't there exempts nothing: the fault has its line and the nearest name.
    """
    file = tmp_path / "desired.yaml"
    file.write_text(
        "version: 1\nwaivers:\n- {id: a, instances: shop, controls: [N1, gateway_pubic], category: waiver, owner: o,\n"
        "   reason: r, ticket: t, expires: 2030-01-01}\n"
    )
    said = run(["validate", str(file), "--output", "json"])
    (fault,) = said.body["faults"]

    assert (2, 3, "Did you mean gateway_public?") == (said.code, fault["line"], fault["mend"])
