"""Many sets on one market, on all cores: the compiled run lets go of the interpreter, so that threads suffice."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from gridbot_tui.research.screen.screening import Screen
from gridbot_tui.research.screen.state import NoRoom
from gridbot_tui.research.trial import Score
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import Ms


def swept(screen: Screen, sets: Sequence[Settings], since: Ms, threads: int | None = None) -> Iterator[Score | NoRoom]:
    """The score of every set, in order, ``threads`` at a time, one a core where None; of a run that compiled code has
    no room for, why."""
    if not sets:
        return

    def scored(one: Settings) -> Score | NoRoom:
        try:
            return screen.score(one, since)
        except NoRoom as why:
            return why

    yield scored(sets[0])  # alone: it compiles
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        yield from pool.map(scored, sets[1:])
