"""Parts of a compiled run: linked into whoever calls them, and what they raise comes out of the whole."""

from typing import Any

import numpy as np
import pytest
from numba import njit

from gridbot_tui.research.screen.compiled import allocating, compiled, inlined
from gridbot_tui.research.screen.parts import Part


@compiled
def _bounded(row: Any, at: int) -> float:
    if at >= len(row):
        raise IndexError("more than there is room for")
    return float(row[at])


@inlined
def _twice(row: Any, at: int) -> float:
    return 2.0 * _bounded(row, at)


@allocating
def _made(at: int) -> float:
    row = np.zeros(3)
    row[1] = 21.0
    return _twice(row, at)


@njit(error_model="numpy")
def _whole(at: int) -> float:
    return _made(at) + _bounded(np.ones(5), at)


def test_a_part_does_in_the_whole_what_it_says_and_its_errors_come_out() -> None:
    assert _whole(1) == 43.0
    with pytest.raises(IndexError, match="more than there is room for"):
        _whole(3)


def test_no_machine_code_is_made_of_a_part_alone() -> None:
    assert _whole(1) == 43.0
    parts: tuple[Any, ...] = (_bounded, _twice, _made)
    for part in parts:
        (one,) = part.overloads.values()
        assert part._compiler.pipeline_class is Part
        assert not hasattr(one.library, "get_pointer_to_function")
