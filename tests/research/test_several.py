"""Several symbols on one account: compiled code does what the engine does, fill by fill and to the last digit."""

from collections import Counter

import numpy as np
import pytest
from msgspec.structs import replace

from gridbot_tui.research.outcome import ring_of
from gridbot_tui.research.screen.screening import Screen
from gridbot_tui.research.screen.tapes import tapes_of
from gridbot_tui.research.trial import score_of
from gridbot_tui.settings.load import load
from gridbot_tui.strategy.clusters import clusters
from gridbot_tui.units import DAY, HOUR
from tests.research.markets import START, prepared, series
from tests.research.screen_cases import QUARTER, SEVERAL, TIGHT, Case, compare
from tests.research.screen_shared import Agreements
from tests.research.ugly import ugly

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize("case", SEVERAL, ids=lambda case: case.name)
def test_several_symbols_make_the_engines_fills_in_its_order_and_its_outcome(
    case: Case, agreement: Agreements
) -> None:
    made = agreement(case)
    assert made.alike == len(made.engine) == len(made.screen) > 10
    assert made.screened == pytest.approx(made.equity, rel=1e-6, abs=1e-6)
    assert made.apart == ()


def test_every_symbol_trades_and_everything_that_is_rare_happens(agreement: Agreements) -> None:
    counts: Counter[str] = Counter()
    for case in SEVERAL:
        made = agreement(case)
        counts.update(made.counts)
        assert len({place for _, place, *_ in made.engine}) >= 2
    assert counts["halts"] >= 2
    assert counts["liquidations"] >= 1
    assert min(counts["settled"], counts["partials"], counts["crossed"]) >= 100


def test_a_cancel_that_comes_too_late_is_heard_of_in_its_turn_among_other_symbols() -> None:
    """Its order fills with the very bar: what all symbols desire is reckoned anew from then on, and not before."""
    _, crowd = ugly(509, 9100)
    keys = {"ladder.spacing_trend": "3.17", "ladder.spacing_neutral": "2.662", "strategy.ensemble.lot_neutral": "0.279",
            "risk.drawdown_ema_minutes": "65.46", "orders.price_tolerance": "0.05074"}  # fmt: skip
    made = compare(replace(crowd, settings=load(None, {}, tuple(keys.items())).settings))
    assert made.holds
    assert made.alike > 100


def test_a_score_of_several_is_the_engines() -> None:
    names = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    walks = (series(name, 19, seed=i, sigma_hour=0.012, interval=QUARTER) for i, name in enumerate(names))
    one = prepared(*walks, interval=QUARTER, **TIGHT)
    since = START + 14 * DAY
    ring = ring_of(one)
    ring.run()
    engine, own = score_of(ring, since), Screen(one).score(one.settings, since)
    assert own.objectives == pytest.approx(engine.objectives, rel=1e-6)
    assert own.sharpe == pytest.approx(engine.sharpe, rel=1e-6)
    assert own.fills == engine.fills > 20


def test_prices_after_a_moment_change_no_fill_before_it_on_any_symbol() -> None:
    names = ("ETHUSDT", "SOLUSDT")
    first = [series(name, 24, seed=i, sigma_hour=0.012, interval=QUARTER) for i, name in enumerate(names)]
    at = START + 20 * DAY
    other = series("SOLUSDT", 24, seed=1, sigma_hour=0.012, interval=QUARTER)
    later = other.times >= at
    for column in (other.open, other.high, other.low, other.close):
        column[later] = column[later] * 2 // 3
    fills = []
    for parts in (first, [first[0], other]):
        screen = Screen(prepared(*parts, interval=QUARTER, **TIGHT))
        rows, times = screen.run(screen.prepared.settings).fills, screen.tape.times
        fills.append(rows[times[rows[:, 0]] <= at].tolist())
    assert fills[0] == fills[1]
    assert len(fills[0]) > 50


def test_who_moves_with_whom_is_told_each_day_as_the_strategy_finds_it() -> None:
    walks = [series(name, 40, seed=3, interval=QUARTER) for name in ("BTCUSDT", "ETHUSDT")]
    one = prepared(*walks, series("SOLUSDT", 40, seed=9, interval=QUARTER), interval=QUARTER)
    tape = tapes_of(one)
    limit = one.settings.strategy.portfolio.correlation
    ring = ring_of(one)
    ring.run()
    strategy = ring.engine.desk.strategy
    groups = tape.groups(limit)
    known = {symbol: desk.daily for symbol, desk in strategy._desks.items()}
    last = clusters(known, limit)
    assert last == (("BTCUSDT", "ETHUSDT"),)
    assert groups[-1].tolist() == [0, 0, -1]
    assert groups[0].tolist() == [-1, -1, -1]
    assert len(groups) == 40


def test_an_hour_without_its_last_bars_is_closed_by_another_symbols_bar() -> None:
    holed = series("ETHUSDT", 4, seed=3, holes=((2.01, 0.9),))
    tape = tapes_of(prepared(holed, series("SOLUSDT", 4, seed=4)))
    first, end = tape.first_happening[0], tape.first_happening[1]
    hours = tape.happenings[first:end]
    between = hours[(hours[:, 0] > START + 2 * DAY + HOUR) & (hours[:, 0] < START + 2 * DAY + 2 * HOUR)]
    assert between[:, [2, 3]].tolist() == [[1, 1]]
    assert np.isin(between[:, 0] % HOUR, (5 * 60_000,)).all()
