"""Answers to the bot's questions, from the exchange's own books."""

from gridbot_tui.exchange.port import (
    AskAccount,
    AskBars,
    AskCash,
    AskFills,
    AskFunding,
    AskOpenOrders,
    AskOrder,
    Query,
    Reply,
)
from gridbot_tui.exchange.simulated import wire
from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.source import FundingRate, MarketSource
from gridbot_tui.units import MINUTE, Ms, Symbol


def answer(exchange: Exchange, source: MarketSource, query: Query) -> Reply:
    """One reply to one query; ``error`` where it can't be answered."""
    number, now, history = query.request_id, exchange.now, exchange.history
    if isinstance(query, AskAccount):
        return Reply(number, now, account=wire.account_state(exchange))
    if isinstance(query, AskOpenOrders):
        return Reply(number, now, open_orders=wire.open_orders(exchange))
    if isinstance(query, AskOrder):
        report = wire.order_report(exchange, query.symbol, query.client_id, query.conditional)
        return Reply(number, now, order=report)
    if isinstance(query, AskCash):
        return Reply(number, now, cash=tuple(wire.cash_of(c) for c in history.cash_since(query.since)))
    if isinstance(query, AskFills):
        after = query.after_trade_id
        if after and not after.isdecimal():
            return Reply(number, now, error=f"-1100: {after!r} is no trade id")
        trades = history.trades_after(query.symbol, int(after) if after else None, query.since)
        return Reply(number, now, fills=tuple(wire.fill_of(exchange, t) for t in trades))
    if isinstance(query, AskBars):
        if query.symbol not in exchange.venues:
            return Reply(number, now, error="-1121: Invalid symbol.")
        return Reply(number, now, bars=closed_bars(exchange, source, query.symbol, query.since))
    if isinstance(query, AskFunding):
        return Reply(number, now, funding=settled(exchange, source, query.since))
    return Reply(number, now, error=f"the exchange knows no {type(query).__name__}")


def settled(exchange: Exchange, source: MarketSource, since: Ms) -> tuple[FundingRate, ...]:
    """Funding rates that settled after ``since``, as the market has them."""
    if exchange.futures is None:
        return ()
    found: list[FundingRate] = []
    for batch in source.batches(since - MINUTE):  # a rate may be a few ms off the batch it came with
        if batch.at > exchange.now:
            break
        found.extend(rate for rate in batch.funding if rate.at > since)
    return tuple(found)


def closed_bars(exchange: Exchange, source: MarketSource, symbol: Symbol, since: Ms) -> tuple[Bar, ...]:
    """Closed bars with open time at or after ``since``; what is no longer at hand is read again."""
    kept = exchange.venues[symbol].bars
    if kept and kept[0].open_at <= since:
        return tuple(bar for bar in kept if bar.open_at >= since)
    found = []
    for batch in source.batches(since):
        if batch.at > exchange.now:
            break
        for name, bar in batch.bars:
            if name == symbol and bar.open_at >= since:
                found.append(bar)
    return tuple(found)
