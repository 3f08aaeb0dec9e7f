"""Symbols without news on connections that speak: a quiet market, or a stream that is deaf?"""

import asyncio
from collections.abc import Callable
from typing import Final

from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.conflate import Pair, Quotes
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.jobs import Jobs
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.exchange.binance.supervisor import Supervisor
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.ops.log import get_logger
from gridbot_tui.units import Market, Symbol

BOOK: Final = "@bookTicker"
MARK: Final = "@markPrice@1s"
STILL: Final = 2.0
"""Seconds after which the prices of a quiet spot symbol are told again."""
SURE: Final = 1.0
"""Seconds a stream has to tell of the price that REST told, before it counts as deaf."""

_log = get_logger("streams")


class QuietWatch:
    """Looked at with every tick of a feed."""

    def __init__(self, rest: Rest, quotes: Quotes, carrier: Callable[[Symbol, str], Supervisor],
                 room: asyncio.Semaphore, jobs: Jobs, timing: StreamTiming, clock: Clock) -> None:  # fmt: skip
        """``carrier``: the connection of a symbol's stream; ``room``: for REST questions at a time."""
        self._rest = rest
        self._quotes = quotes
        self._carrier = carrier
        self._room = room
        self._jobs = jobs
        self._timing = timing
        self._clock = clock
        self._futures = rest.market is Market.FUTURES
        # Futures have mark prices every second besides, and a smaller budget of requests.
        self._patience = timing.quiet * (3 if self._futures else 1)
        self._checking: set[Symbol] = set()
        self._check_at: dict[Symbol, float] = {}
        self._asked_marks: dict[Symbol, tuple[float, float]] = {}
        """When a connection was replaced for want of a symbol's marks, and how long to wait before the next."""
        self._begun = 0.0

    def begin(self) -> None:
        """The feed begins to listen."""
        self._begun = self._clock.monotonic()

    def look(self, pair: Pair) -> None:
        """On spot, what is known is said to hold while its connection speaks; by REST it is found out whether the
        market is quiet or the stream deaf; mark prices come every second or not at all."""
        now = self._clock.monotonic()
        carrier = self._carrier(pair.symbol, BOOK)
        age = carrier.age
        if age is None:
            return
        quiet = now - max(pair.book_at, pair.still_at)
        if pair.spot and STILL <= quiet < float("inf") and age < STILL <= now - pair.told_at:
            self._quotes.still(pair)
        if now - pair.book_at >= self._patience and self._may_check(pair.symbol, now):
            self._checking.add(pair.symbol)
            self._jobs.start(self._check(pair, carrier), f"price of {pair.symbol}")
        if self._futures:
            self._markless(pair, now)

    def _may_check(self, symbol: Symbol, now: float) -> bool:
        """Whether a quiet symbol's time has come; the first time only sets it."""
        due = self._check_at.setdefault(symbol, now + self._patience)
        return now >= due and symbol not in self._checking

    async def _check(self, pair: Pair, carrier: Supervisor) -> None:
        book_at = pair.book_at
        try:
            async with self._room:
                bid, ask = await self._rest.best(pair.symbol)
            if (bid, ask) != (pair.bid, pair.ask):
                await self._clock.sleep(SURE)
        except BinanceError as error:
            _log.warning("price_not_answered", symbol=pair.symbol, reason=error.detail)
            return
        finally:
            self._checking.discard(pair.symbol)
            self._check_at[pair.symbol] = self._clock.monotonic() + self._patience
        if book_at == pair.book_at and (bid, ask) != (pair.bid, pair.ask):
            self._quotes.prices(pair, bid, ask)
            carrier.renew(f"{pair.symbol} moved and its stream did not say so")

    def _markless(self, pair: Pair, now: float) -> None:
        """A symbol without mark prices is one the exchange forgot, or one that is closed: ever longer pauses."""
        begun, wait = max(pair.mark_at, self._begun), self._timing.quiet
        asked = self._asked_marks.get(pair.symbol)
        if asked is not None and asked[0] >= begun:
            begun, wait = asked
        carrier = self._carrier(pair.symbol, MARK)
        if now - begun >= wait and carrier.up:
            self._asked_marks[pair.symbol] = (now, min(2 * wait, self._timing.deaf_most))
            carrier.renew(f"no mark price of {pair.symbol}")
