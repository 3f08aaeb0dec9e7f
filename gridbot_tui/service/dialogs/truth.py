"""Asking the exchange for the truth: at start (recovery), now and then (reconcile), and at the end (verify).

The engine decides what to make of the answers; this room only asks in the right order and never turns
"no answer" into "nothing there".
"""

from collections import deque
from collections.abc import Callable
from operator import itemgetter
from typing import Protocol, TypeVar

from msgspec import Struct

from gridbot_tui.engine.events import (
    AccountState,
    BarsClosed,
    Event,
    Fill,
    FundingSettled,
    OpenOrders,
    Outcome,
    RecoveryDone,
)
from gridbot_tui.exchange.port import AskAccount, AskBars, AskCash, AskFills, AskFunding, AskOpenOrders, AskOrder
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.source import FundingRate
from gridbot_tui.service.dialogs.adopting import REACH, begins_at, first_statement, since_flat
from gridbot_tui.service.dialogs.dialog import Dialog, Pause, ask, together
from gridbot_tui.units import MINUTE, Asset, ClientId, Ms, Symbol


class Book(Protocol):
    """What the dialogs need to know of the engine."""

    @property
    def begun(self) -> bool:
        """Whether there is a ledger."""
        ...

    def quote_of(self, symbol: Symbol) -> Asset:
        """What a symbol is quoted in."""
        ...

    def last_fill(self, symbol: Symbol) -> tuple[str, Ms]:
        """Trade id after which fills may be missing and since when to ask where there is none."""
        ...

    def fills_listed(self, symbol: Symbol, trade_id: str) -> None:
        """The exchange's own list of fills reaches up to this trade."""
        ...

    def last_cash_at(self) -> Ms:
        """Time from which wallet changes are to be asked for."""
        ...

    def cash_listed(self, at: Ms) -> None:
        """The exchange's own list of wallet changes reaches up to this time."""
        ...

    def last_funding_at(self) -> Ms:
        """Time after which settled funding rates are to be asked for."""
        ...

    def next_bar_at(self, symbol: Symbol) -> Ms | None:
        """Open time of the first base bar not seen yet; None = no history wanted."""
        ...

    def hours_do_until(self, symbol: Symbol, since: Ms) -> Ms:
        """Until when candles of an hour tell all that base bars from ``since`` on would; ``since`` where none do."""
        ...

    def unsettled(self) -> list[tuple[Symbol, ClientId, bool]]:
        """Orders whose fate must be asked for by id (symbol, client id, conditional)."""
        ...

    def awaits_prices(self) -> bool:
        """Whether grid orders stand that a decision would withdraw now only because no fresh price is known yet."""
        ...


class StepTime(Struct, frozen=True):
    """One finished recovery step, in engine time."""

    name: str
    took: Ms


_WITHOUT_TRADES = frozenset((Outcome.ACCEPTED, Outcome.CANCELED, Outcome.EXPIRED, Outcome.REFUSED))
"""What an order may be of which nothing was executed, as the exchange itself says."""
HALF_MINUTE: Ms = 30_000
LISTED_LATE: Ms = MINUTE
"""Wallet changes come onto the exchange's list in another order than their times, funding of one symbol seconds after
another's. Asked for from the last one's time alone, such a one would be missing for ever; each is booked once."""
AT_ONCE = 32
"""Orders that are asked about at the same time; how many leave at once is the port's affair."""
PRICES_LOOK: Ms = 100
"""Between two looks at whether the streams have told a price of every symbol with orders."""
CANDLES_AT_ONCE = 4
"""Symbols whose candles are asked for at the same time: half of what a port may ask at once stays free for a stop."""

T = TypeVar("T")
Feed = Callable[[Event], None]


