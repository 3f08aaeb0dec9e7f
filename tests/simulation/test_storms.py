"""Whole lives of a bot under every kind of trouble, every promise checked after every event."""

from random import Random
from typing import Any

import pytest

from gridbot_tui.research.simulation.trouble import Trouble
from gridbot_tui.units import Market
from tests.simulation.storm import BOLD, FAULTS, Storm, Troubles, build, plain

FUTURES, SPOT = Market.FUTURES, Market.SPOT


def lived(storm: Storm) -> None:
    """Run to the end; nothing may be broken, and the books must have been compared."""
    storm.run()
    rig = storm.rig
    assert rig.problems == []
    assert rig.looks > 50
    desk = rig.engine.desk
    assert desk.max_observed <= desk.gate.hard


def life(seed: int, market: Market = FUTURES, **more: Any) -> Storm:
    return build(seed, market=market, **{"days": 2, **more})


@pytest.mark.parametrize(("seed", "symbols"), [(0, 1), (3, 4), (4, 2)])
def test_a_quiet_life_on_futures_keeps_every_promise(seed: int, symbols: int) -> None:
    lived(life(seed, symbols=symbols))


@pytest.mark.parametrize(("seed", "symbols"), [(11, 2), (12, 4)])
def test_a_quiet_life_on_spot_keeps_every_promise(seed: int, symbols: int) -> None:
    lived(life(seed, SPOT, symbols=symbols))


@pytest.mark.parametrize("seed", [20, 22])
def test_as_much_leverage_as_may_be_never_passes_a_limit(seed: int) -> None:
    lived(life(seed, strategy=BOLD, days=3))


@pytest.mark.parametrize(("seed", "market"), [(30, FUTURES), (31, SPOT)])
def test_an_operator_who_changes_their_mind_breaks_nothing(seed: int, market: Market) -> None:
    lived(life(seed, market, troubles=Troubles(commands=0.02)))


@pytest.mark.parametrize(("seed", "market"), [(40, FUTURES), (41, SPOT)])
def test_an_owner_who_trades_beside_the_bot_is_never_touched(seed: int, market: Market) -> None:
    lived(life(seed, market, troubles=Troubles(owner=0.01)))


@pytest.mark.parametrize(("seed", "market"), [(50, FUTURES), (51, SPOT), (53, FUTURES)])
def test_a_process_that_dies_at_any_commit_goes_on(seed: int, market: Market) -> None:
    storm = life(seed, market, troubles=Troubles(kills=0.05, commands=0.004))
    lived(storm)
    assert storm.rig.restarts > 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", [60])
def test_a_line_with_delays_loses_nothing(seed: int) -> None:
    lived(life(seed, troubles=Troubles(latency=True), days=1))


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "market"), [(70, FUTURES), (76, SPOT)])
def test_faults_heal_within_a_reconcile(seed: int, market: Market) -> None:
    storm = life(seed, market, troubles=Troubles(faults=True), days=2)
    lived(storm)
    faults = storm.rig.world._faults
    assert isinstance(faults, Trouble)
    assert faults.injected.total() > 50
    assert faults.injected.keys() >= FAULTS.chances.keys()
    assert sum(map(len, storm.rig.world.exchange.history.trades.values())) > 5


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "market"), [(80, FUTURES), (81, SPOT)])
def test_everything_at_once(seed: int, market: Market) -> None:
    troubles = Troubles(commands=0.005, owner=0.003, kills=0.05, latency=True, faults=True)
    lived(life(seed, market, troubles=troubles, days=2))


@pytest.mark.parametrize(("seed", "market"), [(90, FUTURES), (92, SPOT), (4, FUTURES)])
def test_plain_grids_keep_every_promise_too(seed: int, market: Market) -> None:
    lived(life(seed, market, ladder=plain(Random(f"plain/{seed}"), market), days=3))


@pytest.mark.parametrize(("seed", "market"), [(115, FUTURES), (96, SPOT)])
def test_plain_grids_survive_deaths_and_commands(seed: int, market: Market) -> None:
    ladder = plain(Random(f"plain/{seed}"), market)
    storm = life(seed, market, ladder=ladder, troubles=Troubles(kills=0.03, commands=0.01), days=3)
    lived(storm)
    assert storm.rig.restarts > 50
    assert sum(map(len, storm.rig.world.exchange.history.trades.values())) > 50
