"""Liquidation: where it is, and what keeps it away."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gridbot_tui.risk.liquidation import (
    Margins,
    all_filled,
    distance,
    guard,
    largest_position,
    liquidation_price,
)
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.units import Side
from tests.orders.samples import BRACKETS, BTC

MARGINS = Margins(BRACKETS)
UNIT = BTC.unit_f
MARK = 600_000
RISK = RiskParams()


@given(st.integers(-20_000, 20_000), st.floats(500.0, 500_000.0))
def test_at_the_liquidation_price_equity_is_the_maintenance_margin(position: int, equity: float) -> None:
    price = liquidation_price(position, MARK, UNIT, equity, MARGINS)
    if price is None:
        assert position >= 0
        assert position == 0 or equity >= position * MARK * UNIT * 0.99
        return
    assume(price > 0)
    left = equity + position * UNIT * (price - MARK)
    needed = MARGINS.maintenance(abs(position) * price * UNIT)
    assert left == pytest.approx(needed, rel=1e-6, abs=1e-3)


@given(st.floats(1.0, 10_000_000.0))
def test_maintenance_is_that_of_the_bracket_the_notional_is_in(notional: float) -> None:
    bracket = next(b for b in BRACKETS if notional <= float(b.cap))
    assert MARGINS.maintenance(notional) == pytest.approx(
        notional * float(bracket.maintenance_ratio) - float(bracket.cum), abs=1e-6
    )


def test_a_known_case_by_hand() -> None:
    # 1 BTC long at 60,000 on 10,000 of equity: (60,000 - 10,000 - 50) / 0.995
    price = liquidation_price(1_000, MARK, UNIT, 10_000.0, MARGINS)
    assert price is not None
    assert price / 10 == pytest.approx(49_950 / 0.995, rel=1e-9) or price / 10 == pytest.approx(50_000 / 0.996)
    assert distance(1_000, MARK, price) == pytest.approx(1 - price / MARK)


@given(st.sampled_from(Side), st.floats(500.0, 500_000.0), st.floats(0.02, 0.6))
def test_the_largest_position_keeps_its_distance_and_one_more_would_not(side: Side, equity: float, away: float) -> None:
    most = largest_position(side, MARK, UNIT, equity, MARGINS, away)
    assert most > 0
    far = distance(side * most, MARK, liquidation_price(side * most, MARK, UNIT, equity, MARGINS))
    assert far is None or far >= away * (1 - 1e-9)
    more = int(most * 1.01) + 2
    near = distance(side * more, MARK, liquidation_price(side * more, MARK, UNIT, equity, MARGINS))
    assert near is not None
    assert near < away


@given(st.integers(-20_000, 20_000), st.floats(500.0, 100_000.0))
def test_the_guard_first_stops_entries_then_reduces_and_never_turns_the_position(position: int, equity: float) -> None:
    found = guard(position, MARK, UNIT, equity, MARGINS, RISK)
    if found.distance is None or found.distance >= RISK.liquidation_warn:
        assert found.entries
        assert found.reduce_to is None
    else:
        assert not found.entries
    if found.reduce_to is not None:
        assert abs(found.reduce_to) <= abs(position)
        assert found.reduce_to * position >= 0
        after = guard(found.reduce_to, MARK, UNIT, equity, MARGINS, RISK)
        assert after.reduce_to is None


def test_what_if_every_buy_filled() -> None:
    result = all_filled(Side.BUY, 100, MARK, [(590_000, 50), (500_000, 50)], BTC, 10_000.0)
    assert (result.fills, result.position, result.at_price) == (2, 200, 500_000)
    assert result.average_price == pytest.approx(545_000)
    assert result.equity == pytest.approx(10_000 - 1_450)
    assert result.exposure == pytest.approx(10_000)
    assert result.initial_margin == pytest.approx(10_000 / 6)
    assert result.maintenance == pytest.approx(40)
    assert result.liquidation is not None
    nothing = all_filled(Side.SELL, 0, MARK, [], BTC, 10_000.0)
    assert (nothing.fills, nothing.average_price, nothing.liquidation) == (0, None, None)


def test_a_large_notional_is_held_to_its_brackets_leverage() -> None:
    assert MARGINS.initial(100_000.0, 125.0) == pytest.approx(1_000.0)
    assert MARGINS.initial(100_000.0, 6.0) == pytest.approx(100_000.0 / 6)
