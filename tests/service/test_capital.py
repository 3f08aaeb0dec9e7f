"""What a bot sizes by where the wallet holds less than ``bot.capital``: a limit of money that nobody has is none."""

from pathlib import Path

import pytest

from gridbot_tui.service.assemble import RunRefused
from tests.service.wire_scene import Scene, live_through

NEVER_MORE = "capital: bot.capital is 100000 USDT, and the wallet holds 10000: it sizes by what is there"


def test_it_sizes_by_what_is_there_also_when_it_starts_again(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        picture = await scene.trading()
        assert (picture.equity, scene.saw(NEVER_MORE)) == ("10000", True)
        scene.carry(0.97)
        picture = await scene.until(lambda p: p.leverage and p.leverage > 0.2, "it holds several lots")
        risk = scene.ask("/fapi/v3/positionRisk")[0]
        assert picture.leverage == pytest.approx(float(risk["notional"]) / 10_000, rel=0.05)
        await scene.leave()
        await scene.start()
        await scene.trading()
        assert scene.parts.engine.desk.ledger.allotted == 10_000
        assert (await scene.stop()).exit_code == 0
        with pytest.raises(RunRefused, match=r"sizes by the 10000 USDT .* it began with, and bot.capital is 20000 now"):
            await scene.start(**{"bot.capital": "20000"})
        await scene.start()
        await scene.until(lambda p: p.state in ("stopped", "running", "warming"), "it begins")

    live_through(story, tmp_path, sets={"bot.capital": "100000"}, balances={"USDT": "10000"})
