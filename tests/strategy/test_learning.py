"""The learner is slow, bounded, and cannot be talked far from the prior to its cost."""

import math
import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridbot_tui.strategy import learning as formula
from gridbot_tui.strategy.ensemble import Triple
from gridbot_tui.strategy.learner import VERSIONS_KEPT, Learner, LearnerState
from gridbot_tui.strategy.params import EnsembleParams, LearningParams
from gridbot_tui.strategy.plan import Weights
from gridbot_tui.units import DAY, HOUR, Market

PRIOR = (0.30, 0.10, 0.60)
SPOT = EnsembleParams().prior_of(Market.SPOT).triple

returns = st.floats(-0.2, 0.2)
Adversary = Callable[[Learner, random.Random, int], Triple]


def learner(prior: Triple = PRIOR, params: LearningParams | None = None) -> Learner:
    return Learner(params or LearningParams(), prior)


def fed(one: Learner, days: list[Triple], start: int = 1) -> Learner:
    for i, made in enumerate(days, start):
        one.day(i * DAY, made, 1, hole=False)
    return one


def noise(seed: int, days: int, means: Triple = (0.0, 0.0, 0.0)) -> list[Triple]:
    rng = random.Random(seed)
    return [
        (rng.gauss(means[0], 0.01), rng.gauss(means[1], 0.01), rng.gauss(means[2], 0.01)) for _ in range(days)
    ]


def test_one_day_follows_the_formulas() -> None:
    days = noise(1, 21)
    one = fed(learner(), days[:20])
    assert one.weights == PRIOR
    one.day(21 * DAY, days[20], 1, hole=False)
    spreads = [formula.spread_square(day) for day in days]
    variance = sum(spreads) / 21
    g = [max(-3.0, min(3.0, r / math.sqrt(variance))) for r in days[20]]
    raw = [p * math.exp(0.03 * x) for p, x in zip(PRIOR, g, strict=True)]
    hedge = [0.99 * r / sum(raw) + 0.01 * p for r, p in zip(raw, PRIOR, strict=True)]
    learned = [0.5 * h + 0.5 * p for h, p in zip(hedge, PRIOR, strict=True)]
    assert one.belief.variance == pytest.approx(variance)
    assert one.belief.hedge == pytest.approx(tuple(hedge))
    assert one.belief.learned == pytest.approx(tuple(learned))
    assert one.weights == pytest.approx(tuple(0.5 * w + 0.5 * p for w, p in zip(learned, PRIOR, strict=True)))


def test_the_first_twenty_days_move_nothing_and_make_no_version() -> None:
    one = fed(learner(), noise(2, 20, (0.05, 0.0, 0.0)))
    assert one.weights == PRIOR
    assert len(one.versions) == 1
    assert one.belief.variance > 0.0


def test_a_system_that_goes_on_winning_gains_slowly() -> None:
    one = fed(learner(), noise(3, 400, (0.01, 0.0, 0.0)))
    assert one.weights[0] > 0.40
    assert one.trust > 0.6
    assert max(c.change.weights.up - c.change.before.up for c in one.versions) < 0.02


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(returns, returns, returns), min_size=25, max_size=120), st.sampled_from([PRIOR, SPOT])
)
def test_weights_sum_to_one_within_bounds_and_move_by_little(days: list[Triple], prior: Triple) -> None:
    params = LearningParams(rate=0.1, shrink=0.0, max_change=0.03)
    one = learner(prior, params)
    before = one.weights
    for i, made in enumerate(days, 1):
        one.day(i * DAY, made, 1, hole=False)
        now = one.weights
        assert sum(now) == pytest.approx(1.0, abs=1e-12)
        assert all(min(0.05, p) - 1e-12 <= w <= 0.80 + 1e-12 for w, p in zip(now, prior, strict=True))
        assert max(abs(a - b) for a, b in zip(now, before, strict=True)) <= 0.03 + 1e-12
        before = now


@given(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.001, 1)), st.sampled_from([PRIOR, SPOT]))
def test_bounded_weights_sum_to_one_and_keep_their_order(raw: Triple, prior: Triple) -> None:
    total = sum(raw)
    weights = (raw[0] / total, raw[1] / total, raw[2] / total)
    if prior is SPOT:
        weights = (weights[0] + weights[1], 0.0, weights[2])
    kept = formula.bounded(weights, prior, 0.05, 0.80)
    assert sum(kept) == pytest.approx(1.0, abs=1e-9)
    assert all(min(0.05, p) - 1e-12 <= w <= max(0.80, p) + 1e-12 for w, p in zip(kept, prior, strict=True))
    if all(0.05 <= w <= 0.80 for w in weights):
        assert kept == pytest.approx(weights)


