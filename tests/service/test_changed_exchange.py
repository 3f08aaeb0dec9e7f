"""What the exchange changes under a bot that runs: said soon, in a sentence, and over when it is undone."""

from pathlib import Path

import pytest

from gridbot_tui.units import Market
from tests.service.wire_scene import SYMBOL, Scene, live_through

SOON_S = 90.0


@pytest.mark.parametrize("market", list(Market))
def test_why_orders_are_refused_is_said_soon_and_not_at_the_next_regular_look(market: Market, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        tape = scene.served.app.place.floors[market.value].tapes[SYMBOL]
        tape.status = "BREAK"
        for _ in range(6):
            scene.stir()
            await scene.until(lambda _: True, "it runs")
        said = f"{SYMBOL} is BREAK on Binance: its orders will be refused"
        await scene.until(lambda _: scene.saw(said), said, SOON_S)

    live_through(story, tmp_path, market=market)
