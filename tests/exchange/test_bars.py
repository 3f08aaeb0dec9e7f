"""How a bar meets resting orders: the conservative rules, by hand."""

import pytest

from gridbot_tui.engine.events import BarsClosed, Outcome
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.bar import Bar
from gridbot_tui.units import Side
from tests.exchange.market import (
    account,
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


@pytest.mark.parametrize(("low", "filled"), [(991, False), (990, False), (989, True), (900, True)])
def test_a_buy_fills_only_if_the_bar_trades_a_tick_beyond_it_and_at_its_own_price(low: int, filled: bool) -> None:
    world = opened(bar(1, 1000, 1000, low, 1000))
    place(world, limit("b", BUY, 990, 1000))
    assert fills(until(world, BarsClosed)) == ([("b", 1, 990, 1000)] if filled else [])


@pytest.mark.parametrize(("high", "filled"), [(1009, False), (1010, False), (1011, True)])
def test_a_sell_fills_only_if_the_bar_trades_a_tick_beyond_it(high: int, filled: bool) -> None:
    world = opened(bar(1, 1000, high, 1000, 1000))
    place(world, limit("s", SELL, 1010, 1000))
    assert fills(until(world, BarsClosed)) == ([("s", -1, 1010, 1000)] if filled else [])


def test_a_gap_beyond_the_limit_is_no_gift() -> None:
    world = opened(bar(1, 950, 960, 940, 955))
    place(world, limit("b", BUY, 990, 1000))
    assert fills(until(world, BarsClosed)) == [("b", 1, 990, 1000)]


def test_orders_born_in_a_bar_fill_from_the_next() -> None:
    world = opened(bar(1, 1000, 1000, 900, 1000), flat(2, 1000), bar(3, 1000, 1000, 980, 1000))
    until(world, BarsClosed)
    place(world, limit("late", BUY, 990, 1000))
    assert fills(until(world, BarsClosed)) == []
    assert fills(until(world, BarsClosed)) == [("late", 1, 990, 1000)]


def test_a_long_adds_first_then_its_stop_fires_then_the_exits_fill() -> None:
    world = opened(bar(1, 1000, 1020, 980, 1015), slippage_bp=10.0)
    place(world, market_order("open", BUY, 1000))
    place(
        world,
        limit("add", BUY, 990, 1000),
        stop("stop", SELL, 985, 5000),
        limit("exit", SELL, 1010, 1000),
    )
    heard = until(world, BarsClosed)
    # 985 less 10 bp is 984.015, which no taker gets more than 984 for; the exit then opens a naked short.
    assert fills(heard) == [("add", 1, 990, 1000), ("stop", -1, 984, 2000), ("exit", -1, 1010, 1000)]
    assert reports(heard, "stop") == [Outcome.TRIGGERED, Outcome.PARTLY_FILLED, Outcome.EXPIRED]
    assert account(world).positions[0].steps == -1000


def test_a_short_adds_at_the_high_first() -> None:
    world = opened(bar(1, 1000, 1020, 980, 990))
    place(world, market_order("open", SELL, 1000))
    place(world, limit("exit", BUY, 990, 1000), limit("add", SELL, 1010, 1000))
    assert [f[0] for f in fills(until(world, BarsClosed))] == ["add", "exit"]


@pytest.mark.parametrize(
    ("one", "order"),
    [
        (bar(1, 1000, 1030, 980, 1000), ["b", "s"]),
        (bar(1, 1000, 1020, 970, 1000), ["s", "b"]),
        (bar(1, 1000, 1020, 980, 1000), ["b", "s"]),
    ],
    ids=["low-nearer", "high-nearer", "as-near"],
)
def test_flat_the_side_whose_extreme_is_nearer_to_the_open_comes_first(one: Bar, order: list[str]) -> None:
    world = opened(one)
    place(world, limit("b", BUY, 990, 1000), limit("s", SELL, 1010, 1000))
    assert [f[0] for f in fills(until(world, BarsClosed))] == order


def test_orders_of_a_side_fill_best_price_first_and_oldest_first() -> None:
    world = opened(bar(1, 1000, 1000, 900, 1000))
    for name, price in (("low", 950), ("old", 990), ("new", 990), ("high", 995)):
        place(world, limit(name, BUY, price, 1000))
    assert [f[0] for f in fills(until(world, BarsClosed))] == ["high", "old", "new", "low"]


def test_a_stop_that_gaps_fills_at_the_open_and_slips() -> None:
    world = opened(bar(1, 950, 960, 940, 955))
    place(world, market_order("open", BUY, 1000))
    place(world, stop("stop", SELL, 980, 0, close_position=True, reduce_only=False))
    # 950 less 2 bp is 949.81
    assert fills(until(world, BarsClosed)) == [("stop", -1, 949, 1000)]
    assert account(world).positions == ()


def test_a_stop_fires_by_mark_price_and_pays_what_the_symbol_traded_below_it() -> None:
    world = opened(
        bar(1, 1000, 1000, 930, 990, mark=(1000, 985, 990)),
        bar(2, 990, 990, 880, 900, mark=(990, 980, 985)),
        slippage_bp=0.0,
    )
    place(world, market_order("open", BUY, 1000))
    place(world, stop("stop", SELL, 980, 1000))
    assert fills(until(world, BarsClosed)) == [], "the symbol fell through the trigger, its mark price did not"
    # the mark touches 980 while the symbol trades 100 below its mark
    assert fills(until(world, BarsClosed)) == [("stop", -1, 880, 1000)]


@pytest.mark.parametrize(
    ("side", "trigger", "minute", "mark", "price"),
    [
        (BUY, 980, (860, 870, 850, 860), (975, 940, 950), 860),  # opened beyond, and the mark went after it
        (BUY, 980, (1200, 1210, 1190, 1200), (1000, 970, 990), 1190),  # the mark alone fell
        (BUY, 980, (930, 940, 900, 910), (1000, 950, 960), 930),
        (SELL, 1020, (1150, 1160, 1140, 1150), (1060, 1000, 1050), 1150),
        (SELL, 1020, (800, 810, 790, 800), (1030, 1000, 1010), 810),
    ],
)
def test_a_stop_fills_within_what_its_bar_traded_however_far_off_the_mark_is(
    side: Side, trigger: int, minute: tuple[int, int, int, int], mark: tuple[int, int, int], price: int
) -> None:
    world = opened(bar(1, *minute, mark=mark), slippage_bp=0.0)
    place(world, market_order("open", side, 1000))
    place(world, stop("stop", side.opposite, trigger, 1000))
    assert fills(until(world, BarsClosed)) == [("stop", side.opposite.value, price, 1000)]


def test_a_buy_stop_protects_a_short() -> None:
    world = opened(bar(1, 1000, 1030, 1000, 1020), slippage_bp=0.0)
    place(world, market_order("open", SELL, 1000))
    place(world, stop("stop", BUY, 1020, 1000))
    assert fills(until(world, BarsClosed)) == [("stop", 1, 1020, 1000)]


def test_a_stop_without_a_position_expires_when_it_fires() -> None:
    world = opened(bar(1, 1000, 1000, 900, 950))
    place(world, stop("stop", SELL, 950, 1000))
    assert reports(until(world, BarsClosed), "stop") == [Outcome.TRIGGERED, Outcome.EXPIRED]
    assert standing(world) == []


def test_an_order_takes_its_share_of_the_volume_and_the_rest_rests_on() -> None:
    # a tenth of 5 XYZ is 500 steps a bar, shared by all orders of the bar
    thin = [bar(n, 1000, 1000, 900, 1000, volume=5.0) for n in (1, 2, 3)]
    world = opened(*thin)
    place(world, limit("a", BUY, 990, 700), limit("b", BUY, 980, 700))
    heard = until(world, BarsClosed)
    assert fills(heard) == [("a", 1, 990, 500)]
    assert reports(heard, "a") == [Outcome.PARTLY_FILLED]
    heard = until(world, BarsClosed)
    assert fills(heard) == [("a", 1, 990, 200), ("b", 1, 980, 300)]
    assert reports(heard, "a") == [Outcome.FILLED]
    assert standing(world) == ["b"]


def test_a_bar_without_volume_fills_nothing_unless_the_share_is_unlimited() -> None:
    for share, filled in ((0.1, 0), (0.0, 1)):
        world = opened(bar(1, 1000, 1000, 900, 1000, volume=0.0), volume_share=share)
        place(world, limit("a", BUY, 990, 700))
        assert len(fills(until(world, BarsClosed))) == filled


def test_random_partial_fills_come_from_the_seed() -> None:
    def story(seed: int) -> list[tuple[str, int, int, int]]:
        bars = [bar(n, 1000, 1000, 900, 1000) for n in range(1, 30)]
        world = opened(*bars, partial_probability=0.95)
        world.exchange.seed = seed
        place(world, limit("a", BUY, 990, 1_000))
        return fills(drain(world))

    assert story(1) == story(1)
    assert story(1) != story(2)
    assert sum(f[3] for f in story(1)) == 1_000


def _long_with_exits(world: World) -> None:
    place(world, market_order("open", BUY, 1000))
    place(
        world,
        limit("near", SELL, 1010, 600, reduce_only=True),
        limit("mid", SELL, 1020, 600, reduce_only=True),
        limit("plain", SELL, 1030, 1000),
    )


def test_reduce_only_orders_beyond_the_position_are_knocked_out() -> None:
    world = opened(bar(1, 1000, 1015, 1000, 1000), bar(2, 1000, 1025, 1000, 1000))
    _long_with_exits(world)
    heard = place(world, limit("far", SELL, 1025, 600, reduce_only=True))
    assert reports(heard, "far") == [Outcome.ACCEPTED, Outcome.EXPIRED], "1,000 are covered by the nearer two"
    heard = until(world, BarsClosed)
    assert fills(heard) == [("near", -1, 1010, 600)]
    heard = until(world, BarsClosed)
    assert fills(heard) == [("mid", -1, 1020, 400)], "no more than there is to reduce"
    assert reports(heard, "mid") == [Outcome.PARTLY_FILLED, Outcome.EXPIRED]
    assert standing(world) == ["plain"]


def test_a_position_that_turns_knocks_out_every_reduce_only_order() -> None:
    world = opened()
    _long_with_exits(world)
    heard = place(world, market_order("turn", SELL, 1500))
    assert reports(heard, "near") == [Outcome.EXPIRED]
    assert reports(heard, "mid") == [Outcome.EXPIRED]
    assert standing(world) == ["plain"]


def test_a_reduce_only_market_order_stops_at_flat() -> None:
    world = opened(slippage_bp=0.0)
    place(world, market_order("open", SELL, 1000))
    heard = place(world, market_order("close", BUY, 1500, reduce_only=True))
    assert fills(heard) == [("close", 1, 1000, 1000)]
    assert reports(heard, "close") == [Outcome.ACCEPTED, Outcome.PARTLY_FILLED, Outcome.EXPIRED]
    assert account(world).positions == ()
