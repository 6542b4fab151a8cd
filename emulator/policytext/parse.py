"""
From text to tree.

Two readings: `strict` takes well-formed XML only, as the format `xml` demands; otherwise (the format `rawxml`) a value
that is a C# expression may hold bare quotes, angle brackets and ampersands. Messages are those of the .NET parser where
they are known.
"""

from __future__ import annotations

import re

from emulator.policytext.expressions import Unbalanced, end_of_expression
from emulator.policytext.nodes import Attribute, Comment, Document, Element, PolicyError, Text

NAME = re.compile(r"[A-Za-z_][\w.\-:]*")
SPACE = re.compile(r"\s*")
ENTITY = re.compile(r"&(?:#x(?P<hex>[0-9A-Fa-f]+)|#(?P<number>\d+)|(?P<name>\w+));")
BARE_AMPERSAND = re.compile(r"&(?!(?:#x[0-9A-Fa-f]+|#\d+|lt|gt|amp|quot|apos);)")
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


def unescape(text: str) -> str:
    """
    Text with the five named entities and character references resolved; anything else stays.
    """
    return ENTITY.sub(_entity, text)


def _entity(found: re.Match[str]) -> str:
    if found["hex"]:
        return chr(int(found["hex"], 16))
    if found["number"]:
        return chr(int(found["number"]))
    return NAMED.get(found["name"], found[0])


def parse(text: str, *, strict: bool = False) -> Document:
    """
    Read a document. PolicyError says what is wrong and where.
    """
    return _Reader(text.removeprefix("\ufeff"), strict).document()


