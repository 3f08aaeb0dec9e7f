"""Margin call and liquidation: of all that is margined across the account, or of one position with its own wallet."""

from gridbot_tui.engine.events import CashKind
from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.records import Execution, MarginCall, Order, Status
from gridbot_tui.exchange.simulated.venue import Venue
from gridbot_tui.orders.model import OrderKind
from gridbot_tui.units import Money, Side, Symbol, Ticks, cut

LIQUIDATION = "liquidation"
DELEVERAGING = "deleveraging"


def solvent(exchange: Exchange, venue: Venue, price: Ticks) -> bool:
    """Judge the account with the marks as they stand; liquidate it where the margin is gone.

    Args:
        exchange: whose futures account is judged; always solvent on spot.
        venue: whose mark price has just been moved to where it is to be judged.
        price: what a liquidation gets for this symbol; the others go at their last price.

    Returns:
        False if the account was liquidated.
    """
    futures = exchange.futures
    if futures is None:
        return True
    own = futures.alone(venue.symbol)
    if own is not None:
        return _solvent_alone(exchange, venue, price, own)
    balance, needed = futures.margin()
    if not needed:
        return True
    if balance <= needed:
        _liquidate(exchange, venue, price)
        return False
    near = needed >= exchange.params.margin_call_ratio * balance
    if near and not futures.called:
        wallet = futures.shared()
        exchange.updates.append(MarginCall(exchange.now, venue.symbol, wallet, balance, needed))
    if near != futures.called:
        futures.called = near
        exchange.stale = True
    return True


def _liquidate(exchange: Exchange, trigger: Venue, price: Ticks) -> None:
    """Cancel everything, close every position, charge the clearance fee; insurance pays what is missing.

    The judged symbol goes at ``price``, the extreme of the bar: a real one executes between the liquidation
    and the bankruptcy price, and the clearance fee brings the loss there. The others go at their last price
    with slippage.
    """
    futures = exchange.futures
    assert futures is not None
    exchange.liquidations += 1
    for order in list(exchange.history.open.values()):
        if futures.alone(order.symbol) is None:
            exchange.end(order, Status.EXPIRED, Execution.EXPIRED, LIQUIDATION)
    for symbol in sorted(futures.held):
        position = futures.position(symbol)
        if not position or futures.alone(symbol) is not None:
            continue
        venue = exchange.venues[symbol]
        side = Side.SELL if position > 0 else Side.BUY
        at = max(1, price) if venue is trigger else exchange.slipped(venue.last, side)
        _clear(exchange, venue, side, abs(position), at)
    missing = -futures.shared()
    if missing > 0:
        exchange.pay(CashKind.INSURANCE, futures.quote, missing, trigger.symbol, "INSURANCE_CLEAR")
    futures.called = False
    exchange.stale = True


def _solvent_alone(exchange: Exchange, venue: Venue, price: Ticks, own: Money) -> bool:
    """The same of one position with a wallet of its own: with it go the symbol's orders, and no money beyond."""
    futures, symbol = exchange.futures, venue.symbol
    assert futures is not None
    position, called = futures.position(symbol), symbol in futures.called_alone
    balance, needed = futures.margin_alone(symbol, own)
    near = bool(position) and needed >= exchange.params.margin_call_ratio * balance
    if near is not called:
        futures.called_alone ^= {symbol}
        exchange.stale = True
    if not position:
        return True
    if balance > needed:
        if near and not called:
            exchange.updates.append(MarginCall(exchange.now, symbol, futures.shared(), balance, needed))
        return True
    exchange.liquidations += 1
    for order in [order for order in exchange.history.open.values() if order.symbol == symbol]:
        exchange.end(order, Status.EXPIRED, Execution.EXPIRED, LIQUIDATION)
    least = futures.wallets[futures.quote] - own
    _clear(exchange, venue, Side.SELL if position > 0 else Side.BUY, abs(position), max(1, price))
    missing = least - futures.wallets[futures.quote]
    if missing > 0:
        exchange.pay(CashKind.INSURANCE, futures.quote, missing, symbol, "INSURANCE_CLEAR")
    exchange.stale = True
    return False


def _clear(exchange: Exchange, venue: Venue, side: Side, steps: int, price: Ticks) -> None:
    """Close a position that is liquidated, and charge the clearance fee."""
    _force(exchange, venue, side, steps, price)
    fee = cut(venue.instrument.notional(price, steps) * exchange.params.liquidation_fee)
    if fee:
        exchange.pay(CashKind.INSURANCE, venue.instrument.quote, -fee, venue.symbol, "INSURANCE_CLEAR")


def deleverage(exchange: Exchange, symbol: Symbol, steps: int) -> None:
    """Close up to ``steps`` of a position at the mark price, as the exchange does where its fund cannot pay others."""
    position = exchange.account.position(symbol)
    venue = exchange.venues[symbol]
    if position:
        side = Side.SELL if position > 0 else Side.BUY
        _force(exchange, venue, side, min(steps, abs(position)), venue.mark, DELEVERAGING)


def _force(
    exchange: Exchange, venue: Venue, side: Side, steps: int, price: Ticks, why: str = LIQUIDATION
) -> None:
    """The order with which the exchange closes a position against its owner."""
    number = exchange.next_order_id
    exchange.next_order_id += 1
    order = Order(
        exchange_id=number,
        symbol=venue.symbol,
        client_id=f"{'autoclose' if why == LIQUIDATION else 'adl_autoclose'}-{exchange.now}{number:06d}",
        side=side,
        kind=OrderKind.MARKET,
        steps=steps,
        price=None,
        trigger=None,
        post_only=False,
        reduce_only=True,
        close_position=False,
        manual=False,
        created_at=exchange.now,
        updated_at=exchange.now,
        forced=why,
    )
    exchange.history.open[exchange.key(order.symbol, order.client_id, False)] = order
    exchange.news(Execution.NEW, order)
    exchange.execute(venue, order, price, steps, maker=False)
