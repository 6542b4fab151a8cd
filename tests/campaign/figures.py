"""
What the campaign's schedules came to, added up over all processes of a test run, printed at its end and kept in a file.

A pytest plugin (`tests/conftest.py` names it): each test of the campaign hands its figures over with its report.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[2] / "build" / "campaign.json"


@dataclass
class Figures:
    """Of the schedules of one world on one storage: how many, and how often each fault and each way back occurred."""

    world: str
    storage: str
    schedules: int = 0
    played: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    recovered: Counter[str] = field(default_factory=Counter)

    def add(self, fired: Mapping[str, int], recovered: Mapping[str, int]) -> None:
        """One schedule more. One in which no fault fired proves nothing, and doesn't count."""
        self.played += 1
        if fired:
            self.schedules += 1
            self.fired.update(fired)
            self.recovered.update({what: count for what, count in recovered.items() if count})

    def join(self, other: "Figures") -> None:
        """Those of another part."""
        self.schedules, self.played = self.schedules + other.schedules, self.played + other.played
        self.fired.update(other.fired)
        self.recovered.update(other.recovered)

    def dumped(self) -> str:
        """For a report, or the file."""
        return json.dumps(vars(self))

    @classmethod
    def loaded(cls, text: str) -> "Figures":
        """What was dumped."""
        found = json.loads(text)
        return cls(**{**found, "fired": Counter(found["fired"]), "recovered": Counter(found["recovered"])})


def table(found: Iterable[Figures]) -> str:
    """All of it for people, one column for each world and storage."""
    columns = sorted(found, key=lambda each: (each.storage != "SQLite", each.world))
    heads = [f"{each.storage}, {each.world}" for each in columns]
    rows = ["".join(f"{head:>18}" for head in heads)]
    rows.append("".join(f"{each.schedules:18,}" for each in columns) + "  schedules in which a fault fired")
    rows.append("".join(f"{each.played:18,}" for each in columns) + "  schedules played")
    for kind in ("fired", "recovered"):
        rows.append("")
        total = sum((getattr(each, kind) for each in columns), Counter[str]())
        for what, _ in total.most_common():
            rows.append("".join(f"{getattr(each, kind)[what]:18,}" for each in columns) + f"  {what}")
    return "\n".join(rows)


class Adding:
    """Adds up what the tests of a run hand over. With several processes: in the one that hears their reports."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Figures] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has ended."""
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == "campaign":
                part = Figures.loaded(str(value))
                whole = self.found.setdefault((part.world, part.storage), Figures(part.world, part.storage))
                whole.join(part)
                self._keep()  # each time: a long run may be ended before its end

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The figures of this run."""
        if self.found:
            terminalreporter.section("the campaign of faults")
            terminalreporter.write_line(table(self.found.values()))

    def _keep(self) -> None:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(json.dumps([each.dumped() for each in self.found.values()]), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Adding(), "campaign-figures")
