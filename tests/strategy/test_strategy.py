"""The strategy as a whole: one way of time, one result, whatever interrupts it."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbot_tui.strategy.facade import AccountInputs, Strategy, StrategyState
from gridbot_tui.strategy.params import EnsembleParams, LadderParams, Prior, StrategyParams
from gridbot_tui.strategy.plain_params import PlainParams
from gridbot_tui.strategy.plan import GridPlan, Weights
from gridbot_tui.units import DAY, HOUR, Market
from tests.strategy.support import ACCOUNT, SPEC, Candle, inputs, strategy, walk

HOURS = 60 * 24


def paths(*names: str, hours: int = HOURS, sigma: float = 0.01) -> dict[str, list[Candle]]:
    return {name: list(walk(seed, hours, sigma=sigma)) for seed, name in enumerate(names, 11)}


def run(
    one: Strategy,
    bars: dict[str, list[Candle]],
    first: int = 0,
    last: int | None = None,
    plans: dict[str, GridPlan] | None = None,
) -> dict[str, GridPlan]:
    """Feed hourly candles from index ``first`` on and decide after each; the last plans."""
    plans = dict(plans or {})
    for k in range(first, last if last is not None else len(next(iter(bars.values())))):
        at = (k + 1) * HOUR
        for name, candles in bars.items():
            _, high, low, close = candles[k]
            one.bar(name, at, high, low, close)
        for name, candles in bars.items():
            one.hour(name, at, candles[k][3])
        if at % DAY == 0:
            one.day(at)
        if at % (8 * HOUR) == 0:
            for name in bars:
                one.funding(name, at + 3, 1e-4, 8)
        now = {
            name: inputs(candles[k][3], tick=0.01, spread=0.01, equity=5_000)
            for name, candles in bars.items()
        }
        plans |= one.decide(at, now, ACCOUNT, plans)
    return plans


BARS = paths("AAA", "BBB")


@pytest.fixture(scope="module")
def whole() -> tuple[Strategy, dict[str, GridPlan]]:
    one = strategy("AAA", "BBB")
    return one, run(one, BARS)


def test_the_same_bars_give_the_same_bits(whole: tuple[Strategy, dict[str, GridPlan]]) -> None:
    again = strategy("AAA", "BBB")
    plans = run(again, BARS)
    assert plans == whole[1]
    assert again.state() == whole[0].state()


@settings(max_examples=6, deadline=None)
@given(cut=st.integers(1, HOURS - 1))
def test_a_restart_in_the_middle_is_a_non_event(
    whole: tuple[Strategy, dict[str, GridPlan]], cut: int
) -> None:
    first = strategy("AAA", "BBB")
    plans = run(first, BARS, 0, cut)
    blob = msgspec.json.encode(first.state())
    second = strategy("AAA", "BBB")
    second.restore(msgspec.json.decode(blob, type=StrategyState))
    assert run(second, BARS, cut, plans=plans) == whole[1]
    assert second.state() == whole[0].state()


def test_what_comes_later_changes_nothing_before() -> None:
    cut = 50 * 24
    altered = {
        name: candles[:cut] + [(at, 3 * h, 2 * low, 2.5 * c) for at, h, low, c in candles[cut:]]
        for name, candles in BARS.items()
    }
    one, two = strategy("AAA", "BBB"), strategy("AAA", "BBB")
    assert run(one, BARS, 0, cut) == run(two, altered, 0, cut)
    assert one.state() == two.state()
    run(one, BARS, cut, cut + 24)
    run(two, altered, cut, cut + 24)
    assert one.features("AAA") != two.features("AAA")


def test_no_plan_is_made_before_336_closed_hours() -> None:
    one = strategy("AAA")
    bars = {"AAA": BARS["AAA"]}
    assert run(one, bars, 0, 335) == {}
    assert not one.ready("AAA")
    assert one.votes("AAA") is None
    plans = run(one, bars, 335, 336)
    assert plans["AAA"].epoch == 1
    assert one.hours("AAA") == one.warm_hours == 336


def test_a_plan_acts_on_the_shadows_from_the_next_bar_on() -> None:
    one = strategy("AAA")
    run(one, {"AAA": BARS["AAA"]}, 0, 336)
    state = one.state().symbols["AAA"].shadows
    assert [shadow.position for shadow in state.shadows] == [0.0, 0.0, 0.0]
    run(one, {"AAA": BARS["AAA"]}, 336, 337)
    state = one.state().symbols["AAA"].shadows
    assert any(shadow.position for shadow in state.shadows), "the bar after it has met the first plan"


def test_shadow_returns_of_a_day_act_from_the_next_day_on() -> None:
    one = strategy("AAA")
    days = 60
    candles = BARS["AAA"]
    seen = []
    for k in range(days * 24):
        before = one.weights
        run(one, {"AAA": candles}, k, k + 1)
        if one.weights != before:
            seen.append((k + 1) % 24)
    assert len(seen) > 10
    assert set(seen) == {0}


def test_every_recomputed_plan_has_the_next_epoch(whole: tuple[Strategy, dict[str, GridPlan]]) -> None:
    assert whole[1]["AAA"].epoch == HOURS - 335


def test_an_episodes_end_closes_shadows_and_warms_up_anew_while_weights_go_on() -> None:
    one = strategy("AAA", "BBB")
    plans = run(one, BARS)
    weights = one.weights
    one.end_episode("AAA", HOURS * HOUR)
    assert not one.ready("AAA")
    assert one.votes("AAA") is None
    assert all(s.position == 0.0 and s.ladder is None for s in one.state().symbols["AAA"].shadows.shadows)
    later = HOURS * HOUR + 10 * DAY
    one.end_episode("BBB", HOURS * HOUR)
    change = one.day(later)
    assert change is None or change.cause == "learned"
    assert one.weights == (change.weights if change else weights)
    assert one.decide(later, {"AAA": inputs(100.0)}, ACCOUNT, plans) == {}


def test_a_day_that_a_symbol_did_not_see_from_its_start_is_not_counted() -> None:
    one = strategy("AAA")
    run(one, {"AAA": BARS["AAA"]}, 0, 15 * 24 - 1)
    assert one.days == 0
    run(one, {"AAA": BARS["AAA"]}, 15 * 24 - 1, 15 * 24)
    assert one.days == 1


def test_missed_days_without_a_hole_go_back_to_the_prior(whole: tuple[Strategy, dict[str, GridPlan]]) -> None:
    one = strategy("AAA", "BBB")
    one.restore(whole[0].state())
    change = one.day(HOURS * HOUR + 3 * DAY)
    assert change is not None
    assert change.cause == "stale"
    assert one.weights == one.prior


def test_the_drawdown_multiplier_reaches_every_plan(whole: tuple[Strategy, dict[str, GridPlan]]) -> None:
    one = whole[0]
    now = {name: inputs(BARS[name][-1][3], tick=0.01, equity=5_000) for name in BARS}
    full = one.decide(HOURS * HOUR, now, AccountInputs(0.7, 10_000), {})
    less = one.decide(HOURS * HOUR, now, AccountInputs(0.4, 10_000), {})
    for name in BARS:
        assert less[name].upper == pytest.approx(0.4 / 0.7 * full[name].upper)


def test_symbols_that_are_not_asked_for_still_count_in_the_caps(
    whole: tuple[Strategy, dict[str, GridPlan]],
) -> None:
    one, plans = whole
    price = BARS["AAA"][-1][3]
    huge = msgspec.structs.replace(plans["BBB"], upper=30_000 / plans["BBB"].price, lower=0.0)
    alone = one.decide(HOURS * HOUR, {"AAA": inputs(price)}, ACCOUNT, {})["AAA"]
    beside = one.decide(HOURS * HOUR, {"AAA": inputs(price)}, ACCOUNT, {"BBB": huge})["AAA"]
    assert beside.leverage < alone.leverage
    assert "gross_cap" in dict(beside.reasons)


def test_an_account_without_equity_has_no_lots_and_divides_by_nothing(
    whole: tuple[Strategy, dict[str, GridPlan]],
) -> None:
    plan = whole[0].decide(0, {"AAA": inputs(100.0, equity=0.0)}, AccountInputs(1.0, 0.0), {})["AAA"]
    assert plan.lot == 0.0
    assert plan.unwind == 0.0


def test_a_reload_keeps_features_shadows_and_learning(whole: tuple[Strategy, dict[str, GridPlan]]) -> None:
    one = strategy("AAA", "BBB")
    one.restore(whole[0].state())
    before = one.state()
    assert one.reconfigure(StrategyParams(), LadderParams(skew=1.25)) is None
    assert one.state() == before
    assert one.decide(0, {"AAA": inputs(100.0)}, ACCOUNT, {})["AAA"].skew == 1.25
    prior = EnsembleParams(prior=Prior(up=0.5, down=0.1, neutral=0.4))
    change = one.reconfigure(StrategyParams(ensemble=prior), LadderParams())
    assert change is not None
    assert change.cause == "config"
    assert one.weights.up > 0.4


def test_a_state_of_another_market_is_refused(whole: tuple[Strategy, dict[str, GridPlan]]) -> None:
    with pytest.raises(ValueError, match="futures"):
        strategy("AAA", market=Market.SPOT).restore(whole[0].state())


def test_a_symbol_that_is_new_starts_cold_and_one_that_left_is_dropped(
    whole: tuple[Strategy, dict[str, GridPlan]],
) -> None:
    one = strategy("AAA", "NEW")
    one.restore(whole[0].state())
    assert one.ready("AAA")
    assert not one.ready("NEW")
    assert set(one.state().symbols) == {"AAA", "NEW"}


def test_the_operator_can_set_freeze_thaw_roll_back_and_reset() -> None:
    one = strategy("AAA")
    change = one.set_weights(Weights(0.6, 0.0, 0.4), DAY)
    assert one.frozen
    assert change.version == 1
    one.thaw()
    assert not one.frozen
    assert one.rollback(0, 2 * DAY).weights == one.prior
    one.freeze()
    assert one.frozen
    assert one.reset(3 * DAY).version == 3
    assert [v.change.cause for v in one.versions] == ["start", "set", "rollback to 0", "reset"]


def test_on_spot_no_shadow_and_no_plan_is_ever_short() -> None:
    one = strategy("AAA", market=Market.SPOT)
    bars = {"AAA": BARS["AAA"]}
    plans: dict[str, GridPlan] = {}
    for k in range(0, HOURS, 24):
        plans = run(one, bars, k, k + 24, plans)
        for shadow in one.state().symbols["AAA"].shadows.shadows:
            assert shadow.position >= -1e-12
        if plans:
            plan = plans["AAA"]
            assert plan.lower == 0.0
            assert plan.target >= 0.0
            assert plan.upper * plan.price <= plan.equity * (1 + 1e-9)
    assert one.weights.down == 0.0
    assert one.shadow_returns("AAA")[1] == 0.0


def test_ladders_that_cannot_be_are_refused() -> None:
    short = LadderParams(kind="geometric", plain=PlainParams(side="short"))
    with pytest.raises(ValueError, match="long-only"):
        strategy("AAA", market=Market.SPOT, ladder=short)
    absolute = LadderParams(kind="arithmetic", plain=PlainParams(lower=1.0, upper=2.0))
    with pytest.raises(ValueError, match="belong to one symbol"):
        strategy("AAA", "BBB", ladder=absolute)
    both = Strategy(
        StrategyParams(), LadderParams(), Market.FUTURES, {"AAA": SPEC, "BBB": SPEC}, {"AAA": absolute}
    )
    assert both.warm_hours_of("AAA") == 1
    assert both.warm_hours_of("BBB") == 336


def test_weights_votes_and_plans_are_always_finite(whole: tuple[Strategy, dict[str, GridPlan]]) -> None:
    for plan in whole[1].values():
        numbers = [plan.lot, plan.target, plan.upper, plan.lower, plan.leverage, plan.gap, plan.sigma_hour]
        assert all(math.isfinite(value) for value in numbers)


def test_a_plain_grid_needs_no_warm_up_and_takes_the_largest_gap_until_one_is_measured() -> None:
    one = strategy("AAA", ladder=LadderParams(kind="geometric"))
    bars = {"AAA": BARS["AAA"]}
    first = run(one, bars, 0, 1)
    assert first["AAA"].gap == 0.70
    assert len(first["AAA"].grid) == 20
    later = run(one, bars, 1, 80, first)
    assert later["AAA"].gap < 0.70
    assert later["AAA"].grid == first["AAA"].grid
    assert later["AAA"].epoch == 1
