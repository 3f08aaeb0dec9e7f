"""Instruments for tests of the streams."""

from decimal import Decimal

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Market, Symbol


def instrument(symbol: Symbol, tick: str = "0.10", step: str = "0.001", market: Market = Market.FUTURES) -> Instrument:
    quote = next((q for q in ("USDT", "BUSD") if symbol.endswith(q)), "USDT")
    return Instrument(
        symbol, market, symbol.removesuffix(quote), quote, Decimal(tick), Decimal(step), min_steps=1,
        max_steps=10**9, market_max_steps=10**9, min_notional=Decimal(5), min_price=1, max_price=10**9,
        percent_up=Decimal("1.05"), percent_down=Decimal("0.95"), max_orders=200,
    )  # fmt: skip
