"""What a strategy is compared with is what its title says, whatever the config trades."""

from math import ceil, floor

import pytest
from msgspec.structs import replace

from gridbot_tui.research.analysis import analyse
from gridbot_tui.research.backtest import study_of
from gridbot_tui.research.baselines import MORE, USUAL, play, warm_at
from gridbot_tui.research.metrics import sharpe
from gridbot_tui.research.outcome import ring_of
from gridbot_tui.research.sensitivity import MAIN, REST, changes, value_at, with_value
from gridbot_tui.research.verdict import assumptions, liquidated
from gridbot_tui.settings.load import load
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import DAY, HOUR, Market
from tests.research.markets import prepared, series

PLAIN = ("ladder.kind", "geometric")
OWN_PLAIN = ("symbols.ETHUSDT.ladder.kind", "arithmetic")


def settings(*given: tuple[str, str]) -> Settings:
    return load(None, {}, given).settings


@pytest.mark.parametrize("name", ["neutral_alone", "ungated_neutral", "equal_weights", "fixed_prior"])
def test_a_plain_grid_is_not_beside_itself_under_a_systems_name(name: str) -> None:
    one = series("ETHUSDT", 24, seed=4, sigma_hour=0.013, interval=HOUR)
    variant = next(each for each in (*USUAL, *MORE) if each.name == name)
    adaptive = prepared(one, interval=HOUR)
    plain = prepared(one, interval=HOUR, ladder__kind="geometric")
    made = play(plain, variant, warm_at(plain))
    assert made.figures == play(adaptive, variant, warm_at(adaptive)).figures
    assert made.figures["fills"]


def test_what_buying_cost_is_in_the_days_that_buy_and_hold_is_judged_on() -> None:
    one = prepared(series("ETHUSDT", 20, seed=5, sigma_hour=0.012, interval=HOUR, funding=False), interval=HOUR)
    made = study_of(one, processes=1)
    held = made.others["buy_and_hold"]
    (row,) = (each for each in analyse(made).rows if each.name == "buy_and_hold")
    assert row.net_return == pytest.approx(held.figures["net_return"], abs=1e-12)
    prices = made.main.prices["ETHUSDT"]
    first, last = prices[made.main.at.index(made.since)], prices[-1]
    assert row.net_return == pytest.approx(last / first / 1.0007 - 1.0, abs=1e-12), "0.05 % fee, 0.02 % slippage"
    assert row.sharpe == pytest.approx(held.figures["sharpe"])


def test_a_year_is_one_of_the_calendar_whatever_the_recording_lacks_of_it() -> None:
    one = series("ETHUSDT", 60, seed=5, sigma_hour=0.012, interval=HOUR, funding=False, holes=((20.0, 480.0),))
    made = study_of(prepared(one, interval=HOUR), processes=1)
    rows = {each.name: each for each in analyse(made).rows}
    assert rows["buy_and_hold"].cagr == pytest.approx(made.others["buy_and_hold"].figures["cagr"])
    made_of_it = 1.0 + rows["strategy"].net_return
    days = (made.main.at[-1] - made.since) / DAY
    assert rows["strategy"].cagr == pytest.approx(made_of_it ** (365 / days) - 1.0)


def test_what_prices_did_in_a_hole_of_months_is_no_day_of_buy_and_hold() -> None:
    """Half a year's sixfold price fell on one day: a Sharpe ratio of it, and thousands of per cent a year ahead."""
    one = series("ETHUSDT", 80, seed=5, sigma_hour=0.012, interval=HOUR, funding=False, holes=((20.0, 480.0),))
    later = one.times > one.times[0] + 30 * DAY
    for column in (one.open, one.high, one.low, one.close):
        column[later] *= 6
    made = study_of(prepared(one, interval=HOUR), processes=1)
    held = made.others["buy_and_hold"]
    (row,) = (each for each in analyse(made).rows if each.name == "buy_and_hold")
    assert row.net_return > 4.0, "what it really made"
    days = held.daily(made.since)
    assert max(days.returns) < 0.2
    assert one.times[0] // DAY + 40 not in days.days, "the day on which the price came back"
    assert row.sharpe == pytest.approx(held.figures["sharpe"]) == pytest.approx(sharpe(days.returns))
    assert row.advantage is not None
    assert abs(row.advantage.value) < 2.0
    assert sum("no bars for more than a day" in said for said in assumptions(made)) == 1


