"""What a terminal sends, as events, whatever bytes it sends.

Textual (8.2.8) ends the app at a byte that is no UTF-8 (an ``ä`` of a Latin-1 terminal, a binary file that is pasted)
and at reports out of range. Here such a byte is a ``�`` and such a report nothing; what is typed behind it counts.
Textual also takes up to 32 characters behind an Escape within a paste for keys, and a key may pause or kill.
"""

from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Final

from textual import events
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.message import Message

NONSENSE: Final = (ArithmeticError, ValueError, ParseError)
"""What the parser raises at numbers that no terminal should report."""
START, END = "\x1b[200~", "\x1b[201~"
"""What a terminal says around a paste."""
PASTED: Final = 200_000
"""Characters of a paste; what is longer is no config."""
SILENT: Final = 20
"""Looks without a byte, a tenth of a second each, after which a paste is over whose end was lost: until then every key
is text, also those that pause or leave."""


class Typed:
    """Bytes in, events out; one for as long as the terminal is read."""

    def __init__(self, *, debug: bool = False) -> None:
        self.refused = 0
        """Reports that meant nothing."""
        self._debug = debug
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser(debug)
        self._last = ""
        self._pasted: list[str] | None = None
        """A paste that has not ended."""
        self._silent = 0
        """Looks since its last byte."""

    def take(self, data: bytes) -> Iterator[Message]:
        """The events that end with these bytes; with none, those that only time has ended (a lone Escape)."""
        for character in self._decode(data):
            # One at a time: what is refused takes nothing along that came with it.
            yield from self._pasting(character) if self._pasted is not None else self._parsed(character)
        self._silent = 0 if data else self._silent + 1
        if self._pasted is None:
            yield from self._parsed("")
        elif self._silent >= SILENT:
            yield from self._pasting_over(self._pasted)

    def _pasting(self, character: str) -> Iterator[Message]:
        """Hold back a paste until all of it is there."""
        self._last = (self._last + character)[-len(END) :]
        assert self._pasted is not None
        if len(self._pasted) < PASTED:
            self._pasted.append(character)
        if self._last == END:
            yield from self._pasting_over(self._pasted)

    def _pasting_over(self, pasted: list[str]) -> Iterator[Message]:
        """Hand it over whole."""
        text = "".join(pasted).removesuffix(END).replace("\x1b", "")
        self._pasted = None
        for one in (*text, *END):
            yield from self._parsed(one)

    def _parsed(self, character: str) -> Iterator[Message]:
        self._last = (self._last + character)[-len(START) :]
        try:
            found = list(self._parser.feed(character) if character else self._parser.tick())
        except NONSENSE:
            self.refused += 1
            self._parser = XTermParser(self._debug)
            return
        if character and self._last == START:
            self._pasted = []
        yield from (one for one in found if not _unspeakable(one))


def _unspeakable(message: Message) -> bool:
    """True for a key whose character is half of one: no text can hold it, no terminal shows it."""
    return isinstance(message, events.Key) and any("\ud800" <= one <= "\udfff" for one in message.character or "")
