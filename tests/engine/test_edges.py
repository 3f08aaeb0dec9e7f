"""The rough edges, one by one, by the whole bot on the simulated exchange."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from gridbot_tui.engine.actions import AskAboutOrder, OrderFact
from gridbot_tui.engine.events import Cash, CashKind, FundingSettled, OrderReport, Outcome, Quote, Tick
from gridbot_tui.engine.planning import _symbol_drawdown as symbol_drawdown
from gridbot_tui.engine.planning import adopt_plan
from gridbot_tui.engine.watch import ASK_AGAIN
from gridbot_tui.exchange.simulated.records import Execution, Status
from gridbot_tui.exchange.simulated.refusals import POSITION_LIMIT, Refusal
from gridbot_tui.market.source import FundingRate
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.store import codec
from gridbot_tui.strategy.params import LadderParams
from gridbot_tui.strategy.plain_params import PlainParams
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, Side
from tests.engine.tape import BTC, START, Tape, flat, lived_through
from tests.simulation.market import RandomMarket, Weather
from tests.simulation.rig import Rig, config

D = Decimal
MARKETS = list(Market)


def plain(price: float = 60_000.0, **params: Any) -> LadderParams:
    """A long arithmetic grid of 55,000 to 65,000 unless told otherwise."""
    fields: dict[str, Any] = {"lower": price - 5_000, "upper": price + 5_000, "levels": 11, "leverage": 1.0}
    return LadderParams(kind=params.pop("kind", "arithmetic"), plain=PlainParams(**{**fields, **params}))


def grid(*minutes: tuple[int, int, int, int], market: Market = Market.FUTURES, **params: Any) -> Rig:
    tape = Tape(flat(600_000), *minutes, market=market)
    return Rig(tape, market=market, engine=config(market, (BTC,), ladder=plain(**params)))


def position(rig: Rig) -> int:
    return rig.engine.desk.ledger.position(BTC)


def resting(rig: Rig) -> list[tuple[Side, int]]:
    there = rig.world.exchange.history.open.values()
    return sorted((o.side, o.price or 0) for o in there if o.kind is OrderKind.LIMIT)


def live_rig(seed: int, market: Market, days: float = 2.0, **weather: Any) -> Rig:
    return Rig(RandomMarket(seed, 2, market=market, days=days, weather=Weather(**weather)), market=market, seed=seed)


# -- shutdown ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_graceful_stop_the_exchange_holds_nothing_of_ours(seed: int, market: Market) -> None:
    rig = live_rig(seed, market, drift_day=0.03)
    rig.run(until=START + 340 * HOUR + 22 * HOUR)
    rig.stop()
    rig.run(until=rig.world.now + 2 * HOUR)
    report = rig.bot.report
    assert report is not None
    assert report.verified
    assert report.exit_code == 0
    assert not rig.world.exchange.history.open
    assert all(rig.engine.desk.ledger.closable(name) == 0 for name in rig.engine.symbols)
    if market is Market.FUTURES:
        assert all(rig.world.exchange.account.position(name) == 0 for name in rig.engine.symbols)
    assert rig.problems == []


def test_spot_dust_is_listed_and_no_failure() -> None:
    rig = live_rig(3, Market.SPOT, days=3, sigma_hour=0.02)
    rig.run(until=rig.source.trading_from + 2 * DAY)  # type: ignore[attr-defined]
    assert any(rig.engine.desk.ledger.position(name) for name in rig.engine.symbols)
    rig.stop()
    rig.run(until=rig.world.now + HOUR)
    assert rig.bot.report is not None
    assert rig.bot.report.exit_code == 0
    assert rig.engine.dust() == dict(rig.bot.report.dust)
    assert rig.engine.dust()


def test_kept_positions_stand_under_their_stops_alone_and_a_kill_closes_them_all_the_same() -> None:
    rig = live_rig(4, Market.FUTURES, drift_day=0.04)
    rig.run(until=rig.source.trading_from + DAY)  # type: ignore[attr-defined]
    held = {name: rig.engine.desk.ledger.position(name) for name in rig.engine.symbols}
    assert any(held.values())
    rig.stop(keep=True)
    rig.run(until=rig.world.now + HOUR)
    report = rig.bot.report
    assert report is not None
    assert report.exit_code == 0
    assert {o.kind for o in rig.world.exchange.history.open.values()} == {OrderKind.STOP_MARKET}
    assert {name: rig.world.exchange.account.position(name) for name in rig.engine.symbols} == held


# -- drawdown -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_minus_fifteen_percent_everything_is_flat_within_one_cycle_and_stays_so(seed: int) -> None:
    rig = live_rig(seed, Market.FUTURES, days=3, drift_day=-0.1, sigma_hour=0.02)
    rig.run(until=rig.source.trading_from + DAY)  # type: ignore[attr-defined]
    tiers = rig.engine.desk.tiers
    tiers.peak = tiers.top = tiers.value / 0.84
    beyond: list[Ms] = []

    def watch() -> None:
        if not beyond and tiers.drawdown <= -0.15 and tiers.halted:
            beyond.append(rig.world.now)

    rig.checking = False  # between two marks the drawdown was made up
    rig.run(until=rig.world.now + 15 * MINUTE, each=watch)
    rig.checking = True
    rig.run(until=rig.world.now + 15 * MINUTE, each=watch)
    rig.settle()
    assert beyond
    desk = rig.engine.desk
    assert desk.tiers.halted
    assert all(rig.world.exchange.account.position(name) == 0 for name in rig.engine.symbols)
    assert not rig.world.exchange.history.open
    fills = sum(book.fills for book in desk.ledger.books.values())
    rig.run(until=rig.world.now + 12 * HOUR)
    assert sum(book.fills for book in desk.ledger.books.values()) == fills
    rig.order("reset", what="drawdown")
    assert desk.tiers.tier == 0
    rig.run(until=rig.world.now + 4 * HOUR)
    assert rig.world.exchange.history.open
    assert rig.problems == []


# -- the market ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "rate", "sign"), [("long", 1e-3, -1), ("short", 1e-3, 1), ("long", -1e-3, 1)])
def test_longs_pay_a_positive_rate_and_shorts_receive_it(side: str, rate: float, sign: int) -> None:
    beyond = (600_000, 602_000, 598_000, 600_000)
    rig = grid(beyond, flat(600_000), side=side, initial_inventory=True)
    rig.source.funding = {2: rate}  # type: ignore[attr-defined]
    rig.run()
    book = rig.engine.desk.ledger.book(BTC)
    assert book.position * (1 if side == "long" else -1) > 0
    assert book.funding * sign > 0
    assert abs(book.funding) == abs(book.position) * D("0.001") * 60_000 * D("0.001")
    assert rig.problems == []


def test_an_episode_that_ends_is_left_flat_and_the_next_warms_up_anew() -> None:
    source = RandomMarket(
        7, 1, days=6, weather=Weather(drift_day=0.05, sigma_hour=0.015, holes_a_day=0.5, hole_minutes=(90, 240))
    )
    ends = [batch.at for batch in source.batches(source.trading_from) if batch.episode_ends]
    assert ends
    rig = Rig(source, seed=7)
    rig.run(until=ends[0])
    rig.settle()
    assert rig.world.exchange.account.position(BTC) == 0
    assert not rig.world.exchange.history.open
    rig.run()
    assert rig.engine.desk.blockers.holds(BTC, "warming")
    assert not rig.engine.desk.blockers.holds(BTC, "neutral_silent")
    assert rig.problems == []


def test_post_only_refusals_cost_one_retry_and_no_warning() -> None:
    asked: dict[tuple[str, int, int], int] = {}
    rig = Rig(Tape(flat(600_000), (600_000, 600_000, 596_000, 597_000), flat(597_000)))
    lived_through(rig.engine, 60_000.0, 0.008, 0.9)  # so far below target that two rungs are crossed
    rig.run()
    facts = [codec.decode(body) for body in rig.memory.bodies]
    refused = [f for f in facts if isinstance(f, OrderFact) and f.report.outcome is Outcome.REFUSED]
    assert refused
    assert {fact.report.code for fact in refused} == {-5022}
    for fact in refused:
        order = rig.engine.desk.orders.get(fact.report.client_id)
        if order is not None:
            key = (order.order.symbol, order.order.rung, fact.at)
            asked[key] = asked.get(key, 0) + 1
    assert max(asked.values()) == 1
    assert not [note for note in rig.memory.notes if note.level in ("warning", "error") and "refus" in note.code]


# -- plain grids ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["arithmetic", "geometric"])
@pytest.mark.parametrize("market", MARKETS)
def test_a_plain_grid_buys_a_level_and_sells_it_at_the_next(kind: str, market: Market) -> None:
    down, up = (600_000, 600_000, 588_000, 589_000), (589_000, 626_000, 589_000, 621_000)
    rig = grid(down, flat(589_000), up, flat(621_000), market=market, kind=kind)
    rig.run(until=START + 2 * MINUTE)
    rig.settle()
    assert position(rig) > 0
    plan = rig.engine.desk.symbols[BTC].plan
    assert plan is not None
    tick = rig.world.instruments[BTC].tick_f
    lots = rig.engine.desk.ledger.book(BTC).lots
    assert [lot.price * tick for lot in lots] == pytest.approx([plan.grid[lot.rung] for lot in lots], abs=tick)
    nexts = sorted(plan.grid[lot.rung + 1] for lot in lots)
    rig.run()
    sold = sorted(t.price * tick for t in rig.world.exchange.history.trades[BTC] if t.side is Side.SELL)
    assert sold == pytest.approx(nexts, abs=tick)
    assert rig.engine.desk.ledger.book(BTC).cycles == len(lots)
    assert rig.engine.desk.ledger.book(BTC).grid_profit > 0
    assert rig.problems == []


def test_a_neutral_grid_leaves_above_its_upper_stop_and_does_not_come_back() -> None:
    minutes = [(600_000, 640_000, 600_000, 640_000), (640_000, 662_000, 640_000, 662_000)]
    rig = grid(*minutes, *[flat(662_000)] * 70, side="neutral", stop=54_000.0, stop_above=66_000.0)
    rig.run(until=START + 2 * MINUTE)
    rig.settle()
    assert position(rig) < 0
    rig.run(until=START + 5 * MINUTE)
    assert position(rig) == 0
    rig.run()
    assert position(rig) == 0
    assert resting(rig) == []
    assert rig.problems == []


@pytest.mark.parametrize("inventory", [False, True])
def test_a_long_grid_leaves_below_its_stop_and_does_not_buy_again_there(inventory: bool) -> None:
    minutes = [(600_000, 600_000, 552_000, 552_000), (552_000, 552_000, 538_000, 538_000)]
    rig = grid(*minutes, *[flat(538_000)] * 70, stop=54_000.0, initial_inventory=inventory)
    rig.run(until=START + 2 * MINUTE)
    rig.settle()
    assert position(rig) > 0
    rig.run()
    assert position(rig) == 0
    assert resting(rig) == []
    assert len([t for t in rig.world.exchange.history.trades[BTC] if t.side is Side.SELL]) == 1
    assert rig.problems == []


def test_a_long_grid_takes_its_profit_and_stays_out() -> None:
    minutes = [(600_000, 602_000, 598_000, 600_000), (600_000, 668_000, 600_000, 668_000)]
    rig = grid(*minutes, *[flat(668_000)] * 70, initial_inventory=True, take_profit=66_500.0)
    rig.run()
    assert position(rig) == 0
    assert resting(rig) == []
    assert rig.engine.desk.blockers.holds(BTC, "beyond_exit")
    assert rig.problems == []


def test_a_grid_that_trails_is_limited_from_where_it_was_laid() -> None:
    climb = [(p, p + 5_000, p, p + 5_000) for p in range(600_000, 900_000, 5_000)]
    rig = grid(*climb, *[flat(900_000)] * 130, trailing_up=True, trail_up_to=70_000.0)
    rig.run()
    plan = rig.engine.desk.symbols[BTC].plan
    assert plan is not None
    assert plan.grid_origin == (55_000.0, 65_000.0)
    assert plan.grid[-1] == pytest.approx(70_000.0)
    assert rig.problems == []


def test_a_plan_of_an_account_that_has_nothing_left_says_so_until_the_next_one_has() -> None:
    rig = grid(*[flat(600_000)] * 3)
    rig.run()
    desk = rig.engine.desk
    laid = desk.symbols[BTC].plan
    assert laid is not None
    assert not desk.blockers.holds(BTC, "no_equity")
    adopt_plan(desk, desk.symbols[BTC], replace(laid, equity=0.0, lot=0.0))
    assert desk.blockers.holds(BTC, "no_equity")
    adopt_plan(desk, desk.symbols[BTC], laid)
    assert not desk.blockers.holds(BTC, "no_equity")


def test_lots_too_small_for_their_rungs_are_told_of_and_the_next_plan_does_not_silence_that() -> None:
    low = plain(lower=30_000.0, upper=35_000.0, leverage=0.5)
    tape = Tape(flat(600_000), *[flat(600_000)] * 61)
    rig = Rig(tape, capital=1_000, engine=config(Market.FUTURES, (BTC,), ladder=low))
    rig.run()
    desk = rig.engine.desk
    said = [(one.code, one.since) for one in desk.blockers.ranked() if one.symbol == BTC]
    assert said == [("lot_below_minimum", START + MINUTE), ("out_of_range", START + MINUTE)]
    assert rig.problems == []


# -- what is held without a plan -----------------------------------------------------------------------------------


def test_a_target_order_is_pegged_to_the_touch_of_every_bar() -> None:
    rig = Rig(Tape(flat(600_000), (600_000, 600_000, 599_990, 599_995), *[flat(599_000 - 500 * n) for n in range(5)]))
    lived_through(rig.engine, 60_000.0, 0.008, 0.5)
    rig.run(until=START + 2 * MINUTE)
    rig.settle()
    assert position(rig) == 26
    state = rig.engine.desk.symbols[BTC]
    assert state.plan is not None
    state.plan = None
    rig.engine.desk.touch_all()
    seen: list[int | None] = []

    def look() -> None:
        live = rig.engine.desk.orders.live(BTC)
        seen.extend(one.order.price for one in live if one.order.purpose is Purpose.TARGET)

    rig.checking = False  # the plan was taken away by hand
    rig.run(each=look)
    assert len(set(seen)) >= 3


@pytest.mark.parametrize("reason", ["", "post-only would have taken"])
def test_orders_that_expire_as_soon_as_they_stand_do_not_use_up_the_order_limit(reason: str) -> None:
    rig = grid(*[flat(600_000)] * 6)
    exchange, sent = rig.world.exchange, list[NewOrder]()
    place = exchange.place

    def expiring(new: NewOrder, *, manual: bool = False) -> Refusal | None:
        refusal = place(new, manual=manual)
        if refusal is None and new.side is Side.BUY:
            sent.append(new)
            exchange.end(exchange.history.open[BTC, new.client_id, False], Status.EXPIRED, Execution.EXPIRED, reason)
        return refusal

    exchange.place = expiring  # type: ignore[method-assign]
    rig.checking = False
    said = False
    for _ in range(400):
        if rig.world.now >= rig.source.start + 4 * MINUTE or rig.step() is None:
            break
        said = said or rig.engine.desk.blockers.holds(BTC, "circuit_open")
    assert rig.world.now >= rig.source.start + 4 * MINUTE, "it sends and sends, and time stands still"
    assert 6 <= len(sent) <= 8 * 4, "a few a minute"
    assert said


@pytest.mark.parametrize("levels", [5, 11])
def test_that_orders_are_refused_is_said_since_it_began_and_until_one_is_taken(levels: int) -> None:
    rig = grid(*[flat(600_000)] * 12, levels=levels)
    exchange, tried = rig.world.exchange, list[Ms]()
    place, back = exchange.place, rig.source.start + 6 * MINUTE

    def refusing(new: NewOrder, *, manual: bool = False) -> Refusal | None:
        if exchange.now >= back:
            return place(new, manual=manual)
        tried.append(exchange.now)
        return POSITION_LIMIT

    exchange.place = refusing  # type: ignore[method-assign]
    rig.checking = False
    said: set[tuple[bool, Ms | None]] = set()
    blockers = rig.engine.desk.blockers
    while rig.world.now < back - 2_000 and rig.step() is not None:
        if len(tried) > 3:
            said.add((blockers.holds(BTC, "circuit_open"), blockers.since_of(BTC, "circuit_open")))
    assert len(set(tried)) >= 4, "it is tried again once a minute"
    assert len(said) == 1, "while its probe was out it counted as taken"
    assert (False, None) not in said
    rig.run(until=back + 2 * MINUTE)
    assert resting(rig)
    assert not blockers.holds(BTC, "circuit_open")


def test_that_what_closes_a_position_is_refused_is_a_reason_until_it_is_closed() -> None:
    filled = (600_000, 602_000, 589_000, 590_000)
    rig = grid(filled, *[flat(590_000)] * 12)
    rig.run(until=rig.source.start + 2 * MINUTE)
    assert position(rig) > 0
    exchange, place, tried = rig.world.exchange, rig.world.exchange.place, list[Ms]()

    def refusing(new: NewOrder, *, manual: bool = False) -> Refusal | None:
        if new.purpose is not Purpose.TARGET:
            return place(new, manual=manual)
        tried.append(exchange.now)
        return POSITION_LIMIT

    exchange.place = refusing  # type: ignore[method-assign]
    rig.checking = False
    flatten, blockers = rig.order("flatten"), rig.engine.desk.blockers
    said = set[bool]()
    while rig.world.now < rig.source.start + 5 * MINUTE and rig.step() is not None:
        if len(tried) > 3:
            said.add(blockers.holds(BTC, "circuit_open"))
    assert len(tried) > 4
    assert said == {True}, "while its probe was out, too"
    (why,) = (one.detail for one in blockers.every() if one.code == "circuit_open")
    assert why.startswith("target sell orders: error ")
    assert rig.engine.held_up() == [f"BTCUSDT circuit_open ({why})"]
    exchange.place = place  # type: ignore[method-assign]
    rig.run(until=rig.world.now + 2 * MINUTE)
    assert position(rig) == 0
    outcome = rig.outcome(flatten)
    assert outcome is not None
    assert outcome.ok
    assert not blockers.holds(BTC, "circuit_open")


def test_that_what_closes_was_refused_is_no_reason_any_more_once_another_hand_has_closed() -> None:
    filled = (600_000, 602_000, 589_000, 590_000)
    rig = grid(filled, *[flat(590_000)] * 12)
    rig.run(until=rig.source.start + 2 * MINUTE)
    exchange, place = rig.world.exchange, rig.world.exchange.place

    def refusing(new: NewOrder, *, manual: bool = False) -> Refusal | None:
        return POSITION_LIMIT if new.purpose is Purpose.TARGET and not manual else place(new, manual=manual)

    exchange.place = refusing  # type: ignore[method-assign]
    rig.checking = False
    rig.order("flatten")
    rig.run(until=rig.source.start + 4 * MINUTE)
    assert rig.engine.desk.blockers.holds(BTC, "circuit_open")
    assert rig.world.owner.manual_trade(BTC, Side.SELL, position(rig)) is None
    rig.settle()
    rig.run(until=rig.source.start + 8 * MINUTE)
    assert position(rig) == 0
    assert not rig.engine.desk.blockers.holds(BTC, "circuit_open")


# -- orders in doubt ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["unresolved", "cancelling", "ended with trades to come"])
def test_an_order_that_nothing_was_heard_of_for_long_is_asked_about_by_id_and_no_other(state: str) -> None:
    rig = grid((600_000, 602_000, 598_000, 600_000), *[flat(600_000)] * 9)
    rig.run(until=START + 3 * MINUTE)
    rig.checking = False  # nothing of this has happened there
    desk, now = rig.engine.desk, rig.engine.now
    one, other, *_ = (live.order.client_id for live in desk.orders.live(BTC) if live.order.purpose is Purpose.GRID)
    desk.orders.apply(OrderReport(now, BTC, other, Outcome.PARTLY_FILLED, filled=1))  # and rests
    if state == "unresolved":
        desk.orders.doubt(one, now)
    elif state == "cancelling":
        desk.orders.cancelling(one, now)
    else:
        desk.orders.apply(OrderReport(now, BTC, one, Outcome.CANCELED, filled=1))
    asked = [type(action) for action in rig.engine.handle(Tick(now + ASK_AGAIN - 1))]
    assert AskAboutOrder not in asked
    asked_about = [act for act in rig.engine.handle(Tick(now + ASK_AGAIN)) if isinstance(act, AskAboutOrder)]
    assert asked_about == [AskAboutOrder(BTC, one, False)]


def test_what_a_symbol_has_lost_counts_its_fees_and_its_funding() -> None:
    rig = grid((600_000, 602_000, 589_000, 600_000), *[flat(598_000)] * 9)
    rig.run(until=START + 3 * MINUTE)
    rig.checking = False  # that funding was never paid
    desk, state = rig.engine.desk, rig.engine.desk.symbols[BTC]
    rig.engine.handle(Cash(rig.engine.now, CashKind.FUNDING, "USDT", D("-2.5"), "f1", BTC))
    equity, fees = desk.ledger.equity_quick(), desk.ledger.pnl().fees
    assert equity is not None
    assert fees > 0
    state.profit_peak = 100.0
    lost = symbol_drawdown(desk, state, 10_000.0)
    assert lost == pytest.approx((100 - float(equity - 10_000)) / 10_000)  # it is the only one: all of it is its own


def test_funding_is_due_when_the_exchange_says_though_its_interval_has_just_changed() -> None:
    rig = grid(*[flat(600_000)] * 2)
    rig.run(until=rig.source.start + MINUTE)
    state, now = rig.engine.desk.symbols[BTC], rig.engine.desk.now

    rig.engine.handle(FundingSettled(now, (FundingRate(BTC, now, 0.0001, 8),)))
    assert state.next_funding_at == now + 8 * HOUR
    rig.engine.handle(Quote(now, BTC, mark=600_000, funding_at=now + HOUR))
    rig.engine.handle(Quote(now, BTC, mark=600_001))
    assert state.next_funding_at == now + HOUR


def test_a_mark_that_was_old_when_it_came_lets_no_entry_rest_and_a_fresh_one_does() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    rig.checking = False
    desk = rig.engine.desk

    def hears(late: int) -> bool:
        rig.engine.handle(Quote(desk.now + 1_000, BTC, bid=599_999, ask=600_001, last=600_000, mark=600_000, late=late))
        rig.engine.handle(Tick(desk.now))
        return desk.blockers.holds(BTC, "stale_mark")

    assert [hears(200), hears(desk.config.stale_after + 1), hears(200)] == [False, True, False]
