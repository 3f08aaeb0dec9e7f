"""Many sets on one market, on all cores: the compiled run lets go of the interpreter, so that threads suffice."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from gridbot_tui.research.screen.screening import Screen
from gridbot_tui.research.trial import Score
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import Ms


def swept(screen: Screen, sets: Sequence[Settings], since: Ms, threads: int | None = None) -> Iterator[Score]:
    """The score of every set, in order; ``threads`` at a time, one a core where None."""
    if not sets:
        return
    first = screen.score(sets[0], since)  # alone: it compiles
    yield first
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        yield from pool.map(lambda one: screen.score(one, since), sets[1:])
