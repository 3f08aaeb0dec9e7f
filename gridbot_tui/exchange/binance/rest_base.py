"""What REST is on both markets alike: pages of candles and executions, and whose executions they are."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final, TypeVar

from gridbot_tui.engine.events import Fill
from gridbot_tui.exchange.binance import account_words
from gridbot_tui.exchange.binance.account_words import INTERVALS, Marks
from gridbot_tui.exchange.binance.calls import Call
from gridbot_tui.exchange.binance.errors import UNLISTED, NotThere, Refused, RetryLater, Unresolved, denies, unlisted
from gridbot_tui.exchange.binance.governor import Rank
from gridbot_tui.exchange.binance.health import AdapterHealth
from gridbot_tui.exchange.binance.known_ids import KnownIds
from gridbot_tui.exchange.binance.numbers import Scale, money
from gridbot_tui.exchange.binance.order_words import BadAnswer, need
from gridbot_tui.exchange.binance.rest import ApiRestrictions, IsOurs, Listing, Timed
from gridbot_tui.exchange.binance.taken_off import TakenOff
from gridbot_tui.exchange.binance.wire import Wire
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.exchange_info import instruments
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import DAY, HOUR, Asset, ClientId, Market, Money, Ms, Symbol, Ticks

Json = Mapping[str, Any]
Page = tuple[list[list[Any]], Marks]
AskCandles = Callable[[Mapping[str, Any], Scale, int], Awaitable[Page]]
T = TypeVar("T")

PAGE: Final = 1_000
KEPT: Final[Ms] = 89 * DAY
"""How far back the exchange's lists of executions and income reach, a day less than it says."""
_FEW: Final = 3
"""Up to so many unknown orders are asked for one by one; beyond it a list is cheaper."""
_YOUNG: Final[Ms] = HOUR
_NO_END: Final[Ms] = 4_102_444_800_000
"""2100-01-01."""


