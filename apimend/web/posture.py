"""
The posture: coverage and findings of tenant, subscriptions and instances, as the ledger remembers them.

Computed once for API, CSV and page. It reads no instance; each row says when it was looked at last.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apimend.engine.posture import remembered
from apimend.model.ids import InstanceId
from apimend.model.plan import CoverageFigures, Severity
from apimend.model.runs import Progress, Result, Run
from apimend.ports import Ledger
from apimend.posture.score import of_hundred, weighed
from apimend.report.kinds import CERTIFICATE_CODES
from apimend.report.plain import clean
from apimend.report.view import FindingView, RunView

COLUMNS = (
    "subscription", "resourceGroup", "instance", "managed", "covered", "operations", "percent",
    "severity", "code", "target", "message", "whyLeft", "seen", "run", "baseline",
)  # fmt: skip
_LOOK_BACK = 10
"""Runs of an instance among which the newest that says something is sought: one that could not read says nothing."""

_FORMULA = frozenset("=+-@\t\r\n|%")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One instance. `baseline` is what is met and what counts of the security baseline, by weight."""

    id: InstanceId
    managed: bool
    coverage: CoverageFigures | None
    findings: tuple[FindingView, ...]
    seen: datetime | None
    result: str
    run: str
    baseline: tuple[int, int] | None = None

    @property
    def score(self) -> int | None:
        """That of the security baseline, of 100; None where it was not judged."""
        return of_hundred(*self.baseline) if self.baseline else None

    @property
    def worst(self) -> Severity:
        """That of the worst finding."""
        return max((finding.severity for finding in self.findings), default=Severity.INFO)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Instances together: a subscription, or the whole tenant."""

    name: str
    rows: tuple[Row, ...]

    @property
    def coverage(self) -> CoverageFigures | None:
        """Operations of all rows together; None where nothing is known of any."""
        known = [row.coverage for row in self.rows if row.coverage]
        if not known:
            return None
        return CoverageFigures(covered=sum(f.covered for f in known), total=sum(f.total for f in known))

    @property
    def score(self) -> int | None:
        """The security baseline of all rows together, each control by its weight; None where nothing was judged."""
        known = [row.baseline for row in self.rows if row.baseline]
        return of_hundred(*map(sum, zip(*known, strict=True))) if known else None

    @property
    def counts(self) -> Mapping[Severity, int]:
        """Findings by severity, the worst first."""
        found = [finding.severity for row in self.rows for finding in row.findings]
        return {severity: found.count(severity) for severity in sorted(Severity, reverse=True) if severity in found}


@dataclass(frozen=True, kw_only=True)
class Posture:
    """The whole picture. `tenant` has every instance once."""

    tenant: Group
    subscriptions: tuple[Group, ...]

    @property
    def expiring(self) -> tuple[tuple[Row, FindingView], ...]:
        """Certificates about to expire, or expired."""
        return tuple((r, f) for r in self.tenant.rows for f in r.findings if f.code in CERTIFICATE_CODES)


async def posture(ledger: Ledger, *, subscription: str = "", instance: str = "") -> Posture:
    """The posture of what was looked at: all of it, a subscription, or an instance."""
    rows = []
    for known in await ledger.instances():
        wanted = instance.casefold() in ("", known.instance.key)
        if wanted and subscription.casefold() in ("", known.instance.subscription.casefold()):
            rows.append(await _row(ledger, known))
    rows.sort(key=lambda row: (row.id.subscription.casefold(), row.id.name.casefold(), row.id.key))
    names = dict.fromkeys(row.id.subscription.casefold() for row in rows)
    groups = [
        Group(name=name, rows=tuple(row for row in rows if row.id.subscription.casefold() == name)) for name in names
    ]
    return Posture(tenant=Group(name="tenant", rows=tuple(rows)), subscriptions=tuple(groups))


async def _row(ledger: Ledger, known: Progress) -> Row:
    run = _telling(await ledger.runs(known.instance, limit=_LOOK_BACK))
    figures = run.plan.coverage if run else None
    if figures is None and known.coverage:
        figures = CoverageFigures(covered=known.coverage[0], total=known.coverage[1])
    judged = (await remembered(ledger, known.instance)).assessments
    return Row(
        id=run.instance if run else known.instance,
        managed=known.managed and known.last_result != Result.UNMANAGED.value,
        coverage=figures,
        findings=RunView.of(run).findings if run else (),
        seen=known.seen,
        result=known.last_result,
        run=run.id if run else "",
        baseline=weighed(judged) if judged else None,
    )


def _telling(runs: Sequence[Run]) -> Run | None:
    """The newest run that read the instance; where none did, the newest."""
    read = [run for run in runs if run.plan.coverage is not None or run.plan.findings or run.plan.changes]
    return next(iter((*read, *runs)), None)


def as_json(posture: Posture) -> dict[str, Any]:
    """For programs."""
    return {
        "tenant": _group(posture.tenant),
        "subscriptions": [
            {"subscription": group.name, **_group(group), "instances": [_told(row) for row in group.rows]}
            for group in posture.subscriptions
        ],
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "instances": len(group.rows),
        "coverage": _figures(group.coverage),
        "baseline": group.score,
        "findings": {severity.word: number for severity, number in group.counts.items()},
    }


def _told(row: Row) -> dict[str, Any]:
    return {
        "instance": clean(row.id.text),
        "managed": row.managed,
        "coverage": _figures(row.coverage),
        "baseline": row.score,
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity.word,
                "target": finding.target_id,
                "message": finding.message,
                "whyLeft": finding.why_left,
            }
            for finding in row.findings
        ],
        "seen": row.seen.isoformat() if row.seen else None,
        "result": row.result,
        "run": row.run,
    }


def _figures(figures: CoverageFigures | None) -> dict[str, Any] | None:
    if figures is None:
        return None
    return {
        "covered": figures.covered,
        "total": figures.total,
        "percent": figures.percent,
        "verdicts": dict(figures.verdicts),
    }


def as_csv(posture: Posture) -> str:
    """A row for each finding, and one for an instance without any; safe to open in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in posture.tenant.rows:
        for finding in row.findings or (None,):
            writer.writerow(map(cell, _cells(row, finding)))
    return out.getvalue()


def _cells(row: Row, finding: FindingView | None) -> Iterable[str]:
    figures = row.coverage
    numbers = (figures.covered, figures.total, figures.percent) if figures else ("", "", "")
    told = (
        (finding.severity.word, finding.code, finding.target, finding.message, finding.why_left)
        if finding
        else ("", "", "", "", "")
    )
    seen = row.seen.isoformat() if row.seen else ""
    managed = "yes" if row.managed else "no"
    place = (row.id.subscription, row.id.resource_group, row.id.name)
    return map(str, (*place, managed, *numbers, *told, seen, row.run, "" if row.score is None else row.score))


def cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe goes before what could begin one."""
    told = clean(text)
    first = unicodedata.normalize("NFKC", told[:1])[:1]
    return f"'{told}" if first in _FORMULA else told
