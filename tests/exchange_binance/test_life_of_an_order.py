"""An order's whole life through the port, on both markets, against the served exchange."""

import pytest

from gridbot_tui.engine.events import Outcome
from gridbot_tui.exchange.port import (
    AskAccount,
    AskBars,
    AskCash,
    AskFills,
    AskFunding,
    AskOpenOrders,
    AskOrder,
    Cancel,
    Place,
    SetLeverage,
)
from gridbot_tui.orders.model import Purpose
from gridbot_tui.units import Market, Side
from tests.exchange_binance.adapter import trading
from tests.exchange_server.serving import Served

BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.FUTURES])


@BOTH
async def test_a_post_only_order_is_taken_listed_asked_for_and_cancelled(served: Served, market: Market) -> None:
    async with trading(served, market) as trader:
        order = trader.order()
        trader.port.send(Place(order))
        taken = await trader.report(order.client_id)
        assert (taken.outcome, taken.filled) == (Outcome.ACCEPTED, 0)
        assert trader.taken == [order.client_id]
        assert trader.standing() == [order.client_id]

        listed = (await trader.ask(AskOpenOrders)).open_orders
        assert listed is not None
        (one,) = listed.orders
        assert (one.client_id, one.side, one.price, one.steps) == (
            order.client_id,
            order.side,
            order.price,
            order.steps,
        )
        assert not one.conditional

        asked = (await trader.ask(lambda n: AskOrder(n, "BTCUSDT", order.client_id))).order
        assert asked is not None
        assert (asked.outcome, asked.exchange_id) == (Outcome.ACCEPTED, taken.exchange_id)

        trader.port.send(Cancel("BTCUSDT", order.client_id))
        await trader.report(order.client_id, Outcome.CANCELED)
        assert trader.standing() == []
        trader.port.send(Cancel("BTCUSDT", order.client_id))
        refused = await trader.report(order.client_id, Outcome.CANCEL_REFUSED)
        assert refused.code == -2011


@BOTH
async def test_a_fill_is_listed_with_its_order_fee_and_side(served: Served, market: Market) -> None:
    async with trading(served, market) as trader:
        order = trader.order(price=59_900)
        trader.port.send(Place(order))
        await trader.report(order.client_id, Outcome.ACCEPTED)
        before = (await trader.ask(lambda n: AskFills(n, "BTCUSDT", "", trader.clock.now_ms() - 1_000))).fills
        served.price("BTCUSDT", 59_000)
        fills = (await trader.ask(lambda n: AskFills(n, "BTCUSDT", "", trader.clock.now_ms() - 60_000))).fills
        assert fills is not None
        mine = [fill for fill in fills if fill.client_id == order.client_id]
        assert sum(fill.steps for fill in mine) == order.steps
        assert all(fill.ours and fill.maker and fill.side is Side.BUY and fill.fee > 0 for fill in mine)
        assert {fill.price for fill in mine} == {order.price}
        asked = (await trader.ask(lambda n: AskOrder(n, "BTCUSDT", order.client_id))).order
        assert asked is not None
        assert (asked.outcome, asked.filled) == (Outcome.FILLED, order.steps)
        after = (await trader.ask(lambda n: AskFills(n, "BTCUSDT", fills[-1].trade_id, 0))).fills
        assert after == ()
        assert before is not None


@BOTH
async def test_a_post_only_order_that_would_take_is_refused_and_never_stands(served: Served, market: Market) -> None:
    async with trading(served, market) as trader:
        for rung in range(1, 6):
            order = trader.order(price=60_500, rung=rung)
            trader.port.send(Place(order))
            assert (await trader.report(order.client_id)).outcome is Outcome.REFUSED
        assert trader.standing() == []
        assert trader.port.health.circuits == ()


