"""The process of the back-test beside a bot: when it is started, what ends it, and what is shown meanwhile."""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.control.snapshot import TrialView
from gridbot_tui.service.beside.lookback import Ask, Past, question
from gridbot_tui.service.beside.lookback_job import Lookback, words
from gridbot_tui.settings.load import Loaded, load_text
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import DAY, HOUR, Market, Money

ANSWERS = """
import json, os, sys
ask = json.loads(sys.stdin.readline())
secret = any("ALERT" in name or "SECRET" in name for name in os.environ)
open({log!r}, "a").write(f"{{os.getpid()}} {{len(ask['texts'])}} {{secret}}\\n")
done = [dict(one, state="done", days=40, daily=0.001, low=0.0005, high=0.0015) for one in ask["begun"]]
print(json.dumps({{"trials": done}}), flush=True)
"""
SILENT = """
import os, sys
sys.stdin.readline()
open({log!r}, "a").write(f"{{os.getpid()}}\\n")
sys.stdin.read()
"""
DIES = "import sys; sys.stdin.readline(); sys.exit(3)"


class Rig:
    """A job on a program of a few lines; engine time, viewers and the running config are the test's."""

    def __init__(self, folder: Path, program: str) -> None:
        self.log = folder / "log"
        self.running: Loaded[Settings] = config("")
        self.viewers = 0
        self.now = 100 * DAY
        self.there = True
        argv = (sys.executable, "-S", "-c", program.format(log=str(self.log)))
        self.job = Lookback(self.ask, lambda: self.running, lambda: self.viewers, first_s=0.0, look_s=0.01, argv=argv)

    def ask(self) -> Ask | None:
        past = Past(Market.FUTURES, ("SOLUSDT",), self.now)
        return question(past, self.running, (), Money(10_000)) if self.there else None

    def started(self) -> list[list[str]]:
        return [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def states(self) -> list[str]:
        return [f"{one.name} {one.state}" for one in self.job.views()]


def config(text: str) -> Loaded[Settings]:
    return load_text(text, None, {}, ())


EDITED = config("[ladder]\nskew = 0.9\n")


def live(rig: Rig, work: Callable[[Rig], Awaitable[Any]]) -> None:
    async def go() -> None:
        task = asyncio.create_task(rig.job.run())
        try:
            await asyncio.wait_for(work(rig), 60)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(go())


async def until(what: Callable[[], object]) -> None:
    while not what():  # noqa: ASYNC110 - another process writes
        await asyncio.sleep(0.01)


def gone(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    return False


def test_nothing_is_played_before_somebody_looks_on_and_then_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDBOT_API_SECRET", "x")
    monkeypatch.setenv("GRIDBOT_ALERT_URLS", "json://host/token")
    rig = Rig(tmp_path, ANSWERS)

    async def work(rig: Rig) -> None:
        await asyncio.sleep(0.1)
        assert rig.started() == []
        rig.viewers = 1
        await until(lambda: rig.states() == ["running done"])
        rig.now += 3 * HOUR
        await asyncio.sleep(0.1)
        assert [line[1:] for line in rig.started()] == [["1", "False"]]

    live(rig, work)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the system tells nobody of a process's end")
def test_no_thread_is_waited_for_where_a_process_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without memory for the thread's first step would hold the loop, and the bot, for good."""
    rig = Rig(tmp_path, ANSWERS)

    async def work(rig: Rig) -> None:
        rig.viewers = 1
        await until(lambda: rig.states() == ["running done"])

    def never(thread: threading.Thread) -> None:
        raise AssertionError(f"{thread.name} was started")

    monkeypatch.setattr(threading.Thread, "start", never)
    live(rig, work)


def test_a_screen_that_is_left_while_one_is_played_keeps_the_bot_beside_it_from_no_end(tmp_path: Path) -> None:
    """The app's loop in the main thread took what the bot's hears of its process by along when it ended."""
    rig = Rig(tmp_path, SILENT)
    rig.viewers = 1
    left = threading.Event()

    async def until_left(rig: Rig) -> None:
        await until(left.is_set)

    async def screen() -> None:
        async with asyncio.timeout(60):
            await until(rig.started)

    bot = threading.Thread(target=live, args=(rig, until_left), daemon=True)
    bot.start()
    asyncio.run(screen())
    left.set()
    bot.join(60)
    assert not bot.is_alive()
    assert gone(rig.started()[0][0])


def test_an_edited_config_is_played_beside_the_running_one_and_told_when_previewed_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path, ANSWERS)

    async def work(rig: Rig) -> None:
        assert "is being played" in rig.job.offer(EDITED)
        await until(lambda: rig.states() == ["running done", "edited done"])
        assert rig.job.offer(EDITED).startswith("+0.100 % a day on 40 days [+0.050 %, +0.150 %]")
        assert len(rig.started()) == 1
        rig.running = EDITED  # applied: what was said is of another config
        assert rig.states() == []

    live(rig, work)


def test_a_newer_edit_replaces_the_one_that_is_being_played(tmp_path: Path) -> None:
    rig = Rig(tmp_path, SILENT)

    async def work(rig: Rig) -> None:
        rig.job.offer(EDITED)
        await until(lambda: len(rig.started()) == 1)
        newer = config("[ladder]\nskew = 1.1\n")
        rig.job.offer(newer)
        await until(lambda: len(rig.started()) == 2)
        assert gone(rig.started()[0][0])
        assert [one.config for one in rig.job.views()] == [rig.running.version_hash, newer.version_hash]

    live(rig, work)
    assert gone(rig.started()[1][0])  # with the bot


def test_a_process_that_dies_is_a_failure_that_is_told_and_not_tried_at_once_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path, DIES)
    rig.viewers = 1

    async def work(rig: Rig) -> None:
        await until(lambda: rig.states() == ["running failed"])
        await asyncio.sleep(0.1)
        assert rig.states() == ["running failed"]
        assert "ended with 3" in rig.job.views()[0].detail

    live(rig, work)


