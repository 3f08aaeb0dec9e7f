"""The screen does what the engine does: the same fills in the same order, on markets that bring out what is rare."""

import math
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from gridbot_tui.research.optimise import Search
from gridbot_tui.research.outcome import ring_of
from gridbot_tui.research.request import Prepared, Request, prepare
from gridbot_tui.research.screen import screening, tape
from gridbot_tui.research.screen.search import promising
from gridbot_tui.research.screen.state import NoRoom
from gridbot_tui.research.screen.sweep import swept
from gridbot_tui.research.screen.tape import BLOCK, fits, tape_of
from gridbot_tui.research.space import parsed
from gridbot_tui.research.trial import Score, played, score_of
from gridbot_tui.settings.model import Settings
from gridbot_tui.strategy import learning
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, cut
from tests.data import shared
from tests.research.markets import START, prepared, series
from tests.research.screen_cases import CASES, QUARTER, Case, compare
from tests.research.screen_shared import Agreements

pytestmark = pytest.mark.compiled

RECORDED = (
    ("um/FILUSDT/1m/2025-02-01_2025-02-28", None),
    ("um/XRPUSDT/1h/2024-12-01_2025-06-30", 60 * DAY),
    ("spot/BTCUSDT/1m/2021-11-11_2021-12-11", None),
)
"""Series, and how much of each is played, where not all of it."""

@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_screen_and_engine_make_the_same_fills_in_the_same_order(case: Case, agreement: Agreements) -> None:
    made = agreement(case)
    assert made.alike == len(made.engine) == len(made.screen) > 10
    assert made.screened == pytest.approx(made.equity, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_settled_in_the_books_a_compiled_run_is_the_engines_to_the_last_digit(
    case: Case, agreement: Agreements
) -> None:
    assert agreement(case).apart == ()


def test_twenty_thousand_fills_are_compared_and_everything_that_is_rare(agreement: Agreements) -> None:
    counts: Counter[str] = Counter()
    for case in CASES:
        made = agreement(case)
        assert made.holds
        counts.update(made.counts)
        counts["fills"] += made.alike
    assert len(CASES) >= 20
    assert counts["fills"] >= 20_000
    assert counts["halts"] >= 5
    assert counts["liquidations"] >= 3
    assert counts["settled"] >= 100
    assert min(counts["partials"], counts["crossed"]) >= 100


@pytest.mark.data
@pytest.mark.parametrize(("name", "span"), RECORDED)
def test_they_make_the_same_fills_on_recorded_markets_too(name: str, span: int | None) -> None:
    path = str(shared(f"{name}.parquet"))
    whole = prepare(Request((path,)))
    one = whole if span is None else prepare(Request((path,), to=whole.market.start + span))
    made = compare(one)
    assert made.holds
    assert len(made.engine) > 10


def test_its_score_is_the_engines() -> None:
    one = CASES[0].ready()
    since = START + 14 * DAY
    ring = ring_of(one)
    ring.run()
    engine, own = score_of(ring, since), screening.Screen(one).score(one.settings, since)
    assert own.objectives == pytest.approx(engine.objectives, rel=1e-6)
    assert own.sharpe == pytest.approx(engine.sharpe, rel=1e-6)
    assert own.fills == engine.fills > 20


def test_what_is_kept_of_many_sets_is_beaten_by_none_and_scored_as_the_engine_scores_it(tmp_path: Path) -> None:
    one = CASES[0].ready()
    since = START + 14 * DAY
    space = parsed(("ladder.skew=0.8:1.2", "ladder.spacing_trend=1:4"), one.settings)
    wanted = Search(Request(()), one, since, space, "made", f"journal:{tmp_path / 'j'}", trials=6, workers=2)
    told: list[int] = []
    said: list[str] = []
    kept = promising(wanted, 12, 4, said.append, lambda done, whole: told.append(done))
    assert told == list(range(1, 13))
    assert not said
    assert 0 < len(kept) <= 4
    screen = screening.Screen(one)
    scores = [screen.score(wanted.settings(values), since) for values in kept]
    assert not any(one.dominated_by(other.objectives) for one in scores for other in scores)
    engine = played(Prepared(wanted.settings(kept[0]), one.market), since)
    assert engine is not None
    assert engine.objectives == pytest.approx(scores[0].objectives, rel=1e-6)


def test_a_set_that_there_is_no_room_for_is_passed_over_and_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one = CASES[0].ready()
    space = parsed(("ladder.skew=0.8:1.2",), one.settings)
    wanted = Search(Request(()), one, START + 14 * DAY, space, "made", f"journal:{tmp_path / 'j'}", trials=6, workers=2)
    score, rooms = screening.Screen.score, iter((False, True, True, False))

    def with_room(screen: screening.Screen, settings: Settings, since: Ms) -> Score:
        if not next(rooms):
            raise NoRoom("more orders at once than an account may have")
        return score(screen, settings, since)

    monkeypatch.setattr(screening.Screen, "score", with_room)
    told: list[int] = []
    said: list[str] = []
    assert 0 < len(promising(wanted, 4, 4, said.append, lambda done, whole: told.append(done))) <= 2
    assert told == [1, 2, 3, 4]
    why = "more orders at once than an account may have"
    assert said == [f"2 of 4 sets could not be screened and are passed over: {why}"]


def test_a_defect_of_the_screen_is_not_taken_for_a_lack_of_room(monkeypatch: pytest.MonkeyPatch) -> None:
    one = CASES[0].ready()

    def defect(screen: screening.Screen, settings: Settings, since: Ms) -> Score:
        raise IndexError("list index out of range")

    monkeypatch.setattr(screening.Screen, "score", defect)
    with pytest.raises(IndexError):
        list(swept(screening.Screen(one), [one.settings], START))


def test_rungs_that_are_worth_more_than_its_numbers_hold_are_the_engines() -> None:
    walk = series("ETHUSDT", 22, seed=4, interval=HOUR)
    fine = replace(walk, instrument=replace(walk.instrument, step=Decimal("0.00000001")))
    assert screening.Screen(prepared(fine, interval=HOUR)).run(prepared(fine, interval=HOUR).settings).made
    one = prepared(fine, interval=HOUR, bot__capital="1000000000")
    with pytest.raises(NoRoom, match="64 bits"):
        screening.Screen(one).run(one.settings)


def test_what_it_does_not_cover_is_said() -> None:
    assert fits(prepared(series("ETHUSDT", 2), series("BTCUSDT", 2))) == ""
    coins = prepared(series("ETHUSDT", 2, market=Market.SPOT), ladder__kind="geometric")
    assert fits(coins) == "a plain grid on spot"
    by_chance = prepared(series("ETHUSDT", 2), simulation__exchange__partial_probability="0.1")
    assert fits(by_chance) == "partial fills by chance"
    for market in Market:
        assert fits(prepared(series("ETHUSDT", 3, holes=((1.0, 3.0),), market=market))) == ""


def test_a_market_whose_columns_would_take_too_much_memory_is_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "MOST_BARS", 1_000_000)
    one = prepared(series("ETHUSDT", 2), series("BTCUSDT", 2))
    assert fits(one) == ""
    monkeypatch.setattr(tape, "MOST_BARS", one.market.bars_total - 1)
    assert "million bars" in fits(one)


