"""Builds a served exchange out of recorded data, an exchangeInfo file or nothing but a seed."""

from collections.abc import Sequence
from pathlib import Path

from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.floor import Floor
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.settings import ServeOptions
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.params import SyntheticParams
from gridbot_tui.market.source import MarketSource
from gridbot_tui.market.synthetic import SyntheticMarket
from gridbot_tui.units import DAY, Market, Ms

DEFAULT_HISTORY: Ms = 2 * DAY
"""How much of the past has candles: 1,500 one-minute ones and more."""


def build(markets: Sequence[Market], options: ServeOptions, *, data: Sequence[str] = (), symbols: Sequence[str] = (),
          seed: int = 1, history: Ms = DEFAULT_HISTORY, exchange_info: Path | None = None, clock: Clock | None = None,
          sources: dict[Market, MarketSource] | None = None) -> Place:  # fmt: skip
    """Everything but the sockets.

    Args:
        markets: which to serve.
        options: ports, accounts, limits.
        data: recorded candles; a synthetic market where there are none.
        symbols: of the synthetic market; the usual six where none are named.
        seed: of the synthetic market.
        history: how far back candles go.
        exchange_info: filters for recorded data.
        clock: the exchange's time.
        sources: markets made elsewhere.

    Raises:
        DataError: data that cannot be played, or none for a market that is to be served.
    """
    clock = clock or Clock(options.speed)
    now = clock.now()
    tick = max(1, int(options.tick_ms * options.speed))
    floors: dict[str, Floor] = {}
    recorded = _by_market(data, markets) if data else {}
    for market in markets:
        if sources is not None:
            source = sources[market]
        elif data:
            source = _recorded(recorded.get(market, []), market, exchange_info)
        else:
            source = _synthetic(market, symbols, seed, now, history)
        invented = seed if sources is None and not data else None
        floors[market.value] = Floor(market, source, now=now, history=history, tick_every=tick, invented=invented)
    return Place(options, floors, clock)


def _synthetic(market: Market, symbols: Sequence[str], seed: int, now: Ms, history: Ms) -> MarketSource:
    usual = SyntheticParams().symbols
    params = SyntheticParams(seed=seed, symbols=tuple(symbols) or tuple(s for s in usual if s in builtin(market)))
    return SyntheticMarket(params, market=market, start=(now - history) // DAY * DAY)


def _by_market(data: Sequence[str], markets: Sequence[Market]) -> dict[Market, list[str]]:
    """Files of each market; those whose path tells none belong to the only one that is served."""
    from gridbot_tui.market.paths import candle_files

    found: dict[Market, list[str]] = {}
    for origin in candle_files(list(data)):
        market = origin.market or (markets[0] if len(markets) == 1 else Market.FUTURES)
        found.setdefault(market, []).append(str(origin.path))
    return found


def _recorded(paths: list[str], market: Market, exchange_info: Path | None) -> MarketSource:
    from gridbot_tui.market.files import load

    if not paths:
        raise DataError(f"--data names no {market} candles: leave --market to what the data are, or add some")
    return load(paths, market=market, exchange_info=exchange_info)
