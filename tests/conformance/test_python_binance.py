"""python-binance, which the adapter is built upon: lives of orders over REST, both WebSocket APIs, every socket."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.conformance.python_binance import client, sockets
from tests.exchange_server.serving import Served

S = "BTCUSDT"
LIMIT = {"symbol": S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1"}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """websockets asks the environment for a proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def price(served: Served, value: float, **more: Any) -> None:
    await asyncio.to_thread(lambda: served.price(S, value, **more))


async def control(served: Served, word: str, **body: Any) -> None:
    await asyncio.to_thread(lambda: served.control(word, **body))


async def refusal(call: Any) -> int:
    """The code of a call that must be refused."""
    from binance.exceptions import BinanceAPIException

    with pytest.raises(BinanceAPIException) as why:
        await call
    return int(why.value.code)


# -- REST -------------------------------------------------------------------------------------------------


async def test_a_spot_order_lives_its_whole_life(served: Served) -> None:
    async with client(served) as c:
        assert (await c.get_symbol_info(S))["symbol"] == S
        placed = await c.create_order(**LIMIT, price="59000", newClientOrderId="a-1")
        assert (placed["status"], placed["clientOrderId"], placed["fills"]) == ("NEW", "a-1", [])
        assert await refusal(c.create_order(**LIMIT, price="59000", newClientOrderId="a-1")) == -2010
        await price(served, 58_999, volume=0.04)
        part = await c.get_order(symbol=S, origClientOrderId="a-1")
        assert (part["status"], float(part["executedQty"])) == ("PARTIALLY_FILLED", 0.04)
        await price(served, 58_900)
        assert (await c.get_order(symbol=S, orderId=placed["orderId"]))["status"] == "FILLED"
        trades = await c.get_my_trades(symbol=S)
        assert [float(t["qty"]) for t in trades] == [0.04, 0.06]
        assert {t["commissionAsset"] for t in trades} == {"BTC"}
        sold = await c.order_market_sell(symbol=S, quantity="0.05")
        assert (sold["status"], sold["fills"][0]["commissionAsset"]) == ("FILLED", "USDT")
        rest = await c.create_order(symbol=S, side="SELL", type="LIMIT_MAKER", quantity="0.05", price="61000")
        assert [o["orderId"] for o in await c.get_open_orders(symbol=S)] == [rest["orderId"]]
        assert (await c.cancel_order(symbol=S, orderId=rest["orderId"]))["status"] == "CANCELED"
        assert await refusal(c.cancel_order(symbol=S, orderId=rest["orderId"])) == -2011
        assert len(await c.get_all_orders(symbol=S)) == 3


async def test_spot_orders_are_replaced_amended_tested_and_stopped(served: Served) -> None:
    async with client(served) as c:
        first = await c.create_order(**LIMIT, price="59000")
        both = await c.cancel_replace_order(**LIMIT, price="59100", cancelOrderId=first["orderId"],
                                            cancelReplaceMode="STOP_ON_FAILURE")  # fmt: skip
        assert (both["cancelResult"], both["newOrderResult"]) == ("SUCCESS", "SUCCESS")
        assert await c.create_test_order(**LIMIT, price="59000") == {}
        await c.create_order(symbol=S, side="SELL", type="STOP_LOSS_LIMIT", timeInForce="GTC", quantity="0.1",
                             price="58000", stopPrice="58500")  # fmt: skip
        await price(served, 58_400)
        assert await c.get_open_orders(symbol=S) == []
        assert float((await c.get_asset_balance("BTC"))["free"]) == pytest.approx(1 - 0.1 + 0.1 * 0.999)


async def test_of_two_orders_in_a_list_one_cancels_the_other(served: Served) -> None:
    async with client(served) as c:
        placed = await c.order_oco_sell(symbol=S, quantity="0.1", aboveType="LIMIT_MAKER", abovePrice="61000",
                                        belowType="STOP_LOSS", belowStopPrice="59000")  # fmt: skip
        await price(served, 61_100)
        orders = await c.get_all_orders(symbol=S)
        assert {o["orderListId"] for o in orders} == {placed["orderListId"]}
        assert sorted(o["status"] for o in orders) == ["EXPIRED", "FILLED"]


