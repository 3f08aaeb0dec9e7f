"""Hands and bots that are not ours, on the same account: noticed within one comparison, said, never touched."""

from pathlib import Path

import pytest

from gridbot_tui.units import Market
from tests.service.wire_scene import Scene, live_through

CYCLE_S = 10.0
SETS = {"service.reconcile_s": str(CYCLE_S)}
SOON_S = CYCLE_S + 3.0
"""One comparison, and its answers."""
BOTH = ("BTCUSDT", "ETHUSDT")
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


@pytest.mark.parametrize("told", [True, False])
def test_an_order_changed_by_hand_is_said_counted_as_it_stands_and_put_back(told: bool, tmp_path: Path) -> None:
    """Dragged to another price and made four times as large, in Binance's own app, heard of or not."""

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        victim = next(row for row in scene.standing() if row.get("side") == "BUY")
        if not told:
            scene.served.faults({"kind": "drop", "on": "ORDER_TRADE_UPDATE", "times": 1})
        scene.changed_by_hand(victim, price=0.9, quantity=4)
        await scene.until(lambda _: scene.saw("changed_elsewhere"), "it is said", SOON_S)

        def as_before() -> bool:
            rows = [row for row in scene.standing() if "clientAlgoId" not in row]
            return [row["price"] for row in rows].count(victim["price"]) == 1 and all(
                row["origQty"] == victim["origQty"] for row in rows
            )

        await scene.until(lambda _: as_before(), "it is put back", SOON_S)
        await scene.agreed()
        assert (await scene.stop()).exit_code == 0
        assert scene.contradictions() == []

    live_through(story, tmp_path, sets=SETS)


@pytest.mark.parametrize("times", [4, 0.25])
def test_an_order_changed_by_hand_that_fills_before_anybody_looks_leaves_nothing_behind(
    times: float, tmp_path: Path
) -> None:
    """It executes more, or less, than the bot knows it to be of: its side must not wait for ever."""

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        victim = next(row for row in scene.standing() if row.get("side") == "BUY")
        scene.changed_by_hand(victim, price=1.0, quantity=times)
        scene.carry(0.994)
        await scene.until(lambda _: scene.holds(), "it has filled")
        await scene.agreed()
        await scene.until(lambda picture: any(one.side == "buy" and one.state == "resting" and one.purpose == "grid"
                                              for one in picture.orders), "the side trades on")  # fmt: skip
        assert (await scene.stop()).exit_code == 0
        assert scene.contradictions() == []

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


def test_a_leverage_set_by_hand_is_said_and_the_next_start_sets_the_bots_own(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        status, answer = scene.served.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=2)
        assert status == 200, answer
        await scene.until(lambda _: scene.saw("was set to 2x on Binance, and not by the bot"), "it is said", SOON_S)
        assert "set it back to 6x" in "".join(scene.seen)
        await scene.leave()
        await scene.start()
        await scene.trading()
        assert [row["leverage"] for row in scene.ask("/fapi/v1/symbolConfig", symbol="BTCUSDT")] == [6]

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


def test_what_another_hand_holds_is_left_at_a_stop_and_is_called_neither_the_bots_nor_dust(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.bought_by_hand("web-1", "0.05")
        await scene.until(lambda _: scene.saw("external_fill"), "it is announced", SOON_S)
        result = await scene.stop()
        assert result.exit_code == 0
        assert "0 positions left; not the bot's, and left as it is: BTCUSDT 0.05" in result.text
        assert "dust" not in result.text
        assert scene.holds()

    live_through(story, tmp_path, sets=SETS)


def test_beside_a_position_of_before_the_first_start_nothing_takes_new_risk_and_a_stop_names_it(tmp_path: Path) -> None:
    """In a symbol that the bot trades: nine times the account, and no limit of the other symbol counted it."""

    async def story(scene: Scene) -> None:
        for symbol in BOTH:
            scene.carry(1.0, symbol)
        scene.served.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="20")
        scene.bought_by_hand("by-hand", "1.5")
        await scene.start()
        await scene.until(lambda p: len(p.decisions) == 2, "it has decided")
        picture = await scene.until(lambda p: not p.orders, "nothing rests")
        (said,) = [one for one in picture.blockers if one.code == "foreign_position"]
        assert said.detail.startswith("BTCUSDT: ")
        result = await scene.stop()
        assert (result.exit_code, "not the bot's, and left as it is: BTCUSDT 1.500" in result.text) == (0, True)

    live_through(story, tmp_path, symbols=BOTH)