async def test_a_spot_market_order_brings_its_fills_with_the_answer(served: Served) -> None:
    async with trading(served, Market.SPOT) as trader:
        order = trader.order(price=None, purpose=Purpose.TARGET)
        trader.port.send(Place(order))
        assert (await trader.report(order.client_id)).outcome is Outcome.FILLED
        told = trader.fills()
        assert sum(fill.steps for fill in told) == order.steps
        listed = (await trader.ask(lambda n: AskFills(n, "BTCUSDT", "", trader.clock.now_ms() - 5_000))).fills
        assert listed is not None
        by_id = {fill.trade_id: fill for fill in listed}
        assert [by_id[fill.trade_id] for fill in told] == told


async def test_a_futures_market_order_is_final_at_once_and_its_fill_is_listed(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        order = trader.order(price=None, purpose=Purpose.TARGET)
        trader.port.send(Place(order))
        assert (await trader.report(order.client_id)).outcome is Outcome.FILLED
        account = (await trader.ask(AskAccount)).account
        assert account is not None
        (position,) = account.positions
        assert (position.symbol, position.steps) == ("BTCUSDT", order.steps)
        assert position.mark is not None
        close = trader.order(Side.SELL, None, purpose=Purpose.TARGET, reduce_only=True)
        trader.port.send(Place(close))
        assert (await trader.report(close.client_id)).outcome is Outcome.FILLED
        again = trader.order(Side.SELL, None, purpose=Purpose.TARGET, reduce_only=True)
        trader.port.send(Place(again))
        assert (await trader.report(again.client_id)).code == -2022


async def test_a_stop_rests_under_its_own_id_is_listed_as_conditional_and_cancelled(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        entry = trader.order(price=None, purpose=Purpose.TARGET)
        trader.port.send(Place(entry))
        await trader.report(entry.client_id)
        stop = trader.order(Side.SELL, trigger=50_000, purpose=Purpose.STOP, reduce_only=True)
        trader.port.send(Place(stop))
        assert (await trader.report(stop.client_id)).outcome is Outcome.ACCEPTED
        listed = (await trader.ask(AskOpenOrders)).open_orders
        assert listed is not None
        (one,) = listed.orders
        assert (one.client_id, one.conditional, one.trigger, one.reduce_only) == (
            stop.client_id,
            True,
            stop.trigger,
            True,
        )
        asked = (await trader.ask(lambda n: AskOrder(n, "BTCUSDT", stop.client_id, True))).order
        assert asked is not None
        assert asked.outcome is Outcome.ACCEPTED
        trader.port.send(Cancel("BTCUSDT", stop.client_id, conditional=True))
        await trader.report(stop.client_id, Outcome.CANCELED)
        assert served.good("GET", "/fapi/v1/openAlgoOrders") == []


async def test_a_stop_that_fired_says_so_and_its_fills_are_its_own(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        entry = trader.order(price=None, purpose=Purpose.TARGET)
        trader.port.send(Place(entry))
        await trader.report(entry.client_id)
        stop = trader.order(Side.SELL, trigger=58_000, purpose=Purpose.STOP, close=True)
        trader.port.send(Place(stop))
        await trader.report(stop.client_id, Outcome.ACCEPTED)
        served.price("BTCUSDT", 57_500, mark="57500")
        asked = (await trader.ask(lambda n: AskOrder(n, "BTCUSDT", stop.client_id, True))).order
        assert asked is not None
        assert asked.outcome is Outcome.FILLED
        assert [one.outcome for one in trader.reports(stop.client_id)] == [Outcome.ACCEPTED, Outcome.TRIGGERED]
        fills = (await trader.ask(lambda n: AskFills(n, "BTCUSDT", "", trader.clock.now_ms() - 60_000))).fills
        assert fills is not None
        assert fills[-1].client_id == stop.client_id
        assert fills[-1].ours


async def test_a_spot_stop_is_a_plain_order_that_is_listed_as_conditional(served: Served) -> None:
    async with trading(served, Market.SPOT) as trader:
        stop = trader.order(Side.SELL, trigger=55_000, purpose=Purpose.STOP)
        trader.port.send(Place(stop))
        assert (await trader.report(stop.client_id)).outcome is Outcome.ACCEPTED
        listed = (await trader.ask(AskOpenOrders)).open_orders
        assert listed is not None
        assert [(one.client_id, one.conditional, one.trigger) for one in listed.orders] == [
            (stop.client_id, True, stop.trigger)
        ]
        served.price("BTCUSDT", 54_000)
        asked = (await trader.ask(lambda n: AskOrder(n, "BTCUSDT", stop.client_id, True))).order
        assert asked is not None
        assert asked.outcome is Outcome.FILLED
        assert trader.reports(stop.client_id)[-1].outcome is Outcome.TRIGGERED


async def test_many_orders_at_once_go_in_batches_and_each_has_its_own_answer(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        good = [trader.order(price=50_000 + 10 * n, quantity="0.002", rung=n) for n in range(12)]
        bad = trader.order(price=60_900, rung=20)
        for order in (*good[:7], bad, *good[7:]):
            trader.port.send(Place(order))
        outcomes = [(await trader.report(order.client_id)).outcome for order in good]
        assert set(outcomes) == {Outcome.ACCEPTED}
        refused = await trader.report(bad.client_id)
        assert (refused.outcome, refused.code) == (Outcome.REFUSED, -5022)
        assert sorted(trader.standing()) == sorted(order.client_id for order in good)


@BOTH
async def test_every_question_has_its_answer(served: Served, market: Market) -> None:
    async with trading(served, market) as trader:
        now = trader.clock.now_ms()
        account = (await trader.ask(AskAccount)).account
        assert account is not None
        assert account.balances["USDT"] > 0
        bars = (await trader.ask(lambda n: AskBars(n, "BTCUSDT", now - 3_600_000))).bars
        assert bars is not None
        assert 58 <= len(bars) <= 60
        assert [bar.open_at for bar in bars] == list(range(bars[0].open_at, bars[-1].open_at + 1, 60_000))
        if market is Market.FUTURES:
            tick = trader.port.instruments["BTCUSDT"].tick
            asked = f"symbol=BTCUSDT&interval=1m&startTime={now - 3_600_000}"
            _, rows = served.call("GET", f"/fapi/v1/markPriceKlines?{asked}")
            marks = {row[0]: [round(float(text) / float(tick)) for text in row[2:5]] for row in rows}
            for bar in bars:
                assert marks[bar.open_at] == [bar.mark_high, bar.mark_low, bar.mark_close]
        assert (await trader.ask(lambda n: AskFunding(n, now - 86_400_000))).funding is not None
        assert (await trader.ask(lambda n: AskCash(n, now))).cash is not None
        unknown = await trader.ask(lambda n: AskBars(n, "XRPUSDT", now))
        assert "XRPUSDT" in unknown.error


async def test_leverage_is_set_once(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        trader.port.send(SetLeverage("BTCUSDT", 7))
        await trader.ask(AskOpenOrders)
        assert (await trader.rest.setup(("BTCUSDT",))).leverage == {"BTCUSDT": 7}
        await trader.rest.set_leverage("BTCUSDT", 20)


async def test_funding_and_transfers_are_listed_with_the_exchanges_own_ids(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        since = trader.clock.now_ms()
        entry = trader.order(price=None, purpose=Purpose.TARGET)
        trader.port.send(Place(entry))
        await trader.report(entry.client_id)
        served.control("funding", symbol="BTCUSDT", rate="0.0001")
        served.control("deposit", key="key", market="futures", asset="USDT", amount="12.5")
        cash = (await trader.ask(lambda n: AskCash(n, since - 1_000))).cash
        assert cash is not None
        kinds = [(one.cash_kind, one.symbol) for one in cash[-2:]]
        assert kinds == [("funding", "BTCUSDT"), ("transfer", "")]
        assert str(cash[-1].amount) in ("12.5", "12.50000000")
        assert len({one.cash_id for one in cash}) == len(cash)
