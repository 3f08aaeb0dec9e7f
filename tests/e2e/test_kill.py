"""kill -9 of a real process at moments nobody chose, and what the next start makes of it."""

import random
import tempfile
import time
from pathlib import Path

from tests.e2e.process import bot
from tests.service.living import books, contradictions, standing

LONG = ("--set", "simulation.warmup_days=120")
"""The longest past there is: it must not be over before the kill comes."""
SHORT = ("--set", "simulation.warmup_days=35")


def die_and_rise(home: Path, times: int, chance: random.Random) -> int:
    """Start at full speed and kill, again and again; how many trades were made meanwhile."""
    before = len(books(home).trades)
    for _ in range(times):
        with bot(home, "--speed", "max") as one:
            one.running()
            time.sleep(chance.uniform(0.0, 0.25))
            one.kill()
    return len(books(home).trades) - before


def agreed(home: Path) -> None:
    """Start once more with time all but standing still, and compare; then again: nothing changes."""
    ladders = []
    for _ in range(2):
        with bot(home, "--speed", "0.01") as one:
            status = one.running()
            assert contradictions(home) == []
            assert status["residual"] == "0"
            ladders.append(standing(home))
            told = sum(view["open_orders"] for view in status["symbols"].values())
            assert told == len(ladders[-1])
            one.kill()
    assert ladders[0] == ladders[1]


def test_kills_at_full_speed_leave_no_duplicate_no_orphan_and_the_same_ledger(home: Path) -> None:
    chance, trades = random.Random(4), 0
    for _ in range(2):
        trades += die_and_rise(home, 3, chance)
        agreed(home)
    assert trades > 0


def test_a_kill_in_the_past_of_a_new_profile_is_lived_through_anew() -> None:
    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        home = Path(folder)
        with bot(home, *LONG) as one:
            one.wait_for(lambda status: status["uptime_s"] > 3_600)
            one.kill()
        assert (one.profile.folder / "warming").exists()
        with bot(home, *SHORT, "--speed", "0.01") as one:
            # It answers while it still lives through its past, also between the last bar of that and its commit.
            assert one.running()["uptime_s"] >= 35 * 86_400
            assert contradictions(home) == []
            one.kill()
        log = (one.profile.folder / "gridbot.log").read_text()
        assert log.count("warmup_again") == 1
