"""
`apimend coverage`: which operations turn away a caller without an allowed certificate, and why the others don't.

The same proof as in every plan, with each verdict's document, line and reason; and, where it is asked for, what the
gateway hosts show from outside.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from apimend.clients import resolve_clients
from apimend.commands.app import App
from apimend.commands.choose import choose_one
from apimend.commands.exits import Exit
from apimend.commands.patience import patiently
from apimend.commands.screen import Screen
from apimend.model.azure import Service
from apimend.model.desired import Desired
from apimend.model.plan import CoverageFigures
from apimend.model.runs import Handshake
from apimend.policy import Coverage, Judgement, Standards, Verdict, judge
from apimend.policy.topology import GLOBAL
from apimend.ports import InstanceReader, Prober
from apimend.reach import arrival_of, read_proxies
from apimend.report import wording
from apimend.report.plain import clean, count, listing
from apimend.standards import declared_clients, pinned_in, standards
from apimend.survey import Survey, gateway_hosts, survey

_FEW = 20
_BAR = 24
_STYLES = {
    Verdict.COVERED: "green",
    Verdict.WAIVED: "cyan",
    Verdict.OBSERVED_ONLY: "yellow",
    Verdict.NOT_UNDERSTOOD: "yellow",
    Verdict.WEAKER: "yellow",
    Verdict.FORGEABLE: "red",
    Verdict.BYPASSED: "red",
    Verdict.LOCKED_OUT: "bold red",
}


@dataclass(frozen=True, kw_only=True)
class Covered:
    """The coverage of one instance, and what its hosts showed."""

    service: Service
    coverage: Coverage
    handshakes: tuple[Handshake, ...] = ()


async def coverage(
    app: App, screen: Screen, word: str, *, details: bool = False, at_least: int = 0, prober: Prober | None = None
) -> Exit:
    """Show the coverage. Ends with REFUSED where fewer per cent than `at_least` are covered."""
    await app.desired.state()
    with screen.progress("Reading the instance"):
        instance = await choose_one(app, word)
        found = await patiently(app, lambda: prove(app, app.azure.reader(instance), prober=prober))
    if screen.as_json:
        screen.emit(_body(found))
    else:
        screen.show(*_parts(found, details))
    return Exit.NOTHING if found.coverage.figures.percent >= at_least else Exit.REFUSED


async def prove(app: App, reader: InstanceReader, *, prober: Prober | None = None) -> Covered:
    """Read an instance and judge every operation. What nobody declares is judged by what is live alone."""
    service = await reader.service()
    desired = await app.desired.resolve(service) or Desired(instance=service.id)
    handshakes = await _handshakes(reader, service, desired, prober)
    shown = {each.host.casefold(): each for each in handshakes}
    found = await survey(reader, desired, handshakes=shown, walk=True)
    measured = await _standards(app, reader, desired, found)
    return Covered(service=service, coverage=judge(found.topology, measured), handshakes=handshakes)


async def _handshakes(
    reader: InstanceReader, service: Service, desired: Desired, prober: Prober | None
) -> tuple[Handshake, ...]:
    """What the hosts that Resource Manager lists show from here; no other host is ever asked."""
    if prober is None:
        return ()
    named = await gateway_hosts(reader, service)
    shaken = (prober.shake_hands(host, canary_path=desired.canary_path) for host in named)
    return tuple(await asyncio.gather(*shaken))


async def _standards(app: App, reader: InstanceReader, desired: Desired, found: Survey) -> Standards:
    pinned = pinned_in(found.topology.documents.get(GLOBAL))
    clients = await resolve_clients(reader, declared_clients(desired), now=app.clock.now(), pinned=pinned)
    return standards(
        desired,
        clients=clients,
        pinned=pinned,
        certificates=await reader.certificates(),
        arrival=arrival_of(found.service, await read_proxies(reader, desired), found),
    )


def _parts(found: Covered, details: bool) -> Iterator[RenderableType]:
    figures = found.coverage.figures
    yield Text.assemble((clean(found.service.name), "bold"), f"  {figures.percent} %, {wording.coverage(figures)}")
    yield Text()
    yield _apis(figures)
    groups = _alike(found.coverage.uncovered())
    if groups:
        shown = groups if details else groups[:_FEW]
        yield from (Text(), _operations(shown, figures))
        if len(shown) < len(groups):
            more = sum(len(group) for group in groups[len(shown) :])
            yield Text(f"and {count(more, 'more operation')}: --detailed shows all", style="dim")
    if found.handshakes:
        yield from (Text(), _hosts(found.handshakes))


def _apis(figures: CoverageFigures) -> Table:
    table = _table("API", "COVERED", "")
    for name, covered, total in figures.apis:
        filled = _BAR * covered // total if total else 0
        bar = Text("█" * filled, style="green").append("░" * (_BAR - filled), style="dim")
        table.add_row(Text(clean(name), style="bold"), f"{covered:,} of {total:,}", bar)
    return table


def _operations(groups: Sequence[Sequence[Judgement]], figures: CoverageFigures) -> Table:
    table = _table("VERDICT", "OPERATIONS", "AT", "WHY")
    totals = {name: total for name, _, total in figures.apis}
    for group in groups:
        each = group[0]
        table.add_row(
            Text(each.verdict.word, style=_STYLES[each.verdict]),
            Text(clean(f"{each.api}: {_names(group, totals[each.api])}")),
            Text(clean(each.host or each.gateway), style="dim"),
            Text(clean(_why(each))),
        )
    return table


def _names(group: Sequence[Judgement], total: int) -> str:
    return f"all {total}" if len(group) == total > 1 else listing(each.operation for each in group)


def _alike(judgements: Sequence[Judgement]) -> list[list[Judgement]]:
    """Those that are so for the same reason at the same place together, the worst first."""
    groups: dict[tuple[object, ...], list[Judgement]] = {}
    for each in sorted(judgements, key=lambda one: -one.verdict):
        place = (each.verdict, each.api, each.host, each.gateway, each.product, each.document, each.line, each.reason)
        groups.setdefault(place, []).append(each)
    return list(groups.values())


def _why(each: Judgement) -> str:
    place = f"{each.document or 'all APIs'}, line {each.line}: " if each.line else ""
    called = f" (called by the product {each.product})" if each.product else ""
    return f"{place}{each.reason}{called}"


def _hosts(handshakes: Sequence[Handshake]) -> Table:
    table = _table("HOST", "SEEN FROM HERE", "TLS", "CANARY")
    for each in handshakes:
        asks = {True: "asks for a certificate", False: "asks for none", None: f"unknown: {each.why}"}[each.asks]
        style = {True: "green", False: "red", None: "dim"}[each.asks]
        canary = "" if each.canary is None else str(each.canary)
        table.add_row(Text(clean(each.host)), Text(clean(asks), style=style), ", ".join(each.versions), canary)
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _body(found: Covered) -> dict[str, object]:
    figures = found.coverage.figures
    return {
        "instance": found.service.id.text,
        "covered": figures.covered,
        "total": figures.total,
        "percent": figures.percent,
        "verdicts": dict(figures.verdicts),
        "apis": [{"name": name, "covered": covered, "total": total} for name, covered, total in figures.apis],
        "operations": [
            {
                "api": each.api,
                "operation": each.operation,
                "verdict": each.verdict.word,
                "product": each.product,
                "host": each.host,
                "gateway": each.gateway,
                "document": each.document,
                "line": each.line,
                "reason": each.reason,
            }
            for each in found.coverage.judgements
        ],
        "hosts": [
            {"host": h.host, "asks": h.asks, "versions": list(h.versions), "canary": h.canary, "why": h.why}
            for h in found.handshakes
        ],
    }
