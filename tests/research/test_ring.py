"""The ring of engine and simulated exchange, driven directly."""

from decimal import Decimal

import pytest

from gridbot_tui.engine.core import Engine
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.research.ring import Ring
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.units import Market
from tests.engine.tape import BTC, Tape, flat
from tests.engine.test_edges import plain
from tests.simulation.rig import config


@pytest.mark.parametrize(("cap", "hard", "ceiling"), [(0.4, 0.5, 1), (1.4, 1.5, 2), (2.0, 3.0, 3), (5.0, 5.5, 6)])
def test_the_exchanges_ceiling_leaves_room_for_all_that_the_gate_admits(cap: float, hard: float, ceiling: int) -> None:
    falls = [(price, price, price - 4_000, price - 4_000) for price in range(600_000, 552_000, -4_000)]
    tape = Tape(flat(600_000), *falls)
    risk = RiskParams(leverage_cap=cap, leverage_trim=cap, leverage_hard=hard, gap_reserve=0.5, tier1_enter=0.3,
                      tier2_enter=0.4, tier3_enter=0.5, tier1_leave=0.1, tier2_leave=0.2)  # fmt: skip
    ladder = plain(upper=60_500.0, levels=12, leverage=0.95 * min(cap, 3.0))
    engine = Engine(config(Market.FUTURES, (BTC,), ladder=ladder, risk=risk), tape.instruments)
    world = World(tape, AccountConfig(Market.FUTURES, {"USDT": Decimal(10_000)}))
    Ring(engine, world).run()
    assert world.exchange.futures is not None
    assert world.exchange.futures.leverage_of(BTC) == ceiling
    assert not engine.desk.blockers.holds(BTC, "circuit_open")
    if hard < 2.0:
        assert engine.desk.max_observed > 0.8 * cap