def test_an_edit_whose_back_test_failed_is_played_anew_when_previewed_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path, DIES)

    async def work(rig: Rig) -> None:
        rig.job.offer(EDITED)
        await until(lambda: rig.states() == ["running failed", "edited failed"])
        rig.job._argv = Rig(tmp_path, ANSWERS).job._argv
        assert "is being played" in rig.job.offer(EDITED)
        await until(lambda: rig.states() == ["running done", "edited done"])

    live(rig, work)


def test_a_process_that_cannot_be_started_is_told_as_such(tmp_path: Path) -> None:
    rig = Rig(tmp_path, ANSWERS)
    rig.job._argv = (str(tmp_path / "nothing"),)
    rig.viewers = 1

    async def work(rig: Rig) -> None:
        await until(lambda: rig.states() == ["running failed"])
        assert "cannot be started (No such file" in rig.job.views()[0].detail

    live(rig, work)


def test_an_edit_before_there_is_a_past_or_with_none_wanted_starts_nothing(tmp_path: Path) -> None:
    rig = Rig(tmp_path, SILENT)

    async def work(rig: Rig) -> None:
        rig.there = False
        assert "no past" in rig.job.offer(EDITED)
        rig.there = True
        rig.running = config("[service]\nlookback_days = 0\n")
        assert "no past" in rig.job.offer(EDITED)
        rig.viewers = 1
        await asyncio.sleep(0.1)
        assert rig.started() == []

    live(rig, work)


def test_the_program_ends_when_nobody_holds_its_pipe_any_more() -> None:
    async def go() -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gridbot_tui.research.lookback", stdin=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None
        process.stdin.close()
        return await asyncio.wait_for(process.wait(), 60)

    assert asyncio.run(go()) == 2


def test_the_words_of_a_result_name_sample_size_and_interval() -> None:
    base = TrialView("edited", "done", "x", 0, days=7, daily=-0.0004, fills_day=2.5, max_drawdown=-0.02)
    assert words(base) == "-0.040 % a day on 7 days (too few for an interval), 2.5 fills a day, deepest fall -2.0 %"
    told = TrialView("edited", "done", "x", 0, days=40, daily=0.0, low=-0.01, high=0.01, ahead=0.001, ahead_low=-0.001,
                     ahead_high=0.003)  # fmt: skip
    assert words(told).endswith("+0.100 % a day [-0.100 %, +0.300 %]: no difference is shown")
