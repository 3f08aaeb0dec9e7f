"""What a terminal sends, as events, whatever bytes it sends.

Textual (8.2.8) ends the app at a byte that is no UTF-8 (an ``ä`` of a Latin-1 terminal, a binary file that is pasted)
and at reports out of range. Here such a byte is a ``�`` and such a report nothing; what is typed behind it counts.
Textual also takes up to 32 characters behind an Escape within a paste for keys, and a key may pause or kill. So it does
with what a terminal answers in words (its colours, its name, its clipboard): asked for by the editor before, it arrives
here where the line is slow, and the ``f`` of a colour asked for a flatten.
"""

import re
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
"""Looks without a byte, a tenth of a second each, after which a paste or an answer is over whose end was lost: until
then every key is text, also those that pause or leave."""
ESC: Final = "\x1b"
ANSWERS: Final = "]P_^X"
"""What behind an Escape begins an answer in words: OSC, DCS, APC, PM, SOS."""
BEL: Final = "\x07"
GIVEN_UP: Final = f"{BEL}\x18\x1a"
"""What ends one beside an Escape: BEL, and CAN and SUB, after which it means nothing."""
KEPT: Final = 64
"""Characters of an answer that are read; those of a colour are fewer."""
BACKGROUND: Final = re.compile(r"\]11;rgba?:([0-9a-f]{1,4})/([0-9a-f]{1,4})/([0-9a-f]{1,4})", re.IGNORECASE)
ASKS_BACKGROUND: Final = "\x1b]11;?\x1b\\"
"""Asks a terminal what colour its background is; many say so."""


class Background(Message):
    """The terminal has told what it draws on."""

    def __init__(self, bright: float) -> None:
        self.bright = bright
        """From 0, black, to 1, white, as the eye weighs the colours."""
        super().__init__()


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
        self._answer: str | None = None
        """An answer in words that has not ended, as far as it is read."""
        self._silent = 0
        """Looks since the last byte of either."""

    def take(self, data: bytes) -> Iterator[Message]:
        """The events that end with these bytes; with none, those that only time has ended (a lone Escape)."""
        for character in self._decode(data):
            # One at a time: what is refused takes nothing along that came with it.
            yield from self._taken(character)
        self._silent = 0 if data else self._silent + 1
        if self._answer is not None:
            self._answer = None if self._silent >= SILENT else self._answer
        elif self._pasted is None:
            yield from self._parsed("")
        elif self._silent >= SILENT:
            yield from self._pasting_over(self._pasted)

    def _taken(self, character: str) -> Iterator[Message]:
        if self._pasted is not None:
            yield from self._pasting(character)
        elif self._answer is not None:
            yield from self._answering(self._answer, character)
        elif self._last[-1:] == ESC and character in ANSWERS:
            self._parser = XTermParser(self._debug)  # the Escape that it holds is no key
            self._last, self._answer = "", character
        else:
            yield from self._parsed(character)

    def _answering(self, answer: str, character: str) -> Iterator[Message]:
        """Read an answer to its end; what it says of anything but the background is nothing."""
        if answer[-1] == ESC:
            self._answer = None
            if character == "\\":
                yield from _told(answer)
            else:  # it was cut off by what begins here
                yield from self._parsed(ESC)
                yield from self._taken(character)
        elif character in GIVEN_UP:
            self._answer = None
            yield from _told(answer) if character == BEL else ()
        elif character == ESC or len(answer) < KEPT:
            self._answer = answer + character

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
        if not character and found:
            self._last = ""  # time has made a key of it: what comes now begins anew
        yield from (one for one in found if not _unspeakable(one))


def _unspeakable(message: Message) -> bool:
    """True for a key whose character is half of one: no text can hold it, no terminal shows it."""
    return isinstance(message, events.Key) and any("\ud800" <= one <= "\udfff" for one in message.character or "")


def _told(answer: str) -> Iterator[Message]:
    """What an answer says that somebody wants to know."""
    found = BACKGROUND.match(answer)
    if found is not None:
        red, green, blue = (int(one, 16) / (16 ** len(one) - 1) for one in found.groups())
        yield Background(0.299 * red + 0.587 * green + 0.114 * blue)
