"""The smallest story that still breaks the same promise: kinds of trouble are left out one by one."""

from typing import Final

import msgspec

from gridbot_tui.research.simulation.levels import LEVELS
from gridbot_tui.research.simulation.seed import Ask, Outcome, play

MOST_TRIES: Final = 40


def shrink(ask: Ask, failed: Outcome) -> tuple[Ask, Outcome]:
    """Leave out every kind of happening without which the same invariant still breaks; then tell the rest.

    A seed draws each kind's times from its own stream, so that leaving one out moves no other.
    """
    assert failed.violation is not None
    name = failed.violation[0]
    best, outcome = msgspec.structs.replace(ask, hours=_hours(ask, failed)), failed
    tries = 0
    for kind in sorted(LEVELS[ask.level].per_hour):
        if kind in best.without or tries >= MOST_TRIES:
            continue
        tries += 1
        tried = msgspec.structs.replace(best, without=best.without | {kind})
        found = play(tried)
        if found.violation is not None and found.violation[0] == name:
            best, outcome = tried, found
    return best, outcome


def _hours(ask: Ask, failed: Outcome) -> float:
    """As asked: another length would draw another story; the run ends at the violation anyhow."""
    return ask.hours


def story(outcome: Outcome, count: int = 40) -> list[str]:
    """The last things that happened, for a person."""
    return outcome.history[-count:]
