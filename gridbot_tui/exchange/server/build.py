"""Builds a served exchange out of recorded data, an exchangeInfo file or nothing but a seed."""

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.coins import chosen, price_of, quote_balances
from gridbot_tui.exchange.server.floor import Floor
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.prints import RecordedTrades, trade_files
from gridbot_tui.exchange.server.settings import ServeOptions
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.exchange_info import read_instruments
from gridbot_tui.market.files import load
from gridbot_tui.market.params import SyntheticParams
from gridbot_tui.market.paths import Origin, candle_files
from gridbot_tui.market.source import MarketSource
from gridbot_tui.market.synthetic import SyntheticMarket
from gridbot_tui.units import DAY, Market, Ms

DEFAULT_HISTORY: Ms = 2 * DAY
"""How much of the past has candles: 1,500 one-minute ones and more."""


def build(markets: Sequence[Market], options: ServeOptions, *, data: Sequence[str] = (), symbols: Sequence[str] = (),
          count: int = 0, seed: int = 1, history: Ms = DEFAULT_HISTORY, exchange_info: Path | None = None,
          clock: Clock | None = None, sources: dict[Market, MarketSource] | None = None) -> Place:  # fmt: skip
    """Everything but the sockets.

    Args:
        markets: which to serve.
        options: ports, accounts, limits.
        data: recorded candles or trades; a synthetic market where there are none.
        symbols: of the synthetic market; the usual six where neither names nor a number are given.
        count: how many symbols the synthetic market has, where none is named.
        seed: of the synthetic market.
        history: how far back candles go.
        exchange_info: filters for recorded data, and instruments for the synthetic market.
        clock: the exchange's time.
        sources: markets made elsewhere.

    Raises:
        DataError: data that cannot be played, or none for a market that is to be served.
    """
    clock = clock or Clock(options.speed)
    now = clock.now()
    tick = options.tick_every(options.speed)
    floors: dict[str, Floor] = {}
    recorded = _recorded(data, markets, exchange_info) if data else {}
    for market in markets:
        if sources is not None:
            source = sources[market]
        elif data:
            source = recorded[market]
        else:
            source = _synthetic(market, symbols, count, seed, now, history, exchange_info)
        invented = seed if sources is None and not data else None
        floors[market.value] = Floor(market, source, now=now, history=history, tick_every=tick, invented=invented)
    quotes = {tape.instrument.quote for floor in floors.values() for tape in floor.tapes.values()}
    return Place(replace(options, balances=(*options.balances, *quote_balances(quotes))), floors, clock)


def _synthetic(market: Market, symbols: Sequence[str], count: int, seed: int, now: Ms, history: Ms,
               exchange_info: Path | None) -> MarketSource:  # fmt: skip
    usual = tuple(s for s in SyntheticParams().symbols if s in builtin(market))
    named = tuple(symbols) or (() if count or exchange_info is not None else usual)
    found = chosen(market, named, count or len(usual), exchange_info)
    # The bound on the number of symbols is the bot's, not the exchange's.
    params = SyntheticParams(seed=seed).model_copy(update={"symbols": tuple(found)})
    return SyntheticMarket(params, market=market, start=(now - history) // DAY * DAY, instruments=found,
                           prices={name: price_of(i) for name, i in found.items()})  # fmt: skip


def _recorded(data: Sequence[str], markets: Sequence[Market], exchange_info: Path | None) -> dict[Market, MarketSource]:
    """Candles and trades of each market; files whose path tells none belong to the only one that is served."""
    trades, others = trade_files(data)
    by_market: dict[Market, list[Origin]] = {}
    for item in trades:
        by_market.setdefault(item.market or _only(markets), []).append(item)
    candles: dict[Market, list[str]] = {}
    for item in candle_files(others) if others or not trades else ():
        candles.setdefault(item.market or _only(markets), []).append(str(item.path))
    found: dict[Market, MarketSource] = {}
    for market in markets:
        if market in by_market and market in candles:
            raise DataError(f"--data names candles and trades of {market}: one market is played from one kind")
        if market in by_market:
            known = None if exchange_info is None else read_instruments(exchange_info)
            found[market] = RecordedTrades(by_market[market], market, known)
        elif market in candles:
            found[market] = load(candles[market], market=market, exchange_info=exchange_info)
        else:
            there = " or ".join(f"--market {one}" for one in Market if one in by_market or one in candles)
            raise DataError(f"--data names nothing of {market}: serve {there}, or add some of {market}")
    return found


def _only(markets: Sequence[Market]) -> Market:
    return markets[0] if len(markets) == 1 else Market.FUTURES
