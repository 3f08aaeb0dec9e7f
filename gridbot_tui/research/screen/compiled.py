"""The strategy's own functions, made callable from compiled code: the same source, compiled where it is called."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit
from numba.cpython.unsafe.numbers import trailing_zeros
from numba.extending import register_jitable

from gridbot_tui.research.screen.parts import Part
from gridbot_tui.strategy import ensemble, ladder, learning, leverage, shadow, votes

OWN: tuple[Callable[..., Any], ...] = (
    shadow.touches,
    votes.clip,
    votes.neutral_vote,
    votes.crowding_tilts,
    ensemble.combine,
    ensemble.confidence,
    ladder.centre_price,
    ladder.spacing_floor,
    ladder.spacing_of,
    ladder.level_count,
    ladder.reservation,
    leverage.base_leverage,
    leverage.volatility_filter,
    leverage.stress_gap,
    leverage.survival_long,
    leverage.survival_short,
    learning.running_mean,
    learning.spread_square,
    learning.gains,
    learning.fixed_share,
    learning.mix,
    learning.edge,
    learning.in_deviations,
    learning.next_mass,
    learning.next_evidence,
    learning.trust,
    learning.towards,
)
for _function in OWN:
    register_jitable(pipeline_class=Part, no_cfunc_wrapper=True)(_function)
lowest_bit: Any = trailing_zeros
"""Place of the lowest bit that is set, of a number that is not 0; in compiled code only."""

F = TypeVar("F", bound=Callable[..., Any])
_WHOLE: Any = njit(cache=True, nogil=True, error_model="numpy")
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
    "pipeline_class": Part,
}
_PART: Any = njit(**_OPTIONS)
_INLINED: Any = njit(forceinline=True, **_OPTIONS)
_ALLOCATING: Any = njit(**{**_OPTIONS, "_nrt": True})


def compiled(function: F) -> F:
    """A part of the run: nobody but compiled code calls it, so the door from the interpreter is left out.

    It makes no arrays of its own, so that those it looks at need not be counted.
    """
    made: F = _PART(function)
    return made


def inlined(function: F) -> F:
    """A part that becomes a piece of whoever calls it: short, or called from one place only."""
    made: F = _INLINED(function)
    return made


def allocating(function: F) -> F:
    """A part of the run that makes arrays of its own."""
    made: F = _ALLOCATING(function)
    return made


def entry(function: F) -> F:
    """What is called, with all its parts: compiled once for each state of the sources."""
    made: F = _WHOLE(function)
    return made
