"""Runs side by side: how far they are is told, and one that is killed is said."""

import os
import signal

import pytest
from msgspec import structs

from gridbot_tui.research import playing
from gridbot_tui.research.baselines import USUAL, Variant, warm_at
from gridbot_tui.research.ring import RingFailed
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import DAY, HOUR
from tests.research.markets import prepared, series


@pytest.mark.parametrize("processes", [1, 2])
def test_progress_rises_to_the_whole_whatever_the_processes(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "LOOK_S", 0.05)
    one = prepared(series("ETHUSDT", 20, interval=HOUR), interval=HOUR)
    told: list[tuple[float, float]] = []
    played = playing.play_all(one, USUAL, warm_at(one), processes, lambda *said: told.append(said))
    assert played.main.name == "strategy"
    assert [other.name for other in played.others if not isinstance(other, str)] == [variant.name for variant in USUAL]
    assert told[0] == (0.0, 3), "the clock starts with the first run"
    assert told[-1] == (3.0, 3)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_run_that_is_killed_ends_the_study_with_a_sentence() -> None:
    def killed(settings: Settings) -> Settings:
        os.kill(os.getpid(), signal.SIGKILL)
        return settings

    one = prepared(series("ETHUSDT", 15, interval=HOUR), interval=HOUR)
    with pytest.raises(RingFailed, match="ended from outside"):
        playing.play_all(one, (Variant("killed", "killed", killed),), warm_at(one), 2, lambda done, whole: None)


def test_only_what_takes_long_gets_processes() -> None:
    short, long = (prepared(series("ETHUSDT", days, interval=HOUR), interval=HOUR) for days in (10, 40))
    assert playing._workers(short, 3) == 1
    assert playing._workers(long, 3) == min(os.cpu_count() or 1, 3)


def test_what_is_left_is_told_by_bars_not_by_time() -> None:
    early, late = series("ETHUSDT", 10, interval=HOUR), series("SOLUSDT", 5, interval=HOUR)
    late = structs.replace(late, times=late.times + 5 * DAY, funding=[])
    shares = playing._by_hour(prepared(early, late, interval=HOUR))
    assert shares[0] == 0.0
    assert shares[5 * 24] == pytest.approx(5 / 15)
    assert shares[10 * 24] == 1.0