class RestBase(ABC):
    """Common to SpotRest and FuturesRest; see ``rest.Rest`` for what each call means."""

    PLACE: ClassVar[Call]
    CANCEL: ClassVar[Call]
    TRADES: ClassVar[Call]
    ORDER: ClassVar[Call]
    ALL_ORDERS: ClassVar[Call]
    KLINES: ClassVar[Call]
    BOOK: ClassVar[Call]
    RESTRICTIONS: ClassVar[Call]
    market: ClassVar[Market]
    window: ClassVar[Ms]
    """Longest span of one list of executions."""
    latest_reach: ClassVar[Ms]
    """How far back a list of executions reaches that names no time."""

    def __init__(self, wire: Wire, ours: IsOurs, interval: Ms) -> None:
        self.wire = wire
        self.ids = KnownIds()
        self.traded: dict[Symbol, Instrument] = {}
        self.listed: dict[Symbol, Listing] = {}
        """How what ``instruments`` has loaded was listed then."""
        self.ceilings: dict[Symbol, int] = {}
        self._scales: dict[Symbol, Scale] = {}
        self._ours = ours
        self._interval = interval
        self._taken_off = TakenOff(lambda: self.listings(tuple(self.traded)), wire.clock)

    async def open(self) -> None:
        """Connect, measure the clock."""
        await self.wire.open()

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        await self.wire.close()

    @property
    def clock_stepped(self) -> bool:
        """Whether the machine's clock was set, or stood still, since then."""
        return self.wire.clock.stepped

    async def server_time(self) -> Ms:
        """The exchange's time; sets the clock."""
        return await self.wire.look_at_clock()

    def on_trip(self, timed: Timed) -> None:
        """From now on ``timed`` hears of every request that is answered; of what is not traded as about no symbol."""
        self.wire.timed = lambda symbol, took: timed(symbol if symbol in self.traded else "", took)

    @property
    def stopped(self) -> str:
        """Why the exchange will not serve us at all; "" = it does."""
        return self.wire.stopped

    def health(self, queued: int = 0) -> AdapterHealth:
        """As of now."""
        return self.wire.health(queued)

    def room_s(self, rank: Rank, orders: int = 1) -> float:
        """See ``rest.Rest``."""
        weight = {0: self.CANCEL.weight, 1: self.PLACE.weight}.get(orders, orders)
        return self.wire.governor.wait_s(rank, weight, orders)

    @property
    def now(self) -> Ms:
        """The exchange's time as far as it is known."""
        return self.wire.clock.now_ms()

    def scale(self, symbol: Symbol) -> Scale:
        """How a symbol's numbers are read.

        Raises:
            Refused: ``instruments`` has not loaded it.
        """
        scale = self._scales.get(symbol)
        if scale is None:
            raise Refused(f"{symbol} is not one of the traded symbols", UNLISTED)
        return scale

    def _load(self, found: Mapping[Symbol, Instrument], wanted: Sequence[Symbol]) -> dict[Symbol, Instrument]:
        missing = [symbol for symbol in wanted if symbol not in found]
        if missing:
            place = "spot pair" if self.market is Market.SPOT else "USD-M perpetual"
            said = f"no {place} of that name, or none with a tick size yet, on this exchange; see bot.symbols"
            raise Refused(f"{', '.join(missing)}: {said}", UNLISTED)
        loaded = {symbol: found[symbol] for symbol in wanted}
        self.go_by(loaded)
        return loaded

    def go_by(self, instruments: Mapping[Symbol, Instrument]) -> None:
        """Read and write these symbols in the ticks and steps of these instruments."""
        self.traded |= instruments
        self._scales |= {symbol: Scale(instrument) for symbol, instrument in instruments.items()}

    def _listings(self, document: Any, brackets: Any, symbols: Sequence[Symbol]) -> dict[Symbol, Listing]:
        """Out of an exchangeInfo document; the limits in it are taken as well. Call it under ``reading``."""
        self.wire.governor.limits(document["rateLimits"])
        try:
            # A symbol may be missing from the document or be no perpetual: _load says so of all of them.
            found = instruments(document, brackets, frozenset(symbols))
        except DataError:
            found = self._with_sizes(document, brackets, symbols)
        rows = {row["symbol"]: row for row in document["symbols"] if row["symbol"] in found}
        return {name: Listing(found[name], str(row["status"]), _ends_at(row)) for name, row in rows.items()}

    def _with_sizes(self, document: Any, brackets: Any, symbols: Sequence[Symbol]) -> dict[Symbol, Instrument]:
        """Where Binance lists one without tick and step, as it does before it opens it: the others as they are.

        That one is as it was taken in, or else none.
        """
        try:
            found = instruments(document, brackets, frozenset(one for one in symbols if _has_sizes(document, one)))
        except DataError as error:  # it is not about a symbol
            raise ValueError(str(error)) from error
        return {one: self.traded[one] for one in symbols if one in self.traded} | found

    # -- market -------------------------------------------------------------------------------------------

    async def klines(self, symbol: Symbol, since: Ms) -> list[Bar]:
        """Closed bars with open time >= ``since``, ascending."""
        return await self._pages(symbol, since, self._interval, self._candles)

    async def hours(self, symbol: Symbol, since: Ms, until: Ms) -> list[Bar]:
        """See ``rest.Rest``."""
        return await self._pages(symbol, since, HOUR, self._plain_candles, until)

    async def _pages(
        self, symbol: Symbol, since: Ms, interval: Ms, ask: AskCandles, until: Ms | None = None
    ) -> list[Bar]:
        """Closed candles that open from ``since`` on, and before ``until`` where that is named."""
        scale, found = self.scale(symbol), list[Bar]()
        start = -(-since // interval) * interval
        while start + interval <= (end := self.now if until is None else min(self.now, until)):
            limit, weight = self._page_for((end - start) // interval)
            params = {"symbol": symbol, "interval": INTERVALS[interval], "startTime": start, "limit": limit}
            rows, known = await ask(params, scale, weight)
            with reading("klines"):
                read = [account_words.bar(row, scale, interval, known) for row in rows]
            page = {bar.open_at: bar for bar in read if bar.open_at >= start}
            closed = self.now if until is None else end
            found += [page[at] for at in sorted(page) if page[at].close_at <= closed]
            if len(rows) < limit:
                break
            start = further("klines", start, max(page, default=0) + interval)
        return found

    async def _candles(self, params: Mapping[str, Any], scale: Scale, weight: int) -> Page:
        """One page, with the mark prices of the same candles; spot has none."""
        return await self._plain_candles(params, scale, weight)

    async def _plain_candles(self, params: Mapping[str, Any], scale: Scale, weight: int) -> Page:
        return await self.wire.ask(self.KLINES, params, weight=weight), {}

    def _page_for(self, count: int) -> tuple[int, int]:
        """The page to ask for where so many candles are wanted, and what it weighs."""
        return PAGE, self.KLINES.weight

    async def best(self, symbol: Symbol) -> tuple[Ticks | None, Ticks | None]:
        """Best bid and ask now."""
        scale = self.scale(symbol)
        row = await self.wire.ask(self.BOOK, {"symbol": symbol})
        with reading("best prices"):
            bid, ask = scale.best(need(row, "bidPrice"), need(row, "askPrice"))
            return bid or None, ask or None

    async def worth(self, asset: Asset, quote: Asset) -> Money | None:
        """Between best bid and ask of an asset in another; None where there is no such market, or nobody in it."""
        try:
            row = await self.wire.ask(self.BOOK, {"symbol": asset + quote})
        except Refused as refused:
            if not unlisted(refused):
                raise
            return None
        with reading("best prices"):
            bid, ask = money(need(row, "bidPrice")), money(need(row, "askPrice"))
            return (bid + ask) / 2 if bid > 0 and ask > 0 else None

    # -- executions ---------------------------------------------------------------------------------------

    async def fills(self, symbol: Symbol, after_trade_id: str, since: Ms) -> list[Fill]:
        """Executions after a trade id, or at or after ``since``, ascending."""
        scale = self.scale(symbol)
        if after_trade_id:
            if not after_trade_id.isdecimal():
                raise Refused(f"{after_trade_id!r} is no trade id", -1100)
            rows = await self._trades_from(symbol, int(after_trade_id) + 1)
        else:
            first = await self._first_trade(symbol, since)
            rows = [] if first is None else await self._trades_from(symbol, first)
        with reading("executions"):
            owners = await self._owners(symbol, rows)
            return [account_words.fill(row, scale, *owners[need(row, "orderId")]) for row in rows]

    async def _trades_from(self, symbol: Symbol, first: int) -> list[Json]:
        rows: list[Json] = []
        while True:
            page = await self._trades(symbol, fromId=first)
            rows += [row for row in page if _trade_id(row) >= first]
            if len(page) < PAGE:
                return rows
            first = further("executions", first, _trade_id(page[-1]) + 1)

    async def _trades(self, symbol: Symbol, **params: int) -> list[Json]:
        page = await self._rows_of(self.TRADES, {"symbol": symbol, "limit": PAGE, **params})
        with reading("executions"):
            return sorted(page, key=_trade_id)

    async def _first_trade(self, symbol: Symbol, since: Ms) -> int | None:
        """The id of the first execution at or after ``since``."""
        since = max(since, self.now - KEPT)
        latest = await self._trades(symbol)
        with reading("executions"):
            reaches = bool(latest) and _time(latest[0]) < since
            if reaches or (len(latest) < PAGE and since >= self.now - self.latest_reach):
                return next((_trade_id(row) for row in latest if _time(row) >= since), None)
            while since <= self.now:
                page = await self._trades(symbol, startTime=since, endTime=since + self.window - 1)
                if page:
                    return _trade_id(page[0])
                since += self.window
        return None

    async def _owners(self, symbol: Symbol, rows: Sequence[Json]) -> dict[str, tuple[ClientId, bool]]:
        """(client id, ours) by order number. Lists of executions name only the number."""
        numbers = {need(row, "orderId"): _time(row) for row in rows}
        unknown = sorted((n for n in numbers if self.ids.client_id(symbol, n) is None), key=int)
        if len(unknown) > _FEW:
            await self._learn_from_list(symbol, int(unknown[0]), int(unknown[-1]))
            unknown = [n for n in unknown if self.ids.client_id(symbol, n) is None]
        for number in unknown:
            await self._learn(symbol, number, numbers[number])
        found: dict[str, tuple[ClientId, bool]] = {}
        for number in numbers:
            client_id = self.ids.client_id(symbol, number) or ""
            found[number] = (client_id, self._ours(client_id))
        return found

    async def _learn(self, symbol: Symbol, number: str, traded_at: Ms) -> None:
        try:
            row = await self.wire.ask(self.ORDER, {"symbol": symbol, "orderId": number})
        except Refused as refused:
            if not denies(refused):
                raise
            # What the exchange placed itself (a liquidation) may be in the list all the same.
            await self._learn_from_list(symbol, int(number), int(number))
            if self.ids.client_id(symbol, number) is not None:
                return
            if self.now - traded_at < _YOUNG:
                raise RetryLater(f"order {number} of an execution is not listed yet", refused.code) from refused
            return  # purged: of an execution that old nothing of ours waits for news
        await self._learn_row(symbol, row)

    async def _learn_from_list(self, symbol: Symbol, first: int, last: int) -> None:
        while first <= last:
            page = await self._rows_of(self.ALL_ORDERS, {"symbol": symbol, "orderId": first, "limit": PAGE})
            for row in page:
                if int(need(row, "orderId")) <= last:
                    await self._learn_row(symbol, row)
            if len(page) < PAGE:
                return
            first = further("orders", first, max(int(need(row, "orderId")) for row in page) + 1)

    async def _learn_row(self, symbol: Symbol, row: Json) -> None:
        self.ids.learn(symbol, need(row, "orderId"), need(row, "clientOrderId"))

    async def _rows_of(self, call: Call, params: Mapping[str, Any]) -> list[Json]:
        """What the exchange lists of a symbol: nothing of one that it has taken off.

        The others are compared, and a stop is verified, all the same. Executions of its last moments that nobody has
        heard of are missing then: positions and wallets tell.
        """
        try:
            rows: list[Json] = await self.wire.ask(call, params)
        except Refused as refused:
            if not await self._gone(refused, params["symbol"]):
                raise
            return []
        return rows

    async def _gone(self, refused: Refused, symbol: Symbol) -> bool:
        """Whether a question was refused because the symbol has been taken off, and its orders with it.

        Raises RetryLater while nothing else says so.
        """
        if not unlisted(refused):
            return False
        if not await self._taken_off.sure(symbol):
            raise RetryLater(f"{refused.detail} Whether {symbol} is listed is looked at", refused.code) from refused
        return True

    # -- the key -------------------------------------------------------------------------------------------

    async def api_restrictions(self) -> ApiRestrictions | None:
        """What the key may do; None where the environment has no such call."""
        if self.wire.hosts.sapi is None:
            return None
        try:
            row = await self.wire.ask(self.RESTRICTIONS)
        except NotThere:
            return None
        with reading("what the key may do"):
            return ApiRestrictions(
                ip_restricted=_flag(row, "ipRestrict"),
                reading=_flag(row, "enableReading"),
                withdrawals=_flag(row, "enableWithdrawals"),
                internal_transfer=_flag(row, "enableInternalTransfer"),
                spot_trading=_flag(row, "enableSpotAndMarginTrading"),
                futures=_flag(row, "enableFutures"),
            )

    def sign(self, params: dict[str, Any]) -> dict[str, Any]:
        """A WebSocket API request's parameters with key, timestamp and signature."""
        return self.wire.sign(params)

    @abstractmethod
    async def instruments(self, symbols: Sequence[Symbol]) -> dict[Symbol, Instrument]:
        """Filters, brackets, funding interval."""

    @abstractmethod
    async def listings(self, symbols: Sequence[Symbol]) -> dict[Symbol, Listing]:
        """How they are listed now."""


def _has_sizes(document: Any, symbol: Symbol) -> bool:
    try:
        return symbol in instruments(document, None, frozenset((symbol,)))
    except DataError:
        return False


def _ends_at(row: Json) -> Ms | None:
    """When a perpetual ends; spot pairs name no date, perpetuals one of the year 2100 until their end is announced."""
    at = row.get("deliveryDate")
    return at if isinstance(at, int) and 0 < at < _NO_END else None


def _trade_id(row: Json) -> int:
    return int(need(row, "id"))


def _time(row: Json) -> Ms:
    return int(need(row, "time"))


def _flag(row: Json, name: str) -> bool:
    value = row.get(name)
    if not isinstance(value, bool):
        raise BadAnswer(f"an answer without {name}")
    return value


@contextmanager
def reading(what: str, *, changes: bool = False) -> Iterator[None]:
    """Makes of an answer that cannot be read what the caller must do about it."""
    try:
        yield
    except (BadAnswer, ValueError, TypeError, LookupError, AttributeError) as wrong:
        error = Unresolved if changes else RetryLater
        raise error(f"{what}: an answer that cannot be read ({wrong})") from wrong


def further(what: str, start: int, following: int) -> int:
    """Where the next page begins.

    Raises:
        RetryLater: not beyond this one; asked on and on, a list that is answered like that would have no end.
    """
    if following <= start:
        raise RetryLater(f"{what}: the exchange answers a page that does not go on")
    return following


async def together(jobs: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """All at once; the first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_run(job)) for job in jobs]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def _run(job: Callable[[], Awaitable[T]]) -> T:
    return await job()
