"""When a request may leave: rate limits shared out by rank, so that what protects always finds room.

Binance counts weight by address and minute, and new orders by account and two windows; each window begins
anew with the clock. The headers of every answer are the truth (others may share the address); what has left
since the last of them is counted on top.
"""

import asyncio
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.errors import CUT_OFF_S
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.units import DAY, MINUTE, Market, Ms

SECONDS_10: Final[Ms] = 10_000
_INTERVALS: Final = {"SECOND": 1_000, "MINUTE": MINUTE, "HOUR": 60 * MINUTE, "DAY": DAY}
_FUNDING: Final = 450
"""Requests of the funding endpoints in five minutes; Binance takes 500 an address and tells no count."""
_EDGE: Final = 0.02
"""Seconds past the beginning of a window: our clock may be a little ahead of the exchange's."""


class Rank(IntEnum):
    """Who goes first where room is scarce."""

    PROTECT = 0
    """Cancels, reduce-only orders, stops."""
    QUESTION = 1
    ENTRY = 2
    REPRICE = 3
    """An entry that only moves a rung that stood a moment ago."""


class Window:
    """One limit: how much of it is used in the interval that the clock is in."""

    __slots__ = ("_began", "_used", "length", "most")

    def __init__(self, length: Ms, most: int) -> None:
        self.length = length
        self.most = most
        self._began = 0
        self._used = 0

    def used(self, now: Ms) -> int:
        """Used as of now."""
        began = now // self.length
        if began != self._began:
            self._began, self._used = began, 0
        return self._used

    def add(self, now: Ms, amount: int) -> None:
        """Count what leaves."""
        self._used = self.used(now) + amount

    def told(self, now: Ms, used: int) -> None:
        """The exchange says how much is used; less than we counted is an answer older than what has left since."""
        self._used = max(self.used(now), used)

    def left_s(self, now: Ms) -> float:
        """Seconds until it begins anew."""
        return (self.length - now % self.length) / 1000


class Governor:
    """Owns the windows of one market. ``turn`` is awaited before every request."""

    def __init__(self, market: Market, params: BinanceParams, clock: Clock) -> None:
        spot = market is Market.SPOT
        self._clock = clock
        self._shares = {
            Rank.PROTECT: 1.0,
            Rank.QUESTION: params.share_questions,
            Rank.ENTRY: params.share_entries,
            Rank.REPRICE: params.share_reprices,
        }
        # Until exchangeInfo has said: the smallest limits of the market that were ever documented.
        self.weight = Window(MINUTE, 6_000 if spot else 2_400)
        self.orders_short = Window(SECONDS_10, 50 if spot else 300)
        self.orders_long = Window(DAY, 160_000) if spot else Window(MINUTE, 1_200)
        self._funding = Window(5 * MINUTE, _FUNDING)
        self._queues = {rank: asyncio.Lock() for rank in Rank}
        self._closed_until: float | None = None
        self._shut_until: float | None = None
        self._strikes = 0

    # -- what is learnt -----------------------------------------------------------------------------------

    def limits(self, rows: list[dict[str, object]]) -> None:
        """Take the limits of an exchangeInfo document."""
        for row in rows:
            interval, number, limit = row.get("interval"), row.get("intervalNum"), row.get("limit")
            if not (isinstance(interval, str) and isinstance(number, int) and isinstance(limit, int) and limit > 0):
                continue
            length = _INTERVALS.get(interval, 0) * number
            if row.get("rateLimitType") == "REQUEST_WEIGHT" and length == self.weight.length:
                self.weight.most = limit
            elif row.get("rateLimitType") == "ORDERS":
                for window in (self.orders_short, self.orders_long):
                    if window.length == length:
                        window.most = limit

    def heard(self, headers: Mapping[str, str], left: Ms | None = None) -> None:
        """What the headers of an answer say is used, to a request that left then (now, where it is not said).

        Of an interval that is over meanwhile nothing is counted: it would shut the next one, for cancels too.
        """
        now = self._clock.now_ms()
        left = now if left is None else left
        long = "1D" if self.orders_long.length == DAY else "1M"
        for name, window in (
            ("X-MBX-USED-WEIGHT-1M", self.weight),
            ("X-MBX-ORDER-COUNT-10S", self.orders_short),
            (f"X-MBX-ORDER-COUNT-{long}", self.orders_long),
        ):
            text = headers.get(name)
            if text is not None and text.isdecimal() and left // window.length == now // window.length:
                window.told(now, int(text))

    def refused(self, wait_s: float) -> None:
        """429: nothing leaves for so long but what protects; a second one in that time stops that too."""
        until = self._clock.monotonic() + wait_s + CUT_OFF_S
        if self.closed_s() > 0:
            self._shut_until = max(until, self._shut_until or until)
        self._closed_until = max(until, self._closed_until or until)

    def orders_full(self, wait_s: float) -> None:
        """-1015: no new order fits into the window that ends in so long."""
        now = self._clock.now_ms()
        window = self.orders_short if wait_s <= SECONDS_10 / 1000 else self.orders_long
        window.told(now, window.most)

    def banned(self, wait_s: float) -> None:
        """418: nothing leaves at all for so long."""
        until = self._clock.monotonic() + wait_s + CUT_OFF_S
        self._closed_until = self._shut_until = max(until, self._shut_until or until)

    def closed_s(self) -> float:
        """Seconds for which ordinary requests must wait after a 429 or ban; 0 = none."""
        return max(0.0, (self._closed_until or 0.0) - self._clock.monotonic())

    def shut_s(self) -> float:
        """The same for everything."""
        return max(0.0, (self._shut_until or 0.0) - self._clock.monotonic())

    # -- leave to go --------------------------------------------------------------------------------------

    def wait_s(self, rank: Rank, weight: int, orders: int) -> float:
        """Seconds until such a request may leave as far as is known now; 0 = it may."""
        shut = self.shut_s() if rank is Rank.PROTECT else max(self.closed_s(), self.shut_s())
        if shut > 0:
            return shut
        now, share, wait = self._clock.now_ms(), self._shares[rank], 0.0
        wanted = (
            (self.weight, weight),
            (self.orders_short, orders),
            (self.orders_long, 1 if orders > 1 and self.orders_long.length == MINUTE else orders),
        )
        for window, amount in wanted:
            if amount and window.used(now) + amount > share * window.most:
                wait = max(wait, window.left_s(now) + _EDGE)
        return wait

    async def turn(self, rank: Rank, weight: int, orders: int) -> None:
        """Wait until the request may leave, first come first served within a rank; it is counted then.

        What protects and weighs nothing has nothing to wait for with those who do.
        """
        in_line = self._queues[rank].locked() and (weight or rank is not Rank.PROTECT)
        if in_line or self.wait_s(rank, weight, orders) > 0:
            async with self._queues[rank]:
                while (wait := self.wait_s(rank, weight, orders)) > 0:
                    # Not longer than a second at a time: limits and closings change meanwhile.
                    await self._clock.sleep(min(wait, 1.0))
        now = self._clock.now_ms()
        self.weight.add(now, weight)
        if orders:
            self.orders_short.add(now, orders)
            self.orders_long.add(now, 1 if orders > 1 and self.orders_long.length == MINUTE else orders)

    async def funding_turn(self) -> None:
        """Wait until the funding endpoints may be asked; counted then."""
        while self._funding.used(self._clock.now_ms()) >= self._funding.most:
            await self._clock.sleep(min(self._funding.left_s(self._clock.now_ms()) + _EDGE, 1.0))
        self._funding.add(self._clock.now_ms(), 1)
