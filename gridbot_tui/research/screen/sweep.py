"""Many sets on one market, on all cores: the compiled run lets go of the interpreter, so that threads suffice."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from gridbot_tui.research.screen.screening import Screen
from gridbot_tui.research.trial import Score
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import Ms


def swept(screen: Screen, sets: Sequence[Settings], since: Ms, threads: int | None = None) -> Iterator[Score | None]:
    """The score of every set, in order, ``threads`` at a time, one a core where None; None where a run has more of
    something than compiled code has room for."""
    if not sets:
        return

    def scored(one: Settings) -> Score | None:
        try:
            return screen.score(one, since)
        except IndexError:
            return None

    yield scored(sets[0])  # alone: it compiles
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        yield from pool.map(scored, sets[1:])
