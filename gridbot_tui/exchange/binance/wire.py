"""One market's line to the exchange: turn, sending, classed errors, tries again where that is certain to be safe."""

from collections import deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

import aiohttp

from gridbot_tui.exchange.binance.calls import Call, Futures, Spot
from gridbot_tui.exchange.binance.client import Client, HttpTrouble, Unreadable
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.errors import BinanceError, ClockOff, RetryLater, Stop, Unresolved, classify
from gridbot_tui.exchange.binance.governor import Governor, Rank
from gridbot_tui.exchange.binance.health import AdapterHealth
from gridbot_tui.exchange.binance.hosts import Hosts
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.units import Market, Ms

_NONE: Final[Mapping[str, Any]] = {}
_TRIPS_KEPT: Final = 512
_LONG_PAUSE_S: Final = 2.0
"""What must wait longer than this goes back to whoever asked: the market moves on meanwhile."""
_LONG_TRIP: Final = 1_000
"""ms; beyond it half of it is no estimate of when the exchange looked at its clock."""
_LEFT: Final[ContextVar[Ms]] = ContextVar("left")
"""When the request that this task waits for left, by the exchange's clock."""


class Wire:
    """Every request of one market goes through ``ask`` or ``act``."""

    def __init__(self, market: Market, hosts: Hosts, keys: Keys, params: BinanceParams, clock: WallClock) -> None:
        self.market = market
        self.hosts = hosts
        self.params = params
        self.clock = clock
        self.governor = Governor(market, params, clock)
        self._keys = keys
        self._client: Client | None = None
        self._trips: deque[float] = deque(maxlen=_TRIPS_KEPT)
        self._error = ""
        self._error_at: Ms | None = None
        self.stopped = ""
        """Why the exchange will not serve us at all until somebody acts; "" = it does."""
        self._unresolved = 0
        self._closed_for = ""
        self.timed: Callable[[str, Ms], None] | None = None
        """Hears of every request that is answered: its symbol ("" = none), and ms on the wire."""

    # -- opening and closing -------------------------------------------------------------------------------

    async def open(self) -> None:
        """Make the client and measure the clock. Whoever calls tries again, and can say meanwhile what is amiss.

        Raises:
            RetryLater: no answer.
            BadKey: a private key that cannot be read.
        """
        if self._client is None:
            self._client = Client(self.hosts, self._keys, self.params, self._heard)
            self._client.set_offset(self.clock.offset)
        await self._measure(self._time)

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @property
    def signs(self) -> bool:
        """Whether there are keys."""
        return self._keys.there

    @property
    def batches_verify(self) -> bool:
        """The library signs batches rightly only with an HMAC secret."""
        return self._keys.private_key() is None

    def sign(self, params: dict[str, Any]) -> dict[str, Any]:
        """A WebSocket API request's parameters with key, timestamp and signature."""
        return self._there().sign_ws(params)

    # -- time ----------------------------------------------------------------------------------------------

    async def look_at_clock(self) -> Ms:
        """The exchange's time; ours is set by it."""
        for left in reversed(range(self.params.tries)):
            try:
                return await self._measure(self._time)
            except RetryLater as later:
                if not left:
                    raise
                await self._pause(self.params.tries - 1 - left, later)
        raise AssertionError("the last try returns or raises")

    @property
    def _time(self) -> Call:
        return Spot.TIME if self.market is Market.SPOT else Futures.TIME

    async def _measure(self, call: Call) -> Ms:
        await self.governor.turn(Rank.QUESTION, call.weight, 0)
        sent = self.clock.now_ms() - self.clock.offset
        answer = await self._send(call, {}, changes=False)
        received = self.clock.now_ms() - self.clock.offset
        told = answer.get("serverTime") if isinstance(answer, dict) else None
        if not isinstance(told, int):
            raise RetryLater("GET time: an answer without a time")
        trip = received - sent
        # Of a long trip the exchange's clock may be read at its very end: rather late than ahead.
        self.clock.offset = told - (received - trip // 2 if 0 <= trip <= _LONG_TRIP else received)
        self._there().set_offset(self.clock.offset)
        return self.clock.now_ms()

    # -- requests ------------------------------------------------------------------------------------------

    async def ask(self, call: Call, params: Mapping[str, Any] = _NONE, *, weight: int | None = None) -> Any:
        """A question: asked again after a pause until answered or refused.

        Raises:
            Refused, Stop, RetryLater (after the last try).
        """
        healed = False
        for attempt in range(self.params.tries):
            try:
                return await self._once(call, Rank.QUESTION, weight, params, changes=False)
            except ClockOff:
                if healed:
                    raise
                healed = True
                await self.look_at_clock()
            except RetryLater as later:
                if attempt + 1 == self.params.tries or later.closed or later.after_s > _LONG_PAUSE_S:
                    raise
                await self._pause(attempt, later)
        raise RetryLater(f"{call.name}: the clock was off on the last try")

    async def act(self, call: Call, rank: Rank, params: Mapping[str, Any], *, encoded: bool = False) -> Any:
        """A request that changes something: sent again only where it was certainly not carried out.

        Raises:
            Refused, Unresolved, Stop, ClockOff, RetryLater (after the last try).
        """
        healed = False
        for attempt in range(self.params.tries):
            try:
                return await self._once(call, rank, None, params, changes=True, encoded=encoded)
            except ClockOff:
                if healed:
                    raise
                healed = True
                await self.look_at_clock()
            except RetryLater as later:
                # After a 429 what protects has its own way through the governor; the rest is decided anew.
                late = later.closed or later.after_s > _LONG_PAUSE_S
                if attempt + 1 == self.params.tries or (late and rank is not Rank.PROTECT):
                    raise
                await self._pause(attempt, later)
        raise RetryLater(f"{call.name}: the clock was off on the last try")

    async def _pause(self, attempt: int, later: RetryLater) -> None:
        first = self.params.retry_first_ms / 1000
        told = 0.0 if later.closed else min(later.after_s, _LONG_PAUSE_S)
        await self.clock.sleep(max(first * 2**attempt, told))

    async def _once(
        self, call: Call, rank: Rank, weight: int | None, params: Mapping[str, Any], *, changes: bool,
        encoded: bool = False,
    ) -> Any:  # fmt: skip
        if call.signed and not self._keys.there:
            raise Stop(f"{call.name} needs API keys, and there are none: gridbot credentials set")
        if call.funding:
            await self.governor.funding_turn()
        await self.governor.turn(rank, call.weight if weight is None else weight, call.orders)
        return await self._send(call, params, changes=changes, encoded=encoded)

    async def _send(self, call: Call, params: Mapping[str, Any], *, changes: bool, encoded: bool = False) -> Any:
        began = self.clock.monotonic()
        _LEFT.set(self.clock.now_ms())
        try:
            answer = await self._there().send(self.market, call, params, encoded=encoded)
        except (HttpTrouble, Unreadable, aiohttp.ClientError, TimeoutError, OSError) as trouble:
            if isinstance(trouble, HttpTrouble):
                self._took(params, began)
            error = classify(trouble, call.name, changes=changes, market=self.market)
            if isinstance(error, Unresolved):
                error.sent_at = began
            self._note(error, changes)
            raise error from trouble
        self._trips.append(self._took(params, began))
        if call.signed:
            self.stopped = ""
        return answer

    def _took(self, params: Mapping[str, Any], began: float) -> float:
        """Seconds that an answered request took, told to whoever listens."""
        took = self.clock.monotonic() - began
        if self.timed is not None:
            self.timed(str(params.get("symbol", "")), round(took * 1000))
        return took

    def of_batch(self, code: int, message: str) -> BinanceError:
        """What the error of one order in a batch means: as if it had been sent alone."""
        error = classify(HttpTrouble(400, code, message), "order of a batch", changes=True, market=self.market)
        self._note(error, changes=True)
        return error

    def _note(self, error: BinanceError, changes: bool) -> None:
        """Remember an error, and what it means for everything that comes after."""
        self._error, self._error_at = str(error), self.clock.now_ms()
        if isinstance(error, RetryLater) and error.closed:
            self._closed_for = error.closed
            self.governor.refused(error.after_s)
        elif isinstance(error, RetryLater) and error.code == -1015:
            self.governor.orders_full(error.after_s)
        elif isinstance(error, Stop):
            # A key that may read but not trade is a refusal of orders: circuits slow them, and say why.
            if error.wait_s is not None:
                self.governor.banned(error.wait_s)
            if error.wait_s is not None or not changes:
                self.stopped = error.detail
        elif isinstance(error, Unresolved):
            self._unresolved += 1

    def _heard(self, headers: Mapping[str, str]) -> None:
        self.governor.heard(headers, _LEFT.get(None))

    def _there(self) -> Client:
        if self._client is None:
            raise RetryLater("the connection is not open")
        return self._client

    # -- how it is -----------------------------------------------------------------------------------------

    def health(self, queued: int = 0) -> AdapterHealth:
        """As of now; circuits are the port's."""
        now, governor = self.clock.now_ms(), self.governor
        trips = sorted(self._trips)
        closed = governor.closed_s()
        return AdapterHealth(
            weight_used=governor.weight.used(now),
            weight_limit=governor.weight.most,
            orders_used=governor.orders_short.used(now),
            orders_limit=governor.orders_short.most,
            queued=queued,
            latency_p50_ms=1000 * trips[len(trips) // 2] if trips else None,
            latency_p99_ms=1000 * trips[min(len(trips) - 1, int(0.99 * len(trips)))] if trips else None,
            clock_offset_ms=self.clock.offset,
            last_error=self._error,
            last_error_at=self._error_at,
            closed_until=now + int(1000 * closed) if closed else None,
            closed_for=self._closed_for,
            stopped=self.stopped,
            unresolved=self._unresolved,
        )
