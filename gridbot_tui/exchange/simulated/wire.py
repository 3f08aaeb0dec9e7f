"""From the exchange's own records to the events and replies of the port."""

from gridbot_tui.engine.events import (
    AccountState,
    Cash,
    Event,
    Fill,
    OpenOrder,
    OpenOrders,
    OrderReport,
    Outcome,
    PositionState,
)
from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.records import (
    AccountUpdate,
    CashRecord,
    Order,
    OrderUpdate,
    Status,
    Trade,
    Update,
)
from gridbot_tui.exchange.simulated.refusals import NO_SUCH_ORDER, Refusal
from gridbot_tui.units import ClientId, Ms, Symbol

OUTCOME = {
    Status.NEW: Outcome.ACCEPTED,
    Status.PARTIALLY_FILLED: Outcome.PARTLY_FILLED,
    Status.TRIGGERED: Outcome.TRIGGERED,
    Status.FILLED: Outcome.FILLED,
    Status.CANCELED: Outcome.CANCELED,
    Status.EXPIRED: Outcome.EXPIRED,
}


def fill_of(exchange: Exchange, trade: Trade) -> Fill:
    """A trade as the bot hears of it."""
    venue = exchange.venues.get(trade.symbol)
    exact = None if venue is None else venue.instrument.notional(trade.price, trade.steps)
    return Fill(
        trade.at, trade.symbol, trade.client_id, str(trade.trade_id), trade.side, trade.price, trade.steps,
        trade.fee, trade.fee_asset, trade.maker, trade.realised, not trade.manual, trade.forced,
        None if trade.quote == exact else trade.quote,
    )  # fmt: skip


def report_of(order: Order, at: Ms) -> OrderReport:
    """An order's state as the bot hears of it."""
    return OrderReport(
        at,
        order.symbol,
        order.client_id,
        OUTCOME[order.status],
        order.filled,
        str(order.exchange_id),
        0,
        order.reason,
    )


def cash_of(record: CashRecord) -> Cash:
    """A cash line as the bot hears of it."""
    return Cash(record.at, record.kind, record.asset, record.amount, str(record.cash_id), record.symbol)


def refused(
    at: Ms, symbol: Symbol, client_id: ClientId, refusal: Refusal, *, passing: bool = False
) -> OrderReport:
    """A definite no to an order; ``passing``: through no fault of it."""
    code, detail = refusal.code, refusal.detail
    return OrderReport(at, symbol, client_id, Outcome.REFUSED, code=code, detail=detail, passing=passing)


def events_of(exchange: Exchange, update: Update) -> list[Event]:
    """What the bot hears of an update: nothing of orders that are not its own but their fills."""
    if isinstance(update, OrderUpdate):
        heard: list[Event] = []
        if update.trade is not None:
            heard.append(fill_of(exchange, update.trade))
        order = update.order
        if not order.manual and not order.forced:
            heard.append(report_of(order, update.at))
        return heard
    if isinstance(update, AccountUpdate) and update.cash is not None:
        return [cash_of(update.cash)]
    return []


def account_state(exchange: Exchange) -> AccountState:
    """Balances and positions, complete, now."""
    futures = exchange.futures
    positions = []
    if futures is not None:
        for view in futures.positions():
            if view.steps:
                price = futures.liquidation_price_of(view.symbol)
                mark = exchange.venues[view.symbol].mark
                positions.append(PositionState(view.symbol, view.steps, view.entry_price, price, mark))
    balances = {b.asset: b.wallet for b in exchange.account.balances()}
    return AccountState(exchange.now, balances, tuple(positions))


def open_orders(exchange: Exchange) -> OpenOrders:
    """Every open order, oldest first."""
    orders = sorted(exchange.history.open.values(), key=lambda o: o.exchange_id)
    return OpenOrders(
        exchange.now,
        tuple(
            OpenOrder(
                o.symbol,
                o.client_id,
                o.side,
                o.price,
                o.steps,
                o.filled,
                o.trigger,
                o.reduce_only or o.close_position,
                o.conditional,
            )
            for o in orders
        ),
    )


def order_report(exchange: Exchange, symbol: Symbol, client_id: ClientId, conditional: bool) -> OrderReport:
    """The fate of one order; ABSENT where there never was one, or it is forgotten."""
    order = exchange.history.find(exchange.key(symbol, client_id, conditional))
    if order is not None:
        return report_of(order, exchange.now)
    code, detail = NO_SUCH_ORDER.code, NO_SUCH_ORDER.detail
    return OrderReport(exchange.now, symbol, client_id, Outcome.ABSENT, code=code, detail=detail)
