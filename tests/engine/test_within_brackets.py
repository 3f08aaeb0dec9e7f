"""Binance bounds what a futures position may come to at the leverage that is set (-2027): what lies beyond waits."""

from msgspec.structs import replace

from gridbot_tui.exchange.port import SetLeverage
from gridbot_tui.market.derive import laddered
from gridbot_tui.orders.model import SlotState
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.units import MINUTE, Market, Side
from tests.engine.tape import BTC, Tape, flat
from tests.engine.test_edges import plain, position, resting
from tests.simulation.rig import Rig, config

SMALL = laddered(((1_000, 25, "0.02"), (4_000, 10, "0.05"), (100_000, 5, "0.1")))
"""A small symbol: 4,000 at 6x. Half of Binance's perpetuals allow 25,000 or less at that leverage."""


def small(*minutes: tuple[int, int, int, int]) -> Rig:
    """A long grid of 55,000 to 65,000 with a rung of 1,380 every 1,000; at 60,000 two of them fit."""
    tape = Tape(flat(600_000), *minutes, *[flat(minutes[-1][3] if minutes else 600_000)] * 30)
    tape.instruments[BTC] = replace(tape.instruments[BTC], brackets=SMALL)
    risk = RiskParams(gap_reserve=0.5)
    rig = Rig(tape, engine=config(Market.FUTURES, (BTC,), ladder=plain(leverage=1.4), risk=risk))
    rig.world.send(SetLeverage(BTC, risk.exchange_leverage))
    rig.run(until=rig.source.start + (len(minutes) + 5) * MINUTE)
    return rig


def waiting(rig: Rig) -> list[tuple[int, str]]:
    desired = rig.engine.desk.symbols[BTC].desired
    assert desired is not None
    return [(slot.price, slot.reason) for slot in desired.resting if slot.state is SlotState.BLOCKED]


def test_the_farthest_entries_wait_and_say_so_and_the_nearest_stand() -> None:
    """Sent, they were refused, and after three refusals nothing more was bought, though there was room for it."""
    rig = small()
    assert resting(rig) == [(Side.BUY, 590_000), (Side.BUY, 600_000)]
    assert waiting(rig) == [(price, "position_limit") for price in (580_000, 570_000, 560_000, 550_000)]
    assert rig.engine.desk.blockers.holds(BTC, "position_limit")
    assert rig.problems == []


def test_what_is_held_counts_and_its_exits_stand() -> None:
    rig = small((600_000, 602_000, 589_000, 589_500))
    assert position(rig) == 46
    assert {price for side, price in resting(rig) if side is Side.SELL} == {600_000, 610_000}
    assert not [price for side, price in resting(rig) if side is Side.BUY]
    assert rig.engine.desk.blockers.holds(BTC, "position_limit")
    assert rig.problems == []


def test_a_symbol_whose_highest_leverage_is_below_the_ceiling_is_bounded_by_that() -> None:
    instrument = replace(small().source.instruments[BTC], brackets=laddered(((5_000, 5, "0.1"), (20_000, 3, "0.2"))))
    assert instrument.most_value(6) == int(5_000 / instrument.unit)
    assert instrument.most_value(3) == int(20_000 / instrument.unit)
    assert replace(instrument, brackets=()).most_value(6) is None
