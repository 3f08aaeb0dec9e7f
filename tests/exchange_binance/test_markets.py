"""What an account or environment may lack: funding lists, fee switches, stops at market, cross margin."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from gridbot_tui.exchange.binance.errors import Refused, RetryLater
from gridbot_tui.exchange.binance.margin_mode import cross_margin
from gridbot_tui.exchange.binance.order_words import spot_stop
from gridbot_tui.exchange.binance.rest import AccountSetup
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import HOUR, Market, Side
from tests.exchange_binance.scripted import NOW, scripted

Params = Mapping[str, Any]
FILTERS = [
    {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "0.10", "maxPrice": "1000000"},
    {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "100"},
]
ROW = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT", "filters": FILTERS}
FUTURES_INFO = {"rateLimits": [], "symbols": [ROW | {"contractType": "PERPETUAL"}]}
BRACKETS: list[Any] = [{"symbol": "BTCUSDT", "brackets": [
    {"initialLeverage": 20, "notionalFloor": 0, "notionalCap": 50_000, "maintMarginRatio": Decimal("0.004"), "cum": 0}
]}]  # fmt: skip


def nowhere(params: Params) -> Any:
    raise RetryLater("GET fundingInfo: HTTP 404 without a reason")


async def test_the_funding_interval_is_what_the_exchange_lists() -> None:
    listed = [{"symbol": "BTCUSDT", "fundingIntervalHours": 4}]
    script = {"exchangeInfo": lambda p: FUTURES_INFO, "leverageBracket": lambda p: BRACKETS,
              "fundingInfo": lambda p: listed}  # fmt: skip
    rest, _ = scripted(Market.FUTURES, script)
    found = (await rest.instruments(("BTCUSDT",)))["BTCUSDT"]
    assert found.funding_interval_hours == 4
    assert found.brackets[0].max_leverage == 20
    assert {symbol: (one.status, one.ends_at) for symbol, one in rest.listed.items()} == {"BTCUSDT": ("TRADING", None)}


async def test_where_it_lists_none_the_last_two_settlements_tell_it() -> None:
    rates = [{"fundingTime": NOW - HOUR + 3, "fundingRate": "0"}, {"fundingTime": NOW, "fundingRate": "0"}]
    script = {"exchangeInfo": lambda p: FUTURES_INFO, "leverageBracket": lambda p: BRACKETS, "fundingInfo": nowhere,
              "fundingRate": lambda p: rates}  # fmt: skip
    rest, _ = scripted(Market.FUTURES, script)
    assert (await rest.instruments(("BTCUSDT",)))["BTCUSDT"].funding_interval_hours == 1


@pytest.mark.parametrize(("burn", "saved"), [(True, "0.10"), (False, "0"), (None, "0")])
async def test_a_discount_counts_only_where_the_account_says_so(burn: bool | None, saved: str) -> None:
    script = {
        "feeBurn": nowhere if burn is None else lambda p: {"feeBurn": burn},
        "commissionRate": lambda p: {"makerCommissionRate": "0.0002", "takerCommissionRate": "0.0005"},
    }
    rest, _ = scripted(Market.FUTURES, script)
    fees = (await rest.fees(("BTCUSDT",)))["BTCUSDT"]
    assert (fees.maker, fees.taker, fees.discount) == (Decimal("0.0002"), Decimal("0.0005"), Decimal(saved))


async def test_spot_fees_are_the_sum_of_their_parts_and_the_discount_is_what_is_saved() -> None:
    row = {
        "standardCommission": {"maker": "0.0010", "taker": "0.0010"},
        "specialCommission": {"maker": "0.0001", "taker": "0.0002"},
        "taxCommission": {"maker": "0", "taker": "0.0003", "buyer": "0.0004", "seller": "0.0010"},
        "discount": {"enabledForAccount": True, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.75"},
    }
    rest, _ = scripted(Market.SPOT, {"account/commission": lambda p: row})
    fees = (await rest.fees(("BTCUSDT",)))["BTCUSDT"]
    assert (fees.maker, fees.taker) == (Decimal("0.0021"), Decimal("0.0025")), "and by its side"
    assert fees.discount == Decimal("0.25")


# -- spot stops ---------------------------------------------------------------------------------------------


def stop(side: Side, trigger: int) -> NewOrder:
    return NewOrder("gb-s", "BTCUSDT", side, OrderKind.STOP_MARKET, 10, None, Purpose.STOP, 0, trigger=trigger)


def test_a_spot_stop_without_a_market_type_has_a_limit_far_beyond_its_trigger() -> None:
    rest, _ = scripted(Market.SPOT, {})
    instrument = rest.traded["BTCUSDT"]
    at_market = spot_stop(stop(Side.SELL, 500_000), instrument, True)
    assert (at_market["type"], at_market["stopPrice"], "price" in at_market) == ("STOP_LOSS", "50000.0", False)
    selling = spot_stop(stop(Side.SELL, 500_000), instrument, False)
    assert (selling["type"], selling["timeInForce"], selling["price"]) == ("STOP_LOSS_LIMIT", "GTC", "47500.0")
    assert spot_stop(stop(Side.BUY, 500_000), instrument, False)["price"] == "52500.0"


# -- cross margin -------------------------------------------------------------------------------------------


class Switch:
    """A REST side whose margin types can be set, or not."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.set: list[tuple[str, int]] = []

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        if self.code:
            raise Refused("no", self.code)
        self.set.append((symbol, leverage))


SETUP = AccountSetup(True, False, False, {"BTCUSDT": 7, "ETHUSDT": 5}, frozenset({"ETHUSDT"}))


async def test_isolated_symbols_are_put_on_cross_margin_and_the_others_left_alone() -> None:
    rest: Any = Switch()
    assert await cross_margin(rest, SETUP, ("BTCUSDT", "ETHUSDT")) == ""
    assert rest.set == [("ETHUSDT", 5)]


@pytest.mark.parametrize(("code", "words"), [(-4048, "close it first"), (-4047, "cancel them first"), (-1, "no (-1)")])
async def test_where_that_is_refused_a_sentence_says_why(code: int, words: str) -> None:
    rest: Any = Switch(code)
    said = await cross_margin(rest, SETUP, ("ETHUSDT",))
    assert said.startswith("ETHUSDT is on isolated margin")
    assert words in said


async def test_margin_and_leverage_that_are_right_already_are_not_set() -> None:
    row = [{"symbol": "BTCUSDT", "marginType": "CROSSED", "leverage": 7}]
    rest, wire = scripted(Market.FUTURES, {"symbolConfig": lambda p: row})
    await rest.set_leverage("BTCUSDT", 7)
    assert [path for path, _ in wire.asked] == ["symbolConfig"]
