"""Every command of another process on one running bot, with its exit code."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.process import Bot, bot, gridbot
from tests.service.living import copied


@pytest.fixture(scope="module")
def live(warmed: Path) -> Iterator[Bot]:
    """One bot for all the tests here: each leaves it trading."""
    with (
        tempfile.TemporaryDirectory(prefix="gb") as folder,
        bot(copied(warmed, Path(folder) / "h"), "--speed", "3000") as one,
    ):
        one.running()
        yield one


def done(live: Bot, *words: str, code: int = 0) -> str:
    """Give a command that ends with this code; what it printed."""
    ended = live.command(*words)
    assert ended.code == code, ended
    return ended.out if code == 0 else ended.err


def status(live: Bot) -> Any:
    return json.loads(done(live, "status", "--json"))


def test_looking_does_not_touch_and_says_all(live: Bot) -> None:
    document = status(live)
    assert document["mode"] == "sim"
    assert document["state"] == "running"
    assert set(document["symbols"]) == {"DOGEUSDT", "SOLUSDT"}
    assert done(live, "why")
    assert "up" in done(live, "learning", "show").lower()


def test_pause_withdraws_entries_and_resume_brings_them_back(live: Bot) -> None:
    done(live, "pause")
    assert status(live)["state"] == "paused"
    done(live, "resume")
    live.wait_for(lambda s: s["state"] == "running" and any(v["open_orders"] for v in s["symbols"].values()))


def test_flatten_of_one_symbol_leaves_the_other_alone(live: Bot) -> None:
    done(live, "flatten", "--symbol", "DOGEUSDT", "--yes")
    seen = status(live)["symbols"]
    assert float(seen["DOGEUSDT"]["position"]) == 0
    assert seen["DOGEUSDT"]["open_orders"] == 0
    assert seen["SOLUSDT"]["open_orders"] > 0
    done(live, "flatten", "--symbol", "NOSUCHUSDT", "--yes", code=2)
    done(live, "resume")


def test_learning_is_frozen_set_and_rolled_back(live: Bot) -> None:
    done(live, "learning", "freeze")
    done(live, "learning", "set", "0.2", "0.3", "0.5")
    weights = status(live)["symbols"]["SOLUSDT"]["weights"]
    assert weights == {"up": 0.2, "down": 0.3, "neutral": 0.5}
    done(live, "learning", "reset")


def test_kill_is_latched_until_it_is_reset(live: Bot) -> None:
    done(live, "kill", "--yes")
    assert status(live)["state"] == "halted"
    done(live, "resume", code=4)
    assert "kill" in done(live, "why")
    done(live, "reset", "kill")
    live.wait_for(lambda s: s["state"] == "running")


def test_reset_of_drawdown_measures_anew(live: Bot) -> None:
    assert "drawdown is measured anew from" in done(live, "reset", "drawdown")


def test_a_second_process_on_the_profile_is_refused_with_exit_code_four(live: Bot) -> None:
    with bot(live.home) as second:
        ended = second.ended()
    assert ended.code == 4
    assert "already traded by process" in ended.err


def test_nobody_running_is_exit_code_three(home: Path) -> None:
    assert [gridbot("--home", str(home), word).code for word in ("status", "pause")] == [3, 3]
