"""Paper trading: the live market's public data, and a simulated account that nobody else touches.

The account's exchange keeps its own books (``exchange.db``), as a real one would: a killed bot asks it for what
it missed. Its fills are careful. A resting order fills where the market has shown a price a tick beyond it: the
other side's best quote, the last trade, or, at the end of a minute, that minute's extreme for orders that rested
before it began. The market it is shown goes on without our trades in it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from gridbot_tui.engine.events import BarsClosed, Event, FundingSettled, OrderReport, Outcome, Quote
from gridbot_tui.exchange.binance.candles import Candles, candles
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.port import AskBars, AskFunding, Cancel, Incoming, Place, Query, Reply, Request, SetLeverage
from gridbot_tui.exchange.simulated import wire
from gridbot_tui.exchange.simulated.books import BooksFile
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.matching import play
from gridbot_tui.exchange.simulated.queries import answer
from gridbot_tui.exchange.simulated.records import Order, Update
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.exchange.simulated.venue import Venue
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate, MarketBatch
from gridbot_tui.units import MINUTE, Market, Ms, Side, Symbol

WRITE_CLOCK: Final[Ms] = 10_000
"""Books without news are stamped this often: from there on a restart plays the market anew."""
LATELY: Final[Ms] = 10 * MINUTE
"""A price of so long ago will do until the market speaks."""
_PLENTY: Final = 1e12
"""A volume that limits nothing: a quote says nothing of how much was traded."""


class PublicData(Candles, Protocol):
    """What the live market can be asked for without a key."""

    async def funding(self, symbols: Sequence[Symbol], since: Ms) -> list[FundingRate]:
        """Settled rates after ``since``, ascending; empty on spot."""
        ...


class _Nothing:
    """The source that ``queries.answer`` is given: what a source would know is asked of the live market."""

    def __init__(self, instruments: dict[Symbol, Instrument]) -> None:
        self.instruments = instruments
        self.interval = MINUTE
        self.start: Ms = 0

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        """None."""
        return iter(())


class PaperPort:
    """A port on a simulated account. ``market`` takes what the live feed says; ``run`` answers what is sent."""

    def __init__(
        self,
        instruments: dict[Symbol, Instrument],
        account: AccountConfig,
        public: PublicData,
        sink: Callable[[Incoming], None],
        now: Callable[[], Ms],
        books: BooksFile | None = None,
    ) -> None:
        """Open the account, or go on with the one in ``books``.

        Raises:
            ValueError: books of another market.
        """
        self._instruments = instruments
        self._public = public
        self._sink = sink
        self._now = now
        self._books = books
        self.exchange = Exchange(instruments, account)
        start = now()
        self.exchange.now = start
        self._played = books.open(self.exchange, start) if books is not None else start
        """Up to here the account has lived through the market."""
        self._stamped: Ms = 0
        self._inbox: deque[Request] = deque()
        self._sent = asyncio.Event()
        self._asking: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        """What a question failed with that is no answer of the market's: ``run`` raises it, or nobody ever would."""

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """Instruments of the traded symbols."""
        return self._instruments

    def send(self, request: Request) -> None:
        """Pass a request on; it is executed before the loop turns."""
        self._inbox.append(request)
        self._sent.set()

    async def run(self) -> None:
        """Answer what is sent, for ever; ends by being cancelled. Raises what a question failed with."""
        try:
            while True:
                await self._sent.wait()
                self._sent.clear()
                if self._failure is not None:
                    raise self._failure
                while self._inbox:
                    self._execute(self._inbox.popleft())
        finally:
            for task in list(self._asking):
                task.cancel()
            await asyncio.gather(*self._asking, return_exceptions=True)

    async def catch_up(self) -> None:
        """Live through the minutes since the books were last open, as an exchange would have, and know the prices.

        Raises:
            BinanceError: the market could not be asked.
        """
        await self._live_through()
        for symbol, venue in self.exchange.venues.items():
            # Before the stream's first word an order would be taken for one on a closed symbol, and refused.
            if not venue.last and (bars := await self._public.klines(symbol, self._now() - LATELY)):
                venue.last, venue.mark = bars[-1].close, bars[-1].mark_close

    async def _live_through(self) -> None:
        since = self._played - self._played % MINUTE
        held = any(self.exchange.account.position(symbol) for symbol in self._instruments)
        if not (held or self.exchange.history.open):
            return
        batches: dict[Ms, list[tuple[Symbol, Bar]]] = {}
        for symbol in self._instruments if self._now() - since >= 2 * MINUTE else ():
            for bar in await self._public.klines(symbol, since):
                batches.setdefault(bar.close_at, []).append((symbol, bar))
        rates = deque(await self._public.funding(tuple(self._instruments), self._played))
        for at in sorted(batches):
            due = []
            while rates and rates[0].at <= at:
                due.append(rates.popleft())
            play(self.exchange, MarketBatch(at, tuple(sorted(batches[at])), tuple(due)))
        if rates:  # settled since the last minute that closed, be it a few ms
            play(self.exchange, MarketBatch(max(self.exchange.now, rates[-1].at), (), tuple(rates)))
        self._commit()

    # -- the market -------------------------------------------------------------------------------------------------

    def market(self, event: Event) -> None:
        """Something the live market says: the account meets it first, then the bot hears of it."""
        self.exchange.now = max(self.exchange.now, self._now())
        if isinstance(event, Quote):
            self._meet_quote(event)
        elif isinstance(event, BarsClosed):
            for symbol, bar in event.bars:
                self._meet_bar(self.exchange.venues[symbol], bar)
        elif isinstance(event, FundingSettled) and self.exchange.futures is not None:
            play(self.exchange, MarketBatch(self.exchange.now, (), event.rates))
        for news in self._commit():
            self._sink(news)
        self._sink(event)

    def _meet_quote(self, quote: Quote) -> None:
        venue = self.exchange.venues[quote.symbol]
        last = quote.last or venue.last or quote.bid or quote.ask
        if not last:
            return
        if not venue.last:
            venue.last = last
        mark = quote.mark or (venue.mark if self.exchange.market is Market.FUTURES else last) or last
        shown = (quote.last or last, quote.ask or last)
        asked = (quote.last or last, quote.bid or last)
        at = self.exchange.now
        low, high = min(shown), max(asked)
        bar = Bar(at, 1, last, high, low, last, _PLENTY, mark, mark, mark)
        play(self.exchange, MarketBatch(at, ((quote.symbol, bar),)))
        venue.bars.clear()

    def _meet_bar(self, venue: Venue, bar: Bar) -> None:
        """What quotes may have missed: the extremes of the minute, for orders older than it."""
        if not venue.last:
            venue.last, venue.mark = bar.close, bar.mark_close
        for side, reached in ((Side.BUY, bar.low), (Side.SELL, bar.high)):
            for order in venue.resting(side):
                if order.open and order.created_at <= bar.open_at and _beyond(order, reached):
                    self.exchange.execute(venue, order, order.price or 0, self._fillable(order), maker=True)

    def _fillable(self, order: Order) -> int:
        held = abs(self.exchange.account.position(order.symbol))
        return min(order.left, held) if order.reduce_only else order.left

    # -- requests ---------------------------------------------------------------------------------------------------

    def _execute(self, request: Request) -> None:
        exchange = self.exchange
        exchange.now = max(exchange.now, self._now())
        if isinstance(request, AskBars | AskFunding):
            task = asyncio.get_running_loop().create_task(self._ask(request))
            self._asking.add(task)
            task.add_done_callback(self._asked)
            return
        if isinstance(request, Query):
            self._sink(answer(exchange, _Nothing(self._instruments), request))
            return
        refusal = self._trade(request)
        for news in self._commit():
            self._sink(news)
        if refusal is not None:
            self._refuse(request, refusal)

    def _trade(self, request: Request) -> Refusal | None:
        if isinstance(request, Place):
            return self.exchange.place(request.order)
        if isinstance(request, Cancel):
            return self.exchange.cancel(request.symbol, request.client_id, request.conditional)
        if isinstance(request, SetLeverage):
            return self.exchange.set_leverage(request.symbol, request.leverage)
        raise TypeError(f"the exchange knows no {type(request).__name__}")

    def _refuse(self, request: Request, refusal: Refusal) -> None:
        at = self.exchange.now
        if isinstance(request, Place):
            self._sink(wire.refused(at, request.order.symbol, request.order.client_id, refusal))
        elif isinstance(request, Cancel):
            outcome, code, detail = Outcome.CANCEL_REFUSED, refusal.code, refusal.detail
            self._sink(OrderReport(at, request.symbol, request.client_id, outcome, code=code, detail=detail))

    async def _ask(self, query: AskBars | AskFunding) -> None:
        number = query.request_id
        try:
            if isinstance(query, AskBars):
                bars = await candles(self._public, query)
                reply = Reply(number, self._now(), bars=tuple(bars))
            else:
                rates = await self._public.funding(tuple(self._instruments), query.since)
                reply = Reply(number, self._now(), funding=tuple(rates))
        except BinanceError as error:
            reply = Reply(number, self._now(), error=str(error))
        self._sink(reply)

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failure = failure
            self._sent.set()

    def _commit(self) -> list[Event]:
        """Write what changed, then turn it into what the bot hears."""
        updates: list[Update] = self.exchange.take()
        now = self.exchange.now
        if self._books is not None and (updates or now - self._stamped >= WRITE_CLOCK):
            self._books.write(self.exchange, updates, now)
            self._stamped = now
        return [event for update in updates for event in wire.events_of(self.exchange, update)]


def _beyond(order: Order, reached: int) -> bool:
    """Whether the market went at least a tick beyond an order."""
    price = order.price or 0
    return reached < price if order.side is Side.BUY else reached > price


