"""The limits: a grid of 40 resting orders as a bare loop, with nothing around it.

The orders of a cell grid are a sorted ladder, so that only the next buy and the next sell can fill: two
comparisons a bar. Maker fee 0.02 %, quantity 0.010, 40 geometric cells from 54,000 to 66,000.
"""

import math
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]

LOW, HIGH, CELLS = 54_000.0, 66_000.0, 40
QUANTITY, FEE = 0.010, 2e-4


def levels() -> list[float]:
    """The 41 prices of the cells' edges."""
    ratio = (HIGH / LOW) ** (1.0 / CELLS)
    return [LOW * ratio**i for i in range(CELLS + 1)]


def pointer(high: Sequence[float], low: Sequence[float], close: Sequence[float]) -> tuple[int, float, float]:
    """(fills, profit, seconds) of the ladder; one edge is empty, buys stand below it, sells above."""
    edges = levels()
    empty = next(i for i, edge in enumerate(edges) if edge > close[0])
    cash, held, fills = 0.0, 0.0, 0
    began = time.perf_counter()
    buy, sell = edges[empty - 1], edges[empty + 1]
    for top, bottom in zip(high, low, strict=True):
        while bottom < buy:
            cash -= buy * QUANTITY * (1.0 + FEE)
            held += QUANTITY
            fills += 1
            empty -= 1
            sell, buy = edges[empty + 1], edges[empty - 1] if empty else 0.0
        while top > sell:
            cash += sell * QUANTITY * (1.0 - FEE)
            held -= QUANTITY
            fills += 1
            empty += 1
            buy, sell = edges[empty - 1], edges[empty + 1] if empty < CELLS else math.inf
    return fills, cash + held * close[-1], time.perf_counter() - began


@njit(cache=True)
def _compiled(
    high: Floats, low: Floats, edges: Floats, empty: int, equity: Floats, close: Floats
) -> tuple[int, float, float]:
    """As ``pointer``, with the equity of every bar: (fills, cash, held)."""
    cash, held, fills = 0.0, 0.0, 0
    cells = len(edges) - 1
    for i in range(len(high)):
        while empty > 0 and low[i] < edges[empty - 1]:
            cash -= edges[empty - 1] * QUANTITY * (1.0 + FEE)
            held += QUANTITY
            fills += 1
            empty -= 1
        while empty < cells and high[i] > edges[empty + 1]:
            cash += edges[empty + 1] * QUANTITY * (1.0 - FEE)
            held -= QUANTITY
            fills += 1
            empty += 1
        equity[i] = cash + held * close[i]
    return fills, cash, held


def compiled(high: Floats, low: Floats, close: Floats) -> tuple[int, float, float]:
    """(fills, profit, seconds) of the same loop compiled; the compilation is not counted."""
    edges = np.array(levels())
    empty = int(np.argmax(edges > close[0]))
    equity = np.empty(len(high))
    _compiled(high[:10], low[:10], edges, empty, equity[:10], close[:10])
    began = time.perf_counter()
    fills, cash, held = _compiled(high, low, edges, empty, equity, close)
    return fills, float(cash + held * close[-1]), time.perf_counter() - began
