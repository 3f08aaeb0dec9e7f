"""The life of spot orders over REST, and what the user stream tells of it."""

from decimal import Decimal
from typing import Any

import pytest

from gridbot_tui.exchange.server.accounts import KeyConfig
from gridbot_tui.units import Market
from tests.exchange_server.listening import spot_user_stream
from tests.exchange_server.serving import Served, serving

ORDER = "/api/v3/order"


def buy(served: Served, price: str = "59000", quantity: str = "0.01", **more: Any) -> Any:
    return served.good("POST", ORDER, symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
                       quantity=quantity, price=price, **more)  # fmt: skip


def free(served: Served, asset: str) -> Decimal:
    rows = served.good("GET", "/api/v3/account")["balances"]
    return next(Decimal(row["free"]) for row in rows if row["asset"] == asset)


def test_a_limit_order_rests_fills_in_part_then_whole_and_every_step_is_told(served: Served) -> None:
    with spot_user_stream(served) as ears:
        order = buy(served, newClientOrderId="steps")
        served.price("BTCUSDT", 58_999, volume=0.004)
        part = served.good("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
        assert (part["status"], part["executedQty"]) == ("PARTIALLY_FILLED", "0.00400000")
        served.price("BTCUSDT", 58_990)
        events = [f["event"] for f in ears.until(lambda f: f["event"].get("X") == "FILLED")]
    reports = [e for e in events if e["e"] == "executionReport"]
    assert [(e["x"], e["X"], e["l"], e["z"]) for e in reports] == [
        ("NEW", "NEW", "0.00000000", "0.00000000"),
        ("TRADE", "PARTIALLY_FILLED", "0.00400000", "0.00400000"),
        ("TRADE", "FILLED", "0.00600000", "0.01000000"),
    ]
    assert [e["t"] == -1 for e in reports] == [True, False, False]
    assert [e["m"] for e in reports] == [False, True, True]
    assert [e["I"] for e in reports] == sorted({e["I"] for e in reports})
    assert reports[-1]["Z"] == "590.00000000"


def test_a_cancel_has_an_id_of_its_own_and_names_the_one_it_cancelled(served: Served) -> None:
    with spot_user_stream(served) as ears:
        order = buy(served, newClientOrderId="first")
        answer = served.good("DELETE", ORDER, symbol="BTCUSDT", orderId=order["orderId"], newClientOrderId="cancel-it")
        assert (answer["clientOrderId"], answer["origClientOrderId"]) == ("cancel-it", "first")
        event = ears.until(lambda f: f["event"].get("x") == "CANCELED")[-1]["event"]
    assert (event["c"], event["C"]) == ("cancel-it", "first")


def test_funds_are_locked_while_an_order_rests_and_free_again_after(served: Served) -> None:
    before = free(served, "USDT")
    order = buy(served)
    assert before - free(served, "USDT") == 590
    served.good("DELETE", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
    assert free(served, "USDT") == before


def test_amounts_of_a_pair_with_nine_decimals_are_told_and_booked_with_eight() -> None:
    account = KeyConfig("key", "secret", {"BTC": "1", "ETH": "1"})
    with serving(Market.SPOT, symbols=("ETHBTC",), accounts=(account,)) as served:
        served.price("ETHBTC", "0.03450")
        pair = {"symbol": "ETHBTC", "quantity": "0.0123"}
        with spot_user_stream(served) as ears:
            order = served.good("POST", ORDER, side="BUY", type="LIMIT_MAKER", price="0.03427", **pair)
            assert free(served, "BTC") == 1 - Decimal("0.00042152"), "0.000421521 with nine"
            for quantity, held in (("0.0119", "0.00040781"), ("0.0117", "0.00040095")):
                served.good("PUT", "/api/v3/order/amend/keepPriority", symbol="ETHBTC", orderId=order["orderId"],
                            newQty=quantity)  # fmt: skip
                assert free(served, "BTC") == 1 - Decimal(held)
            served.price("ETHBTC", "0.03426", volume="0.0050")
            served.price("ETHBTC", "0.03420")
            events = [f["event"] for f in ears.until(lambda f: f["event"].get("X") == "FILLED")]
        told = [e["Y"] for e in events if e.get("x") == "TRADE"]
        assert [e["Z"] for e in events if e.get("X") == "FILLED"] == ["0.00040095"]
        rows = served.good("GET", "/api/v3/myTrades", symbol="ETHBTC")
        assert [row["quoteQty"] for row in rows] == told == ["0.00017135", "0.00022960"][: len(told)]
        taken = served.good("POST", ORDER, side="SELL", type="MARKET", **pair)
        spent = sum(map(Decimal, told))
        brought = Decimal(taken["cummulativeQuoteQty"]) - sum(Decimal(one["commission"]) for one in taken["fills"])
        assert free(served, "BTC") == 1 - spent + brought


def test_the_answer_is_as_long_as_it_was_asked_for(served: Served) -> None:
    assert set(buy(served, newOrderRespType="ACK")) == {
        "symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}  # fmt: skip
    assert "fills" not in buy(served, newOrderRespType="RESULT")
    assert buy(served)["fills"] == []
    maker = served.good("POST", ORDER, symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="0.01", price="58000")
    assert "status" not in maker


def test_a_market_order_sweeps_levels_and_pays_its_fee_in_what_it_receives(served: Served) -> None:
    served.control("liquidity", symbol="BTCUSDT", steps=500)
    answer = served.good("POST", ORDER, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.012")
    assert [fill["qty"] for fill in answer["fills"]] == ["0.00500000", "0.00500000", "0.00200000"]
    prices = [Decimal(fill["price"]) for fill in answer["fills"]]
    assert prices == sorted(prices)
    assert len(set(prices)) == 3
    assert {fill["commissionAsset"] for fill in answer["fills"]} == {"BTC"}
    assert answer["fills"][0]["commission"] == "0.00000500"


def test_a_market_order_in_quote_spends_no_more_than_was_said(served: Served) -> None:
    answer = served.good("POST", ORDER, symbol="BTCUSDT", side="BUY", type="MARKET", quoteOrderQty="1000")
    assert Decimal("999") < Decimal(answer["cummulativeQuoteQty"]) <= 1000
    assert answer["origQuoteOrderQty"] == "1000.00000000"


def test_time_in_force_decides_what_becomes_of_the_rest(served: Served) -> None:
    served.control("liquidity", symbol="BTCUSDT", steps=500)
    taking = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": "60000.01", "quantity": "0.02"}
    ioc = served.good("POST", ORDER, timeInForce="IOC", **taking)
    assert (ioc["status"], ioc["executedQty"]) == ("EXPIRED", "0.00500000")
    fok = served.good("POST", ORDER, timeInForce="FOK", **taking)
    assert (fok["status"], fok["executedQty"]) == ("EXPIRED", "0.00000000")
    gtc = served.good("POST", ORDER, timeInForce="GTC", **taking)
    assert (gtc["status"], gtc["executedQty"]) == ("PARTIALLY_FILLED", "0.00500000")


def test_a_stop_waits_unworking_and_becomes_its_order_at_the_trigger(served: Served) -> None:
    with spot_user_stream(served) as ears:
        order = served.good("POST", ORDER, symbol="BTCUSDT", side="SELL", type="STOP_LOSS_LIMIT", timeInForce="GTC",
                            quantity="0.01", price="57900", stopPrice="58000")  # fmt: skip
        found = served.good("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
        assert (found["status"], found["isWorking"], found["stopPrice"]) == ("NEW", False, "58000.00000000")
        assert ears.next()["event"]["w"] is False
        served.price("BTCUSDT", 57_950)
        done = served.good("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
    assert (done["status"], done["isWorking"]) == ("FILLED", True)
    assert Decimal(done["cummulativeQuoteQty"]) / Decimal("0.01") == Decimal("57949.99")


def test_a_take_profit_waits_for_the_other_direction_and_a_cancel_frees_its_lock(served: Served) -> None:
    before = free(served, "BTC")
    order = served.good("POST", ORDER, symbol="BTCUSDT", side="SELL", type="TAKE_PROFIT", quantity="0.5",
                        stopPrice="63000")  # fmt: skip
    assert before - free(served, "BTC") == Decimal("0.5")
    served.price("BTCUSDT", 57_000)
    assert served.good("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])["status"] == "NEW"
    served.good("DELETE", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
    assert free(served, "BTC") == before


@pytest.mark.parametrize(("kind", "side", "way"), [
    ("STOP_LOSS_LIMIT", "SELL", (60_600, 60_000, 59_995, 59_994)),  # 1 % below its highest
    ("TAKE_PROFIT_LIMIT", "BUY", (59_400, 59_990, 59_993, 59_994)),  # 1 % above its lowest
])  # fmt: skip
def test_a_trailing_order_follows_the_price_and_starts_once_it_has_turned_back_so_far(
        served: Served, kind: str, side: str, way: tuple[int, ...]) -> None:  # fmt: skip
    best, *back, turned = way
    with spot_user_stream(served) as ears:
        order = served.good("POST", ORDER, symbol="BTCUSDT", side=side, type=kind, timeInForce="GTC", quantity="0.01",
                            price="60500" if side == "SELL" else "59500", trailingDelta=100,
                            newOrderRespType="RESULT")  # fmt: skip
        assert (order["stopPrice"], order["trailingDelta"], order["trailingTime"]) == ("0.00000000", 100, -1)
        for price in (best, *back):
            served.price("BTCUSDT", price)
        known = served.good("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
        assert (known["isWorking"], known["trailingDelta"]) == (False, 100)
        assert known["trailingTime"] > order["transactTime"] - 1
        served.price("BTCUSDT", turned)
        working = [f["event"] for f in ears.until(lambda f: f["event"].get("w") is True)][-1]
    assert (working["d"], working["D"], working["P"]) == (100, known["trailingTime"], "0.00000000")


def test_a_trailing_order_with_a_stop_price_follows_only_from_there(served: Served) -> None:
    order = served.good("POST", ORDER, symbol="BTCUSDT", side="SELL", type="TAKE_PROFIT", quantity="0.01",
                        stopPrice="61000", trailingDelta=100)  # fmt: skip
    state = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    served.price("BTCUSDT", 60_900)
    served.price("BTCUSDT", 60_000)
    assert served.good("GET", ORDER, **state)["trailingTime"] == -1
    served.price("BTCUSDT", 61_200)
    known = served.good("GET", ORDER, **state)
    assert (known["status"], known["stopPrice"], known["trailingTime"] > 0) == ("NEW", "61000.00000000", True)
    served.price("BTCUSDT", 60_588)
    assert served.good("GET", ORDER, **state)["status"] == "FILLED"


@pytest.mark.parametrize(("more", "code", "said"), [
    ({"trailingDelta": 9}, -1013, "TRAILING_DELTA"), ({"trailingDelta": 2_001}, -1013, "TRAILING_DELTA"),
    ({"trailingDelta": 0}, -1013, "TRAILING_DELTA"), ({}, -1102, "stopPrice"),
])  # fmt: skip
def test_a_trailing_order_keeps_to_the_filter_that_exchange_info_tells(served: Served, more: dict[str, Any], code: int,
                                                                       said: str) -> None:  # fmt: skip
    filters = served.good("GET", "/api/v3/exchangeInfo", symbol="BTCUSDT")["symbols"][0]["filters"]
    told = next(row for row in filters if row["filterType"] == "TRAILING_DELTA")
    assert (told["minTrailingAboveDelta"], told["maxTrailingBelowDelta"]) == (10, 2_000)
    status, answer = served.signed("POST", ORDER, symbol="BTCUSDT", side="SELL", type="STOP_LOSS", quantity="0.01",
                                   **more)  # fmt: skip
    assert (status, answer["code"], said in answer["msg"]) == (400, code, True)


def test_a_bought_trailing_stop_holds_what_it_would_cost_where_it_would_start_now(served: Served) -> None:
    before = free(served, "USDT")
    order = served.good("POST", ORDER, symbol="BTCUSDT", side="BUY", type="STOP_LOSS", quantity="0.01",
                        trailingDelta=100)  # fmt: skip
    assert before - free(served, "USDT") == Decimal("606")
    served.good("DELETE", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
    assert free(served, "USDT") == before


def test_an_iceberg_shows_a_part_of_itself_and_fills_whole(served: Served) -> None:
    def shown() -> Decimal:
        bids = served.good("GET", "/api/v3/depth", symbol="BTCUSDT", limit=500)["bids"]
        return next((Decimal(row[1]) for row in bids if Decimal(row[0]) == 59_999), Decimal(0))

    others = shown()
    order = buy(served, "59999", "0.01", icebergQty="0.003", newOrderRespType="RESULT")
    state = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    assert order["icebergQty"] == served.good("GET", ORDER, **state)["icebergQty"] == "0.00300000"
    assert shown() - others == Decimal("0.003")
    served.price("BTCUSDT", 59_998, volume=0.01)
    assert served.good("GET", ORDER, **state)["status"] == "FILLED"


@pytest.mark.parametrize(("more", "code", "said"), [
    ({"icebergQty": "0.02"}, -2010, "exceeds QTY"), ({"icebergQty": "0.003", "timeInForce": "IOC"}, -1014, "combin"),
    ({"icebergQty": "0.00009"}, -1013, "ICEBERG_PARTS"),
])  # fmt: skip
def test_an_iceberg_that_cannot_be_is_refused(served: Served, more: dict[str, str], code: int, said: str) -> None:
    plain = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
             "price": "59000"}  # fmt: skip
    status, answer = served.signed("POST", ORDER, **{**plain, **more})
    assert (status, answer["code"], said in answer["msg"]) == (400, code, True)


def test_an_amendment_keeps_the_order_and_its_place_and_only_shrinks_it(served: Served) -> None:
    with spot_user_stream(served) as ears:
        order = buy(served, newClientOrderId="before")
        whole = served.good("PUT", "/api/v3/order/amend/keepPriority", symbol="BTCUSDT", orderId=order["orderId"],
                            newQty="0.004", newClientOrderId="after")  # fmt: skip
        answer = whole["amendedOrder"]
        assert (answer["orderId"], answer["qty"], answer["origClientOrderId"], answer["clientOrderId"]) == (
            order["orderId"], "0.00400000", "before", "after")  # fmt: skip
        event = ears.until(lambda f: f["event"].get("x") == "REPLACED")[-1]["event"]
    assert (event["c"], event["C"], event["q"]) == ("after", "before", "0.00400000")
    assert event["I"] == whole["executionId"]
    told = served.good("GET", "/api/v3/order/amendments", symbol="BTCUSDT", orderId=order["orderId"])
    assert told == [{
        "symbol": "BTCUSDT", "orderId": order["orderId"], "executionId": event["I"], "origClientOrderId": "before",
        "newClientOrderId": "after", "origQty": "0.01000000", "newQty": "0.00400000", "time": told[0]["time"],
    }]  # fmt: skip
    assert served.good("GET", "/api/v3/order/amendments", symbol="BTCUSDT", orderId=order["orderId"],
                       fromExecutionId=event["I"] + 1) == []  # fmt: skip
    status, wrong = served.signed("PUT", "/api/v3/order/amend/keepPriority", symbol="BTCUSDT",
                                  orderId=order["orderId"], newQty="0.005")  # fmt: skip
    assert (status, wrong["code"]) == (400, -2038)
    gone = served.signed("PUT", AMEND, symbol="BTCUSDT", origClientOrderId="before", newQty="0.003")
    assert gone == (400, {"code": -2038, "msg": "Unknown order sent."})
    served.price("BTCUSDT", 58_900)
    assert served.good("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])["executedQty"] == "0.00400000"


def test_cancel_replace_says_with_its_status_how_much_of_it_worked(served: Served) -> None:
    path = "/api/v3/order/cancelReplace"
    new = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    order = buy(served)
    both = served.good("POST", path, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=order["orderId"], price="58000",
                       **new)  # fmt: skip
    assert (both["cancelResult"], both["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    status, neither = served.signed("POST", path, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=1, price="58000",
                                    **new)  # fmt: skip
    assert (status, neither["code"], neither["data"]["newOrderResult"]) == (400, -2022, "NOT_ATTEMPTED")
    status, half = served.signed("POST", path, cancelReplaceMode="ALLOW_FAILURE", cancelOrderId=1, price="57000", **new)
    assert (status, half["code"], half["data"]["cancelResponse"]["code"]) == (409, -2021, -2011)
    assert half["data"]["newOrderResponse"]["status"] == "NEW"


def test_lists_of_orders_and_trades_are_bounded_by_what_was_asked(served: Served) -> None:
    first = buy(served, price="58000")
    buy(served, price="58001")
    every = served.good("GET", "/api/v3/allOrders", symbol="BTCUSDT", orderId=first["orderId"], limit=1)
    assert [row["orderId"] for row in every] == [first["orderId"]]
    assert len(served.good("GET", "/api/v3/openOrders", symbol="BTCUSDT")) == 2
    assert served.good("GET", "/api/v3/openOrders", symbol="ETHUSDT") == []
    assert len(served.good("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")) == 2


def test_accounts_do_not_see_each_other(served: Served) -> None:
    order = buy(served)
    status, answer = served.signed("GET", ORDER, "other", "hidden", symbol="BTCUSDT", orderId=order["orderId"])
    assert (status, answer["code"]) == (400, -2013)


def test_every_asset_is_told_unless_those_of_nothing_are_left_out(served: Served) -> None:
    """A client may look up an asset that it never had."""
    fresh = "emptyhanded"
    served.control("account", key=fresh, secret="secret", balances={"USDT": "10"})

    def told(path: str, field: str = "", **params: Any) -> list[str]:
        answer = served.signed("GET", path, key=fresh, **params)[1]
        return sorted(row["asset"] for row in (answer[field] if field else answer))

    assert told("/api/v3/account", "balances") == ["BTC", "ETH", "USDT"]
    assert told("/api/v3/account", "balances", omitZeroBalances="true") == ["USDT"]
    assert told("/fapi/v3/balance") == told("/fapi/v3/account", "assets") == ["BNB", "USDT"]


def test_a_deposit_is_told(served: Served) -> None:
    with spot_user_stream(served) as ears:
        served.control("deposit", key="key", market="spot", asset="ETH", amount="2")
        frames = ears.until(lambda f: f["event"]["e"] == "outboundAccountPosition")
    assert frames[0]["event"]["d"] == "2.00000000"
    assert frames[1]["event"]["B"] == [{"a": "ETH", "f": "2.00000000", "l": "0.00000000"}]


AMEND = "/api/v3/order/amend/keepPriority"


@pytest.mark.parametrize(("change", "code"), [
    ({"newClientOrderId": "other"}, -2038), ({"newClientOrderId": "no spaces"}, -1100), ({"newQty": "0.00005"}, -1013),
    ({"newQty": "0.0000051"}, -1013), ({"newClientOrderId": "mine"}, 0), ({}, 0),
])  # fmt: skip
def test_an_amendment_that_may_not_be_leaves_every_order_as_it_is(served: Served, change: dict[str, str],
                                                                  code: int) -> None:  # fmt: skip
    before = free(served, "USDT")
    other, order = buy(served, newClientOrderId="other"), buy(served, newClientOrderId="mine")
    params = {"symbol": "BTCUSDT", "orderId": order["orderId"], "newQty": "0.005", **change}
    status, answer = served.signed("PUT", AMEND, **params)
    assert (status, answer.get("code", 0)) == (400 if code else 200, code)
    rows = served.good("GET", "/api/v3/openOrders", symbol="BTCUSDT")
    assert [row["orderId"] for row in rows] == [other["orderId"], order["orderId"]]
    held = Decimal("0.01") + (Decimal("0.01") if code else Decimal("0.005"))
    assert before - free(served, "USDT") == held * Decimal(order["price"])
    for row in rows:
        served.good("DELETE", ORDER, symbol="BTCUSDT", orderId=row["orderId"])
    assert free(served, "USDT") == before


def test_an_order_named_twice_must_be_one(served: Served) -> None:
    order = buy(served, newClientOrderId="mine")
    for method in ("GET", "DELETE"):
        status, answer = served.signed(method, ORDER, symbol="BTCUSDT", orderId=order["orderId"],
                                       origClientOrderId="another")  # fmt: skip
        assert (status, answer["code"]) == (400, -2039)
    served.good("DELETE", ORDER, symbol="BTCUSDT", orderId=order["orderId"], origClientOrderId="mine")


def test_cancel_replace_judges_filters_before_it_cancels_and_the_trigger_after(served: Served) -> None:
    path, order = "/api/v3/order/cancelReplace", buy(served)
    new = {"symbol": "BTCUSDT", "side": "BUY", "timeInForce": "GTC", "cancelReplaceMode": "STOP_ON_FAILURE",
           "cancelOrderId": order["orderId"], "price": "58000"}  # fmt: skip
    status, answer = served.signed("POST", path, type="LIMIT", quantity="0.00001", **new)
    assert (status, answer["code"]) == (400, -1013)
    assert served.good("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])["status"] == "NEW"
    status, half = served.signed("POST", path, type="STOP_LOSS_LIMIT", quantity="0.01", stopPrice="59000", **new)
    assert (status, half["code"], half["data"]["cancelResult"]) == (409, -2021, "SUCCESS")
    assert half["data"]["newOrderResponse"]["code"] == -2010
    assert served.good("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])["status"] == "CANCELED"


def test_what_waits_for_its_trigger_counts_as_an_open_order(served: Served) -> None:
    desk = served.app.place.accounts["key"].spot
    assert desk is not None
    most = desk.tapes["BTCUSDT"].instrument.max_orders
    stop = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "0.001", "stopPrice": "50000"}
    served.good("POST", ORDER, **stop)
    for _ in range(most - 1):
        buy(served, quantity="0.0002")
    status, answer = served.signed("POST", ORDER, symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
                                   quantity="0.0002", price="50000")  # fmt: skip
    assert (status, answer["code"], answer["msg"]) == (400, -1013, "Filter failure: MAX_NUM_ORDERS")


def test_executions_are_searched_in_the_ways_there_are(served: Served) -> None:
    for one, other in (("fromId", "startTime"), ("orderId", "endTime")):
        change: dict[str, Any] = {one: 1, other: 1}
        status, answer = served.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", **change)
        assert (status, answer["code"]) == (400, -1128)
    assert served.good("GET", "/api/v3/myTrades", symbol="BTCUSDT", orderId=1, fromId=1) == []


def test_a_test_order_of_so_much_quote_and_of_a_halted_symbol_is_judged_as_the_order_would_be(served: Served) -> None:
    def tried(path: str, **order: Any) -> Any:
        return served.signed("POST", path, symbol="BTCUSDT", side="BUY", type="MARKET", **order)[1].get("code")

    assert tried(ORDER + "/test", quoteOrderQty="1") == tried(ORDER, quoteOrderQty="1") == -1013
    assert tried(ORDER + "/test", quoteOrderQty="100") is None
    for market, path in (("spot", ORDER), ("futures", "/fapi/v1/order")):
        tape = served.app.place.floor(market).tapes["BTCUSDT"]
        tape.status = "BREAK"
        try:
            assert tried(path + "/test", quantity="0.01") == tried(path, quantity="0.01") != None  # noqa: E711
        finally:
            tape.status = "TRADING"
    rates = served.good("POST", ORDER + "/test", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01",
                        computeCommissionRates="true")  # fmt: skip
    assert rates["discount"] == served.good("GET", "/api/v3/account/commission", symbol="BTCUSDT")["discount"]


def test_a_restriction_that_does_not_exist_cancels_nothing(served: Served) -> None:
    order = buy(served)
    for word, code in (("ONLY_OLD", -1130), ("ONLY_PARTIALLY_FILLED", -2011), ("ONLY_NEW", None)):
        status, answer = served.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=order["orderId"],
                                       cancelRestrictions=word)  # fmt: skip
        assert (answer.get("code"), status) == (code, 400 if code else 200)


def test_times_may_be_sent_in_microseconds(served: Served) -> None:
    order = buy(served)
    at = order["transactTime"]
    asked = {"startTime": at * 1_000, "endTime": at * 1_000 + 999}
    assert [row["orderId"] for row in served.good("GET", "/api/v3/allOrders", symbol="BTCUSDT", **asked)]
    query = "symbol=BTCUSDT&interval=1h&limit=2&endTime="
    plain, fine = (served.call("GET", f"/api/v3/klines?{query}{one}")[1] for one in (at, at * 1_000))
    assert len(plain) == 2
    assert plain == fine


def test_a_day_s_change_has_the_places_of_a_price(served: Served) -> None:
    day = served.call("GET", "/api/v3/ticker/24hr?symbol=BTCUSDT")[1]
    for name in ("priceChange", "weightedAvgPrice", "prevClosePrice", "lastPrice"):
        assert len(day[name].partition(".")[2]) == 8, name
