"""
The terms of C# that conditions are made of: listed members of `context`, compared, and joined with `!`, `&&`, `||`.

`expressions` compiles with it. Null behaves as in C#: a member of null fails unless `?.` was written. Whatever is not
listed is NotEmulated when it is compiled.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from emulator.gateway.members import ATTACHED, MEMBERS, NAMES, TEXT_METHODS
from emulator.gateway.outcome import NotEmulated

Scope = Mapping[str, Any]
Term = Callable[[Scope], Any]


class ExpressionFailed(Exception):
    """
    An expression that is known but cannot be evaluated for this call, as null dereferenced in C#.
    """


TOKEN = re.compile(
    r"""\s+ | //[^\n]* | /\*.*?\*/
    | (?P<verbatim>@"(?:[^"]|"")*") | (?P<string>"(?:\\.|[^"\\])*")
    | (?P<name>[A-Za-z_]\w*) | (?P<sign>=>|==|!=|<=|>=|&&|\|\||\?\.|[!<>().,\[\]{};=])""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(.)")
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Compiler:
    """
    Recursive descent over the tokens of one expression; every method returns what evaluates its part.
    """

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = self._scan(expression[1:])
        self._at = 0
        self._item = ""  # the lambda's own variable, while inside one

    def whole(self) -> Term:
        term = self.either()
        if self._at < len(self._tokens):
            raise self.unknown()
        return term

    def _scan(self, text: str) -> list[str]:
        tokens, at = [], 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise self.unknown()
            if found.lastgroup is not None:
                tokens.append(found[0])
            at = found.end()
        return tokens

    def either(self) -> Term:
        term = self._both()
        while self.took("||"):
            term = _short_circuit(term, self._both(), stop=True)
        return term

    def _both(self) -> Term:
        term = self._comparison()
        while self.took("&&"):
            term = _short_circuit(term, self._comparison(), stop=False)
        return term

    def _comparison(self) -> Term:
        left = self._unary()
        sign = self.peek()
        if sign not in COMPARE:
            return left
        self._at += 1
        right = self._unary()
        return lambda scope: _compare(sign, left(scope), right(scope))

    def _unary(self) -> Term:
        if self.took("!"):
            inner = self._unary()
            return lambda scope: not truth_of(inner(scope))
        if self.took("("):
            inner = self.either()
            self.expect(")")
            return inner
        return self.value()

    def value(self) -> Term:
        token = self.next()
        if token.startswith(('"', '@"')):
            return _constant(_string(token))
        if token in ("true", "false", "null"):
            return _constant({"true": True, "false": False}.get(token))
        if token == "new":
            return self.membership()
        if token.isidentifier():
            return self._member([token])
        raise self.unknown()

    def _member(self, path: list[str]) -> Term:
        careful = set()
        while self.peek() in (".", "?."):
            if self.next() == "?.":
                careful.add(len(path))
            path.append(self.next())
            if self.peek() == "(":
                if path[-1] == "Any" and ".".join(path[:-1]) == ATTACHED:
                    return self._any_attached()
                if path[-1] in TEXT_METHODS and self._listed(path[:-1]):
                    return self._text_method(path[:-1], careful, TEXT_METHODS[path[-1]])
                self.expect("(")
                self.expect(")")
                path[-1] += "()"
        if not self._listed(path):
            raise NotEmulated(f"{'.'.join(path)} in the expression {self._expression}")
        return lambda scope: _walk(scope, path, careful)

    def _listed(self, path: list[str]) -> bool:
        if self._item and path[:2] == [self._item, "Value"]:
            return ".".join(path[2:]) in NAMES
        return ".".join(path) in MEMBERS

    def _any_attached(self) -> Term:
        self.expect("(")
        self._item = item = self.next()
        self.expect("=>")
        test = self.either()
        self.expect(")")
        self._item = ""
        path = ATTACHED.split(".")
        return lambda scope: any(truth_of(test({**scope, item: {"Value": one}})) for one in _walk(scope, path, set()))

    def _text_method(self, path: list[str], careful: set[int], test: Callable[[str, str], bool]) -> Term:
        self.expect("(")
        sought = self.literal()
        self.expect(")")
        return lambda scope: test(text_of(_walk(scope, path, careful)), sought)

    def membership(self) -> Term:
        """
        `new [] { "a", "b" }.Contains(member)`, string arrays only.
        """
        self.took("string")
        for sign in "[]{":
            self.expect(sign)
        items = [self.literal()]
        while self.took(","):
            items.append(self.literal())
        for sign in ("}", ".", "Contains", "("):
            self.expect(sign)
        sought = self.value()
        self.expect(")")
        return lambda scope: sought(scope) in items

    def literal(self) -> str:
        token = self.next()
        if not token.startswith(('"', '@"')):
            raise self.unknown()
        return _string(token)

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def took(self, token: str) -> bool:
        taken = self.peek() == token
        self._at += taken
        return taken

    def expect(self, token: str) -> None:
        if not self.took(token):
            raise self.unknown()

    def unknown(self) -> NotEmulated:
        return NotEmulated(f"the expression {self._expression}")


def _constant(value: object) -> Term:
    return lambda scope: value


def _short_circuit(left: Term, right: Term, *, stop: bool) -> Term:
    return lambda scope: stop if truth_of(left(scope)) is stop else truth_of(right(scope))


def truth_of(value: object) -> bool:
    if not isinstance(value, bool):
        raise ExpressionFailed("a value that is not a bool was used as one")
    return value


def text_of(value: object) -> str:
    if not isinstance(value, str):
        raise ExpressionFailed("Object reference not set to an instance of an object.")
    return value


def _compare(sign: str, left: object, right: object) -> bool:
    if sign not in ("==", "!=") and not (isinstance(left, datetime) and isinstance(right, datetime)):
        raise ExpressionFailed(f"{sign} compares dates only")
    return COMPARE[sign](left, right)


def _string(token: str) -> str:
    if token.startswith("@"):
        return token[2:-1].replace('""', '"')
    return ESCAPE.sub(r"\1", token[1:-1])


def _walk(scope: Scope, path: list[str], careful: set[int]) -> Any:
    value: Any = scope[path[0]]
    for place, name in enumerate(path[1:], 1):
        if value is None:
            if careful & set(range(1, place + 1)):
                return None
            raise ExpressionFailed("Object reference not set to an instance of an object.")
        value = value[name]() if name.endswith("()") else value[name]
    return value
