"""The bot's state in one word."""

from types import SimpleNamespace

import pytest

from gridbot_tui.risk.kill import Latches
from gridbot_tui.service.picture import Picture


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
