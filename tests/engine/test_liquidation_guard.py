"""The guard against liquidation looks at every mark, not at the minute's bar alone: a crash asks for no minute."""

from decimal import Decimal

import pytest

from gridbot_tui.engine.events import Quote
from gridbot_tui.risk.liquidation import guard
from gridbot_tui.units import MINUTE, Side
from tests.engine.tape import BTC, flat
from tests.engine.test_edges import grid
from tests.simulation.rig import Rig


def said(rig: Rig) -> list[str]:
    return [one.detail for one in rig.engine.desk.blockers.ranked() if one.code == "liquidation_near"]


@pytest.fixture
def leveraged() -> Rig:
    """A position of five times the equity, liquidation some twenty percent away, and no bar since."""
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    rig.checking = False
    assert rig.world.owner.manual_trade(BTC, Side.BUY, 830) is None
    rig.settle()
    return rig


def distance(rig: Rig, mark: int) -> float:
    """What would be left to liquidation at this mark, a fraction of it."""
    desk = rig.engine.desk
    state, equity = desk.symbols[BTC], desk.ledger.equity_quick()
    assert equity is not None
    assert state.mark is not None
    position, unit = desk.ledger.position(BTC), state.instrument.unit_f
    free = float(equity) + position * unit * (mark - state.mark)
    found = guard(position, mark, unit, free, state.margins, desk.config.risk).distance
    return 1.0 if found is None else found


def marked(rig: Rig, mark: int) -> None:
    rig.engine.handle(Quote(rig.engine.desk.now + 250, BTC, bid=mark - 1, ask=mark + 1, last=mark, mark=mark))


def test_a_mark_between_two_bars_stops_entries_and_says_how_far_liquidation_is_now(leveraged: Rig) -> None:
    rig = leveraged
    assert said(rig) == []
    marked(rig, 595_000)
    (first,) = said(rig)
    assert "entries stop at 20 %" in first
    assert rig.engine.desk.no_new_risk(BTC)
    marked(rig, 585_000)
    (then,) = said(rig)
    assert then != first, "the distance that is told is that of now"


def test_marks_that_rise_again_leave_it_to_the_bar_to_let_entries_back(leveraged: Rig) -> None:
    rig = leveraged
    marked(rig, 595_000)
    marked(rig, 640_000)
    assert said(rig)


def test_nothing_is_near_liquidation_any_more_once_the_position_is_closed(leveraged: Rig) -> None:
    rig = leveraged
    marked(rig, 595_000)
    assert rig.world.owner.manual_trade(BTC, Side.SELL, rig.engine.desk.ledger.position(BTC)) is None
    rig.settle()
    assert rig.engine.desk.ledger.position(BTC) == 0
    marked(rig, 595_000)
    assert said(rig) == []
    assert not rig.engine.desk.breakers


def test_nearer_than_the_second_limit_a_mark_alone_reduces_our_position() -> None:
    dip = (600_000, 600_000, 560_000, 570_000)
    rig = grid(flat(600_000), dip, *[flat(570_000)] * 3, levels=40, leverage=3.0)
    rig.run(until=rig.source.start + 3 * MINUTE)
    desk = rig.engine.desk
    held, rig.checking = desk.ledger.position(BTC), False
    desk.gate.trim_at = desk.gate.cap = 100.0  # leverage alone asks for nothing here
    rig.world.owner.withdraw("USDT", Decimal(9_200))
    rig.settle()
    assert held > 0
    assert desk.ledger.position(BTC) == held
    near = next(mark for mark in range(560_000, 400_000, -1_000) if distance(rig, mark) < 0.1)
    marked(rig, near)
    assert "reduced by market" in said(rig)[0]
    desired = desk.symbols[BTC].desired
    assert desired is not None
    assert desired.target is not None
    assert (desired.target.reason, 0 < desired.target.position < held) == ("liquidation", True)
