import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import replace

from gridbot_tui.engine.events import CashKind, Fill
from gridbot_tui.units import Market
from tests.exchange_binance.listening import BRISK, Ears, ears
from tests.exchange_server.serving import Served

PATHS = {Market.FUTURES: "/fapi/v1/order", Market.SPOT: "/api/v3/order"}
DOOR = {Market.FUTURES: "/private*", Market.SPOT: "/ws-api*"}
EVENT = {Market.FUTURES: "ORDER_TRADE_UPDATE", Market.SPOT: "executionReport"}
BOTH = pytest.mark.parametrize("market", list(Market))


async def place(e: Ears, market: Market, client_id: str, price: str = "59000", **more: object) -> None:
    await e.call("POST", PATHS[market], symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
                 quantity="0.01", price=price, newClientOrderId=client_id, **more)  # fmt: skip


@BOTH
async def test_the_life_of_an_order_is_told_as_it_happens(served: Served, market: Market) -> None:
    async with ears(served, market, quotes=False) as e:
        await place(e, market, "gb-rests")
        await place(e, market, "gb-fills", "59500")
        await e.call("DELETE", PATHS[market], symbol="BTCUSDT", origClientOrderId="gb-rests")
        await e.price("BTCUSDT", 59_400)
        await e.until(lambda: e.reports("gb-fills")[-1:] == ["filled"])
        assert e.reports("gb-rests") == ["accepted", "canceled"]
        assert e.reports("gb-fills") == ["accepted", "filled"]
        fill = next(event for event in e.heard if type(event).__name__ == "Fill")
        assert (fill.client_id, fill.maker, fill.ours) == ("gb-fills", True, True)  # type: ignore[attr-defined]
    await asyncio.to_thread(served.price, "BTCUSDT", 60_000)


@BOTH
async def test_events_doubled_and_out_of_order_are_told_once(served: Served, market: Market) -> None:
    async with ears(served, market, quotes=False) as e:
        await e.faults({"kind": "duplicate", "on": EVENT[market], "count": 3, "times": 0})
        await place(e, market, "gb-a", "60500")
        await e.until(lambda: e.reports("gb-a")[-1:] == ["filled"])
        await e.faults({"kind": "reorder", "on": EVENT[market], "times": 2})
        await place(e, market, "gb-b", "60500")
        await e.until(lambda: e.fills()[1:])
        await asyncio.sleep(0.3)
        assert sorted(e.reports("gb-a")) == ["accepted", "filled"]
        assert [name for name, _ in e.fills()] == ["gb-a", "gb-b"]
        await e.faults()


@BOTH
async def test_another_hand_s_order_is_announced_and_its_fill_is_not_ours(served: Served, market: Market) -> None:
    async with ears(served, market, quotes=False) as e:
        await place(e, market, "web-1", "60500")
        await e.until(e.fills)
        await e.until(lambda: e.looks)
        assert "web-1" in e.looks[0]
        assert e.reports("web-1") == []
        assert [one.ours for one in e.heard if isinstance(one, Fill)] == [False]


@BOTH
@pytest.mark.parametrize("kind", ["disconnect", "shutdown"])
async def test_a_new_subscription_follows_every_loss_of_the_connection(
    served: Served, market: Market, kind: str
) -> None:
    async with ears(served, market, quotes=False) as e:
        announced = kind == "shutdown" and market is Market.SPOT
        await e.control("act", kind=kind, on=DOOR[market], ms=5_000 if announced else 50)
        if not announced:
            await e.link("account", False, True, False, True)
        else:
            await e.until(lambda: e.account.health()[0].renewals)
            assert e.links("account") == [False, True], "announced: the next one stood before this one went"
        await place(e, market, "gb-after")
        await e.until(lambda: e.reports("gb-after"))


async def test_a_listen_key_that_expires_is_replaced(served: Served) -> None:
    async with ears(served, Market.FUTURES, quotes=False) as e:
        await e.control("act", kind="expire_listen_key")
        told = await e.link("account", False, True, False, True)
        assert "listen key" in told[2].detail
        await place(e, Market.FUTURES, "gb-after")
        await e.until(lambda: e.reports("gb-after"))


async def test_a_listen_key_that_died_unheard_is_noticed_when_it_is_prolonged(served: Served) -> None:
    async with ears(served, Market.FUTURES, quotes=False, timing=replace(BRISK, listen_key=0.15)) as e:
        await asyncio.to_thread(served.call, "DELETE", "/fapi/v1/listenKey")
        told = await e.link("account", False, True, False, True)
        assert "unheard" in told[2].detail
        await asyncio.sleep(0.4)
        assert e.links("account") == [False, True, False, True], "the new key is prolonged in peace"


