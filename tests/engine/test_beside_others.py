"""What others do on the account, and a reset in the middle of it: each was once got wrong."""

from decimal import Decimal

import pytest

from gridbot_tui.engine import exposure, walk
from gridbot_tui.engine.desk import Waiting
from gridbot_tui.engine.events import AccountState, BarsClosed, Fill, Health, PositionState, Quote, Tick
from gridbot_tui.exchange.simulated.owner import HAND
from gridbot_tui.market.bar import Bar
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import MINUTE, Market, Side
from tests.engine.tape import BTC, flat
from tests.engine.test_edges import grid, position


def test_on_spot_what_others_orders_hold_is_left_to_them_said_and_sold_once_they_are_gone() -> None:
    filled = (600_000, 602_000, 598_000, 600_000)
    rig = grid(filled, *[flat(600_000)] * 12, market=Market.SPOT, initial_inventory=True)
    rig.run(until=rig.source.start + 3 * MINUTE)
    own = position(rig)
    theirs = NewOrder(f"{HAND}m1", BTC, Side.SELL, OrderKind.LIMIT, own // 2, 6_300_000, Purpose.GRID, rig.world.now)
    rig.order("pause")
    rig.settle()
    for order in list(rig.world.exchange.history.open.values()):
        assert rig.world.owner.manual_cancel(BTC, order.client_id) is None  # the exits hold the base at first
    assert rig.world.owner.manual_order(theirs) is None
    rig.settle()
    rig.bot.reconcile(rig.engine.now)
    rig.settle()
    rig.order("flatten")
    rig.run(until=rig.source.start + 6 * MINUTE)
    assert position(rig) == own // 2
    assert rig.engine.desk.blockers.holds(BTC, "base_locked")
    assert rig.world.owner.manual_cancel(BTC, theirs.client_id) is None
    rig.settle()
    rig.bot.reconcile(rig.engine.now)
    rig.run()
    assert position(rig) == 0
    assert not rig.engine.desk.blockers.holds(BTC, "base_locked")


def test_a_reset_measures_drawdown_from_what_is_left_now_not_from_the_last_mark() -> None:
    rig = grid(*[flat(600_000)] * 4, initial_inventory=True)
    rig.run(until=rig.source.start + 2 * MINUTE)
    desk = rig.engine.desk
    before = desk.ledger.equity_quick()
    assert before is not None
    # Between two marks a trade by hand, at a price far off, costs a tenth of the account.
    size = int(before / 10)
    loss = Fill(
        rig.world.now, BTC, "web_m1", "900001", Side.BUY, 610_000, size, Decimal(0), "USDT", False, Decimal(0), False
    )
    rig.checking = False
    rig.engine.handle(loss)
    after = desk.ledger.equity_quick()
    assert after is not None
    assert after < before * Decimal("0.95")
    rig.order("reset", what="drawdown")
    assert desk.tiers.drawdown == 0.0
    assert desk.tiers.value == pytest.approx(float(desk.ledger.capital.nav))
    assert desk.tiers.value < 0.95


def test_a_pause_that_a_resume_overtakes_is_not_confirmed_later() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    desk = rig.engine.desk
    desk.latch("paused", BTC, "operator")
    desk.waiting.append(Waiting("c0", "pause", (BTC,)))
    rig.order("resume")
    done = rig.outcome("c0")
    assert done is not None
    assert not done.ok
    assert "resume" in done.text
    assert not desk.waiting


def test_what_is_heard_after_the_report_of_a_shutdown_begins_nothing_anew() -> None:
    rig = grid(*[flat(600_000)] * 30)
    rig.run(until=rig.source.start + 2 * MINUTE)
    rig.stop()
    rig.run()
    assert rig.bot.report is not None
    assert rig.bot.report.exit_code == 0
    rig.bot.receive(Health(rig.world.now, answered=True))
    rig.bot.receive(Tick(rig.world.now + 1_000))
    assert not rig.world.exchange.history.open
    assert not list(rig.world.on_its_way())


def test_a_mark_that_the_account_states_is_taken_where_it_is_newer_than_the_last_bar() -> None:
    rig = grid((600_000, 602_000, 598_000, 600_000), *[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 3 * MINUTE)
    desk = rig.engine.desk
    own, state = position(rig), desk.symbols[BTC]
    assert own
    rig.checking = False
    stated = (PositionState(BTC, own, Decimal(60_000), None, 500_000),)
    rig.engine.handle(AccountState(state.mark_at - 1, {"USDT": desk.ledger.wallet}, stated))
    assert state.mark == 600_000
    rig.engine.handle(AccountState(state.mark_at + 1, {"USDT": desk.ledger.wallet}, stated))
    assert state.mark == 500_000


def test_a_bar_that_comes_late_does_not_take_the_mark_back_to_an_older_price() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    desk = rig.engine.desk
    state = desk.symbols[BTC]
    rig.engine.handle(Quote(rig.world.now + 5 * MINUTE, BTC, mark=610_000))
    late = Bar(state.next_open, MINUTE, 600_000, 600_000, 600_000, 600_000, 1.0, 600_000, 600_000, 600_000)
    rig.engine.handle(BarsClosed(late.close_at, ((BTC, late),)))
    assert (state.mark, state.mark_at) == (610_000, rig.world.now + 5 * MINUTE)
    assert state.next_open == late.close_at


def test_a_market_order_of_unknown_fate_is_counted_at_the_mark_of_now() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    desk = rig.engine.desk
    rig.checking = False
    state = desk.symbols[BTC]
    sold = desk.ids.issue(BTC, 1, 0, Side.SELL)
    desk.orders.intend(NewOrder(sold, BTC, Side.SELL, OrderKind.MARKET, 7, None, Purpose.TARGET, rig.world.now))
    state.exposure = None
    assert (600_000, 7) in walk.of_symbol(desk, state).sells
    rig.engine.handle(Quote(rig.world.now + MINUTE, BTC, mark=610_000))
    assert (610_000, 7) in exposure.portfolio(desk).symbols[BTC].sells
    rig.engine.handle(Quote(rig.world.now + 2 * MINUTE, BTC, mark=620_000))
    assert (620_000, 7) in walk.of_symbol(desk, state).sells
