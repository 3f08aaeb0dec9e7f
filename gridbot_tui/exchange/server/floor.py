"""One market being played: a path of prices through every bar, each point met by every desk."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from gridbot_tui.exchange.server.accounts import Account
from gridbot_tui.exchange.server.desk import Desk, Ids
from gridbot_tui.exchange.server.past import Past
from gridbot_tui.exchange.server.prints import Print, RecordedTrades
from gridbot_tui.exchange.server.tape import LEAST_TRADES_KEPT, RELIVED, TRADES_KEPT, Tape
from gridbot_tui.exchange.simulated.matching import play
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.quotes import path_quotes
from gridbot_tui.market.source import FundingRate, MarketBatch, MarketSource
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, Steps, Symbol, Ticks

MOST_POINTS: Final = 240
LEAST_POINTS: Final = 4
HISTORY_BARS: Final = 1_500
"""Candles of a recording that lie in the past at the start, if it is long enough: what a client may ask for at once."""
RELIVED_FOR: Final = 25 * MINUTE
"""The end of an invented market's past that has single trades, and as many candles of seconds as are kept; none of it
where there are so many symbols that fewer trades are kept."""
_PLENTY: Final = 1e12


class Path:
    """The way through one batch of bars: prices of each symbol at evenly spaced moments."""

    __slots__ = ("bars", "batch", "begins", "count", "done", "length", "prices")

    def __init__(self, batch: MarketBatch, begins: Ms, length: Ms, count: int) -> None:
        self.batch = batch
        self.begins = begins
        self.length = length
        self.count = count
        self.done = 0
        self.bars = dict(batch.bars)
        self.prices = {symbol: path_quotes(bar, count) for symbol, bar in batch.bars}

    def due(self) -> Ms:
        """When the next point is reached."""
        return self.begins + self.length * (self.done + 1) // self.count


class Prints:
    """The way through one minute of recorded trades."""

    __slots__ = ("batch", "begins", "done", "ends", "prints", "shift")

    def __init__(self, batch: MarketBatch, begins: Ms, length: Ms, prints: list[Print], shift: Ms) -> None:
        self.batch = batch
        self.begins = begins
        self.ends = begins + length
        self.prints = prints
        self.shift = shift
        self.done = 0

    def due(self) -> Ms:
        """When the next trade is due; at last the end of the minute."""
        return self.prints[self.done].at + self.shift if self.done < len(self.prints) else self.ends


class Floor:
    """The public side and all desks of one market. Time comes from the caller."""

    def __init__(self, market: Market, source: MarketSource, *, now: Ms, history: Ms, tick_every: Ms,
                 invented: int | None = None) -> None:  # fmt: skip
        """Lives through the market up to ``now``, so that candles are there from the first request.

        ``tick_every`` is the exchange's time between two points of a path, at most. ``invented`` is the seed of a
        market that is nobody's recording: years before its first bar are invented along with it.
        """
        self.market = market
        self.source = source
        base = self._base = min(source.interval, HOUR)
        history = max(history, HISTORY_BARS * base)
        kept = int(history // base) + 3_000
        instruments = sorted(source.instruments.items())
        trades = max(LEAST_TRADES_KEPT, TRADES_KEPT // len(instruments))
        self.tapes: dict[Symbol, Tape] = {s: Tape(i, base, kept, trades) for s, i in instruments}
        self.ids = Ids()
        self.accounts: list[Account] = []
        self.tick_every = tick_every
        self.held_at: Ms | None = None
        """When the market was stopped by hand; None = it moves."""
        self.moved: dict[Symbol, Ticks] = {}
        """How far a push has carried a symbol away from its source."""
        self.on_played: Callable[[Account], None] = lambda account: None
        self.now = now
        self._shift = _shift(source, now, history)
        self._invented = invented
        few = trades * MINUTE >= RELIVED * RELIVED_FOR
        self._relived = RELIVED_FOR if few and invented is not None else 0
        self._batches = self._live_through(now)
        self._path: Path | Prints | None = None
        self._ahead: deque[MarketBatch] = deque()
        for tape in self.tapes.values():
            tape.updated_at = now
            if tape.last:
                tape.rebuild()
        self._next(now)

    def _live_through(self, now: Ms) -> Iterator[MarketBatch]:
        """Play everything that lies in the past; the rest stays to come."""
        batches = self.source.batches(self.source.start)
        for batch in batches:
            self._precede(batch)
            if batch.at + self._shift > now:
                self._first: MarketBatch | None = batch
                return batches
            relived = batch.at + self._shift > now - self._relived
            for symbol, bar in batch.bars:
                tape = self.tapes[symbol]
                (tape.relive if relived else tape.remember)(bar, bar.open_at + self._shift)
            for rate in batch.funding:
                self._note_funding(rate)
        self._first = None
        return batches

    def _precede(self, batch: MarketBatch) -> None:
        """Give every symbol whose first bar this is a past: months of funding, and years of candles if it is invented.

        Before a recording the settlements are of a stated constant rate; candles are not made up.
        """
        for symbol, bar in batch.bars:
            tape = self.tapes[symbol]
            if tape.last or tape.funding:
                continue
            begins = bar.open_at + self._shift
            seed = f"{self._invented}/{symbol}"
            minutes = max(1, bar.interval // MINUTE)
            past = Past(seed, begins, bar.open, int(bar.volume / tape.instrument.step_f) // minutes)
            if self._invented is not None and begins % DAY == 0:
                tape.candles.past = past
            if self.market is Market.FUTURES:
                tape.funding.extend(past.settlements(symbol, tape.funding_hours, steady=self._invented is None))

    def _note_funding(self, rate: FundingRate) -> None:
        tape = self.tapes.get(rate.symbol)
        if tape is not None:
            moved = FundingRate(rate.symbol, rate.at + self._shift, rate.rate, rate.interval_hours)
            tape.funding.append((moved, tape.mark))
            tape.rate, tape.funding_hours = rate.rate, rate.interval_hours

    def desk(self, account: Account) -> Desk | None:
        """An account's desk here."""
        return account.futures if self.market is Market.FUTURES else account.spot

    def open_desk(self, desk: Desk) -> None:
        """A new desk begins with the market as it stands."""
        for symbol, venue in desk.venues.items():
            tape = self.tapes[symbol]
            venue.last, venue.mark = tape.last, tape.mark
            venue.bars = deque(maxlen=1)
            tape.book.venues.append((venue, desk.shown))
            tape.book.touch()

    def close_desk(self, desk: Desk) -> None:
        """What rests there is in no book any more."""
        for symbol, venue in desk.venues.items():
            book = self.tapes[symbol].book
            book.venues = [one for one in book.venues if one[0] is not venue]
            book.touch()

    # -- time ---------------------------------------------------------------------------------------------

    def advance(self, now: Ms) -> bool:
        """Play every point that is due; True if anything moved."""
        moved = False
        while self._path is not None and self.held_at is None and self._path.due() <= now:
            self._step(self._path, now)
            moved = True
        if not moved and now - self.now >= self.tick_every:
            self._stand(now)
            moved = True
        return moved

    def hold(self, held: bool, now: Ms) -> None:
        """Stop the market where it is, or let it go on from there."""
        if held and self.held_at is None:
            self.held_at = now
        elif not held and self.held_at is not None:
            waited, self.held_at = now - self.held_at, None
            self._shift += waited
            if self._path is not None:
                self._path.begins += waited
            if isinstance(self._path, Prints):
                self._path.ends += waited
                self._path.shift += waited

    def _next(self, now: Ms) -> None:
        """Draw the path of the next batch.

        One that has ended already, because time was made to pass or the machine is too slow for it, has only the
        points that a bar cannot do without: with all of them a day took half a minute, and nobody was answered.
        """
        batch = self._first if self._first is not None else next(self._batches, None)
        self._first = None
        if batch is None:
            self._path = None
            return
        length = max((bar.interval for _, bar in batch.bars), default=self.source.interval)
        begins = batch.at + self._shift - length
        most = LEAST_POINTS if begins + length <= now else MOST_POINTS
        count = min(most, max(LEAST_POINTS, int(length // max(1, self.tick_every))))
        if isinstance(self.source, RecordedTrades):
            prints = self.source.prints(batch.at - length, batch.at)
            self._path = Prints(batch, begins, length, prints, self._shift)
        else:
            self._path = Path(batch, begins, length, count)

    def _step(self, path: "Path | Prints", now: Ms) -> None:
        if isinstance(path, Prints):
            self._print(path, now)
            return
        at, k = path.due(), path.done
        path.done += 1
        last = path.done == path.count
        self.now = max(self.now, at)
        bars = []
        for symbol, prices in path.prices.items():
            bar, tape = path.bars[symbol], self.tapes[symbol]
            carried = self.moved.get(symbol, 0)
            price = max(2, prices[k] + carried)
            mark = min(max(prices[k] + bar.mark_close - bar.close, bar.mark_low), bar.mark_high)
            mark = max(1, (bar.mark_close if last else mark) + carried)
            whole = int(bar.volume / tape.instrument.step_f)
            steps = whole * (k + 1) // path.count - whole * k // path.count
            bars.append((symbol, self._point(tape, self.now, price, mark, steps)))
        funding = path.batch.funding if last else ()
        for rate in funding:
            self._note_funding(rate)
        self._meet(MarketBatch(self.now, tuple(bars), funding))
        if last:
            self._next(now)

    def _print(self, path: "Prints", now: Ms) -> None:
        """The next recorded trade, as it was; after the last one the minute's funding."""
        self.now = max(self.now, path.due())
        if path.done == len(path.prints):
            for rate in path.batch.funding:
                self._note_funding(rate)
            if path.batch.funding:
                self._meet(MarketBatch(self.now, (), path.batch.funding))
            self._next(now)
            return
        one = path.prints[path.done]
        path.done += 1
        tape = self.tapes[one.symbol]
        price = max(2, one.price + self.moved.get(one.symbol, 0))
        tape.move(self.now, price, price, one.steps, one.taker_buys)
        volume = (one.steps + 0.25) * tape.instrument.step_f
        bar = Bar(self.now, self.tick_every, price, price, price, price, volume, price, price, price)
        self._meet(MarketBatch(self.now, ((one.symbol, bar),)))

    def _stand(self, now: Ms) -> None:
        """Nothing moves, but time does: a held market, or one whose data have ended."""
        while self.now < now:
            self.now = min(now, self.now + self._base)  # every candle on the way gets its price
            for tape in self.tapes.values():
                if tape.last:
                    tape.move(self.now, tape.last, tape.mark, 0)

    def _point(self, tape: Tape, at: Ms, price: Ticks, mark: Ticks, steps: Steps, volume: float | None = None) -> Bar:
        """Move a tape and say what its desks must meet.

        A bar of one price: the way from the last point to this one goes in one direction, so whatever rested on
        it is beyond this price, and what is born at this price must not meet prices of before.
        """
        tape.move(at, price, mark, steps)
        if volume is None:
            volume = steps * tape.instrument.step_f
        return Bar(at, self.tick_every, price, price, price, price, volume, mark, mark, mark)

    def push(self, symbol: Symbol, price: Ticks, now: Ms, volume: float | None = None,
             mark: Ticks | None = None) -> None:  # fmt: skip
        """Carry a symbol to a price at once; from there it moves on as its source does."""
        tape = self.tapes[symbol]
        self.now = max(self.now, now)
        self.moved[symbol] = self.moved.get(symbol, 0) + price - tape.last
        steps = 1 if volume is None else round(volume / tape.instrument.step_f)
        if volume is not None:
            volume = (steps + 0.25) * tape.instrument.step_f  # the exchange cuts: float must not cost a step
        bar = self._point(tape, self.now, price, mark or max(1, tape.mark + price - tape.last), steps,
                          _PLENTY if volume is None else volume)  # fmt: skip
        self._meet(MarketBatch(self.now, ((symbol, bar),)))

    def settle(self, symbol: Symbol, rate: float, now: Ms) -> None:
        """Settle funding out of turn."""
        self.now = max(self.now, now)
        found = FundingRate(symbol, now - self._shift, rate, self.tapes[symbol].funding_hours)
        self._note_funding(found)
        self._meet(MarketBatch(self.now, (), (found,)))

    def _meet(self, batch: MarketBatch) -> None:
        """Every desk meets the point: stops first, then the ladder, margin and funding."""
        for account in self.accounts:
            desk = self.desk(account)
            assert desk is not None
            desk.now = batch.at
            desk.next_order_id = max(desk.next_order_id, self.ids.order)
            if self.market is Market.FUTURES and account.algo is not None and account.algo.open:
                self._trigger(account, desk, batch)
            play(desk, batch)
            if desk.waiting:
                for symbol, bar in batch.bars:
                    desk.wake(symbol, bar.low, bar.high)
            self.ids.order = max(self.ids.order, desk.next_order_id)
            if desk.updates:
                self.on_played(account)

    def _trigger(self, account: Account, desk: Desk, batch: MarketBatch) -> None:
        for symbol, bar in batch.bars:
            assert account.algo is not None
            if account.algo.by_symbol.get(symbol):
                venue = desk.venues[symbol]
                venue.last, venue.mark = bar.close, bar.mark_close
                account.algo.watch(symbol, bar.close, bar.mark_close)


def _shift(source: MarketSource, now: Ms, history: Ms) -> Ms:
    """How far a market lies from now: whole days where its data allow, so that candles and funding keep their hours."""
    end: Ms | None = getattr(source, "end", None)
    if end is None:
        return 0  # made for now
    span = end - source.start
    ahead = min(history, span // 4)
    first = source.start + ahead
    for unit in (DAY, HOUR, source.interval):
        begin = first + (now - first) % unit
        if begin < end or unit == source.interval:
            return now - begin
    return now - first
