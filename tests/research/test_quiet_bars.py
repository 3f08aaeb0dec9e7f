"""Bars passed over leave exactly what bars handled one by one leave."""

from typing import Any

import pytest

from gridbot_tui.engine import state
from gridbot_tui.engine.quiet import Quiet
from gridbot_tui.research.outcome import outcome_of, ring_of
from gridbot_tui.research.request import Prepared, Request, prepare
from gridbot_tui.research.ring import Ring
from gridbot_tui.units import DAY, MINUTE, Market
from tests.data import shared
from tests.research.markets import prepared, series


def both(one: Prepared, **options: Any) -> tuple[Ring, Ring]:
    fast, slow = ring_of(one, **options), ring_of(one, every_bar=True, **options)
    fast.run()
    slow.run()
    return fast, slow


def same(fast: Ring, slow: Ring, one: Prepared) -> None:
    assert fast.tape.fills == slow.tape.fills
    assert fast.tape.cash == slow.tape.cash
    assert fast.tape.weights == slow.tape.weights
    assert fast.tape.tiers == slow.tape.tiers
    assert fast.tape.codes == slow.tape.codes
    a, b = fast.engine.desk, slow.engine.desk
    assert a.ledger.state() == b.ledger.state()
    assert a.tiers.state() == b.tiers.state()
    assert a.strategy.state() == b.strategy.state()
    assert (a.max_observed, a.max_worst) == (b.max_observed, b.max_worst)
    assert fast.engine.encode_state() == slow.engine.encode_state()
    assert state.encode(a) == state.encode(b)
    assert outcome_of("x", fast, one).figures == outcome_of("x", slow, one).figures


MARKETS = {
    "one calm symbol": lambda: prepared(series("BTCUSDT", 24)),
    "one wild symbol with mark prices": lambda: prepared(series("SOLUSDT", 26, seed=2, sigma_hour=0.02, marks=True)),
    "a fall through the tiers to the halt": lambda: prepared(
        series("ETHUSDT", 30, seed=5, sigma_hour=0.012, drift_day=-0.02),
        strategy__leverage__base="1.0",
        risk__tier1_enter="0.006",
        risk__tier1_leave="0.003",
        risk__tier2_enter="0.012",
        risk__tier2_leave="0.008",
        risk__tier3_enter="0.02",
    ),
    "three symbols with holes at different times": lambda: prepared(
        series("BTCUSDT", 24, seed=7, holes=((16.3, 0.5), (18.0, 0.75))),
        series("ETHUSDT", 24, seed=8, sigma_hour=0.013, holes=((17.51, 30.0),)),
        series("SOLUSDT", 20, seed=9, sigma_hour=0.015, marks=True),
    ),
    "bars of a minute": lambda: prepared(
        series("ETHUSDT", 18, seed=11, sigma_hour=0.01, interval=MINUTE), interval=MINUTE
    ),
    "orders that wait for a churn to end": lambda: prepared(
        series("ETHUSDT", 19, seed=21, sigma_hour=0.013, interval=MINUTE),
        interval=MINUTE,
        ladder__skew="1.214",
        ladder__spacing_trend="1.0",
        orders__churn_creates="6",
        orders__churn_repeats="1",
    ),
    "spot": lambda: prepared(
        series("BTCUSDT", 26, seed=12, sigma_hour=0.012, drift_day=0.004, market=Market.SPOT),
        series("ETHUSDT", 26, seed=13, sigma_hour=0.014, drift_day=0.004, market=Market.SPOT),
    ),
}


@pytest.mark.parametrize("name", MARKETS)
def test_passing_over_quiet_bars_changes_nothing(name: str) -> None:
    one = MARKETS[name]()
    fast, slow = both(one)
    assert fast.spent.passed_over > fast.spent.one_by_one
    assert slow.spent.passed_over == 0
    assert fast.tape.fills
    same(fast, slow, one)


def test_the_halt_was_reached_where_it_should_be() -> None:
    one = MARKETS["a fall through the tiers to the halt"]()
    fast = ring_of(one)
    fast.run()
    assert [change.tier for change in fast.tape.tiers][-1] == 3
    assert not fast.engine.open_positions()


def test_plain_grids_are_passed_over_too() -> None:
    one = prepared(series("BTCUSDT", 10, seed=3), ladder__kind="geometric", ladder__plain__leverage="0.9")
    fast, slow = both(one)
    assert len(fast.tape.fills) > 10
    same(fast, slow, one)


def test_the_highest_leverage_is_one_of_the_bars_that_were_passed_over() -> None:
    one = prepared(series("BTCUSDT", 24, seed=12, sigma_hour=0.012, drift_day=0.004, market=Market.SPOT))
    ring = ring_of(one)
    ring.run(one.market.start + 20 * DAY + 17 * MINUTE)
    desk, at = ring.engine.desk, ring.engine.now
    position, mark = desk.ledger.position("BTCUSDT"), desk.symbols["BTCUSDT"].mark
    assert position > 0
    assert mark
    desk.max_observed = 0.0
    unit, equity = desk.instruments["BTCUSDT"].unit_f, float(desk.ledger.equity_quick() or 0)
    deep = int(mark - 0.08 * equity / (position * unit))  # into tier 2 within an hour; then far beyond where it was
    marks = [mark, mark + 1, *[deep] * 40, 2 * mark]
    count = Quiet(desk).mark({"BTCUSDT": marks}, at, MINUTE)
    assert 2 <= count < len(marks) - 1
    assert desk.max_observed == pytest.approx(position * (mark + 1) * unit / (equity + position * unit))


def test_leverage_above_one_is_looked_at_bar_by_bar() -> None:
    one = prepared(
        series("ETHUSDT", 16, seed=21, sigma_hour=0.006, drift_day=-0.006),
        ladder__kind="geometric",
        ladder__plain__leverage="3.0",
        ladder__plain__side="long",
        risk__gap_reserve="0.5",
    )
    fast, slow = both(one)
    assert slow.engine.desk.max_observed > 1.0
    same(fast, slow, one)


@pytest.mark.data
@pytest.mark.parametrize(
    "files",
    [
        ("um/BTCUSDT/1m/2023-07-18_2023-08-17.parquet", "um/SOLUSDT/1m/2023-07-18_2023-08-17.parquet"),
        ("um/FILUSDT/1m/2025-02-01_2025-02-28.parquet",),
    ],
)
def test_recorded_months_give_the_same_both_ways(files: tuple[str, ...]) -> None:
    paths = tuple(str(shared(file)) for file in files)
    begun = prepare(Request(paths)).market.start
    one = prepare(Request(paths, to=begun + 22 * DAY))  # of which the first 14 are looked at only
    fast, slow = both(one)
    assert fast.tape.fills
    same(fast, slow, one)
