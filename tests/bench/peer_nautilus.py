# mypy: ignore-errors
"""The grid of the comparison on nautilus_trader 1.221: bars, limit orders, no log, risk engine bypassed.

Run in an environment of its own: ``python peer_nautilus.py YEAR.parquet``; prints one JSON line.
"""

import json
import sys
import time
from decimal import Decimal

import pyarrow.parquet as pq
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

LOW, HIGH, CELLS, QUANTITY = 54_000.0, 66_000.0, 40, "0.010"
BARS = "BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL"


class GridConfig(StrategyConfig, frozen=True):
    """No parameters: the grid is the comparison's own."""


class Grid(Strategy):
    """40 resting limit orders on the edges of 40 geometric cells; every fill re-places the opposite one."""

    def __init__(self, config: GridConfig) -> None:
        super().__init__(config)
        ratio = (HIGH / LOW) ** (1.0 / CELLS)
        self.edges = [round(LOW * ratio**i, 1) for i in range(CELLS + 1)]
        self.where = {}
        self.fills = 0
        self.instrument = None

    def on_start(self) -> None:
        self.instrument = self.cache.instrument(BarType.from_str(BARS).instrument_id)
        self.subscribe_bars(BarType.from_str(BARS))

    def on_bar(self, bar) -> None:
        if self.where or self.fills:
            return
        close = float(bar.close)
        at = next(i for i, edge in enumerate(self.edges) if edge > close)
        for index, edge in enumerate(self.edges):
            if index == at:
                continue
            self.place(index, OrderSide.BUY if edge < close else OrderSide.SELL)

    def place(self, index: int, side) -> None:
        order = self.order_factory.limit(
            instrument_id=self.instrument.id,
            order_side=side,
            quantity=self.instrument.make_qty(Decimal(QUANTITY)),
            price=self.instrument.make_price(self.edges[index]),
        )
        self.where[order.client_order_id] = (index, side)
        self.submit_order(order)

    def on_order_filled(self, event) -> None:
        index, side = self.where.pop(event.client_order_id)
        self.fills += 1
        if side == OrderSide.BUY and index + 1 <= CELLS:
            self.place(index + 1, OrderSide.SELL)
        elif side == OrderSide.SELL and index >= 1:
            self.place(index - 1, OrderSide.BUY)


def main(path: str) -> None:
    """Load, run, print."""
    frame = pq.read_table(path).to_pandas()
    frame.index = frame.pop("open_time").astype("datetime64[ms]").dt.tz_localize("UTC")
    instrument = TestInstrumentProvider.btcusdt_perp_binance()
    bars = BarDataWrangler(BarType.from_str(BARS), instrument).process(frame)
    engine = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True), run_analysis=False
        )
    )
    engine.add_venue(
        venue=Venue("BINANCE"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=None,
        starting_balances=[Money(1_000_000, USDT)],
    )
    engine.add_instrument(instrument)
    engine.add_data(bars)
    grid = Grid(GridConfig())
    engine.add_strategy(grid)
    began = time.perf_counter()
    engine.run()
    elapsed = time.perf_counter() - began
    print(json.dumps({"bars_per_s": len(bars) / elapsed, "fills": grid.fills}))


if __name__ == "__main__":
    main(sys.argv[1])
