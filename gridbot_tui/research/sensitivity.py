"""How much a result hangs on each parameter: one at a time, lowered and raised, everything else as it was."""

from collections.abc import Sequence
from typing import Any, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from gridbot_tui.research.baselines import Variant
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import Market

Model = TypeVar("Model", bound=BaseModel)
FEWER, MORE = 0.75, 4.0 / 3.0
"""What a value is multiplied with: far enough to matter, near enough to mean the same strategy."""
MAIN = (
    "ladder.spacing_trend",
    "ladder.spacing_neutral",
    "ladder.skew",
    "strategy.votes.neutral_sigma",
    "strategy.votes.breakout",
    "strategy.ensemble.gain",
    "strategy.leverage.base",
    "ladder.plain.levels",
    "ladder.plain.range_below",
    "ladder.plain.range_above",
)
"""What decides most: prices, sizes and the gate; of plain grids levels and range."""
REST = (
    "ladder.spacing_floor",
    "ladder.max_levels",
    "ladder.recentre",
    "ladder.unwind_excess",
    "strategy.votes.neutral_ramp",
    "strategy.votes.down_volatility",
    "strategy.ensemble.swing",
    "strategy.ensemble.ramp",
    "strategy.ensemble.lot_trend",
    "strategy.ensemble.lot_neutral",
    "strategy.leverage.reference_volatility",
    "strategy.leverage.filter_volatility",
    "strategy.leverage.survival",
    "strategy.portfolio.gross",
    "strategy.portfolio.net",
    "strategy.portfolio.crash",
    "strategy.learning.rate",
    "strategy.learning.share",
    "strategy.learning.shrink",
    "orders.price_tolerance",
    "orders.quantity_tolerance",
    "risk.tier1_scale",
    "risk.tier2_scale",
    "risk.gap_reserve",
    "ladder.plain.leverage",
)
"""Every other number that can move an order."""
_ON_SPOT = {
    "ladder.spacing_trend": "ladder.spot_spacing_trend",
    "ladder.spacing_neutral": "ladder.spot_spacing_neutral",
    "ladder.spacing_floor": "ladder.spot_spacing_floor",
    "strategy.ensemble.lot_trend": "strategy.ensemble.spot_lot_trend",
    "strategy.ensemble.lot_neutral": "strategy.ensemble.spot_lot_neutral",
}


class Change(Struct, frozen=True):
    """One parameter at another value."""

    key: str
    before: float
    after: float

    @property
    def name(self) -> str:
        """``key=value``."""
        return f"{self.key}={self.after:g}"


def changes(settings: Settings, market: Market, keys: Sequence[str]) -> list[Change]:
    """Each key lowered and raised, inside its range; a value that cannot move that way is left out."""
    found: list[Change] = []
    for given in (one for one in keys if counts(settings, one)):
        key = _ON_SPOT.get(given, given) if market is Market.SPOT else given
        before = value_at(settings, key)
        for factor in (FEWER, MORE):
            after = _inside(settings, key, before, factor)
            if after != before:
                found.append(Change(key, before, after))
    return found


def variant(change: Change) -> Variant:
    """The change as a run."""
    return Variant(change.name, change.name, lambda settings: with_value(settings, change.key, change.after))


def value_at(settings: BaseModel, key: str) -> float:
    """A number of the config by its dotted key."""
    found: Any = settings
    for part in key.split("."):
        found = getattr(found, part)
    return found if isinstance(found, int) else float(found)


def counts(settings: Settings, key: str) -> bool:
    """False for what no ladder of the config goes by: votes and spacing where all are plain, their range where none is,
    or where its ends are given."""
    kinds = {settings.ladder.kind, *(one.kind for one in settings.ladders().values())}
    if key.startswith("ladder.plain."):
        ends = {"ladder.plain.range_below": "lower", "ladder.plain.range_above": "upper"}
        return kinds != {"adaptive"} and (key not in ends or getattr(settings.ladder.plain, ends[key]) is None)
    return "adaptive" in kinds or not key.startswith(("ladder.", "strategy."))


def with_value(settings: Settings, key: str, value: float) -> Settings:
    """A copy with one number changed, not validated: ranges are the caller's. Ladders of single symbols follow where
    they have the common value."""
    made = _put(settings, key, value)
    if key.startswith("ladder."):
        before = value_at(settings, key)
        symbols = {
            name: one if one.ladder is None or value_at(one, key) != before else _put(one, key, value)
            for name, one in settings.symbols.items()
        }
        made = made.model_copy(update={"symbols": symbols})
    return made


def _put(model: Model, key: str, value: float) -> Model:
    """A copy of a model with the number of a dotted key."""
    part, _, rest = key.partition(".")
    return model.model_copy(update={part: _put(getattr(model, part), rest, value) if rest else value})


def bounds_of(settings: Settings, key: str) -> tuple[float | None, float | None]:
    """(least, most) that the config admits for a number; None = no limit."""
    model: Any = settings
    parts = key.split(".")
    for part in parts[:-1]:
        model = getattr(model, part)
    least = most = None
    for mark in type(model).model_fields[parts[-1]].metadata:
        least = getattr(mark, "ge", getattr(mark, "gt", None)) if least is None else least
        most = getattr(mark, "le", getattr(mark, "lt", None)) if most is None else most
    return least, most


def _inside(settings: Settings, key: str, before: float, factor: float) -> float:
    least, most = bounds_of(settings, key)
    after = float(f"{before * factor:.4g}")
    if least is not None:
        after = max(after, least)
    if most is not None:
        after = min(after, most)
    return round(after) if isinstance(before, int) else after
