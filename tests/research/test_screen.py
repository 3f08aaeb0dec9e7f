"""The screen sketches a run as the engine plays it; it chooses, it never reports."""

import numba
import numpy as np
import pytest

from gridbot_tui.research.request import Prepared
from gridbot_tui.research.screen.tape import fits, tape_of
from gridbot_tui.strategy import learning
from gridbot_tui.units import DAY, Market
from tests.research.markets import START, prepared, series

numba.config.DISABLE_JIT = True  # type: ignore[attr-defined]  # compiling takes a minute; the source is the same
from gridbot_tui.research.screen import learn, screening  # noqa: E402
from tests.tools.check_screen import both, same  # noqa: E402


@pytest.fixture(scope="module")
def lively() -> Prepared:
    return prepared(series("ETHUSDT", 20, seed=3, sigma_hour=0.011, interval=900_000), interval=900_000)


def test_a_lively_week_has_the_same_fills_in_the_same_order(lively: Prepared) -> None:
    engine, own, equity, ours = both(lively, screening.Screen(lively))
    assert len(engine) > 20
    assert same(engine, own) == len(engine) == len(own)
    assert ours == pytest.approx(equity, rel=1e-6)


def test_its_score_is_of_the_days_after_the_warm_up(lively: Prepared) -> None:
    screen = screening.Screen(lively)
    found = screen.score(lively.settings, START + 14 * DAY)
    assert found.fills > 20
    assert found.net_return == pytest.approx(float(screen.run(lively.settings).equity[-1]) / 10_000 - 1)
    assert 0.0 < found.drawdown < 0.15
    assert found.turnover > 0.0


def test_what_it_does_not_cover_is_said() -> None:
    assert fits(prepared(series("ETHUSDT", 2), series("BTCUSDT", 2))) == "several symbols share one account"
    assert fits(prepared(series("BTCUSDT", 2, market=Market.SPOT))) == "spot"
    assert fits(prepared(series("ETHUSDT", 3, holes=((1.0, 3.0),)))) == "episodes"
    assert fits(prepared(series("ETHUSDT", 2), ladder__kind="geometric")) == "a ladder that is not the adaptive one"
    assert fits(prepared(series("ETHUSDT", 2))) == ""


def test_features_and_decision_bars_are_the_strategys_own(lively: Prepared) -> None:
    tape = tape_of(lively)
    assert (tape.hour >= 0).sum() == len(tape.features) == 20 * 24 - 1
    assert tape.midnight.sum() == 20
    assert not np.isnan(tape.features[-1, :12]).any()


def test_the_restated_bounding_of_weights_is_the_strategys() -> None:
    draw = np.random.default_rng(1)
    for _ in range(200):
        weights, prior = (tuple(float(v) for v in draw.dirichlet((1, 1, 1))) for _ in range(2))
        given = (weights, prior, 0.05, 0.8)
        assert learn.bounded(*given) == pytest.approx(learning.bounded(*given), abs=1e-12)  # type: ignore[arg-type]
