"""What the exchange refuses, and with which of Binance's codes."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.units import Market, Side
from tests.exchange.market import Tape, flat, instrument, limit, market_order, opened, place, refusal, stop

BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (limit("ok", BUY, 990, 1000), 0),
        (limit("symbol", BUY, 990, 1000, symbol="NOPEUSDT"), -1121),
        (limit("bad id!", BUY, 990, 1000), -4015),
        (limit("x" * 37, BUY, 990, 1000), -4015),
        (replace(limit("no-price", BUY, 990, 1000), price=None), -1102),
        (limit("zero-price", BUY, 0, 1000), -4001),
        (limit("max-price", SELL, 1_000_001, 1000), -4002),
        (limit("zero", BUY, 990, 0), -4003),
        (limit("negative", BUY, 990, -5), -4003),
        (limit("huge", BUY, 990, 10_000_001), -4005),
        (market_order("huge-market", BUY, 5_000_001), -4005),
        (limit("small", BUY, 990, 50), -4164),  # 99 x 0.05 = 4.95
        (limit("enough", BUY, 1000, 50), 0),
        (limit("high", BUY, 1051, 1000, post_only=False), -4016),
        (limit("highest", BUY, 1050, 1000, post_only=False), 0),
        (limit("low", SELL, 949, 1000, post_only=False), -4024),
        (limit("lowest", SELL, 950, 1000, post_only=False), 0),
        (limit("takes", BUY, 1001, 1000), -5022),
        (limit("touch", BUY, 1000, 1000), 0),
        (limit("takes-sell", SELL, 999, 1000), -5022),
        (limit("touch-sell", SELL, 1000, 1000), 0),
        (limit("nothing-to-reduce", SELL, 1010, 1000, reduce_only=True), -2022),
        (market_order("nothing-either", SELL, 1000, reduce_only=True), -2022),
        (stop("at-once", SELL, 1000, 1000), -2021),
        (stop("at-once-buy", BUY, 1000, 1000), -2021),
        (stop("waits", SELL, 999, 1000), 0),
        (stop("both", SELL, 990, 10, close_position=True, reduce_only=False), -4137),
        (stop("both-flags", SELL, 990, 0, close_position=True), -4138),
        (limit("close-limit", SELL, 1010, 0, close_position=True), -4136),
        (replace(stop("no-trigger", SELL, 990, 1000), trigger=None), -1102),
        (limit("bracket", BUY, 1000, 2_000_001), -2027),  # 200,000.1 at 20x
    ],
    ids=lambda value: value.client_id if isinstance(value, NewOrder) else str(value),
)
def test_futures_answers_with_binances_code(order: NewOrder, code: int) -> None:
    assert refusal(opened(), order) == code


@pytest.mark.parametrize(
    ("order", "code", "name"),
    [
        (limit("ok", BUY, 990, 1000), 0, ""),
        (limit("symbol", BUY, 990, 1000, symbol="NOPEUSDT"), -1121, "symbol"),
        (limit("a:b/c", BUY, 990, 1000), -1100, "Illegal"),
        (limit("price", BUY, 0, 1000), -1013, "PRICE_FILTER"),
        (limit("lot", BUY, 990, 0), -1013, "LOT_SIZE"),
        (limit("lot-max", BUY, 990, 10_000_001), -1013, "LOT_SIZE"),
        (market_order("market-lot", BUY, 5_000_001), -1013, "MARKET_LOT_SIZE"),
        (limit("notional", BUY, 990, 50), -1013, "NOTIONAL"),
        (limit("percent", BUY, 1051, 1000, post_only=False), -1013, "PERCENT_PRICE_BY_SIDE"),
        (limit("takes", BUY, 1001, 1000), -2010, "immediately match"),
        (limit("poor", BUY, 1000, 100_001), -2010, "insufficient balance"),
        (limit("naked", SELL, 1010, 1000), -2010, "insufficient balance"),
        (stop("at-once", SELL, 1000, 1000), -2010, "trigger immediately"),
    ],
    ids=lambda value: value.client_id if isinstance(value, NewOrder) else str(value),
)
def test_spot_answers_with_binances_code_and_filter_name(order: NewOrder, code: int, name: str) -> None:
    world = opened(market=Market.SPOT)
    said = world.exchange.place(order)
    assert (said.code if said else 0) == code
    assert name in (said.detail if said else "")


def test_spot_refuses_what_is_worth_too_much_and_what_an_account_may_not_hold() -> None:
    limited = instrument(market=Market.SPOT, max_notional=D(150), max_market_notional=D(150), max_position=2_000)
    tape = Tape({"XYZUSDT": [flat(0, 1000)]}, {"XYZUSDT": limited})
    world = World(tape, AccountConfig(Market.SPOT, {"USDT": D(10_000)}))
    world.next()

    def said(order: NewOrder) -> str:
        why = world.exchange.place(order)
        return f"{why.code} {why.detail}" if why else ""

    assert said(limit("worth", BUY, 990, 1_600)) == "-1013 Filter failure: NOTIONAL"
    assert said(market_order("worth-at-market", BUY, 1_600)) == "-1013 Filter failure: NOTIONAL"
    assert said(limit("first", BUY, 990, 1_200)) == ""
    assert said(limit("beyond", BUY, 980, 801)) == "-1013 Filter failure: MAX_POSITION"
    assert said(limit("fits", BUY, 980, 800)) == ""


def test_a_client_id_is_unique_among_open_orders_only() -> None:
    for market, code in ((Market.FUTURES, -4116), (Market.SPOT, -2010)):
        world = opened(market=market)
        place(world, limit("one", BUY, 990, 1000))
        assert refusal(world, limit("one", BUY, 980, 1000)) == code
        assert world.exchange.cancel("XYZUSDT", "one") is None
        assert refusal(world, limit("one", BUY, 980, 1000)) == 0, "an ended order's id may be used again"


def test_conditional_futures_ids_are_a_space_of_their_own() -> None:
    world = opened()
    place(world, limit("one", BUY, 990, 1000), stop("one", SELL, 900, 1000))
    assert refusal(world, stop("one", SELL, 890, 1000)) == -4116


@pytest.mark.parametrize(("market", "code"), [(Market.FUTURES, -2025), (Market.SPOT, -1013)])
def test_no_more_orders_rest_than_the_filter_allows(market: Market, code: int) -> None:
    tape = Tape({"XYZUSDT": [flat(0, 1000)]}, {"XYZUSDT": instrument(market=market, max_orders=2)})
    world = World(tape, AccountConfig(market, {"USDT": D(10_000)}))
    world.next()
    place(world, limit("a", BUY, 990, 1000), limit("b", BUY, 980, 1000))
    assert refusal(world, limit("c", BUY, 970, 1000)) == code


def test_conditional_orders_have_a_limit_of_their_own() -> None:
    world = opened(max_stops=1)
    place(world, stop("a", SELL, 900, 1000))
    assert refusal(world, stop("b", SELL, 890, 1000)) == -4045
    place(world, limit("c", BUY, 970, 1000))
    world = opened(market=Market.SPOT, max_spot_stops=1)
    world.owner.deposit("XYZ", D(10))
    place(world, stop("a", SELL, 900, 1000))
    said = world.exchange.place(stop("b", SELL, 890, 1000))
    assert said == Refusal(-1013, "Filter failure: MAX_NUM_ALGO_ORDERS")


def test_a_market_order_beyond_the_percent_price_is_refused() -> None:
    assert refusal(opened(slippage_bp=500.0), market_order("m", BUY, 1000)) == 0
    tape = Tape({"XYZUSDT": [flat(0, 1000)]}, {"XYZUSDT": instrument(percent_up=D("1.01"))})
    world = World(tape, AccountConfig(Market.FUTURES, {"USDT": D(10_000)}, ExchangeParams(slippage_bp=200.0)))
    world.next()
    assert refusal(world, market_order("m", BUY, 1000)) == -4131


def test_a_reduce_only_order_may_be_worth_less_than_the_minimum() -> None:
    world = opened()
    place(world, market_order("open", BUY, 1000))
    assert refusal(world, limit("small", SELL, 1010, 10, reduce_only=True)) == 0
    assert refusal(world, limit("small-too", SELL, 1010, 10)) == -4164


@pytest.mark.parametrize(("market", "code"), [(Market.FUTURES, -4004), (Market.SPOT, -1013)])
def test_an_order_below_the_smallest_lot_is_refused(market: Market, code: int) -> None:
    tape = Tape({"XYZUSDT": [flat(0, 1000)]}, {"XYZUSDT": instrument(market=market, min_steps=100)})
    world = World(tape, AccountConfig(market, {"USDT": D(10_000)}))
    world.next()
    assert refusal(world, limit("small", BUY, 1000, 99)) == code


def test_nothing_trades_before_the_first_bar() -> None:
    for market, code in ((Market.FUTURES, -4141), (Market.SPOT, -1013)):
        world = World(Tape({"XYZUSDT": [flat(0, 1000)]}, market=market), AccountConfig(market, {"USDT": D(100)}))
        assert refusal(world, limit("early", BUY, 990, 1000)) == code


def test_spot_ignores_reduce_only_which_it_does_not_know() -> None:
    world = opened(market=Market.SPOT)
    world.owner.deposit("XYZ", D(1))
    assert refusal(world, limit("exit", SELL, 1010, 1000, reduce_only=True)) == 0
