"""Order lists of spot: one leg cancels the other, and funds are held back once."""

from decimal import Decimal
from typing import Any

import pytest

from tests.exchange_server.listening import spot_user_stream
from tests.exchange_server.serving import Served

S = "BTCUSDT"
SELL = {"symbol": S, "side": "SELL", "quantity": "0.4", "aboveType": "LIMIT_MAKER", "abovePrice": "61000",
        "belowType": "STOP_LOSS", "belowStopPrice": "59000", "aboveClientOrderId": "gain",
        "belowClientOrderId": "loss"}  # fmt: skip
BUY = {"symbol": S, "side": "BUY", "quantity": "0.4", "belowType": "LIMIT_MAKER", "belowPrice": "59000",
       "aboveType": "STOP_LOSS_LIMIT", "aboveStopPrice": "61000", "abovePrice": "61500", "aboveTimeInForce": "GTC",
       "aboveClientOrderId": "loss", "belowClientOrderId": "gain"}  # fmt: skip
PLACE, LIST = "/api/v3/orderList/oco", "/api/v3/orderList"


def balance(served: Served, asset: str) -> tuple[Decimal, Decimal]:
    rows = served.good("GET", "/api/v3/account")["balances"]
    return next((Decimal(r["free"]), Decimal(r["locked"])) for r in rows if r["asset"] == asset)


def order(served: Served, name: str) -> Any:
    return served.good("GET", "/api/v3/order", symbol=S, origClientOrderId=name)


@pytest.mark.parametrize(("sent", "asset", "held"), [(SELL, "BTC", Decimal("0.4")), (BUY, "USDT", Decimal(24_600))])
def test_a_list_holds_the_dearer_leg_s_funds_and_gives_all_back(
    served: Served, sent: dict[str, str], asset: str, held: Decimal
) -> None:
    before = balance(served, asset)
    placed = served.good("POST", PLACE, **sent, listClientOrderId="mine")
    assert (placed["contingencyType"], placed["listOrderStatus"]) == ("OCO", "EXECUTING")
    assert {r["clientOrderId"] for r in placed["orderReports"]} == {"gain", "loss"}
    assert balance(served, asset) == (before[0] - held, before[1] + held)
    assert [row["orderListId"] for row in served.good("GET", "/api/v3/openOrderList")] == [placed["orderListId"]]
    assert {o["orderListId"] for o in served.good("GET", "/api/v3/openOrders", symbol=S)} == {placed["orderListId"]}
    gone = served.good("DELETE", LIST, symbol=S, orderListId=placed["orderListId"])
    assert (gone["listOrderStatus"], {r["status"] for r in gone["orderReports"]}) == ("ALL_DONE", {"CANCELED"})
    assert balance(served, asset) == before
    assert served.good("GET", LIST, origClientOrderId="mine")["listStatusType"] == "ALL_DONE"
    assert served.signed("DELETE", LIST, symbol=S, listClientOrderId="mine")[1]["code"] == -2011


@pytest.mark.parametrize(("sent", "price", "filled", "expired"), [
    (SELL, 61_100, "gain", "loss"), (SELL, 58_900, "loss", "gain"), (BUY, 58_900, "gain", "loss"),
    (BUY, 61_200, "loss", "gain"),
])  # fmt: skip
def test_the_leg_the_market_reaches_executes_and_the_other_expires(
    served: Served, sent: dict[str, str], price: int, filled: str, expired: str
) -> None:
    locked = balance(served, "BTC")[1], balance(served, "USDT")[1]
    with spot_user_stream(served) as ears:
        placed = served.good("POST", PLACE, **sent)
        served.price(S, price)
        events = [f["event"] for f in ears.rest()]
    assert (order(served, filled)["status"], order(served, expired)["status"]) == ("FILLED", "EXPIRED")
    told = [(e["e"], e.get("x") or e.get("l"), e.get("C") if e["e"] == "listStatus" else e.get("c"))
            for e in events if e["e"] != "outboundAccountPosition"]  # fmt: skip
    name = placed["listClientOrderId"]
    assert told[0] == ("listStatus", "EXEC_STARTED", name)
    assert told[-1] == ("listStatus", "ALL_DONE", name)
    reports = [(x, c) for kind, x, c in told if kind == "executionReport"]
    assert reports.index(("EXPIRED", expired)) < reports.index(("TRADE", filled))
    assert {e["g"] for e in events if e["e"] in ("executionReport", "listStatus")} == {placed["orderListId"]}
    assert (balance(served, "BTC")[1], balance(served, "USDT")[1]) == locked


