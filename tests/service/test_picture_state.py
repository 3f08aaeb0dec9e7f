"""The bot's state in one word; since when the weights are what they are."""

from types import SimpleNamespace

import pytest

from gridbot_tui.control.snapshot import LearningView
from gridbot_tui.risk.kill import Latches
from gridbot_tui.service.operator.picture import Picture
from gridbot_tui.strategy.learner import Learner
from gridbot_tui.strategy.params import LearningParams
from gridbot_tui.strategy.plan import Weights
from gridbot_tui.ui.lines import held
from gridbot_tui.units import DAY


def state_of(latches: Latches) -> str:
    desk = SimpleNamespace(
        phase="trading",
        latches=latches,
        tiers=SimpleNamespace(halted=False, tier=0),
        symbols={"BTCUSDT": None, "ETHUSDT": None},
    )
    picture = Picture.__new__(Picture)
    picture._engine = SimpleNamespace(desk=desk)  # type: ignore[assignment]
    picture._bot = SimpleNamespace(report=None, shutdown=None)  # type: ignore[assignment]
    return picture.state()


@pytest.mark.parametrize("paused", ["", "BTCUSDT ETHUSDT"])
def test_a_symbol_that_its_stop_has_latched_makes_a_paused_bot_no_running_one(paused: str) -> None:
    latches = Latches()
    latches.set("stopped", "BTCUSDT", "1")
    assert state_of(latches) == "running", "the others trade"
    for symbol in paused.split() or [""]:
        latches.set("paused", symbol, "operator")
    assert state_of(latches) == "paused"


def test_one_paused_symbol_makes_no_paused_bot() -> None:
    latches = Latches()
    latches.set("paused", "BTCUSDT", "operator")
    assert state_of(latches) == "running"


def learning_of(learner: Learner, now: int, began: int | None) -> LearningView:
    strategy = SimpleNamespace(
        versions=tuple(learner.versions),
        frozen=False,
        prior=Weights(*learner.prior),
        weights=Weights(*learner.weights),
        trust=learner.trust,
        evidence=1.0,
        days=0,
        fallback_until=None,
        shadow_returns=lambda: (0.0, 0.0, 0.0),
    )
    desk = SimpleNamespace(strategy=strategy, now=now, ledger=SimpleNamespace(started_at=began))
    picture = Picture.__new__(Picture)
    picture._engine = SimpleNamespace(desk=desk)  # type: ignore[assignment]
    return picture._learning()


def test_the_first_version_of_the_weights_is_of_the_profiles_beginning_and_not_of_1970() -> None:
    began, now = 1_763_733_600_000, 1_763_733_600_000 + 30 * DAY
    learner = Learner(LearningParams(), (0.3, 0.1, 0.6))
    view = learning_of(learner, now, began)
    assert [change[1] for change in view.changes] == [began]
    learner._record(began + 15 * DAY, "learned", (0.4, 0.1, 0.5))
    view = learning_of(learner, now, began)
    assert [point[0] for point in view.history] == [began, began + 15 * DAY]
    shown = held([(at, up) for at, up, _, _ in view.history], now, 30)
    assert shown.count(0.4) == 16, "what was learned fills its half of the line, not its last cell"
    assert learning_of(learner, now, None).history[0][0] == began + 15 * DAY, "never after the change that ended it"
