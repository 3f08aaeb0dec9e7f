"""One account on one market: the simulated exchange with what the protocol has beyond the house's own port."""

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush
from math import ceil, floor
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.engine.events import CashKind
from gridbot_tui.exchange.server.codes import Denied, raise_for
from gridbot_tui.exchange.server.isolated import IsolatedAccount
from gridbot_tui.exchange.server.lists import Lists
from gridbot_tui.exchange.server.tape import Tape
from gridbot_tui.exchange.simulated import refusals as no
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.filters import check_futures, check_spot
from gridbot_tui.exchange.simulated.history import History, OrderKey
from gridbot_tui.exchange.simulated.records import AccountUpdate, Execution, Order, Status, Trade, Update
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.exchange.simulated.venue import Venue
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import ZERO, Asset, Money, Ms, Side, Steps, Symbol, Ticks

ORDERS_KEPT = 20_000
"""Orders that have ended and can still be listed, per account and market."""
TRADES_KEPT = 20_000
"""Trades that can still be listed, per account and symbol."""


class Terms(Struct):
    """What the protocol says of an order beside the exchange's own record."""

    kind: str
    tif: str = "GTC"
    original_kind: str = ""
    """The algo order's type where one gave birth to this order."""
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    price_match: str = "NONE"
    stp: str = "EXPIRE_MAKER"
    good_till: Ms = 0
    quote_quantity: Money = ZERO
    """quoteOrderQty of a spot market order."""
    working_at: Ms = -1
    """When a spot order entered the book; -1 = it waits for its trigger."""
    list_id: int = -1
    """The order list it is a leg of."""
    amends: int = 0
    amended_as: int = 0
    """Spot: the execution number of the last amendment."""
    modify_id: int = 0
    strategy_id: int | None = None
    strategy_type: int | None = None
    cancel_id: str = ""
    """The id of the request that cancelled the order."""
    old_id: str = ""
    """The id before an amendment gave it a new one."""
    rising: bool = False
    """The trigger is reached from below."""
    expiry: int = 0
    """Futures ``er``."""
    trigger: Ticks | None = None
    """Spot: stopPrice."""
    trailing: int = 0
    """Spot: how far the price is to turn back until a waiting order starts, hundredths of a percent; 0 = it does not
    trail."""
    tracked_at: Ms = -1
    """When a trailing order began to follow the price."""
    best: Ticks = 0
    """The lowest price (buy) or the highest (sell) since then."""
    iceberg: Steps = 0
    """How much of an order the book shows; 0 = all of it."""

    @property
    def waits(self) -> bool:
        """True for a spot order that enters the book only once the price has come somewhere."""
        return self.trigger is not None or self.trailing > 0


_FORCED = Terms("LIMIT", "IOC")
"""An order of the exchange's own making."""


class Ids:
    """Order and execution numbers, one row for all accounts of a market."""

    def __init__(self) -> None:
        self.order = 8_000_000_001
        self.execution = 1

    def next_execution(self) -> int:
        """Spot's ``I``."""
        self.execution += 1
        return self.execution


class Recent(History):
    """Open orders, and the latest trades and cash lines: a server runs for months. Ended orders are the desk's."""

    def end(self, key: OrderKey, order: Order) -> None:
        """An order of the open ones has ended."""
        self.open.pop(key, None)

    def add_trade(self, trade: Trade) -> None:
        """Remember one execution."""
        trades = self.trades.setdefault(trade.symbol, [])
        trades.append(trade)
        if len(trades) > TRADES_KEPT * 5 // 4:
            del trades[: len(trades) - TRADES_KEPT]
        if len(self.cash) > TRADES_KEPT * 5 // 4:
            del self.cash[: len(self.cash) - TRADES_KEPT]