def test_a_part_of_one_leg_is_enough_to_end_the_other(served: Served) -> None:
    served.good("POST", PLACE, **SELL)
    served.price(S, 61_100, volume=0.1)
    assert (order(served, "gain")["status"], order(served, "loss")["status"]) == ("PARTIALLY_FILLED", "EXPIRED")
    assert served.good("GET", "/api/v3/openOrderList") != []
    served.good("DELETE", "/api/v3/order", symbol=S, origClientOrderId="gain")
    assert served.good("GET", "/api/v3/openOrderList") == []
    served.good("POST", "/api/v3/order", symbol=S, side="BUY", type="MARKET", quantity="0.1")


def test_a_leg_takes_its_list_along_when_it_is_cancelled(served: Served) -> None:
    served.good("POST", PLACE, **SELL)
    gone = served.good("DELETE", "/api/v3/order", symbol=S, origClientOrderId="loss")
    assert [r["status"] for r in gone["orderReports"]] == ["CANCELED", "CANCELED"]
    served.good("POST", PLACE, **SELL)
    served.good("DELETE", "/api/v3/openOrders", symbol=S)
    assert served.good("GET", "/api/v3/openOrders", symbol=S) == []


def test_the_old_form_with_a_limit_and_a_stop_is_taken_too(served: Served) -> None:
    placed = served.good("POST", "/api/v3/order/oco", symbol=S, side="SELL", quantity="0.1", price="61000",
                         stopPrice="59000", stopLimitPrice="58900", stopLimitTimeInForce="GTC")  # fmt: skip
    assert sorted(r["type"] for r in placed["orderReports"]) == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]
    served.good("DELETE", LIST, symbol=S, orderListId=placed["orderListId"])


@pytest.mark.parametrize(("change", "code"), [
    ({"abovePrice": "59500"}, -2010), ({"belowStopPrice": "60500"}, -2010), ({"quantity": "4"}, -2010),
    ({"belowType": "LIMIT_MAKER"}, -1014), ({"belowStopPrice": None}, -1102), ({"aboveTimeInForce": "GTX"}, -1115),
    ({"quantity": "0.0000001"}, -1013), ({"belowClientOrderId": "gain"}, -2010), ({"aboveType": None}, -1102),
])  # fmt: skip
def test_a_list_that_cannot_be_is_refused_whole(served: Served, change: dict[str, str | None], code: int) -> None:
    before = balance(served, "BTC")
    params = {name: value for name, value in {**SELL, **change}.items() if value is not None}
    status, answer = served.signed("POST", PLACE, **params)
    assert (status, answer["code"]) == (400, code)
    assert balance(served, "BTC") == before
    assert served.good("GET", "/api/v3/openOrders", symbol=S) == []


@pytest.mark.parametrize("sent", [SELL, BUY])
@pytest.mark.parametrize("leg", ["gain", "loss"])
def test_a_leg_that_is_amended_takes_the_other_along_and_what_both_hold(served: Served, sent: dict[str, str],
                                                                        leg: str) -> None:  # fmt: skip
    asset = "BTC" if sent["side"] == "SELL" else "USDT"
    before = balance(served, asset)
    served.good("POST", PLACE, **sent)
    whole = balance(served, asset)[1] - before[1]
    served.good("PUT", "/api/v3/order/amend/keepPriority", symbol=S, origClientOrderId=leg, newClientOrderId=leg,
                newQty="0.1")  # fmt: skip
    assert {order(served, name)["origQty"] for name in ("gain", "loss")} == {"0.10000000"}
    assert balance(served, asset) == (before[0] - whole / 4, before[1] + whole / 4)
    served.good("DELETE", "/api/v3/openOrders", symbol=S)
    assert balance(served, asset) == before


