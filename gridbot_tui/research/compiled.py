"""Which runs of a back-test are played by compiled code, and which by the engine itself.

The compiled double (``research.screen``) makes the engine's fills, and ``screen.settled`` books them as any run's, so
that an outcome is the same whoever played it; the suite holds them against each other to the last digit. What it
does not cover, and everything while it has not been compiled, the engine plays.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from msgspec.structs import replace

from gridbot_tui.market.recorded import RecordedMarket
from gridbot_tui.research.baselines import Variant
from gridbot_tui.research.outcome import Outcome
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.windows import part
from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import HOUR, MINUTE, Ms

if TYPE_CHECKING:
    from gridbot_tui.research.screen.screening import Screen

By = Literal["auto", "compiled", "engine"]
"""Who is to play. ``auto``: compiled code what it covers, once it is compiled or where that is worth the wait."""

WORTH_COMPILING: Final = 60_000
"""Decisions of all runs together that the engine takes longer for than compiling takes."""
Tell = Callable[[str], None]


class Compiled:
    """The runs of one market that need no engine."""

    def __init__(self, prepared: Prepared, since: Ms, tell: Tell) -> None:
        """``screen.screening.load`` must have been called for as many symbols. ``since``: when late runs start.
        ``tell`` hears of runs that compiled code began and left to the engine.

        One market's columns are kept at a time: play late runs one after the other.
        """
        self._prepared = prepared
        self._since = since
        self._tell = tell
        self._late = False
        self._read: Screen | None = None

    def play(
        self,
        name: str,
        settings: Settings | None = None,
        weights: tuple[float, float, float] | None = None,
        *,
        late: bool = False,
    ) -> Outcome | None:
        """A run's outcome; None where the engine must play it."""
        from gridbot_tui.research.screen.settled import Parted, outcome
        from gridbot_tui.research.screen.state import NoRoom
        from gridbot_tui.research.screen.tape import fits

        settings = settings or self._prepared.settings
        if fits(replace(self._prepared, settings=settings)):
            return None
        screen = self._screen(late)
        if screen is None:
            return None
        try:
            made = outcome(name, screen, settings, weights, self._since if late else None)
        except (Parted, NoRoom) as why:
            self._tell(f"{name}: {why}; the engine plays it")
            return None
        return replace(made, figures={**made.figures, "bars": self._prepared.market.bars_total}) if late else made

    def _screen(self, late: bool) -> "Screen | None":
        """The market, or what comes after ``since``; None where nothing does."""
        from gridbot_tui.research.screen.screening import Screen

        if self._read is None or late is not self._late:
            self._late, self._read = late, None
            market: RecordedMarket | None = self._prepared.market
            if late:
                gap = self._prepared.settings.market.episode_gap_minutes * MINUTE
                market = part(self._prepared.market, self._since, self._prepared.market.end, gap)
            if market is not None and market.bars_total > 1:  # columns of one row alone would be compiled anew
                self._read = Screen(replace(self._prepared, market=market))
        return self._read

    def variant(self, variant: Variant) -> Outcome | None:
        """A baseline or a changed parameter; None as for ``play``."""
        market = next(iter(self._prepared.market.instruments.values())).market
        settings = variant.settings(self._prepared.settings)
        weights = variant.weights
        given = weights(settings, market) if callable(weights) else weights
        return self.play(variant.name, settings, given, late=variant.late)


def wanted(prepared: Prepared, by: By, runs: int, tell: Tell) -> bool:
    """True where compiled code is to play what it can.

    Raises RunRefused, in one sentence, where it was asked for and does not know the market.
    """
    if by == "engine":
        return False
    from gridbot_tui.research.screen.tape import fits

    reason = fits(prepared)
    if reason:
        if by != "auto":
            raise RunRefused(f"this cannot be played compiled ({reason}): leave --played-by away, or say engine")
        return False
    from gridbot_tui.research.screen.screening import compiling_lock, is_kept

    if is_kept(len(prepared.market.symbols)):
        return True
    hours = prepared.market.bars_total * prepared.market.interval // HOUR
    if by == "auto" and hours * runs < WORTH_COMPILING:
        tell(
            "not compiled yet, played by the engine; --played-by compiled takes a minute once, then each takes a moment"
        )
        return False
    try:
        compiling_lock(len(prepared.market.symbols)).close()
    except OSError as wrong:
        if by != "auto":
            raise RunRefused(f"what is compiled cannot be kept: {wrong}") from wrong
        return False
    tell("compiling the back-test (once for each version, within a minute)")
    return True


def same(ours: Outcome, theirs: Outcome) -> bool:
    """True where two runs made the same of a market; why something was held back only the engine knows."""
    return replace(ours, codes={}, reasons=()) == replace(theirs, codes={}, reasons=())
