"""The life of an order, as the bot hears of it."""

from decimal import Decimal as D

from gridbot_tui.engine.events import BarsClosed, Fill, OrderReport, Outcome
from gridbot_tui.exchange.port import AskFills, AskOrder, Cancel, Reply
from gridbot_tui.exchange.simulated.records import Execution, OrderUpdate, Update
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.units import DAY, Side
from tests.exchange.market import (
    account,
    answers,
    bar,
    drain,
    fills,
    flat,
    limit,
    market_order,
    opened,
    place,
    reports,
    standing,
    stop,
    until,
)

BUY, SELL = Side.BUY, Side.SELL


def fate(world: World, client_id: str, conditional: bool = False) -> OrderReport:
    world.send(AskOrder(7, "XYZUSDT", client_id, conditional))
    reply = answers(world)[-1]
    assert isinstance(reply, Reply)
    assert reply.request_id == 7
    assert reply.order is not None
    return reply.order


def test_a_limit_order_rests_fills_and_is_remembered() -> None:
    world = opened(bar(1, 1000, 1000, 980, 990))
    assert reports(place(world, limit("b", BUY, 990, 1000)), "b") == [Outcome.ACCEPTED]
    assert standing(world) == ["b"]
    heard = until(world, BarsClosed)
    assert [type(e).__name__ for e in heard] == ["Fill", "OrderReport", "BarsClosed"]
    assert {e.at for e in heard} == {world.now}, "all of one bar carries its close time"
    assert reports(heard, "b") == [Outcome.FILLED]
    assert standing(world) == []
    assert fate(world, "b").outcome is Outcome.FILLED
    assert fate(world, "b").filled == 1000


def test_a_cancelled_order_is_gone_and_a_second_cancel_is_refused() -> None:
    world = opened(bar(1, 1000, 1000, 900, 990))
    place(world, limit("b", BUY, 990, 1000))
    world.send(Cancel("XYZUSDT", "b"))
    world.send(Cancel("XYZUSDT", "b"))
    first, second = answers(world)
    assert isinstance(first, OrderReport)
    assert isinstance(second, OrderReport)
    assert first.outcome is Outcome.CANCELED
    assert (second.outcome, second.code) == (Outcome.CANCEL_REFUSED, -2011)
    assert fills(until(world, BarsClosed)) == []
    assert fate(world, "b").outcome is Outcome.CANCELED


def test_a_stop_is_cancelled_as_conditional_only() -> None:
    world = opened()
    place(world, stop("s", SELL, 900, 1000))
    world.send(Cancel("XYZUSDT", "s"))
    assert reports(answers(world), "s") == [Outcome.CANCEL_REFUSED]
    world.send(Cancel("XYZUSDT", "s", conditional=True))
    assert reports(answers(world), "s") == [Outcome.CANCELED]
    assert fate(world, "s", conditional=True).outcome is Outcome.CANCELED


def test_an_order_that_never_was_is_absent_and_so_is_a_refused_one() -> None:
    world = opened()
    assert fate(world, "never").outcome is Outcome.ABSENT
    world.exchange.place(limit("refused", BUY, 2000, 1000))
    assert (fate(world, "refused").outcome, fate(world, "refused").code) == (Outcome.ABSENT, -2013)


def test_unfilled_orders_are_forgotten_after_three_days_filled_ones_are_not() -> None:
    days = DAY // 60_000
    world = opened(bar(1, 1000, 1000, 980, 1000), flat(2, 1000), flat(4 * days, 1000))
    place(world, limit("filled", BUY, 990, 1000), limit("cancelled", BUY, 900, 1000))
    until(world, BarsClosed)
    world.send(Cancel("XYZUSDT", "cancelled"))
    until(world, BarsClosed)
    assert fate(world, "cancelled").outcome is Outcome.CANCELED
    until(world, BarsClosed)
    assert fate(world, "cancelled").outcome is Outcome.ABSENT
    assert fate(world, "filled").outcome is Outcome.FILLED


def test_a_crossing_limit_takes_at_its_price_or_better() -> None:
    world = opened()
    heard = place(world, limit("deep", BUY, 1040, 1000, post_only=False))
    assert fills(heard) == [("deep", 1, 1001, 1000)]  # 1000 and 2 bp is 1000.2, rounded against the taker
    heard = place(world, limit("sell", SELL, 960, 1000, post_only=False))
    assert fills(heard) == [("sell", -1, 999, 1000)]


