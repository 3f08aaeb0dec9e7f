"""Other fees than the run began with: shown at once, planned by from the next decision on, paid by the paper grids."""

from decimal import Decimal

import pytest

from gridbot_tui.engine.actions import Action, DecisionFact
from gridbot_tui.engine.events import FeesChanged
from tests.engine.tape import BTC, Tape, flat, lived_through
from tests.engine.test_edges import grid
from tests.simulation.rig import Rig


def changed(rig: Rig, maker: str, taker: str) -> list[Action]:
    return rig.engine.handle(FeesChanged(rig.engine.now, Decimal(maker), Decimal(taker)))


@pytest.mark.parametrize(
    ("maker", "taker", "level", "words"),
    [
        ("0.0002", "0.0006", "warning", "taker from 0.05 % to 0.06 %"),
        ("0.00016", "0.0004", "info", "maker from 0.02 % to 0.016 %, taker from 0.05 % to 0.04 %"),
    ],
)
def test_a_change_is_told_with_what_it_was_and_what_follows(maker: str, taker: str, level: str, words: str) -> None:
    rig = grid(*[flat(600_000)] * 5)
    (fact,) = changed(rig, maker, taker)
    assert isinstance(fact, DecisionFact)
    assert (fact.code, fact.level) == ("fees", level)
    assert words in fact.detail
    config = rig.engine.desk.config
    assert (config.maker_fee, config.taker_fee) == (Decimal(maker), Decimal(taker))
    assert changed(rig, maker, taker) == [], "once"


def test_the_next_plan_is_spaced_by_them_and_the_paper_grids_pay_them() -> None:
    rig = Rig(tape_of_hours())
    lived_through(rig.engine, 60_000.0, 0.0005, 0.5)
    rig.run(until=rig.source.start + 90 * 60_000)
    before = rig.engine.desk.symbols[BTC].plan
    assert before is not None
    assert before.spacing is not None
    changed(rig, "0.005", "0.01")
    rig.run()
    after = rig.engine.desk.symbols[BTC].plan
    assert after is not None
    assert after.spacing is not None
    assert after.epoch > before.epoch
    assert after.spacing > 2 * before.spacing
    shadows = rig.engine.desk.strategy._desks[BTC].book.shadows
    assert {(shadow.maker_fee, shadow.taker_fee) for shadow in shadows} == {(0.005, 0.01)}


def tape_of_hours() -> Tape:
    return Tape(*[flat(600_000)] * 200)
