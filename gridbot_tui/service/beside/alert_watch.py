"""What the alarms look at of a run."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from gridbot_tui.control.snapshot import EventView, LinkView
from gridbot_tui.engine.blockers import Blocker
from gridbot_tui.service.books.journal import Journal
from gridbot_tui.service.books.telling import Level
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.options import RunResult
from gridbot_tui.service.pace import Pace
from gridbot_tui.service.venues.shut_requests import ShutRequests
from gridbot_tui.units import Ms

PATIENCE_S: Final = 60.0
"""A recovery that takes longer is itself worth being looked at."""


class _Runs(Protocol):
    @property
    def pace(self) -> Pace: ...


class Looks:
    """See ``alerting.Watched``."""

    def __init__(
        self, bot: Bot, journal: Journal, runner: _Runs, links: Callable[[], Sequence[LinkView]], *, crashed: bool
    ) -> None:
        """``links``: the connections to a real exchange; ``crashed``: the life before this one did not end in order."""
        self._bot = bot
        self._journal = journal
        self._runner = runner
        self._links = links
        self._shut = ShutRequests()
        self._crashed = crashed
        self._since = time.monotonic()

    def beginning(self) -> EventView:
        """That it runs, and what came before."""
        if self._crashed:
            text = "started again after an end that was not in order (a crash, kill -9, or the power)"
            return EventView(self.engine_time(), "warning", "unclean_start", "", text)
        return EventView(self.engine_time(), "info", "started", "", "started")

    def standing(self) -> Sequence[Blocker]:
        """All blockers of the engine, the gravest first, and that the exchange takes no requests."""
        shut = self._shut.blocker(self._links(), self._bot.engine.now)
        return [*self._bot.engine.desk.blockers.ranked(), *([] if shut is None else [shut])]

    def engine_time(self) -> Ms:
        """The engine's time."""
        return self._bot.engine.now

    def settled(self) -> bool:
        """Not while a sim lives through its past; else once recovered, or when that takes long."""
        if self._runner.pace.racing_to is not None:
            return False
        return self._bot.recovered or time.monotonic() - self._since >= PATIENCE_S

    def say(self, level: Level, code: str, text: str) -> None:
        """In log, feed and on the screen."""
        self._journal.report(self._bot.engine.now, level, code, text)


class NotStarted:
    """A bot that does not even begin; see ``alerting.Watched``."""

    def standing(self) -> Sequence[Blocker]:
        """Nothing is held back where nothing runs."""
        return ()

    def engine_time(self) -> Ms:
        """No engine: the wall's."""
        return time.time_ns() // 1_000_000

    def settled(self) -> bool:
        """Never."""
        return False

    def beginning(self) -> EventView:
        """It does not begin."""
        return self.refusal("it did not start")

    def say(self, level: Level, code: str, text: str) -> None:
        """There is no log yet; why it did not start is on stderr."""

    def refusal(self, text: str) -> EventView:
        """Why it did not start, in the words of an alarm."""
        return EventView(self.engine_time(), "error", "not_started", "", text)


def ending(result: RunResult, at: Ms) -> EventView:
    """How a run ended, in the words of an alarm."""
    if result.exit_code == 0:
        return EventView(at, "info", "stopped", "", result.text or "ended in order")
    code = "not_flat" if result.exit_code == 6 else "defect"
    return EventView(at, "error", code, "", f"ended with exit code {result.exit_code}: {result.text}")
