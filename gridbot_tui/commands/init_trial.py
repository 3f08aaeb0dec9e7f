"""The grids that ``gridbot init`` may suggest, played on the recent data: what they made, how long, how sure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.commands.init_advice import Advice
from gridbot_tui.units import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from gridbot_tui.market.recorded import RecordedMarket
    from gridbot_tui.research.intervals import Interval
    from gridbot_tui.research.request import Prepared

JUDGED = 60
"""Days of recent data that are judged, the warm-up before them not counted."""
FEWEST = 5
"""Days below which nothing is said."""


class Trial(Struct, frozen=True):
    """One grid on the recent days."""

    grid: str
    days: int
    net_return: float
    fills: int
    yearly: "Interval | None"
    """Mean yearly return with its 95 % interval; None under 30 days."""
    ahead: "Interval | None" = None
    """Of the adaptive grid over this one, a year."""
    why: str = ""
    """What kept it from trading; "" where it traded."""

    @property
    def words(self) -> str:
        """With sample size and interval."""
        told = f"{self.grid} {100 * self.net_return:+.1f} % on {self.days} days, {self.fills} fills"
        told += f" ({self.why})" if self.why else ""
        if self.yearly is None:
            return f"{told} (too few for an interval)"
        return f"{told}, a year {_bounds(self.yearly)}"


def trials(
    market: "RecordedMarket", plain: Sequence[Advice], capital: str, fixed: str, risk: Sequence[Advice]
) -> list[Trial]:
    """The adaptive grid and, where it has a range, a plain one of the kind ``fixed``, both with the keys that the
    choice of ``risk`` sets; nothing where the data are too short. A symbol of the market that the recent days lack
    keeps its share of the capital."""
    from gridbot_tui.research.intervals import mean_interval
    from gridbot_tui.research.request import Prepared
    from gridbot_tui.research.windows import part
    from gridbot_tui.settings.load import load

    common = {"bot.capital": capital} | {one.key: str(one.value) for one in risk}
    usual = load(None, {}, tuple(common.items())).settings
    warm = usual.strategy.warmup_hours * HOUR
    recent = part(market, market.end - JUDGED * DAY - warm, market.end, usual.market.episode_gap_minutes * MINUTE)
    if recent is None or recent.end - recent.start - warm < FEWEST * DAY:
        return []
    since = recent.start + warm
    made = [_played("adaptive", Prepared(usual, recent, market.symbols), since)]
    if plain:
        keys = common | {one.key: str(one.value) for one in plain} | {"ladder.kind": fixed}
        settings = load(None, {}, tuple(keys.items())).settings
        made.append(_played(fixed, Prepared(settings, recent, market.symbols), since))
    (own, mine), *rest = made
    found = [own]
    for one, returns in rest:
        gaps = [mine[day] - value for day, value in returns.items() if day in mine]
        found.append(replace(one, ahead=mean_interval(gaps)))
    return found


def _played(grid: str, prepared: "Prepared", since: int) -> tuple[Trial, Mapping[int, float]]:
    from gridbot_tui.research.intervals import mean_interval
    from gridbot_tui.research.outcome import outcome_of, ring_of
    from gridbot_tui.research.tape import WARMING

    ring = ring_of(prepared, start_after=None if grid == "adaptive" else since)
    ring.run()
    made = outcome_of(grid, ring, prepared)
    daily = made.daily(since)
    whole = 1.0
    for value in daily.returns:
        whole *= 1.0 + value
    held = [one.words for one in made.reasons if one.code != WARMING] if not made.marks else []
    trial = Trial(
        grid, len(daily.days), whole - 1.0, len(made.marks), mean_interval(daily.returns), why=held[0] if held else ""
    )
    return trial, dict(zip(daily.days, daily.returns, strict=True))


def kind(found: Sequence[Trial], source: str, words: str, chosen: str = "") -> Advice | None:
    """Which grid the back-test suggests, and how little that may mean; None where there was none.

    ``words``: what the adaptive ladder would do; ``chosen``: the grid that is wanted whatever the back-test says.
    """
    if not found:
        return None
    told = "; ".join(one.words for one in found)
    other = next((one for one in found if one.grid != "adaptive"), None)
    gap = None if other is None else other.ahead
    best = "adaptive"
    if other is None or gap is None:
        verdict = "too little to choose by"
    elif gap.low > 0:
        verdict = f"adaptive was ahead by {_bounds(gap)} a year"
    elif gap.high < 0:
        best = other.grid
        verdict = f"{best} was ahead by {_bounds(gap, -1)} a year, with a range taken from those same days"
    else:
        verdict = f"no difference is shown ({_bounds(gap)} a year)"
    reason = f"{'as you chose; ' if chosen else ''}back-test of {source}: {told}; {verdict}"
    if (chosen or best) == "adaptive":
        reason += f". The rungs follow votes and volatility. {words}".rstrip()
    return Advice("ladder.kind", chosen or best, reason)


def _bounds(found: "Interval", sign: int = 1) -> str:
    low, high = sorted((100 * sign * found.low, 100 * sign * found.high))
    return f"{100 * sign * found.value:+.1f} % [{low:+.1f}, {high:+.1f}]"

