"""The line each key of a TOML text stands on.

tomllib checks the text and gives the values; this gives the places.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

Place = tuple[str | int, ...]
"""A path of names and list indices, as the parsed document nests them."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a key or table header stands: first and last line, counted from 1."""

    first: int
    last: int


def spans(text: str) -> dict[Place, Span]:
    """Every key, table header and element of ``text``, which tomllib must have accepted.

    A table that is only implied by a dotted name has the line of what first implies it.
    """
    return _Scanner(text).document()


def nearest(found: dict[Place, Span], place: Place) -> Span | None:
    """The span of ``place`` or, if it is not written out, of the nearest table around it."""
    for end in range(len(place), 0, -1):
        if place[:end] in found:
            return found[place[:end]]
    return None


_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR: Final = re.compile(r"[^,\]}#\r\n]*")
_STRINGS: Final = (
    re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{1,2}(?!"))?', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{1,2}(?!'))?", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_ESCAPE: Final = re.compile(r'\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[btnfr"\\])')
_SHORT: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


class _Scanner:
    __slots__ = ("_at", "_counts", "_ends", "_found", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._found: dict[Place, Span] = {}
        self._counts: dict[Place, int] = {}
        """Elements met so far of each array of tables."""

    def document(self) -> dict[Place, Span]:
        table: Place = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return self._found
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Place:
        start = self._at
        array = self._text.startswith("[[", start)
        self._at += 2 if array else 1
        names = self._names()
        self._at += 2 if array else 1
        place: Place = ()
        for name in names[:-1]:
            place = self._inside((*place, name))
            self._mark(place, start)
        place = (*place, names[-1])
        if array:
            self._counts[place] = self._counts.get(place, 0) + 1
            self._mark(place, start)
        place = self._inside(place)
        self._mark(place, start, again=True)
        return place

    def _inside(self, place: Place) -> Place:
        """``place``, or its newest element where it is an array of tables."""
        count = self._counts.get(place, 0)
        return (*place, count - 1) if count else place

    def _pair(self, table: Place) -> None:
        start = self._at
        place = (*table, *self._names())
        self._skip(_SPACE)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(place)
        for end in range(len(table) + 1, len(place) + 1):
            self._mark(place[:end], start)

    def _names(self) -> list[str]:
        names = []
        while True:
            self._skip(_SPACE)
            names.append(self._name())
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _name(self) -> str:
        first = self._text[self._at : self._at + 1]
        if first not in ('"', "'"):
            return self._take(_BARE)
        raw = self._take(_STRINGS[2] if first == '"' else _STRINGS[3])[1:-1]
        return _ESCAPE.sub(_unescape, raw) if first == '"' else raw

    def _value(self, place: Place) -> None:
        first = self._text[self._at : self._at + 1]
        if first == "[":
            self._array(place)
        elif first == "{":
            self._inline(place)
        elif first in ('"', "'"):
            for pattern in _STRINGS:
                match = pattern.match(self._text, self._at)
                if match is not None:
                    self._at = match.end()
                    return
            self._take(_SCALAR)
        else:
            self._take(_SCALAR)

    def _array(self, place: Place) -> None:
        self._at += 1
        index = 0
        while self._more("]"):
            start = self._at
            self._value((*place, index))
            self._mark((*place, index), start)
            index += 1

    def _inline(self, place: Place) -> None:
        self._at += 1
        while self._more("}"):
            self._pair(place)

    def _more(self, closing: str) -> bool:
        """Pass blanks and commas; False (and past it) at the closing sign, or where the text ends."""
        while True:
            self._skip(_BLANK)
            sign = self._text[self._at : self._at + 1]
            if sign != ",":
                break
            self._at += 1
        if sign in (closing, ""):
            self._at += 1
            return False
        return True

    def _mark(self, place: Place, start: int, again: bool = False) -> None:
        if again or place not in self._found:
            self._found[place] = Span(self._line(start), self._line(max(start, self._at - 1)))

    def _line(self, at: int) -> int:
        return bisect_left(self._ends, at) + 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None or not match.group():
            # Only on text that tomllib refuses; pass one sign, so that the scan always ends.
            self._at += 1
            return ""
        self._at = match.end()
        return match.group()


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    return chr(int(code[1:], 16)) if code[0] in "uU" else _SHORT[code]
