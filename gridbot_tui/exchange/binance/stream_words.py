"""What both user streams share: a frame unwrapped and read, the words for a side and for what became of an order."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Final

from gridbot_tui.engine.events import Outcome
from gridbot_tui.exchange.binance import frames
from gridbot_tui.exchange.binance.frames import READING, BadFrame
from gridbot_tui.exchange.binance.known_ids import KnownIds
from gridbot_tui.exchange.binance.numbers import BadNumber, Scale
from gridbot_tui.exchange.binance.words import Word
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import ClientId, Ms, Side, Symbol

OUTCOMES: Final = {
    "NEW": Outcome.ACCEPTED,
    "PENDING_NEW": Outcome.ACCEPTED,
    "PARTIALLY_FILLED": Outcome.PARTLY_FILLED,
    "FILLED": Outcome.FILLED,
    "CANCELED": Outcome.CANCELED,
    "EXPIRED": Outcome.EXPIRED,
    "EXPIRED_IN_MATCH": Outcome.EXPIRED,
    "REJECTED": Outcome.REFUSED,
}
"""What the status of a plain order means; any other is a reason to ask REST."""
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}


class StreamWords(ABC):
    """Translates the events of one market's user stream. ``ids`` learns whose every order is."""

    def __init__(
        self, instruments: Mapping[Symbol, Instrument], ours: Callable[[ClientId], bool], ids: KnownIds
    ) -> None:
        self._scales = {symbol: Scale(instrument) for symbol, instrument in instruments.items()}
        self._ours = ours
        self._ids = ids

    def of(self, raw: bytes) -> tuple[str, Ms, list[Word]]:
        """(event type, the exchange's time of it or 0, what it means for us).

        Raises:
            BadFrame: it cannot be read, or says what cannot be.
        """
        try:
            head = frames.any_frame(raw)
            if inner := self._inner(head):
                raw = inner
                head = frames.any_frame(raw)
        except READING as error:
            raise BadFrame("no event", str(error)) from None
        kind = head.e
        try:
            at, words = self._read(kind, raw)
        except READING as error:
            raise BadFrame(kind or "no event", str(error)) from None
        return kind, at, words

    @abstractmethod
    def client_of(self, symbol: Symbol, order_number: int) -> ClientId | None:
        """The order of ours that a number belongs to, by birth or by name."""

    @abstractmethod
    def _inner(self, head: frames.Any_) -> bytes:
        """The event that a frame is wrapped around; empty where it is one itself."""

    @abstractmethod
    def _read(self, kind: str, raw: bytes) -> tuple[Ms, list[Word]]:
        """Time and meaning of one event; raises what ``READING`` lists."""


def side_of(word: str) -> Side:
    """BUY or SELL; raises BadNumber for anything else."""
    side = _SIDES.get(word)
    if side is None:
        raise BadNumber(f"{word[:20]!r} is no side")
    return side
