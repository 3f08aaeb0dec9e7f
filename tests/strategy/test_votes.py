import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.strategy.params import VoteParams
from gridbot_tui.strategy.votes import crowding_tilts, down_vote, neutral_vote, up_vote, vote
from tests.strategy.support import row

scores = st.floats(-20, 20)


def neutral(sigma: float, z96: float) -> float:
    return neutral_vote(sigma, z96, 0.006, 0.006, 3.0)


@pytest.mark.parametrize(
    ("sigma", "z96", "expected"),
    [
        (0.0059, 0.0, 0.0),
        (0.006, 0.0, 0.0),
        (0.009, 0.0, 0.5),
        (0.012, 0.0, 1.0),
        (0.05, 0.0, 1.0),
        (0.012, 2.0, 1.0),
        (0.012, -2.5, 0.5),
        (0.012, 3.0, 0.0),
        (0.012, -3.5, 0.0),
    ],
)
def test_neutral_wants_volatility_and_no_breakout(sigma: float, z96: float, expected: float) -> None:
    assert neutral(sigma, z96) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("z168", "z336", "expected"),
    [(0.0, 0.0, 0.0), (50.0, 50.0, 1.0), (-1.0, 1.0, 0.0), (-9.0, 1.0, 0.0), (1.0, 1.0, math.tanh(1.0))],
)
def test_up_is_the_mean_momentum_of_one_and_two_weeks(z168: float, z336: float, expected: float) -> None:
    assert up_vote(z168, z336) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("z24", "z48", "z168", "volr", "expected"),
    [
        (-1.0, -50.0, -50.0, 0.3, 1.0),
        (-1.0, -50.0, -50.0, 9.0, 1.0),
        (-1.0, -50.0, -50.0, 0.15, 0.5),
        (-1.0, -50.0, -50.0, 0.0, 0.0),
        (-1.0, -50.0, -50.0, -1.0, 0.0),
        (0.0, -50.0, -50.0, 0.3, 0.0),
        (0.1, -50.0, -50.0, 0.3, 0.0),
        (-1.0, 50.0, 50.0, 0.3, 0.0),
        (-1.0, 0.0, 0.0, 0.3, 0.0),
    ],
)
def test_down_needs_a_fall_that_goes_on_and_rising_volatility(
    z24: float, z48: float, z168: float, volr: float, expected: float
) -> None:
    assert down_vote(z24, z48, z168, volr, 0.3) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("funding", "tilts"),
    [
        (0.0, (1.0, 1.0)),
        (1e-4, (1.0, 1.0)),
        (2.5e-4, (0.75, 1.0)),
        (4e-4, (0.5, 1.0)),
        (1e-2, (0.5, 1.0)),
        (-1.5e-4, (1.0, 0.75)),
        (-3e-4, (1.0, 0.5)),
    ],
)
def test_funding_tilts_the_crowded_side_down_to_half(funding: float, tilts: tuple[float, float]) -> None:
    assert crowding_tilts(funding) == pytest.approx(tilts)


def test_the_tilt_can_be_switched_off_and_unknown_funding_tilts_nothing() -> None:
    crowded = row(z=(0, 0, 0, 2, 2), funding_mean=4e-4)
    unknown = row(z=(0, 0, 0, 2, 2))
    plain = math.tanh(2.0)
    assert vote(crowded, VoteParams()).up == pytest.approx(plain / 2)
    assert vote(crowded, VoteParams(funding_tilt=False)).up == pytest.approx(plain)
    assert vote(unknown, VoteParams()).up == pytest.approx(plain)


@given(
    st.tuples(scores, scores, scores, scores, scores),
    st.floats(2e-4, 0.2),
    st.floats(-3, 3),
    st.one_of(st.none(), st.floats(-0.01, 0.01)),
)
def test_every_vote_is_within_zero_and_one_and_up_excludes_down(
    z: tuple[float, float, float, float, float], sigma: float, volr: float, funding: float | None
) -> None:
    made = vote(row(sigma=sigma, z=z, volr=volr, funding_mean=funding), VoteParams())
    assert all(0.0 <= v <= 1.0 for v in (made.up, made.down, made.neutral))
