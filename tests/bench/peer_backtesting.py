# mypy: ignore-errors
"""The grid of the comparison on backtesting.py 0.6.6: each cell a limit order with its take-profit.

Run in an environment of its own: ``python peer_backtesting.py YEAR.parquet``; prints one JSON line.
"""

import json
import sys
import time

import pandas as pd
from backtesting import Backtest, Strategy

LOW, HIGH, CELLS = 54_000.0, 66_000.0, 40


class Grid(Strategy):
    """A long cell each: buy at its lower edge, take profit at its upper one, then again."""

    def init(self) -> None:
        ratio = (HIGH / LOW) ** (1.0 / CELLS)
        self.edges = [LOW * ratio**i for i in range(CELLS + 1)]

    def next(self) -> None:
        standing = {order.tag for order in self.orders if order.tag is not None}
        standing |= {trade.tag for trade in self.trades}
        if len(standing) == CELLS:
            return
        close = self.data.Close[-1]
        for cell in range(CELLS):
            if cell not in standing and self.edges[cell] < close:
                self.buy(size=1, limit=self.edges[cell], tp=self.edges[cell + 1], tag=cell)


def main(path: str) -> None:
    """Load, run, print. Prices are scaled down so that whole units are small lots, as the library wants."""
    frame = pd.read_parquet(path)
    frame.index = pd.to_datetime(frame.pop("open_time"), unit="ms")
    frame.columns = [name.capitalize() for name in frame.columns]
    test = Backtest(frame, Grid, cash=10_000_000, commission=2e-4, margin=0.2, exclusive_orders=False)
    began = time.perf_counter()
    found = test.run()
    elapsed = time.perf_counter() - began
    print(json.dumps({"bars_per_s": len(frame) / elapsed, "fills": 2.0 * float(found["# Trades"])}))


if __name__ == "__main__":
    main(sys.argv[1])