AMEND = "/api/v3/order/amend/keepPriority"


def test_each_leg_of_an_amended_list_has_an_execution_of_its_own_also_the_second_time(served: Served) -> None:
    with spot_user_stream(served) as ears:
        placed = served.good("POST", PLACE, **SELL)
        for leg, quantity in (("gain", "0.3"), ("loss", "0.2"), ("gain", "0.1")):
            served.good("PUT", AMEND, symbol=S, origClientOrderId=leg, newClientOrderId=leg, newQty=quantity)
        told = [f["event"] for f in ears.rest()]
    reports = [e for e in told if e["e"] == "executionReport"]
    numbers = [e["I"] for e in reports]
    assert numbers == sorted(set(numbers))
    assert [(e["c"], e["C"]) for e in reports if e["x"] == "REPLACED"] == [("loss", "loss"), ("gain", "gain")] * 3
    for row in placed["orders"]:
        rows = served.good("GET", "/api/v3/order/amendments", symbol=S, orderId=row["orderId"])
        mine = [e["I"] for e in reports if e["i"] == row["orderId"] and e["x"] == "REPLACED"]
        assert [(r["executionId"], r["newQty"]) for r in rows] == list(
            zip(mine, ("0.30000000", "0.20000000", "0.10000000"), strict=True))  # fmt: skip
    assert [e["l"] for e in told if e["e"] == "listStatus"] == ["EXEC_STARTED"]  # no leg has another id


def test_an_amended_leg_s_list_is_told_with_the_answer_and_as_updated_where_the_id_is_another(served: Served) -> None:
    with spot_user_stream(served) as ears:
        placed = served.good("POST", PLACE, **SELL)
        answer = served.good("PUT", AMEND, symbol=S, origClientOrderId="gain", newClientOrderId="new", newQty="0.3")
        told = [f["event"] for f in ears.rest()]
    found = answer["listStatus"]
    assert (found["orderListId"], found["listOrderStatus"]) == (placed["orderListId"], "EXECUTING")
    assert {row["clientOrderId"] for row in found["orders"]} == {"loss", "new"}
    news = [e for e in told if e["e"] == "listStatus"][1]
    assert (news["l"], news["L"], {row["c"] for row in news["O"]}) == ("UPDATED", "EXECUTING", {"loss", "new"})
    plain = served.good("POST", "/api/v3/order", symbol=S, side="BUY", type="LIMIT", timeInForce="GTC",
                        quantity="0.01", price="59000")  # fmt: skip
    assert "listStatus" not in served.good("PUT", AMEND, symbol=S, orderId=plain["orderId"], newQty="0.005")


def test_a_leg_that_executes_in_part_holds_no_more_than_its_rest_needs(served: Served) -> None:
    served.good("POST", PLACE, **BUY)
    served.price(S, 58_900, volume=0.1)
    assert (order(served, "gain")["executedQty"], order(served, "loss")["status"]) == ("0.10000000", "EXPIRED")
    assert balance(served, "USDT")[1] == Decimal("0.3") * 59_000


