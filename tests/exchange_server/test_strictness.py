"""What Binance refuses, and with which code."""

import hashlib
import hmac
from typing import Any

import pytest

from tests.exchange_server.serving import Served

LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "50000",
}


def refused(served: Served, method: str, path: str, **params: Any) -> int:
    """The code of a signed request that must be refused."""
    status, answer = served.signed(method, path, **params)
    assert status >= 400, answer
    assert set(answer) >= {"code", "msg"}
    return int(answer["code"])


@pytest.mark.parametrize("path", ["/api/v3/order", "/fapi/v1/order"])
def test_a_key_is_needed_known_and_used_with_its_own_secret(served: Served, path: str) -> None:
    assert served.call("GET", path, key=None)[1]["code"] == -2014
    assert served.call("GET", f"{path}?symbol=BTCUSDT", key="nobody")[1]["code"] == -2015
    assert served.signed("GET", path, secret="wrong", symbol="BTCUSDT", orderId=1)[1]["code"] == -1022
    assert served.call("GET", f"{path}?symbol=BTCUSDT&timestamp=1")[1]["code"] == -1102


@pytest.mark.parametrize("place", ["query", "body", "both"])
def test_the_signature_is_over_the_raw_query_and_body_without_anything_between(served: Served, place: str) -> None:
    now = served.now()
    first, second = f"symbol=BTCUSDT&side=BUY&type=LIMIT&timestamp={now}", "timeInForce=GTC&quantity=0.01&price=50000"
    whole = f"{first}&{second}"
    query, body = {"query": (whole, ""), "body": ("", whole), "both": (first, second)}[place]
    signature = hmac.new(b"secret", (query + body).encode(), hashlib.sha256).hexdigest()
    query, body = (query, f"{body}&signature={signature}") if body else (f"{query}&signature={signature}", body)
    status, answer = served.call("POST", "/api/v3/order" + (f"?{query}" if query else ""), body)
    assert status == 200, answer


@pytest.mark.parametrize("path", ["ticker/price", "ticker/24hr", "ticker/bookTicker", "exchangeInfo"])
def test_one_symbol_and_a_list_of_them_do_not_go_together(served: Served, path: str) -> None:
    status, answer = served.call("GET", f"/api/v3/{path}?symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D")
    assert (status, answer["code"]) == (400, -1128)


@pytest.mark.parametrize(("target", "code"), [
    ("/api/v3/exchangeInfo?symbol=BTCUSDT&symbolStatus=TRADING", -1128),
    ("/futures/data/openInterestHist?symbol=BTCUSDT&period=7m", -1130),
    ("/futures/data/basis?pair=BTCUSDT&contractType=PERPETUAL&period=1w", -1130),
])  # fmt: skip
def test_what_does_not_go_together_or_is_no_period_is_refused(served: Served, target: str, code: int) -> None:
    status, answer = served.call("GET", target)
    assert (status, answer["code"]) == (400, code)


def test_a_value_signed_before_it_was_percent_encoded_is_refused(served: Served) -> None:
    now = served.now()
    raw = f"symbol=BTCUSDT&origClientOrderId=a:b/c&timestamp={now}"
    sent = f"symbol=BTCUSDT&origClientOrderId=a%3Ab%2Fc&timestamp={now}"
    wrong = hmac.new(b"secret", raw.encode(), hashlib.sha256).hexdigest()
    right = hmac.new(b"secret", sent.encode(), hashlib.sha256).hexdigest()
    assert served.call("GET", f"/fapi/v1/order?{sent}&signature={wrong}")[1]["code"] == -1022
    assert served.call("GET", f"/fapi/v1/order?{sent}&signature={right}")[1]["code"] == -2013


@pytest.mark.parametrize(("offset", "window", "code"), [
    (0, 5000, 0), (-4500, 5000, 0), (-5500, 5000, -1021), (1500, 5000, -1021), (500, 5000, 0), (-20_000, 60_000, 0),
    (0, 60_001, -1131),
])  # fmt: skip
def test_a_timestamp_counts_inside_its_window_only(served: Served, offset: int, window: int, code: int) -> None:
    stamp = served.now() + offset
    status, answer = served.signed("GET", "/api/v3/account", timestamp=stamp, recvWindow=window)
    assert (status, answer.get("code", 0)) == (400 if code else 200, code)