async def test_a_futures_order_lives_its_whole_life(served: Served) -> None:
    async with client(served) as c:
        assert await refusal(c.futures_change_margin_type(symbol=S, marginType="CROSSED")) == -4046
        assert (await c.futures_change_leverage(symbol=S, leverage=10))["leverage"] == 10
        assert (await c.futures_get_position_mode())["dualSidePosition"] is False
        order = await c.futures_create_order(**LIMIT, price="59000", newClientOrderId="f-1")
        assert order["status"] == "NEW"
        assert await refusal(c.futures_create_order(**LIMIT, price="59000", newClientOrderId="f-1")) == -4116
        changed = await c.futures_modify_order(symbol=S, side="BUY", orderId=order["orderId"], quantity="0.2",
                                               price="59500")  # fmt: skip
        assert (changed["origQty"], changed["price"]) == ("0.200", "59500")
        await price(served, 59_499, volume=0.05)
        assert (await c.futures_get_order(symbol=S, orderId=order["orderId"]))["status"] == "PARTIALLY_FILLED"
        await price(served, 59_400)
        position = (await c.futures_position_information(symbol=S))[0]
        assert (position["positionAmt"], position["entryPrice"]) == ("0.200", "59500")
        assert await refusal(c.futures_create_order(**LIMIT, price="59300", reduceOnly="true")) == -2022
        closed = await c.futures_create_order(symbol=S, side="SELL", type="MARKET", quantity="0.5", reduceOnly="true",
                                              newOrderRespType="RESULT")  # fmt: skip
        assert (closed["status"], closed["executedQty"]) == ("EXPIRED", "0.200")
        assert await c.futures_position_information(symbol=S) == []
        kinds = {row["incomeType"] for row in await c.futures_income_history(symbol=S)}
        assert kinds == {"COMMISSION", "REALIZED_PNL"}


async def test_conditional_orders_go_where_the_library_sends_them(served: Served) -> None:
    async with client(served) as c:
        await c.futures_create_order(symbol=S, side="BUY", type="MARKET", quantity="0.2")
        stop = await c.futures_create_order(symbol=S, side="SELL", type="STOP_MARKET", stopPrice="59000",
                                            quantity="0.2", reduceOnly="true", newClientOrderId="lost")  # fmt: skip
        assert stop["algoStatus"] == "NEW"
        assert stop["clientAlgoId"] != "lost", "the library drops the id: pass clientAlgoId"
        mine = await c.futures_create_order(symbol=S, side="SELL", type="TRAILING_STOP_MARKET", callbackRate="1",
                                            quantity="0.1", clientAlgoId="t-1")  # fmt: skip
        assert mine["clientAlgoId"] == "t-1"
        assert await c.futures_get_open_orders(symbol=S) == []
        assert len(await c.futures_get_open_orders(symbol=S, conditional=True)) == 2
        assert (await c.futures_get_order(clientAlgoId="t-1"))["algoId"] == mine["algoId"]
        await c.futures_cancel_order(clientAlgoId="t-1")
        await price(served, 58_900)
        fired = await c.futures_get_order(algoId=stop["algoId"])
        assert (fired["algoStatus"], fired["actualOrderId"] != "") == ("FINISHED", True)
        assert await c.futures_position_information(symbol=S) == []
        batch = [{**LIMIT, "price": str(58_000 - n), "newClientOrderId": f"b-{n}"} for n in range(3)]
        placed = await c.futures_place_batch_order(batchOrders=batch)
        assert [row["clientOrderId"] for row in placed] == ["b-0", "b-1", "b-2"]
        gone = await c.futures_cancel_orders(symbol=S, orderidlist=[placed[0]["orderId"]])
        assert gone[0]["status"] == "CANCELED"
        await c.futures_countdown_cancel_all(symbol=S, countdownTime=0)
        await c.futures_cancel_all_open_orders(symbol=S)
        assert await c.futures_get_open_orders(symbol=S) == []


PUBLIC: dict[str, Callable[[Any], Any]] = {
    "exchange info": lambda c: c.get_exchange_info(),
    "book": lambda c: c.get_order_book(symbol=S),
    "candles": lambda c: c.get_klines(symbol=S, interval="1h"),
    "older candles": lambda c: c.get_historical_klines(S, "1h", "30 hours ago UTC"),
    "day": lambda c: c.get_ticker(symbol=S),
    "prices": lambda c: c.get_all_tickers(),
    "best": lambda c: c.get_orderbook_tickers(),
    "average": lambda c: c.get_avg_price(symbol=S),
    "account": lambda c: c.get_account(),
    "fees": lambda c: c.get_trade_fee(symbol=S),
    "rights": lambda c: c.get_account_api_permissions(),
    "futures info": lambda c: c.futures_exchange_info(),
    "futures book": lambda c: c.futures_order_book(symbol=S),
    "futures candles": lambda c: c.futures_klines(symbol=S, interval="15m"),
    "older futures candles": lambda c: c.futures_historical_klines(S, "1h", "30 hours ago UTC"),
    "mark candles": lambda c: c.futures_mark_price_klines(symbol=S, interval="1h"),
    "marks": lambda c: c.futures_mark_price(),
    "funding": lambda c: c.futures_funding_rate(symbol=S),
    "futures day": lambda c: c.futures_ticker(symbol=S),
    "futures best": lambda c: c.futures_orderbook_ticker(symbol=S),
    "brackets": lambda c: c.futures_leverage_bracket(symbol=S),
    "futures account": lambda c: c.futures_account(),
    "futures balance": lambda c: c.futures_account_balance(),
    "futures fees": lambda c: c.futures_commission_rate(symbol=S),
    "futures settings": lambda c: c.futures_account_config(),
    "symbol settings": lambda c: c.futures_symbol_config(symbol=S),
    "queue of deleveraging": lambda c: c.futures_adl_quantile_estimate(symbol=S),
}


