"""
`apimend init`: a desired state that is equal to what is live, so that its plan is empty.

Every entry is proved by a dry run before it is written. What can't be declared without changing something is left
out, and the text says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.text import Text

from apimend.commands.app import App
from apimend.commands.choose import choose
from apimend.commands.draft import Entry, text_of
from apimend.commands.dry import dry_run
from apimend.commands.exits import Exit
from apimend.commands.live import read_live
from apimend.commands.patience import patiently
from apimend.commands.screen import Screen
from apimend.documents import Fetched, FetchedSource, load
from apimend.model.errors import BadInput, Fault
from apimend.model.ids import InstanceId
from apimend.model.runs import Run
from apimend.report.plain import clean, count

_MOST_SAID = 3


@dataclass(frozen=True, kw_only=True)
class Declared:
    """An instance with its entry; none where no entry could be proved, and `why`."""

    instance: InstanceId
    entry: Entry | None
    why: str = ""


async def init(app: App, screen: Screen, words: Sequence[str], *, path: Path | None, force: bool = False) -> Exit:
    """Write the desired state to a file, or to the output without one. Raises BadInput for a file that is there."""
    if path is not None and not force:
        _refuse_existing(path)
    with screen.progress("Looking for instances"):
        instances = await choose(app, words)
    found = await screen.each("Reading", instances, lambda instance: _declare(app, instance))
    text = text_of(_distinct([each.entry for each in found if each.entry is not None]))
    load(text)
    for each in found:
        if each.entry is None:
            screen.say(f"{each.instance.name} is left out: {each.why}", style="yellow")
    if path is not None:
        _write(path, text)
    _tell(screen, found, path, text)
    return Exit.ERROR if any(each.entry is None for each in found) else Exit.NOTHING


def _refuse_existing(path: Path) -> None:
    if path.exists():
        mend = "Name another file, or add --force."
        raise BadInput([Fault(what="It is there already.", where="", mend=mend, file=str(path))])


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput([Fault(what=f"It can't be written: {error.strerror}.", where="", file=str(path))]) from error


async def _declare(app: App, instance: InstanceId) -> Declared:
    """The best entry whose plan is empty, with a word on those that were not."""
    live = await patiently(app, lambda: read_live(app.azure.reader(instance)))
    dropped: list[str] = []
    why = ""
    for entry in live.declarations():
        run = await _proved(app, instance, entry)
        if run.plan.is_empty and "check" in entry.keys:
            # Without a word on how certificates arrive no check is ever put in, so that alone would prove nothing.
            run = await _proved(app, instance, replace(entry, keys={**entry.keys, "arrives": "direct"}))
        if run.plan.is_empty and not run.error:
            return Declared(instance=instance, entry=replace(entry, left_out=(*entry.left_out, *dropped)))
        why = run.error or _changes(run)
        dropped = [f"The global check is not declared: that would mean more than is live. {why}"]
    return Declared(instance=instance, entry=None, why=why)


async def _proved(app: App, instance: InstanceId, entry: Entry) -> Run:
    """What a visit would do if this entry were all that is declared."""
    body = text_of([entry]).encode()

    async def fetch(etag: str | None) -> Fetched | None:
        return Fetched(body=body, etag="draft")

    return (await dry_run(app, instance, desired=FetchedSource("the draft", fetch))).run


def _changes(run: Run) -> str:
    changes = run.plan.changes
    told = " ".join(f"{change.target.name}: {change.will or change.reason}." for change in changes[:_MOST_SAID])
    more = f" And {len(changes) - _MOST_SAID} more." if len(changes) > _MOST_SAID else ""
    return f"It would bring {count(len(changes), 'change')}: {told}{more}"


def _distinct(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with names in the catalogues that mean one thing each."""
    certificates: dict[str, object] = {}
    clients: dict[str, object] = {}
    return [_renamed(entry, certificates, clients) for entry in entries]


def _renamed(entry: Entry, certificates: dict[str, object], clients: dict[str, object]) -> Entry:
    held = {name: {**value, "id": name} for name, value in entry.certificates.items()}
    names = {name: _free(name, value, certificates) for name, value in held.items()}
    callers = {
        name: {key: names.get(each, each) if key == "certificate" else each for key, each in value.items()}
        for name, value in entry.clients.items()
    }
    called = {name: _free(name, value, clients) for name, value in callers.items()}
    keys = dict(entry.keys)
    if "certificates" in keys:
        keys["certificates"] = [names[name] for name in keys["certificates"]]
    if "clients" in keys:
        keys["clients"] = [called[name] for name in keys["clients"]]
    return replace(
        entry,
        keys=keys,
        certificates={names[name]: _short(names[name], value) for name, value in held.items()},
        clients={called[name]: value for name, value in callers.items()},
    )


def _free(name: str, value: object, taken: dict[str, object]) -> str:
    """The name, or one like it where it stands for something else already."""
    number, free = 1, name
    while taken.setdefault(free, value) != value:
        number += 1
        free = f"{name}-{number}"
    return free


def _short(name: str, value: dict[str, str]) -> dict[str, str]:
    """The entry without an id that says nothing new."""
    return {key: each for key, each in value.items() if not (key == "id" and each == name)}


def _tell(screen: Screen, found: Sequence[Declared], path: Path | None, text: str) -> None:
    if screen.as_json:
        declared = [each.instance.text for each in found if each.entry is not None]
        screen.emit({"file": str(path) if path else None, "instances": declared, "text": text})
    elif path is None:
        screen.write(text)
    else:
        number = count(sum(each.entry is not None for each in found), "instance")
        screen.show(Text.assemble((clean(str(path)), "bold"), f" declares {number} as they are. Its plan is empty."))
        screen.say(f"Next: set APIMEND_DESIRED_STATE to it, and run apimend plan '*' --desired {path}")