def test_a_hole_of_less_than_a_day_is_part_of_what_its_day_made() -> None:
    one = series("ETHUSDT", 40, seed=5, sigma_hour=0.012, interval=HOUR, funding=False, holes=((20.5, 20.0),))
    made = study_of(prepared(one, interval=HOUR), processes=1)
    assert not made.others["buy_and_hold"].leaps
    assert not [said for said in assumptions(made) if "no bars for more than a day" in said]


def test_funding_in_a_hole_is_of_the_prices_at_both_its_ends() -> None:
    one = series("ETHUSDT", 60, seed=5, sigma_hour=0.012, interval=HOUR, holes=((20.0, 480.0),))
    frm, to = one.times[0] + 20 * DAY, one.times[0] + 40 * DAY
    for column in (one.open, one.high, one.low, one.close):
        column[one.times >= to] *= 6
    first, last = (int(one.close[one.times < frm][-1]), int(one.close[one.times >= to][0]))
    one.funding = [replace(rate, rate=0.001) for rate in one.funding if frm < rate.at < to]
    given = prepared(one, interval=HOUR, market__assumed_funding="0")
    made = study_of(given, processes=1)
    held = made.others["buy_and_hold"]
    bought = one.close[one.times < made.since][-1]
    mean = (first + last) / 2 / int(bought)
    assert float(str(held.figures["funding"])) == pytest.approx(-0.001 * len(one.funding) * 10_000 * mean, rel=0.02)


def test_buy_and_hold_of_a_future_is_liquidated_before_it_owes_what_it_never_had() -> None:
    one = series("ETHUSDT", 60, seed=5, sigma_hour=0.012, interval=HOUR)
    one.funding = [replace(rate, rate=0.02) for rate in one.funding]
    made = study_of(prepared(one, interval=HOUR), processes=1)
    held = made.others["buy_and_hold"]
    assert held.figures["liquidations"] == 1
    assert min(held.equity) == held.equity[-1] >= 0.0, "and flat from then on"
    assert float(str(held.figures["max_drawdown"])) >= -1.0
    assert min(held.daily(made.since).returns) >= -1.0
    assert any(said.startswith("The baseline buy and hold was liquidated once") for said in liquidated(made))


def test_buy_and_hold_keeps_what_its_margin_covers() -> None:
    one = series("ETHUSDT", 40, seed=5, sigma_hour=0.02, drift_day=-0.08, interval=HOUR)
    made = study_of(prepared(one, interval=HOUR), processes=1)
    held = made.others["buy_and_hold"]
    assert float(str(held.figures["max_drawdown"])) < -0.7
    assert held.figures["liquidations"] == 0
    assert not [said for said in liquidated(made) if "buy and hold" in said]


def test_a_static_grid_fills_as_a_grid_of_twenty_lines_does() -> None:
    """Each level by itself: bought at its price, sold at the next one's, and nothing else ever."""
    loose = {
        "risk__tier1_enter": "0.5", "risk__tier2_enter": "0.6", "risk__tier3_enter": "0.9", "risk__tier1_leave": "0.4",
        "risk__tier2_leave": "0.55", "risk__absolute_halt": "0.95", "risk__gap_reserve": "0.5",
        "risk__breaker_loss": "0.9",
    }  # fmt: skip
    one = series("ETHUSDT", 60, seed=5, sigma_hour=0.012, interval=HOUR, funding=False)
    given = prepared(one, interval=HOUR, **loose)
    since, tick = warm_at(given), one.instrument.tick_f
    made = play(given, next(each for each in USUAL if each.name == "static_grid"), since)
    bars = [
        (int(at) + HOUR, int(high), int(low), int(close))
        for at, high, low, close in zip(one.times, one.high, one.low, one.close, strict=True)
        if at >= since
    ]
    first = bars[0][3] * tick
    grid = [0.75 * first * (1.25 / 0.75) ** (level / 24) / tick for level in range(25)]
    held = [grid[level + 1] * tick > first for level in range(24)]
    expected = []
    for at, high, low, _ in bars[1:]:
        for level, has in enumerate(tuple(held)):
            if not has and low <= floor(grid[level] + 1e-6) - 1:
                held[level] = True
                expected.append((at, level))
            elif has and high >= ceil(grid[level + 1] - 1e-6) + 1:
                held[level] = False
                expected.append((at, level + 1))
    filled = [(mark.at, min(range(25), key=lambda level: abs(grid[level] * tick - mark.price))) for mark in made.marks]
    inventory_bought = since + 5 * DAY
    assert sorted(each for each in filled if each[0] > inventory_bought) == sorted(
        each for each in expected if each[0] > inventory_bought
    )
    assert len(expected) > 100