@example((0.0, 2.3e-309, 0.0), (0.0, 0.0, 1.0), 0.0, 1.0)
@given(
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1)),
    st.floats(0, 0.3),
    st.floats(0.4, 1.0),
)
def test_any_weights_fit_any_prior_floor_and_cap(raw: Triple, base: Triple, floor: float, cap: float) -> None:
    total = sum(base)
    prior = (base[0] / total, base[1] / total, base[2] / total)
    kept = formula.bounded(raw, prior, floor, cap)
    assert sum(kept) == pytest.approx(1.0, abs=1e-9)
    assert all(min(floor, p) - 1e-9 <= w <= max(cap, p) + 1e-9 for w, p in zip(kept, prior, strict=True))


def test_on_spot_down_is_exempt_from_the_floor_and_stays_at_nothing() -> None:
    one = fed(learner(SPOT), noise(4, 200, (0.0, 0.02, 0.0)))
    assert one.weights[1] == 0.0
    assert sum(one.weights) == pytest.approx(1.0)


def against_the_learner(one: Learner, rng: random.Random, day: int) -> Triple:
    """Whatever the learner holds more of than the prior loses, the rest wins."""
    sign = [-1.0 if w > p else 1.0 for w, p in zip(one.belief.learned, PRIOR, strict=True)]
    return tuple(0.004 * s + rng.gauss(0.0005, 0.01) for s in sign)  # type: ignore[return-value]