class Truth:
    """Builds the dialogs for one set of symbols."""

    def __init__(
        self,
        symbols: tuple[Symbol, ...],
        book: Book,
        feed: Feed,
        new_id: Callable[[], int],
        clock: Callable[[], Ms],
        patience: Ms = 0,
    ) -> None:
        """``patience``: so long the first decision waits for prices; 0 in virtual time, where bars bring them."""
        self._patience = patience
        self._symbols = symbols
        self._book = book
        self._feed = feed
        self._id = new_id
        self._clock = clock
        self._asked_bars: set[int] = set()
        """The questions for candles that are under way."""
        self._without_bars = False

    def without_bars(self) -> tuple[int, ...]:
        """A bot that is being stopped needs no candles: no more are asked for. Returns the numbers of the questions for
        some that are under way: whoever drives the dialog answers them with nothing."""
        self._without_bars = True
        return tuple(self._asked_bars)

    def recover(self) -> Dialog[list[StepTime]]:
        """From an opened database to converging: protection first, then what was missed, then the books."""
        steps: list[StepTime] = []
        began = self._clock()

        def done(name: str) -> None:
            nonlocal began
            steps.append(StepTime(name, self._clock() - began))
            began = self._clock()

        account = yield from ask(AskAccount(self._id()))
        yield from self._adopt(_required(account.account))
        self._feed(_required(account.account))
        listed = yield from ask(AskOpenOrders(self._id()))
        self._feed(_required(listed.open_orders))
        done("account and protection")
        yield from self._missed_bars()
        done("missed bars")
        yield from self._missed_money()
        done("missed fills and cash")
        yield from self._orders()
        done("open orders and in-flight intents")
        yield from self._tie_out()
        done("tie-out")
        yield from self._first_prices()
        done("first prices")
        self._feed(RecoveryDone(self._clock()))
        done("first convergence")
        return steps

    def _adopt(self, account: AccountState) -> Dialog[None]:
        """Where positions of ours are there and no ledger is: let it begin before the first of their fills."""
        held = {one.symbol: one.steps for one in account.positions if one.steps and one.symbol in self._symbols}
        if self._book.begun or not held:
            return
        listed: dict[Symbol, tuple[Fill, ...]] = {}
        for symbol in self._symbols:
            reply = yield from ask(AskFills(self._id(), symbol, "", account.at - REACH))
            listed[symbol] = tuple(one for one in _required(reply.fills) if one.at <= account.at)
        found = {s: one for s, steps in held.items() if (one := since_flat(listed[s], steps)) is not None}
        if not found:
            return
        at = begins_at(found.values())
        reply = yield from ask(AskCash(self._id(), at))
        cash = [one for one in _required(reply.cash) if one.at <= account.at]
        for symbol, fills in listed.items():
            # What is not booked is in the wallet the ledger begins with.
            after = found[symbol].after if symbol in found else fills[-1].trade_id if fills else ""
            if after:
                self._book.fills_listed(symbol, after)
        quotes = {symbol: self._book.quote_of(symbol) for symbol in found}
        self._feed(first_statement(account, at, found.values(), cash, quotes))

    def reconcile(self) -> Dialog[None]:
        """Compare books with the exchange while trading goes on."""
        yield from self._missed_money()
        asked = yield from self._listed()
        if asked:  # what turns out absent is sent anew: not for a position that is gone as well
            yield from self._tie_out()
            yield from self._fates(asked)
        yield from self._tie_out()

    def verify(self) -> Dialog[tuple[AccountState, OpenOrders]]:
        """What the exchange holds of ours, as it says itself; both are fed to the engine as well."""
        orders = yield from ask(AskOpenOrders(self._id()))
        yield from self._missed_money()
        account = yield from ask(AskAccount(self._id()))
        state, listed = _required(account.account), _required(orders.open_orders)
        self._feed(listed)
        self._feed(state)
        return state, listed

    def one_order(self, symbol: Symbol, client_id: ClientId, conditional: bool, after: Ms = 0) -> Dialog[None]:
        """Find out the fate of one order, and the fills it may have had meanwhile."""
        if after:
            yield Pause(after)
        reply = yield from ask(AskOrder(self._id(), symbol, client_id, conditional))
        report = _required(reply.order)
        untouched = not report.filled and (report.outcome in _WITHOUT_TRADES or report.never_left)
        if not untouched:  # else no list has anything of it: a whole ladder that was cancelled would ask for hundreds
            yield from self._fills(symbol)
        self._feed(report)

    def _missed_bars(self) -> Dialog[None]:
        """Features go on from where they stood; all symbols together, as bars closed and funding settled."""
        by_close: dict[Ms, list[tuple[Symbol, Bar]]] = {}
        for first in range(0, len(self._symbols), CANDLES_AT_ONCE):
            some = self._symbols[first : first + CANDLES_AT_ONCE]
            yield from together([self._bars_of(symbol, by_close) for symbol in some])
        if self._without_bars or all(self._book.next_bar_at(symbol) is None for symbol in self._symbols):
            return
        reply = yield from ask(AskFunding(self._id(), self._book.last_funding_at()))
        waiting = deque(_required(reply.funding))
        for close_at in sorted(by_close):
            while waiting and waiting[0].at - HALF_MINUTE < close_at:  # settlements are a few ms off
                self._settle(waiting.popleft())
            self._feed(BarsClosed(close_at, tuple(sorted(by_close[close_at], key=itemgetter(0)))))
        for rate in waiting:
            self._settle(rate)

    def _bars_of(self, symbol: Symbol, by_close: dict[Ms, list[tuple[Symbol, Bar]]]) -> Dialog[None]:
        since = self._book.next_bar_at(symbol)
        if since is None or self._without_bars:
            return
        number = self._id()
        self._asked_bars.add(number)
        reply = yield from ask(AskBars(number, symbol, since, self._book.hours_do_until(symbol, since)))
        self._asked_bars.discard(number)
        for bar in _required(reply.bars):
            by_close.setdefault(bar.close_at, []).append((symbol, bar))

    def _settle(self, rate: FundingRate) -> None:
        self._feed(FundingSettled(rate.at, (rate,)))

    def _first_prices(self) -> Dialog[None]:
        """Streams connect while the exchange is asked, and may be later: decided without a price, every entry that
        stands would be withdrawn, to be placed anew, at the end of its queue, a moment later."""
        waited = 0
        while waited < self._patience and not self._without_bars and self._book.awaits_prices():
            yield Pause(PRICES_LOOK)
            waited += PRICES_LOOK

    def _missed_money(self) -> Dialog[None]:
        for symbol in self._symbols:
            yield from self._fills(symbol)
        reply = yield from ask(AskCash(self._id(), self._book.last_cash_at() - LISTED_LATE))
        listed = _required(reply.cash)
        for cash in listed:
            self._feed(cash)
        if listed:  # what a stream told is no proof that nothing before it is missing
            self._book.cash_listed(max(cash.at for cash in listed))

    def _fills(self, symbol: Symbol) -> Dialog[None]:
        """All fills since the last list of the exchange's own; those heard of meanwhile are booked once."""
        trade_id, since = self._book.last_fill(symbol)
        reply = yield from ask(AskFills(self._id(), symbol, trade_id, since))
        fills = _required(reply.fills)
        for fill in fills:
            self._feed(fill)
        if fills:
            self._book.fills_listed(symbol, fills[-1].trade_id)

    def _orders(self) -> Dialog[None]:
        yield from self._fates((yield from self._listed()))

    def _listed(self) -> Dialog[list[tuple[Symbol, ClientId, bool]]]:
        """Those of our orders whose fate the list of open orders leaves open."""
        reply = yield from ask(AskOpenOrders(self._id()))
        self._feed(_required(reply.open_orders))
        return self._book.unsettled()

    def _fates(self, asked: list[tuple[Symbol, ClientId, bool]]) -> Dialog[None]:
        for first in range(0, len(asked), AT_ONCE):
            # A proof of absence takes its time, and after a kill it may be asked of a whole ladder.
            yield from together([self.one_order(*one) for one in asked[first : first + AT_ONCE]])

    def _tie_out(self) -> Dialog[None]:
        reply = yield from ask(AskAccount(self._id()))
        self._feed(_required(reply.account))


def _required(value: T | None) -> T:
    if value is None:
        raise AssertionError("an answered query carries its answer")
    return value