@pytest.mark.parametrize(("change", "code"), [
    ({"symbol": "NOPEUSDT"}, -1121), ({"side": "HOLD"}, -1117), ({"type": "ICEBERG"}, -1116),
    ({"timeInForce": "GTX"}, -1115), ({"timeInForce": None}, -1102), ({"quantity": None}, -1102),
    ({"price": ""}, -1105), ({"quantity": "1e-5"}, -1100), ({"quantity": "0.123456789"}, -1111),
    ({"quantity": "0.0000001"}, -1013), ({"price": "50000.001"}, -1013), ({"quantity": "0.00001"}, -1013),
    ({"price": "500000"}, -1013), ({"stopPrice": "1"}, -1106), ({"surprise": "1"}, -1104),
    ({"quantity": "9000", "price": "60000"}, -2010), ({"newClientOrderId": "a:b"}, -1100),
    ({"type": "LIMIT_MAKER"}, -1106), ({"icebergQty": "900"}, -2010), ({"pegPriceType": "PRIMARY_PEG"}, -1013),
    ({"type": "LIMIT_MAKER", "timeInForce": None, "price": "60001"}, -2010),
    ({"type": "STOP_LOSS_LIMIT", "side": "SELL", "stopPrice": "61000"}, -2010),
    ({"type": "MARKET", "timeInForce": None, "price": None, "quoteOrderQty": "100"}, -1128),
])  # fmt: skip
def test_spot_refuses_a_new_order(served: Served, change: dict[str, str | None], code: int) -> None:
    params = {name: value for name, value in {**LIMIT, **change}.items() if value is not None}
    assert refused(served, "POST", "/api/v3/order", **params) == code


def test_a_name_sent_twice_is_refused(served: Served) -> None:
    assert served.call("GET", "/api/v3/depth?symbol=BTCUSDT&symbol=ETHUSDT")[1]["code"] == -1101


@pytest.mark.parametrize(("change", "code"), [
    ({"symbol": "NOPEUSDT"}, -1121), ({"timeInForce": None}, -1102), ({"price": "50000.05"}, -4014),
    ({"quantity": "0.0001"}, -1111), ({"price": "50000.123"}, -1111), ({"quantity": "0"}, -4003),
    ({"quantity": "5000"}, -4005), ({"quantity": "0.001", "price": "57001"}, 0), ({"price": "70000"}, -4016),
    ({"quantity": "0.001", "price": "20000"}, -4164), ({"side": "SELL", "price": "50000"}, -4024),
    ({"timeInForce": "GTX", "price": "60001"}, -5022), ({"reduceOnly": "true"}, -2022),
    ({"positionSide": "LONG"}, -4061), ({"newClientOrderId": "a b"}, -4015), ({"type": "STOP_MARKET"}, -4120),
    ({"type": "TRAILING_STOP_MARKET"}, -4120), ({"quantity": "60"}, -2019), ({"timeInForce": "GTD"}, -1102),
    ({"timeInForce": "GTD", "goodTillDate": "1"}, -1130), ({"stopPrice": "1"}, -1106), ({"surprise": "1"}, 0),
    ({"timeInForce": "FOK", "price": "60001", "quantity": "900"}, -5021),
    ({"type": "MARKET", "price": None, "timeInForce": None, "closePosition": "true"}, -4136),
    ({"type": "MARKET", "price": None, "timeInForce": None, "quantity": None, "closePosition": "true"}, -4136),
    ({"priceMatch": "QUEUE"}, -1106),
])  # fmt: skip
def test_futures_refuse_a_new_order(served: Served, change: dict[str, str | None], code: int) -> None:
    given = {**LIMIT, "quantity": "0.1", **change}
    params = {name: value for name, value in given.items() if value is not None}
    status, answer = served.signed("POST", "/fapi/v1/order", **params)
    assert (status == 200) is (code == 0), answer
    assert answer.get("code", 0) == code


