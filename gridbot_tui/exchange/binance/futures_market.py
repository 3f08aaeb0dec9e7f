"""What USD-M futures are made of: instruments with brackets and funding, fees, settled rates."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from msgspec import structs

from gridbot_tui.exchange.binance.calls import Futures
from gridbot_tui.exchange.binance.errors import Refused, RetryLater
from gridbot_tui.exchange.binance.numbers import money
from gridbot_tui.exchange.binance.order_words import need
from gridbot_tui.exchange.binance.rest import FeeRates
from gridbot_tui.exchange.binance.rest_base import PAGE, RestBase, reading, together
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.exchange_info import instruments
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate
from gridbot_tui.units import DAY, HOUR, Market, Ms, Symbol

Json = Mapping[str, Any]

_BNB_DISCOUNT: Final = Decimal("0.10")
"""Saved on futures fees by paying in BNB; documented, told by no call."""


class FuturesMarket(RestBase):
    """The market's side of FuturesRest."""

    TRADES = Futures.TRADES
    ORDER = Futures.ORDER
    ALL_ORDERS = Futures.ALL_ORDERS
    KLINES = Futures.KLINES
    BOOK = Futures.BOOK
    RESTRICTIONS = Futures.RESTRICTIONS
    market = Market.FUTURES
    window = 7 * DAY
    latest_reach = 7 * DAY

    async def instruments(self, symbols: Sequence[Symbol]) -> dict[Symbol, Instrument]:
        """Filters, own brackets where there are keys, funding intervals."""
        document = await self.wire.ask(Futures.INFO)
        brackets = await self.wire.ask(Futures.BRACKETS) if self.wire.signs else None
        intervals = await self._funding_intervals(symbols)
        with reading("exchangeInfo"):
            self.wire.governor.limits(document["rateLimits"])
            try:
                # A symbol may be missing from the document or be no perpetual: _load says so of all of them.
                found = instruments(document, brackets, frozenset(symbols))
            except DataError as error:
                raise ValueError(str(error)) from error
            rows = [row for row in document["symbols"] if row["symbol"] in found]
            self.statuses |= {row["symbol"]: str(row["status"]) for row in rows}
        return self._load(
            {
                name: structs.replace(one, funding_interval_hours=intervals.get(name, one.funding_interval_hours))
                for name, one in found.items()
            },
            symbols,
        )

    async def _funding_intervals(self, symbols: Sequence[Symbol]) -> dict[Symbol, int]:
        """Hours; the exchange lists only symbols that differ from eight, or once did. A testnet may not list any."""
        try:
            rows = await self.wire.ask(Futures.FUNDING_INFO)
        except (Refused, RetryLater):
            found = await together([partial(self._settled_every, symbol) for symbol in symbols])
            return {symbol: hours for symbol, hours in zip(symbols, found, strict=True) if hours is not None}
        with reading("funding intervals"):
            return {row["symbol"]: int(row["fundingIntervalHours"]) for row in rows}

    async def _settled_every(self, symbol: Symbol) -> int | None:
        """Hours between the last two settlements; None where there were not two."""
        rows = await self.wire.ask(Futures.FUNDING, {"symbol": symbol, "limit": 2})
        with reading("funding rates"):
            times = sorted(int(row["fundingTime"]) for row in rows)
            return max(1, round((times[-1] - times[0]) / HOUR)) if len(times) == 2 else None

    async def fees(self, symbols: Sequence[Symbol]) -> dict[Symbol, FeeRates]:
        """What this account pays."""
        saves = await self._pays_in_bnb()
        rows = await together([partial(self.wire.ask, Futures.COMMISSION, {"symbol": symbol}) for symbol in symbols])
        with reading("fees"):
            return {
                symbol: FeeRates(
                    maker=money(need(row, "makerCommissionRate")),
                    taker=money(need(row, "takerCommissionRate")),
                    discount_asset="BNB" if saves else "",
                    discount=_BNB_DISCOUNT if saves else Decimal(0),
                )
                for symbol, row in zip(symbols, rows, strict=True)
            }

    async def _pays_in_bnb(self) -> bool:
        """Where that cannot be told (a testnet may not have the call) the full rates are the safe side."""
        try:
            burn = await self.wire.ask(Futures.FEE_BURN)
        except (Refused, RetryLater):
            return False
        with reading("fees"):
            return burn["feeBurn"] is True

    async def funding(self, symbols: Sequence[Symbol], since: Ms) -> list[FundingRate]:
        """Settled rates after ``since``, ascending."""
        pages = await together([partial(self._rates, symbol, since) for symbol in symbols])
        return sorted((rate for page in pages for rate in page), key=lambda rate: (rate.at, rate.symbol))

    async def _rates(self, symbol: Symbol, since: Ms) -> list[FundingRate]:
        hours, found = self.scale(symbol).instrument.funding_interval_hours, list[FundingRate]()
        start = since + 1
        while True:
            rows = await self.wire.ask(Futures.FUNDING, {"symbol": symbol, "startTime": start, "limit": PAGE})
            with reading("funding rates"):
                found += [
                    FundingRate(symbol, int(row["fundingTime"]), float(row["fundingRate"]), hours)
                    for row in sorted(rows, key=lambda row: int(row["fundingTime"]))
                    if int(row["fundingTime"]) >= start
                ]
            if len(rows) < PAGE:
                return found
            start = found[-1].at + 1

    async def next_funding(self, symbols: Sequence[Symbol]) -> dict[Symbol, Ms]:
        """When the next settlement is due, as the exchange has it (intervals change while running)."""
        rows = await together([partial(self.wire.ask, Futures.PREMIUM, {"symbol": symbol}) for symbol in symbols])
        with reading("the next funding"):
            return {symbol: int(row["nextFundingTime"]) for symbol, row in zip(symbols, rows, strict=True)}
