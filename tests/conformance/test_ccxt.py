"""ccxt and ccxt.pro play whole lives on both markets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import pytest

from tests.conformance.ccxt_client import client, redirect
from tests.exchange_server.serving import Served

WHY = "ccxt is not installed: pip install the dependency group 'conformance'"
pytestmark = pytest.mark.skipif(find_spec("ccxt") is None, reason=WHY)  # no import for those who run other tests

SYMBOLS = {"spot": "BTC/USDT", "swap": "BTC/USDT:USDT"}


@asynccontextmanager
async def exchange(served: Served, market: str) -> AsyncIterator[Any]:
    x = client(served, market)
    try:
        await x.load_markets()
        yield x
    finally:
        await x.close()


async def price(served: Served, value: float, **more: Any) -> None:
    await asyncio.to_thread(lambda: served.price("BTCUSDT", value, **more))


async def control(served: Served, word: str, **body: Any) -> None:
    await asyncio.to_thread(lambda: served.control(word, **body))


@pytest.mark.parametrize("market", ["spot", "swap"])
async def test_public_data_are_understood(served: Served, market: str) -> None:
    symbol = SYMBOLS[market]
    async with exchange(served, market) as x:
        assert {symbol} <= set(x.markets)
        limits = x.market(symbol)["limits"]
        assert limits["amount"]["min"] > 0
        assert limits["cost"]["min"] > 0
        book = await x.fetch_order_book(symbol)
        assert book["bids"][0][0] < book["asks"][0][0]
        assert (await x.fetch_ticker(symbol))["last"] == 60_000
        assert set(await x.fetch_tickers()) == set(x.markets)
        assert (await x.fetch_trades(symbol))[-1]["price"] > 0
        candles = await x.fetch_ohlcv(symbol, "1h", limit=3)
        assert [b[0] - a[0] for a, b in pairwise(candles)] == [3_600_000] * (len(candles) - 1)
        assert abs(await x.fetch_time() - served.now()) < 2_000


@pytest.mark.parametrize("market", ["spot", "swap"])
async def test_an_order_is_placed_edited_partly_filled_filled_and_another_cancelled(
    served: Served, market: str
) -> None:
    symbol = SYMBOLS[market]
    async with exchange(served, market) as x:
        order = await x.create_order(symbol, "limit", "buy", 0.1, 59_000)
        assert [o["id"] for o in await x.fetch_open_orders(symbol)] == [order["id"]]
        edited = await x.edit_order(order["id"], symbol, "limit", "buy", 0.2, 59_100)
        await price(served, 59_000, volume=0.05)
        part = await x.fetch_order(edited["id"], symbol)
        assert (part["status"], part["filled"], part["price"]) == ("open", 0.05, 59_100)
        await price(served, 58_900)
        whole = await x.fetch_order(edited["id"], symbol)
        assert (whole["status"], whole["filled"], whole["average"]) == ("closed", 0.2, 59_100)
        trades = await x.fetch_my_trades(symbol)
        assert [t["amount"] for t in trades] == [0.05, 0.15]
        assert {t["takerOrMaker"] for t in trades} == {"maker"}
        other = await x.create_order(symbol, "limit", "buy", 0.1, 58_000)
        assert (await x.cancel_order(other["id"], symbol))["status"] == "canceled"


@pytest.mark.parametrize("market", ["spot", "swap"])
async def test_every_kind_of_order_is_taken(served: Served, market: str) -> None:
    symbol = SYMBOLS[market]
    async with exchange(served, market) as x:
        bought = await x.create_order(symbol, "market", "buy", 0.3)
        assert (await x.fetch_order(bought["id"], symbol))["status"] == "closed"
        resting = await x.create_order(symbol, "limit", "buy", 0.1, 59_000, {"postOnly": True})
        assert (await x.fetch_order(resting["id"], symbol))["status"] == "open"
        for tif in ("IOC", "FOK"):
            taken = await x.create_order(symbol, "limit", "buy", 0.1, 60_100, {"timeInForce": tif})
            assert (await x.fetch_order(taken["id"], symbol))["filled"] == 0.1
        await x.create_order(symbol, "market", "sell", 0.1, None, {"stopLossPrice": 58_500})
        await x.create_order(symbol, "limit", "sell", 0.1, 62_900, {"takeProfitPrice": 63_000})
        await x.cancel_all_orders(symbol)
        if market == "swap":
            stops = await x.fetch_open_orders(symbol, params={"trigger": True})
            assert sorted(o["triggerPrice"] for o in stops) == [58_500, 63_000]
            trailing = {"trailingPercent": 1.0, "reduceOnly": True}
            await x.create_order(symbol, "market", "sell", 0.1, None, trailing)
            await x.cancel_all_orders(symbol, {"trigger": True})
            assert await x.fetch_open_orders(symbol, params={"trigger": True}) == []
            rows = [
                {"symbol": symbol, "type": "limit", "side": "buy", "amount": 0.1, "price": 58_000 - n} for n in range(2)
            ]
            assert len(await x.create_orders(rows)) == 2
        else:
            assert await x.fetch_open_orders(symbol) == []
            trailing = await x.create_order(symbol, "STOP_LOSS", "sell", 0.1, None, {"trailingPercent": 1.0})
            iceberg = await x.create_order(symbol, "limit", "buy", 0.1, 59_000, {"icebergQty": 0.01})
            opened = {o["id"]: o["info"] for o in await x.fetch_open_orders(symbol)}
            assert (opened[trailing["id"]]["trailingDelta"], opened[iceberg["id"]]["icebergQty"]) == (100, "0.01000000")


async def test_refusals_become_the_exceptions_they_are(served: Served) -> None:
    from ccxt import BadRequest, ExchangeError, InsufficientFunds, OrderNotFound

    async with exchange(served, "spot") as spot, exchange(served, "swap") as swap:
        with pytest.raises(InsufficientFunds):
            await spot.create_order("BTC/USDT", "limit", "buy", 100, 59_000)
        with pytest.raises(BadRequest, match="NOTIONAL"):
            await spot.create_order("BTC/USDT", "limit", "buy", 0.00001, 59_000)
        with pytest.raises(OrderNotFound):
            await spot.fetch_order("1", "BTC/USDT")
        with pytest.raises(ExchangeError, match="Margin is insufficient"):
            await swap.create_order("BTC/USDT:USDT", "limit", "buy", 60, 59_000)
        with pytest.raises(OrderNotFound):
            await swap.cancel_order("1", "BTC/USDT:USDT")


async def test_a_position_is_margined_by_itself(served: Served) -> None:
    symbol = SYMBOLS["swap"]
    async with exchange(served, "swap") as x:
        await x.set_leverage(10, symbol)
        await x.set_margin_mode("isolated", symbol)
        await x.create_order(symbol, "market", "buy", 0.1)
        await x.add_margin(symbol, 100)
        held = (await x.fetch_positions([symbol]))[0]
        assert (held["marginMode"], held["side"]) == ("isolated", "long")
        assert held["collateral"] == pytest.approx(700, rel=0.01)
        assert held["liquidationPrice"] == pytest.approx(53_200, rel=0.01)
        await x.create_order(symbol, "market", "sell", 0.1, None, {"reduceOnly": True})
        await x.set_margin_mode("cross", symbol)


async def test_a_stop_fires_funding_is_paid_and_a_liquidation_ends_it(served: Served) -> None:
    symbol = SYMBOLS["swap"]
    async with exchange(served, "swap") as x:
        await x.set_leverage(50, symbol)
        await x.create_order(symbol, "market", "buy", 1)
        await x.create_order(symbol, "market", "sell", 0.5, None, {"stopLossPrice": 59_000, "reduceOnly": True})
        await price(served, 58_990)
        position = (await x.fetch_positions([symbol]))[0]
        assert (position["side"], position["contracts"]) == ("long", 0.5)
        await control(served, "funding", symbol="BTCUSDT", rate=0.001)
        paid = await x.fetch_funding_history(symbol)
        assert paid[-1]["amount"] < 0
        assert (await x.fetch_funding_rate(symbol))["fundingRate"] == 0.001
        assert (await x.fetch_balance())["USDT"]["total"] < 100_000
        await control(served, "deposit", key="key", market="futures", asset="USDT", amount=-95_000)
        await price(served, 50_000)
        await price(served, 45_000)
        assert await x.fetch_positions([symbol]) == []
        kinds = {entry["info"]["incomeType"] for entry in await x.fetch_ledger("USDT", limit=1000)}
        assert {"COMMISSION", "FUNDING_FEE", "REALIZED_PNL", "TRANSFER", "INSURANCE_CLEAR"} <= kinds


async def test_account_questions_are_answered(served: Served) -> None:
    symbol = SYMBOLS["swap"]
    async with exchange(served, "swap") as x, exchange(served, "spot") as spot:
        assert (await x.fetch_balance())["USDT"]["free"] == 100_000
        assert (await spot.fetch_balance())["BTC"]["free"] == 1
        assert (await x.fetch_position_mode())["hedged"] is False
        assert (await x.fetch_leverage_tiers([symbol]))[symbol][0]["maxLeverage"] > 50
        assert (await x.fetch_trading_fee(symbol))["taker"] == 0.0005
        assert (await spot.fetch_trading_fee("BTC/USDT"))["maker"] == 0.001
        assert len(await x.fetch_funding_rate_history(symbol)) > 0


WATCHES: dict[str, Callable[[Any, str], Any]] = {
    "order book": lambda x, s: x.watch_order_book(s),
    "ticker": lambda x, s: x.watch_ticker(s),
    "trades": lambda x, s: x.watch_trades(s),
    "candles": lambda x, s: x.watch_ohlcv(s, "1m"),
    "best prices": lambda x, s: x.watch_bids_asks([s]),
    "orders": lambda x, s: x.watch_orders(s),
    "own trades": lambda x, s: x.watch_my_trades(s),
    "balance": lambda x, s: x.watch_balance(),
}
OF_SWAP: dict[str, Callable[[Any, str], Any]] = {
    "positions": lambda x, s: x.watch_positions([s]),
    "mark price": lambda x, s: x.watch_mark_price(s),
}


@pytest.mark.parametrize("market", ["spot", "swap"])
async def test_everything_that_can_be_watched_is_seen(served: Served, market: str) -> None:
    symbol = SYMBOLS[market]
    async with exchange(served, market) as x:
        watches = WATCHES | (OF_SWAP if market == "swap" else {})
        tasks = {name: asyncio.create_task(watch(x, symbol)) for name, watch in watches.items()}
        for step in range(300):  # a minute; most are heard in the first second
            await x.create_order(symbol, "limit", "buy", 0.002, 59_999)
            await price(served, 59_990)
            await price(served, 60_000 + step)
            done, _ = await asyncio.wait(tasks.values(), timeout=0.2)
            if len(done) == len(tasks):
                break
        waiting = [name for name, task in tasks.items() if not task.done()]
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        assert waiting == []
        assert tasks["orders"].result()[-1]["symbol"] == symbol
        assert tasks["own trades"].result()[-1]["fee"]["cost"] > 0


@pytest.mark.parametrize("market", ["spot", "swap"])
async def test_orders_go_over_the_websocket_api_too(served: Served, market: str) -> None:
    symbol = SYMBOLS[market]
    async with exchange(served, market) as x:
        order = await x.create_order_ws(symbol, "limit", "buy", 0.1, 58_000)
        assert (await x.fetch_order_ws(order["id"], symbol))["status"] == "open"
        await x.cancel_order_ws(order["id"], symbol)
        assert (await x.fetch_order(order["id"], symbol))["status"] == "canceled"
        if market == "swap":  # ccxt reads no spot balance out of account.status
            assert (await x.fetch_balance_ws())["USDT"]["total"] == 100_000


@pytest.mark.parametrize("market", ["spot", "futures"])
async def test_a_client_with_nothing_set_but_its_addresses_loads_every_market(market: str) -> None:
    from ccxt.pro import binance

    from gridbot_tui.units import Market
    from tests.exchange_server.serving import serving

    with serving(Market(market)) as alone:
        x = binance({"apiKey": "key", "secret": "secret"})
        x.urls["api"] = redirect(x.urls["api"], alone)
        try:
            await x.load_markets()
            symbol = SYMBOLS["spot" if market == "spot" else "swap"]
            assert (await x.create_order(symbol, "limit", "buy", 0.1, 59_000))["status"] == "open"
            if market == "spot":
                assert {"BTC", "USDT"} <= set(await x.fetch_currencies())
        finally:
            await x.close()


async def test_spot_is_watched_where_the_markets_of_both_are_loaded(served: Served) -> None:
    """ccxt knows an address of spot by the ``/stream`` in it, and BTCUSDT by the address."""
    from ccxt.pro import binance

    x = binance({"options": {"fetchCurrencies": False, "fetchMarkets": {"types": ["spot", "linear"]}}})
    x.urls["api"] = redirect(x.urls["api"], served)
    x.urls["api"]["ws"]["spot"] = f"{served.ws}/ws/stream"
    try:
        watch = asyncio.create_task(x.watch_trades("BTC/USDT"))
        for step in range(300):
            await price(served, 60_000 + step)
            if (await asyncio.wait([watch], timeout=0.2))[0]:
                break
        assert (await watch)[-1]["symbol"] == "BTC/USDT"
    finally:
        await x.close()
