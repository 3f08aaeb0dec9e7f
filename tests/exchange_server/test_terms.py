"""What an order and an account may have agreed upon: dates, protection, fees in BNB, how often to connect."""

import hashlib
import hmac
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import InvalidStatus

from gridbot_tui.exchange.server import http as _fills_the_table  # noqa: F401
from gridbot_tui.exchange.server.build import build
from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.gate import Signed, admit
from gridbot_tui.exchange.server.settings import LimitOptions, ServeOptions
from gridbot_tui.exchange.server.table import REST
from gridbot_tui.units import DAY, Market
from tests.exchange_server.listening import listening, user_stream
from tests.exchange_server.serving import Served, serving

S = "BTCUSDT"
MINUTE = 60_000


def test_an_order_that_is_good_till_a_date_expires_then_conditional_or_not(served: Served) -> None:
    date = (served.now() + 20 * MINUTE) // 1_000 * 1_000
    with user_stream(served, "ORDER_TRADE_UPDATE/ALGO_UPDATE") as ears:
        plain = served.good("POST", "/fapi/v1/order", symbol=S, side="BUY", type="LIMIT", timeInForce="GTD",
                            goodTillDate=date, quantity="0.1", price="59000")  # fmt: skip
        assert plain["goodTillDate"] == date
        served.good("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol=S, side="BUY", type="STOP",
                    timeInForce="GTD", goodTillDate=date, quantity="0.1", price="61500",
                    triggerPrice="61000")  # fmt: skip
        served.jump(19 * MINUTE)
        assert len(served.good("GET", "/fapi/v1/openOrders", symbol=S)) == 1
        served.jump(2 * MINUTE)
        told = [(f["e"], f["o"].get("x"), f["o"]["X"]) for f in ears.rest()]
    assert told[-2:] == [("ORDER_TRADE_UPDATE", "EXPIRED", "EXPIRED"), ("ALGO_UPDATE", None, "EXPIRED")]
    assert served.good("GET", "/fapi/v1/openOrders", symbol=S) == []
    assert served.good("GET", "/fapi/v1/openAlgoOrders", symbol=S) == []


@pytest.mark.parametrize(("mark", "status"), [(59_000, "FINISHED"), (62_500, "EXPIRED")])
def test_a_protected_order_does_not_trigger_where_last_and_mark_price_are_far_apart(
    served: Served, mark: int, status: str
) -> None:
    served.good("POST", "/fapi/v1/order", symbol=S, side="BUY", type="MARKET", quantity="0.1")
    stop = served.good("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol=S, side="SELL", type="STOP_MARKET",
                       quantity="0.1", triggerPrice="59200", priceProtect="true")  # fmt: skip
    served.price(S, 59_000, mark=mark)
    assert served.good("GET", "/fapi/v1/algoOrder", algoId=stop["algoId"])["algoStatus"] == status
    served.price(S, 60_000, mark=60_000)


@pytest.mark.parametrize(("path", "code"), [("/api/v3/order", -1021), ("/fapi/v1/order", -5028)])
def test_a_request_that_was_in_time_when_it_came_may_be_too_late_for_the_engine(path: str, code: int) -> None:
    now = [1_795_262_400_000]
    place = build((Market.SPOT, Market.FUTURES), ServeOptions(), symbols=(S,), clock=Clock(wall=lambda: now[0] * 1_000))
    raw = {"symbol": S, "side": "BUY", "type": "MARKET", "quantity": "0.1", "timestamp": str(now[0]),
           "recvWindow": "3000"}  # fmt: skip
    payload = urlencode(raw).encode()
    signed = Signed(payload, hmac.new(b"secret", payload, hashlib.sha256).hexdigest())
    row = REST["POST", path]
    came = now[0]
    now[0] += 2_900
    admit(place, row, raw, "key", signed, "", came)
    now[0] += 200
    with pytest.raises(Denied) as why:
        admit(place, row, raw, "key", signed, "", came)
    assert why.value.code == code


def free(served: Served, path: str, asset: str) -> Decimal:
    rows = served.good("GET", path)
    rows = rows["balances"] if isinstance(rows, dict) else rows
    return next(Decimal(r.get("free") or r["balance"]) for r in rows if r["asset"] == asset)


@pytest.mark.parametrize(("market", "switch", "flag", "balance", "rate"), [
    ("/api/v3", "/sapi/v1/bnbBurn", "spotBNBBurn", "/api/v3/account", Decimal("0.00075")),
    ("/fapi/v1", "/fapi/v1/feeBurn", "feeBurn", "/fapi/v3/balance", Decimal("0.00045")),
])  # fmt: skip
def test_fees_are_paid_in_bnb_at_a_discount_once_the_owner_says_so(
    served: Served, market: str, switch: str, flag: str, balance: str, rate: Decimal
) -> None:
    def bought() -> tuple[Any, Decimal]:
        before = free(served, balance, "BNB")
        served.good("POST", f"{market}/order", symbol=S, side="BUY", type="MARKET", quantity="0.01")
        trades = served.good("GET", f"{market}/{'myTrades' if market == '/api/v3' else 'userTrades'}", symbol=S)
        return trades[-1], before - free(served, balance, "BNB")

    assert bought()[0]["commissionAsset"] != "BNB"
    served.good("POST", switch, **{flag: "true"})
    assert served.good("GET", switch)[flag] is True
    trade, paid = bought()
    assert (trade["commissionAsset"], Decimal(trade["commission"])) == ("BNB", paid)
    worth = Decimal(trade["quoteQty"]) * rate
    assert Decimal(100) < worth / paid < Decimal(2_000), "a price of BNB"
    served.good("POST", switch, **{flag: "false"})
    assert bought()[0]["commissionAsset"] != "BNB"


def test_an_address_connects_to_spot_so_often_and_no_more() -> None:
    limits = LimitOptions(spot_connects_5m=3)
    with serving(at=43_202_000) as served:
        served.inside(lambda: setattr(served.app.place.limiter, "options", limits))
        served.inside(lambda: setattr(served.app.place.limiter, "on", True))
        for _ in range(3):
            with listening(served, "/ws"):
                pass
        with pytest.raises(InvalidStatus, match="429"), listening(served, "/ws-api/v3"):
            pass
        with listening(served, "/market/ws"):
            pass


def test_executions_and_orders_of_more_than_a_week_ago_are_found_by_number_or_time_only() -> None:
    with serving(Market.FUTURES) as served:
        began = served.now() - 1_000
        order = served.good("POST", "/fapi/v1/order", symbol=S, side="BUY", type="MARKET", quantity="0.01")
        trade = served.good("GET", "/fapi/v1/userTrades", symbol=S)[0]
        served.jump(8 * DAY)
        for path, name, number in (("userTrades", "fromId", trade["id"]), ("allOrders", "orderId", order["orderId"])):
            search = {"symbol": S, "limit": 10}
            assert served.good("GET", f"/fapi/v1/{path}", **search) == []
            assert len(served.good("GET", f"/fapi/v1/{path}", **search, **{name: number})) == 1
            assert len(served.good("GET", f"/fapi/v1/{path}", **search, startTime=began)) == 1
            assert served.good("GET", f"/fapi/v1/{path}", **search, endTime=served.now()) == []
        status, answer = served.signed("GET", "/fapi/v1/userTrades", symbol=S, fromId=1, startTime=began)
        assert (status, answer["code"]) == (400, -1128)
