# mypy: ignore-errors
"""The grid of the comparison on vectorbt 1.2: an order function that knows the ladder, several orders a bar.

Run in an environment of its own: ``python peer_vectorbt.py YEAR.parquet``; prints one JSON line. The first run
compiles, the counting of its orders too; the figure is of the second.
"""

import json
import sys
import time

import numpy as np
import pandas as pd
import vectorbt as vbt
from numba import njit
from vectorbt.portfolio import nb
from vectorbt.portfolio.enums import NoOrder

LOW, HIGH, CELLS, QUANTITY, FEE = 54_000.0, 66_000.0, 40, 0.010, 2e-4


@njit
def pre_sim(c, edges, high, low, close):
    """The empty edge of the ladder, and whether the bar's buys are done: the simulation's own memory."""
    at = np.zeros(2, dtype=np.int64)
    while edges[at[0]] <= close[0, 0]:
        at[0] += 1
    return (at,)


@njit
def order(c, at, edges, high, low, close):
    """The next fill of the bar, if any: only the edges beside the empty one can be next."""
    i, empty = c.i, at[0]
    if c.call_idx == 0:
        at[1] = 0
    if at[1] == 0:
        if empty > 0 and low[i, 0] < edges[empty - 1]:
            at[0] -= 1
            return 0, nb.order_nb(size=QUANTITY, price=edges[empty - 1], fees=FEE)
        at[1] = 1
    if empty < CELLS and high[i, 0] > edges[empty + 1]:
        at[0] += 1
        return 0, nb.order_nb(size=-QUANTITY, price=edges[empty + 1], fees=FEE)
    return -1, NoOrder


def run(high, low, close, edges):
    """One whole simulation."""
    frame = pd.DataFrame(close)
    return vbt.Portfolio.from_order_func(
        frame,
        order,
        edges,
        high,
        low,
        close,
        pre_sim_func_nb=pre_sim,
        pre_sim_args=(edges, high, low, close),
        flexible=True,
        init_cash=1e6,
        max_orders=200_000,
    )


def main(path: str) -> None:
    """Load, run twice, print."""
    frame = pd.read_parquet(path)
    high, low, close = (frame[name].to_numpy()[:, None].copy() for name in ("high", "low", "close"))
    edges = LOW * (HIGH / LOW) ** (np.arange(CELLS + 1) / CELLS)
    run(high[:5000], low[:5000], close[:5000], edges).orders.count()
    began = time.perf_counter()
    made = run(high, low, close, edges)
    fills = int(made.orders.count().sum())
    elapsed = time.perf_counter() - began
    print(json.dumps({"bars_per_s": len(frame) / elapsed, "fills": fills}))


if __name__ == "__main__":
    main(sys.argv[1])