def test_a_list_for_which_there_is_room_for_one_leg_only_is_not_placed_at_all(served: Served) -> None:
    tape = served.app.place.floors["spot"].tapes[S]
    before, most = balance(served, "BTC"), tape.instrument.max_orders
    rungs = {"symbol": S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.0003"}
    for rung in range(most - 1):
        served.good("POST", "/api/v3/order", price=str(50_000 - rung), **rungs)
    assert served.signed("POST", PLACE, **SELL)[1]["msg"] == "Filter failure: MAX_NUM_ORDERS"
    assert len(served.good("GET", "/api/v3/openOrders", symbol=S)) == most - 1
    assert balance(served, "BTC") == before
    served.good("DELETE", "/api/v3/openOrders", symbol=S)
    assert balance(served, "BTC") == before


def test_every_word_of_the_older_form_counts(served: Served) -> None:
    old = {"symbol": S, "side": "SELL", "quantity": "0.1", "price": "61000", "stopPrice": "59000"}
    status, answer = served.signed("POST", "/api/v3/order/oco", **old, stopIcebergQty="0.01")
    assert (status, answer["code"]) == (400, -1106), "a market order has nothing to hide"
    placed = served.good("POST", "/api/v3/order/oco", **old, limitStrategyId=7, stopStrategyType=1_000_001,
                         trailingDelta=100, limitIcebergQty="0.01")  # fmt: skip
    reports = {row["type"]: row for row in placed["orderReports"]}
    assert (reports["LIMIT_MAKER"]["strategyId"], reports["LIMIT_MAKER"]["icebergQty"]) == (7, "0.01000000")
    assert (reports["STOP_LOSS"]["trailingDelta"], reports["STOP_LOSS"]["stopPrice"]) == (100, "59000.00000000")
    assert reports["STOP_LOSS"]["strategyType"] == 1_000_001


def test_ids_of_lists_and_of_cancels_are_of_the_same_characters_as_those_of_orders(served: Served) -> None:
    assert served.signed("POST", PLACE, **SELL, listClientOrderId="a b")[1]["code"] == -1100
    assert served.signed("POST", PLACE, **{**SELL, "aboveClientOrderId": "x" * 37})[1]["code"] == -1100
    placed = served.good("POST", PLACE, **SELL)
    number = placed["orderListId"]
    assert served.signed("DELETE", LIST, symbol=S, orderListId=number, newClientOrderId="a b")[1]["code"] == -1100
    assert served.good("DELETE", LIST, symbol=S, orderListId=number)["listOrderStatus"] == "ALL_DONE"


FIRST = {"symbol": S, "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "59500", "workingQuantity": "0.4",
         "workingTimeInForce": "GTC", "workingClientOrderId": "first", "pendingSide": "SELL",
         "pendingQuantity": "0.4"}  # fmt: skip
THEN = {**FIRST, "pendingType": "LIMIT", "pendingPrice": "61000", "pendingTimeInForce": "GTC",
        "pendingClientOrderId": "then"}  # fmt: skip
THEN_BOTH = {**FIRST, "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "61000",
             "pendingAboveClientOrderId": "gain", "pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": "59000",
             "pendingBelowClientOrderId": "loss"}  # fmt: skip


def test_an_order_is_placed_once_the_one_before_it_has_filled_whole(served: Served) -> None:
    coins = balance(served, "BTC")
    with spot_user_stream(served) as ears:
        placed = served.good("POST", f"{LIST}/oto", **THEN)
        assert (placed["contingencyType"], [r["status"] for r in placed["orderReports"]]) == (
            "OTO", ["NEW", "PENDING_NEW"])  # fmt: skip
        assert balance(served, "BTC") == coins, "what is pending holds nothing"
        served.price(S, 59_400, volume=0.1)
        assert [order(served, name)["status"] for name in ("first", "then")] == ["PARTIALLY_FILLED", "PENDING_NEW"]
        served.price(S, 59_300)
        assert (order(served, "first")["status"], order(served, "then")["status"]) == ("FILLED", "NEW")
        assert balance(served, "BTC")[1] == coins[1] + Decimal("0.4")
        served.price(S, 61_100)
        events = [f["event"] for f in ears.rest()]
    then = [(e["x"], e["X"], e["w"]) for e in events if e["e"] == "executionReport" and e["c"] == "then"]
    assert then == [("NEW", "PENDING_NEW", False), ("NEW", "NEW", True), ("TRADE", "FILLED", False)]
    lists = [(e["c"], e["l"]) for e in events if e["e"] == "listStatus"]
    assert lists == [("OTO", "EXEC_STARTED"), ("OTO", "ALL_DONE")]
    assert events[0]["e"] == "listStatus"


@pytest.mark.parametrize(("price", "filled", "expired"), [(61_100, "gain", "loss"), (58_900, "loss", "gain")])
def test_two_that_follow_cancel_one_another_and_hold_their_funds_once(
    served: Served, price: int, filled: str, expired: str
) -> None:
    served.good("POST", f"{LIST}/otoco", **THEN_BOTH)
    coins = balance(served, "BTC")
    served.price(S, 59_400)
    after = balance(served, "BTC")
    assert after[1] == coins[1] + Decimal("0.4")
    assert {o["clientOrderId"] for o in served.good("GET", "/api/v3/openOrders", symbol=S)} == {"gain", "loss"}
    served.price(S, price)
    assert [order(served, name)["status"] for name in ("first", filled, expired)] == ["FILLED", "FILLED", "EXPIRED"]
    assert balance(served, "BTC") == (after[0], coins[1])
    assert served.good("GET", "/api/v3/openOrderList") == []


@pytest.mark.parametrize("named", ["first", "gain"])
def test_whichever_order_of_the_list_is_cancelled_all_of_them_are(served: Served, named: str) -> None:
    before = balance(served, "USDT"), balance(served, "BTC")
    served.good("POST", f"{LIST}/otoco", **THEN_BOTH)
    assert balance(served, "USDT")[1] == before[0][1] + Decimal(23_800)
    gone = served.good("DELETE", "/api/v3/order", symbol=S, origClientOrderId=named)
    assert {r["status"] for r in gone["orderReports"]} == {"CANCELED"}
    assert (balance(served, "USDT"), balance(served, "BTC")) == before
    assert served.good("GET", "/api/v3/openOrders", symbol=S) == []


def test_one_that_takes_at_once_is_followed_at_once_and_one_that_ends_unfilled_takes_the_others_along(
    served: Served,
) -> None:
    taking = {**THEN, "workingPrice": "60100"}
    told = served.good("POST", f"{LIST}/oto", **taking)["orderReports"]
    assert [r["status"] for r in told] == ["FILLED", "PENDING_NEW"]
    assert order(served, "then")["status"] == "NEW"
    names = {"workingClientOrderId": "killed", "pendingClientOrderId": "never"}
    served.good("POST", f"{LIST}/oto", **{**THEN, **names, "workingTimeInForce": "FOK"})
    assert (order(served, "killed")["status"], order(served, "never")["status"]) == ("EXPIRED", "EXPIRED")


def test_what_cannot_be_placed_when_its_time_has_come_expires_with_its_list(served: Served) -> None:
    late = {**THEN, "pendingType": "STOP_LOSS", "pendingPrice": None, "pendingTimeInForce": None,
            "pendingStopPrice": "59450"}  # fmt: skip
    served.good("POST", f"{LIST}/oto", **{name: value for name, value in late.items() if value is not None})
    served.price(S, 59_300)  # the stop's price was passed by the same jump
    assert (order(served, "first")["status"], order(served, "then")["status"]) == ("FILLED", "EXPIRED")
    assert served.good("GET", "/api/v3/openOrderList") == []
    coins = balance(served, "BTC")
    short = {**THEN_BOTH, "workingClientOrderId": "small", "workingQuantity": "0.01", "workingPrice": "59000",
             "pendingQuantity": str(coins[0] + 1), "pendingBelowStopPrice": "58000"}  # fmt: skip
    served.good("POST", f"{LIST}/otoco", **short)
    served.price(S, 58_900)
    assert [order(served, name)["status"] for name in ("small", "gain", "loss")] == ["FILLED", "EXPIRED", "EXPIRED"]
    assert balance(served, "BTC")[1] == coins[1]


@pytest.mark.parametrize(("change", "code"), [
    ({"workingType": "MARKET"}, -1014), ({"workingType": "STOP_LOSS"}, -1014), ({"workingTimeInForce": None}, -1102),
    ({"pendingPrice": None}, -1102), ({"pendingQuantity": "0.0000001"}, -1013), ({"workingSide": "HOLD"}, -1117),
    ({"pendingClientOrderId": "first"}, -2010), ({"workingQuantity": "9000"}, -2010), ({"pendingType": "X"}, -1116),
])  # fmt: skip
def test_a_list_whose_first_or_later_order_cannot_be_is_refused_whole(
    served: Served, change: dict[str, str | None], code: int
) -> None:
    before = balance(served, "USDT")
    sent = {name: value for name, value in {**THEN, **change}.items() if value is not None}
    assert served.signed("POST", f"{LIST}/oto", **sent)[1]["code"] == code
    assert (balance(served, "USDT"), served.good("GET", "/api/v3/openOrders", symbol=S)) == (before, [])
    assert served.good("GET", "/api/v3/openOrderList") == []