@pytest.mark.parametrize(("change", "code"), [
    ({"triggerPrice": "61000"}, -2021), ({"triggerPrice": None}, -1102), ({"quantity": None}, -1102),
    ({"closePosition": "true"}, -4137), ({"type": "STOP", "closePosition": "true"}, -4136),
    ({"type": "LIMIT"}, -1116), ({"type": "STOP"}, -1102), ({"algoType": "VP"}, -1130), ({"algoType": None}, -1102),
    ({"type": "TRAILING_STOP_MARKET", "triggerPrice": None}, -1102),
    ({"type": "TRAILING_STOP_MARKET", "triggerPrice": None, "callbackRate": "25"}, -1130),
    ({"clientAlgoId": "no spaces please"}, -4015),
    ({"type": "TRAILING_STOP_MARKET", "triggerPrice": None, "callbackRate": "1", "activatePrice": "60000"}, -2021),
    ({"type": "TRAILING_STOP_MARKET", "triggerPrice": None, "callbackRate": "1", "activatePrice": "61000",
      "side": "BUY"}, -2021),
])  # fmt: skip
def test_the_algo_service_refuses(served: Served, change: dict[str, str | None], code: int) -> None:
    good: dict[str, str | None] = {
        "algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.1",
        "triggerPrice": "59000",
    }  # fmt: skip
    params = {name: value for name, value in {**good, **change}.items() if value is not None}
    assert refused(served, "POST", "/fapi/v1/algoOrder", **params) == code


@pytest.mark.parametrize(("path", "duplicate"), [("/api/v3/order", -2010), ("/fapi/v1/order", -4116)])
def test_a_client_id_is_unique_among_open_orders_only(served: Served, path: str, duplicate: int) -> None:
    order = {**LIMIT, "quantity": "0.1", "newClientOrderId": "mine"}
    first = served.good("POST", path, **order)
    assert refused(served, "POST", path, **order) == duplicate
    served.good("DELETE", path, symbol="BTCUSDT", origClientOrderId="mine")
    second = served.good("POST", path, **order)
    assert second["orderId"] != first["orderId"]
    found = served.good("GET", path, symbol="BTCUSDT", origClientOrderId="mine")
    assert (found["orderId"], found["status"]) == (second["orderId"], "NEW")


@pytest.mark.parametrize(("method", "path", "params", "code"), [
    ("DELETE", "/api/v3/order", {"orderId": 1}, -2011), ("GET", "/api/v3/order", {"orderId": 1}, -2013),
    ("DELETE", "/fapi/v1/order", {"orderId": 1}, -2011), ("GET", "/fapi/v1/order", {"orderId": 1}, -2013),
    ("GET", "/api/v3/order", {}, -1102), ("DELETE", "/api/v3/openOrders", {}, -2011),
    ("DELETE", "/fapi/v1/algoOrder", {"algoId": 1}, -2011), ("POST", "/fapi/v1/leverage", {"leverage": 500}, -4028),
    ("POST", "/fapi/v1/marginType", {"marginType": "CROSSED"}, -4046),
    ("POST", "/fapi/v1/positionMargin", {"amount": "1", "type": "1"}, -4049),
])  # fmt: skip
def test_what_is_not_there_or_needs_no_change(served: Served, method: str, path: str, params: dict[str, Any],
                                              code: int) -> None:  # fmt: skip
    assert refused(served, method, path, symbol="BTCUSDT", **params) == code


