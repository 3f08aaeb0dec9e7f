"""What the service asks of a back-test on the recent past, and what it is told.

The back-test itself stands on a floor above and runs in a process of its own: questions and answers are lines of
JSON on its pipes.
"""

from typing import Final

from msgspec import Struct

from gridbot_tui.control.snapshot import TrialView
from gridbot_tui.settings.load import Loaded
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import Market, Money, Ms, plain

PROGRAM: Final = "gridbot_tui.research.lookback"
"""Module that is run; it takes one ``Ask`` and answers with any number of ``Told``, each replacing the one before."""

Pairs = tuple[tuple[str, str], ...]


class Past(Struct, frozen=True):
    """Where the recent bars are: one of recorded files, a synthetic market's state, an exchange's REST address."""

    market: Market
    symbols: tuple[str, ...]
    end: Ms
    """Nothing after this moment is looked at."""
    data: tuple[str, ...] = ()
    interval: str | None = None
    synthetic: str = ""
    rest: str = ""
    kept: str = ""
    """Folder in which what was fetched is kept for the next time."""


class Ask(Struct, frozen=True):
    """One question: the running config, and where one was edited that as well."""

    past: Past
    begun: tuple[TrialView, ...]
    """What is to be played, not played yet: running, and edited where there is one."""
    texts: tuple[str, ...]
    """The configs of ``begun``."""
    overrides: Pairs
    """Settings that go over them."""
    days: int
    """Days to judge, the warm-up before them not counted."""


class Told(Struct, frozen=True):
    """An answer: whole, as far as it is known."""

    trials: tuple[TrialView, ...]


def question(past: Past, running: Loaded[Settings], overrides: Pairs, equity: Money) -> Ask | None:
    """About the config in force; None where it asks for none."""
    days = running.settings.service.lookback_days
    if not days:
        return None
    over = dict(overrides) | {"bot.capital": plain(equity)}
    view = TrialView("running", "playing", running.version_hash, past.end)
    return Ask(past, (view,), (running.text,), tuple(over.items()), days)
