"""What a served exchange is started with."""

from msgspec import Struct

from gridbot_tui.exchange.server.accounts import KeyConfig
from gridbot_tui.units import Ms

DEFAULT_KEY = KeyConfig("key", "secret")
"""The account that is there when none is named. There is nothing behind it to protect."""


class LimitOptions(Struct, frozen=True):
    """Rate limits as Binance's; ``factor`` multiplies them all, 0 = none."""

    factor: float = 1.0
    spot_weight: int = 6_000
    spot_orders_10s: int = 100
    spot_orders_day: int = 200_000
    spot_raw_5m: int = 300_000
    spot_connects_5m: int = 300
    """WebSocket connections an address may open in five minutes."""
    futures_weight: int = 2_400
    futures_orders_10s: int = 300
    futures_orders_1m: int = 1_200
    funding_5m: int = 500
    ban_ms: int = 120_000
    """First IP ban after going on through 429s; it doubles."""


class LinkOptions(Struct, frozen=True):
    """Connections: how long they live, in milliseconds of the exchange's time, and what is asked of them, in real ones.
    """

    life: int = 86_400_000
    notice: int = 10_000
    """How long before the end serverShutdown is sent."""
    spot_ping: int = 20_000
    spot_pong: int = 60_000
    futures_ping: int = 180_000
    futures_pong: int = 600_000
    spot_inbound: int = 5
    """Messages a second."""
    futures_inbound: int = 10
    streams: int = 1_024
    queue: int = 20_000
    """Frames a connection may lag behind before it is closed."""


class ServeOptions(Struct, frozen=True):
    """Everything but the markets themselves."""

    host: str = "127.0.0.1"
    port: int = 0
    speed: float = 1.0
    tick_ms: int = 250
    """Real milliseconds between two points of the market, at most."""
    accounts: tuple[KeyConfig, ...] = (DEFAULT_KEY,)
    balances: tuple[tuple[str, str], ...] = (("USDT", "10000"), ("BTC", "0"), ("BNB", "0"))
    """What an account without balances of its own begins with, on each market; of an asset named twice, the last."""
    limits: LimitOptions = LimitOptions()
    link: LinkOptions = LinkOptions()
    control: bool = False
    """Answer under /control."""
    old_fields: bool = False
    """Futures order answers carry avgPrice and cumQuote, as before July 2026."""
    hold: bool = False
    """Start with the market standing still."""

    def tick_every(self, speed: float) -> Ms:
        """The exchange's time between two points of the market, at most."""
        return max(1, int(self.tick_ms * speed))
