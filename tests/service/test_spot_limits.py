"""Spot symbols with a limit on what the account may hold, or on what an order may be worth."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gridbot_tui.units import Market
from tests.service.wire_scene import SYMBOL, Scene, live_through


def _limited(scene: Scene, **limits: Any) -> None:
    """Other filters, from the next exchangeInfo and the next order on."""
    tape = scene.served.app.place.floors["spot"].tapes[SYMBOL]
    tape.instrument = replace(tape.instrument, **limits)
    desk = scene.served.account.spot
    assert desk is not None
    desk.venues[SYMBOL].instrument = tape.instrument


def _refused(scene: Scene) -> list[str]:
    return [text for text in scene.seen if "-1013" in text]


def test_buys_that_would_hold_more_than_the_exchange_lets_an_account_hold_wait_and_say_so(tmp_path: Path) -> None:
    """Sent, they were refused (-1013 MAX_POSITION), and with them the buys for which there was room."""

    async def story(scene: Scene) -> None:
        step = scene.served.app.place.floors["spot"].tapes[SYMBOL].instrument.step
        most = Decimal("0.12")  # a tenth of a coin is somebody's
        _limited(scene, max_position=int(most / step))
        await scene.start()
        await scene.until(lambda _: scene.saw("position_limit: "), "it is said")
        await scene.trading()
        for share in (0.99, 0.98, 0.97, 0.96, 0.98, 1.0, 1.03, 0.96):
            scene.carry(share)
            await asyncio.sleep(2.0)
            held = {row["asset"]: row for row in scene.ask("/api/v3/account")["balances"]}["BTC"]
            bids = sum(Decimal(row["origQty"]) for row in scene.standing() if row["side"] == "BUY")
            assert Decimal(held["free"]) + Decimal(held["locked"]) + bids <= most
        assert _refused(scene) == []
        assert scene.trades() > 1
        assert (await scene.stop()).exit_code == 0

    live_through(story, tmp_path, market=Market.SPOT, balances={"USDT": "10000", "BTC": "0.1"})


def test_no_order_is_worth_more_than_one_may_be_and_all_that_is_held_is_sold_at_a_stop(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        _limited(scene, max_notional=Decimal(300), max_market_notional=Decimal(300))
        await scene.start()
        await scene.trading()
        for share in (0.99, 0.98, 0.97, 0.96):
            scene.carry(share)
            await asyncio.sleep(5.0)
        assert scene.holds()
        assert all(Decimal(row["origQty"]) * Decimal(row["price"]) <= 300 for row in scene.orders())
        assert _refused(scene) == []
        result = await scene.stop()
        assert (result.exit_code, scene.holds()) == (0, False), result.text

    live_through(story, tmp_path, market=Market.SPOT)
