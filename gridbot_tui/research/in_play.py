"""Trials of a study that are in play, here or on another machine, and those that were lost with who played them."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

TIMES_LONGEST = 4.0
"""So many times what the longest trial took: after that nobody plays it any more."""
LEAST_S = 30.0
"""So long at least: no trial may have ended yet, or only one whose config was refused."""


class InPlay:
    """What one worker has seen in play. By its own clock: machines of one study may not agree on the time of day."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[int, float] = {}

    def count(self, trials: "Sequence[FrozenTrial]") -> int:
        """How many of these are in play; nothing in a study says that a trial's process was killed."""
        from optuna.trial import TrialState

        now = self._clock()
        running = [one.number for one in trials if one.state is TrialState.RUNNING]
        self._seen = {number: self._seen.get(number, now) for number in running}
        took = [one.duration.total_seconds() for one in trials if one.duration is not None]
        patience = max(LEAST_S, TIMES_LONGEST * max(took, default=0.0))
        return sum(now - since <= patience for since in self._seen.values())