class _Reader:
    def __init__(self, text: str, strict: bool) -> None:
        self.text = text
        self.strict = strict
        self.at = 0

    def document(self) -> Document:
        before = self._misc()
        if not self.text.startswith("<", self.at):
            raise self._fault("Data at the root level is invalid." if self._rest() else "Root element is missing.")
        root = self._element()
        after = self._misc()
        if self._rest():
            again = self.text.startswith("<", self.at)
            raise self._fault("There are multiple root elements." if again else "Data at the root level is invalid.")
        return Document(root, before, after)

    def _misc(self) -> tuple[Comment, ...]:
        """
        Comments, processing instructions and white space outside the root.
        """
        found: list[Comment] = []
        while True:
            self._skip_space()
            if self.text.startswith("<!--", self.at):
                found.append(self._comment())
            elif self.text.startswith("<?", self.at):
                self.at = self._find("?>", "Unexpected end of file has occurred.") + 2
            else:
                return tuple(found)

    def _element(self) -> Element:
        start = self.at
        line, column = self._position(start)
        self.at += 1
        name = self._name()
        written = self._attributes(name)
        values = {one.name: unescape(one.raw) for one in written}
        if self.text.startswith("/>", self.at):
            self.at += 2
            return Element(name, written, values, (), True, "", line, column + 1)
        if not self.text.startswith(">", self.at):
            raise self._unexpected("Expecting the end of the tag.")
        self.at += 1
        content = self.at
        children = self._content(name, line)
        inner = self.text[content : self.at]
        self._end_tag(name, line, column)
        return Element(name, written, values, children, False, inner, line, column + 1)

    def _attributes(self, element: str) -> tuple[Attribute, ...]:
        found: list[Attribute] = []
        while True:
            spaced = self._skip_space()
            if self.at >= len(self.text):
                raise self._fault(f"Unexpected end of file while parsing Name has occurred in '{element}'.")
            if self.text[self.at] in "/>":
                return tuple(found)
            if not spaced:
                raise self._unexpected("Expecting white space.")
            one = self._attribute()
            if any(one.name == other.name for other in found):
                raise self._fault(f"'{one.name}' is a duplicate attribute name.")
            found.append(one)

    def _attribute(self) -> Attribute:
        name = self._name()
        self._skip_space()
        if not self.text.startswith("=", self.at):
            raise self._unexpected("The expected token is '='.")
        self.at += 1
        self._skip_space()
        quote = self.text[self.at : self.at + 1]
        if quote not in ('"', "'"):
            raise self._unexpected("The expected token is '\"' or '''.")
        self.at += 1
        end = self._value_end(quote)
        raw = self.text[self.at : end]
        if self.strict:
            self._well_formed(raw, self.at)
        self.at = end + 1
        return Attribute(name, raw, quote)

    def _value_end(self, quote: str) -> int:
        """
        The index of the closing quote; an expression's own quotes don't count.
        """
        if not self.strict:
            inside = self._expression_end(self.at)
            if inside is not None and self.text.startswith(quote, inside):
                return inside
        return self._find(quote, "There is an unclosed literal string.")

    def _expression_end(self, at: int) -> int | None:
        """
        Where an expression that starts here (after white space) ends, white space included; None if none does.
        """
        begin = _after_space(self.text, at)
        if not self.text.startswith(("@(", "@{"), begin):
            return None
        try:
            return _after_space(self.text, end_of_expression(self.text, begin))
        except Unbalanced:
            return None

    def _content(self, name: str, line: int) -> tuple[Element | Comment | Text, ...]:
        found: list[Element | Comment | Text] = []
        while True:
            if self.at >= len(self.text):
                raise self._fault(
                    f"Unexpected end of file has occurred. The following elements are not closed: {name}."
                )
            if self.text.startswith("</", self.at):
                return tuple(found)
            if self.text.startswith("<!--", self.at):
                found.append(self._comment())
            elif self.text.startswith("<![CDATA[", self.at):
                found.append(self._cdata())
            elif self.text.startswith("<", self.at):
                found.append(self._element())
            else:
                found.append(self._characters())

    def _characters(self) -> Text:
        start = self.at
        inside = None if self.strict else self._expression_end(start)
        end = self.text.find("<", start if inside is None else inside)
        self.at = len(self.text) if end < 0 else end
        raw = self.text[start : self.at]
        if self.strict:
            self._well_formed(raw, start)
        first = _after_space(self.text, start) if raw.strip() else start
        return Text(raw, unescape(raw), *self._position(first))

    def _cdata(self) -> Text:
        start = self.at
        end = self._find("]]>", "Unexpected end of file while parsing CDATA has occurred.")
        self.at = end + 3
        return Text(self.text[start : self.at], self.text[start + 9 : end], *self._position(start))

    def _comment(self) -> Comment:
        start = self.at
        end = self.text.find("-->", start + 4)
        if end < 0:
            raise self._fault("Unexpected end of file while parsing Comment has occurred.")
        self.at = end + 3
        return Comment(self.text[start + 4 : end], *self._position(start))

    def _end_tag(self, name: str, line: int, column: int) -> None:
        where = self.at + 2
        self.at = where
        closed = self._name()
        self._skip_space()
        if closed != name:
            raise self._fault(
                f"The '{name}' start tag on line {line} position {column + 1} "
                f"does not match the end tag of '{closed}'.",
                where,
            )
        if not self.text.startswith(">", self.at):
            raise self._unexpected("The expected token is '>'.")
        self.at += 1

    def _name(self) -> str:
        found = NAME.match(self.text, self.at)
        if found is None:
            shown = self.text[self.at : self.at + 1]
            code = f"{ord(shown):X}" if shown else "0"
            raise self._fault(f"Name cannot begin with the '{shown}' character, hexadecimal value 0x{code.zfill(2)}.")
        self.at = found.end()
        return found[0]

    def _well_formed(self, raw: str, start: int) -> None:
        ampersand = BARE_AMPERSAND.search(raw)
        if ampersand is not None:
            raise self._fault("An error occurred while parsing EntityName.", start + ampersand.start() + 1)
        bracket = raw.find("<")
        if bracket >= 0:
            raise self._fault("'<', hexadecimal value 0x3C, is an invalid attribute character.", start + bracket)

    def _skip_space(self) -> bool:
        begin = self.at
        self.at = _after_space(self.text, begin)
        return self.at > begin

    def _find(self, wanted: str, otherwise: str) -> int:
        found = self.text.find(wanted, self.at)
        if found < 0:
            raise self._fault(otherwise)
        return found

    def _rest(self) -> str:
        return self.text[self.at :].strip()

    def _unexpected(self, expecting: str) -> PolicyError:
        found = NAME.match(self.text, self.at)
        token = found[0] if found else self.text[self.at : self.at + 1]
        return self._fault(f"'{token}' is an unexpected token. {expecting}")

    def _fault(self, message: str, at: int | None = None) -> PolicyError:
        line, column = self._position(self.at if at is None else at)
        return PolicyError(f"{message} Line {line}, position {column}.", line, column)

    def _position(self, at: int) -> tuple[int, int]:
        line_start = self.text.rfind("\n", 0, at) + 1
        return self.text.count("\n", 0, at) + 1, at - line_start + 1


def _after_space(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return found.end() if found else at
