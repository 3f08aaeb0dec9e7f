"""What another config would do at once is said before it is applied, what it would sell above all."""

from msgspec.structs import replace

from gridbot_tui.units import MINUTE, Market
from tests.engine.tape import BTC, Tape, flat
from tests.engine.test_edges import plain, position
from tests.simulation.rig import Rig, config

GRID = {"lower": 30_000.0, "upper": 65_000.0, "levels": 8, "leverage": 1.4, "initial_inventory": True}


def holding() -> Rig:
    """A plain long grid that has bought once (0.044 BTC) at 59,000."""
    tape = Tape(flat(600_000), (600_000, 602_000, 589_000, 590_000), *[flat(590_000)] * 5)
    rig = Rig(tape, engine=config(Market.FUTURES, (BTC,), ladder=plain(**GRID)))
    rig.run(until=rig.source.start + 5 * MINUTE)
    assert position(rig) > 0
    return rig


def test_a_position_that_a_config_would_close_is_told_with_its_size_and_how_it_is_closed() -> None:
    rig = holding()
    stopped = plain(**{**GRID, "lower": 60_000.0}, stop=59_500.0)
    (effect,) = rig.engine.difference(replace(rig.engine.desk.config, ladder=stopped))
    assert effect.target == f"sell {position(rig) / 1000:.3f} BTC by market: stop_price"


def test_a_config_that_leaves_the_position_alone_tells_of_no_trade() -> None:
    rig = holding()
    (effect,) = rig.engine.difference(rig.engine.desk.config)
    assert effect.target == ""
