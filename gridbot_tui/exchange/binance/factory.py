"""The REST side of one market, made of its parts."""

from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.futures_rest import FuturesRest
from gridbot_tui.exchange.binance.hosts import Hosts
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.rest import IsOurs, Rest
from gridbot_tui.exchange.binance.spot_rest import SpotRest
from gridbot_tui.exchange.binance.wire import Wire
from gridbot_tui.units import MINUTE, Market, Ms


def make_rest(
    market: Market,
    hosts: Hosts,
    keys: Keys,
    *,
    ours: IsOurs,
    params: BinanceParams | None = None,
    clock: WallClock | None = None,
    interval: Ms = MINUTE,
) -> Rest:
    """REST of a market, not yet open. ``ours`` tells our client ids; ``interval`` is that of the base bars.

    The clock's offset is set whenever the exchange's time is looked at: share it with the streams.
    """
    wire = Wire(market, hosts, keys, params or BinanceParams(), clock or WallClock())
    return SpotRest(wire, ours, interval) if market is Market.SPOT else FuturesRest(wire, ours, interval)
