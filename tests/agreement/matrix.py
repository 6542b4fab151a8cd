"""
The matrix of what was called: verdict, gateway and context, with the number of calls' contexts in each cell.

`can_exist` says which cells there can be at all: a gateway that asks for no certificate locks out whoever stands
behind a check, and of one that is not known to ask no check is said to hold.
"""

from collections import Counter
from collections.abc import Iterable

from apimend.policy import Verdict
from tests.agreement.calls import GATEWAYS, Context, Way

Cell = tuple[Verdict, str, Context]
ASKING = frozenset({Verdict.COVERED, Verdict.WEAKER, Verdict.FORGEABLE})
"""Verdicts that only a gateway which asks can bring about."""


def cell(way: Way) -> Cell:
    """Where a way counts."""
    return way.judgement.verdict, way.gateway, way.context


def can_exist(verdict: Verdict, gateway: str) -> bool:
    """Whether a verdict can occur on a kind of gateway."""
    return gateway.endswith("asks") or verdict not in ASKING


def empty(cells: Counter[Cell]) -> list[str]:
    """The cells that can exist and that nothing was called for."""
    return [
        f"{verdict.word} on {gateway} with {context.value}"
        for verdict in Verdict
        for gateway in dict.fromkeys(GATEWAYS.values())
        for context in Context
        if can_exist(verdict, gateway) and not cells[verdict, gateway, context]
    ]


def rendered(cells: Counter[Cell], revisions: Counter[tuple[Verdict, str]]) -> str:
    """The matrix as text; `-` where there can't be anything."""
    lines = [_row("verdict", "gateway", (context.value for context in Context))]
    for verdict in Verdict:
        for gateway in dict.fromkeys(GATEWAYS.values()):
            numbers = (str(cells[verdict, gateway, each]) if can_exist(verdict, gateway) else "-" for each in Context)
            lines.append(_row(verdict.word, gateway, numbers))
    lines.append(_row("verdict", "", ("current", "revision")))
    lines += [_row(v.word, "", (str(revisions[v, "current"]), str(revisions[v, "revision"]))) for v in Verdict]
    return "\n".join(lines)


def _row(verdict: str, gateway: str, numbers: Iterable[str]) -> str:
    return f"{verdict:15}{gateway:24}" + "".join(f"{each:>14}" for each in numbers)
