"""The WebSocket APIs: requests, sessions, user streams."""

import json
from base64 import b64encode
from typing import Any

import pytest
from Crypto.PublicKey import ECC, RSA
from Crypto.Signature import eddsa

from gridbot_tui.exchange.server.accounts import Secret
from gridbot_tui.units import Market
from tests.exchange_server.listening import Ears, listening, signed_params, spot_user_stream
from tests.exchange_server.serving import Served, serving

PLACE = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "59000",
}


def ask(ears: Ears, served: Served, method: str, **params: Any) -> Any:
    return ears.ask(id=method, method=method, params=signed_params(served, **params))


def tell(ears: Ears, method: str, **params: Any) -> Any:
    return ears.ask(id=method, method=method, params=params)


@pytest.fixture(scope="module")
def edward(exchange: Served) -> ECC.EccKey:
    """The private key of an account whose requests are signed with Ed25519, as a session must be."""
    key = ECC.generate(curve="ed25519")
    public = key.public_key().export_key(format="PEM")
    exchange.control("account", key="edward", secret=public, balances={"USDT": "10000"})
    return key


def log_on(ears: Ears, served: Served, private: ECC.EccKey, **params: Any) -> Any:
    found = {"apiKey": "edward", "timestamp": served.now(), **params}
    payload = "&".join(f"{name}={value}" for name, value in sorted(found.items()))
    signature = b64encode(eddsa.new(private, "rfc8032").sign(payload.encode())).decode()
    return tell(ears, "session.logon", **found, signature=signature)


