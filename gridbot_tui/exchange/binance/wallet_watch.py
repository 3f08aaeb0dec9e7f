"""Wallet changes other than by fills: the stream says that one happened, REST says which, with its own id.

The same change must not be booked twice, and stream and REST have no id in common: so only REST's rows are
told, and the stream's word is the reason to ask for them.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from gridbot_tui.engine.events import Event
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.recent import Recent
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.exchange.binance.words import WalletMoved
from gridbot_tui.ops.log import get_logger
from gridbot_tui.units import Ms

_PAUSES: Final = (1.0, 2.0, 5.0, 15.0, 30.0)
"""Before each question, in first pauses: the list lags behind the stream."""
_BEFORE: Final[Ms] = 60_000
"""The list's time of a change may lie this much before the stream's."""

_log = get_logger("streams")


class WalletWatch:
    """Asks until every change the stream told of is on the list."""

    def __init__(self, rest: Rest, sink: Callable[[Event], None], look_again: Callable[[str], None],
                 first: float, clock: Clock) -> None:  # fmt: skip
        self._rest = rest
        self._sink = sink
        self._look_again = look_again
        self._first = first
        self._clock = clock
        self._open: list[WalletMoved] = []
        self._busy = False
        self._told = Recent()

    def moved(self, word: WalletMoved) -> bool:
        """A change was told; True where nobody is looking for changes yet: run ``look``."""
        self._open.append(word)
        begin, self._busy = not self._busy, True
        return begin

    async def look(self) -> None:
        """Ask, sooner at first, until all are found; then leave the rest to a resync."""
        try:
            for pause in _PAUSES:
                await self._clock.sleep(pause * self._first)
                await self._ask()
                if not self._open:
                    return
            missing = self._open[0]
            self._open.clear()
            self._look_again(f"the wallet changed by {missing.amount} {missing.asset} ({missing.reason})")
        finally:
            self._busy = False

    async def _ask(self) -> None:
        since = min(word.at for word in self._open) - _BEFORE
        try:
            rows = await self._rest.cash(since)
        except BinanceError as error:
            _log.warning("wallet_not_answered", reason=error.detail)
            return
        found = Counter((row.asset, row.amount) for row in rows)
        for row in rows:
            if self._told.add(row.cash_id):
                self._sink(row)
        left = []
        for word in self._open:
            key = (word.asset, word.amount)
            if found[key] > 0:
                found[key] -= 1
            else:
                left.append(word)
        self._open = left