async def test_every_question_the_library_asks_is_answered(served: Served) -> None:
    async with client(served) as c:
        empty = [name for name, ask in PUBLIC.items() if not await ask(c)]
    assert empty == []


async def test_funding_and_liquidation_reach_an_account(served: Served) -> None:
    async with client(served) as c:
        await c.futures_change_leverage(symbol=S, leverage=100)
        await c.futures_create_order(symbol=S, side="BUY", type="MARKET", quantity="1")
        await control(served, "funding", symbol=S, rate=0.001)
        (paid,) = await c.futures_income_history(incomeType="FUNDING_FEE")
        assert float(paid["income"]) == pytest.approx(-60, abs=0.1)
        await control(served, "deposit", key="key", market="futures", asset="USDT", amount=-98_000)
        await price(served, 55_000)
        assert await c.futures_position_information(symbol=S) == []
        assert (await c.futures_liquidation_orders(symbol=S))[-1]["side"] == "SELL"


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
async def test_keys_of_both_other_kinds_sign_rest_and_the_spot_websocket_api(served: Served, kind: str) -> None:
    from Crypto.PublicKey import ECC, RSA

    private: Any = ECC.generate(curve="ed25519") if kind == "ed25519" else RSA.generate(1024)
    public = private.public_key().export_key(format="PEM")
    pem = private.export_key(format="PEM") if kind == "ed25519" else private.export_key(pkcs=8)
    text = public if isinstance(public, str) else public.decode()
    await control(served, "account", key=kind, secret=text, balances={"USDT": "1000"})
    given = pem if isinstance(pem, str) else pem.decode()
    async with client(served, kind, None, private_key=given) as c:
        assert (await c.get_asset_balance("USDT"))["free"] == "1000.00000000"
        order = await c.futures_create_order(**{**LIMIT, "quantity": "0.01"}, price="59000")
        assert (await c.futures_cancel_order(symbol=S, orderId=order["orderId"]))["status"] == "CANCELED"
        assert (await c.ws_get_account())["balances"] != []


async def test_faults_become_what_the_library_makes_of_them(served: Served) -> None:
    from binance.exceptions import BinanceAPIException

    async with client(served) as c:
        menu: list[tuple[dict[str, Any], int | None]] = [
            ({"kind": "unknown"}, None), ({"kind": "html", "status": 502}, 0), ({"kind": "throttled"}, -1008),
            ({"kind": "rate_limit", "ms": 3_000}, -1003),
        ]  # fmt: skip
        for rule, code in menu:
            await asyncio.to_thread(served.faults, {"on": "POST /fapi/v1/order", **rule})
            with pytest.raises(BinanceAPIException) as why:
                await c.futures_create_order(**LIMIT, price="59000")
            assert why.value.code == code
        assert why.value.response.headers["Retry-After"] == "3"


# -- the WebSocket APIs ---------------------------------------------------------------------------------------


async def test_orders_go_over_both_websocket_apis(served: Served) -> None:
    async with client(served) as c:
        placed = await c.ws_create_order(**LIMIT, price="59000")
        assert (await c.ws_get_order(symbol=S, orderId=placed["orderId"]))["status"] == "NEW"
        assert (await c.ws_cancel_order(symbol=S, orderId=placed["orderId"]))["status"] == "CANCELED"
        other = await c.ws_futures_create_order(**LIMIT, price="59000")
        assert (await c.ws_futures_get_order(symbol=S, orderId=other["orderId"]))["status"] == "NEW"
        edited = await c.ws_futures_edit_order(symbol=S, side="BUY", orderId=other["orderId"], quantity="0.2",
                                               price="59000")  # fmt: skip
        assert edited["origQty"] == "0.200"
        assert (await c.ws_futures_cancel_order(symbol=S, orderId=other["orderId"]))["status"] == "CANCELED"
        assert (await c.ws_get_account())["accountType"] == "SPOT"
        assert (await c.ws_futures_v2_account_balance())[0]["asset"]