def test_orders_are_placed_asked_about_and_cancelled(served: Served) -> None:
    with listening(served, "/ws-api/v3") as ears:
        placed = ask(ears, served, "order.place", **PLACE)
        assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
        assert placed["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
        number = placed["result"]["orderId"]
        assert ask(ears, served, "order.status", symbol="BTCUSDT", orderId=number)["result"]["status"] == "NEW"
        assert ask(ears, served, "order.cancel", symbol="BTCUSDT", orderId=number)["result"]["status"] == "CANCELED"
        again = ask(ears, served, "order.cancel", symbol="BTCUSDT", orderId=number)
        assert (again["status"], again["error"]["code"]) == (400, -2011)


@pytest.mark.parametrize(("change", "code"), [
    ({"apiKey": "nobody"}, -2015), ({"signature": "00"}, -1022), ({"signature": None}, -1102),
    ({"timestamp": 1}, -1022), ({"quantity": "x"}, -1100),
])  # fmt: skip
def test_a_wrong_request_is_refused_with_its_id(served: Served, change: dict[str, Any], code: int) -> None:
    with listening(served, "/ws-api/v3") as ears:
        params = {**signed_params(served, **PLACE), **change}
        answer = ears.ask(id=7, method="order.place", params={k: v for k, v in params.items() if v is not None})
    assert (answer["id"], answer["error"]["code"]) == (7, code)


@pytest.mark.parametrize(("change", "code"), [
    ({"timestamp": "9" * 5_000}, -1102), ({"timestamp": "now"}, -1102), ({"recvWindow": 70_000}, -1131),
    ({"recvWindow": "x"}, -1130),
])  # fmt: skip
def test_a_log_on_whose_time_is_none_is_refused(
    served: Served, edward: ECC.EccKey, change: dict[str, Any], code: int
) -> None:
    with listening(served, "/ws-api/v3") as ears:
        assert log_on(ears, served, edward, **change)["error"]["code"] == code
        assert log_on(ears, served, edward, timestamp=served.now() - 20_000)["error"]["code"] == -1021
        late = log_on(ears, served, edward, timestamp=served.now() - 20_000, recvWindow=60_000)
        assert late["result"]["apiKey"] == "edward"


@pytest.mark.parametrize("path", ["/ws-api/v3", "/ws-fapi/v1"])
def test_a_session_takes_no_key_but_an_ed25519_one(served: Served, path: str) -> None:
    with listening(served, path) as ears:
        refused = ask(ears, served, "session.logon")
        assert (refused["status"], refused["error"]["code"]) == (400, -4056)
        assert refused["error"]["msg"] == "HMAC_SHA256 API key is not supported."
        assert tell(ears, "session.status")["result"]["apiKey"] is None
    assert Secret(RSA.generate(1024).public_key().export_key().decode()).kind == "RSA"


def test_a_number_is_what_was_sent(served: Served) -> None:
    """0.00001 has been signed, not 1e-5."""
    params = signed_params(served, **{**PLACE, "quantity": "0.00001", "price": "59000.0"})
    text = json.dumps({"id": 1, "method": "order.test", "params": params})
    with listening(served, "/ws-api/v3") as ears:
        ears.socket.send(text.replace('"0.00001"', "0.00001").replace('"59000.0"', "59000.0"))
        assert ears.next()["error"]["msg"] == "Filter failure: NOTIONAL"
        assert tell(ears, "trades.historical", symbol="BTCUSDT")["status"] == 200


def test_nonsense_is_answered_and_an_unknown_method_too(served: Served) -> None:
    with listening(served, "/ws-api/v3") as ears:
        ears.socket.send("nonsense")
        assert (ears.next()["status"], ears.ask(id=7, method="time", params=["now"])["status"]) == (400, 400)
        assert ask(ears, served, "order.teleport")["error"]["code"] == -1020
        assert tell(ears, "time")["result"]["serverTime"] > 0
        quiet = tell(ears, "ping", returnRateLimits=False)
        assert quiet == {"id": "ping", "status": 200, "result": {}}


def test_a_session_once_logged_on_needs_no_signature(served: Served, edward: ECC.EccKey) -> None:
    with listening(served, "/ws-api/v3") as ears:
        refused = ears.ask(id=1, method="order.place", params=PLACE)
        assert refused["error"]["code"] == -2014
        assert log_on(ears, served, edward)["result"]["apiKey"] == "edward"
        placed = ears.ask(id=2, method="order.place", params={**PLACE, "timestamp": served.now()})
        assert placed["status"] == 200
        assert ears.ask(id=3, method="userDataStream.subscribe", params={})["result"] == {"subscriptionId": 0}
        number = placed["result"]["orderId"]
        params = {"symbol": "BTCUSDT", "orderId": number, "timestamp": served.now()}
        ears.socket.send(json.dumps({"id": "c", "method": "order.cancel", "params": params}))
        frames = [*ears.until(lambda f: f.get("id") == "c"), *ears.rest()]
        assert [f["result"]["status"] for f in frames if "result" in f] == ["CANCELED"]
        assert [f["event"]["x"] for f in frames if "event" in f and "x" in f["event"]] == ["CANCELED"]
        ears.socket.send(json.dumps({"id": 4, "method": "session.logout"}))
        ended, answer = ears.until(lambda f: f.get("id") == 4)
        assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")
        assert (answer["result"]["apiKey"], answer["result"]["userDataStream"]) == (None, False)
        served.control("deposit", key="edward", market="spot", asset="USDT", amount="1")
        assert ears.silent()


def test_each_account_is_heard_once_under_its_number_and_can_be_ended_alone(served: Served) -> None:
    def place_as_both() -> set[int]:
        for key, secret in (("key", "secret"), ("other", "hidden")):
            assert served.signed("POST", "/api/v3/order", key, secret, **PLACE)[0] == 200
        return {frame["subscriptionId"] for frame in ears.rest()}

    with spot_user_stream(served) as ears:
        second = ears.ask(id=2, method="userDataStream.subscribe.signature",
                          params=signed_params(served, apiKey="other", secret="hidden"))  # fmt: skip
        assert second["result"] == {"subscriptionId": 1}
        again = ask(ears, served, "userDataStream.subscribe.signature")
        assert (again["status"], again["error"]["code"]) == (400, -2035)
        assert place_as_both() == {0, 1}
        ears.socket.send(json.dumps({"id": 3, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 0}}))
        ended, answer = ears.until(lambda f: f.get("id") == 3)
        assert (ended["subscriptionId"], ended["event"]["e"], set(ended["event"])) == (
            0, "eventStreamTerminated", {"e", "E"},
        )  # fmt: skip
        assert answer["result"] == {}
        assert place_as_both() == {1}
        assert ask(ears, served, "userDataStream.subscribe.signature")["result"] == {"subscriptionId": 2}
    served.signed("DELETE", "/api/v3/openOrders", "other", "hidden", symbol="BTCUSDT")


def test_a_new_connection_remembers_no_subscription(served: Served) -> None:
    with spot_user_stream(served):
        pass
    with listening(served, "/ws-api/v3") as ears:
        served.good("POST", "/api/v3/order", **PLACE)
        assert ears.silent()


