"""Binance's own SDKs over WebSocket: public streams, user streams and order entry, every frame held to its model."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.models import misfits
from tests.conformance.test_sdk_rest import ACK, FUTURES_SOMETIMES, MISSING, SPOT_SOMETIMES, WHY, S
from tests.exchange_server.serving import Served

pytestmark = pytest.mark.skipif(MISSING, reason=WHY)

LOWER = S.lower()
SPOT_STREAMS: dict[str, dict[str, Any]] = {
    "agg_trade": {"symbol": LOWER}, "trade": {"symbol": LOWER}, "kline": {"symbol": LOWER, "interval": "1m"},
    "mini_ticker": {"symbol": LOWER}, "ticker": {"symbol": LOWER}, "book_ticker": {"symbol": LOWER},
    "diff_book_depth": {"symbol": LOWER}, "partial_book_depth": {"symbol": LOWER, "levels": 5},
    "avg_price": {"symbol": LOWER}, "rolling_window_ticker": {"symbol": LOWER, "window_size": "1h"},
    "all_mini_ticker": {}, "all_market_rolling_window_ticker": {"window_size": "1h"},
}  # fmt: skip
FUTURES_STREAMS: dict[str, dict[str, Any]] = {
    "aggregate_trade_streams": {"symbol": LOWER}, "mark_price_stream": {"symbol": LOWER, "update_speed": "1s"},
    "kline_candlestick_streams": {"symbol": LOWER, "interval": "1m"},
    "continuous_contract_kline_candlestick_streams": {"pair": LOWER, "contract_type": "perpetual", "interval": "1m"},
    "individual_symbol_mini_ticker_stream": {"symbol": LOWER}, "individual_symbol_ticker_streams": {"symbol": LOWER},
    "mark_price_stream_for_all_market": {}, "all_market_mini_tickers_stream": {}, "all_market_tickers_streams": {},
    "liquidation_order_streams": {"symbol": LOWER}, "all_market_liquidation_order_streams": {},
    "diff_book_depth_streams": {"symbol": LOWER}, "partial_book_depth_streams": {"symbol": LOWER, "levels": 5},
    "individual_symbol_book_ticker_streams": {"symbol": LOWER}, "contract_info_stream": {},
    "all_book_tickers_stream": {},
}  # fmt: skip
SPOT_EVENT = frozenset((
    "e", "d", "D", "j", "J", "v", "A", "B", "u", "U", "Cs", "pl", "pL", "pY", "b", "a", "k", "uS", "gP", "gOT", "gOV",
    "gp", "eR", "N", "W",
))  # fmt: skip
FUTURES_EVENT = frozenset(["e", "AP", "cr", "M", "ap", "aq", "act", "S", "ai", "ac"])
UNUSUAL = SPOT_SOMETIMES | FUTURES_SOMETIMES | {"rateLimits", "headers", "avgPrice", "cumQuote", "pair"}


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK waits half a second before every subscription, because of a limit that is off here."""
    monkeypatch.setattr("binance_common.websocket.SUBSCRIBE_MESSAGE_DELAY_SECONDS", 0.0)


async def act(work: Callable[..., Any], *args: Any, **params: Any) -> Any:
    """Something that blocks, beside the loop."""
    return await asyncio.to_thread(work, *args, **params)


async def subscribe(streams: Any, wanted: dict[str, dict[str, Any]], heard: dict[str, list[Any]]) -> None:
    for name, params in wanted.items():
        handle = await getattr(streams, name)(**params)
        handle.on("message", lambda frame, name=name: heard.setdefault(name, []).append(frame))


async def until(done: Callable[[], bool], stir: Callable[[int], Any], tries: int = 600) -> None:
    """Stir the market until something has happened."""
    for n in range(tries):
        await act(stir, n)
        await asyncio.sleep(0.1)
        if done():
            return


def _stir(served: Served, price: float) -> None:
    """A new price, and a second that passes at once: some streams tell only so often."""
    served.price(S, price)
    served.jump(1_000)


