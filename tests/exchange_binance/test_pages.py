"""Lists longer than a page, windows of time, and whose executions they hold."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from gridbot_tui.engine.events import Outcome
from gridbot_tui.exchange.binance.errors import Refused, RetryLater
from gridbot_tui.exchange.binance.taken_off import SURE
from gridbot_tui.units import DAY, HOUR, MINUTE, Market
from tests.exchange_binance.parts import instrument
from tests.exchange_binance.scripted import NOW, Frozen, scripted, trade

Params = Mapping[str, Any]


class Trades:
    """userTrades as Binance answers: by id, by a window of at most seven days, or the last seven days."""

    def __init__(self, rows: list[dict[str, Any]], window: int = 7 * DAY, latest: int = 7 * DAY) -> None:
        self.rows = rows
        self.window = window
        self.latest = latest

    def __call__(self, params: Params) -> list[dict[str, Any]]:
        limit = params["limit"]
        if "fromId" in params:
            assert "startTime" not in params
            return [row for row in self.rows if row["id"] >= params["fromId"]][:limit]
        if "startTime" in params:
            assert params["endTime"] - params["startTime"] < self.window
            return [row for row in self.rows if params["startTime"] <= row["time"] <= params["endTime"]][:limit]
        return [row for row in self.rows if row["time"] >= NOW - self.latest][-limit:]


def orders(*rows: dict[str, Any]) -> Any:
    """GET order by number."""

    def answer(params: Params) -> dict[str, Any]:
        for row in rows:
            if str(row["orderId"]) == str(params["orderId"]):
                return row
        raise Refused("Order does not exist.", -2013)

    return answer


MINE = {"orderId": 7, "clientOrderId": "gbt-1"}


async def test_a_rate_is_over_the_hours_since_the_one_before_it() -> None:
    begin = NOW - DAY
    times = [0, 8, 16, 17, 18]
    rows = [{"fundingTime": begin + n * HOUR + 3, "fundingRate": "0.0001", "rateType": "Regular"} for n in times]
    rows.insert(3, {"fundingTime": begin + 16 * HOUR + 1_800_000, "fundingRate": "0.002", "rateType": "Special"})

    def answer(params: Params) -> list[dict[str, Any]]:
        return [row for row in rows if row["fundingTime"] >= params["startTime"]]

    rest, _ = scripted(Market.FUTURES, {"fundingRate": answer})
    every = await rest.funding(("BTCUSDT",), begin)
    assert [one.interval_hours for one in every] == [8, 8, 8, 8, 1, 1], "from eight hours to one while running"
    (last,) = await rest.funding(("BTCUSDT",), begin + 18 * HOUR - 30_000)
    assert last.interval_hours == 1


async def test_executions_of_many_pages_come_whole_and_in_order() -> None:
    rows = [trade(n, NOW - 3_000_000 + n) for n in range(1, 2_502)]
    rest, wire = scripted(Market.FUTURES, {"userTrades": Trades(rows), "order": orders(MINE)})
    fills = await rest.fills("BTCUSDT", "1", 0)
    assert [fill.trade_id for fill in fills] == [str(n) for n in range(2, 2_502)]
    assert [params["fromId"] for path, params in wire.asked if path == "userTrades"] == [2, 1_002, 2_002]


async def test_an_old_beginning_is_looked_for_in_windows_of_seven_days() -> None:
    rows = [trade(5, NOW - 40 * DAY), trade(6, NOW - 39 * DAY), trade(9, NOW - DAY)]
    rest, _ = scripted(Market.FUTURES, {"userTrades": Trades(rows), "order": orders(MINE)})
    assert [fill.trade_id for fill in await rest.fills("BTCUSDT", "", NOW - 60 * DAY)] == ["5", "6", "9"]
    assert [fill.trade_id for fill in await rest.fills("BTCUSDT", "", NOW - 40 * DAY + 1)] == ["6", "9"]
    assert await rest.fills("BTCUSDT", "", NOW - HOUR) == []


async def test_a_young_beginning_takes_one_request() -> None:
    rows = [trade(n, NOW - n * HOUR) for n in range(6, 0, -1)]
    rest, wire = scripted(Market.FUTURES, {"userTrades": Trades(sorted(rows, key=lambda r: r["id"]))})
    await rest.fills("BTCUSDT", "", NOW - 10)
    assert len(wire.asked) == 1


async def test_spot_walks_windows_of_a_day_where_the_latest_page_does_not_reach_back() -> None:
    rows = [trade(n, NOW - 5 * DAY + n * 60_000, isBuyer=True, isMaker=False) for n in range(1, 3_001)]
    rest, wire = scripted(Market.SPOT, {"myTrades": Trades(rows, DAY, 1 << 50), "order": orders(MINE)})
    fills = await rest.fills("BTCUSDT", "", NOW - 6 * DAY)
    assert len(fills) == 3_000
    assert sum("startTime" in params for _, params in wire.asked) == 2


async def test_an_execution_whose_order_is_another_hands_is_not_ours() -> None:
    foreign = {"orderId": 8, "clientOrderId": "web_abc"}
    forced = {"orderId": 9, "clientOrderId": "autoclose-1790000000000"}
    rows = [trade(1, NOW - 3, 7), trade(2, NOW - 2, 8), trade(3, NOW - 1, 9)]
    rest, _ = scripted(Market.FUTURES, {"userTrades": Trades(rows), "order": orders(MINE, foreign, forced)})
    fills = await rest.fills("BTCUSDT", "0", 0)
    assert [(fill.client_id, fill.ours, fill.forced) for fill in fills] == [
        ("gbt-1", True, ""),
        ("web_abc", False, ""),
        ("autoclose-1790000000000", True, "liquidation"),
    ]


async def test_many_unknown_orders_are_learnt_from_a_list() -> None:
    rows = [trade(n, NOW - 100 + n, order=n) for n in range(1, 41)]
    listed = [{"orderId": n, "clientOrderId": f"gb-{n}"} for n in range(1, 41)]
    rest, wire = scripted(Market.FUTURES, {"userTrades": Trades(rows), "allOrders": lambda params: listed})
    fills = await rest.fills("BTCUSDT", "0", 0)
    assert [fill.client_id for fill in fills] == [f"gb-{n}" for n in range(1, 41)]
    assert [path for path, _ in wire.asked] == ["userTrades", "allOrders"]


@pytest.mark.parametrize("market", list(Market))
async def test_a_symbol_that_was_taken_off_has_no_orders_and_no_executions_and_the_others_are_told(
    market: Market,
) -> None:
    """Answered with -1121 for one of them, no comparison of any symbol came to an end. Alone it proves nothing: were it
    a hiccup, what stands would be taken for gone, and placed once more."""

    def unless(named: Callable[[Params], Any]) -> Callable[[Params], Any]:
        def answer(params: Params) -> Any:
            if params.get("symbol") == "BTCUSDT":
                raise Refused("Invalid symbol.", -1121)
            return named(params)

        return answer

    standing = {"symbol": "ETHUSDT", "orderId": 7, "clientOrderId": "gb-7", "side": "BUY", "type": "LIMIT",
                "status": "NEW", "price": "100.0", "origQty": "1", "executedQty": "0"}  # fmt: skip
    lists = ("userTrades", "myTrades", "allOrders", "openAlgoOrders", "allAlgoOrders", "order", "algoOrder")
    rate = {"fundingTime": NOW - MINUTE, "fundingRate": "0.0001"}
    script = {"openOrders": unless(lambda _: [standing]), "fundingRate": unless(lambda _: [rate]),
              **dict.fromkeys(lists, unless(lambda _: []))}  # fmt: skip

    async def listed_are(_: Any) -> tuple[str, ...]:
        return ("ETHUSDT",)

    rest, wire = scripted(market, script)
    rest.listings = listed_are
    rest.go_by({"ETHUSDT": instrument("ETHUSDT", market=market)})
    for asked in (rest.open_orders(("BTCUSDT", "ETHUSDT")), rest.order("BTCUSDT", "gb-1", False)):
        with pytest.raises(RetryLater, match="looked at"):
            await asked
    wire.clock.later = SURE
    listed = await rest.open_orders(("BTCUSDT", "ETHUSDT"))
    assert [one.client_id for one in listed.orders] == ["gb-7"]
    assert await rest.fills("BTCUSDT", "41", 0) == await rest.fills("BTCUSDT", "", NOW - HOUR) == []
    assert await rest.order("BTCUSDT", "gb-1", False) == await rest.order("BTCUSDT", "gb-2", True) == []
    if market is Market.FUTURES:
        assert [one.symbol for one in await rest.funding(("BTCUSDT", "ETHUSDT"), NOW - HOUR)] == ["ETHUSDT"]


async def test_a_young_execution_whose_order_is_not_listed_yet_is_waited_for() -> None:
    script = {"userTrades": Trades([trade(1, NOW - 5)]), "order": orders(), "allOrders": lambda params: []}
    rest, _ = scripted(Market.FUTURES, script)
    with pytest.raises(RetryLater, match="not listed yet"):
        await rest.fills("BTCUSDT", "0", 0)


async def test_an_old_execution_whose_order_is_purged_is_not_claimed() -> None:
    script = {"userTrades": Trades([trade(1, NOW - 2 * HOUR)]), "order": orders(), "allOrders": lambda params: []}
    rest, _ = scripted(Market.FUTURES, script)
    (fill,) = await rest.fills("BTCUSDT", "0", 0)
    assert (fill.client_id, fill.ours) == ("", False)


async def test_a_liquidation_that_is_denied_by_number_is_found_in_the_list() -> None:
    forced = {"orderId": 7, "clientOrderId": "autoclose-1790000000000"}
    script = {"userTrades": Trades([trade(1, NOW - 5)]), "order": orders(), "allOrders": lambda params: [forced]}
    rest, _ = scripted(Market.FUTURES, script)
    (fill,) = await rest.fills("BTCUSDT", "0", 0)
    assert (fill.ours, fill.forced) == (True, "liquidation")


async def test_the_order_a_stop_gave_birth_to_belongs_to_the_stop_whatever_its_own_id() -> None:
    born = {"orderId": 7, "clientOrderId": "Xy1", "origType": "STOP_MARKET"}
    algo = {"algoId": 3, "clientAlgoId": "gb-stop", "algoStatus": "FINISHED", "actualOrderId": "7"}
    script = {"userTrades": Trades([trade(1, NOW - 5)]), "order": orders(born), "allAlgoOrders": lambda params: [algo]}
    rest, _ = scripted(Market.FUTURES, script)
    (fill,) = await rest.fills("BTCUSDT", "0", 0)
    assert (fill.client_id, fill.ours) == ("gb-stop", True)


async def test_a_stop_that_fired_brings_the_fate_of_its_market_order() -> None:
    algo = {"algoId": 3, "clientAlgoId": "gb-stop", "algoStatus": "TRIGGERED", "actualOrderId": "7"}
    born = {"orderId": 7, "clientOrderId": "Xy1", "status": "PARTIALLY_FILLED", "executedQty": "0.004"}
    rest, _ = scripted(Market.FUTURES, {"algoOrder": lambda params: algo, "order": orders(born)})
    reports = await rest.order("BTCUSDT", "gb-stop", True)
    assert [(one.client_id, one.outcome, one.filled) for one in reports] == [
        ("gb-stop", Outcome.TRIGGERED, 0),
        ("gb-stop", Outcome.PARTLY_FILLED, 4),
    ]


@pytest.mark.parametrize(("age", "ended"), [(5_000, []), (90_000, [Outcome.EXPIRED])])
@pytest.mark.parametrize("status", ["TRIGGERING", "FINISHED"])
async def test_a_stop_that_fired_a_while_ago_and_has_no_order_ended_in_nothing(
    status: str, age: int, ended: list[Outcome]
) -> None:
    algo = {"algoId": 3, "clientAlgoId": "gb-stop", "algoStatus": status, "triggerTime": NOW - age, "actualOrderId": ""}
    rest, _ = scripted(Market.FUTURES, {"algoOrder": lambda params: algo})
    reports = await rest.order("BTCUSDT", "gb-stop", True)
    assert [one.outcome for one in reports] == [Outcome.TRIGGERED, *ended]


async def test_a_stop_that_is_denied_by_name_is_looked_for_in_the_list_of_all() -> None:
    def denied(_: Params) -> Any:
        raise Refused("Order does not exist.", -2013)

    algo = {"algoId": 3, "clientAlgoId": "gb-stop", "algoStatus": "FINISHED", "actualOrderId": "7",
            "createTime": NOW - 20 * DAY}  # fmt: skip
    born = {"orderId": 7, "clientOrderId": "Xy1", "status": "FILLED", "executedQty": "0.004"}

    def listed(params: Params) -> list[dict[str, Any]]:
        return [algo] if params["startTime"] <= algo["createTime"] <= params["endTime"] else []

    rest, _ = scripted(Market.FUTURES, {"algoOrder": denied, "allAlgoOrders": listed, "order": orders(born)})
    reports = await rest.order("BTCUSDT", "gb-stop", True)
    assert [one.outcome for one in reports] == [Outcome.TRIGGERED, Outcome.FILLED]
    assert await rest.order("BTCUSDT", "gb-never", True) == []


@pytest.mark.parametrize(
    ("status", "outcomes"),
    [("NEW", ["accepted"]), ("CANCELED", ["canceled"]), ("EXPIRED", ["expired"]), ("TRIGGERING", ["triggered"]),
     ("REJECTED", ["expired"])],
)  # fmt: skip
async def test_every_state_of_a_conditional_order_has_its_word(status: str, outcomes: list[str]) -> None:
    algo = {"algoId": 3, "clientAlgoId": "gb-stop", "algoStatus": status}
    rest, _ = scripted(Market.FUTURES, {"algoOrder": lambda params: algo})
    assert [one.outcome for one in await rest.order("BTCUSDT", "gb-stop", True)] == outcomes


async def test_a_state_nobody_has_heard_of_is_no_answer() -> None:
    row = {"orderId": 7, "clientOrderId": "gb", "status": "DREAMING", "executedQty": "0"}
    rest, _ = scripted(Market.FUTURES, {"order": lambda params: row})
    with pytest.raises(RetryLater, match="DREAMING"):
        await rest.order("BTCUSDT", "gb", False)


async def test_a_price_of_before_the_tick_size_changed_is_the_nearest_tick() -> None:
    rest, _ = scripted(Market.FUTURES, {"userTrades": Trades([trade(1, NOW, price="60000.07")]), "order": orders(MINE)})
    (fill,) = await rest.fills("BTCUSDT", "0", 0)
    assert fill.price == 600_001


async def test_a_quantity_that_is_no_whole_step_is_no_answer() -> None:
    rest, _ = scripted(Market.FUTURES, {"userTrades": Trades([trade(1, NOW, qty="0.0105")]), "order": orders(MINE)})
    with pytest.raises(RetryLater, match="no multiple"):
        await rest.fills("BTCUSDT", "0", 0)


# -- money ------------------------------------------------------------------------------------------------------


def income(number: int, kind: str, at: int, amount: str = "1") -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "incomeType": kind, "income": amount, "asset": "USDT", "time": at, "tranId": number}


async def test_income_of_many_pages_and_weeks_comes_whole_once_and_without_what_fills_carry() -> None:
    rows = [income(n, "FUNDING_FEE", NOW - 20 * DAY + n) for n in range(1_500)]
    rows += [income(n, "REALIZED_PNL", NOW - 10 * DAY + n) for n in range(1_200)]
    rows += [income(n, kind, NOW - 9 + n) for n, kind in enumerate(("COMMISSION", "INSURANCE_CLEAR", "WELCOME_BONUS"))]

    def answer(params: Params) -> list[dict[str, Any]]:
        found = [row for row in rows if params["startTime"] <= row["time"] <= params["endTime"]]
        return found[(params["page"] - 1) * params["limit"] : params["page"] * params["limit"]]

    rest, _ = scripted(Market.FUTURES, {"income": answer})
    cash = await rest.cash(NOW - 21 * DAY)
    assert len(cash) == 1_502
    assert [one.cash_kind for one in cash[-2:]] == ["insurance", "other"]
    assert [one.at for one in cash] == sorted(one.at for one in cash)
    assert len({one.cash_id for one in cash}) == 1_502


async def test_money_of_trades_and_funding_in_symbols_that_are_not_traded_comes_and_goes_as_a_transfer() -> None:
    made = income(1, "REALIZED_PNL", NOW - 5) | {"symbol": "DOGEUSDC", "asset": "USDC", "tradeId": "77"}
    paid = income(2, "COMMISSION", NOW - 4) | {"symbol": "DOGEUSDC", "asset": "BNB", "tradeId": "77"}
    own = income(3, "REALIZED_PNL", NOW - 3) | {"symbol": "BTCUSDT", "tradeId": "78"}
    odd = income(4, "COMMISSION", NOW - 2) | {"symbol": "DOGEUSDC", "tradeId": ""}
    held = income(5, "FUNDING_FEE", NOW - 1, "-25") | {"symbol": "DOGEUSDC"}
    pages = {1: [made, paid, own, odd, held]}
    rest, _ = scripted(Market.FUTURES, {"income": lambda params: pages.get(params["page"], [])})
    assert [(one.cash_kind, one.asset, one.cash_id) for one in await rest.cash(NOW - 10)] == [
        ("transfer", "USDC", "trade-DOGEUSDC-77-realised"),
        ("transfer", "BNB", "trade-DOGEUSDC-77-fee"),
        ("transfer", "USDT", "COMMISSION-4-DOGEUSDC"),
        ("transfer", "USDT", "FUNDING_FEE-5-DOGEUSDC"),
    ]


async def test_balances_and_positions_of_two_moments_are_read_again() -> None:
    amounts = iter(["0.000", "0.010", "0.010", "0.010"])

    def row(params: Params) -> dict[str, Any]:
        return {"symbol": "BTCUSDT", "positionAmt": next(amounts), "entryPrice": "60000", "markPrice": "60001.23",
                "liquidationPrice": "0", "positionSide": "BOTH"}  # fmt: skip

    script = {
        "account": lambda params: {"assets": [{"asset": "USDT", "walletBalance": "7.5"}], "positions": [row(params)]},
        "positionRisk": lambda params: [row(params)],
    }
    rest, wire = scripted(Market.FUTURES, script)
    account = await rest.account()
    assert len(wire.asked) == 4
    (position,) = account.positions
    assert (position.steps, position.mark, position.liquidation_price) == (10, 600_012, None)
    assert account.balances == {"USDT": Decimal("7.5")}


async def test_a_position_of_a_symbol_that_is_not_traded_is_told_too() -> None:
    row = {"symbol": "FOOUSDT_270326", "positionAmt": "-12.50", "entryPrice": "3", "markPrice": "3.1",
           "liquidationPrice": "9", "positionSide": "BOTH"}  # fmt: skip
    script = {"account": lambda params: {"assets": [], "positions": [row]}, "positionRisk": lambda params: [row]}
    rest, _ = scripted(Market.FUTURES, script)
    (position,) = (await rest.account()).positions
    assert (position.symbol, position.steps) == ("FOOUSDT_270326", -125)


async def test_a_leg_of_hedge_mode_is_named_in_words() -> None:
    row = {"symbol": "BTCUSDT", "positionAmt": "1", "positionSide": "LONG"}
    script = {"account": lambda params: {"assets": [], "positions": [row]}, "positionRisk": lambda params: [row]}
    rest, _ = scripted(Market.FUTURES, script)
    with pytest.raises(RetryLater, match="hedge mode"):
        await rest.account()


# -- candles ----------------------------------------------------------------------------------------------------


async def test_candles_in_numbers_are_candles() -> None:
    at = NOW // MINUTE * MINUTE - MINUTE

    def candles(_: Params) -> list[list[Any]]:
        return [[at, 60_000, Decimal("60000.2"), Decimal("59999.9"), 60_000, Decimal("1.5"), at + MINUTE - 1]]

    rest, _ = scripted(Market.FUTURES, {"klines": candles, "markPriceKlines": candles})
    (bar,) = await rest.klines("BTCUSDT", at)
    assert (bar.open, bar.high, bar.low, bar.close, bar.mark_high) == (600_000, 600_002, 599_999, 600_000, 600_002)


async def test_candles_of_many_pages_come_without_the_one_that_is_forming() -> None:
    first = NOW // MINUTE * MINUTE - 1_200 * MINUTE

    def candles(params: Params) -> list[list[Any]]:
        opens = range(max(params["startTime"], first), NOW + 1, MINUTE)
        return [[at, "1.0", "2.0", "0.5", "1.5", "10", at + MINUTE - 1] for at in opens][: params["limit"]]

    def marks(params: Params) -> list[list[Any]]:
        even = [at for at, *_ in candles(params) if at % (2 * MINUTE) == 0]
        return [[at, "1.01", "2.04", "0.5", "1.52", "0"] if at > first + HOUR else [at, *["0.00000000"] * 4, "0"]
                for at in even]  # fmt: skip

    rest, _ = scripted(Market.FUTURES, {"klines": candles, "markPriceKlines": marks})
    bars = await rest.klines("BTCUSDT", first - 5 * MINUTE)
    assert [bar.open_at for bar in bars] == list(range(first, NOW // MINUTE * MINUTE, MINUTE))
    unmarked = bars[0]
    assert (unmarked.mark_high, unmarked.mark_low) == (unmarked.high, unmarked.low), "nothing is no mark price"
    late = [bar for bar in bars if bar.open_at > first + HOUR]
    even, odd = (next(bar for bar in late if bar.open_at % (2 * MINUTE) == rest * MINUTE) for rest in (0, 1))
    assert (even.high, even.mark_high, even.mark_close) == (20, 20, 15)
    assert (odd.mark_high, odd.mark_low, odd.mark_close) == (odd.high, odd.low, odd.close)


async def test_candles_out_of_order_and_twice_are_each_one_candle() -> None:
    first = NOW // MINUTE * MINUTE - 1_500 * MINUTE

    def candles(params: Params) -> list[list[Any]]:
        opens = list(range(max(params["startTime"], first), NOW, MINUTE))[: params["limit"] - 3]
        return [[at, "1.0", "2.0", "0.5", "1.5", "10", at + MINUTE - 1] for at in opens[::-1] + opens[:3]]

    rest, wire = scripted(Market.FUTURES, {"klines": candles, "markPriceKlines": candles})
    bars = await rest.klines("BTCUSDT", first)
    assert [bar.open_at for bar in bars] == list(range(first, NOW // MINUTE * MINUTE, MINUTE))
    assert len(wire.asked) == 4


def _one_page(row: Callable[[int], Any]) -> Callable[[Params], list[Any]]:
    """Whatever is asked for, this is the answer."""
    page = [row(n) for n in range(1_000)]
    return lambda params: page


SAME_PAGE: dict[str, Callable[[Params], Any]] = {
    "klines": _one_page(lambda n: [n * MINUTE, "1.0", "2.0", "0.5", "1.5", "10", (n + 1) * MINUTE - 1]),
    "markPriceKlines": lambda params: [],
    "userTrades": _one_page(lambda n: trade(n, NOW - HOUR)),
    "allOrders": _one_page(lambda n: {"orderId": n, "clientOrderId": "x"}),
    "fundingRate": _one_page(lambda n: {"fundingTime": n, "fundingRate": "0.0001"}),
    "income": _one_page(lambda n: {"incomeType": "COMMISSION", "tranId": n, "time": NOW - HOUR, "asset": "USDT",
                                   "income": "-1", "symbol": "BTCUSDT"}),
}  # fmt: skip


@pytest.mark.parametrize("what", ["klines", "executions", "orders", "funding", "income"])
async def test_a_list_that_is_answered_with_one_page_for_ever_is_not_asked_for_without_end(what: str) -> None:
    rest, wire = scripted(Market.FUTURES, SAME_PAGE)
    wanted: dict[str, Callable[[], Awaitable[Any]]] = {
        "klines": lambda: rest.klines("BTCUSDT", NOW - DAY),
        "executions": lambda: rest.fills("BTCUSDT", "5000", 0),
        "orders": lambda: rest._learn_from_list("BTCUSDT", 5_000, 9_000),
        "funding": lambda: rest.funding(("BTCUSDT",), NOW - DAY),
        "income": lambda: rest.cash(NOW - DAY),
    }
    with pytest.raises(RetryLater, match="page"):
        await wanted[what]()
    assert len(wire.asked) <= 3


async def test_the_account_is_stated_as_of_its_wallet_not_of_the_positions_asked_for_after_it() -> None:
    """A ledger that begins with it takes what is older for what the wallet held."""
    rest, wire = scripted(Market.FUTURES, {"account": lambda p: {"assets": [], "positions": []},
                                           "positionRisk": lambda p: later()})  # fmt: skip

    class Later(Frozen):
        def now_ms(self) -> int:
            return NOW + 300

    def later() -> list[Any]:
        wire.clock = Later()
        return []

    assert (await rest.account()).at == NOW
