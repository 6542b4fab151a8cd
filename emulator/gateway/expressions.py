"""
The C# conditions this gateway can decide: terms of `terms`, certificates in headers, and small statement blocks.

Policies run them (`choose`), nobody else. Whatever is not listed is NotEmulated when it is compiled, even where
evaluation would never reach it: a gateway that guessed would prove nothing. A block `@{…}` knows `var`, `if`, `try`
with a `catch` for everything, and `return`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from cryptography import x509

from emulator.gateway.members import HEADERS, NAMES
from emulator.gateway.outcome import NotEmulated
from emulator.gateway.shown import shown_certificate
from emulator.gateway.terms import Compiler, ExpressionFailed, Scope, Term, text_of, truth_of

__all__ = ["ExpressionFailed", "Scope", "Term", "compiled", "holds"]

Statement = Callable[[dict[str, Any]], tuple[bool, Any]]
"""Runs on the variables; whether it returned, and what."""


def holds(expression: str, scope: Scope) -> bool:
    """
    Whether a condition is true: `@(…)`, `@{…}`, or the plain words true and false.
    """
    value = compiled(expression.strip())(scope)
    if not isinstance(value, bool):
        raise ExpressionFailed(f"{expression} is not a condition")
    return value


@lru_cache(maxsize=2048)
def compiled(expression: str) -> Term:
    if expression.casefold() in ("true", "false"):
        value = expression.casefold() == "true"
        return lambda scope: value
    if expression.startswith("@(") and expression.endswith(")"):
        return _Expression(expression).whole()
    if expression.startswith("@{") and expression.endswith("}"):
        return _Expression(expression).block()
    raise NotEmulated(f"the condition {expression}")


class _Expression(Compiler):
    """
    Terms, and what policies do with a certificate that came in a header.
    """

    def __init__(self, expression: str) -> None:
        super().__init__(expression)
        self._variables: set[str] = set()

    def block(self) -> Term:
        run = self._statements()
        if self.peek():
            raise self.unknown()

        def value(scope: Scope) -> Any:
            returned, found = run(dict(scope))
            if not returned:
                raise ExpressionFailed("not all code paths return a value")
            return found

        return value

    def value(self) -> Term:
        if self.peek() in FUNCTIONS or self.peek() in ("System", *self._variables):
            return self._followed(self._called())
        if self._is_next("new", "X509Certificate2"):
            return self._followed(self._constructed())
        if self._is_next(*HEADERS):
            return self._followed(self._header())
        return super().value()

    def _is_next(self, *tokens: str) -> bool:
        return tuple(self._tokens[self._at : self._at + len(tokens)]) == tokens

    def _statements(self) -> Statement:
        self.expect("{")
        steps: list[Statement] = []
        while not self.took("}"):
            steps.append(self._statement())

        def run(variables: dict[str, Any]) -> tuple[bool, Any]:
            for step in steps:
                returned, value = step(variables)
                if returned:
                    return True, value
            return False, None

        return run

    def _statement(self) -> Statement:
        word = self.next()
        if word == "var":
            return self._assignment()
        if word == "return":
            value = self.either()
            self.expect(";")
            return lambda variables: (True, value(variables))
        if word == "if":
            self.expect("(")
            condition = self.either()
            self.expect(")")
            then = self._statements()
            return lambda variables: then(variables) if truth_of(condition(variables)) else (False, None)
        if word == "try":
            tried = self._statements()
            self.expect("catch")
            return _caught(tried, self._statements())
        raise self.unknown()

    def _assignment(self) -> Statement:
        name = self.next()
        self.expect("=")
        value = self.either()
        self.expect(";")
        self._variables.add(name)

        def assign(variables: dict[str, Any]) -> tuple[bool, Any]:
            variables[name] = value(variables)
            return False, None

        return assign

    def _called(self) -> Term:
        """
        A variable, or one of FUNCTIONS with its namespace or without.
        """
        name = self.next()
        if name in self._variables:
            return lambda scope: scope[name]
        path = [name]
        while self.took("."):
            path.append(self.next())
        function = FUNCTIONS.get(path[-2] if len(path) > 1 else "", {}).get(path[-1])
        if function is None:
            raise self.unknown()
        argument = self._argument()
        return lambda scope: function(argument(scope))

    def _constructed(self) -> Term:
        self.next()
        self.next()
        argument = self._argument()
        return lambda scope: _certificate(argument(scope))

    def _argument(self) -> Term:
        self.expect("(")
        argument = self.either()
        self.expect(")")
        return argument

    def _header(self) -> Term:
        for _ in HEADERS:
            self.next()
        self.expect("(")
        name = self.literal()
        self.expect(",")
        otherwise = self.literal()
        self.expect(")")
        return lambda scope: ",".join(scope["context"]["Request"]["Headers"].getall(name, [otherwise]))

    def _followed(self, term: Term) -> Term:
        """
        `.Replace("a", "b")` on a text, or a member of a certificate.
        """
        while self.took("."):
            member = self.next()
            if member == "Replace":
                term = self._replaced(term)
            elif member in NAMES:
                term = _member(term, member)
            else:
                raise self.unknown()
        return term

    def _replaced(self, term: Term) -> Term:
        self.expect("(")
        old = self.literal()
        self.expect(",")
        new = self.literal()
        self.expect(")")
        return lambda scope: text_of(term(scope)).replace(old, new)


def _member(term: Term, name: str) -> Term:
    return lambda scope: term(scope)[name]


def _caught(tried: Statement, otherwise: Statement) -> Statement:
    def run(variables: dict[str, Any]) -> tuple[bool, Any]:
        try:
            return tried(variables)
        except ExpressionFailed:
            return otherwise(variables)

    return run


def _from_base64(text: object) -> bytes:
    """
    As .NET does: white space is skipped, everything else that is no Base64 fails.
    """
    try:
        return base64.b64decode("".join(text_of(text).split()), validate=True)
    except (binascii.Error, ValueError) as odd:
        raise ExpressionFailed("The input is not a valid Base-64 string.") from odd


def _certificate(data: object) -> dict[str, Any]:
    try:
        found = shown_certificate(x509.load_der_x509_certificate(data if isinstance(data, bytes) else b""))
    except ValueError as odd:
        raise ExpressionFailed("Cannot find the requested object.") from odd
    assert found is not None
    return found


FUNCTIONS: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "Convert": {"FromBase64String": _from_base64},
    "WebUtility": {"UrlDecode": lambda text: unquote_plus(text_of(text))},
}