def wrong_frames(heard: dict[str, list[Any]], optional: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    return {name: wrong for name, frames in heard.items() if (wrong := misfits(frames[-1], optional))}


async def test_every_public_stream_of_spot_fits(served: Served) -> None:
    from binance_common.configuration import ConfigurationWebSocketStreams
    from binance_sdk_spot import Spot

    client = Spot(config_ws_streams=ConfigurationWebSocketStreams(stream_url=served.ws))
    streams = await client.websocket_streams.create_connection()
    heard: dict[str, list[Any]] = {}
    try:
        await subscribe(streams, SPOT_STREAMS, heard)
        await until(lambda: set(heard) == set(SPOT_STREAMS), lambda n: _stir(served, 60_000 + n))
    finally:
        await streams.close_connection(close_session=True)
    assert set(heard) == set(SPOT_STREAMS)
    assert wrong_frames(heard) == {}


async def test_every_stream_of_futures_fits_the_user_s_included(served: Served) -> None:
    from binance_common.configuration import ConfigurationWebSocketStreams
    from binance_sdk_derivatives_trading_usds_futures import DerivativesTradingUsdsFutures

    config = ConfigurationWebSocketStreams(stream_url=served.ws)
    streams = await DerivativesTradingUsdsFutures(config_ws_streams=config).websocket_streams.create_connection()
    heard: dict[str, list[Any]] = {}
    events: list[Any] = []
    try:
        await subscribe(streams, FUTURES_STREAMS, heard)
        key = (await act(served.call, "POST", "/fapi/v1/listenKey"))[1]["listenKey"]
        (await streams.user_data(key)).on("message", events.append)
        await until(lambda: bool(events), lambda n: _told(served, n))  # it listens
        await act(_futures_life, served)
        await until(lambda: set(heard) == set(FUTURES_STREAMS), lambda n: _stir(served, 50_000 + n))
        await act(served.control, "act", kind="expire_listen_key")
        await until(lambda: "ListenKeyExpired" in kinds_of(events), lambda _: None)
    finally:
        await streams.close_connection(close_session=True)
    assert set(heard) == set(FUTURES_STREAMS)
    liquidation = {"liquidation_order_streams": heard.pop("liquidation_order_streams")}
    assert wrong_frames(heard) == {}
    assert wrong_frames(liquidation, frozenset(("ps",))) == {}
    assert kinds_of(events) == {"OrderTradeUpdate", "TradeLite", "AccountUpdate", "AlgoUpdate", "AccountConfigUpdate",
                     "MarginCall", "ListenKeyExpired"}  # fmt: skip
    assert [wrong for event in events if (wrong := misfits(event, FUTURES_EVENT))] == []


def kinds_of(events: list[Any]) -> set[str]:
    return {type(event.actual_instance).__name__ for event in events}


def _told(served: Served, number: int) -> None:
    """Something that the user stream tells at once."""
    served.good("POST", "/fapi/v1/leverage", symbol=S, leverage=2 + number % 10)


def _futures_life(served: Served) -> None:
    """Everything a user stream can tell, a liquidation and a delisting included."""
    new = {"symbol": S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    served.good("POST", "/fapi/v1/leverage", symbol=S, leverage=20)
    order = served.good("POST", "/fapi/v1/order", **new, quantity="2", price="59900")
    served.good("PUT", "/fapi/v1/order", symbol=S, side="BUY", orderId=order["orderId"], quantity="3", price="59900",
                modifyId=5)  # fmt: skip
    served.good("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol=S, side="SELL", type="STOP_MARKET",
                quantity="0.1", triggerPrice="58000")  # fmt: skip
    served.price(S, 59_890, volume=1)
    served.price(S, 59_880)
    served.control("funding", symbol=S, rate=0.0001)
    served.price(S, 57_900)
    served.control("deposit", key="key", market="futures", asset="USDT", amount="-75000")
    for price in range(52_500, 51_000, -20):
        served.price(S, price)
    served.control("act", kind="delist", symbol="ETHUSDT")


def executions(events: list[Any]) -> set[str]:
    return {event.actual_instance.x for event in events if hasattr(event.actual_instance, "x")}


async def test_spot_orders_and_the_user_stream_over_the_websocket_api_fit(served: Served) -> None:
    from binance_common.configuration import ConfigurationWebSocketAPI
    from binance_sdk_spot import Spot

    config = ConfigurationWebSocketAPI(api_key="key", api_secret="secret", stream_url=served.ws + "/ws-api/v3")
    api = await Spot(config_ws_api=config).websocket_api.create_connection()
    events: list[Any] = []

    async def ask(method: str, *also: str, **params: Any) -> Any:
        answer = (await getattr(api, method)(**params)).data()
        known = method == "exchange_info"  # its model is the bare document, without the envelope
        assert known or misfits(answer, UNUSUAL | set(also)) == [], method
        return answer

    try:
        (await api.user_data_stream_subscribe_signature()).stream.on("message", events.append)
        order = {"symbol": S, "side": "BUY"}
        placed = await ask("order_place", **order, type="LIMIT", time_in_force="GTC", quantity=0.01, price=59_000.0)
        number = placed.result.order_id
        await ask("order_amend_keep_priority", symbol=S, order_id=number, new_qty=0.005)
        await ask("order_status", symbol=S, order_id=number)
        await ask("order_cancel", symbol=S, order_id=number)
        await ask("order_place", **order, type="MARKET", quantity=0.01)
        await ask("order_place", *ACK, symbol=S, side="SELL", type="STOP_LOSS", quantity=0.01, stop_price=58_000.0)
        await act(served.price, S, 57_000)
        await act(served.control, "deposit", key="key", market="spot", asset="USDT", amount="5")
        for method in ("account_status", "open_orders_status", "account_rate_limits_orders", "time", "ping"):
            await ask(method)
        for method in ("all_orders", "my_trades", "account_commission", "depth", "trades_recent", "ticker_price"):
            await ask(method, symbol=S)
        await ask("klines", symbol=S, interval="1m")
        await ask("session_status", "apiKey", "authorizedSince")
        wanted = {"NEW", "REPLACED", "CANCELED", "TRADE"}
        await until(lambda: executions(events) >= wanted, lambda _: None)
    finally:
        await api.close_connection(close_session=True)
    assert executions(events) >= wanted
    assert [wrong for event in events if (wrong := misfits(event, SPOT_EVENT))] == []


async def test_futures_orders_over_the_websocket_api_fit(served: Served) -> None:
    from binance_common.configuration import ConfigurationWebSocketAPI
    from binance_sdk_derivatives_trading_usds_futures import DerivativesTradingUsdsFutures

    config = ConfigurationWebSocketAPI(api_key="key", api_secret="secret", stream_url=served.ws + "/ws-fapi/v1")
    api = await DerivativesTradingUsdsFutures(config_ws_api=config).websocket_api.create_connection()

    async def ask(method: str, **params: Any) -> Any:
        answer = (await getattr(api, method)(**params)).data()
        known = {".asks is missing", ".bids is missing", ".result.asks is unknown", ".result.bids is unknown"}
        wrong = set(misfits(answer, UNUSUAL))
        assert wrong - (known if method == "order_book" else set()) == set(), method  # its model misplaces them
        return answer

    try:
        order = {"symbol": S, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
        number = (await ask("new_order", **order, quantity=0.1, price=59_000.0)).result.order_id
        await ask("modify_order", symbol=S, side="BUY", quantity=0.2, price=59_000.0, order_id=number)
        await ask("query_order", symbol=S, order_id=number)
        await ask("cancel_order", symbol=S, order_id=number)
        algo = {"algo_type": "CONDITIONAL", "symbol": S, "side": "SELL", "type": "STOP_MARKET"}
        placed = await ask("new_algo_order", **algo, quantity=0.1, trigger_price=50_000.0)
        await ask("cancel_algo_order", algo_id=placed.result.algo_id)
        for method in ("order_book", "symbol_order_book_ticker", "symbol_price_ticker"):
            await ask(method, symbol=S)
        for method in ("account_information", "account_information_v2", "futures_account_balance",
                       "futures_account_balance_v2", "position_information", "position_information_v2",
                       "start_user_data_stream", "keepalive_user_data_stream", "close_user_data_stream"):  # fmt: skip
            await ask(method)
    finally:
        await api.close_connection(close_session=True)
