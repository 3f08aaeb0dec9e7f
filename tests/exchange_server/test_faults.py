"""The menu of faults, each on the wire."""

import http.client
import json
import time
from typing import Any

import pytest

from gridbot_tui.exchange.server.control import FIELDS
from tests.exchange_server.listening import listening, spot_user_stream, user_stream
from tests.exchange_server.serving import PATIENCE_S, Served

ORDER = "POST /api/v3/order"
BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "59000"}


def place(served: Served, client_id: str = "mine") -> tuple[int, Any]:
    return served.signed("POST", "/api/v3/order", newClientOrderId=client_id, **BUY)


def stands(served: Served, client_id: str = "mine") -> bool:
    return client_id in [row["clientOrderId"] for row in served.good("GET", "/api/v3/openOrders", symbol="BTCUSDT")]


@pytest.mark.parametrize(("rule", "status", "stays"), [
    ({"kind": "backend_timeout", "executed": True}, 408, True),
    ({"kind": "backend_timeout", "executed": False}, 408, False),
    ({"kind": "unknown", "executed": True}, 503, True),
    ({"kind": "unknown", "executed": False}, 503, False),
    ({"kind": "unavailable"}, 503, False),
    ({"kind": "internal"}, 503, False),
    ({"kind": "throttled"}, 503, False),
    ({"kind": "no_code"}, 400, False),
    ({"kind": "html", "status": 403}, 403, False),
    ({"kind": "html", "status": 502}, 502, False),
    ({"kind": "empty", "status": 502}, 502, False),
    ({"kind": "empty", "status": 520}, 520, False),
    ({"kind": "truncated"}, 200, True),
    ({"kind": "rate_limit", "ms": 7_000}, 429, False),
    ({"kind": "refuse", "status": 400, "code": -2010, "msg": "No."}, 400, False),
    ({"kind": "slow", "ms": 50}, 200, True),
    ({"kind": "late", "ms": 50}, 200, True),
])  # fmt: skip
def test_a_request_meets_its_fault_and_the_books_say_whether_it_took_effect(
    served: Served, rule: dict[str, Any], status: int, stays: bool
) -> None:
    served.faults({"on": ORDER, **rule})
    try:
        found = place(served)[0]
    except json.JSONDecodeError:
        found = 200  # half of a body
    assert found == status
    assert stands(served) is stays
    served.faults()


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("kind", ["reset", "timeout"])
def test_no_answer_says_nothing_of_the_outcome(served: Served, kind: str, executed: bool) -> None:
    served.faults({"kind": kind, "on": ORDER, "executed": executed})
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE_S)
    from tests.exchange_server.listening import signed_params

    params = signed_params(served, **BUY, newClientOrderId="mine")
    params.pop("apiKey"), params.pop("signature")
    before = _struck(served, kind)
    _send(connection, params)
    end = time.monotonic() + PATIENCE_S
    while _struck(served, kind) == before:  # whoever leaves before that has asked for nothing
        assert time.monotonic() < end
    connection.sock.settimeout(0.2)
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected, TimeoutError)):
        connection.getresponse()
    connection.close()
    assert stands(served) is executed


def _struck(served: Served, kind: str) -> int:
    """How many requests have met this fault."""
    return int(served.inside(lambda: served.app.place.faults.injected[kind]))


def _send(connection: http.client.HTTPConnection, params: dict[str, Any]) -> None:
    import hashlib
    import hmac
    from urllib.parse import urlencode

    query = urlencode(params)
    signature = hmac.new(b"secret", query.encode(), hashlib.sha256).hexdigest()
    connection.request("POST", f"/api/v3/order?{query}&signature={signature}", headers={"X-MBX-APIKEY": "key"})


def test_system_protection_lets_cancels_and_reducing_orders_through(served: Served) -> None:
    place(served)
    served.faults({"kind": "throttled", "on": "* /api/v3/*", "times": 0}, {"kind": "throttled", "on": "* /fapi/*"})
    assert served.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")[0] == 200
    status, answer = served.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET",
                                   quantity="0.1", reduceOnly="true")  # fmt: skip
    assert (status, answer["code"]) == (400, -2022), "refused for its own sake, not throttled"


def test_the_unknown_error_has_no_code_and_the_second_try_meets_the_first(served: Served) -> None:
    served.faults({"kind": "unknown", "on": ORDER})
    _, answer = place(served)
    assert set(answer) == {"timestamp", "path", "msg"}
    assert place(served)[1]["code"] == -2010, "duplicate: the first one did execute"


