"""
`apimend validate`: every fault of a desired state, with its line and the way to mend it. Needs no Azure.
"""

from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from apimend.commands.exits import Exit
from apimend.commands.screen import Screen, described
from apimend.documents import Words, load
from apimend.model.errors import BadInput, Fault
from apimend.report.plain import clean, clean_lines, count

_LONGEST = 160


def validate(screen: Screen, path: Path, *, words: Words) -> Exit:
    """Check a file. Ends with CHANGES where something has to be changed in it."""
    text, faults = "", list[Fault]()
    try:
        text = path.read_bytes().decode("utf-8")
        load(text, str(path), words=words)
    except OSError as error:
        raise BadInput([Fault(what=f"It can't be read: {error.strerror}.", where="", file=str(path))]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        faults = [Fault(what="It is not in UTF-8.", where="", mend="Save it as UTF-8.", file=str(path), line=line)]
    except BadInput as error:
        faults = list(error.faults)
    if screen.as_json:
        screen.emit({"file": str(path), "valid": not faults, "faults": [described(fault) for fault in faults]})
    else:
        _show(screen, path, text.split("\n"), faults)
    return Exit.CHANGES if faults else Exit.NOTHING


def _show(screen: Screen, path: Path, lines: list[str], faults: list[Fault]) -> None:
    for fault in faults:
        screen.show(_fault(fault, lines), Text())
    name = clean(str(path))
    if faults:
        screen.show(
            Text(f"{name} has {count(len(faults), 'fault')}.", style="bold red", no_wrap=True, overflow="ignore")
        )
    else:
        screen.show(Text.assemble((name, "bold"), (" is valid.", "green"), no_wrap=True, overflow="ignore"))


def _fault(fault: Fault, lines: list[str]) -> RenderableType:
    """The fault as compilers show theirs: the place, what is wrong, the line with a mark below, the way out."""
    place = f"{fault.file}:{fault.line}:{fault.column}" if fault.line else fault.file
    where = f"  {clean(fault.where)}" if fault.where else ""
    parts = [
        Text.assemble((clean(place), "bold"), (where, "dim"), no_wrap=True, overflow="ignore"),
        Text(f"  {clean(fault.what)}", style="red"),
    ]
    if 0 < fault.line <= len(lines):
        parts += _excerpt(lines[fault.line - 1], fault)
    if fault.mend:
        parts.append(Text(f"  {clean(fault.mend)}", style="green"))
    return Group(*parts)


def _excerpt(line: str, fault: Fault) -> list[Text]:
    number = f"{fault.line:>6} | "
    shown = " ".join(clean_lines(line))
    parts = [Text.assemble((number, "dim"), shown, no_wrap=True, overflow="ellipsis")]
    before = len(line[: max(0, fault.column - 1)].expandtabs(4))
    if fault.column and before < min(len(shown), _LONGEST):
        parts.append(Text(" " * (len(number) + before) + "^", style="bold red", no_wrap=True, overflow="ellipsis"))
    return parts
