"""Where Binance is: addresses by mode and market, or one address for all of them."""

from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from gridbot_tui.units import Market, Mode


class Hosts(Struct, frozen=True):
    """Addresses without a trailing slash. REST ones end before ``/v3`` or ``/v1``, stream ones before ``/ws``."""

    spot_rest: str
    """``.../api``"""
    futures_rest: str
    """``.../fapi``"""
    sapi: str | None
    """``.../sapi`` (what a key may do); None where the environment has none."""
    spot_stream: str
    futures_public: str
    """Order book and best prices."""
    futures_market: str
    """Candles, trades, mark prices."""
    futures_private: str
    """User stream by listen key."""
    spot_ws_api: str
    """A complete URL; the spot user stream is subscribed to there."""
    futures_unrouted: str = ""
    """Futures streams without a category, where an environment may serve them so; tried where the routed ones
    lead to nothing. "" = nowhere: on mainnet such an address connects and stays silent."""

    def rest(self, market: Market) -> str:
        """REST base of a market."""
        return self.spot_rest if market is Market.SPOT else self.futures_rest


_MAINNET: Final = Hosts(
    spot_rest="https://api.binance.com/api",
    futures_rest="https://fapi.binance.com/fapi",
    sapi="https://api.binance.com/sapi",
    spot_stream="wss://stream.binance.com:9443",
    futures_public="wss://fstream.binance.com/public",
    futures_market="wss://fstream.binance.com/market",
    futures_private="wss://fstream.binance.com/private",
    spot_ws_api="wss://ws-api.binance.com:443/ws-api/v3",
)
_TESTNET: Final = Hosts(
    spot_rest="https://testnet.binance.vision/api",
    futures_rest="https://demo-fapi.binance.com/fapi",
    sapi=None,
    spot_stream="wss://stream.testnet.binance.vision",
    futures_public="wss://demo-fstream.binance.com/public",
    futures_market="wss://demo-fstream.binance.com/market",
    futures_private="wss://demo-fstream.binance.com/private",
    spot_ws_api="wss://ws-api.testnet.binance.vision/ws-api/v3",
    futures_unrouted="wss://demo-fstream.binance.com",
)


def hosts_of(mode: Mode, base_url: str = "") -> Hosts:
    """The addresses a mode talks to: mainnet for live and paper, testnet for testnet, ``base_url`` for any.

    Raises:
        ValueError: a ``base_url`` that is no http address of a host.
    """
    if base_url:
        return _all_at(base_url)
    return _TESTNET if mode is Mode.TESTNET else _MAINNET


def _all_at(base_url: str) -> Hosts:
    """One server for everything, as the served exchange is."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"exchange.base_url is {base_url!r}: write it as http://127.0.0.1:9000, without a path")
    http = f"{parts.scheme}://{parts.netloc}"
    ws = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}"
    return Hosts(
        spot_rest=f"{http}/api",
        futures_rest=f"{http}/fapi",
        sapi=f"{http}/sapi",
        spot_stream=ws,
        futures_public=f"{ws}/public",
        futures_market=f"{ws}/market",
        futures_private=f"{ws}/private",
        spot_ws_api=f"{ws}/ws-api/v3",
    )