def test_rules_count_their_matches_and_end(served: Served) -> None:
    served.faults({"kind": "internal", "on": "GET /api/v3/time", "after": 1, "times": 2})
    assert [served.call("GET", "/api/v3/time")[0] for _ in range(5)] == [200, 503, 503, 200, 200]
    served.faults({"kind": "internal", "on": "GET /api/v3/time", "times": 0, "probability": 0.5})
    seen = [served.call("GET", "/api/v3/time")[0] for _ in range(60)]
    assert 10 < seen.count(503) < 50


@pytest.mark.parametrize(("word", "body", "said"), [
    ("price", {"price": 0}, "a tick of BTCUSDT (0.01) or more, not 0"), ("price", {"price": -5}, "price must be"),
    ("price", {"price": "Infinity"}, "price must be"), ("price", {"price": "abc"}, "not 'abc'"),
    ("price", {"price": 60_000, "mark": "NaN"}, "mark must be"), ("price", {"price": 1e300}, "price must be"),
    ("price", {"price": 60_000, "volume": -1}, "volume must be"), ("speed", {"speed": 0}, "speed must be"),
    ("speed", {"speed": "NaN"}, "speed must be"), ("speed", {"speed": 1e300}, "speed must be"),
    ("jump", {"ms": -1}, "ms must be"), ("jump", {"ms": 10**15}, "ms must be"),
    ("funding", {"rate": "NaN"}, "rate must be"), ("liquidity", {"steps": -5}, "steps must be"),
    ("deposit", {"key": "key", "asset": "USDT", "amount": "NaN"}, "amount must be"),
    ("deposit", {"key": "key", "asset": 5, "amount": 1}, "asset must be a text, not 5"),
    ("deposit", {"key": "key", "asset": "USDT", "amount": 1, "market": []}, "market must be a text"),
    ("fees", {"key": "key", "maker": "0.0002", "taker": "0.2"}, "taker must be"),
    ("price", {"price": 60_000, "symbol": ["BTCUSDT"]}, "symbol must be a text"),
    ("funding", {"rate": 0, "symbol": "NOSUCH"}, "-1121"),
    ("account", {"key": "key", "secret": "s"}, "there is an account of the key key"),
    ("account", {"key": "new", "secret": "s", "balances": {"USDT": "NaN"}}, "0 or more, not NaN USDT"),
    ("account", {"key": "new", "secret": "s", "balances": {"USDT": "-5"}}, "0 or more, not -5 USDT"),
    ("account", {"key": "", "secret": "s"}, "needs a key and a secret"),
    ("account", {"key": "new", "secret": "s", "balance": {"USDT": "5"}}, "takes key, secret, balances, not"),
    ("hold", {"on": "false"}, "on must be true or false, not 'false'"), ("speed", {}, "speed needs speed"),
    ("price", {"price": 60_000, "volum": 5}, "price takes symbol, price, market, volume, mark, not volum"),
    ("pardon", {"everything": True}, "pardon takes nothing, not everything"), ("liquidity", {}, "needs steps"),
    ("deposit", {"key": "key", "asset": "usdt", "amount": 1}, "in capitals, not 'usdt'"),
    ("act", {"kind": "timeout"}, "timeout is no action"), ("act", {"kind": "html", "status": 99}, "status must be"),
    ("act", {"kind": "delist"}, "delist needs a symbol"), ("act", {"kind": "delist", "symbol": "NOSUCH"}, "-1121"),
    ("act", {"kind": "liquidate", "symbol": "NOSUCH"}, "NOSUCH is not served"),
    ("act", {"kind": "silence", "ms": -1}, "ms must be 0 or more"),
    ("act", {"kind": "flood", "count": 0}, "count must"),
])  # fmt: skip
def test_what_means_nothing_is_refused_and_the_exchange_goes_on(
    served: Served, word: str, body: dict[str, object], said: str
) -> None:
    sent = {"symbol": "BTCUSDT", **body} if "symbol" in FIELDS.get(word, "") else body
    status, answer = served.call("POST", f"/control/{word}", json.dumps(sent))
    assert status == 400
    assert said in answer["error"]
    assert served.call("GET", "/fapi/v1/time")[0] == 200
    assert served.call("GET", "/fapi/v1/ticker/price?symbol=BTCUSDT")[1]["price"] == "60000.00"



def test_a_rule_that_is_none_is_refused_with_the_menu(served: Served) -> None:
    status, answer = served.call("POST", "/control/faults", '[{"kind": "gremlins"}]')
    assert (status, "gremlins" in answer["error"], "backend_timeout" in answer["error"]) == (400, True, True)
    assert served.call("POST", "/control/faults", "{")[0] == 400
    for sense, said in (({"times": -1}, "times must be"), ({"probability": 7}, "probability must be from 0 to 1"),
                        ({"from_ms": 10, "until_ms": 5}, "later than from_ms"), ({"ms": -5}, "ms must be 0 or more"),
                        ({"symbol": "NOSUCH"}, "NOSUCH is not served")):  # fmt: skip
        status, answer = served.call("POST", "/control/faults", json.dumps([{"kind": "slow", **sense}]))
        assert (status, said in answer["error"]) == (400, True), answer
    assert served.call("POST", "/control/abracadabra")[0] == 404


