"""What the exchange states not to be there of our lots: exits, stop and target are for the rest."""

from decimal import Decimal

from gridbot_tui.engine.actions import Action, DecisionFact, PlaceOrder, RequestResync
from gridbot_tui.engine.events import AccountState, Fill, PositionState, PositionTold, Tick
from gridbot_tui.orders.model import OrderKind, Purpose
from gridbot_tui.units import MINUTE, ZERO, Side
from tests.engine.tape import BTC, flat
from tests.engine.test_edges import grid, position
from tests.simulation.rig import Rig


def _holding() -> Rig:
    """A long position with its exits."""
    rig = grid((600_000, 602_000, 588_000, 590_000), *[flat(590_000)] * 6)
    rig.run(until=rig.source.start + 4 * MINUTE)
    rig.checking = False
    assert position(rig) > 0
    return rig


def _stated(rig: Rig, steps: int, after: int) -> list[Action]:
    there = (PositionState(BTC, steps, Decimal(59_000), None, 590_000),) if steps else ()
    event = AccountState(rig.world.now + after, {"USDT": rig.engine.desk.ledger.wallet}, there)
    return rig.engine.handle(event)


def _exits(rig: Rig) -> int:
    """Steps that our sells are for, those that are wanted to rest."""
    wanted = rig.engine.desk.symbols[BTC].desired
    assert wanted is not None
    return sum(slot.steps for slot in wanted.resting if slot.side is Side.SELL and slot.state == "resting")


def _stop(rig: Rig) -> int:
    """Steps that our stop is for."""
    wanted = rig.engine.desk.symbols[BTC].desired
    assert wanted is not None
    assert wanted.stop is not None
    return wanted.stop.steps


def _sold(rig: Rig, steps: int, after: int) -> list[Action]:
    exit_ = next(live.order for live in rig.engine.desk.orders.live(BTC) if live.order.side is Side.SELL)
    fill = Fill(rig.world.now + after, BTC, exit_.client_id, f"late-{after}", Side.SELL, 592_000, steps, ZERO, "USDT",
                True, ZERO)  # fmt: skip
    return rig.engine.handle(fill)