def reversing(one: Learner, rng: random.Random, day: int) -> Triple:
    """The winner of some months is the loser of the next ones."""
    sign = 1.0 if (day // 70) % 2 else -1.0
    return (0.003 * sign + rng.gauss(0, 0.01), rng.gauss(0, 0.01), 0.0005 - 0.003 * sign + rng.gauss(0, 0.01))


def good_then_bad(one: Learner, rng: random.Random, day: int) -> Triple:
    """Trust is built for a year and then betrayed."""
    sign = 1.0 if day < 365 else -1.0
    return (0.004 * sign + rng.gauss(0, 0.01), rng.gauss(0, 0.01), rng.gauss(0.001, 0.01))


def sharpe(series: list[float]) -> float:
    mean = sum(series) / len(series)
    return mean / math.sqrt(sum((x - mean) ** 2 for x in series) / len(series)) * math.sqrt(365.0)


@pytest.mark.parametrize("adversary", [against_the_learner, reversing, good_then_bad])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_adversarial_rewards_end_within_a_fifth_of_sharpe_of_the_prior(
    adversary: Adversary, seed: int
) -> None:
    rng = random.Random(seed)
    one = learner()
    ours, priors = [], []
    for day in range(1, 1000):
        made = adversary(one, rng, day)
        ours.append(sum(w * r for w, r in zip(one.weights, made, strict=True)))
        priors.append(sum(p * r for p, r in zip(PRIOR, made, strict=True)))
        one.day(day * DAY, made, 1, hole=False)
    assert sharpe(ours) > sharpe(priors) - 0.2


def test_a_learner_that_underperforms_for_long_is_put_back_to_the_prior_for_thirty_days() -> None:
    one = learner(params=LearningParams(rate=0.1, evidence_limit=5.0))
    rng = random.Random(7)
    fired = None
    for day in range(1, 1500):
        change = one.day(day * DAY, against_the_learner(one, rng, day), 1, hole=False)
        if change is not None and change.cause == "fallback":
            fired = day
            break
    assert fired is not None
    assert one.weights == PRIOR
    assert one.belief.hedge == PRIOR
    assert one.belief.evidence == 1.0
    assert one.fallback_until == (fired + 30) * DAY
    for day in range(fired + 1, fired + 30):
        one.day(day * DAY, (0.01, 0.0, -0.01), 1, hole=False)
        assert one.weights == PRIOR
    one.day((fired + 30) * DAY, (0.01, 0.0, -0.01), 1, hole=False)
    assert one.fallback_until is None
    assert one.weights != PRIOR


def test_the_test_seldom_fires_without_a_reason() -> None:
    fired = 0
    for seed in range(40):
        one = fed(learner(), noise(seed, 400))
        fired += any(v.change.cause == "fallback" for v in one.versions)
    assert fired <= 4


def test_frozen_weights_stay_while_evidence_goes_on() -> None:
    one = fed(learner(), noise(5, 40))
    weights, belief = one.weights, one.belief
    one.frozen = True
    fed(one, noise(6, 40, (0.02, 0.0, 0.0)), 41)
    assert one.weights == weights
    assert one.belief.days == belief.days + 40
    assert one.belief.hedge != belief.hedge
    one.frozen = False
    fed(one, noise(7, 1), 81)
    assert one.weights != weights


def test_a_rollback_restores_the_weights_and_the_belief_of_that_version() -> None:
    one = fed(learner(), noise(8, 50))
    kept = one.versions[-1]
    fed(one, noise(9, 50, (0.0, 0.02, 0.0)), 51)
    change = one.rollback(kept.change.version, 101 * DAY)
    assert change.weights == kept.change.weights
    assert change.version > kept.change.version
    assert change.cause == f"rollback to {kept.change.version}"
    assert one.belief == kept.belief
    with pytest.raises(ValueError, match="no version 9999"):
        one.rollback(9999, 0)


def test_weights_by_hand_hold_until_thawed_and_learning_goes_on_from_them() -> None:
    one = fed(learner(), noise(10, 30))
    change = one.set_weights(Weights(0.5, 0.0, 0.5), 31 * DAY)
    assert (change.cause, one.frozen, one.weights) == ("set", True, (0.5, 0.0, 0.5))
    fed(one, noise(11, 20), 32)
    assert one.weights == (0.5, 0.0, 0.5)
    one.frozen = False
    fed(one, noise(12, 1), 52)
    assert max(abs(a - b) for a, b in zip(one.weights, (0.5, 0.0, 0.5), strict=True)) <= 0.05 + 1e-12
    for bad in (Weights(0.5, 0.5, 0.5), Weights(1.2, -0.2, 0.0), Weights(math.nan, 0.5, 0.5)):
        with pytest.raises(ValueError, match="sum to 1"):
            one.set_weights(bad, 0)


def test_a_reset_forgets_everything() -> None:
    one = fed(learner(), noise(13, 60, (0.02, 0, 0)))
    assert one.reset(61 * DAY).cause == "reset"
    assert one.weights == PRIOR
    assert one.belief.days == 0


def test_more_than_two_days_missed_go_back_to_the_prior_unless_the_data_had_a_hole() -> None:
    for hole, cause in ((False, "stale"), (True, "learned")):
        one = fed(learner(), noise(14, 60, (0.02, 0, 0)))
        assert one.weights != PRIOR
        change = one.day(60 * DAY + 49 * HOUR, (0.0, 0.0, 0.01), 1, hole=hole)
        assert change is not None
        assert change.cause == cause
        assert (one.weights == PRIOR) is (not hole)


def test_frozen_weights_stay_even_when_days_were_missed() -> None:
    one = learner()
    one.set_weights(Weights(0.5, 0.0, 0.5), DAY)
    one.day(DAY, None, 0, hole=False)
    assert one.day(9 * DAY, (0.1, 0.0, 0.0), 1, hole=False) is None
    assert one.weights == (0.5, 0.0, 0.5)
    assert one.belief.hedge == PRIOR


def test_a_day_that_was_already_processed_is_ignored() -> None:
    one = fed(learner(), noise(15, 30))
    before = one.state()
    assert one.day(30 * DAY, (1.0, 1.0, 1.0), 1, hole=False) is None
    assert one.state() == before


def test_learning_switched_off_keeps_the_prior() -> None:
    one = fed(learner(params=LearningParams(enabled=False)), noise(16, 100, (0.05, 0, 0)))
    assert one.weights == PRIOR


def test_another_prior_moves_an_untouched_learner_at_once() -> None:
    one = learner()
    change = one.reconfigure(LearningParams(), (0.2, 0.2, 0.6), DAY)
    assert change is not None
    assert change.cause == "config"
    assert one.weights == (0.2, 0.2, 0.6)
    assert one.belief.hedge == (0.2, 0.2, 0.6)


def test_versions_are_numbered_explained_and_bounded() -> None:
    one = fed(learner(), noise(17, 200, (0.01, 0, 0)))
    numbers = [v.change.version for v in one.versions]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert len(numbers) == VERSIONS_KEPT
    last = dict(one.versions[-1].change.evidence)
    assert last["trust"] == one.trust
    assert last["days"] == 200
    assert {"return_up", "gain_neutral", "edge", "evidence"} <= last.keys()


def test_the_state_survives_json_to_the_last_bit_and_goes_on_the_same() -> None:
    days = noise(18, 120, (0.01, 0, -0.01))
    whole = fed(learner(), days)
    first = fed(learner(), days[:70])
    state = msgspec.json.decode(msgspec.json.encode(first.state()), type=LearnerState)
    second = learner()
    second.restore(state, 70 * DAY)
    assert fed(second, days[70:], 71).state() == whole.state()
