"""The exchange itself: takes orders, keeps the books, tells what happened. It knows no bot and no file."""

from collections.abc import Mapping
from decimal import Decimal
from math import ceil, floor
from typing import ClassVar

from msgspec.structs import replace

from gridbot_tui.engine.events import CashKind
from gridbot_tui.exchange.simulated import refusals as no
from gridbot_tui.exchange.simulated.accounts import Account, Fees
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.filters import check_client_id, check_futures, check_shape, check_spot
from gridbot_tui.exchange.simulated.futures import FuturesAccount
from gridbot_tui.exchange.simulated.history import History, OrderKey
from gridbot_tui.exchange.simulated.margin import max_leverage, max_notional
from gridbot_tui.exchange.simulated.records import (
    AccountUpdate,
    BalanceView,
    CashRecord,
    Execution,
    LeverageChanged,
    Order,
    OrderUpdate,
    Status,
    Trade,
    Update,
)
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.exchange.simulated.spot import SpotAccount
from gridbot_tui.exchange.simulated.venue import Venue
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate
from gridbot_tui.orders.model import NewOrder, OrderKind
from gridbot_tui.units import ZERO, Asset, ClientId, Market, Money, Ms, Side, Steps, Symbol, Ticks, cut

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_FUTURES = Market.FUTURES
_NEWS_CALCULATED = Execution.CALCULATED
_NEWS_CANCELED = Execution.CANCELED
_NEWS_EXPIRED = Execution.EXPIRED
_NEWS_NEW = Execution.NEW
_NEWS_TRADE = Execution.TRADE
_NEWS_TRIGGERED = Execution.TRIGGERED
_LIMIT, _MARKET, _STOP_MARKET = OrderKind.LIMIT, OrderKind.MARKET, OrderKind.STOP_MARKET
_BUY, _SELL = Side.BUY, Side.SELL
_STATUS_CANCELED = Status.CANCELED
_STATUS_EXPIRED = Status.EXPIRED
_STATUS_FILLED = Status.FILLED
_STATUS_PARTIALLY_FILLED = Status.PARTIALLY_FILLED
_STATUS_TRIGGERED = Status.TRIGGERED
_CASH_FUNDING, _CASH_INSURANCE, _CASH_TRANSFER = CashKind.FUNDING, CashKind.INSURANCE, CashKind.TRANSFER


