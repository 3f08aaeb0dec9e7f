"""Owns the back-test beside the bot: when it is played, in which process, and what came of it.

At most one process runs, at the lowest priority, and only while somebody looks on; it is gone when the bot is.
Trading never waits for it: the loop reads a line of its answer now and then.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from gridbot_tui.control.snapshot import TrialView
from gridbot_tui.credentials.addresses import ENV_URLS
from gridbot_tui.credentials.sources import ENV_KEY, ENV_SECRET, SYSTEMD
from gridbot_tui.service.beside.lookback import PROGRAM, Ask, Told
from gridbot_tui.settings.load import Loaded
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import DAY, Ms

LOOK_S: Final = 1.0
FIRST_S: Final = 5.0
"""Somebody must have looked on for so long: a glance starts no process."""
AGAIN_S: Final = 1_800.0
AGAIN: Final[Ms] = DAY
"""Time of the market and of the clock after which the past has become another one."""
LONGEST_S: Final = 1_200.0
"""A back-test that takes longer is given up."""
LONGEST_LINE: Final = 1 << 20
SECRETS: Final = (ENV_KEY, ENV_SECRET, ENV_URLS, SYSTEMD)
"""Of the environment what the process has no use for."""


class Lookback:
    """Plays the running config on the recent past while a face is there, and an edited one when it is previewed."""

    def __init__(
        self,
        ask: Callable[[], Ask | None],
        running: Callable[[], Loaded[Settings]],
        viewers: Callable[[], int],
        *,
        first_s: float = FIRST_S,
        look_s: float = LOOK_S,
        argv: tuple[str, ...] = (sys.executable, "-m", PROGRAM),
    ) -> None:
        """Nothing runs yet.

        Args:
            ask: the question about the running config as of now; None: there is nothing to play yet.
            running: the config in force.
            viewers: faces that look on.
            first_s: how long one must have been there.
            look_s: pause between two looks.
            argv: the program.
        """
        self._ask = ask
        self._running = running
        self._viewers = viewers
        self._first_s = first_s
        self._look_s = look_s
        self._argv = argv
        self._told: tuple[TrialView, ...] = ()
        self._wanted: Loaded[Settings] | None = None
        self._wake = asyncio.Event()
        self._seen_since: float | None = None
        self._played_at = 0.0

    def views(self) -> tuple[TrialView, ...]:
        """What is known of the config in force, and beside it of an edited one; nothing once another is in force."""
        own = self._running().version_hash
        if not self._told or self._told[0].config != own:
            return ()
        return tuple(one for one in self._told if one.name == "running" or one.config != own)

    def offer(self, edited: Loaded[Settings]) -> str:
        """An edited config was previewed: what is known of it, in words, or that it is being played."""
        known = next((one for one in self.views() if one.config == edited.version_hash), None)
        if known is not None and known.state == "done":
            return words(known)
        if self._ask() is None:
            return "none: there is no past to play it on"
        playing = known is not None and known.state == "playing"
        if not playing and (self._wanted is None or self._wanted.version_hash != edited.version_hash):
            self._wanted = edited
            self._wake.set()
        return "is being played on the recent past beside the running one; the what-if screen shows both"

    async def run(self) -> None:
        """Go on until cancelled; the process is then gone."""
        while True:
            edited, self._wanted = self._wanted, None
            self._wake.clear()
            ask = self._due(edited)
            if ask is not None:
                await self._until_woken(self._play(ask), LONGEST_S)
                self._fail(f"given up after {LONGEST_S:g} s")  # nothing is left to fail where it came to an end
                self._played_at = time.monotonic()
            if not self._wake.is_set():
                await self._until_woken(asyncio.sleep(self._look_s), LONGEST_S)

    async def _until_woken(self, work: Coroutine[Any, Any, None], longest_s: float) -> None:
        """Do it until it is done, or a newer edit waits, or for so long; nothing of it is left running."""
        tasks = [asyncio.ensure_future(work), asyncio.ensure_future(self._wake.wait())]
        try:
            await asyncio.wait(tasks, timeout=longest_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _due(self, edited: Loaded[Settings] | None) -> Ask | None:
        """The question to ask now; None: nothing is to be done."""
        now = time.monotonic()
        if not self._viewers():
            self._seen_since = None
        elif self._seen_since is None:
            self._seen_since = now
        looked = self._seen_since is not None and now - self._seen_since >= self._first_s
        ask = self._ask() if looked or edited is not None else None
        if ask is None or edited is not None:
            return None if ask is None or edited is None else _with(ask, edited)
        known = next(iter(self.views()), None)
        if known is None:
            return ask
        waited = now - self._played_at >= AGAIN_S
        return ask if waited and (known.state == "failed" or ask.past.end - known.at >= AGAIN) else None

    async def _play(self, ask: Ask) -> None:
        """One process from its start to its end."""
        before, self._told = self._told, ask.begun
        try:
            with _ends_heard_without_a_thread():
                process = await asyncio.create_subprocess_exec(
                    *self._argv,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    env={name: value for name, value in os.environ.items() if name not in SECRETS},
                    start_new_session=True,  # Ctrl+C of the terminal is for the bot
                    limit=LONGEST_LINE,
                )
        except OSError as error:
            self._fail(f"the back-test's process cannot be started ({error.strerror})")
            return
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            # The pipe stays open: its end, however this process ends, is the end of that one.
            process.stdin.write(msgspec.json.encode(ask) + b"\n")
            await process.stdin.drain()
            while line := await process.stdout.readline():
                self._told = _remembering(before, msgspec.json.decode(line, type=Told).trials)
            code = await process.wait()
            if any(one.state == "playing" for one in self._told):
                self._fail(f"the back-test's process ended with {code}")
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            self._fail(str(error))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def _fail(self, why: str) -> None:
        self._told = tuple(
            replace(one, state="failed", detail=why) if one.state == "playing" else one for one in self._told
        )


@contextlib.contextmanager
def _ends_heard_without_a_thread() -> Iterator[None]:
    """Let the loop itself hear how a process ends that is started within, as it does from Python 3.12 on, where the
    system can tell it.

    Before, each is waited for in a thread, and the loop waits for that thread to say that it runs: one that finds no
    memory for its first step never does, and the loop would stand still for good.
    """
    if sys.version_info >= (3, 12) or not _told_by_the_system():
        yield
        return

    class OfThisLoop(asyncio.PidfdChildWatcher):
        """Stays with the loop that it was made for, which may be another thread's.

        Wherever the main thread takes up or lays down a loop of its own, Python attaches the watcher there is to that
        one, or to none, and it forgets what it waited for: a screen that is left would leave the bot beside it waiting
        for a process that has long ended.
        """

        def attach_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
            """Nothing."""

    watcher = OfThisLoop()
    asyncio.PidfdChildWatcher.attach_loop(watcher, asyncio.get_running_loop())
    asyncio.set_child_watcher(watcher)
    try:
        yield
    finally:
        asyncio.set_child_watcher(None)  # type: ignore[arg-type]  # the default, made when it is asked for


def _told_by_the_system() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def _with(ask: Ask, edited: Loaded[Settings]) -> Ask:
    """The same question with an edited config beside the running one."""
    view = TrialView("edited", "playing", edited.version_hash, ask.past.end)
    return replace(ask, begun=(*ask.begun, view), texts=(*ask.texts, edited.text))


def _remembering(before: tuple[TrialView, ...], now: tuple[TrialView, ...]) -> tuple[TrialView, ...]:
    """What was suggested for the same running config stays until there is something newer."""
    if not before or not now or before[0].config != now[0].config or now[0].suggestion:
        return now
    return (replace(now[0], suggestion=before[0].suggestion), *now[1:])


def words(one: TrialView) -> str:
    """A result in one sentence, with sample size and interval."""
    if one.daily is None:
        return one.detail
    told = f"{_percent(one.daily)} a day on {one.days} days"
    told += f" [{_percent(one.low)}, {_percent(one.high)}]" if one.low is not None else " (too few for an interval)"
    if one.fills_day is not None and one.max_drawdown is not None:
        told += f", {one.fills_day:.1f} fills a day, deepest fall {_percent(one.max_drawdown, 1)}"
    if one.ahead is not None and one.ahead_low is not None and one.ahead_high is not None:
        shown = "" if one.ahead_low > 0 or one.ahead_high < 0 else ": no difference is shown"
        told += (
            f"; against the running config {_percent(one.ahead)} a day "
            f"[{_percent(one.ahead_low)}, {_percent(one.ahead_high)}]{shown}"
        )
    return told


def _percent(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{100 * value + 0.0:+.{digits}f} %"
