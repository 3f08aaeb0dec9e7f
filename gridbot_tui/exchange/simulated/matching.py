"""How closed bars meet resting orders, where bars are all that is known.

Orders that rest at the open fill if the bar trades at least one tick beyond them, at their own price. Of
the two extremes the one that adds to the position comes first (flat: the one nearer to the open, the low
where both are as near): its orders fill, then stops and margin are judged at its mark price, then the other
extreme's turn comes.
"""

from random import Random

from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.liquidation import solvent
from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.exchange.simulated.venue import NEVER_HIGH, Venue
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.source import MarketBatch
from gridbot_tui.units import Side, Steps, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_BUY, _SELL = Side.BUY, Side.SELL


def play(exchange: Exchange, batch: MarketBatch) -> None:
    """One batch: every bar against orders, stops and margin, symbols in order; then funding."""
    exchange.now = batch.at
    futures = exchange.futures
    if exchange.stale:
        _refresh(exchange)
    venues = exchange.venues
    for symbol, bar in batch.bars:
        venue = venues[symbol]
        if (
            bar.low < venue.next_buy
            or bar.high > venue.next_sell
            or bar.mark_low <= venue.mark_low_watch
            or bar.mark_high >= venue.mark_high_watch
        ):
            trade_bar(exchange, venue, bar)
            venue.mark = bar.mark_close
            _refresh(exchange)
        venue.bars.append(bar)
        venue.last = bar.close
        venue.mark = bar.mark_close
    if batch.funding and futures is not None:
        for rate in batch.funding:
            exchange.settle_funding(rate)
        if exchange.stale:
            venue = venues[batch.funding[0].symbol]
            solvent(exchange, venue, venue.last)


def trade_bar(exchange: Exchange, venue: Venue, bar: Bar) -> None:
    """Both extremes of a bar in which something may happen."""
    position = exchange.account.position(venue.symbol)
    if position:
        first = _BUY if position > 0 else _SELL
    else:
        first = _BUY if bar.open - bar.low <= bar.high - bar.open else _SELL
    budget = _tradable(exchange, venue, bar)
    for side in (first, first.opposite):
        budget = _fill_through(exchange, venue, bar, side, budget)
        _risk(exchange, venue, bar, side)


def _tradable(exchange: Exchange, venue: Venue, bar: Bar) -> Steps:
    """How many steps of a bar's volume the account may take."""
    share = exchange.params.volume_share
    return int(bar.volume * share / venue.instrument.step_f) if share else NEVER_HIGH


def _fill_through(exchange: Exchange, venue: Venue, bar: Bar, side: Side, budget: Steps) -> Steps:
    """Fill the orders of one side that the bar trades beyond, best first; returns the volume left."""
    ladder = venue.bids if side is _BUY else venue.asks
    while ladder and budget > 0:
        order = ladder[-1]
        price = order.price or 0
        if bar.low >= price if side is _BUY else bar.high <= price:
            break
        steps = _portion(exchange, venue, order, budget)
        budget -= steps
        whole = steps == order.left
        exchange.execute(venue, order, price, steps, maker=True)
        if not whole:
            break
    return budget


def _portion(exchange: Exchange, venue: Venue, order: Order, budget: Steps) -> Steps:
    """How much of an order fills: what the volume allows, no more than there is to reduce, sometimes less."""
    steps = min(order.left, budget)
    if order.reduce_only:
        steps = min(steps, abs(exchange.account.position(venue.symbol)))
    chance = exchange.params.partial_probability
    if chance and steps > 1:
        # Seeded by the trade's own number, so that an exchange reopened from its books draws the same.
        rng = Random(f"{exchange.seed}:{exchange.next_trade_id}")
        if rng.random() < chance:
            return rng.randint(1, steps - 1)
    return steps


def _risk(exchange: Exchange, venue: Venue, bar: Bar, side: Side) -> None:
    """Stops, margin call and liquidation at the mark extreme that goes with the orders of ``side``."""
    falling = side is _BUY
    for stop in venue.hit_stops(side.opposite, bar.mark_low, bar.mark_high):
        trigger = stop.trigger or 0
        price = _stop_price(bar, trigger, falling)
        # Where the bar opened beyond the trigger, so did the mark, as far as it went.
        reached = min(trigger, bar.open) if falling else max(trigger, bar.open)
        reached = min(max(reached, bar.mark_low), bar.mark_high)
        if not _solvent_at(exchange, venue, reached, price):
            return
        if stop.open:
            exchange.fire(venue, stop, exchange.slipped(price, side.opposite))
    extreme = bar.mark_low if falling else bar.mark_high
    basis = _basis(bar, falling)
    _solvent_at(exchange, venue, extreme, extreme + basis, adverse_to=1 if falling else -1)


def _solvent_at(exchange: Exchange, venue: Venue, mark: Ticks, price: Ticks, adverse_to: int = 0) -> bool:
    """Judge the margin with the symbol marked at ``mark``; a position that gains there needs no look."""
    position = exchange.account.position(venue.symbol)
    if not position or (adverse_to and position * adverse_to < 0):
        return True
    venue.mark = mark
    return solvent(exchange, venue, price)


def _basis(bar: Bar, falling: bool) -> Ticks:
    """How much worse than the mark price the symbol itself traded at the extreme."""
    return min(0, bar.low - bar.mark_low) if falling else max(0, bar.high - bar.mark_high)


def _stop_price(bar: Bar, trigger: Ticks, falling: bool) -> Ticks:
    """Where a stop executes before slippage: the worse of the open and what the trigger, a mark price, came to where
    the symbol itself traded; never beyond what the bar traded."""
    at = trigger + _basis(bar, falling)
    return max(min(at, bar.open), bar.low) if falling else min(max(at, bar.open), bar.high)


def _refresh(exchange: Exchange) -> None:
    """Rebuild the margin bands after anything that moved the account."""
    exchange.stale = False
    if exchange.futures is not None:
        exchange.futures.rebuild_bands()