def test_events_are_dropped_doubled_delayed_and_change_places(served: Served) -> None:
    def reports(**rule: Any) -> list[str]:
        served.faults({"on": "executionReport", **rule})
        with spot_user_stream(served) as ears:
            place(served)
            served.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")
            frames = ears.until(lambda f: f["event"].get("x") == "NEW") if rule["kind"] == "delay" else ears.rest()
            return [f["event"].get("x", "account") for f in frames]

    assert reports(kind="drop") == ["account", "CANCELED", "account"]
    assert reports(kind="duplicate")[:3] == ["NEW", "NEW", "account"]
    assert reports(kind="reorder")[:3] == ["account", "NEW", "CANCELED"]
    assert reports(kind="delay", ms=400) == ["account", "CANCELED", "account", "NEW"]


def test_events_that_all_change_places_come_in_pairs_and_none_is_lost(served: Served) -> None:
    with listening(served, "/ws/btcusdt@aggTrade") as public, user_stream(served) as ears:
        served.faults({"kind": "reorder", "on": "ORDER_TRADE_UPDATE", "times": 0},
                      {"kind": "reorder", "on": "btcusdt@aggTrade", "times": 0})  # fmt: skip
        for n in range(4):
            served.good("POST", "/fapi/v1/order", newClientOrderId=f"o{n}", **BUY)
        served.control("act", kind="flood", count=4)
        ids = [frame["a"] for frame in public.rest()]
        orders = [frame["o"]["c"] for frame in ears.rest()]
    assert orders == ["o1", "o0", "o3", "o2"]
    assert [number - min(ids) for number in ids] == [1, 0, 3, 2]


def test_a_late_answer_of_the_websocket_api_comes_after_its_request_was_executed(served: Served) -> None:
    from tests.exchange_server.listening import signed_params

    served.faults({"kind": "late", "on": "ws order.place", "ms": 300})
    with listening(served, "/ws-api/v3") as ears:
        ears.socket.send(json.dumps({"id": 1, "method": "order.place", "params": signed_params(served, **BUY)}))
        end = time.monotonic() + PATIENCE_S
        while not served.good("GET", "/api/v3/openOrders", symbol="BTCUSDT"):
            assert time.monotonic() < end
        assert ears.next()["status"] == 200


def test_connections_fall_silent_are_dropped_and_shut_down(served: Served) -> None:
    with listening(served, "/ws/btcusdt@aggTrade") as ears:
        served.control("act", kind="silence", on="/ws/*", ms=0)
        served.price("BTCUSDT", 60_100)
        assert ears.mute()
    with listening(served, "/ws/btcusdt@aggTrade") as ears:
        served.control("act", kind="disconnect", on="btcusdt@*")
        assert ears.closed() == 1006
    with listening(served, "/stream?streams=btcusdt@aggTrade") as ears:
        served.control("act", kind="shutdown", on="/stream*", ms=100)
        assert ears.next()["stream"] == "!serverShutdown"
        assert ears.closed() == 1001


def test_a_flood_comes_whole(served: Served) -> None:
    with listening(served, "/ws/btcusdt@aggTrade") as ears:
        served.control("act", kind="flood", count=500)
        ids = [ears.next()["a"] for _ in range(500)]
    assert ids == list(range(ids[0], ids[0] + 500))


def test_a_skewed_clock_refuses_clients_that_do_not_ask_the_time(served: Served) -> None:
    served.control("act", kind="skew", ms=30_000)
    assert served.signed("GET", "/api/v3/account")[1]["code"] == -1021
    told = served.call("GET", "/api/v3/time")[1]["serverTime"]
    assert served.signed("GET", "/api/v3/account", timestamp=told)[0] == 200
    with listening(served, "/ws/btcusdt@aggTrade") as ears:
        served.control("act", kind="flood", count=1)
        assert ears.next()["E"] >= told, "events tell the same time"
    served.control("act", kind="skew", ms=0)


def test_maintenance_refuses_everything_and_passes(served: Served) -> None:
    served.control("act", kind="maintenance", ms=0)
    assert served.call("GET", "/api/v3/time")[0] == 503
    assert served.call("GET", "/sapi/v1/system/status")[1]["status"] == 1
    served.control("act", kind="maintenance", ms=1)
    end = time.monotonic() + PATIENCE_S
    while served.call("GET", "/api/v3/time")[0] != 200:
        assert time.monotonic() < end


