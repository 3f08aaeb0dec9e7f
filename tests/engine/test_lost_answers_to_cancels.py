"""An order that ends by a cancel of ours whose answer was lost: nobody else took it away, and nothing waits for it."""

from gridbot_tui.engine.actions import AskAboutOrder, CancelOrder, DecisionFact, PlaceOrder
from gridbot_tui.engine.events import Operator, OrderReport, Outcome
from gridbot_tui.orders.model import OrderState, Purpose
from gridbot_tui.units import MINUTE, ClientId, Ms
from tests.engine.tape import BTC, flat
from tests.engine.test_edges import grid
from tests.simulation.rig import Rig


def trading() -> Rig:
    rig = grid((600_000, 602_000, 598_000, 600_000), *[flat(600_000)] * 20)
    rig.run(until=rig.source.start + 3 * MINUTE)
    rig.checking = False  # what the exchange says is made up
    return rig


def tell(rig: Rig, client_id: ClientId, outcome: Outcome) -> None:
    rig.engine.handle(OrderReport(rig.world.now, BTC, client_id, outcome))


def told(rig: Rig) -> set[str]:
    return {getattr(action, "code", "") for action in rig.actions}


def command(rig: Rig, name: str, number: int, after: Ms = 0, **args: str) -> None:
    rig.engine.handle(Operator(rig.engine.now + after, f"{name}-{number}", name, "", args))


def test_orders_that_our_own_cancels_end_were_not_let_go_of_by_the_exchange() -> None:
    rig = trading()
    command(rig, "pause", 0)
    for number in range(4):
        for one in [action for action in rig.actions if isinstance(action, CancelOrder)]:
            tell(rig, one.client_id, Outcome.CANCEL_UNRESOLVED)
            assert any(isinstance(action, AskAboutOrder) for action in rig.actions)
            tell(rig, one.client_id, Outcome.CANCELED)
            assert not told(rig) & {"circuit_open", "cancelled_elsewhere"}
        command(rig, "reset", number, what="breakers")  # unanswered requests have opened one, for entries alone
        command(rig, "resume", number)
        placed = [action.order for action in rig.actions if isinstance(action, PlaceOrder)]
        assert len(placed) == 2, "nothing holds them back"
        for order in placed:
            tell(rig, order.client_id, Outcome.ACCEPTED)
        command(rig, "pause", number + 1, after=500)
    assert not rig.engine.desk.reconciler.circuits.waiting


def test_one_that_still_stood_when_asked_for_may_end_by_that_cancel_after_all() -> None:
    rig = trading()
    command(rig, "pause", 0)
    (one, *_) = [action for action in rig.actions if isinstance(action, CancelOrder)]
    tell(rig, one.client_id, Outcome.CANCEL_UNRESOLVED)
    command(rig, "resume", 0)
    tell(rig, one.client_id, Outcome.ACCEPTED)
    live = rig.engine.desk.orders.get(one.client_id)
    assert live is not None
    assert live.state is OrderState.RESTING, "it is wanted again"
    tell(rig, one.client_id, Outcome.CANCELED)
    assert "cancelled_elsewhere" not in told(rig)


def test_one_that_nobody_here_cancelled_is_said() -> None:
    rig = trading()
    (one, *_) = [one.order for one in rig.engine.desk.orders.live(BTC) if one.order.purpose is Purpose.GRID]
    tell(rig, one.client_id, Outcome.CANCELED)
    assert "cancelled_elsewhere" in told(rig)


def test_one_that_is_found_cancelled_at_a_start_may_have_been_cancelled_by_a_life_that_wrote_nothing_down() -> None:
    rig = trading()
    (one, *_) = [one.order for one in rig.engine.desk.orders.live(BTC) if one.order.purpose is Purpose.GRID]
    rig.engine.begin_recovery(rig.world.now)
    (said,) = [
        action.detail
        for action in rig.engine.handle(OrderReport(rig.world.now, BTC, one.client_id, Outcome.CANCELED))
        if isinstance(action, DecisionFact) and action.code == "cancelled_elsewhere"
    ]
    assert "no record here says that the bot did it" in said
    assert "not by the bot" not in said