def test_exits_and_stop_are_for_what_is_stated_to_be_there_and_for_all_again_once_that_is() -> None:
    rig = _holding()
    own = position(rig)
    _stated(rig, own // 2, 1)
    desk = rig.engine.desk
    assert desk.own(BTC) == own // 2
    assert 0 < _exits(rig) <= own // 2
    assert _stop(rig) == own, "one statement may be older than a fill"
    assert rig.engine.open_positions() == {BTC: str(rig.world.instruments[BTC].quantity(own))}
    _stated(rig, own // 2, 3_000)
    assert _stop(rig) == own // 2
    _stated(rig, own, 4_000)
    assert desk.own(BTC) == own
    assert not desk.blockers.holds(BTC, "position_unknown")


def test_nothing_is_for_a_position_that_is_gone_and_none_of_it_counts_as_left() -> None:
    rig = _holding()
    held = rig.engine.open_positions()
    assert held
    _stated(rig, 0, 1)
    assert _exits(rig) == 0
    _stated(rig, 0, 900)
    assert rig.engine.open_positions() == held, "answers may be older than the last fill: nothing is flat by one"
    _stated(rig, 0, 4_000)
    assert rig.engine.open_positions() == {}
    assert rig.engine.dust() == {}
    assert rig.engine.others() == {}
    assert list(rig.engine.gone()) == [BTC]


def test_a_position_larger_than_ours_changes_nothing_of_our_exits() -> None:
    rig = _holding()
    own = position(rig)
    _stated(rig, own + 5, 1)
    assert rig.engine.desk.own(BTC) == own
    assert rig.engine.gone() == {}
    assert rig.engine.others() == {BTC: str(rig.world.instruments[BTC].quantity(5))}


def test_a_fill_that_the_statement_held_already_turns_nothing_round() -> None:
    """The exchange told of the position before it told of the exit that closed it."""
    rig = _holding()
    own = position(rig)
    _stated(rig, 0, 2)
    sent = _sold(rig, own, 1)
    assert rig.engine.desk.own(BTC) == 0
    assert not [one for one in sent if isinstance(one, PlaceOrder)]
    _stated(rig, 0, 1_000)
    assert rig.engine.desk.gone == {}
    assert not rig.engine.desk.blockers.holds(BTC, "position_unknown")


def test_what_an_exit_has_opened_where_its_position_was_gone_is_ours_and_is_closed_at_once() -> None:
    rig = _holding()
    own, desk = position(rig), rig.engine.desk
    _stated(rig, 0, 1)
    _sold(rig, own, 500)
    _stated(rig, -own, 1_000)
    assert desk.own(BTC) == 0, "one statement may be older than the fill"
    actions = _stated(rig, -own, 4_000)
    sent = [one.order for one in actions if isinstance(one, PlaceOrder)]
    assert [one.level for one in actions if isinstance(one, DecisionFact) and "opened one" in one.detail] == ["error"]
    assert desk.own(BTC) == -own
    assert rig.engine.open_positions() == {BTC: str(rig.world.instruments[BTC].quantity(-own))}
    (closing,) = [one for one in sent if one.purpose is Purpose.TARGET]
    assert (closing.side, closing.steps, closing.kind, closing.reduce_only) == (Side.BUY, own, OrderKind.MARKET, True)
    bought = Fill(rig.world.now + 5_000, BTC, closing.client_id, "t-close", Side.BUY, 592_000, own, ZERO, "USDT", False,
                  ZERO)  # fmt: skip
    rig.engine.handle(bought)
    assert desk.own(BTC) == 0
    _stated(rig, 0, 6_000)
    _stated(rig, 0, 9_000)
    actions = rig.engine.handle(Tick(rig.world.now + 10_000))
    assert desk.own(BTC) == 0
    assert rig.engine.open_positions() == {}
    assert not [one for one in actions if isinstance(one, PlaceOrder)]


def _by_hand(rig: Rig, side: Side, steps: int, after: int) -> None:
    fill = Fill(rig.world.now + after, BTC, "", f"hand-{after}", side, 592_000, steps, ZERO, "USDT", False, ZERO,
                ours=False)  # fmt: skip
    rig.engine.handle(fill)


def test_another_hand_that_trades_where_lots_of_ours_were_gone_is_not_sold_out() -> None:
    """The ledger has its trade close our lots first: they were gone, and nothing of the rest has been opened by us."""
    rig = _holding()
    own, desk = position(rig), rig.engine.desk
    _stated(rig, 0, 1)
    _stated(rig, 0, 3_000)
    _by_hand(rig, Side.SELL, 5 * own, 4_000)
    sent = [one for at in (5_000, 9_000, 13_000) for one in _stated(rig, -5 * own, at) if isinstance(one, PlaceOrder)]
    assert (desk.own(BTC), desk.beyond, sent) == (0, set(), [])


def test_what_closes_what_an_exit_has_opened_is_sent_once_also_beside_another_hand() -> None:
    """The ledger has our purchase close the other hand's lots: it would never come to an end."""
    rig = _holding()
    own, desk = position(rig), rig.engine.desk
    _stated(rig, 0, 1)
    _sold(rig, own, 500)
    _by_hand(rig, Side.SELL, 20 * own, 600)
    _stated(rig, -21 * own, 1_000)
    actions = _stated(rig, -21 * own, 4_000)
    (closing,) = [one.order for one in actions if isinstance(one, PlaceOrder) and one.order.purpose is Purpose.TARGET]
    assert (closing.side, closing.steps) == (Side.BUY, own)
    bought = Fill(rig.world.now + 5_000, BTC, closing.client_id, "t-close", Side.BUY, 592_000, own, ZERO, "USDT", False,
                  ZERO)  # fmt: skip
    sent = [one for one in rig.engine.handle(bought) if isinstance(one, PlaceOrder)]
    sent += [one for at in (6_000, 9_000) for one in _stated(rig, -20 * own, at) if isinstance(one, PlaceOrder)]
    assert (desk.own(BTC), desk.beyond, sent) == (0, set(), [])


def _resyncs(rig: Rig, after: int) -> list[str]:
    return [one.reason for one in rig.engine.handle(Tick(rig.world.now + after)) if isinstance(one, RequestResync)]


def test_a_position_that_is_told_without_its_trade_has_the_exchange_asked_and_once() -> None:
    rig = _holding()
    rig.engine.handle(PositionTold(rig.world.now + 1, BTC, 0))
    assert _resyncs(rig, 1_000) == []
    assert _resyncs(rig, 3_000) == ["the position of BTCUSDT was told, and no trade that makes it so"]
    assert _resyncs(rig, 4_000) == []


def test_a_position_that_is_told_before_its_trade_or_after_has_nobody_asked() -> None:
    rig = _holding()
    own = position(rig)
    rig.engine.handle(PositionTold(rig.world.now + 2, BTC, own - 1))
    _sold(rig, 1, 2)
    rig.engine.handle(PositionTold(rig.world.now + 1, BTC, own + 5))  # an older one, late
    rig.engine.handle(PositionTold(rig.world.now + 3, "XYZUSDT", 5))
    assert _resyncs(rig, 3_000) == []
