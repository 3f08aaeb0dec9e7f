"""Which order closes which lot, as the ladder tells it."""

from decimal import Decimal
from types import SimpleNamespace
from typing import cast

from msgspec.structs import replace

from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.engine.view_ladder import Exits, exits_of
from gridbot_tui.engine.view_symbol import symbol_view
from gridbot_tui.orders.model import Purpose, Slot, SlotState
from gridbot_tui.units import Side
from tests.engine.tape import BTC, flat
from tests.engine.test_restart import replayed
from tests.engine.test_walk import FALLS, walked


def held(
    number: int, price: int, steps: int, side: Side = Side.BUY, external: bool = False, rung: int = 0
) -> SimpleNamespace:
    return SimpleNamespace(id=number, price=price, steps=steps, side=side, external=external, rung=rung)


def slot(rung: int, side: Side, price: int, exit_steps: int) -> Slot:
    return Slot(BTC, 1, rung, side, price, 10, exit_steps < 10, SlotState.RESTING, "", exit_steps)


def exits(
    lots: list[SimpleNamespace],
    slots: tuple[Slot, ...],
    *standing: SimpleNamespace,
    fee: str = "0",
    kind: str = "adaptive",
) -> Exits:
    desk = SimpleNamespace(
        ledger=SimpleNamespace(book=lambda _: lots),
        orders=SimpleNamespace(live=lambda _: standing),
        config=SimpleNamespace(maker_fee=Decimal(fee)),
    )
    plan = SimpleNamespace(kind=kind)
    state = SimpleNamespace(symbol=BTC, plan=plan, desired=SimpleNamespace(resting=slots))
    return exits_of(cast(Desk, desk), cast(SymbolDesk, state))


def test_each_lot_has_the_price_of_the_order_that_closes_it_first() -> None:
    found = exits(
        [held(1, 90, 10), held(2, 100, 10)],
        (slot(1, Side.SELL, 120, 10), slot(0, Side.SELL, 110, 10), slot(-1, Side.BUY, 80, 0)),
    )
    assert found.prices == {2: 110, 1: 120}
    assert found.closed_by == {(0, Side.SELL): (2,), (1, Side.SELL): (1,)}


def test_an_order_of_a_plain_grid_closes_what_its_own_level_holds() -> None:
    lots = [held(1, 90, 10, rung=4), held(2, 100, 10, rung=7)]  # level 7's was bought at the touch, far below it
    slots = (slot(4, Side.SELL, 120, 10), slot(7, Side.SELL, 150, 10))
    assert exits(lots, slots, kind="geometric").prices == {1: 120, 2: 150}
    assert exits(lots, slots).prices == {2: 120, 1: 150}, "the adaptive ladder's rungs own none"


def test_small_lots_that_share_one_order_all_name_its_price() -> None:
    found = exits([held(1, 90, 3), held(2, 95, 3), held(3, 130, 2)], (slot(0, Side.SELL, 110, 8),))
    assert found.prices == {1: 110, 2: 110, 3: 110}
    assert found.closed_by == {(0, Side.SELL): (2, 1, 3)}


def test_a_lot_that_two_orders_close_names_the_nearer_and_both_name_the_lot() -> None:
    found = exits([held(1, 100, 10, Side.SELL)], (slot(0, Side.BUY, 90, 6), slot(-1, Side.BUY, 80, 4)))
    assert found.prices == {1: 90}
    assert found.closed_by == {(0, Side.BUY): (1,), (-1, Side.BUY): (1,)}


def test_an_order_closes_no_lot_whose_profit_its_fees_would_eat_while_there_is_a_better_one() -> None:
    lots = [held(1, 900, 10), held(2, 999, 10)]
    assert exits(lots, (slot(0, Side.SELL, 1000, 10),)).prices == {2: 1000}
    assert exits(lots, (slot(0, Side.SELL, 1000, 10),), fee="0.001").prices == {1: 1000}


def test_an_order_that_was_kept_beside_its_slot_is_what_the_lot_names() -> None:
    order = SimpleNamespace(side=Side.SELL, price=112, purpose=Purpose.GRID)
    kept = SimpleNamespace(rung=0, order=order)
    assert exits([held(1, 90, 10)], (slot(0, Side.SELL, 110, 10),), kept).prices == {1: 112}


def test_a_lot_of_another_hand_and_one_that_no_order_reaches_have_no_exit() -> None:
    found = exits([held(1, 90, 10), held(2, 80, 10), held(3, 85, 5, external=True)], (slot(0, Side.SELL, 99, 10),))
    assert found.prices == {1: 99}
    assert exits([held(1, 90, 10)], ()).prices == {}


def test_a_fill_is_counted_at_the_rung_it_was_nearest_to_and_at_no_other() -> None:
    rig = walked(FALLS, flat(600_000))
    rig.run()
    desk = rig.engine.desk
    view = symbol_view(desk, desk.symbols[BTC])
    assert view.fills == 1
    assert sum(rung.fills for rung in view.ladder) <= 1
    (lot,) = view.lots
    (closing,) = [rung for rung in view.ladder if rung.lot == lot.id]
    assert (closing.side, closing.price, closing.closes) == ("sell", lot.exit_price, 1)


def test_before_a_first_decision_nobody_says_that_an_order_is_leaving() -> None:
    rig = walked(FALLS, flat(600_000))
    rig.run()
    again = replayed(rig, snapshot=True)
    before, after = (symbol_view(one.desk, one.desk.symbols[BTC]).ladder for one in (rig.engine, again))
    assert [(rung.side, rung.price, rung.state) for rung in after] == [
        (rung.side, rung.price, rung.state) for rung in before if rung.state == "resting"
    ]
    assert {rung.reason for rung in after} == {""}


def test_before_a_first_decision_what_stands_may_fill() -> None:
    rig = walked(FALLS, flat(600_000))
    rig.run()
    again = replayed(rig, snapshot=True)
    mark = again.desk.symbols[BTC].mark = rig.engine.desk.symbols[BTC].mark
    assert mark is not None
    again.desk.ledger.mark(BTC, mark)
    before, after = (symbol_view(one.desk, one.desk.symbols[BTC]).what_if for one in (rig.engine, again))
    assert [(one.side, one.fills, one.position, one.at_price) for one in after] == [
        (one.side, one.fills, one.position, one.at_price) for one in before
    ]


def test_what_if_counts_the_orders_that_stand_and_not_the_slots_they_were_kept_beside() -> None:
    rig = walked(FALLS, flat(600_000))
    rig.run()
    desk = rig.engine.desk
    state = desk.symbols[BTC]
    assert state.desired is not None
    beside = tuple(replace(one, price=one.price - one.side, steps=one.steps + 1) for one in state.desired.resting)
    state.desired = replace(state.desired, resting=beside)
    view = symbol_view(desk, state)
    (buys,) = [case for case in view.what_if if case.side == "buy"]
    standing = [rung for rung in view.ladder if rung.side == "buy"]
    assert {rung.state for rung in standing} == {"resting"}
    assert buys.at_price == standing[-1].price
    assert Decimal(buys.position) == Decimal(view.position) + sum(Decimal(rung.quantity) for rung in standing)