def test_futures_orders_go_over_their_own_api(served: Served) -> None:
    with listening(served, "/ws-fapi/v1") as ears:
        order = {**PLACE, "quantity": "0.1"}
        placed = ask(ears, served, "order.place", **order)["result"]
        changed = ask(ears, served, "order.modify", symbol="BTCUSDT", side="BUY", orderId=placed["orderId"],
                      quantity="0.2", price="58900")  # fmt: skip
        assert changed["result"]["origQty"] == "0.200"
        assert ask(ears, served, "order.cancel", symbol="BTCUSDT", orderId=placed["orderId"])["status"] == 200
        stop = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.1", "stopPrice": "1"}
        assert ask(ears, served, "order.place", **stop)["error"]["code"] == -4120
        algo = ask(ears, served, "algoOrder.place", algoType="CONDITIONAL", symbol="BTCUSDT", side="SELL",
                   type="STOP_MARKET", quantity="0.1", triggerPrice="59000")  # fmt: skip
        assert algo["result"]["algoStatus"] == "NEW"
        assert ask(ears, served, "v2/account.balance")["status"] == 200
        key = ears.ask(id="k", method="userDataStream.start", params={"apiKey": "key"})["result"]["listenKey"]
        assert key == served.call("POST", "/fapi/v1/listenKey")[1]["listenKey"]


@pytest.mark.parametrize(("number", "code"), [
    ("abc", -1130), ("", -1130), ("-1", -1130), (7, -2036), ("7", -2036), (0.5, -1130), ([], -1130), (True, -1130),
])  # fmt: skip
def test_a_subscription_that_there_is_not_is_refused_and_the_others_go_on(
    served: Served, number: Any, code: int
) -> None:
    with spot_user_stream(served) as ears:
        answer = tell(ears, "userDataStream.unsubscribe", subscriptionId=number)
        assert (answer["status"], answer["error"]["code"]) == (400, code)
        assert tell(ears, "session.subscriptions")["result"] == [{"subscriptionId": 0}]


def test_a_signature_of_any_characters_is_answered(served: Served) -> None:
    with listening(served, "/ws-api/v3") as ears:
        for method in ("session.logon", "account.status"):
            answer = tell(ears, method, **{**signed_params(served), "signature": "\N{SNOWMAN}"})
            assert answer["error"]["code"] == -1022


@pytest.mark.parametrize(("path", "longer"), [("/ws-api/v3", ("DAY", 1)), ("/ws-fapi/v1", ("MINUTE", 1))])
def test_an_order_s_answer_tells_its_account_s_counts(served: Served, path: str, longer: tuple[str, int]) -> None:
    with listening(served, path) as ears:
        for price, status in (("59000", 200), ("0", 400)):
            answer = ask(ears, served, "order.place", **{**PLACE, "price": price})
            assert answer["status"] == status
            counts = {(row["rateLimitType"], row["interval"], row["intervalNum"]) for row in answer["rateLimits"]}
            assert counts >= {("ORDERS", "SECOND", 10), ("ORDERS", *longer)}


def test_a_limit_says_when_to_come_again_and_a_ban_ends_the_connection() -> None:
    with serving(Market.SPOT, limits=0.01, at=43_202_000) as served, listening(served, "/ws-api/v3") as ears:
        seen: dict[int, Any] = {}
        while 418 not in seen:
            answer = tell(ears, "time")
            seen[answer["status"]] = answer.get("error")
        assert seen[429]["code"] == seen[418]["code"] == -1003
        soon, late = (seen[status]["data"]["retryAfter"] - seen[status]["data"]["serverTime"] for status in (429, 418))
        assert 0 < soon <= 60_000 < late
        assert ears.closed() == 1008


@pytest.mark.parametrize(("kind", "status"), [("rate_limit", 429), ("ban", 418)])
def test_a_fault_of_the_limits_is_told_as_a_limit_is(served: Served, kind: str, status: int) -> None:
    served.faults({"kind": kind, "on": "ws time", "ms": 30_000})
    with listening(served, "/ws-api/v3") as ears:
        answer = tell(ears, "time")
        served.control("pardon")
        data = answer["error"]["data"]
        assert (answer["status"], answer["error"]["code"]) == (status, -1003)
        assert data["retryAfter"] - data["serverTime"] == 30_000
        if status == 418:
            assert ears.closed() == 1008


def test_system_protection_and_half_an_answer_are_here_what_they_are_over_rest(served: Served) -> None:
    order = {**PLACE, "newClientOrderId": "mine"}
    with listening(served, "/ws-fapi/v1") as ears:
        ask(ears, served, "order.place", **order)
        served.faults({"kind": "throttled", "on": "ws order.*", "times": 0})
        assert ask(ears, served, "order.place", **PLACE)["error"]["code"] == -1008
        assert ask(ears, served, "order.place", **PLACE, reduceOnly="true")["error"]["code"] == -2022
        assert ask(ears, served, "order.cancel", symbol="BTCUSDT", origClientOrderId="mine")["status"] == 200
        served.faults({"kind": "truncated", "on": "ws order.place"})
        ears.socket.send(json.dumps({"id": 1, "method": "order.place", "params": signed_params(served, **order)}))
        with pytest.raises(json.JSONDecodeError):
            ears.next()
    assert served.good("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine")["status"] == "NEW"