# -- sockets ----------------------------------------------------------------------------------------------

SPOT_SOCKETS: dict[str, Callable[[Any], Any]] = {
    "kline": lambda m: m.kline_socket(S),
    "aggTrade": lambda m: m.aggtrade_socket(S),
    "trade": lambda m: m.trade_socket(S),
    "depthUpdate": lambda m: m.depth_socket(S),
    "24hrTicker": lambda m: m.symbol_ticker_socket(S),
    "24hrMiniTicker": lambda m: m.symbol_miniticker_socket(S),
}
FUTURES_SOCKETS: dict[str, Callable[[Any], Any]] = {
    "aggTrade": lambda m: m.aggtrade_futures_socket(S),
    "markPriceUpdate": lambda m: m.symbol_mark_price_socket(S),
    "continuous_kline": lambda m: m.kline_futures_socket(S),
    "bookTicker": lambda m: m.symbol_ticker_futures_socket(S),
    "depthUpdate": lambda m: m.futures_multiplex_socket(["btcusdt@depth@100ms"], category="public"),
    "kline": lambda m: m.futures_multiplex_socket(["btcusdt@kline_1m"], category="market"),
}


@pytest.mark.parametrize("menu", [SPOT_SOCKETS, FUTURES_SOCKETS], ids=["spot", "futures"])
async def test_every_market_socket_brings_its_event(
    served: Served, menu: dict[str, Callable[[Any], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(served) as c, sockets(served, c, monkeypatch) as manager, AsyncExitStack() as open_sockets:
        ears = {name: await open_sockets.enter_async_context(make(manager)) for name, make in menu.items()}

        async def heard(name: str) -> str:
            while True:
                frame = await ears[name].recv()
                if frame is not None:
                    return str(frame.get("data", frame)["e"])

        tasks = [asyncio.create_task(heard(name)) for name in ears]
        for step in range(600):
            await price(served, 60_010 + step)
            if (await asyncio.wait(tasks, timeout=0.1))[1] == set():
                break
        assert [task.result() for task in tasks] == list(menu)


async def until(socket: Any, wanted: Callable[[Any], bool]) -> list[Any]:
    """Everything a socket brings up to the first that is wanted."""
    found: list[Any] = []

    async def collect() -> None:
        while not (found and wanted(found[-1])):
            frame = await socket.recv()
            if frame is not None:
                found.append(frame)

    await asyncio.wait_for(collect(), 60)
    return found


async def test_the_spot_user_socket_tells_of_a_fill_and_what_it_left(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(served) as c, sockets(served, c, monkeypatch) as manager, manager.user_socket() as ears:
        await c.create_order(**LIMIT, price="59000", newClientOrderId="u-1")
        await price(served, 58_900)
        frames = await until(ears, lambda f: f["e"] == "executionReport" and f["X"] == "FILLED")
        frames += await until(ears, lambda f: f["e"] == "outboundAccountPosition")
        reports = [(f["x"], f["c"]) for f in frames if f["e"] == "executionReport"]
        assert reports == [("NEW", "u-1"), ("TRADE", "u-1")]


async def test_the_futures_user_socket_tells_of_orders_positions_and_settings(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(served) as c, sockets(served, c, monkeypatch) as manager, manager.futures_user_socket() as ears:
        await c.futures_change_leverage(symbol=S, leverage=7)
        await c.futures_create_order(symbol=S, side="BUY", type="MARKET", quantity="0.1")
        frames = await until(ears, lambda f: f["e"] == "ACCOUNT_UPDATE")
        assert [f["e"] for f in frames] == ["ACCOUNT_CONFIG_UPDATE", "ORDER_TRADE_UPDATE", "TRADE_LITE",
                                            "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]  # fmt: skip
        assert frames[-1]["a"]["P"][0]["pa"] == "0.100"
        await control(served, "act", kind="disconnect", on="/private/*")
        errors = await until(ears, lambda f: f["e"] == "error" and f["type"] == "BinanceWebsocketClosed")
        assert errors[0]["type"] in ("ConnectionClosedError", "ConnectionClosedOK")
        again = asyncio.create_task(until(ears, lambda f: f["e"] == "ACCOUNT_CONFIG_UPDATE"))
        for leverage in range(8, 100):
            await c.futures_change_leverage(symbol=S, leverage=leverage)
            if (await asyncio.wait([again], timeout=0.2))[0]:
                break
        assert again.result()[-1]["ac"]["s"] == S, "the library comes back with the same listen key"
