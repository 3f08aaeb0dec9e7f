"""A restart is a non-event: a bot rebuilt from its store does what the one that never died does."""

import copy
from collections import Counter
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import pytest

from gridbot_tui.engine.converge import BUDGETS
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import AssetPriced, Fill
from gridbot_tui.exchange.simulated.records import Trade
from gridbot_tui.units import DAY, HOUR, MINUTE, ZERO, Market, Ms, Side
from tests.engine.tape import BTC, flat
from tests.engine.test_edges import grid
from tests.simulation.market import RandomMarket, Weather
from tests.simulation.rig import Rig

WEATHER = Weather(sigma_hour=0.015, jumps_a_day=1.0, jump=0.05)


def rig(seed: int, market: Market, *, state_every: Ms = HOUR, check: bool = True) -> Rig:
    source = RandomMarket(seed, 2, market=market, days=1.5, weather=WEATHER)
    return Rig(source, market=market, seed=seed, state_every=state_every, check=check)


def history(one: Rig) -> list[tuple[Any, ...]]:
    """Every execution on the exchange's own books."""
    trades: list[Trade] = [t for each in one.world.exchange.history.trades.values() for t in each]
    return [(t.at, t.symbol, int(t.side), t.price, t.steps) for t in sorted(trades, key=lambda t: t.trade_id)]


def standing(one: Rig) -> list[tuple[Any, ...]]:
    """What stands on the exchange, ids aside; of stops only that there is one: price and size follow the budgets."""
    there = one.world.exchange.history.open.values()
    return sorted((o.symbol, o.kind, int(o.side), o.price or 0, 0 if o.conditional else o.left) for o in there)


def books(one: Rig) -> tuple[Any, ...]:
    """What the ledger says, lot by lot."""
    ledger = one.engine.desk.ledger
    lots = [
        (lot.symbol, int(lot.side), lot.steps, lot.price, lot.rung, lot.opened_at)
        for book in ledger.books.values()
        for lot in book.lots
    ]
    return ledger.wallet, ledger.equity_quick(), lots, ledger.pnl()


def withheld(one: Rig) -> set[tuple[str, int]]:
    """Entries held back by a budget: which ones depends on the mark of the last look, and a restart looks."""
    states = one.engine.desk.symbols.values()
    slots = [slot for state in states if state.desired is not None for slot in state.desired.resting]
    return {(slot.symbol, slot.price) for slot in slots if slot.reason in BUDGETS}


