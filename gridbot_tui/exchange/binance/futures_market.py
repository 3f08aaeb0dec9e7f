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
from gridbot_tui.exchange.binance.rest import FeeRates, Listing
from gridbot_tui.exchange.binance.rest_base import PAGE, RestBase, further, reading, together
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, Symbol

Json = Mapping[str, Any]

_BNB_DISCOUNT: Final = Decimal("0.10")
"""Saved on futures fees by paying in BNB; documented, told by no call."""
_MOST_HOURS: Final = 8
"""Between two settlements of any symbol."""
_LONGEST: Final[Ms] = _MOST_HOURS * HOUR + MINUTE


class FuturesMarket(RestBase):
    """The market's side of FuturesRest."""

    PLACE = Futures.PLACE
    CANCEL = Futures.CANCEL
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
        brackets = await self._brackets(symbols)
        intervals = await self._funding_intervals(symbols)
        with reading("exchangeInfo"):
            found = self._listings(document, brackets, symbols)
        self.listed |= found
        return self._load(
            {
                name: structs.replace(
                    one.instrument,
                    funding_interval_hours=intervals.get(name, one.instrument.funding_interval_hours),
                )
                for name, one in found.items()
            },
            symbols,
        )

    async def listings(self, symbols: Sequence[Symbol]) -> dict[Symbol, Listing]:
        """How they are listed now."""
        document = await self.wire.ask(Futures.INFO)
        brackets = await self._brackets(symbols)
        with reading("exchangeInfo"):
            return self._listings(document, brackets, symbols)

    async def _brackets(self, symbols: Sequence[Symbol]) -> list[Json] | None:
        """The account's own, of these symbols: what is odd about another one is nobody's business here."""
        if not self.wire.signs:
            return None
        rows = await self.wire.ask(Futures.BRACKETS)
        with reading("margin brackets"):
            return [row for row in rows if row.get("symbol") in symbols]

    async def _funding_intervals(self, symbols: Sequence[Symbol]) -> dict[Symbol, int]:
        """Hours; the exchange lists only symbols that differ from eight, or once did. A testnet may not list any."""
        try:
            rows = await self.wire.ask(Futures.FUNDING_INFO)
        except (Refused, RetryLater):
            found = await together([partial(self._settled_every, symbol) for symbol in symbols])
            return {symbol: hours for symbol, hours in zip(symbols, found, strict=True) if hours is not None}
        with reading("funding intervals"):
            known = [row for row in rows if row.get("symbol") in symbols and row.get("fundingIntervalHours")]
            return {row["symbol"]: int(row["fundingIntervalHours"]) for row in known}

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
        """Settled rates after ``since``, ascending, each over the hours since the one before it."""
        pages = await together([partial(self._rates, symbol, since) for symbol in symbols])
        return sorted((rate for page in pages for rate in page), key=lambda rate: (rate.at, rate.symbol))

    async def _rates(self, symbol: Symbol, since: Ms) -> list[FundingRate]:
        hours, found = self.scale(symbol).instrument.funding_interval_hours, list[FundingRate]()
        # Intervals change while running: the settlement before the first one tells how long that took.
        start, before = since + 1 - _LONGEST, 0
        while True:
            rows = await self._rows_of(Futures.FUNDING, {"symbol": symbol, "startTime": start, "limit": PAGE})
            asked_from = start
            with reading("funding rates"):
                for row in sorted(rows, key=lambda row: int(row["fundingTime"])):
                    at = int(row["fundingTime"])
                    if row.get("rateType") != "Special":  # one in between, which moves no other
                        took = round((at - before) / HOUR)
                        hours = took if 0 < took <= _MOST_HOURS else hours
                        before = at
                    if at > since:
                        found.append(FundingRate(symbol, at, float(row["fundingRate"]), hours))
                    start = at + 1
            if len(rows) < PAGE:
                return found
            further("funding rates", asked_from, start)
