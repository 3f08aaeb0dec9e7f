"""What an optimisation may change: config keys with their ranges."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from gridbot_tui.research.sensitivity import bounds_of, counts, value_at
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import Market

Values = dict[str, float]
"""A value for each key."""


class Parameter(Struct, frozen=True):
    """One key: a range, or a few values to choose among."""

    key: str
    low: float
    high: float
    choices: tuple[float, ...] = ()
    whole: bool = False

    @property
    def words(self) -> str:
        """As it is given on the command line."""
        told = ",".join(f"{value:g}" for value in self.choices) if self.choices else f"{self.low:g}:{self.high:g}"
        return f"{self.key}={told}"


_BOTH = (
    ("ladder.skew", 0.75, 1.25),
    ("strategy.votes.neutral_sigma", 0.004, 0.010),
    ("strategy.votes.breakout", 2.0, 4.5),
    ("strategy.ensemble.gain", 2.0, 4.0),
    ("strategy.leverage.base", 0.3, 0.7),
)
_FUTURES = (
    ("ladder.spacing_trend", 2.5, 8.0),
    ("ladder.spacing_neutral", 1.4, 4.5),
    ("strategy.ensemble.lot_neutral", 0.1, 0.3),
)
_SPOT = (
    ("ladder.spot_spacing_trend", 5.0, 14.0),
    ("ladder.spot_spacing_neutral", 3.0, 9.0),
    ("strategy.ensemble.spot_lot_neutral", 0.2, 0.5),
)


_PLAIN = (
    ("ladder.plain.levels", 8.0, 60.0),
    ("ladder.plain.range_below", 0.05, 0.4),
    ("ladder.plain.range_above", 0.05, 0.4),
    ("ladder.plain.leverage", 0.3, 1.0),
)


def usual(market: Market, settings: Settings) -> tuple[Parameter, ...]:
    """Spacing, size and gate: what the strategy's evidence calls open; of plain grids levels, range and size. Few, for
    every one more invites luck."""
    own = _SPOT if market is Market.SPOT else _FUTURES
    known = [one for one in (*own, *_BOTH, *_PLAIN) if counts(settings, one[0])]
    adaptive = [one for one in known if one not in _PLAIN]
    return tuple(
        Parameter(key, low, high, whole=isinstance(value_at(settings, key), int))
        for key, low, high in adaptive or known
    )


def parsed(given: Sequence[str], settings: Settings) -> tuple[Parameter, ...]:
    """``KEY=LOW:HIGH`` or ``KEY=V1,V2`` of the command line. Raises ValueError in one sentence."""
    found = tuple(_parameter(text, settings) for text in given)
    once_each("--param", [one.key for one in found])
    return found


def once_each(option: str, keys: Sequence[str]) -> None:
    """Raise ValueError for a key that an option names twice: only one of the two would count."""
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise ValueError(f"{option} {twice}: named twice; give all its values at once")


def _parameter(text: str, settings: Settings) -> Parameter:
    key, equals, told = (part.strip() for part in text.partition("="))
    if not equals or not told:
        raise ValueError(f"--param {text}: wants KEY=LOW:HIGH or KEY=V1,V2")
    whole = _whole(key, settings, text)
    try:
        if ":" in told:
            low, high = (float(part) for part in told.split(":"))
            choices: tuple[float, ...] = ()
        else:
            choices = tuple(float(part) for part in told.split(","))
            low, high = min(choices), max(choices)
    except ValueError:
        raise ValueError(f"--param {text}: the values of {key} must be numbers") from None
    if low >= high:
        raise ValueError(f"--param {text}: the range is empty")
    least, most = bounds_of(settings, key)
    if (least is not None and low < least) or (most is not None and high > most):
        raise ValueError(f"--param {text}: {key} must stay from {least} to {most}")
    return Parameter(key, low, high, choices, whole)


def _whole(key: str, settings: Settings, text: str) -> bool:
    try:
        value = value_at(settings, key)
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"--param {text}: there is no number {key} in the config; see docs/CONFIG.md") from None
    if isinstance(value, bool):
        raise ValueError(f"--param {text}: {key} is a switch, not a number")
    return isinstance(value, int)


def defaults(space: Sequence[Parameter], settings: Settings) -> Values | None:
    """The values in force, where all lie in the space; the first trial."""
    found = {one.key: value_at(settings, one.key) for one in space}
    inside = all(
        one.low <= found[one.key] <= one.high and (not one.choices or found[one.key] in one.choices) for one in space
    )
    return found if inside else None


def pairs(values: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """Values as ``--set`` pairs."""
    return tuple((key, f"{value:.12g}") for key, value in values.items())