def test_fees_are_cut_at_eight_decimals_as_maker_and_as_taker() -> None:
    world = opened(bar(1, 1000, 1000, 980, 990), slippage_bp=0.0)
    taker = place(world, market_order("t", BUY, 333))[1]
    assert isinstance(taker, Fill)
    assert (taker.maker, taker.fee, taker.fee_asset) == (False, D("0.01665000"), "USDT")  # 33.3 x 0.05 %
    place(world, limit("m", BUY, 989, 333))
    maker = until(world, BarsClosed)[0]
    assert isinstance(maker, Fill)
    assert (maker.maker, maker.fee) == (True, D("0.00658674"))  # 32.9337 x 0.02 %
    assert account(world).balances["USDT"] == D(10_000) - D("0.01665000") - D("0.00658674")


def test_realised_profit_is_against_the_average_entry_and_nothing_is_lost_in_rounding() -> None:
    world = opened(slippage_bp=0.0, futures_taker=0)
    place(world, market_order("a", BUY, 1000))
    world.exchange.venues["XYZUSDT"].last = 1030
    place(world, market_order("b", BUY, 2000))
    position = account(world).positions[0]
    assert position.entry_price == D(102)  # (100 + 2 x 103) / 3
    realised = D(0)
    for name, steps in (("c", 700), ("d", 700), ("e", 1600)):
        fill = place(world, market_order(name, SELL, steps))[1]
        assert isinstance(fill, Fill)
        realised += fill.realised
    assert realised == D(3)  # 3 x (103 - 102)
    assert account(world).balances["USDT"] == D(10_003)
    assert account(world).positions == ()


def test_one_trade_may_turn_a_position() -> None:
    world = opened(slippage_bp=0.0, futures_taker=0)
    place(world, market_order("long", BUY, 1000))
    world.exchange.venues["XYZUSDT"].last = 1010
    fill = place(world, market_order("turn", SELL, 3000))[1]
    assert isinstance(fill, Fill)
    assert (fill.steps, fill.realised) == (3000, D(1))
    position = account(world).positions[0]
    assert (position.steps, position.entry_price) == (-2000, D(101))


def test_a_trade_by_hand_is_heard_as_foreign_and_an_order_by_hand_only_stands() -> None:
    world = opened(bar(1, 1000, 1000, 980, 990))
    assert world.owner.manual_trade("XYZUSDT", BUY, 1000) is None
    heard = answers(world)
    assert [type(e) for e in heard] == [Fill]
    fill = heard[0]
    assert isinstance(fill, Fill)
    assert (fill.ours, fill.client_id.startswith("web_")) == (False, True)
    world.owner.manual_order(limit("mine", BUY, 990, 500))
    assert answers(world) == []
    assert standing(world) == ["mine"]
    heard = until(world, BarsClosed)
    assert fills(heard) == [("mine", 1, 990, 500)]
    assert reports(heard, "mine") == []


def test_an_order_of_ours_cancelled_by_hand_is_heard_of() -> None:
    world = opened()
    place(world, limit("b", BUY, 990, 1000))
    world.owner.manual_cancel("XYZUSDT", "b")
    assert reports(answers(world), "b") == [Outcome.CANCELED]


def test_fills_are_answered_after_a_trade_id_or_since_a_time() -> None:
    world = opened(flat(1, 1000))
    place(world, market_order("a", BUY, 100), market_order("b", BUY, 100))
    until(world, BarsClosed)
    place(world, market_order("c", BUY, 100))

    def asked(after: str, since: int) -> list[str]:
        world.send(AskFills(1, "XYZUSDT", after, since))
        reply = answers(world)[-1]
        assert isinstance(reply, Reply)
        return [f.client_id for f in reply.fills or ()]

    assert asked("", 0) == ["a", "b", "c"]
    assert asked("1", 0) == ["b", "c"]
    assert asked("3", 0) == []
    assert asked("", world.now) == ["c"]
    world.send(AskFills(2, "XYZUSDT", "x1", 0))
    reply = drain(world)[-1]
    assert isinstance(reply, Reply)
    assert reply.error
    assert reply.fills is None, "unknown is not empty"


def test_listeners_get_everything_a_binance_frame_needs() -> None:
    world = opened(bar(1, 1000, 1000, 980, 990, volume=4.0))
    told: list[Update] = []
    world.listen(told.extend)
    place(world, limit("b", BUY, 990, 1000))
    until(world, BarsClosed)
    new, traded = [u for u in told if isinstance(u, OrderUpdate)]
    assert (new.execution, new.order.status, new.order.filled) == (Execution.NEW, "NEW", 0)
    assert (traded.execution, traded.order.status, traded.order.filled) == (
        Execution.TRADE,
        "PARTIALLY_FILLED",
        400,
    )
    assert traded.order.quote == D("39.6000")
    assert traded.trade is not None
    assert (traded.trade.trade_id, traded.trade.exchange_id, traded.trade.at) == (
        1,
        new.order.exchange_id,
        world.now,
    )
    assert new.order.created_at < traded.order.updated_at == world.now
