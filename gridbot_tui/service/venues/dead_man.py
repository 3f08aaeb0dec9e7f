"""The exchange's own dead-man switch: should the bot fall silent, its resting orders do not outlive it for long.

``countdownCancelAll`` cancels every order of a symbol, anybody's: it is armed only where none but ours rest, renewed
only while decisions are fresh, and disarmed once a stop was verified. Conditional orders (the resting stop) stay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.service.books.telling import Level
from gridbot_tui.units import Ms, Symbol

WEIGHT: Final = 10
"""Request weight of one renewal."""
SHARE: Final = 0.10
"""Of the weight budget, that renewals may take."""
SOON_S: Final = 2.0
"""Pause while a symbol waits for being armed: the bot recovers, or its prices are old."""
TIMES: Final = 4
"""A countdown is renewed so many times before it would end."""


class Watched(Protocol):
    """What the keeper looks at before each renewal."""

    def fresh(self, symbol: Symbol) -> bool:
        """Whether decisions on the symbol rest on news of now."""
        ...

    def shared(self, symbol: Symbol) -> bool:
        """Whether an order that is not the bot's rests there."""
        ...

    def say(self, level: Level, text: str) -> None:
        """Tell the operator."""
        ...

    def doubt(self) -> None:
        """The exchange may have cancelled our orders: compare."""
        ...


class DeadMan:
    """Arms, renews and disarms the countdowns of all symbols. ``run`` ends by being cancelled."""

    def __init__(
        self,
        countdown: Callable[[Symbol, Ms], Awaitable[None]],
        symbols: Sequence[Symbol],
        watched: Watched,
        *,
        seconds: float,
        weight_limit: int,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        """``wall``: a clock that goes on while the machine sleeps, and that nobody sets: the exchange's."""
        self._countdown = countdown
        self._symbols = tuple(symbols)
        self._watched = watched
        least = len(self._symbols) * WEIGHT * 60.0 / (SHARE * weight_limit)
        self.period = max(seconds / TIMES, least)
        self.length: Ms = round(TIMES * self.period * 1000)
        self._monotonic = monotonic
        self._wall = wall
        self._armed: dict[Symbol, float] = {}
        self._unsure = set(symbols)
        """Symbols whose countdown may run without our knowing: that of a process before this one, or one of ours that
        was sent and not answered."""
        self._one_at_a_time = asyncio.Lock()
        self._over = False
        self._told: set[Symbol] = set()
        self._failed: dict[Symbol, str] = {}
        """Symbols whose last renewal failed, and what was said of it."""

    @property
    def armed(self) -> tuple[Symbol, ...]:
        """Symbols whose countdown runs."""
        return tuple(self._armed)

    async def run(self) -> None:
        """Renew, for ever."""
        while True:
            began = self._monotonic()
            for symbol in self._symbols:
                await self._mind(symbol)
            # An exchange that refuses it (it may not have it at all) is not asked more often than for a renewal.
            waiting = any(s not in self._armed and s not in self._told | self._failed.keys() for s in self._symbols)
            pause = min(self.period, SOON_S) if waiting else self.period
            await asyncio.sleep(max(0.1, pause - (self._monotonic() - began)))

    async def disarm(self) -> None:
        """End every countdown that runs, or may run; none is armed again, though ``run`` may still be under way. What
        cannot be ended only cancels what is not there."""
        self._over = True
        for symbol in self._symbols:
            await self._end(symbol)

    async def _end(self, symbol: Symbol) -> None:
        if (symbol in self._armed or symbol in self._unsure) and await self._send(symbol, 0):
            self._armed.pop(symbol, None)

    async def _mind(self, symbol: Symbol) -> None:
        self._look_back(symbol)
        if self._watched.shared(symbol):
            await self._end(symbol)
            self._say_once(symbol, f"{symbol}: an order that is not the bot's rests there, so the exchange's countdown "
                                   "is not armed: it would cancel that too")  # fmt: skip
            return
        self._told.discard(symbol)
        if self._watched.fresh(symbol) and await self._send(symbol, self.length):
            self._armed[symbol] = self._wall()

    def _look_back(self, symbol: Symbol) -> None:
        """A countdown that ran out, because process or machine were stopped, has cancelled our orders."""
        since = self._armed.get(symbol)
        if since is not None and (self._wall() - since) * 1000 >= self.length:
            del self._armed[symbol]
            away = self._wall() - since
            self._watched.say(
                "warning",
                f"{symbol}: nothing was sent for {away:.0f} s, so the exchange has cancelled the resting orders; "
                "they are compared and placed anew",
            )
            self._watched.doubt()

    async def _send(self, symbol: Symbol, ms: Ms) -> bool:
        async with self._one_at_a_time:  # the end of a countdown must not overtake its renewal
            return not (ms and self._over) and await self._sent(symbol, ms)

    async def _sent(self, symbol: Symbol, ms: Ms) -> bool:
        if ms:
            self._unsure.add(symbol)
        try:
            await self._countdown(symbol, ms)
        except BinanceError as error:
            if self._failed.get(symbol) != error.detail:
                self._watched.say("warning", f"{symbol}: the exchange's countdown was not renewed ({error.detail})")
            self._failed[symbol] = error.detail
            return False
        self._failed.pop(symbol, None)
        self._unsure.discard(symbol)
        return True

    def _say_once(self, symbol: Symbol, text: str) -> None:
        if symbol not in self._told:
            self._told.add(symbol)
            self._watched.say("warning", text)