@pytest.mark.parametrize("soon", [True, False])
def test_a_position_of_before_is_counted_and_once_it_is_closed_by_hand_all_trade(soon: bool, tmp_path: Path) -> None:
    """``soon``: closed before it could be booked."""

    async def story(scene: Scene) -> None:
        for symbol in BOTH:
            scene.carry(1.0, symbol)
        scene.bought_by_hand("by-hand", "0.01")
        await scene.start()
        await scene.until(lambda p: scene.saw("foreign_position: BTCUSDT"), "it is said")
        if not soon:
            await scene.until(lambda p: scene.saw("0.010 BTC were there before the first start"), "it is booked")
            picture = await scene.until(lambda p: p.leverage, "it counts", SOON_S)
            (lot,) = picture.symbols["BTCUSDT"].lots
            assert (lot.external, lot.quantity) == (True, "0.010")
            await scene.leave()
            await scene.start()
            await scene.until(lambda p: any(one.code == "foreign_position" for one in p.blockers), "it is still known")
        scene.sold_by_hand("by-hand-too", "0.01")
        await scene.until(lambda p: {one.symbol for one in p.orders} == set(BOTH), "both trade")
        picture = await scene.until(lambda p: not p.residual_pending, "the books agree")
        assert not {one.code for one in picture.blockers} & {"foreign_position", "position_unknown", "residual"}
        assert (await scene.stop()).exit_code == 0

    live_through(story, tmp_path, symbols=BOTH)


def test_on_spot_what_the_owner_holds_offers_and_sells_is_none_of_ours(tmp_path: Path) -> None:
    """Half a coin was there before: sold in part, and offered with a stop as one order of two. The grid goes on."""

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.carry(0.985)
        await scene.until(lambda _: scene.holds(), "it has filled")
        await scene.agreed()

        def ours() -> list[tuple[str, str]]:
            return sorted((row["side"], row["origQty"]) for row in scene.standing() if row["orderListId"] == -1)

        before, home = ours(), scene.homes["BTCUSDT"]
        for path, more in (
            ("order", {"type": "MARKET", "quantity": "0.1"}),
            ("orderList/oco", {"aboveType": "LIMIT_MAKER", "abovePrice": round(home * 1.2), "belowType": "STOP_LOSS",
                               "belowStopPrice": round(home * 0.8), "quantity": "0.4"}),
        ):  # fmt: skip
            assert scene.served.signed("POST", f"/api/v3/{path}", symbol="BTCUSDT", side="SELL", **more)[0] == 200
        await scene.until(lambda _: scene.saw("foreign_order"), "it is said", SOON_S)
        await scene.agreed()
        assert ours() == before
        assert scene.saw("sold base that is not the bot's either")
        assert not scene.saw("base_locked")
        scene.carry(0.97)
        await scene.until(lambda _: ours() != before, "it trades")
        await scene.agreed()
        assert {side for side, _ in ours()} == {"BUY", "SELL"}
        assert (scene.look().worst_leverage or 0) < 1
        assert (await scene.stop()).exit_code == 0
        coins = {row["asset"]: row for row in scene.ask("/api/v3/account")["balances"]}["BTC"]
        assert float(coins["locked"]) == 0.4
        assert float(coins["free"]) == pytest.approx(0, abs=1e-5)

    live_through(story, tmp_path, market=Market.SPOT, sets=SETS, balances={"USDT": "10000", "BTC": "0.5"})


@pytest.mark.parametrize("taken", ["by hand", "deleveraging"])
def test_a_grid_of_one_side_closes_what_its_exits_open_while_another_takes_their_position(
    taken: str, tmp_path: Path
) -> None:
    """Deleveraging comes where a position gains, and so do its exits: a long grid was left with a short of its own."""

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.carry(0.985)
        await scene.until(lambda _: scene.holds(), "it has filled")
        await scene.agreed()
        if taken == "by hand":
            scene.sold_by_hand("by-hand", "0.012")
        else:
            scene.served.control("act", kind="deleverage", symbol="BTCUSDT")
        scene.carry(1.005)
        (row,) = scene.ask("/fapi/v3/positionRisk")
        assert float(row["positionAmt"]) < 0
        await scene.until(lambda _: not scene.holds(), "it is closed", SOON_S)
        await scene.agreed()
        assert (await scene.stop()).exit_code == 0
        assert scene.contradictions() == []

    live_through(story, tmp_path, sets={**SETS, "ladder.plain.side": "long"})


def test_what_an_earlier_grid_of_the_other_side_holds_keeps_its_exits(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start(**{"ladder.plain.side": "short"})
        await scene.trading()
        scene.carry(1.015)
        await scene.until(lambda _: scene.holds(), "it has filled")
        await scene.agreed()
        await scene.leave()
        await scene.start(**{"ladder.plain.side": "long"})
        await scene.until(lambda p: any(one.purpose == "grid" for one in p.orders), "it trades")
        await scene.agreed()
        assert scene.holds()
        assert [row for row in scene.standing() if row["side"] == "BUY" and row.get("status") == "NEW"]

    live_through(story, tmp_path, sets=SETS)