class Desk(Exchange):
    """``Exchange`` with time in force, a book to sweep, waiting stops, amendments and isolated margin."""

    margined = IsolatedAccount

    def __init__(self, tapes: Mapping[Symbol, Tape], config: AccountConfig, ids: Ids, *, seed: int = 0) -> None:
        super().__init__({symbol: tape.instrument for symbol, tape in tapes.items()}, config, seed=seed)
        self.history = Recent()
        self.tapes = tapes
        self.ids = ids
        self.terms: dict[int, Terms] = {}
        self.orders: dict[int, Order] = {}
        """Every order that can still be asked for, by its number."""
        self.waiting: dict[Symbol, list[Order]] = {}
        """Spot orders whose trigger has not been reached."""
        self.lists = Lists(self)
        self.dated: list[tuple[Ms, int]] = []
        """Orders that are good till a date, the earliest first."""
        self._ended: deque[int] = deque()
        self.margin_moves: deque[tuple[Ms, Symbol, int, Money]] = deque(maxlen=1_000)
        """Margin added to isolated positions (1) and taken from them (2): when, whose, which, how much."""
        self.changes: deque[tuple[Order, dict[str, Any]]] = deque(maxlen=1_000)
        """Modified orders with what was changed, as REST tells it."""

    # -- placing ------------------------------------------------------------------------------------------

    def submit(self, new: NewOrder, terms: Terms, quote: Money | None = None) -> Order:
        """Accept an order and execute what of it executes now.

        Raises:
            Denied: the order does not exist and never did.
        """
        new = self.checked(new, quote)
        order = self._order(new, False)
        self.next_order_id = order.exchange_id = max(self.next_order_id, self.ids.order)
        if terms.tif == "FOK" and self.futures is not None and self._reach(self.tapes[new.symbol], order) < order.steps:
            raise Denied(-5021)
        self._funded(order, terms)
        self._numbered()
        self._begin(order, terms)
        self._go(order, terms)
        return order

    def pend(self, new: NewOrder, terms: Terms) -> Order:
        """Number an order that is placed later, by ``place_pending``: until then only its owner knows of it."""
        order = self._order(new, False)
        self.next_order_id = order.exchange_id = max(self.next_order_id, self.ids.order)
        self._numbered()
        order.status = Status.PENDING
        self._begin(order, terms)
        return order

    def judge_pending(self, order: Order) -> None:
        """Denied where a pending order could not be placed now, whatever funds there are."""
        terms, venue = self.terms_of(order), self.venues[order.symbol]
        new = NewOrder(order.client_id, order.symbol, order.side, order.kind, order.steps, order.price, Purpose.GRID,
                       self.now, order.post_only)  # fmt: skip
        self._open_for(self.tapes[order.symbol], new)
        raise_for(check_spot(venue.instrument, new, venue.last) or self._check_crossing(venue, new))
        if terms.trigger is not None and not terms.trailing:
            check_trigger(order.side, terms.rising, terms.trigger, self.tapes[order.symbol].last)
        order.trigger = self.starts_at(order.symbol, order.side, terms)

    def place_pending(self, order: Order) -> None:
        """Place an order that was pending.

        Raises:
            Denied: it goes on pending.
        """
        terms = self.terms_of(order)
        self._funded(order, terms)
        order.status = Status.NEW
        self._begin(order, terms)
        self._go(order, terms)

    def _numbered(self) -> None:
        self.next_order_id += 1
        self.ids.order = self.next_order_id

    def _funded(self, order: Order, terms: Terms) -> None:
        """Hold the funds that an order needs back; Denied where they are not there."""
        venue, tape = self.venues[order.symbol], self.tapes[order.symbol]
        price = order.price if order.price is not None else self._worst(tape, order)
        order.trigger = self.starts_at(order.symbol, order.side, terms)
        raise_for(self._admit(venue, order, price))

    def _go(self, order: Order, terms: Terms) -> None:
        """An accepted order waits, takes or rests."""
        venue = self.venues[order.symbol]
        if order.locked:
            self._tell_account(venue, venue.instrument.quote)
        crossing = order.price is not None and self._crosses(venue, order.side, order.price)
        if terms.waits:
            self.waiting.setdefault(order.symbol, []).append(order)
        elif order.kind is not OrderKind.LIMIT or crossing or terms.tif in ("IOC", "FOK"):
            self._take(venue, order, terms)
        else:
            self._rest(venue, order)

    def checked(self, new: NewOrder, quote: Money | None = None) -> NewOrder:
        """An order that no filter forbids, in steps also where it was told as an amount of quote.

        Raises:
            Denied: one does, or the symbol does not trade.
        """
        tape = self.tapes[new.symbol]
        self._open_for(tape, new)
        if quote is not None:
            new = self._quoted(new, tape, quote)
        raise_for(self._check(self.venues[new.symbol], new))
        return new

    def _begin(self, order: Order, terms: Terms) -> None:
        if not terms.waits and order.status is not Status.PENDING:
            terms.working_at = self.now
        self.terms[order.exchange_id] = terms
        self.orders[order.exchange_id] = order
        if terms.good_till:
            heappush(self.dated, (terms.good_till, order.exchange_id))
        self.history.open[self._key_of(order)] = order
        self.news(Execution.NEW, order)

    def _check(self, venue: Venue, new: NewOrder) -> Refusal | None:
        """As the base class; a price too far away is told how far it may go."""
        return _bounded(self.tapes[new.symbol], venue, super()._check(venue, new))

    def _check_count(self, venue: Venue, conditional: bool) -> Refusal | None:
        """As the base class; spot counts what waits for its trigger, too."""
        if self.waiting.get(venue.symbol) and self.standing(venue) >= venue.instrument.max_orders:
            return no.filter_failure("MAX_NUM_ORDERS")
        return super()._check_count(venue, conditional)

    def standing(self, venue: Venue) -> int:
        """Open orders of a symbol, those that wait for their trigger included."""
        return len(venue.bids) + len(venue.asks) + len(self.waiting.get(venue.symbol, ()))

    def _open_for(self, tape: Tape, new: NewOrder) -> None:
        """A symbol that does not trade takes nothing; one that is about to go only what closes."""
        if tape.status == "TRADING":
            return
        if self.futures is None:
            raise Denied(-1013, msg="Market is closed.")
        if tape.status == "SETTLING" and new.reduce_only:
            return
        raise Denied(-4140 if tape.status == "SETTLING" else -4141)

    def _quoted(self, new: NewOrder, tape: Tape, quote: Money) -> NewOrder:
        """A market order of so much quote as one of steps, at the prices of the book."""
        budget = int(quote / tape.instrument.unit)
        steps = 0
        for price, there in tape.levels(new.side):
            part = min(there, budget // price)
            steps += part
            budget -= part * price
            if part < there:
                break
        return NewOrder(new.client_id, new.symbol, new.side, new.kind, steps, None, new.purpose, new.created_at)

    def _admit(self, venue: Venue, order: Order, price: Ticks) -> Refusal | None:
        """Funds for the order; what waits is locked as what rests is."""
        if order.trigger is not None and self.spot is not None:
            order.kind = OrderKind.LIMIT if order.price is not None else OrderKind.STOP_MARKET
            price = order.price or order.trigger
        return self.account.admit(venue, order, price)

    def _worst(self, tape: Tape, order: Order) -> Ticks:
        """The price of the last level a market order reaches."""
        left, worst = order.steps, tape.last
        for price, there in tape.levels(order.side):
            worst = price
            left -= there
            if left <= 0:
                break
        return worst

    def _reach(self, tape: Tape, order: Order) -> Steps:
        """How much the book offers at the order's price or better."""
        limit, side = order.price, order.side
        return sum(there for price, there in tape.levels(side) if limit is None or (limit - price) * side >= 0)

    def _take(self, venue: Venue, order: Order, terms: Terms) -> None:
        """Sweep the book; what is left rests, or expires where it may not."""
        tape = self.tapes[order.symbol]
        limit, side = order.price, order.side
        reducing = order.reduce_only or order.close_position
        room = self._reducible(order) if reducing else order.steps
        if terms.tif != "FOK" or self._reach(tape, order) >= order.steps:
            for price, there in tape.levels(side):
                if room <= 0 or not order.left or (limit is not None and (limit - price) * side < 0):
                    break
                steps = min(there, order.left, room)
                room -= steps
                self.execute(venue, order, price, steps, maker=False)
        if not order.open:
            return
        if limit is not None and terms.tif in ("GTC", "GTX", "GTD", "RPI"):
            self._rest(venue, order)
            return
        futures = self.futures is not None
        terms.expiry = {"IOC": 2, "FOK": 10}.get(terms.tif, 9) if futures else 0
        if reducing and room <= 0 and futures:
            terms.expiry = 4
        self.end(order, Status.EXPIRED, Execution.EXPIRED, "market_remainder" if order.filled else "unfilled")

    def _rest(self, venue: Venue, order: Order) -> None:
        venue.add(order)
        if order.reduce_only:
            self._knock_out(venue)

    def _reducible(self, order: Order) -> Steps:
        position = self.account.position(order.symbol)
        return abs(position) if position * order.side < 0 else 0

    # -- what the base class calls ------------------------------------------------------------------------

    def take_market(self, venue: Venue, order: Order, price: Ticks) -> None:
        """Takers of the base class sweep the book too."""
        self._take(venue, order, self.terms_of(order))

    def execute(self, venue: Venue, order: Order, price: Ticks, steps: Steps, *, maker: bool) -> None:
        """One trade, which the public sees as well."""
        self.lists.claim(order)
        tape = self.tapes[order.symbol]
        number = self.next_trade_id = tape.next_trade_id
        tape.next_trade_id += 1
        tape.trade(self.now, price, steps, (order.side is Side.BUY) is not maker, number)
        super().execute(venue, order, price, steps, maker=maker)

    def news(self, execution: Execution, order: Order, trade: Trade | None = None) -> None:
        """As the base class; an order of the exchange's own making becomes known here."""
        if order.exchange_id not in self.terms:
            self.terms[order.exchange_id] = Terms("LIMIT" if order.forced else "MARKET", "IOC", working_at=self.now)
            self.orders[order.exchange_id] = order
        super().news(execution, order, trade)

    def end(self, order: Order, status: Status, execution: Execution, reason: str = "",
            trade: Trade | None = None) -> None:  # fmt: skip
        """Take an order out of every list, the waiting ones included."""
        queue = self.waiting.get(order.symbol)
        if queue and order in queue:
            queue.remove(order)
            order.triggered_at = order.triggered_at or self.now
        super().end(order, status, execution, reason, trade)
        self.lists.ended(order)
        self._ended.append(order.exchange_id)
        while len(self._ended) > ORDERS_KEPT:
            gone = self._ended.popleft()
            self.orders.pop(gone, None)
            self.terms.pop(gone, None)

    def expire(self, now: Ms) -> None:
        """End the orders whose date has come."""
        while self.dated and self.dated[0][0] <= now:
            order = self.orders.get(heappop(self.dated)[1])
            if order is not None and order.open:
                self.now = max(self.now, now)
                self.end(order, Status.EXPIRED, Execution.EXPIRED, "good_till")

    def shown(self, order: Order) -> Steps:
        """What the book shows of an order: of an iceberg the part that is next."""
        part = self.terms_of(order).iceberg
        return min(part - order.filled % part, order.left) if part else order.left

    # -- finding ------------------------------------------------------------------------------------------

    def terms_of(self, order: Order) -> Terms:
        """The protocol's words of an order."""
        return self.terms.get(order.exchange_id, _FORCED)

    def find(self, symbol: Symbol, number: int | None, client_id: str | None) -> Order | None:
        """An order by its number, else by client id: the open one before those that ended."""
        if number is not None:
            order = self.orders.get(number)
            return order if order is not None and order.symbol == symbol else None
        if client_id is None:
            return None
        found = self.history.open.get(self.key(symbol, client_id, False))
        if found is not None:
            return found
        for order in reversed(self.orders.values()):
            if order.client_id == client_id and order.symbol == symbol:
                return order
        return None

    def open_orders(self, symbol: Symbol | None) -> list[Order]:
        """Open orders, oldest first."""
        return [o for o in self.history.open.values() if symbol is None or o.symbol == symbol]

    def cancel_order(self, order: Order, cancel_id: str = "") -> None:
        """End an open order at its owner's wish."""
        terms = self.terms_of(order)
        terms.cancel_id = cancel_id
        self.end(order, Status.CANCELED, Execution.CANCELED)

    # -- changing -----------------------------------------------------------------------------------------

    def modify(self, order: Order, price: Ticks, steps: Steps, modify_id: int) -> None:
        """Futures: a new price and quantity; the order goes to the end of the queue.

        Raises:
            Denied: the order stays as it is.
        """
        venue, terms = self.venues[order.symbol], self.terms_of(order)
        if terms.amends >= 10_000:
            raise Denied(-5026)
        if (order.price, order.steps) == (price, steps):
            raise Denied(-5027)
        new = NewOrder(order.client_id, order.symbol, order.side, order.kind, steps, price, "target", self.now,  # type: ignore[arg-type]
                       False, order.reduce_only)  # fmt: skip
        raise_for(self._check_changed(venue, new))
        terms.amends += 1
        terms.modify_id = modify_id
        if steps <= order.filled:
            self.end(order, Status.CANCELED, Execution.CANCELED)
            return
        venue.remove(order)
        before = order.price, order.steps
        order.price, order.steps = price, steps
        grown = self.account.admit(venue, order, price)
        if grown is not None:
            order.price, order.steps = before
            venue.add(order)
            raise_for(grown)
        f = self.tapes[order.symbol].format
        self.changes.append((order, {
            "time": self.now, "count": terms.amends, "modifyId": modify_id,
            "price": {"before": f.price(before[0]), "after": f.price(price)},
            "origQty": {"before": f.qty(before[1]), "after": f.qty(steps)},
        }))  # fmt: skip
        self.updates_amended(order)
        if not self._crosses(venue, order.side, price):
            self._rest(venue, order)
        elif terms.tif == "GTX":
            terms.expiry = 11
            self.end(order, Status.EXPIRED, Execution.EXPIRED, "post_only")
        else:
            self._take(venue, order, terms)

    def _check_changed(self, venue: Venue, new: NewOrder) -> Refusal | None:
        refusal = check_futures(venue.instrument, new, venue.mark, self.taker_price(venue, new.side))
        return _bounded(self.tapes[new.symbol], venue, refusal)

    def updates_amended(self, order: Order) -> None:
        """News of an amendment: told as a second NEW, which the renderer knows by ``Order.reason``."""
        order.reason = AMENDED
        self.news(Execution.NEW, order)
        order.reason = ""

    # -- waiting stops of spot ----------------------------------------------------------------------------

    def wake(self, symbol: Symbol, low: Ticks, high: Ticks) -> None:
        """Start every waiting order whose trigger lies in what has just been traded."""
        queue = self.waiting.get(symbol)
        if not queue:
            return
        for order in list(queue):
            terms = self.terms_of(order)
            rising = order.side is Side.BUY if terms.trailing else terms.rising
            if terms.trailing and not self._follow(order, terms, low, high):
                continue
            if reached(rising, order.trigger or 0, low, high):
                queue.remove(order)
                self._start(order, terms)

    def _follow(self, order: Order, terms: Terms, low: Ticks, high: Ticks) -> bool:
        """Move the trigger of a trailing order; False while its stopPrice has not been reached."""
        if terms.tracked_at < 0:
            if terms.trigger is not None and not reached(terms.rising, terms.trigger, low, high):
                return False
            terms.tracked_at, terms.best = self.now, low if order.side is Side.BUY else high
        terms.best = min(terms.best, low) if order.side is Side.BUY else max(terms.best, high)
        order.trigger = trail(terms.best, order.side, terms.trailing)
        return True

    def starts_at(self, symbol: Symbol, side: Side, terms: Terms) -> Ticks | None:
        """Where a waiting order would start as of now; None for one that does not wait."""
        if terms.trigger is None and terms.trailing:
            return trail(self.tapes[symbol].last, side, terms.trailing)
        return terms.trigger

    def _start(self, order: Order, terms: Terms) -> None:
        venue = self.venues[order.symbol]
        order.triggered_at = terms.working_at = self.now
        self.lists.claim(order)
        if order.price is None or self._crosses(venue, order.side, order.price) or terms.tif in ("IOC", "FOK"):
            spot = self.spot
            if order.price is None and spot is not None and not spot.affordable(venue, order, self._worst(
                    self.tapes[order.symbol], order)):  # fmt: skip
                self.end(order, Status.EXPIRED, Execution.EXPIRED, "no_funds")
                return
            self._take(venue, order, terms)
        else:
            self.news(Execution.NEW, order)
            self._rest(venue, order)

    # -- money --------------------------------------------------------------------------------------------

    def pay(self, kind: CashKind, asset: Asset, amount: Money, symbol: Symbol, reason: str) -> None:
        """As the base class; funding of an isolated position is its own wallet's, and told with it."""
        super().pay(kind, asset, amount, symbol, reason)
        futures = self.futures
        if kind is CashKind.FUNDING and isinstance(futures, IsolatedAccount) and symbol in futures.pockets:
            futures.move(symbol, amount)
            told = self.updates[-1]
            assert isinstance(told, AccountUpdate)
            self.updates[-1] = replace(told, positions=(futures.view(symbol),))

    def moved(self, symbol: Symbol, reason: str) -> None:
        """Tell that a position's own margin is another, or that it has one, or none, from here on."""
        assert self.futures is not None
        quote = self.futures.quote
        self.updates.append(AccountUpdate(self.now, reason, self._balances(quote), (self.futures.view(symbol),)))

    def drain(self) -> list[Update]:
        """What happened since the last call, and what of it had been waited for."""
        if self.lists.due:
            self.lists.release()
        return self.take() if self.updates else []


def _bounded(tape: Tape, venue: Venue, refusal: Refusal | None) -> Refusal | None:
    """A refusal of PERCENT_PRICE with the bound it names."""
    if refusal is no.PERCENT_HIGH:
        most = floor(venue.mark * venue.instrument.percent_up)
        return Refusal(refusal.code, f"Limit price can't be higher than {tape.format.price(most)}.")
    if refusal is no.PERCENT_LOW:
        least = ceil(venue.mark * venue.instrument.percent_down)
        return Refusal(refusal.code, f"Limit price can't be lower than {tape.format.price(least)}.")
    return refusal


AMENDED = "amended"


def reached(rising: bool, trigger: Ticks, low: Ticks, high: Ticks) -> bool:
    """Whether a trigger lies in what has just been traded, or beyond."""
    return high >= trigger if rising else low <= trigger


def trail(best: Ticks, side: Side, parts: int) -> Ticks:
    """How far the price must come back from its best, so many hundredths of a percent of it, in whole ticks."""
    return max(1, -(-best * (10_000 + parts) // 10_000) if side is Side.BUY else best * (10_000 - parts) // 10_000)


def check_trigger(side: Side, rising: bool, trigger: Ticks, last: Ticks) -> None:
    """-2010 for a spot trigger that has been reached already."""
    if reached(rising, trigger, last, last):
        raise_for(no.SPOT_WOULD_TRIGGER)