def unlike(one: Rig, apart: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Those without a partner in the same place: a look more or less leaves an order that the other has placed anew,
    and what is this close is kept."""
    params, left = one.engine.desk.config.orders, []
    for symbol, kind, side, price, steps in apart:
        plan = one.engine.desk.symbols[symbol].plan
        near = params.price_tolerance * (plan.spacing or 0.0) * price if plan is not None else 0.0
        if not any(
            other[:3] == (symbol, kind, side) and 0 < abs(other[3] - price) <= near and other[4] == steps
            for other in apart
        ):
            left.append((symbol, kind, side, price, steps))
    return left


def same(one: Rig, other: Rig) -> None:
    assert history(one) == history(other)
    apart = Counter(standing(one))
    apart.subtract(Counter(standing(other)))
    left = [
        order for order, count in apart.items() if count and (order[0], order[3]) not in withheld(one) | withheld(other)
    ]
    assert unlike(one, left) == []
    assert books(one) == books(other)


def decided(engine: Engine) -> tuple[Any, ...]:
    """What the journal alone can tell a restart: what has become of our orders, and what the ladder goes by."""
    orders = [(live.order.client_id, live.state, live.filled) for live in engine.desk.orders.all_live()]
    return orders, {name: (s.plan, s.touch, s.profit_peak) for name, s in engine.desk.symbols.items()}


def replayed(one: Rig, *, snapshot: bool) -> Engine:
    """The engine as a restart finds it, before the exchange has told it anything; of facts alone or as it is done."""
    again, memory = Engine(one.config, one.world.instruments), copy.copy(one.memory)
    memory.blob = memory.blob if snapshot else None
    memory.restore(again)
    return again


@pytest.mark.parametrize(("seed", "market"), [(1, Market.FUTURES), (3, Market.SPOT)])
@pytest.mark.parametrize("state_every", [HOUR, 30 * DAY])
def test_deaths_at_many_commits_change_nothing(seed: int, market: Market, state_every: Ms) -> None:
    whole, killed = rig(seed, market, check=False), rig(seed, market, state_every=state_every)
    whole.run()
    rng = Random(seed)
    chance = 0.1 if state_every == HOUR else 0.04
    killed.memory.kill_at = lambda commit, sent: not sent and rng.random() < chance
    killed.run()
    assert killed.restarts > 5
    assert killed.problems == []
    same(whole, killed)


@cache
def a_day() -> tuple[Rig, Rig, int]:
    """A day on which nobody dies, the same two hours after it began, and how many commits come after that."""
    source = RandomMarket(5, 1, days=1, weather=WEATHER)
    whole = Rig(source, seed=5)
    whole.run(until=source.trading_from + HOUR)
    for state in whole.engine.desk.symbols.values():
        state.profit_peak = 7.0  # this market only loses
    whole.run(until=source.trading_from + 2 * HOUR)
    start = whole.fork()
    first = whole.memory.commits
    whole.checking = False  # what dies is looked at
    whole.run()
    return whole, start, whole.memory.commits - first


@pytest.mark.parametrize("sent", [False, True])
def test_a_death_at_any_commit_point_of_a_day_leaves_the_same_ladder(sent: bool) -> None:
    whole, start, commits = a_day()
    assert commits > 25
    for number in range(9 if sent else 1, commits, 16):
        one = start.fork()
        one.restart()
        began = one.memory.commits

        def dies(commit: int, after: bool, number: int = number, began: int = began, one: Rig = one) -> bool:
            due = commit == began + number and after == sent
            for snapshot in (True, False) if due else ():
                assert decided(replayed(one, snapshot=snapshot)) == decided(one.engine), (number, snapshot)
            return due

        one.memory.kill_at = dies
        one.run()
        assert one.problems == [], number
        same(whole, one)


def test_a_snapshot_alone_and_facts_alone_give_the_same_engine() -> None:
    source = RandomMarket(6, 2, days=2, weather=WEATHER)
    one = Rig(source, seed=6, state_every=1, check=False)
    other = Rig(source, seed=6, state_every=365 * DAY, check=False)
    moment = source.trading_from + 37 * HOUR
    for each in (one, other):
        each.run(until=moment)
        each.restart()
        each.run()
    same(one, other)
    assert one.engine.desk.tiers.state() == other.engine.desk.tiers.state()


def test_a_kill_forgets_no_peak_no_highest_leverage_and_no_slot_of_a_kept_order() -> None:
    source = RandomMarket(6, 2, days=2, weather=WEATHER)
    one = Rig(source, seed=6, state_every=365 * DAY, check=False)
    one.memory.encode_state = None  # the journal alone, from its first fact
    kept = 0
    one.run(until=source.trading_from)
    for state in one.engine.desk.symbols.values():
        state.profit_peak = 7.0  # these markets only lose
    for hour in (3, 20, 37):
        one.run(until=source.trading_from + hour * HOUR)
        lived, again = one.engine.desk, Engine(one.config, one.world.instruments)
        one.memory.restore(again)
        for live in lived.orders.all_live():
            told = again.desk.orders.get(live.order.client_id)
            assert told is not None
            assert (told.epoch, told.rung) == (live.epoch, live.rung)
            kept += (live.epoch, live.rung) != (live.order.epoch, live.order.rung)
        assert again.desk.tiers.peak == pytest.approx(lived.tiers.peak, rel=5e-4)
        assert (again.desk.tiers.sampled_at or 0) > lived.now - HOUR, "the fall since the peak is known to the hour"
        assert again.desk.tiers.average == pytest.approx(lived.tiers.average, abs=1e-3)
        assert float(again.desk.ledger.capital.all_time_peak) == pytest.approx(
            float(lived.ledger.capital.all_time_peak), rel=5e-4
        )
        assert again.desk.max_worst == lived.max_worst > 0
        assert again.desk.max_observed == pytest.approx(lived.max_observed, rel=0.2)
        for name, state in lived.symbols.items():
            assert again.desk.symbols[name].profit_peak == state.profit_peak
    assert kept


def test_requests_that_were_never_sent_are_sent_after_all() -> None:
    source = RandomMarket(7, 1, days=1, weather=WEATHER)
    whole, cut = Rig(source, seed=7, check=False), Rig(source, seed=7)
    whole.run()
    died: list[int] = []

    def dies(commit: int, after: bool) -> bool:
        due = cut.world.now > source.trading_from + 5 * HOUR and not after and not died and bool(cut.engine.desk.out)
        return due

    cut.memory.kill_at = dies
    cut.run(until=source.trading_from + 6 * HOUR)
    cut.restart(lose_sent=True)
    cut.run()
    assert cut.problems == []
    same(whole, cut)


def test_halted_stays_halted_over_a_restart() -> None:
    crash = Weather(sigma_hour=0.02, drift_day=-0.5)
    source = RandomMarket(8, 1, days=3, weather=crash)
    one = Rig(source, seed=8, capital=10_000)
    one.run(until=source.trading_from + HOUR)
    one.engine.desk.tiers.peak *= 1.2  # as if it had been higher: a drawdown of 17 % at the next marks
    one.run(until=source.trading_from + 3 * HOUR)
    assert one.engine.desk.tiers.halted
    for _ in range(3):
        one.restart()
        one.run(until=one.world.now + 5 * HOUR)
        assert one.engine.desk.tiers.halted
        assert standing(one) == []
        assert one.world.exchange.account.position("BTCUSDT") == 0
    one.run()
    assert one.problems == []
    assert not one.outcome(one.order("resume")).ok  # type: ignore[union-attr]


def test_a_flatten_that_a_kill_cut_short_is_finished_and_leaves_its_symbol_paused() -> None:
    one = grid((600_000, 602_000, 598_000, 600_000), *[flat(600_000)] * 9)
    one.run(until=one.source.start + 3 * MINUTE)
    assert one.engine.desk.ledger.position(BTC)
    one.order("flatten", BTC)
    one.restart()
    assert one.engine.desk.latches.flatten
    one.run(until=one.world.now + MINUTE)
    desk = one.engine.desk
    assert desk.ledger.position(BTC) == 0
    assert not desk.latches.flatten
    assert desk.latches.blocks(BTC) == "paused"
    assert one.problems == []


def test_a_restart_marks_no_past_with_the_positions_of_the_present() -> None:
    """Bought after a rise; the bars of the rise, fetched again, must not look like a loss."""
    for seed in range(4):
        source = RandomMarket(20 + seed, 1, days=2, weather=Weather(sigma_hour=0.02, jumps_a_day=4, jump=0.15))
        one = Rig(source, seed=seed, state_every=365 * DAY, check=False)
        one.run(until=source.trading_from + 30 * HOUR)
        before = one.engine.desk.tiers.tier, one.engine.desk.ledger.capital.max_drawdown
        one.restart()
        one.settle()
        after = one.engine.desk.tiers.tier, one.engine.desk.ledger.capital.max_drawdown
        assert after[0] == before[0]
        assert after[1] >= before[1] - 1e-12


def test_capital_that_came_before_a_kill_is_in_the_fund_at_the_price_of_then_not_of_the_replay() -> None:
    source = RandomMarket(6, 2, days=2, weather=WEATHER)
    one = Rig(source, seed=6, state_every=365 * DAY, check=False)
    one.memory.encode_state = None  # the journal alone: a replay knows no price but its own
    one.run(until=source.trading_from + 30 * HOUR)
    assert any(one.engine.desk.ledger.position(name) for name in one.engine.symbols)
    one.world.owner.deposit("USDT", Decimal(20_000))
    one.settle()
    again = Engine(one.config, one.world.instruments)
    one.memory.restore(again)
    lived, replayed = one.engine.desk.ledger.capital, again.desk.ledger.capital
    assert lived.base_equity > 20_000
    assert (replayed.base_nav, replayed.base_equity) == (lived.base_nav, lived.base_equity)


def test_fees_in_another_asset_are_valued_once_it_has_a_price_and_a_replay_values_them_as_they_were() -> None:
    source = RandomMarket(6, 1, days=2, weather=WEATHER)
    one = Rig(source, seed=6, state_every=365 * DAY, check=False)
    one.memory.encode_state = None  # the journal alone: nobody tells a replay a price
    one.run(until=source.trading_from + 2 * HOUR)
    desk, at = one.engine.desk, one.world.now
    symbol = one.engine.symbols[0]
    mark = desk.symbols[symbol].mark
    assert mark is not None
    trade = Fill(at, symbol, "by hand", "900000000", Side.BUY, mark, 100, Decimal("0.5"), "BNB", True, ZERO, ours=False)
    one.bot.receive(trade)
    assert one.engine.fee_assets() == {"BNB"}
    before, fees = desk.ledger.equity_quick(), desk.ledger.pnl().fees_total
    one.bot.receive(AssetPriced(at, "BNB", Decimal(600)))
    after = desk.ledger.equity_quick()
    assert before is not None
    assert after == before - 300
    assert desk.ledger.pnl().fees_total == fees + 300
    again = Engine(one.config, one.world.instruments)
    one.memory.restore(again)
    assert again.desk.ledger.pnl().fees_total == desk.ledger.pnl().fees_total
    assert again.desk.ledger.unvalued_fees() == {}


def test_orders_that_stand_await_prices_while_none_is_fresh_and_nothing_else_withdraws_them() -> None:
    one = grid((600_000, 602_000, 598_000, 600_000), *[flat(600_000)] * 130)
    one.run(until=one.source.start + 3 * MINUTE)
    engine, state = one.engine, one.engine.desk.symbols[BTC]
    assert not engine.awaits_prices()
    state.mark_at -= 3 * HOUR
    assert engine.awaits_prices()
    engine.desk.latches.set("paused", BTC, "operator")
    assert not engine.awaits_prices(), "its entries go in any case"
    engine.desk.latches.set("paused", BTC, "")
    state.mark_at += 3 * HOUR
    assert not engine.awaits_prices()
    engine.desk.blockers.hold("", "link_down", engine.now, "market: connecting", "when it is back and resynced")
    assert engine.awaits_prices()
