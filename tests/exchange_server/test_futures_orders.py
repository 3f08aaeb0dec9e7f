"""The life of futures orders over REST, and what the user stream tells of it."""

from decimal import Decimal
from typing import Any

import pytest

from gridbot_tui.units import Market
from tests.exchange_server.listening import Ears, user_stream
from tests.exchange_server.serving import Served, serving

ORDER, ALGO = "/fapi/v1/order", "/fapi/v1/algoOrder"


def limit(served: Served, side: str = "BUY", price: str = "59000", quantity: str = "0.1", **more: Any) -> Any:
    more.setdefault("timeInForce", "GTC")
    return served.good("POST", ORDER, symbol="BTCUSDT", side=side, type="LIMIT", quantity=quantity, price=price, **more)


def market(served: Served, side: str, quantity: str, **more: Any) -> Any:
    return served.good("POST", ORDER, symbol="BTCUSDT", side=side, type="MARKET", quantity=quantity,
                       newOrderRespType="RESULT", **more)  # fmt: skip


def algo(served: Served, side: str, kind: str, trigger: str | None, **more: Any) -> Any:
    given = {} if trigger is None else {"triggerPrice": trigger}
    return served.good("POST", ALGO, algoType="CONDITIONAL", symbol="BTCUSDT", side=side, type=kind, **given, **more)


def position(served: Served) -> Decimal:
    rows = served.good("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT")
    return Decimal(rows[0]["positionAmt"]) if rows else Decimal(0)


def orders(frames: list[Any]) -> list[tuple[str, str, str]]:
    """(x, X, z) of the order events."""
    return [(f["o"]["x"], f["o"]["X"], f["o"]["z"]) for f in frames if f["e"] == "ORDER_TRADE_UPDATE"]


def heard(ears: Ears) -> list[Any]:
    return ears.rest()


def test_a_limit_order_rests_fills_in_part_then_whole_and_every_step_is_told(served: Served) -> None:
    with user_stream(served) as ears:
        order = limit(served, newClientOrderId="steps")
        assert order["status"] == "NEW"
        assert not {"avgPrice", "cumQuote"} & set(order)
        served.price("BTCUSDT", 58_999, volume=0.04)
        part = served.good("GET", ORDER, symbol="BTCUSDT", origClientOrderId="steps")
        assert (part["status"], part["executedQty"], part["avgPrice"]) == ("PARTIALLY_FILLED", "0.040", "59000.00000")
        served.price("BTCUSDT", 58_990)
        frames = heard(ears)
    assert orders(frames) == [("NEW", "NEW", "0"), ("TRADE", "PARTIALLY_FILLED", "0.040"), ("TRADE", "FILLED", "0.100")]
    kinds = [f["e"] for f in frames]
    assert kinds.count("TRADE_LITE") == kinds.count("ACCOUNT_UPDATE") == 2
    account = [f for f in frames if f["e"] == "ACCOUNT_UPDATE"][-1]["a"]
    assert (account["m"], account["P"][0]["pa"], account["P"][0]["ep"]) == ("ORDER", "0.100", "59000")
    assert account["B"][0]["bc"] == "0"


