"""Instruments and rough prices of coins that are not built in, for a market of as many symbols as are asked for."""

import re
from collections.abc import Iterable
from decimal import Decimal
from math import floor, log10
from pathlib import Path
from typing import Final

from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.derive import CONSERVATIVE_BRACKETS, smallest_order, split_symbol
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.synthetic import START_PRICES
from gridbot_tui.units import Asset, Market, Symbol

_PRICES: Final = """
TRX 0.3 DOT 4.1 UNI 8.9 ATOM 4.4 ETC 21 XLM 0.29 ICP 5.2 APT 4.6 ARB 0.41 OP 0.62 INJ 11.8 TIA 1.7 SEI 0.28 AAVE 240
MKR 1650 CRV 0.71 LDO 1.05 RUNE 1.2 GALA 0.015 SAND 0.26 MANA 0.27 AXS 2.1 ALGO 0.21 VET 0.022 THETA 0.73 EGLD 14
XTZ 0.66 EOS 0.62 CHZ 0.037 HBAR 0.21 QNT 98 GRT 0.085 IMX 0.5 STX 0.62 FET 0.6 RENDER 3.4 WLD 1.1 JUP 0.42 PYTH 0.13
ENA 0.51 ONDO 0.85 TAO 360 DYDX 0.55 SNX 0.62 COMP 44 ZIL 0.0105 ONE 0.0098 KAVA 0.36 ENJ 0.068 BAT 0.14 DASH 22
"""
USUAL: Final = {base: float(price) for base, price in re.findall(r"(\w+) ([\d.]+)", _PRICES)}
"""Base asset to a price in USDT, roughly as of 2025."""
_TICKS: Final = 20_000
"""Ticks that make up a usual price."""
_QUOTES: Final = {
    **dict.fromkeys(("USDT", "USDC", "FDUSD", "TUSD", "DAI"), 1.0),
    "EUR": 1.1, "GBP": 1.3, "TRY": 0.024, "JPY": 0.0067, "BRL": 0.18, "AUD": 0.65,
    **{base: START_PRICES[f"{base}USDT"] for base in ("BTC", "ETH", "BNB")},
}  # fmt: skip
"""What spot pairs are quoted in, and its worth in USDT, roughly as of 2025."""
_BALANCE: Final = 10_000.0
_FINEST: Final = -8
"""The exponent of Binance's finest ticks and steps."""


def worth_of(asset: Asset) -> float | None:
    """About what one of an asset was worth, USDT; None for one that is in no table."""
    return START_PRICES.get(f"{asset}USDT") or USUAL.get(asset) or _QUOTES.get(asset)


def quote_balances(quotes: Iterable[Asset]) -> list[tuple[Asset, str]]:
    """Of each quote asset but USDT about as much as is worth an account's first 10,000 USDT."""
    return [(quote, f"{_BALANCE / (worth_of(quote) or 1.0):.4f}") for quote in sorted(set(quotes) - {"USDT"})]


def price_of(instrument: Instrument) -> float:
    """Where an invented market begins, quote: about where the coin was, else where its tick says it may be."""
    base, quote = worth_of(instrument.base), worth_of(instrument.quote)
    usual = None if base is None or quote is None else base / quote
    if usual is not None and usual >= 1_000 * float(instrument.tick):
        return usual
    return float(instrument.tick) * min(_TICKS, max(1_000, instrument.max_price // 10))


def instrument_of(symbol: Symbol, market: Market) -> Instrument | None:
    """Filters for a pair of usual coins that is not built in; None where one of the two is in no table.

    A tick of about 0.01 % of the price and a step of about a dollar; of a pair quoted in a coin about 0.1 % and ten
    cents, as Binance lists ETHBTC.
    """
    base, quote = split_symbol(symbol)
    worth, per = worth_of(base), _QUOTES.get(quote)
    if worth is None or per is None or base == quote or (market is Market.FUTURES and quote != "USDT"):
        return None
    price = worth / per
    coin = quote in ("BTC", "ETH", "BNB")
    tick = Decimal(1).scaleb(max(floor(log10(price)) - (3 if coin else 4), _FINEST))
    step = Decimal(1).scaleb(max(min(0, -floor(log10(worth)) - coin), _FINEST))
    futures = market is Market.FUTURES
    return Instrument(
        symbol=symbol, market=market, base=base, quote=quote, tick=tick, step=step,
        min_steps=1, max_steps=10_000_000, market_max_steps=1_000_000, min_notional=smallest_order(quote), min_price=1,
        max_price=int(Decimal(price) * 1000 / tick), percent_up=Decimal("1.05") if futures else Decimal(5),
        percent_down=Decimal("0.95") if futures else Decimal("0.2"), max_orders=200,
        brackets=CONSERVATIVE_BRACKETS if futures else (), derived=True,
    )  # fmt: skip


def chosen(market: Market, symbols: tuple[str, ...], count: int, exchange_info: Path | None) -> dict[str, Instrument]:
    """Instruments of an invented market: those named, else as many as asked for.

    A document's filters are used before the built-in ones. Where names run out, invented coins fill up. What is only
    counted is quoted in USDT; a spot pair that is named may be quoted in anything.

    Raises:
        DataError: a name that no document and no table knows, or more symbols than there are.
    """
    known = dict(builtin(market))
    if exchange_info is not None:
        from gridbot_tui.market.exchange_info import read_instruments

        listed = {s: i for s, i in read_instruments(exchange_info).items() if i.market is market}
        told = {s: i for s, i in listed.items() if i.quote == "USDT"}
        known = {**{s: told.get(s, i) for s, i in known.items() if s in told}, **told} if told else known
        others = listed if market is Market.SPOT else {}
    else:
        invented = {name: instrument_of(name, market) for name in (*(f"{base}USDT" for base in USUAL), *symbols)}
        others = {name: one for name, one in invented.items() if one is not None and name not in known}
        known |= {name: one for name, one in others.items() if one.quote == "USDT"}
    if symbols:
        known |= {name: others[name] for name in symbols if name in others}
        missing = [name for name in symbols if name not in known]
        if missing:
            raise DataError(f"no market for {', '.join(missing)} on {market}: use some of {', '.join(known)}, or give"
                            " --exchange-info a document that lists it")  # fmt: skip
        return {name: known[name] for name in symbols}
    if count > len(known):
        raise DataError(f"{count} symbols are more than the {len(known)} that are known on {market}: give"
                        " --exchange-info a document with more")  # fmt: skip
    return {name: known[name] for name in list(known)[:count]}
