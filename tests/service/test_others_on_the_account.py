"""Hands and bots that are not ours, on the same account: noticed, said, counted, never touched."""

from collections.abc import Iterator

import pytest

from gridbot_tui.units import Market
from tests.e2e.served import KEY, RICH, SECRET, SYMBOL, Books, at_home
from tests.exchange_server.serving import Served, serving
from tests.service.wire_rig import HURRY, Rig, quick_ticks


class Scene:
    """The exchange, the bot, and a hand on the account."""

    def __init__(self, served: Served, rig: Rig, price: float) -> None:
        self.served = served
        self.rig = rig
        self.price = price

    def by_hand(self, client_id: str, share: float = 0.9) -> None:
        """Somebody rests a buy."""
        status, answer = self.served.signed(
            "POST", "/fapi/v1/order", key=KEY, secret=SECRET, symbol=SYMBOL, side="BUY", type="LIMIT",
            timeInForce="GTX", quantity="0.01", price=str(round(self.price * share)), newClientOrderId=client_id,
        )  # fmt: skip
        assert status == 200, answer

    def cancelled_by_hand(self, client_id: str) -> None:
        """Somebody cancels."""
        status, answer = self.served.signed(
            "DELETE", "/fapi/v1/order", key=KEY, secret=SECRET, symbol=SYMBOL, origClientOrderId=client_id
        )
        assert status == 200, answer


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    home = tmp_path_factory.mktemp("h")
    with (
        serving(Market.FUTURES, symbols=(SYMBOL,), accounts=(RICH,), speed=float(HURRY)) as served,
        quick_ticks(),
    ):
        price = at_home(served)
        with Rig(served, home, sets={"service.reconcile_s": "10"}) as rig:
            rig.trading()
            yield Scene(served, rig, price)
            rig.stop()


def test_an_order_cancelled_by_hand_is_said_and_put_back(scene: Scene) -> None:
    scene.rig.agreed()
    victim = Books(scene.served).plain[0]
    scene.cancelled_by_hand(victim["clientOrderId"])
    scene.rig.wait_for(
        lambda picture: any(
            order.client_id != victim["clientOrderId"] and order.side == victim["side"].lower()
            and order.price is not None and float(order.price) == float(victim["price"]) and order.state == "resting"
            for order in picture.orders
        ),
        "it is put back",
    )  # fmt: skip
    scene.rig.agreed()
    assert scene.rig.saw("cancelled_elsewhere")


def test_a_foreign_order_is_announced_and_left_alone(scene: Scene) -> None:
    scene.by_hand("somebody-1")
    scene.rig.wait_for(lambda _: scene.rig.saw("foreign_order"), "it is announced")
    scene.rig.agreed_but("somebody-1")
    scene.cancelled_by_hand("somebody-1")
    scene.rig.agreed()


def test_a_second_bot_stops_new_risk(scene: Scene) -> None:
    scene.by_hand("xymain-BTCUSDT-3-gb5-1")
    scene.rig.wait_for(
        lambda picture: "second_bot" in {blocker.code for blocker in picture.blockers}
        and not any(order.purpose == "grid" for order in picture.orders),
        "no entries stand",
    )
    assert "xymain-BTCUSDT-3-gb5-1" in Books(scene.served).standing, "it is never touched"