def test_a_static_grid_keeps_the_shares_and_drops_the_ladders_of_single_symbols() -> None:
    given = settings(("symbols.ETHUSDT.capital_share", "0.7"), OWN_PLAIN)
    static = next(one for one in USUAL if one.name == "static_grid").settings(given)
    assert static.shares(("BTCUSDT", "ETHUSDT")) == given.shares(("BTCUSDT", "ETHUSDT"))
    assert static.ladders() == {}


def test_only_what_a_ladder_of_the_config_goes_by_is_varied() -> None:
    def varied(*given: tuple[str, str]) -> set[str]:
        return {one.key for one in changes(settings(*given), Market.FUTURES, MAIN + REST)}

    adaptive, plain, both = varied(), varied(PLAIN), varied(OWN_PLAIN)
    assert "ladder.skew" in adaptive
    assert not {key for key in adaptive if key.startswith("ladder.plain.")}
    assert {"ladder.plain.levels", "ladder.plain.range_below", "risk.gap_reserve"} <= plain
    assert not {key for key in plain if key.startswith("strategy.")}
    assert both == adaptive | {key for key in plain if key.startswith("ladder.plain.")}
    assert "ladder.plain.range_below" not in varied(PLAIN, ("ladder.plain.lower", "100"), ("ladder.plain.upper", "200"))


def test_a_changed_value_reaches_the_ladders_that_inherit_it() -> None:
    given = settings(("ladder.spacing_trend", "5"), ("symbols.ETHUSDT.ladder.skew", "0.9"))
    other = settings(("ladder.spacing_trend", "5"), ("symbols.ETHUSDT.ladder.spacing_trend", "3"))
    moved, kept = (with_value(one, "ladder.spacing_trend", 6.0) for one in (given, other))
    assert value_at(moved, "ladder.spacing_trend") == value_at(kept, "ladder.spacing_trend") == 6.0
    assert moved.ladders()["ETHUSDT"].spacing_trend == 6.0
    assert kept.ladders()["ETHUSDT"].spacing_trend == 3.0


def test_what_a_result_reckons_by_days_is_of_the_days_that_its_baselines_have() -> None:
    """Two weeks without a trade made each rate smaller than buy and hold's beside it, and another than the report's."""
    one = series("ETHUSDT", 40, seed=4, sigma_hour=0.013, interval=HOUR)
    made = study_of(prepared(one, interval=HOUR), processes=1)
    (own,) = (each for each in analyse(made).rows if each.name == "strategy")
    figures, days = made.main.figures, (made.main.end - made.since) / DAY
    assert figures["days"] == days
    assert figures["sharpe"] == pytest.approx(own.sharpe)
    assert figures["cagr"] == pytest.approx(own.cagr)
    assert figures["cagr"] == pytest.approx((1.0 + own.net_return) ** (365 / days) - 1.0)
    instrument = made.prepared.market.instruments["ETHUSDT"]
    ring = ring_of(made.prepared)
    ring.run()
    traded = sum(float(instrument.notional(each.fill.price, each.fill.steps)) for each in ring.tape.fills)
    after = [value for at, value in zip(made.main.at, made.main.equity, strict=True) if at > made.since]
    assert figures["turnover"] == pytest.approx(traded / (sum(after) / len(after)) / days)
    held = [value > 0.0 for at, value in zip(made.main.at, made.main.leverage, strict=True) if at > made.since]
    assert figures["time_in_market"] == pytest.approx(sum(held) / len(held))


def test_a_plain_grid_that_trades_from_its_first_hour_is_reckoned_from_there() -> None:
    one = series("ETHUSDT", 20, seed=4, sigma_hour=0.013, interval=HOUR)
    made = study_of(prepared(one, interval=HOUR, ladder__kind="geometric"), processes=1)
    figures, days = made.main.figures, (made.main.end - made.main.start) / DAY
    assert made.main.marks[0].at < made.since
    net = made.main.equity[-1] / made.main.capital
    assert figures["cagr"] == pytest.approx(net ** (365 / days) - 1.0)
    assert figures["sharpe"] == pytest.approx(sharpe(made.main.daily().returns))