def test_a_market_order_answers_ack_unless_the_result_is_asked_for(served: Served) -> None:
    ack = served.good("POST", ORDER, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
    assert (ack["status"], ack["executedQty"]) == ("NEW", "0.000")
    assert market(served, "SELL", "0.1")["status"] == "FILLED"


def test_a_change_of_price_requeues_and_tells_an_amendment(served: Served) -> None:
    with user_stream(served) as ears:
        order = limit(served)
        changed = served.good("PUT", ORDER, symbol="BTCUSDT", side="BUY", orderId=order["orderId"], quantity="0.2",
                              price="58900", modifyId=7)  # fmt: skip
        assert (changed["price"], changed["origQty"], changed["modifyId"]) == ("58900", "0.200", 7)
        event = ears.until(lambda f: f.get("o", {}).get("x") == "AMENDMENT")[-1]
    assert (event["o"]["M"], event["o"]["p"], event["o"]["q"]) == ("7", "58900", "0.200")
    same = {"symbol": "BTCUSDT", "side": "BUY", "orderId": order["orderId"], "quantity": "0.2", "price": "58900"}
    assert served.signed("PUT", ORDER, **same)[1]["code"] == -5027
    rows = served.good("GET", "/fapi/v1/orderAmendment", symbol="BTCUSDT", orderId=order["orderId"])
    assert rows[0]["amendment"]["price"] == {"before": "59000.00", "after": "58900.00"}


def test_a_post_only_order_changed_into_the_market_expires(served: Served) -> None:
    order = limit(served, timeInForce="GTX")
    served.good("PUT", ORDER, symbol="BTCUSDT", side="BUY", orderId=order["orderId"], quantity="0.1", price="60001")
    assert served.good("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])["status"] == "EXPIRED"


def test_reduce_only_closes_at_most_to_flat_and_what_has_nothing_left_is_knocked_out(served: Served) -> None:
    market(served, "BUY", "0.1")
    exit_order = limit(served, "SELL", "61000", "0.1", reduceOnly="true")
    with user_stream(served, "ORDER_TRADE_UPDATE") as ears:
        closing = market(served, "SELL", "0.3", reduceOnly="true")
        frames = heard(ears)
    assert (closing["executedQty"], closing["status"]) == ("0.100", "EXPIRED")
    assert position(served) == 0
    assert served.good("GET", ORDER, symbol="BTCUSDT", orderId=exit_order["orderId"])["status"] == "EXPIRED"
    assert {f["e"] for f in frames} == {"ORDER_TRADE_UPDATE"}, "only the events that were asked for"
    assert [f["o"]["er"] for f in frames if f["o"]["i"] == exit_order["orderId"]] == ["4"]


def test_a_stop_becomes_a_plain_order_when_the_market_reaches_it(served: Served) -> None:
    market(served, "BUY", "0.1")
    with user_stream(served) as ears:
        placed = algo(served, "SELL", "STOP_MARKET", "59000", quantity="0.1", clientAlgoId="guard", reduceOnly="true")
        assert placed["algoStatus"] == "NEW"
        assert [row["clientAlgoId"] for row in served.good("GET", "/fapi/v1/openAlgoOrders")] == ["guard"]
        assert served.good("GET", "/fapi/v1/openOrders") == []
        served.price("BTCUSDT", 58_900)
        frames = heard(ears)
    found = served.good("GET", ALGO, clientAlgoId="guard")
    states = [f["o"]["X"] for f in frames if f["e"] == "ALGO_UPDATE"]
    assert states == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    assert found["algoStatus"] == "FINISHED"
    plain = served.good("GET", ORDER, symbol="BTCUSDT", orderId=found["actualOrderId"])
    assert (plain["status"], plain["origType"], plain["type"]) == ("FILLED", "STOP_MARKET", "MARKET")
    assert position(served) == 0


def test_close_position_closes_what_there_is_and_goes_with_the_position(served: Served) -> None:
    market(served, "BUY", "0.2")
    algo(served, "SELL", "STOP_MARKET", "59000", closePosition="true", clientAlgoId="below")
    algo(served, "SELL", "TAKE_PROFIT_MARKET", "61000", closePosition="true", clientAlgoId="above")
    served.price("BTCUSDT", 61_100)
    assert position(served) == 0
    assert served.good("GET", ALGO, clientAlgoId="above")["algoStatus"] == "FINISHED"
    assert served.good("GET", ALGO, clientAlgoId="below")["algoStatus"] == "EXPIRED"


def test_a_trailing_stop_follows_the_market_and_fires_on_the_way_back(served: Served) -> None:
    market(served, "BUY", "0.1")
    algo(served, "SELL", "TRAILING_STOP_MARKET", None, quantity="0.1", callbackRate="1", clientAlgoId="trail")
    served.price("BTCUSDT", 61_000)
    served.price("BTCUSDT", 60_500)
    assert served.good("GET", ALGO, clientAlgoId="trail")["algoStatus"] == "NEW"
    served.price("BTCUSDT", 60_380)
    assert served.good("GET", ALGO, clientAlgoId="trail")["algoStatus"] == "FINISHED"


def test_a_stop_limit_that_finds_no_market_rests_at_its_price(served: Served) -> None:
    algo(served, "BUY", "STOP", "60500", price="60200", quantity="0.1", timeInForce="GTC", clientAlgoId="limit")
    served.price("BTCUSDT", 60_600)
    assert served.good("GET", ALGO, clientAlgoId="limit")["algoStatus"] == "TRIGGERED"
    assert [row["price"] for row in served.good("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")] == ["60200"]


def test_cancelling_everything_plain_leaves_conditional_orders(served: Served) -> None:
    limit(served)
    algo(served, "SELL", "STOP_MARKET", "59000", quantity="0.1", clientAlgoId="stays")
    assert served.good("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert served.good("GET", "/fapi/v1/openOrders") == []
    answer = served.good("DELETE", ALGO, clientAlgoId="stays")
    assert (answer["code"], answer["msg"]) == ("200", "success")
    assert served.signed("DELETE", ALGO, clientAlgoId="stays")[1]["code"] == -2011


def test_batches_answer_each_order_for_itself(served: Served) -> None:
    import json

    good = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1",
            "price": "59000"}  # fmt: skip
    rows = served.good("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps([good, {**good, "price": "99999"}]))
    assert rows[0]["status"] == "NEW"
    assert rows[1]["code"] == -4016
    gone = served.good("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT",
                       orderIdList=json.dumps([rows[0]["orderId"], 1]))  # fmt: skip
    assert [row.get("status", row.get("code")) for row in gone] == ["CANCELED", -2011]
    assert served.signed("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps([good] * 6))[1]["code"] == -1130


def test_numbers_of_a_batch_are_what_was_sent(served: Served) -> None:
    """0.00001 is finer than the symbol's quantities, and not 1e-05, which is no number."""
    order = '{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":%s,"price":59000.10}'
    placed, fine = served.good("POST", "/fapi/v1/batchOrders", batchOrders=f"[{order % 0.1},{order % '0.00001'}]")
    assert (placed["status"], placed["price"]) == ("NEW", "59000.1")
    assert fine["code"] == -1111


def test_the_countdown_cancels_unless_it_is_renewed(served: Served) -> None:
    limit(served)
    answer = served.good("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=200)
    assert answer == {"symbol": "BTCUSDT", "countdownTime": "200"}
    served.good("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=60_000)
    with user_stream(served) as ears:
        served.good("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=100)
        assert ears.until(lambda f: f.get("o", {}).get("X") == "CANCELED")
    assert served.good("GET", "/fapi/v1/openOrders") == []


def test_funding_is_paid_told_and_listed(served: Served) -> None:
    market(served, "BUY", "0.1")
    mark = Decimal(served.call("GET", "/fapi/v1/premiumIndex?symbol=BTCUSDT")[1]["markPrice"])
    with user_stream(served) as ears:
        served.control("funding", symbol="BTCUSDT", rate=0.001)
        event = ears.until(lambda f: f["e"] == "ACCOUNT_UPDATE")[-1]["a"]
    paid = -mark * Decimal("0.1") * Decimal("0.001")
    assert (event["m"], event["S"], event["P"]) == ("FUNDING_FEE", "BTCUSDT", [])
    assert Decimal(event["B"][0]["bc"]) == paid
    rows = served.good("GET", "/fapi/v1/income", incomeType="FUNDING_FEE", limit=1000)
    assert Decimal(rows[-1]["income"]) == paid
    history = served.call("GET", "/fapi/v1/fundingRate?symbol=BTCUSDT&limit=1")[1]
    assert (history[0]["fundingRate"], history[0]["rateType"]) == ("0.00100000", "Regular")


def test_income_adds_up_to_the_wallet(served: Served) -> None:
    market(served, "BUY", "0.1")
    served.price("BTCUSDT", 60_500)
    market(served, "SELL", "0.1")
    wallet = next(Decimal(r["balance"]) for r in served.good("GET", "/fapi/v3/balance") if r["asset"] == "USDT")
    rows = served.good("GET", "/fapi/v1/income", limit=1000)
    income = sum(Decimal(r["income"]) for r in rows if r["asset"] == "USDT")
    assert wallet == 100_000 + income


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_price_match_takes_the_price_of_the_book(served: Served, side: str) -> None:
    bids, asks = (served.call("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=5")[1][name] for name in ("bids", "asks"))
    own = bids if side == "BUY" else asks
    order = served.good("POST", ORDER, symbol="BTCUSDT", side=side, type="LIMIT", timeInForce="GTC", quantity="0.1",
                        priceMatch="QUEUE_5")  # fmt: skip
    assert Decimal(order["price"]) == Decimal(own[4][0])
    assert order["priceMatch"] == "QUEUE_5"


def test_leverage_is_set_told_and_shown(served: Served) -> None:
    with user_stream(served) as ears:
        assert served.good("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=11)["leverage"] == 11
        event = ears.next()
    assert (event["e"], event["ac"]) == ("ACCOUNT_CONFIG_UPDATE", {"s": "BTCUSDT", "l": 11})
    assert served.good("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT")[0]["leverage"] == 11
    served.good("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=20)


def test_an_account_that_is_wiped_knows_nothing_of_before_and_its_neighbour_all() -> None:
    with serving(Market.FUTURES) as served:
        for key, secret in (("key", "secret"), ("other", "hidden")):
            for more in ({"type": "MARKET"}, {"type": "LIMIT", "timeInForce": "GTX", "price": "50000"}):
                status, answer = served.signed("POST", "/fapi/v1/order", key=key, secret=secret, symbol="BTCUSDT",
                                               side="BUY", quantity="0.01", **more)  # fmt: skip
                assert status == 200, answer
        served.control("wipe", key="key")
        assert served.good("GET", "/fapi/v3/positionRisk") == []
        assert served.good("GET", "/fapi/v1/openOrders") == []
        assert served.good("GET", "/fapi/v1/userTrades", symbol="BTCUSDT") == []
        (wallet,) = [row for row in served.good("GET", "/fapi/v3/balance") if row["asset"] == "USDT"]
        assert wallet["balance"] == "100000.00000000"
        others = served.signed("GET", "/fapi/v1/openOrders", key="other", secret="hidden")[1]
        assert len(others) == 1
        bids = served.call("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=1000")[1]["bids"]
        assert ["50000.00", "0.010"] in bids, "one account's order is left in the book"
        assert served.good("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", quantity="0.01", type="MARKET")