def test_a_maintenance_that_is_told_anew_ends_when_the_latest_says(served: Served) -> None:
    served.control("act", kind="maintenance", ms=50)
    served.control("act", kind="maintenance", ms=0)
    served.faults({"kind": "late", "on": "GET /sapi/v1/system/status", "ms": 100})
    assert served.call("GET", "/sapi/v1/system/status")[1]["status"] == 1, "answered after the first would have ended"
    assert served.call("GET", "/api/v3/time")[0] == 503
    served.control("act", kind="maintenance", ms=1)
    end = time.monotonic() + PATIENCE_S
    while served.call("GET", "/api/v3/time")[0] != 200:
        assert time.monotonic() < end


def test_liquidation_is_told_to_its_owner_and_to_the_public(served: Served) -> None:
    served.good("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
    with user_stream(served) as ears, listening(served, "/market/ws/btcusdt@forceOrder") as public:
        served.control("act", kind="liquidate")
        frames = ears.rest()
        assert public.next()["o"]["S"] == "SELL"
    forced = [f["o"] for f in frames if f["e"] == "ORDER_TRADE_UPDATE"]
    assert [o["x"] for o in forced] == ["NEW", "CALCULATED"]
    assert all(o["c"].startswith("autoclose-") for o in forced)
    assert "INSURANCE_CLEAR" in [f["a"]["m"] for f in frames if f["e"] == "ACCOUNT_UPDATE"]
    assert served.good("GET", "/fapi/v1/forceOrders")[-1]["side"] == "SELL"


def test_deleveraging_takes_half_of_the_position(served: Served) -> None:
    served.good("POST", "/fapi/v1/order", symbol="ETHUSDT", side="SELL", type="MARKET", quantity="4")
    with user_stream(served, "ORDER_TRADE_UPDATE") as ears:
        served.control("act", kind="deleverage", symbol="ETHUSDT")
        orders = [f["o"] for f in ears.rest()]
    assert {o["c"] for o in orders} == {"adl_autoclose"}
    assert served.good("GET", "/fapi/v3/positionRisk", symbol="ETHUSDT")[0]["positionAmt"] == "-2.000"


def test_a_margin_call_comes_before_the_liquidation_that_the_market_makes(served: Served) -> None:
    body = {"key": "thin", "secret": "ice", "balances": {"USDT": "1000"}}
    served.call("POST", "/control/account", json.dumps(body))
    thin = {"key": "thin", "secret": "ice"}
    served.signed("POST", "/fapi/v1/order", **thin, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.3")
    key = served.call("POST", "/fapi/v1/listenKey", key="thin")[1]["listenKey"]
    with listening(served, f"/private/ws?listenKey={key}") as ears:
        for price in (58_500, 57_000, 56_950, 56_900, 56_000):
            served.price("BTCUSDT", price)
        kinds = [(f["e"], f.get("o", {}).get("x")) for f in ears.rest()]
    assert kinds.index(("MARGIN_CALL", None)) < kinds.index(("ORDER_TRADE_UPDATE", "CALCULATED"))
    assert served.signed("GET", "/fapi/v3/positionRisk", **thin)[1] == []
    balance = next(r for r in served.signed("GET", "/fapi/v3/balance", **thin)[1] if r["asset"] == "USDT")
    assert float(balance["balance"]) >= 0, "the insurance fund pays what is missing"
    served.price("BTCUSDT", 60_000)


def test_a_delisted_symbol_is_settled_closed_and_announced(served: Served) -> None:
    served.good("POST", "/fapi/v1/order", symbol="ETHUSDT", side="BUY", type="MARKET", quantity="1")
    served.good("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="ETHUSDT", side="SELL", quantity="1",
                type="STOP_MARKET", triggerPrice="2000")  # fmt: skip
    with user_stream(served) as ears, listening(served, "/market/ws/!contractInfo") as public:
        served.control("act", kind="delist", symbol="ETHUSDT")
        assert public.next()["cs"] == "SETTLING"
        names = [f["o"]["c"] for f in ears.rest() if f["e"] == "ORDER_TRADE_UPDATE"]
    assert any(name.startswith("settlement_autoclose-") for name in names)
    assert served.good("GET", "/fapi/v1/openAlgoOrders", symbol="ETHUSDT") == []
    order = {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
    assert served.signed("POST", "/fapi/v1/order", **order)[1]["code"] == -4140
    assert served.signed("POST", "/api/v3/order", **order)[1]["code"] == -1013
    symbols = served.call("GET", "/fapi/v1/exchangeInfo")[1]["symbols"]
    assert {s["symbol"]: s["status"] for s in symbols}["ETHUSDT"] == "SETTLING"
