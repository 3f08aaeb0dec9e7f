"""A start does not grow with history: the same recovery on a small database and on one of many fills."""

import sqlite3
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from gridbot_tui.research.simulation.levels import LEVELS
from gridbot_tui.research.simulation.scenario import draw
from gridbot_tui.research.simulation.seed import scratch
from gridbot_tui.research.simulation.simulation import Simulation
from gridbot_tui.units import MINUTE

FILLS = 100_000
NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)"
MANY_ORDERS = """
[ladder]
kind = "geometric"

[ladder.plain]
side = "neutral"
levels = 40
range_below = 0.1
range_above = 0.1
leverage = 0.1

[orders]
depth = 12
"""


def grow(path: Path, count: int) -> None:
    """Put ``count`` old fills before what is there: rows in the tables that grow with history."""
    with sqlite3.connect(path) as db:
        row = db.execute("SELECT * FROM fills ORDER BY seq LIMIT 1").fetchone()
        values = f"-n, ?, CAST(-n AS TEXT){', ?' * len(row[3:])}"
        db.execute(f"INSERT INTO fills {NUMBERS} SELECT {values} FROM numbers", (count, row[1], *row[3:]))
        body = db.execute("SELECT at, kind, body FROM journal ORDER BY seq LIMIT 1").fetchone()
        db.execute(f"INSERT INTO journal {NUMBERS} SELECT -n, ?, ?, ? FROM numbers", (count, *body))


def recover(fills: int) -> tuple[float, int, int, dict[str, int]]:
    """(processor s to open and restore, virtual ms to recover, open orders, its steps) of a second life."""
    scenario = draw(10, 2.0, LEVELS["none"], symbols=14, without=frozenset(LEVELS["none"].per_hour))
    scenario = replace(scenario, config=MANY_ORDERS, wallet=Decimal(1_000_000))
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        sim = Simulation(scenario, Path(folder))
        try:
            sim.run_until(scenario.start + 20 * MINUTE, [])
            sim.die(delay=1)
            if fills:
                grow(Path(folder) / "life-2" / "gridbot.db", fills)
            began = time.process_time()
            sim.start()
            taken = time.process_time() - began
            sim.run_until(sim.world.now + MINUTE, [])
            process = sim.process
            assert process is not None
            assert process.recovered_at is not None, "the recovery ends within a minute"
            open_orders = len(sim.world.exchange.history.open)
            steps = {step.name: step.took for step in process.bot.recovery_steps}
            return taken, process.recovered_at - process.started_at, open_orders, steps
        finally:
            sim.close()


@pytest.mark.slow
def test_a_start_does_not_grow_with_history() -> None:
    small, few, orders, _ = recover(0)
    large, many, _, steps = recover(FILLS)
    assert orders >= 200
    assert large < small + 1.0
    assert (few, many) <= (5_000, 5_000), steps
    assert steps["account and protection"] <= 2_000