async def test_a_stream_that_is_deaf_to_an_answered_order_is_given_up(served: Served) -> None:
    market = Market.FUTURES
    async with ears(served, market, quotes=False, timing=replace(BRISK, heard_of=0.4)) as e:
        await place(e, market, "gb-heard")
        await e.until(lambda: e.reports("gb-heard"))
        e.account.answered("gb-heard")
        await e.faults({"kind": "drop", "on": EVENT[market]})
        await place(e, market, "gb-lost")
        e.account.answered("gb-lost")
        told = await e.link("account", False, True, False, True)
        assert "gb-lost" in told[2].detail
        await e.faults({"kind": "drop", "on": EVENT[market]})
        await place(e, market, "gb-again")
        e.account.answered("gb-again")
        await e.until(lambda: [look for look in e.looks if "gb-again" in look])
        assert e.links("account") == [False, True, False, True], "soon after the first a resync must do"


@BOTH
async def test_the_day_s_end_passes_unnoticed(served: Served, market: Market) -> None:
    async with ears(served, market, quotes=False, timing=replace(BRISK, renew=0.3, renew_spread=0.0, overlap=0.1)) as e:
        for n in range(12):
            await place(e, market, f"gb-{n}", "60500")
            await asyncio.sleep(0.03)
        await e.until(lambda: len(e.fills()) >= 12)
        await e.until(lambda: e.account.health()[0].renewals >= 2)
        assert [name for name, _ in e.fills()] == [f"gb-{n}" for n in range(12)], "each once, none lost"
        assert e.links("account") == [False, True]


async def test_funding_and_deposits_on_futures_are_told_with_the_exchange_s_own_ids(served: Served) -> None:
    async with ears(served, Market.FUTURES, quotes=False) as e:
        await e.call("POST", "/fapi/v1/order", symbol="ETHUSDT", side="BUY", type="MARKET", quantity="1")
        await e.control("funding", symbol="ETHUSDT", rate=0.001)
        await e.control("deposit", key="key", market="futures", asset="USDT", amount="25")
        await e.until(lambda: len(e.cash()) >= 2)
        listed = await e.rest.cash(min(c.at for c in e.cash()))
        assert {c.cash_id for c in e.cash()} <= {c.cash_id for c in listed}
        assert {c.cash_kind for c in e.cash()} == {CashKind.FUNDING, CashKind.TRANSFER}
        await e.call("POST", "/fapi/v1/order", symbol="ETHUSDT", side="SELL", type="MARKET", quantity="1")


async def test_a_spot_deposit_is_told_at_once(served: Served) -> None:
    async with ears(served, Market.SPOT, quotes=False) as e:
        await e.control("deposit", key="key", market="spot", asset="USDT", amount="25")
        await e.until(e.cash)
        assert [(c.cash_kind, c.amount) for c in e.cash()] == [(CashKind.TRANSFER, Decimal(25))]


async def test_a_stop_is_told_under_its_own_id_to_the_end(served: Served) -> None:
    async with ears(served, Market.FUTURES, quotes=False) as e:
        await e.call("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
        await e.call("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT", side="SELL",
                     type="STOP_MARKET", quantity="0.01", triggerPrice="59000", workingType="MARK_PRICE",
                     reduceOnly="true", clientAlgoId="gb-stop")  # fmt: skip
        await e.until(lambda: e.reports("gb-stop"))
        await e.price("BTCUSDT", 58_900)
        await e.until(lambda: "filled" in e.reports("gb-stop"))
        assert e.reports("gb-stop")[:2] == ["accepted", "triggered"]
        assert [name for name, _ in e.fills()][-1] == "gb-stop"
    await asyncio.to_thread(served.price, "BTCUSDT", 60_000)


async def test_a_liquidation_says_that_it_was_one(served: Served) -> None:
    async with ears(served, Market.FUTURES, quotes=False) as e:
        await e.call("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
        await e.control("act", kind="deleverage", symbol="BTCUSDT")
        await e.until(lambda: [f for f in e.heard if getattr(f, "forced", "") == "deleveraging"])
        await e.control("act", kind="liquidate")
        await e.until(lambda: [f for f in e.heard if getattr(f, "forced", "") == "liquidation"])
