"""What a drawdown halt costs past its line is told, and never more than exposure times gap, and costs."""

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from gridbot_tui.market.recorded import Series
from gridbot_tui.research.analysis import analyse
from gridbot_tui.research.backtest import study_of
from gridbot_tui.research.outcome import outcome_of, ring_of
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.sensitivity import bounds_of, changes, value_at, with_value
from gridbot_tui.research.verdict import halt_words, verdicts
from gridbot_tui.settings.load import load
from gridbot_tui.units import DAY, Market
from tests.commands.calling import Cli, caller
from tests.research.markets import prepared, series
from tests.research.test_truth import written
from tests.research.ugly import ugly


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Cli:
    return caller(capsys)


def tight(one: Series) -> Prepared:
    """Ready to be played with tiers that a bad day reaches."""
    return prepared(
        one,
        risk__tier1_enter="0.01",
        risk__tier1_leave="0.005",
        risk__tier2_enter="0.02",
        risk__tier2_leave="0.015",
        risk__tier3_enter="0.03",
        strategy__leverage__base="1.0",
    )


def crashing(seed: int) -> Series:
    """A lively month in which price falls by a fifth within three bars, on the twentieth day."""
    one = series("ETHUSDT", 24, seed=seed, sigma_hour=0.012, drift_day=0.01)
    factor = np.ones(len(one.times))
    at = 20 * 288
    factor[at:] = 0.8
    factor[at - 1], factor[at - 2] = 0.87, 0.94
    for column in (one.open, one.high, one.low, one.close):
        column[:] = np.rint(column * factor).astype(np.int64)
    one.high[at - 2 : at + 1] = np.maximum(one.high[at - 2 : at + 1], one.close[at - 3 : at])
    one.open[at - 2 : at + 1] = one.close[at - 3 : at]
    return one


@pytest.mark.parametrize("seed", [3, 5])
def test_a_halt_tells_its_exposure_gap_and_costs_and_stays_within_them(seed: int) -> None:
    one = tight(crashing(seed))
    ring = ring_of(one)
    ring.run()
    made = outcome_of("strategy", ring, one)
    assert made.halts
    found = made.halts[0]
    assert found.kept
    assert 0.0 < found.exposure < 6.0
    assert found.gap > 0.0
    assert found.costs > 0.0
    lost = 1.0 - float(ring.engine.desk.ledger.equity_quick() or 0) / (found.equity / 1.0)
    assert lost < 0.01, "once flat nothing more is lost"
    assert f"{found.exposure:.2f}x held" in halt_words(found)


def test_a_crash_that_turns_a_short_into_a_long_and_stops_it_out_is_within_its_bound() -> None:
    _, one = ugly(15, 4)
    ring = ring_of(one)
    ring.run()
    found = outcome_of("strategy", ring, one).halts[0]
    assert found.beyond > 0.1, "price fell by two thirds within two bars"
    assert found.exposure > 0.4, "the stop had closed it before the halt"
    assert found.gap > 0.4
    assert found.costs > 0.0
    assert found.kept


def test_halts_stand_in_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    from gridbot_tui.research.backtest import document

    made = document(study_of(tight(crashing(3)), processes=1))
    assert made["halts"][0]["kept"] is True
    assert set(made["halts"][0]) == {"at", "equity", "exposure", "gap", "costs", "beyond", "bound", "kept"}


def test_a_halt_is_said_wherever_the_result_is_told(tmp_path: Path, call: Cli) -> None:
    path = written(tmp_path, crashing(3))[0]
    keys = [f"--set={one}" for one in ("risk.tier1_enter=0.01", "risk.tier1_leave=0.005", "risk.tier2_enter=0.02",
            "risk.tier2_leave=0.015", "risk.tier3_enter=0.03", "strategy.leverage.base=1.0")]  # fmt: skip
    done = call("backtest", "--data", path, *keys)
    assert done.code == 0, done.err
    assert "Halted at " in done.out
    assert "within its bound of" in " ".join(done.out.split())
    assert max(map(len, done.out.splitlines())) <= 80
    made = study_of(tight(crashing(3)), processes=1)
    said = verdicts(analyse(made))
    assert f"{halt_words(made.main.halts[0])} From then on it stayed flat." in said
    on = structs.replace(made.main.marks[-1], at=made.main.halts[0].at + 2 * DAY)
    again = structs.replace(made.main, marks=(*made.main.marks, on))
    said = verdicts(analyse(structs.replace(made, main=again)))
    assert f"{halt_words(made.main.halts[0])} Later it traded again." in said


def test_a_changed_parameter_stays_in_its_range_and_leaves_the_rest() -> None:
    settings = load(None, {}, ()).settings
    found = changes(settings, Market.FUTURES, ("ladder.skew", "ladder.max_levels", "strategy.leverage.survival"))
    assert [(one.key, one.after) for one in found] == [
        ("ladder.skew", 0.75),
        ("ladder.skew", 1.25),
        ("ladder.max_levels", 6),
        ("ladder.max_levels", 11),
        ("strategy.leverage.survival", 4.5),
    ]
    changed = with_value(settings, "strategy.votes.neutral_sigma", 0.008)
    assert value_at(changed, "strategy.votes.neutral_sigma") == 0.008
    assert value_at(settings, "strategy.votes.neutral_sigma") == 0.006
    assert changed.ladder is settings.ladder
    assert bounds_of(settings, "ladder.skew") == (0.5, 1.25)
    assert changes(settings, Market.SPOT, ("ladder.spacing_trend",))[0].key == "ladder.spot_spacing_trend"
