"""Spot over REST. Stops are plain orders here, and deposits are told by no call of ``/api``."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from gridbot_tui.engine.events import AccountState, Cash, OpenOrders, OrderReport, Outcome
from gridbot_tui.exchange.binance import account_words, order_words
from gridbot_tui.exchange.binance.calls import Spot
from gridbot_tui.exchange.binance.errors import BinanceError, Refused, archived, denies, unlisted
from gridbot_tui.exchange.binance.governor import Rank
from gridbot_tui.exchange.binance.numbers import money
from gridbot_tui.exchange.binance.order_words import need
from gridbot_tui.exchange.binance.rest import AccountSetup, Answer, FeeRates, IsOurs, Listing
from gridbot_tui.exchange.binance.rest_base import RestBase, reading, together
from gridbot_tui.exchange.binance.wire import Wire
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate
from gridbot_tui.orders.model import NewOrder, OrderKind
from gridbot_tui.units import DAY, ClientId, Market, Ms, Symbol

Json = Mapping[str, Any]

_ALL_OPEN: Final = 80
"""Weight of the open orders of all symbols; each alone weighs 6."""
_ALL_CHEAPER: Final = 14
_WHOLE_HISTORY: Final[Ms] = 1 << 62


class SpotRest(RestBase):
    """See ``rest.Rest``."""

    PLACE = Spot.PLACE
    CANCEL = Spot.CANCEL
    TRADES = Spot.TRADES
    ORDER = Spot.ORDER
    ALL_ORDERS = Spot.ALL_ORDERS
    KLINES = Spot.KLINES
    BOOK = Spot.BOOK
    RESTRICTIONS = Spot.RESTRICTIONS
    market = Market.SPOT
    window = DAY
    latest_reach = _WHOLE_HISTORY

    def __init__(self, wire: Wire, ours: IsOurs, interval: Ms) -> None:
        super().__init__(wire, ours, interval)
        self._stops_at_market: set[Symbol] = set()
        """Symbols that take a stop without a limit; many did not until 2025."""

    @property
    def batch_size(self) -> int:
        """Spot has no batches."""
        return 1

    # -- market ---------------------------------------------------------------------------------------------

    async def instruments(self, symbols: Sequence[Symbol]) -> dict[Symbol, Instrument]:
        """Filters."""
        document = await self._info(symbols)
        with reading("exchangeInfo"):
            found = self._listings(document, None, symbols)
            rows = [row for row in document["symbols"] if row["symbol"] in found]
            self._stops_at_market |= {row["symbol"] for row in rows if "STOP_LOSS" in row["orderTypes"]}
        self.listed |= found
        return self._load({name: one.instrument for name, one in found.items()}, symbols)

    async def listings(self, symbols: Sequence[Symbol]) -> dict[Symbol, Listing]:
        """How they are listed now."""
        document = await self._info(symbols)
        with reading("exchangeInfo"):
            return self._listings(document, None, symbols)

    async def _info(self, symbols: Sequence[Symbol]) -> Any:
        try:
            # Some symbols are not ASCII.
            named = quote(json.dumps(list(symbols), separators=(",", ":"), ensure_ascii=False))
            return await self.wire.ask(Spot.INFO, {"symbols": named})
        except Refused as refused:
            if not unlisted(refused):
                raise
            return await self.wire.ask(Spot.INFO)  # one of them is unknown: the whole list shows which

    async def fees(self, symbols: Sequence[Symbol]) -> dict[Symbol, FeeRates]:
        """What this account pays: the discount concerns only the standard part, which is all of it but for taxes."""
        rows = await together([partial(self.wire.ask, Spot.COMMISSION, {"symbol": symbol}) for symbol in symbols])
        with reading("fees"):
            return {symbol: _fee_rates(row) for symbol, row in zip(symbols, rows, strict=True)}

    async def funding(self, symbols: Sequence[Symbol], since: Ms) -> list[FundingRate]:
        """Spot has none."""
        return []

    # -- orders ---------------------------------------------------------------------------------------------

    async def place(self, order: NewOrder, rank: Rank) -> Answer:
        """Send one order, plain or conditional."""
        scale = self.scale(order.symbol)
        if order.kind is OrderKind.STOP_MARKET:
            at_market = order.symbol in self._stops_at_market
            params = order_words.spot_stop(order, scale.instrument, at_market)
        else:
            params = order_words.plain_order(order, scale.instrument)
        row = await self.wire.act(Spot.PLACE, rank, params)
        with reading("the answer to an order", changes=True):
            report = order_words.placed_report(row, scale, self.now, order.client_id)
            fills = account_words.fills_of_answer(row, scale, order.client_id, order.side)
        self.ids.learn(order.symbol, report.exchange_id, order.client_id)
        return Answer(report, fills)

    async def place_batch(self, orders: Sequence[NewOrder], rank: Rank) -> list[Answer | BinanceError]:
        """Spot has no batches: ``batch_size`` is 1."""
        if len(orders) != 1:
            raise ValueError("spot has no batches")
        return [await self.place(orders[0], rank)]

    async def cancel(self, symbol: Symbol, client_id: ClientId, conditional: bool) -> OrderReport:
        """Cancel one order."""
        scale = self.scale(symbol)
        row = await self.wire.act(Spot.CANCEL, Rank.PROTECT, {"symbol": symbol, "origClientOrderId": client_id})
        with reading("the answer to a cancel", changes=True):
            return order_words.plain_report(row, scale, self.now, client_id)

    async def order(self, symbol: Symbol, client_id: ClientId, conditional: bool) -> list[OrderReport]:
        """What has become of an order."""
        scale = self.scale(symbol)
        try:
            row = await self.wire.ask(Spot.ORDER, {"symbol": symbol, "origClientOrderId": client_id})
        except Refused as refused:
            if denies(refused) or await self._gone(refused, symbol):
                return []
            if archived(refused):
                return [OrderReport(self.now, symbol, client_id, Outcome.EXPIRED, code=refused.code,
                                    detail=refused.detail)]  # fmt: skip
            raise
        with reading("an order"):
            await self._learn_row(symbol, row)
            if conditional:
                return order_words.stop_report(row, scale, self.now, client_id)
            return [order_words.plain_report(row, scale, self.now, client_id)]

    async def open_orders(self, symbols: Sequence[Symbol]) -> OpenOrders:
        """Every open order of these symbols, anybody's, as of the question: what ended meanwhile may be named."""
        asked = self.now
        if len(symbols) < _ALL_CHEAPER:
            pages = await together([partial(self._rows_of, Spot.OPEN, {"symbol": symbol}) for symbol in symbols])
        else:
            pages = [await self.wire.ask(Spot.OPEN, weight=_ALL_OPEN)]
        with reading("open orders"):
            rows = [row for page in pages for row in page if row["symbol"] in symbols]
            # What waits for another order of its list to fill holds nothing back and may never come to be.
            rows = [row for row in rows if row["status"] != "PENDING_NEW"]
            for row in rows:
                await self._learn_row(row["symbol"], row)
            return OpenOrders(asked, tuple(order_words.open_order(row, self.scale(row["symbol"])) for row in rows))

    # -- the account ----------------------------------------------------------------------------------------

    async def account(self) -> AccountState:
        """Balances, free and locked together."""
        row = await self.wire.ask(Spot.ACCOUNT, {"omitZeroBalances": "true"})
        traded = self.traded.values()
        wanted = frozenset(one.base for one in traded) | frozenset(one.quote for one in traded)
        with reading("the account"):
            return AccountState(self.now, account_words.spot_balances(row["balances"], wanted), ())

    async def setup(self, symbols: Sequence[Symbol]) -> AccountSetup:
        """Whether the account may trade; spot has no modes."""
        row = await self.wire.ask(Spot.ACCOUNT, {"omitZeroBalances": "true"})
        with reading("the account"):
            return AccountSetup(bool(row["canTrade"]), None, None, {}, frozenset())

    async def cash(self, since: Ms) -> list[Cash]:
        """No call of ``/api`` lists deposits: events tell them, ``differences`` finds what was missed."""
        return []

    async def set_leverage(self, symbol: Symbol, leverage: int) -> None:
        """Spot has none."""

    async def countdown(self, symbol: Symbol, ms: Ms) -> None:
        """Spot has no dead-man switch."""
        raise Refused("spot has no countdown that cancels orders")

    async def listen_key(self) -> str:
        """Spot's were removed: its user stream is subscribed to with a signature."""
        raise Refused("spot has no listen keys: subscribe with a signature")


def _of_a_side(part: Json) -> Decimal:
    """What a buy or a sale pays besides, the dearer of the two."""
    return max(money(str(part.get(name) or "0")) for name in ("buyer", "seller"))


def _fee_rates(row: Json) -> FeeRates:
    parts = [row[name] for name in ("standardCommission", "specialCommission", "taxCommission") if name in row]
    discount = row.get("discount") or {}
    saves = discount.get("enabledForAccount") is True and discount.get("enabledForSymbol") is True
    return FeeRates(
        maker=sum((money(need(part, "maker")) + _of_a_side(part) for part in parts), Decimal(0)),
        taker=sum((money(need(part, "taker")) + _of_a_side(part) for part in parts), Decimal(0)),
        discount=1 - money(str(discount.get("discount", "1"))) if saves else Decimal(0),
    )