class Exchange:
    """Orders, trades and one account. Every call appends what it caused to ``updates``, in order."""

    margined: ClassVar[type[FuturesAccount]] = FuturesAccount
    """What a futures account is made of."""

    def __init__(self, instruments: Mapping[Symbol, Instrument], config: AccountConfig, *, seed: int = 0) -> None:
        """Open an account with the configured balances.

        Raises:
            ValueError: futures instruments of more than one quote asset (cross margin has one wallet).
        """
        self.config = config
        self.params = config.params
        self.market = config.market
        self.seed = seed
        self.now: Ms = 0
        self.venues = {symbol: Venue(instruments[symbol]) for symbol in sorted(instruments)}
        self.history = History()
        self.updates: list[Update] = []
        self.next_order_id = 1
        self.next_trade_id = 1
        self.next_cash_id = 1
        self.liquidations = 0
        self._stops = 0
        self._slip = (self.params.half_spread_bp + self.params.slippage_bp) * 1e-4
        fees = self.fees = Fees(config, self.venues)
        self.futures: FuturesAccount | None = None
        self.spot: SpotAccount | None = None
        if config.market is _FUTURES:
            quotes = sorted({i.quote for i in instruments.values()})
            if len(quotes) != 1:
                raise ValueError(f"a futures account needs instruments of one quote asset, got {quotes}")
            ratio = self.params.margin_call_ratio
            self.futures = self.margined(quotes[0], self.venues, fees, self.params.leverage, ratio)
        else:
            self.spot = SpotAccount(self.venues, fees)
        self.account: Account = self.futures or self.spot  # type: ignore[assignment]
        for asset, amount in sorted(config.balances.items()):
            self.account.credit(asset, amount)
        self.stale = True
        """The margin bands must be rebuilt before the next bar."""

    def take(self) -> list[Update]:
        """What happened since the last call."""
        taken, self.updates = self.updates, []
        return taken

    # -- orders -------------------------------------------------------------------------------------------

    def key(self, symbol: Symbol, client_id: ClientId, conditional: bool) -> OrderKey:
        """Ids of conditional futures orders are a space of their own."""
        return symbol, client_id, conditional and self.futures is not None

    def place(self, new: NewOrder, *, manual: bool = False) -> Refusal | None:
        """Accept an order, and execute it if it takes; or say why not."""
        venue = self.venues.get(new.symbol)
        if venue is None:
            return no.UNKNOWN_SYMBOL
        refusal = self._check(venue, new)
        if refusal is not None:
            return refusal
        order = self._order(new, manual)
        price = order.price
        if order.conditional:
            price = order.trigger
        if price is None:
            price = self.taker_price(venue, order.side)
        refusal = self.account.admit(venue, order, price)
        if refusal is not None:
            return refusal
        self.next_order_id += 1
        self.history.open[self._key_of(order)] = order
        self.news(_NEWS_NEW, order)
        if order.locked:
            self._tell_account(venue, venue.instrument.quote)
        if order.conditional:
            self._stops += 1
            venue.add_stop(order)
        elif order.kind is _MARKET:
            self.take_market(venue, order, price)
        elif self._crosses(venue, order.side, price):
            taker = self.taker_price(venue, order.side)
            best = min(price, taker) if order.side is _BUY else max(price, taker)
            self.take_market(venue, order, best)
        else:
            venue.add(order)
            if order.reduce_only:
                self._knock_out(venue)
        return None

    def cancel(self, symbol: Symbol, client_id: ClientId, conditional: bool = False) -> Refusal | None:
        """End an open order; -2011 where there is none."""
        order = self.history.open.get(self.key(symbol, client_id, conditional))
        if order is None:
            return no.UNKNOWN_ORDER
        self.end(order, _STATUS_CANCELED, _NEWS_CANCELED)
        return None

    def reopen(self, order: Order) -> None:
        """Put an open order from the books back where it stood."""
        self.history.open[self._key_of(order)] = order
        venue = self.venues[order.symbol]
        if order.conditional:
            self._stops += 1
            venue.add_stop(order)
        else:
            venue.add(order)

    def taker_price(self, venue: Venue, side: Side) -> Ticks:
        """What a market order gets now: the last price made worse by half the spread and the slippage."""
        return self.slipped(venue.last, side)

    def slipped(self, price: Ticks, side: Side) -> Ticks:
        """A price made worse for a taker on ``side``, at least one tick from zero."""
        if side is _BUY:
            return ceil(price + price * self._slip - 1e-9)
        return max(1, floor(price - price * self._slip + 1e-9))

    def _check(self, venue: Venue, new: NewOrder) -> Refusal | None:
        """Every refusal that needs no look at the funds, in the order in which Binance gives them."""
        futures = self.futures
        if not venue.last:
            return no.FUTURES_CLOSED if futures else no.SPOT_CLOSED
        refusal = check_client_id(self.market, new.client_id) or check_shape(self.market, new)
        if refusal is not None:
            return refusal
        conditional = new.kind is _STOP_MARKET
        duplicate = self.key(new.symbol, new.client_id, conditional) in self.history.open
        if futures:
            taker = self.taker_price(venue, new.side) if new.kind is _MARKET else 0
            return (
                check_futures(venue.instrument, new, venue.mark, taker)
                or (no.FUTURES_DUPLICATE if duplicate else None)
                or self._check_count(venue, conditional)
                or self._check_reduce_only(venue, new)
                or self._check_crossing(venue, new)
            )
        return (
            check_spot(venue.instrument, new, venue.last)
            or (no.SPOT_DUPLICATE if duplicate else None)
            or self._check_count(venue, conditional)
            or self._check_position(venue, new)
            or self._check_crossing(venue, new)
        )

    def _check_count(self, venue: Venue, conditional: bool) -> Refusal | None:
        """Open orders of the symbol; conditional ones of the account on futures, of the symbol on spot."""
        resting = len(venue.bids) + len(venue.asks)
        if self.futures:
            if conditional:
                return no.TOO_MANY_STOPS if self._stops >= self.params.max_stops else None
            return no.TOO_MANY_ORDERS if resting >= venue.instrument.max_orders else None
        if resting + len(venue.stops) >= venue.instrument.max_orders:
            return no.filter_failure("MAX_NUM_ORDERS")
        if conditional and len(venue.stops) >= self.params.max_spot_stops:
            return no.filter_failure("MAX_NUM_ALGO_ORDERS")
        return None

    def _check_position(self, venue: Venue, new: NewOrder) -> Refusal | None:
        """Spot: what the account holds of the base, and would by its open buys and this one."""
        most = venue.instrument.max_position
        if most is None or new.side is not _BUY or self.spot is None:
            return None
        orders = [one for one in self.history.open.values() if one.symbol == venue.symbol and one.side is _BUY]
        bought = sum(one.left for one in orders) + new.steps
        held = self.spot.totals.get(venue.instrument.base, ZERO) + venue.instrument.quantity(bought)
        return no.filter_failure("MAX_POSITION") if held > venue.instrument.quantity(most) else None

    def _check_reduce_only(self, venue: Venue, new: NewOrder) -> Refusal | None:
        """-2022 where there is nothing to reduce; a stop is judged when it fires."""
        if not new.reduce_only or new.kind is _STOP_MARKET:
            return None
        return no.REDUCE_ONLY if self.account.position(venue.symbol) * new.side >= 0 else None

    def _check_crossing(self, venue: Venue, new: NewOrder) -> Refusal | None:
        """Post-only orders that would take, stops that would fire at once."""
        if new.post_only and new.price is not None and self._crosses(venue, new.side, new.price):
            return no.WOULD_TAKE if self.futures else no.SPOT_WOULD_TAKE
        if new.kind is _STOP_MARKET and new.trigger is not None:
            mark = venue.mark
            if mark >= new.trigger if new.side is _BUY else mark <= new.trigger:
                return no.WOULD_TRIGGER if self.futures else no.SPOT_WOULD_TRIGGER
        return None

    @staticmethod
    def _crosses(venue: Venue, side: Side, price: Ticks) -> bool:
        """Whether a limit order would take. At the last price itself it rests: that is the touch on bars."""
        return price > venue.last if side is _BUY else price < venue.last

    def _order(self, new: NewOrder, manual: bool) -> Order:
        return Order(
            exchange_id=self.next_order_id,
            symbol=new.symbol,
            client_id=new.client_id,
            side=new.side,
            kind=new.kind,
            steps=new.steps,
            price=new.price if new.kind is _LIMIT else None,
            trigger=new.trigger if new.kind is _STOP_MARKET else None,
            post_only=new.post_only,
            # Spot has no reduce-only: whoever speaks to it leaves the parameter away.
            reduce_only=new.reduce_only and self.futures is not None,
            close_position=new.close_position,
            manual=manual,
            created_at=self.now,
            updated_at=self.now,
        )

    def _key_of(self, order: Order) -> OrderKey:
        return self.key(order.symbol, order.client_id, order.conditional)

    # -- executions ---------------------------------------------------------------------------------------

    def take_market(self, venue: Venue, order: Order, price: Ticks) -> None:
        """Execute a taker in full; a reduce-only one at most to flat, the rest of it expires."""
        steps = order.left
        if order.reduce_only or order.close_position:
            position = self.account.position(venue.symbol)
            steps = min(steps, abs(position)) if position * order.side < 0 else 0
        if steps:
            self.execute(venue, order, price, steps, maker=False)
        if order.open:
            self.end(order, _STATUS_EXPIRED, _NEWS_EXPIRED, "market_remainder" if steps else "no_position")

    def execute(self, venue: Venue, order: Order, price: Ticks, steps: Steps, *, maker: bool) -> None:
        """One trade: account, order, news; then whatever the new position knocks out."""
        settlement = self.account.settle(venue, order, price, steps, maker)
        trade = Trade(
            self.next_trade_id, self.now, order.symbol, order.exchange_id, order.client_id, order.side, price,
            steps, settlement.quote, settlement.fee, settlement.fee_asset, maker, settlement.realised, order.manual,
            order.forced,
        )  # fmt: skip
        self.next_trade_id += 1
        self.history.add_trade(trade)
        if order.resting:
            venue.filled(order, steps)
        order.filled += steps
        order.quote += settlement.quote
        execution = _NEWS_CALCULATED if order.forced else _NEWS_TRADE
        if order.filled >= order.steps:
            self.end(order, _STATUS_FILLED, execution, trade=trade)
        else:
            order.status = _STATUS_PARTIALLY_FILLED
            self.news(execution, order, trade)
        self._tell_account(venue, settlement.fee_asset)
        if not order.forced:
            self._insure(order.symbol)
        self.stale = True
        if venue.reduce_only:
            self._knock_out(venue)

    def end(
        self, order: Order, status: Status, execution: Execution, reason: str = "", trade: Trade | None = None
    ) -> None:
        """Take an order out of every list, free its funds, remember and tell."""
        venue = self.venues[order.symbol]
        if order.conditional:
            if not order.triggered_at:
                self._stops -= 1
                venue.remove_stop(order)
        elif order.resting:
            venue.remove(order)
        freed = bool(order.locked)
        self.account.release(order)
        order.status, order.reason = status, reason
        self.news(execution, order, trade)
        self.history.end(self._key_of(order), order)
        if freed and trade is None:
            self._tell_account(venue, venue.instrument.quote)

    def fire(self, venue: Venue, order: Order, price: Ticks) -> None:
        """A conditional order has triggered: it becomes a market order at ``price`` under the same ids."""
        self._stops -= 1
        venue.remove_stop(order)
        order.status, order.triggered_at = _STATUS_TRIGGERED, self.now
        self.news(_NEWS_TRIGGERED, order)
        if order.close_position:
            order.steps = abs(self.account.position(venue.symbol))
        if self.spot is not None:
            short = not self.spot.affordable(venue, order, price)
        else:
            short = self.account.admit(venue, order, price) is not None
        if short:
            self.end(order, _STATUS_EXPIRED, _NEWS_EXPIRED, "no_funds")
        else:
            self.take_market(venue, order, price)

    def news(self, execution: Execution, order: Order, trade: Trade | None = None) -> None:
        """Append an order update, with the order as it is now."""
        order.updated_at = self.now
        self.updates.append(OrderUpdate(self.now, execution, replace(order), trade))

    def _knock_out(self, venue: Venue) -> None:
        """Expire resting reduce-only orders that the position leaves nothing to reduce, farthest first."""
        position = self.account.position(venue.symbol)
        for side in (_BUY, _SELL):
            room = abs(position) if position * side < 0 else 0
            for order in [o for o in venue.resting(side) if o.reduce_only]:
                if room <= 0:
                    self.end(order, _STATUS_EXPIRED, _NEWS_EXPIRED, "knocked_out")
                room -= order.left

    # -- money --------------------------------------------------------------------------------------------

    def settle_funding(self, rate: FundingRate) -> None:
        """Longs pay ``rate`` of the notional at mark price where it is positive, shorts receive it."""
        position = self.account.position(rate.symbol)
        if not position:
            return
        venue = self.venues[rate.symbol]
        amount = -cut(venue.instrument.notional(venue.mark, position) * Decimal(repr(rate.rate)))
        self.pay(_CASH_FUNDING, venue.instrument.quote, amount, rate.symbol, "FUNDING_FEE")

    def transfer(self, asset: Asset, amount: Money) -> None:
        """Deposit, or withdraw a negative amount.

        Raises:
            ValueError: more is withdrawn than is free.
        """
        if amount < 0 and self.account.spendable(asset) < -amount:
            raise ValueError(f"only {self.account.spendable(asset)} {asset} can be withdrawn, not {-amount}")
        self.pay(_CASH_TRANSFER, asset, amount, "", "DEPOSIT" if amount > 0 else "WITHDRAW")

    def pay(self, kind: CashKind, asset: Asset, amount: Money, symbol: Symbol, reason: str) -> None:
        """Change a wallet other than by a trade."""
        self.account.credit(asset, amount)
        record = CashRecord(self.next_cash_id, self.now, kind, asset, amount, symbol)
        self.next_cash_id += 1
        self.history.cash.append(record)
        self.updates.append(AccountUpdate(self.now, reason, self._balances(asset), (), record))
        self.stale = True

    def _insure(self, symbol: Symbol) -> None:
        """A flat account owes nothing: the insurance fund pays what a gap took beyond the wallet."""
        futures = self.futures
        if futures is None or futures.wallets[futures.quote] >= 0:
            return
        if not any(p.steps for p in futures.held.values()):
            missing = -futures.wallets[futures.quote]
            self.pay(_CASH_INSURANCE, futures.quote, missing, symbol, "INSURANCE_CLEAR")

    def set_leverage(self, symbol: Symbol, leverage: int) -> Refusal | None:
        """Set a symbol's exchange leverage; refused where the brackets or the margin do not carry it."""
        futures, venue = self.futures, self.venues.get(symbol)
        if futures is None or venue is None:
            return no.UNKNOWN_SYMBOL
        if not 1 <= leverage <= max_leverage(venue.instrument):
            return no.LEVERAGE_INVALID
        before = futures.leverage_of(symbol)
        notional = abs(venue.instrument.notional(venue.mark, futures.position(symbol)))
        if notional > max_notional(venue.instrument, leverage):
            return no.POSITION_LIMIT
        futures.leverage[symbol] = leverage
        futures.room = None
        if leverage < before and futures.available() < 0:
            futures.leverage[symbol] = before
            return no.LEVERAGE_MARGIN
        self.updates.append(LeverageChanged(self.now, symbol, leverage))
        return None

    def _tell_account(self, venue: Venue, fee_asset: Asset) -> None:
        instrument = venue.instrument
        if self.futures is not None:
            balances = self._balances(instrument.quote, fee_asset)
            self.updates.append(AccountUpdate(self.now, "ORDER", balances, (self.futures.view(venue.symbol),)))
        else:
            balances = self._balances(instrument.base, instrument.quote, fee_asset)
            self.updates.append(AccountUpdate(self.now, "ORDER", balances))

    def _balances(self, *assets: Asset) -> tuple[BalanceView, ...]:
        """The named assets after a change, each once, in the order named."""
        if self.futures is not None:
            wallets = self.futures.wallets
            return tuple(BalanceView(a, wallets.get(a, ZERO), ZERO) for a in dict.fromkeys(assets))
        spot = self.spot
        assert spot is not None
        return tuple(BalanceView(a, spot.totals.get(a, ZERO), spot.locked.get(a, ZERO)) for a in dict.fromkeys(assets))
