"""Drawdown tiers."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.risk.params import RiskParams
from gridbot_tui.risk.tiers import HALT, DrawdownTiers, TierState
from gridbot_tui.units import DAY, MINUTE

PARAMS = RiskParams()


def hold(tiers: DrawdownTiers, value: float, minutes: int = 120, start: int = 0) -> int:
    """Keep the value for some time, a mark a minute."""
    for minute in range(minutes):
        tiers.update(start + minute * MINUTE, value)
    return start + minutes * MINUTE


@pytest.mark.parametrize(
    ("values", "tier", "scale"),
    [
        ([0.96], 0, 1.0),
        ([0.949], 1, 0.7),
        ([0.949, 0.97], 1, 0.7),  # between leaving and entering it stays
        ([0.949, 0.976], 0, 1.0),
        ([0.899], 2, 0.4),
        ([0.899, 0.92], 2, 0.4),
        ([0.899, 0.94], 1, 0.7),
        ([0.899, 0.98], 0, 1.0),
        ([0.86], 2, 0.4),
        ([0.85], 3, 0.0),
        ([0.85, 1.2], 3, 0.0),  # latched
        ([0.949, 1.05, 1.0], 0, 1.0),
        ([0.949, 1.05, 0.997], 1, 0.7),  # the peak has risen
    ],
)
def test_tiers_enter_and_leave_with_hysteresis(values: list[float], tier: int, scale: float) -> None:
    tiers = DrawdownTiers(PARAMS)
    now = hold(tiers, 1.0, 1)
    for value in values:
        now = hold(tiers, value, start=now)
    assert (tiers.tier, tiers.scale) == (tier, scale)


def test_a_wick_raises_no_tier_because_the_average_has_not_followed() -> None:
    tiers = DrawdownTiers(PARAMS)
    now = hold(tiers, 1.0)
    assert tiers.update(now, 0.93) is None
    assert tiers.update(now + MINUTE, 0.99) is None
    assert tiers.tier == 0


def test_a_recovery_ends_a_tier_at_once_without_waiting_for_the_average() -> None:
    tiers = DrawdownTiers(PARAMS)
    now = hold(tiers, 0.89, start=hold(tiers, 1.0))
    assert tiers.tier == 2
    assert tiers.update(now, 0.999) == 0
    assert tiers.average > 0.1


def test_the_halt_needs_two_fresh_marks_in_a_row_and_no_average() -> None:
    tiers = DrawdownTiers(PARAMS)
    now = hold(tiers, 1.0)
    assert tiers.update(now + 1, 0.80) is None
    assert tiers.update(now + 1, 0.80) is None  # the same moment is the same mark
    assert tiers.update(now + 2, 0.80, fresh=False) is None
    assert tiers.update(now + 3, 0.80) is None
    assert tiers.update(now + 4, 0.90) is None
    assert tiers.update(now + 5, 0.80) is None
    assert tiers.update(now + 6, 0.80) == HALT
    assert tiers.halted_at == now + 6


def test_stale_marks_neither_raise_nor_end_a_tier() -> None:
    tiers = DrawdownTiers(PARAMS)
    now = hold(tiers, 1.0)
    for step in range(100):
        assert tiers.update(now + step * MINUTE, 0.5, fresh=False) is None
    now = hold(tiers, 0.94, start=now)
    assert tiers.tier == 1
    for step in range(100):
        assert tiers.update(now + step * MINUTE, 1.5, fresh=False) is None
    assert tiers.tier == 1
    assert tiers.peak == 1.0


def test_a_restart_in_the_middle_of_a_halt_stays_halted() -> None:
    tiers = DrawdownTiers(PARAMS)
    hold(tiers, 1.0, 5)
    hold(tiers, 0.84, 5, start=10 * MINUTE)
    stored = msgspec.json.encode(tiers.state())
    again = DrawdownTiers(PARAMS, msgspec.json.decode(stored, type=TierState))
    assert again.halted
    hold(again, 1.3, start=DAY)
    assert again.tier == HALT
    assert again.reset()
    assert (again.tier, again.drawdown) == (0, 0.0)


@given(st.lists(st.floats(0.7, 1.3), max_size=60), st.integers(0, 59))
def test_a_restart_at_any_moment_changes_nothing(values: list[float], cut: int) -> None:
    whole, part = DrawdownTiers(PARAMS), DrawdownTiers(PARAMS)
    for step, value in enumerate(values):
        if step == cut:
            part = DrawdownTiers(PARAMS, part.state())
        assert whole.update(step * MINUTE, value) == part.update(step * MINUTE, value)
    assert whole.state() == part.state()


@given(st.lists(st.tuples(st.floats(0.6, 1.3), st.booleans()), max_size=80))
def test_a_halt_never_ends_by_itself_and_the_drawdown_is_never_positive(marks: list[tuple[float, bool]]) -> None:
    tiers = DrawdownTiers(PARAMS)
    halted = False
    for step, (value, fresh) in enumerate(marks):
        tiers.update(step * MINUTE, value, fresh)
        assert tiers.drawdown <= 0.0
        assert not (halted and not tiers.halted)
        halted = tiers.halted
        assert 0.0 <= tiers.left <= 0.15 + 1e-12


def test_an_automatic_re_arm_waits_seven_days_and_starts_defensive() -> None:
    tiers = DrawdownTiers(RiskParams(auto_rearm=True))
    hold(tiers, 1.0, 5)
    now = hold(tiers, 0.84, 5, start=10 * MINUTE)
    assert tiers.update(now + 6 * DAY, 0.84) is None
    assert tiers.update(now + 8 * DAY, 0.84) == 2
    assert tiers.drawdown == pytest.approx(-0.09)
    assert tiers.scale == 0.4


def test_a_quarter_lost_since_inception_is_the_operators_to_lift_even_with_automatic_re_arm() -> None:
    tiers = DrawdownTiers(RiskParams(auto_rearm=True))
    hold(tiers, 1.0, 5)
    now = hold(tiers, 0.84, 5, start=10 * MINUTE)
    tiers.update(now + 8 * DAY, 0.84)
    now = hold(tiers, 0.745, 5, start=now + 8 * DAY)
    assert (tiers.tier, tiers.absolute) == (HALT, True)
    assert tiers.update(now + 30 * DAY, 0.745) is None
    assert tiers.tier == HALT
    tiers.reset()
    assert tiers.update(now + 31 * DAY, 0.745) is None
    assert tiers.tier == 0


def test_a_quarter_lost_while_halted_is_the_operators_to_lift_too_however_much_comes_back() -> None:
    tiers = DrawdownTiers(RiskParams(auto_rearm=True))
    now = hold(tiers, 0.80, start=hold(tiers, 1.0))
    assert tiers.halted
    assert not tiers.absolute
    now = hold(tiers, 0.74, start=now)  # what was held when it halted could not be sold higher
    assert tiers.update(now + 8 * DAY, 0.95) is None
    assert tiers.halted
    assert DrawdownTiers(RiskParams(auto_rearm=True), tiers.state()).absolute


def test_what_is_left_to_the_halt_is_measured_from_the_present_value() -> None:
    tiers = DrawdownTiers(PARAMS)
    assert tiers.left == 0.0  # nothing known yet
    tiers.update(0, 1.0)
    assert tiers.left == pytest.approx(0.15)
    tiers.update(1, 0.9)
    assert tiers.left == pytest.approx(1 - 0.85 / 0.9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"leverage_cap": 5.8, "leverage_trim": 5.5},
        {"leverage_hard": 6.5},
        {"tier1_leave": 0.06},
        {"tier3_enter": 0.08},
        {"liquidation_reduce": 0.3},
    ],
)
def test_thresholds_that_would_fight_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must hold|less than or equal"):
        RiskParams(**wrong)  # type: ignore[arg-type]
