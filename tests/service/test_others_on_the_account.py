"""Hands and bots that are not ours, on the same account: noticed within one comparison, said, never touched."""

from pathlib import Path

from tests.service.wire_scene import Scene, live_through

CYCLE_S = 10.0
SETS = {"service.reconcile_s": str(CYCLE_S)}
SOON_S = CYCLE_S + 3.0
"""One comparison, and its answers."""
SECOND = "xymain-BTCUSDT-3-gb5-1"


def test_an_order_cancelled_by_hand_is_said_and_put_back(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        victim = next(row for row in scene.standing() if "clientAlgoId" not in row)
        scene.cancelled_by_hand(victim["clientOrderId"])

        def again() -> bool:
            return any(
                row["clientOrderId"] != victim["clientOrderId"]
                and (row["side"], row["price"]) == (victim["side"], victim["price"])
                for row in scene.standing() if "clientAlgoId" not in row
            )  # fmt: skip

        await scene.until(lambda _: again(), "it is put back", SOON_S)
        await scene.agreed()
        assert scene.saw("cancelled_elsewhere")

    live_through(story, tmp_path, sets=SETS)


def test_a_foreign_order_is_announced_counted_and_left_alone(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.by_hand("somebody-1")
        await scene.until(lambda _: scene.saw("foreign_order"), "it is announced", SOON_S)
        await scene.until(lambda _: scene.saw("countdown is not armed"), "no countdown would cancel it")
        scene.stir()
        await scene.agreed()
        assert (await scene.stop()).exit_code == 0
        assert [row["clientOrderId"] for row in scene.standing()] == ["somebody-1"]

    live_through(story, tmp_path, sets=SETS)


def test_a_second_bot_stops_new_risk(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.by_hand(SECOND)
        await scene.until(
            lambda picture: "second_bot" in {blocker.code for blocker in picture.blockers}
            and not any(order.purpose == "grid" for order in picture.orders),
            "no entries stand", SOON_S,
        )  # fmt: skip
        assert [row["clientOrderId"] for row in scene.standing()] == [SECOND], "it is never touched"

    live_through(story, tmp_path, sets=SETS)
