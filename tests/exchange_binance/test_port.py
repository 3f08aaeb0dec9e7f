"""The port's own manners: lines, withdrawals, overflow, circuits, clocks, keys, and how it ends."""

import asyncio
import time
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from Crypto.PublicKey import ECC

from gridbot_tui.engine.events import LinkChanged, OrderReport, Outcome
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.errors import Refused, RetryLater, Stop
from gridbot_tui.exchange.binance.factory import make_rest
from gridbot_tui.exchange.binance.governor import Window
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.port import BinancePort
from gridbot_tui.exchange.binance.wire import Wire
from gridbot_tui.exchange.port import AskAccount, AskCash, AskFills, AskOpenOrders, AskOrder, Cancel, Place
from gridbot_tui.exchange.server.accounts import KeyConfig
from gridbot_tui.orders.model import Purpose
from gridbot_tui.units import DAY, MINUTE, Market, Mode, Side
from tests.exchange_binance.adapter import SYMBOLS, Trader, trading
from tests.exchange_server.serving import Served, serving


async def test_an_order_withdrawn_before_it_left_is_proved_absent(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        order, other = trader.order(), trader.order(rung=2)
        trader.port.send(Place(order))
        trader.port.send(Place(other))
        trader.port.send(Cancel("BTCUSDT", order.client_id))
        assert (await trader.report(order.client_id)).outcome is Outcome.ABSENT
        await trader.report(other.client_id, Outcome.ACCEPTED)
        assert order.client_id not in trader.all_orders()


async def test_a_cancel_waits_for_the_answer_to_the_order_it_cancels(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        served.faults({"kind": "slow", "on": "POST /fapi/v1/order", "ms": 60})
        order = trader.order()
        trader.port.send(Place(order))
        await trader.leaves(order)
        trader.port.send(Cancel("BTCUSDT", order.client_id))
        await trader.report(order.client_id, Outcome.CANCELED)
        assert [one.outcome for one in trader.reports(order.client_id)] == [Outcome.ACCEPTED, Outcome.CANCELED]


@pytest.mark.parametrize("orders", [1, 2, 3, 5])
async def test_a_stop_leaves_right_after_one_or_two_orders_of_its_decision_and_before_more(
    served: Served, orders: int
) -> None:
    async with trading(served, Market.FUTURES, clock=WallClock()) as trader:
        await asyncio.sleep(0.01)  # until the takers wait for something to be put in line
        left = _leaving(trader)
        stop = trader.order(Side.SELL, trigger=40_000, purpose=Purpose.STOP, reduce_only=True)
        exits = [trader.order(Side.SELL, 61_000 + 100 * number, rung=number) for number in range(orders)]
        trader.port.send(Place(stop))
        for each in exits:
            trader.port.send(Place(each))
        for each in (stop, *exits):
            await trader.report(each.client_id, Outcome.ACCEPTED)
        assert left.index(stop.client_id) == (orders if orders <= 2 else 0)


async def test_a_stop_alone_waits_for_nobody(served: Served) -> None:
    async with trading(served, Market.FUTURES, clock=WallClock()) as trader:
        stop = trader.order(Side.SELL, trigger=40_000, purpose=Purpose.STOP, reduce_only=True)
        trader.port.send(Place(stop))
        await trader.report(stop.client_id, Outcome.ACCEPTED)


async def test_the_end_of_a_stop_leaves_after_the_order_of_the_same_decision_but_before_what_follows_it(
    served: Served,
) -> None:
    async with trading(served, Market.FUTURES, clock=WallClock()) as trader:
        stop = trader.order(Side.SELL, trigger=40_000, purpose=Purpose.STOP, reduce_only=True)
        trader.port.send(Place(stop))
        await trader.report(stop.client_id, Outcome.ACCEPTED)
        left = _leaving(trader)
        entry, other = trader.order(), trader.order(Side.BUY, trigger=90_000, purpose=Purpose.STOP, reduce_only=True)
        trader.port.send(Cancel("BTCUSDT", stop.client_id, conditional=True))
        trader.port.send(Place(entry))
        for each, outcome in ((entry, Outcome.ACCEPTED), (stop, Outcome.CANCELED)):
            await trader.report(each.client_id, outcome)
        assert left == [entry.client_id, stop.client_id]
        left.clear()
        trader.port.send(Cancel("BTCUSDT", entry.client_id))
        trader.port.send(Place(other))
        await trader.report(other.client_id, Outcome.ACCEPTED)
        assert left == [entry.client_id, other.client_id], "a plain cancel waits for nothing"


def _leaving(trader: Trader) -> list[str]:
    """Client ids in the order in which the requests about them are handed to the connection."""
    left: list[str] = []
    client = trader.rest.wire._there()  # type: ignore[attr-defined]
    send = client.send

    async def sent(market: Market, call: Any, params: Any, **more: Any) -> Any:
        named = ("newClientOrderId", "clientAlgoId", "clientalgoid", "origClientOrderId")
        left.extend(str(params[name]) for name in named if name in params)
        return await send(market, call, params, **more)

    client.send = sent
    return left


async def test_entries_that_find_no_room_wait_in_line_whatever_a_request_could_carry(served: Served) -> None:
    """Of 300 orders in ten seconds entries may take 225: three more leave, the others can be taken back."""
    async with trading(served, Market.FUTURES) as trader:
        wire: Wire = trader.rest.wire  # type: ignore[attr-defined]
        wire.governor.orders_short = Window(DAY, 300)  # ten seconds may end in the middle of this
        wire.governor.orders_short.add(wire.clock.now_ms(), 222)
        orders = [trader.order(rung=n, price=50_000 + n, quantity="0.002") for n in range(12)]
        for order in orders:
            trader.port.send(Place(order))
        for order in orders[:3]:
            assert (await trader.report(order.client_id)).outcome is Outcome.ACCEPTED
        for order in orders[3:]:
            asked = (await trader.ask(partial(AskOrder, symbol="BTCUSDT", client_id=order.client_id))).order
            assert asked is not None
            assert asked.never_left


async def test_a_stop_weighs_nothing_and_does_not_wait_with_a_crowd_of_cancels_for_the_next_minute(
    served: Served,
) -> None:
    """Another program on this address has used up its weight; the order that closes or protects has none on futures."""
    async with trading(served, Market.FUTURES) as trader:
        orders = [trader.order(rung=n, price=50_000 + n, quantity="0.002") for n in range(20)]
        for order in orders:
            trader.port.send(Place(order))
        for order in orders:
            await trader.report(order.client_id, Outcome.ACCEPTED)
        wire: Wire = trader.rest.wire  # type: ignore[attr-defined]
        wire.governor.weight = Window(DAY, 2_400)
        wire.governor.weight.add(wire.clock.now_ms(), 2_398)
        for order in orders:
            trader.port.send(Cancel("BTCUSDT", order.client_id))
        stop = trader.order(Side.SELL, trigger=40_000, purpose=Purpose.STOP, reduce_only=True)
        trader.port.send(Place(stop))
        async with asyncio.timeout(10.0):
            assert (await trader.report(stop.client_id)).outcome is Outcome.ACCEPTED
        gone = [one for order in orders for one in trader.reports(order.client_id) if one.outcome is Outcome.CANCELED]
        assert len(gone) == 2, "the others have no room"
        wire.governor.weight = Window(MINUTE, 2_400)
        for order in orders:
            await trader.report(order.client_id, Outcome.CANCELED)


async def test_too_many_entries_are_refused_here_while_reductions_still_get_in_line(served: Served) -> None:
    async with trading(served, Market.FUTURES, params=BinanceParams(queue=10)) as trader:
        entries = [trader.order(rung=n, price=50_000 + n, quantity="0.002") for n in range(14)]
        for order in entries:
            trader.port.send(Place(order))
        stop = trader.order(Side.SELL, trigger=50_000, purpose=Purpose.STOP)
        trader.port.send(Place(stop))
        told = [await trader.report(order.client_id) for order in entries]
        assert [one.outcome for one in told] == [Outcome.ACCEPTED] * 10 + [Outcome.REFUSED] * 4
        assert "too many requests wait" in told[-1].detail
        assert (await trader.report(stop.client_id)).outcome is Outcome.ACCEPTED


async def test_three_identical_refusals_open_a_circuit_with_the_reason_shown(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        refusal = {"kind": "refuse", "code": -2019, "msg": "Margin is insufficient.", "times": 0}
        served.faults({**refusal, "on": "POST /fapi/v1/order"})
        for rung in range(4):
            order = trader.order(rung=rung)
            trader.port.send(Place(order))
            last = await trader.report(order.client_id)
            assert not last.passing
        assert (last.outcome, last.code) == (Outcome.REFUSED, -2019)
        assert "held back" in last.detail
        assert served.inside(lambda: served.app.place.faults.injected["refuse"]) == 3
        (circuit,) = trader.port.health.circuits
        assert (circuit.symbol, circuit.request, circuit.code) == ("BTCUSDT", "grid buy order", -2019)
        served.faults()
        sell = trader.order(Side.SELL, 61_000)
        trader.port.send(Place(sell))
        assert (await trader.report(sell.client_id)).outcome is Outcome.ACCEPTED


async def test_an_exchange_that_is_away_opens_no_circuit(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        served.faults({"kind": "unavailable", "on": "POST /fapi/v1/order", "times": 16})
        for rung in range(4):
            order = trader.order(rung=rung)
            trader.port.send(Place(order))
            told = await trader.report(order.client_id)
            assert (told.outcome, told.passing) == (Outcome.REFUSED, True)
        assert trader.port.health.circuits == ()
        order = trader.order(rung=9)
        trader.port.send(Place(order))
        assert (await trader.report(order.client_id)).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("market", "code", "said"),
    [
        (Market.FUTURES, -4140, "Invalid symbol status for opening position."),
        (Market.FUTURES, -4141, "Symbol is closed."),
        (Market.FUTURES, -4108, "Symbol is on delivering or delivered or settling or closed or pre-trading."),
        (Market.SPOT, -1013, "Market is closed."),
    ],
)
async def test_a_market_that_is_closed_has_refused_no_order_and_the_listing_is_looked_at(
    market: Market, code: int, said: str, served: Served
) -> None:
    async with trading(served, market) as trader:
        served.faults({"kind": "refuse", "code": code, "msg": said, "on": "POST */order", "times": 5})
        for rung in range(5):
            order = trader.order(rung=rung)
            trader.port.send(Place(order))
            told = await trader.report(order.client_id)
            assert (told.outcome, told.code, told.passing) == (Outcome.REFUSED, code, True)
            assert told.detail == said
        assert trader.looks == 5
        order = trader.order(rung=9)
        trader.port.send(Place(order))
        assert (await trader.report(order.client_id)).outcome is Outcome.ACCEPTED


async def test_a_clock_that_is_off_is_set_and_the_order_sent_again(served: Served) -> None:
    async with trading(served, Market.SPOT) as trader:
        rest: Any = trader.rest
        try:
            await _skewed(trader, 60_000)
            trader.clock.offset = 0
            rest.wire._there().set_offset(0)
            order = trader.order()
            trader.port.send(Place(order))
            assert (await trader.report(order.client_id)).outcome is Outcome.ACCEPTED
            assert trader.port.health.clock_offset_ms > 50_000
        finally:
            await _skewed(trader, 0)


async def _skewed(trader: Trader, ms: int) -> None:
    """The exchange's told time is so far off from its next tick on."""
    trader.served.faults({"kind": "skew", "ms": ms})
    for _ in range(1_000):
        told = await trader.rest.server_time() - trader.served.now()
        if abs(told - ms) < 20_000:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the fault took no effect")


async def test_a_key_that_is_taken_away_stops_with_a_sentence_and_its_return_is_said_too(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        refusal = {"kind": "refuse", "status": 401, "code": -2015, "msg": "Invalid API-key, IP, or permissions."}
        served.faults({**refusal, "on": "GET /fapi/v3/account", "times": 2})
        for _ in range(2):
            assert "lacks a permission" in (await trader.ask(AskAccount)).error
        assert "lacks a permission" in trader.port.health.stopped
        assert not (await trader.ask(AskAccount)).error
        links = [one for one in trader.heard if isinstance(one, LinkChanged)]
        assert [(one.source, one.up) for one in links] == [("orders", False), ("orders", True)]
        assert trader.port.health.stopped == ""


async def test_a_key_that_may_read_but_not_trade_opens_a_circuit_and_leaves_the_link_up(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        refusal = {"kind": "refuse", "status": 401, "code": -2015, "msg": "Invalid API-key, IP, or permissions."}
        served.faults({**refusal, "on": "POST /fapi/v1/order", "times": 0})
        for rung in range(3):
            order = trader.order(rung=rung)
            trader.port.send(Place(order))
            assert (await trader.report(order.client_id)).code == -2015
        assert [circuit.code for circuit in trader.port.health.circuits] == [-2015]
        assert not any(isinstance(one, LinkChanged) for one in trader.heard)


async def test_a_secret_that_does_not_belong_to_the_key_is_told_so(served: Served) -> None:
    with pytest.raises(Stop, match="secret does not belong"):
        async with trading(served, Market.FUTURES, keys=Keys("key", "wrong")):
            pass


async def test_without_keys_public_calls_serve_and_signed_ones_name_what_is_missing(served: Served) -> None:
    rest = make_rest(Market.FUTURES, hosts_of(Mode.PAPER, served.http), Keys(), ours=lambda _: False)
    await rest.open()
    try:
        found = await rest.instruments(SYMBOLS)
        assert found["BTCUSDT"].brackets
        assert len(await rest.klines("BTCUSDT", await rest.server_time() - 600_000)) >= 9
        with pytest.raises(Stop, match="gridbot credentials set"):
            await rest.account()
    finally:
        await rest.close()


@pytest.mark.parametrize("market", [Market.SPOT, Market.FUTURES])
async def test_a_symbol_that_does_not_exist_is_named(served: Served, market: Market) -> None:
    rest = make_rest(market, hosts_of(Mode.PAPER, served.http), Keys(), ours=lambda _: False)
    await rest.open()
    try:
        with pytest.raises(Refused, match="XXXUSDT"):
            await rest.instruments(("BTCUSDT", "XXXUSDT"))
    finally:
        await rest.close()


async def test_an_exchange_that_is_not_there_is_tried_again_later() -> None:
    params, hosts = BinanceParams(tries=2, retry_first_ms=1), hosts_of(Mode.PAPER, "http://127.0.0.1:9")
    rest = make_rest(Market.SPOT, hosts, Keys(), ours=lambda _: False, params=params)
    with pytest.raises(RetryLater, match="no connection"):
        await rest.open()
    await rest.close()
    await rest.close()


async def test_an_order_on_its_way_when_the_port_closes_is_unresolved_and_no_task_is_left(served: Served) -> None:
    before = asyncio.all_tasks()
    async with trading(served, Market.FUTURES) as trader:
        served.faults({"kind": "timeout", "on": "POST /fapi/v1/order"})
        order = trader.order()
        trader.port.send(Place(order))
        await trader.leaves(order)
        await trader.port.aclose()
        assert [one.outcome for one in trader.reports(order.client_id)] == [Outcome.UNRESOLVED]
        late = trader.order(rung=2)
        trader.port.send(Place(late))
        assert (await trader.report(late.client_id)).outcome is Outcome.REFUSED
    assert asyncio.all_tasks() == before


async def test_a_private_key_signs_questions_orders_and_stream_requests() -> None:
    private, public = _ed25519()
    account = KeyConfig("ed", public, {"USDT": "10000", "BTC": "1"})
    with serving(accounts=(account,)) as served:
        for market in (Market.SPOT, Market.FUTURES):
            rest = make_rest(market, hosts_of(Mode.LIVE, served.http), Keys("ed", private), ours=lambda _: True)
            await rest.open()
            try:
                await rest.instruments(SYMBOLS)
                assert (await rest.account()).balances["USDT"] > 0
                assert rest.batch_size == 1  # the library signs batches wrongly with such a key
                assert rest.sign({"x": 1})["apiKey"] == "ed"
            finally:
                await rest.close()


def _ed25519() -> tuple[str, str]:
    """(private, public) in PEM."""
    key = ECC.generate(curve="ed25519")
    return key.export_key(format="PEM"), key.public_key().export_key(format="PEM")


async def test_a_spot_deposit_that_no_event_told_becomes_a_transfer(served: Served) -> None:
    booked: dict[str, Decimal] = {}

    async with trading(served, Market.SPOT, expected=lambda: booked) as trader:
        account = (await trader.ask(AskAccount)).account
        assert account is not None
        booked |= account.balances
        served.control("deposit", key="key", market="spot", asset="USDT", amount="25")
        first = (await trader.ask(lambda n: AskCash(n, 0))).cash
        assert first == ()
        served.jump(6_000)
        await trader.rest.server_time()
        second = (await trader.ask(lambda n: AskCash(n, 0))).cash
        assert second is not None
        assert [(one.asset, one.amount) for one in second] == [("USDT", Decimal(25))]
        served.control("deposit", key="key", market="spot", asset="USDT", amount="-25")


async def test_own_fees_and_settings_are_read(served: Served) -> None:
    for market in (Market.SPOT, Market.FUTURES):
        async with trading(served, market) as trader:
            fees = (await trader.rest.fees(("BTCUSDT",)))["BTCUSDT"]
            assert 0 < fees.maker <= fees.taker < 1
            setup = await trader.rest.setup(SYMBOLS)
            assert setup.can_trade
            powers = await trader.rest.api_restrictions()
            assert powers is not None
            assert (powers.withdrawals, powers.ip_restricted) == (False, False)
            if market is Market.FUTURES:
                assert (setup.hedge_mode, setup.multi_assets, setup.isolated) == (False, False, frozenset())
                assert len(await trader.rest.listen_key()) > 20
                await trader.rest.countdown("BTCUSDT", 60_000)
                await trader.rest.countdown("BTCUSDT", 0)


async def test_a_position_a_stranger_changed_is_listed_as_not_ours(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        since = trader.clock.now_ms()
        served.good("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.010",
                    newClientOrderId="web_by_hand")  # fmt: skip
        fills = (await trader.ask(lambda n: AskFills(n, "BTCUSDT", "", since - 1_000))).fills
        assert fills is not None
        assert [(fill.client_id, fill.ours) for fill in fills][-1] == ("web_by_hand", False)
        served.good("POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="LIMIT", timeInForce="GTC",
                    price="70000", quantity="0.010", newClientOrderId="web_resting")  # fmt: skip
        listed = (await trader.ask(AskOpenOrders)).open_orders
        assert listed is not None
        assert [one.client_id for one in listed.orders] == ["web_resting"]


async def test_a_duplicate_means_the_first_one_stands_and_is_asked_about(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        order = trader.order()
        for _ in range(2):
            trader.port.send(Place(order))
        await trader.report(order.client_id, Outcome.UNRESOLVED)
        asked = (await trader.ask(lambda n: AskOrder(n, "BTCUSDT", order.client_id))).order
        assert asked is not None
        assert asked.outcome is Outcome.ACCEPTED
        assert trader.standing() == [order.client_id]
        assert all(isinstance(one, OrderReport) for one in trader.reports(order.client_id))


async def test_orders_whose_absence_takes_long_to_prove_hold_up_no_other_question(served: Served) -> None:
    slow = BinanceParams(recv_window_ms=60_000)
    async with trading(served, Market.FUTURES, params=slow, clock=WallClock()) as trader:
        for number in range(30):
            trader.port.send(AskOrder(1_000 + number, "BTCUSDT", f"gbt-BTCUSDT-1-gb1-never{number}"))
        assert (await trader.ask(AskAccount)).account is not None
        assert not any(getattr(one, "request_id", 0) >= 1_000 for one in trader.heard)


def test_a_clock_without_an_offset_tells_the_machines_time() -> None:
    before = time.time_ns() // 1_000_000
    told = WallClock().now_ms()
    assert before - 1 <= told <= time.time_ns() // 1_000_000 + 1


def test_questions_that_stay_unanswered_are_asked_ever_more_seldom_and_an_answer_ends_that() -> None:
    now = 100.0
    port: Any = object.__new__(BinancePort)
    port._clock = SimpleNamespace(monotonic=lambda: now)
    port._deaf_until, port._deaf_s = float("-inf"), 0.0
    pauses = []
    for _ in range(6):
        port._heard(answered=False)
        port._heard(answered=False)  # asked at the same time: they lengthen it once
        pauses.append(port._deaf_until - now)
        now = port._deaf_until
    assert pauses[:2] == [pauses[0], 2 * pauses[0]]
    assert pauses[-2:] == [8.0, 8.0]
    port._heard(answered=True)
    assert port._deaf_until <= now
    port._heard(answered=False)
    assert port._deaf_until - now == pauses[0]
