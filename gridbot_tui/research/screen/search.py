"""Which sets the screen finds worth the engine's time."""

from collections.abc import Sequence

import numpy as np

from gridbot_tui.research.compiled import Tell
from gridbot_tui.research.optimise import Progress, Search
from gridbot_tui.research.screen.screening import Screen
from gridbot_tui.research.screen.state import NoRoom
from gridbot_tui.research.screen.sweep import swept
from gridbot_tui.research.space import Parameter, Values
from gridbot_tui.research.trial import Score, front
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError


def promising(wanted: Search, sets: int, most: int, tell: Tell, progress: Progress) -> list[Values]:
    """Draw ``sets`` sets, screen them, and keep at most ``most`` that none beats in every respect, the best first.

    The screen's figures go no further: the engine plays what is kept. ``tell`` hears of sets that were not screened.
    """
    screen = Screen(wanted.train)
    draw = np.random.default_rng(wanted.seed)
    drawn: list[Values] = []
    settings: list[Settings] = []
    for _ in range(sets):
        values = {one.key: _drawn(one, draw) for one in wanted.space}
        try:
            settings.append(wanted.settings(values))
        except ConfigError:
            continue  # two values that do not go together
        drawn.append(values)
    scored: list[tuple[Score, Values]] = []
    without: list[NoRoom] = []
    outcomes = zip(swept(screen, settings, wanted.since, wanted.workers), drawn, strict=True)
    for done, (score, values) in enumerate(outcomes, 1):
        if isinstance(score, NoRoom):
            without.append(score)
        else:
            scored.append((score, values))
        progress(done, len(drawn))
    if without:
        tell(f"{len(without)} of {len(drawn)} sets could not be screened and are passed over: {without[0]}")
    best = sorted(front(scored), key=lambda one: -one[0].ratio)
    return [values for _, values in best[:most]]


def _drawn(one: Parameter, draw: np.random.Generator) -> float:
    if one.choices:
        return float(draw.choice(np.array(one.choices)))
    if one.whole:
        return int(draw.integers(int(one.low), int(one.high) + 1))
    return float(f"{draw.uniform(one.low, one.high):.4g}")


def words(kept: Sequence[Values], sets: int) -> str:
    """For a person."""
    return f"{sets} sets screened; the engine plays the {len(kept)} that none beat, and then goes on searching"
