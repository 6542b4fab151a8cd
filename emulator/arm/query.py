"""
The query language of Resource Graph, as far as inventories use it.

`table | where … | project … | extend … | order by … | take n | count`. Pure: rows in, rows out. What isn't understood
is an error, never a result with too much in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.store import Json

TOKENS = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<number>\d+)"
    r"|(?P<among>!?in~?(?=\s*\())"
    r"|(?P<word>[A-Za-z_$][\w$\-]*(?:(?:\.[A-Za-z_$][\w$]*)|(?:\[(?:'[^']*'|\"[^\"]*\")\]))*)"
    r"|(?P<sign>=~|!~|==|!=|<=|>=|[<>=(),|]))"
)
STEP = re.compile(r"\.?([A-Za-z_$][\w$\-]*)|\[(?:'([^']*)'|\"([^\"]*)\")\]")

Row = Json
Condition = Callable[[Row], bool]


class NotUnderstood(ValueError):
    """
    A query that the emulator can't run.
    """


def run(query: str, tables: Mapping[str, list[Row]]) -> list[Row]:
    """
    The rows of a query.
    """
    stages = [_tokens(stage) for stage in _stages(query)]
    if not stages or len(stages[0]) != 1:
        raise NotUnderstood("a query starts with a table")
    name = stages[0][0].casefold()
    if name not in tables:
        raise NotUnderstood(f"unknown table {name}")
    rows = list(tables[name])
    for stage in stages[1:]:
        rows = _apply(stage, rows)
    return rows


def _stages(query: str) -> list[str]:
    plain = re.sub(r"//[^\n]*", "", query)
    return [part for part in re.split(r"\|(?=(?:[^'\"]|'[^']*'|\"[^\"]*\")*$)", plain) if part.strip()]


def _tokens(stage: str) -> list[str]:
    found, at, text = [], 0, stage.strip()
    while at < len(text):
        token = TOKENS.match(text, at)
        if token is None:
            raise NotUnderstood(f"unexpected '{text[at : at + 20]}'")
        found.append(token[0].strip())
        at = token.end()
    return found


def _apply(stage: list[str], rows: list[Row]) -> list[Row]:
    verb, rest = stage[0].casefold(), stage[1:]
    if verb == "where":
        condition = _Conditions(rest).whole()
        return [row for row in rows if condition(row)]
    if verb in ("project", "extend"):
        columns = [_column(part) for part in _split(rest)]
        return [
            {**(row if verb == "extend" else {}), **{name: _value(source, row) for name, source in columns}}
            for row in rows
        ]
    if verb in ("order", "sort") and rest[:1] and rest[0].casefold() == "by":
        for part in reversed(_split(rest[1:])):
            down = len(part) < 2 or part[1].casefold() == "desc"
            rows = sorted(rows, key=lambda row, name=part[0]: str(_value([name], row)).casefold(), reverse=down)  # type: ignore[misc]  # binds the loop's value
        return rows
    if verb in ("take", "limit") and len(rest) == 1:
        return rows[: int(rest[0])]
    if verb == "count":
        return [{"Count": len(rows)}]
    raise NotUnderstood(f"unknown operator {verb}")


def _split(tokens: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _column(part: list[str]) -> tuple[str, list[str]]:
    if len(part) > 2 and part[1] == "=":
        return part[0], part[2:]
    return part[0].replace(".", "_"), part


def _value(source: list[str], row: Row) -> Any:
    """
    A literal, a path, or a function of one of them.
    """
    head = source[0]
    if head[0] in "'\"":
        return head[1:-1]
    if head.isdigit():
        return int(head)
    if len(source) > 2 and source[1] == "(":
        inner = _value(source[2:-1], row)
        functions: dict[str, Callable[[Any], Any]] = {
            "tolower": lambda text: str(text or "").casefold(),
            "toupper": lambda text: str(text or "").upper(),
            "tostring": lambda value: (
                "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            ),
            "tobool": lambda value: str(value).casefold() == "true",
            "array_length": lambda value: len(value) if isinstance(value, list) else None,
        }
        if head.casefold() not in functions:
            raise NotUnderstood(f"unknown function {head}")
        return functions[head.casefold()](inner)
    if head.casefold() in ("true", "false"):
        return head.casefold() == "true"
    return _path(head, row)


def _path(path: str, row: Row) -> Any:
    value: Any = row
    for plain, single, double in STEP.findall(path):
        name = plain or single or double
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


class _Conditions:
    """
    `a =~ 'x' and (b in ('y') or not(c == 1))`.
    """

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def whole(self) -> Condition:
        found = self._either()
        if self._at != len(self._tokens):
            raise NotUnderstood(f"unexpected '{self._tokens[self._at]}'")
        return found

    def _peek(self) -> str:
        return self._tokens[self._at].casefold() if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        if self._at >= len(self._tokens):
            raise NotUnderstood("the query ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _either(self) -> Condition:
        found = self._both()
        while self._peek() == "or":
            self._take()
            left, right = found, self._both()
            found = _or(left, right)
        return found

    def _both(self) -> Condition:
        found = self._single()
        while self._peek() == "and":
            self._take()
            left, right = found, self._single()
            found = _and(left, right)
        return found

    def _single(self) -> Condition:
        if self._peek() == "(":
            self._take()
            found = self._either()
            self._expect(")")
            return found
        if self._peek() in ("not", "isnotempty", "isempty", "isnotnull", "isnull") and self._follows("("):
            return self._function()
        return self._comparison()

    def _follows(self, sign: str) -> bool:
        return self._at + 1 < len(self._tokens) and self._tokens[self._at + 1] == sign

    def _function(self) -> Condition:
        name = self._take().casefold()
        self._expect("(")
        if name == "not":
            inner = self._either()
            self._expect(")")
            return lambda row: not inner(row)
        operand = self._operand()
        self._expect(")")
        wanted = name in ("isempty", "isnull")
        return lambda row: (_value(operand, row) in (None, "", [], {})) is wanted

    def _comparison(self) -> Condition:
        left = self._operand()
        operator = self._take().casefold()
        if operator.strip("!~") == "in":
            among = self._membership(left, fold=operator.endswith("~"))
            return (lambda row: not among(row)) if operator.startswith("!") else among
        right = self._operand()
        if operator not in COMPARISONS:
            raise NotUnderstood(f"unknown comparison {operator}")
        compare = COMPARISONS[operator]
        return lambda row: compare(_value(left, row), _value(right, row))

    def _membership(self, left: list[str], *, fold: bool) -> Condition:
        self._expect("(")
        values = [self._take().strip("'\"")]
        while self._peek() == ",":
            self._take()
            values.append(self._take().strip("'\""))
        self._expect(")")
        known = {value.casefold() if fold else value for value in values}

        def holds(row: Row) -> bool:
            value = str(_value(left, row) or "")
            return (value.casefold() if fold else value) in known

        return holds

    def _operand(self) -> list[str]:
        first = self._take()
        if self._peek() != "(" or first.casefold().strip("!~") == "in":
            return [first]
        tokens, depth = [first], 0
        while True:
            token = self._take()
            tokens.append(token)
            depth += {"(": 1, ")": -1}.get(token, 0)
            if depth == 0:
                return tokens

    def _expect(self, sign: str) -> None:
        if self._take() != sign:
            raise NotUnderstood(f"expected '{sign}'")


def _or(left: Condition, right: Condition) -> Condition:
    return lambda row: left(row) or right(row)


def _and(left: Condition, right: Condition) -> Condition:
    return lambda row: left(row) and right(row)


def _folded(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).casefold()


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=~": lambda left, right: _folded(left) == _folded(right),
    "!~": lambda left, right: _folded(left) != _folded(right),
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "contains": lambda left, right: _folded(right) in _folded(left),
    "has": lambda left, right: _folded(right) in _folded(left),
    "startswith": lambda left, right: _folded(left).startswith(_folded(right)),
    "endswith": lambda left, right: _folded(left).endswith(_folded(right)),
}