def test_features_and_decision_bars_are_the_strategys_own() -> None:
    made = tape_of(prepared(series("ETHUSDT", 20, seed=3, interval=QUARTER), interval=QUARTER))
    ends = made.ends[made.stretch[:, 1] < len(made.bars)]  # the last of all stretches may end with the market
    assert ends[:, 10].sum() == len(made.features) == 20 * 24 - 1
    assert ends[:, 12].sum() == 20
    assert not np.isnan(made.features[-1, :13]).any()


def test_the_logs_of_touches_that_the_columns_hold_are_those_that_compiled_code_takes() -> None:
    from gridbot_tui.research.screen import plans, shadows

    one = prepared(series("ETHUSDT", 20, seed=3, interval=QUARTER), interval=QUARTER)
    tick = one.market.instruments["ETHUSDT"].tick_f
    for row in tape_of(one).features:
        logs = row[plans.TOUCH_BELOW], row[plans.TOUCH_ABOVE]
        assert logs == shadows.touches.py_func(row[plans.AT], tick)  # type: ignore[attr-defined]


def test_a_block_reaches_as_far_as_its_bars_and_no_farther() -> None:
    from gridbot_tui.research.screen import quiet

    holes = ((3.01, 0.5), (5.0, 3.0))
    columns = tape_of(prepared(series("ETHUSDT", 8, interval=MINUTE, marks=True, holes=holes), interval=MINUTE))
    seen = 0
    for one in columns.stretch:
        first, end = int(one[quiet.FIRST]), int(one[quiet.END])
        for start in range(first, end, BLOCK):
            bars = columns.bars[start : min(start + BLOCK, end)]
            reach = [bars[:, 2].min(), bars[:, 1].max(), bars[:, 5].min(), bars[:, 4].max()]
            assert columns.blocks[int(one[quiet.FIRST_BLOCK]) + (start - first) // BLOCK].tolist() == reach
            seen += 1
    assert seen == len(columns.blocks) > 1000


def test_the_restated_bounding_of_weights_is_the_strategys() -> None:
    from gridbot_tui.research.screen import learn

    draw = np.random.default_rng(1)
    for _ in range(200):
        weights, prior = (tuple(float(v) for v in draw.dirichlet((1, 1, 1))) for _ in range(2))
        given = (weights, prior, 0.05, 0.8)
        assert learn.bounded.py_func(*given) == pytest.approx(learning.bounded(*given), abs=1e-12)  # type: ignore[attr-defined,arg-type]


def test_amounts_are_cut_as_the_exchange_cuts_them() -> None:
    from gridbot_tui.research.screen import money

    ours = money.cut.py_func  # type: ignore[attr-defined]
    draw = np.random.default_rng(5)
    for _ in range(5_000):
        places, value = int(draw.integers(2, 9)), 10 ** draw.uniform(0, 5)
        ticks = int(draw.integers(1, 10**6))
        steps, unit = max(1, int(value * 10**places / ticks)), f"1e-{places}"
        rate = repr(float(draw.choice((2e-4, 5e-4, draw.normal(0, 1e-4)))))
        exact = cut(Decimal(ticks * steps) * Decimal(unit) * Decimal(rate))
        assert ours(ticks * steps * float(unit) * float(rate)) == float(exact)
    assert ours(12.34567892_999997) == 12.34567892, "just under a whole is none"


def test_a_rung_whose_price_was_multiplied_up_is_rounded_as_the_exact_one_or_reckoned_anew() -> None:
    from gridbot_tui.research.screen import rungs

    for whole in (12, 656_103, 8_000_000):
        for off in (0.0, 5e-10, -9e-10, 1.5e-9, -3e-9, 1e-6, 0.3 / whole):
            ratio = whole * (1.0 + off)
            near = abs(ratio - whole) <= 1e-9 * ratio  # as ``orders.rungs`` has it
            for buy in (True, False):
                exact = whole if near else math.floor(ratio) if buy else math.ceil(ratio)
                assert rungs._rounded.py_func(ratio, buy) in (-1, exact)  # type: ignore[attr-defined]
