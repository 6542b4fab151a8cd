"""
Terraform, Bicep and JSON as text: what snippets for the owner's code are written with.

Rules and reports call it with names that come from Azure, so every text is quoted in its language: no name can end its
line, close a block or be carried out. It knows the three languages and nothing of what is said in them.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_IN_A_LABEL = re.compile(r"[^a-z0-9_]+")
_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})


@dataclass(frozen=True)
class Var:
    """What only the owner knows: a variable of Terraform, a parameter of Bicep, a token of APIOps."""

    name: str


@dataclass(frozen=True)
class Code:
    """An expression of the language itself, written by us and by nobody else."""

    text: str


@dataclass(frozen=True)
class Block:
    """A nested block of Terraform, which stands without an equals sign."""

    body: "Mapping[str, Value]"


Value = str | int | bool | None | Var | Code | Block | Sequence["Value"] | Mapping[str, "Value"]


def terraform(kind: str, name: str, body: Mapping[str, Value]) -> str:
    """A resource of the provider azurerm."""
    return "\n".join((f'resource "{kind}" {_terraform_text(label(name))} {{', *_terraform_body(body, 1), "}"))


def bicep(kind: str, body: Mapping[str, Value], *, existing: bool = False, symbol: str = "mended") -> str:
    """A resource of Bicep; `existing`: one that is only named here."""
    return "\n".join((f"resource {symbol} '{kind}' {'existing ' * existing}= {{", *_bicep_body(body, 1), "}"))


def as_json(body: Mapping[str, Value]) -> str:
    """A document of JSON, as APIOps keeps them."""
    return json.dumps(_plain(body), indent=2, ensure_ascii=False)


def element(name: str, attributes: Mapping[str, str]) -> str:
    """An element of a policy. What would be an expression or a named value there becomes a token for the owner."""
    told = "".join(f' {key}="{_attribute(key, value)}"' for key, value in attributes.items())
    return f"<{name}{told} />"


def _attribute(key: str, value: str) -> str:
    if value.startswith("@") or "{{" in value:
        return f"{{#{key}#}}"
    return escape(one_line(value), {'"': "&quot;"})


def label(name: str) -> str:
    """A name as Terraform takes it for a label."""
    found = _NOT_IN_A_LABEL.sub("_", name.lower()).strip("_")
    return found if found and not found[0].isdigit() else f"_{found}"


def one_line(text: str) -> str:
    """A text for a comment: nothing in it ends the line, or can't be seen."""
    return "".join(" " if c.isspace() else "\ufffd" if unicodedata.category(c) in _CONTROLS else c for c in text)


def _terraform_body(body: Mapping[str, Value], depth: int) -> Iterator[str]:
    """The arguments with their equals signs in a column, as `terraform fmt` writes them; blocks after them."""
    told = [(name, value) for name, value in body.items() if not _is_block(value)]
    pad, width = "  " * depth, max((len(_terraform_key(name)) for name, _ in told), default=0)
    for name, value in told:
        yield f"{pad}{_terraform_key(name).ljust(width)} = {_terraform_value(value, depth)}"
    for name, value in body.items():
        for block in _blocks(value):
            yield f"{pad}{name} {{"
            yield from _terraform_body(block.body, depth + 1)
            yield f"{pad}}}"


def _is_block(value: Value) -> bool:
    return isinstance(value, Block) or bool(_blocks(value))


def _blocks(value: Value) -> list[Block]:
    if isinstance(value, Block):
        return [value]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [each for each in value if isinstance(each, Block)]
    return []


def _terraform_value(value: Value, depth: int) -> str:
    if isinstance(value, Mapping):
        return "\n".join(("{", *_terraform_body(value, depth + 1), "  " * depth + "}"))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(_terraform_value(each, depth) for each in value)}]"
    if isinstance(value, Var):
        return f"var.{value.name}"
    return value.text if isinstance(value, Code) else _terraform_text(value) if isinstance(value, str) else _json(value)


def _terraform_text(text: str) -> str:
    quoted = json.dumps(one_line(text), ensure_ascii=False)
    return quoted.replace("${", "$${").replace("%{", "%%{")


def _terraform_key(name: str) -> str:
    return name if _WORD.fullmatch(name) else _terraform_text(name)


def _bicep_body(body: Mapping[str, Value], depth: int) -> Iterator[str]:
    for name, value in body.items():
        key = name if _WORD.fullmatch(name) else _bicep_text(name)
        yield f"{'  ' * depth}{key}: {_bicep_value(value, depth)}"


def _bicep_value(value: Value, depth: int) -> str:
    pad = "  " * depth
    if isinstance(value, Mapping):
        return "\n".join(("{", *_bicep_body(value, depth + 1), pad + "}"))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(("[", *(f"{pad}  {_bicep_value(each, depth + 1)}" for each in value), pad + "]"))
    if isinstance(value, Var):
        first, *rest = value.name.split("_")
        return first + "".join(map(str.capitalize, rest))
    return value.text if isinstance(value, Code) else _bicep_text(value) if isinstance(value, str) else _json(value)


def _bicep_text(text: str) -> str:
    return "'" + one_line(text).replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${") + "'"


def _json(value: Value) -> str:
    return json.dumps(value)


def _plain(value: Value) -> object:
    if isinstance(value, Mapping):
        return {one_line(name): _plain(each) for name, each in value.items()}
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Sequence):
        return [_plain(each) for each in value]
    return f"{{#{value.name}#}}" if isinstance(value, Var) else value


__all__ = ["Block", "Code", "Value", "Var", "as_json", "bicep", "element", "label", "one_line", "terraform"]
