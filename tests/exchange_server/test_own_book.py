"""An account's resting orders stand in the public book."""

from itertools import pairwise
from typing import Any

import pytest

from tests.exchange_server.listening import listening
from tests.exchange_server.serving import Served

LIMIT = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC"}


def level(served: Served, path: str, side: str, price: float) -> float:
    rows = served.call("GET", f"{path}/depth?symbol=BTCUSDT&limit=100")[1][side]
    return next((float(q) for p, q in rows if float(p) == price), 0.0)


@pytest.mark.parametrize("path", ["/api/v3", "/fapi/v1"])
def test_an_order_adds_to_its_level_and_leaves_it_when_it_goes(served: Served, path: str) -> None:
    served.control("liquidity", symbol="BTCUSDT", steps=1)
    market = level(served, path, "bids", 58_000.0)
    order = served.good("POST", f"{path}/order", **LIMIT, side="BUY", quantity="0.5", price="58000")
    assert level(served, path, "bids", 58_000.0) == pytest.approx(market + 0.5)
    served.good("DELETE", f"{path}/order", symbol="BTCUSDT", orderId=order["orderId"])
    assert level(served, path, "bids", 58_000.0) == pytest.approx(market)


@pytest.mark.parametrize("path", ["/api/v3", "/fapi/v1"])
def test_a_book_that_has_been_emptied_has_no_levels_but_an_account_s_own(served: Served, path: str) -> None:
    served.control("liquidity", symbol="BTCUSDT", steps=0)
    book = served.call("GET", f"{path}/depth?symbol=BTCUSDT")[1]
    assert (book["bids"], book["asks"]) == ([], [])
    order = served.good("POST", f"{path}/order", **LIMIT, side="BUY", quantity="0.5", price="58000")
    book = served.call("GET", f"{path}/depth?symbol=BTCUSDT")[1]
    assert ([[float(one) for one in row] for row in book["bids"]], book["asks"]) == ([[58_000.0, 0.5]], [])
    taker = served.good("POST", f"{path}/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01",
                        newOrderRespType="RESULT")  # fmt: skip
    assert (taker["status"], float(taker["executedQty"])) == ("EXPIRED", 0)
    if path == "/fapi/v1":
        matched = served.signed("POST", f"{path}/order", **LIMIT, side="BUY", quantity="0.01", priceMatch="OPPONENT")
        assert matched[1]["code"] == -5041
    served.good("DELETE", f"{path}/order", symbol="BTCUSDT", orderId=order["orderId"])


def best(served: Served) -> tuple[float, float, float, float]:
    row = served.call("GET", "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")[1]
    bid, size, ask, other = (float(row[n]) for n in ("bidPrice", "bidQty", "askPrice", "askQty"))
    return bid, size, ask, other


def test_an_order_between_the_market_s_best_prices_is_the_best(served: Served) -> None:
    bid, _, ask, _ = best(served)
    assert (bid, ask) == (59_999.9, 60_000.1)
    served.good("POST", "/fapi/v1/order", **LIMIT, side="BUY", quantity="0.25", price="60000")
    assert best(served)[:3] == (60_000.0, 0.25, 60_000.1)


@pytest.mark.parametrize("price", [59_980, 58_000])
def test_an_order_the_market_has_passed_without_filling_it_does_not_cross_the_book(served: Served, price: int) -> None:
    served.good("POST", "/fapi/v1/order", **LIMIT, side="BUY", quantity="1", price="59990")
    served.price("BTCUSDT", price, volume=0.1)
    bid, size, ask, _ = best(served)
    assert (bid, size) == (59_990.0, 0.9)
    assert ask > bid


def test_a_followed_book_sees_the_order_come_and_go(served: Served) -> None:
    def sizes(frames: list[Any]) -> list[str]:
        return [q for f in frames for p, q in f["b"] if float(p) == 59_123.4]

    with listening(served, "/public/ws/btcusdt@depth@100ms") as ears:
        order = served.good("POST", "/fapi/v1/order", **LIMIT, side="BUY", quantity="0.1", price="59123.4")
        served.jump(200)
        heard = ears.rest()
        served.good("DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=order["orderId"])
        served.jump(200)
        heard += ears.rest()
    assert sizes(heard) == ["0.100", "0.000"]
    numbers = [(f["pu"], f["u"]) for f in heard]
    assert all(a[1] == b[0] for a, b in pairwise(numbers))
