import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.strategy.ensemble import Triple, combine, confidence, label, shape_of
from gridbot_tui.strategy.params import EnsembleParams
from gridbot_tui.units import Market

FUTURES = shape_of(EnsembleParams(), Market.FUTURES)
SPOT = shape_of(EnsembleParams(), Market.SPOT)

share = st.floats(0.0, 1.0)
votes = st.tuples(share, share, share)


@st.composite
def weightings(draw: st.DrawFn) -> Triple:
    parts = [draw(st.floats(0.01, 1.0)) for _ in range(3)]
    total = sum(parts)
    return parts[0] / total, parts[1] / total, parts[2] / total


def test_no_vote_asks_for_nothing() -> None:
    assert combine((0.3, 0.1, 0.6), (0.0, 0.0, 0.0), FUTURES) == (0.0, 0.0, 0.0, 0.0, 0.0)
    assert label(0.0, 0.0, 0.0) == "NEUTRAL"


def test_neutral_alone_is_symmetric_and_owns_the_ladder() -> None:
    mix = combine((0.3, 0.1, 0.6), (0.0, 0.0, 1.0), FUTURES)
    assert mix == pytest.approx((0.0, 1.8, -1.8, 0.27, 1.0))


def test_down_alone_is_short() -> None:
    mix = combine((0.3, 0.1, 0.6), (0.0, 1.0, 0.0), FUTURES)
    assert mix == pytest.approx((-0.3, 0.0, -0.45, 0.09, 0.0))
    assert label(mix.bias, mix.upper, mix.lower) == "SHORT"


def test_a_trend_has_full_lots_from_a_vote_of_a_third_on() -> None:
    assert combine((1, 0, 0), (0.15, 0, 0), FUTURES).lot == pytest.approx(0.45)
    assert combine((1, 0, 0), (0.3, 0, 0), FUTURES).lot == pytest.approx(0.9)
    assert combine((1, 0, 0), (1.0, 0, 0), FUTURES).lot == pytest.approx(0.9)


def test_on_spot_down_lowers_the_bias_and_nothing_else() -> None:
    without = combine((0.35, 0.2, 0.45), (0.6, 0.0, 0.5), SPOT)
    with_down = combine((0.35, 0.2, 0.45), (0.6, 0.5, 0.5), SPOT)
    assert with_down.bias == pytest.approx(without.bias - 0.3)
    assert with_down[1:] == without[1:]
    assert without.lower == 0.0
    assert combine((0.1, 0.8, 0.1), (0.1, 1.0, 0.0), SPOT).bias == 0.0


@given(weightings(), votes)
def test_the_bias_is_within_the_bounds(weights: Triple, voted: Triple) -> None:
    for shape in (FUTURES, SPOT):
        mix = combine(weights, voted, shape)
        assert mix.lower <= 0.0 <= mix.upper
        assert mix.lower - 1e-12 <= mix.bias <= mix.upper + 1e-12
        assert 0.0 <= mix.neutral_share <= 1.0


@given(weightings(), weightings(), votes, share)
def test_the_combination_is_linear_in_the_weights(a: Triple, b: Triple, voted: Triple, part: float) -> None:
    mixed = tuple(part * x + (1.0 - part) * y for x, y in zip(a, b, strict=True))
    one, two = combine(a, voted, FUTURES), combine(b, voted, FUTURES)
    both = combine((mixed[0], mixed[1], mixed[2]), voted, FUTURES)
    for k in range(4):
        assert both[k] == pytest.approx(part * one[k] + (1.0 - part) * two[k], abs=1e-12)


@given(weightings(), votes)
def test_confidence_stays_between_a_half_and_one_and_a_half(weights: Triple, voted: Triple) -> None:
    assert 0.5 <= confidence(weights, voted) <= 1.5
    assert confidence(weights, (0.0, 0.0, 0.0)) == 0.5


@pytest.mark.parametrize(
    ("bias", "expected"), [(0.31, "LONG"), (0.3, "NEUTRAL"), (-0.3, "NEUTRAL"), (-0.31, "SHORT")]
)
def test_the_label_needs_fifteen_percent_of_the_range(bias: float, expected: str) -> None:
    assert label(bias, 1.0, -1.0) == expected