def test_modes_that_are_not_offered_say_so(served: Served) -> None:
    assert refused(served, "POST", "/fapi/v1/positionSide/dual", dualSidePosition="true") == -4531
    assert refused(served, "POST", "/fapi/v1/positionSide/dual", dualSidePosition="false") == -4059
    assert refused(served, "POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="false") == -4171
    assert served.call("POST", "/api/v3/userDataStream")[0] == 410


@pytest.mark.parametrize("target", [
    "/api/v3/historicalTrades?symbol=BTCUSDT", "/api/v3/depth?symbol=BTCUSDT&symbolStatus=TRADING",
    "/api/v3/historicalBlockTrades?symbol=BTCUSDT&fromId=1",
])  # fmt: skip
def test_public_data_of_spot_ask_for_no_key(served: Served, target: str) -> None:
    assert served.call("GET", target, key=None)[0] == 200


def test_symbols_of_other_permissions_are_none(served: Served) -> None:
    for asked, count in (("SPOT", 2), ("%5B%22SPOT%22%2C%22MARGIN%22%5D", 2), ("MARGIN", 0)):
        assert len(served.call("GET", f"/api/v3/exchangeInfo?permissions={asked}")[1]["symbols"]) == count


@pytest.mark.parametrize("path", ["orderList/opo", "orderList/opoco", "sor/order", "sor/order/test"])
def test_what_no_symbol_allows_is_refused_in_so_many_words(served: Served, path: str) -> None:
    """Not for the parameters that such an order has."""
    more = {"workingType": "LIMIT", "workingSide": "BUY", "pendingType": "MARKET", "side": "BUY", "quantity": "0.01"}
    assert refused(served, "POST", f"/api/v3/{path}", symbol="BTCUSDT", **more) == -1013


def test_what_clients_ask_of_the_wallet_at_their_start(served: Served) -> None:
    held = {row["asset"]: row["free"] for row in served.good("POST", "/sapi/v3/asset/getUserAsset")}
    assert held["BTC"] == "1.00000000"
    only = served.good("POST", "/sapi/v3/asset/getUserAsset", asset="BTC", needBtcValuation="false")
    assert [row["asset"] for row in only] == ["BTC"]
    assert served.good("POST", "/sapi/v1/asset/get-funding-asset") == []
    assert served.good("GET", "/sapi/v1/account/status") == {"data": "Normal"}
    trading = served.good("GET", "/sapi/v1/account/apiTradingStatus")["data"]
    assert (trading["isLocked"], set(trading["triggerCondition"])) == (False, {"GCR", "IFER", "UFR"})
    assert served.good("GET", "/sapi/v1/account/info")["isFutureEnabled"] is True
    assert set(served.good("GET", "/sapi/v1/asset/assetDetail")) == {"BTC", "ETH", "BNB", "USDT"}
    assert served.good("GET", "/sapi/v1/asset/assetDetail", asset="BTC")["BTC"]["withdrawStatus"] is False
    assert served.call("GET", "/sapi/v1/spot/delist-schedule")[1] == []
    assert served.good("GET", "/fapi/v1/positionMargin/history", symbol="BTCUSDT") == []


def test_a_conditional_order_is_found_by_names_in_small_letters_too(served: Served) -> None:
    """As Binance's page of the call wrote them at first, and node-binance-api does."""
    stop = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.1"}
    first, second = (served.good("POST", "/fapi/v1/algoOrder", **stop, triggerPrice="59000") for _ in range(2))
    assert served.good("DELETE", "/fapi/v1/algoOrder", algoid=first["algoId"])["algoId"] == first["algoId"]
    gone = served.good("DELETE", "/fapi/v1/algoOrder", clientalgoid=second["clientAlgoId"])
    assert gone["algoId"] == second["algoId"]


def test_what_looks_like_a_query_of_a_database_meets_the_firewall(served: Served) -> None:
    assert served.call("GET", "/api/v3/depth?symbol=BTCUSDT&x=select%201")[0] == 403


def test_public_data_refuse_wrong_limits_and_intervals(served: Served) -> None:
    for target, code in (("/fapi/v1/depth?symbol=BTCUSDT&limit=7", -1130), ("/api/v3/klines?symbol=BTCUSDT", -1102),
                         ("/api/v3/klines?symbol=BTCUSDT&interval=7m", -1120), ("/api/v3/depth?symbol=X", -1121),
                         ("/api/v3/ticker/price?symbols=BTC", -1100)):  # fmt: skip
        assert served.call("GET", target)[1]["code"] == code, target


def test_ed25519_and_rsa_signatures_verify() -> None:
    from base64 import b64encode

    from Crypto.Hash import SHA256
    from Crypto.PublicKey import ECC, RSA
    from Crypto.Signature import eddsa, pkcs1_15

    from gridbot_tui.exchange.server.accounts import Secret

    edwards, rsa = ECC.generate(curve="ed25519"), RSA.generate(1024)
    for public, raw in (
        (edwards.public_key().export_key(format="PEM"), eddsa.new(edwards, "rfc8032").sign(b"a=1")),
        (rsa.public_key().export_key().decode(), pkcs1_15.new(rsa).sign(SHA256.new(b"a=1"))),
    ):
        secret = Secret(public)
        assert secret.verify(b"a=1", b64encode(raw).decode())
        assert not secret.verify(b"a=2", b64encode(raw).decode())
        assert not secret.verify(b"a=1", "no base64 at all")
        assert not secret.verify(b"a=1", "\N{SNOWMAN}")


@pytest.mark.parametrize(("target", "code"), [
    ("/api/v3/ticker/price?symbol=btcusdt", -1100), ("/api/v3/ticker/price?symbol=BTC-USDT", -1121),
    ("/fapi/v1/ticker/price?symbol=btcusdt", 0), ("/api/v3/depth?symbol=BTCUSDT&limit=ten", -1100),
    ("/api/v3/aggTrades?symbol=BTCUSDT&fromId=-1", -1100), ("/fapi/v1/depth?symbol=BTCUSDT&limit=ten", -1102),
])  # fmt: skip
def test_spot_takes_capitals_and_digits_and_says_so(served: Served, target: str, code: int) -> None:
    status, answer = served.call("GET", target)
    assert (status, answer.get("code", 0)) == (400 if code else 200, code)


@pytest.mark.parametrize("signature", ["%C3%A9", "%E2%98%83", "%00", "=", "zz"])
@pytest.mark.parametrize("path", ["/api/v3/account", "/fapi/v3/account"])
def test_a_signature_of_any_characters_is_a_wrong_one_at_most(served: Served, path: str, signature: str) -> None:
    status, answer = served.call("GET", f"{path}?timestamp={served.now()}&signature={signature}")
    assert (status, answer["code"]) == (400, -1022)


@pytest.mark.parametrize("numbers", ['["one"]', "[]", "[null]", "no list", "[1,2,3,4,5,6,7,8,9,10,11]"])
def test_a_batch_of_cancels_without_numbers_is_refused_whole(served: Served, numbers: str) -> None:
    assert refused(served, "DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderIdList=numbers) == -1130


def test_candles_of_a_time_that_has_no_date_are_none(served: Served) -> None:
    for path in ("/api/v3/klines", "/fapi/v1/klines", "/fapi/v1/premiumIndexKlines"):
        answer = served.call("GET", f"{path}?symbol=BTCUSDT&interval=1M&startTime=9223372036854775807")
        assert answer == (200, [])


def test_one_stop_and_one_take_profit_a_side_may_close_a_position(served: Served) -> None:
    close = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "closePosition": "true"}
    stop = {"type": "STOP_MARKET", "triggerPrice": "50000"}
    gain = {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "70000"}
    first = served.good("POST", "/fapi/v1/algoOrder", **close, **stop)
    served.good("POST", "/fapi/v1/algoOrder", **close, **gain)
    served.good("POST", "/fapi/v1/algoOrder", **{**close, **stop, "side": "BUY", "triggerPrice": "70000"})
    assert refused(served, "POST", "/fapi/v1/algoOrder", **{**close, **stop, "triggerPrice": "51000"}) == -4130
    served.good("DELETE", "/fapi/v1/algoOrder", algoId=first["algoId"])
    served.good("POST", "/fapi/v1/algoOrder", **{**close, **stop, "triggerPrice": "51000"})


@pytest.mark.parametrize(("side", "far", "word"), [("BUY", "70000", "higher"), ("SELL", "50000", "lower")])
def test_a_price_too_far_away_is_told_how_far_it_may_go(served: Served, side: str, far: str, word: str) -> None:
    order = {**LIMIT, "side": side, "quantity": "0.1"}
    status, answer = served.signed("POST", "/fapi/v1/order", **{**order, "price": far})
    assert status == 400
    assert answer["msg"].startswith(f"Limit price can't be {word} than ")
    bound = answer["msg"].rsplit(" ", 1)[1].rstrip(".")
    beyond = float(bound) + (0.1 if side == "BUY" else -0.1)
    assert refused(served, "POST", "/fapi/v1/order", **{**order, "price": f"{beyond:.1f}"}) == answer["code"]
    served.good("POST", "/fapi/v1/order/test", **{**order, "price": bound})
