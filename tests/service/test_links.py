"""What a face is told of the connections: each by its name, with state, age, losses and the room left in the limits."""

from pathlib import Path

import pytest

from gridbot_tui.control.snapshot import LinkView
from gridbot_tui.exchange.binance.health import AdapterHealth
from gridbot_tui.service.venues import links_view
from gridbot_tui.units import Mode
from tests.service.wire_scene import Scene, live_through


def _links(scene: Scene) -> dict[str, LinkView]:
    return {link.name: link for link in scene.look().links}


def test_real_connections_are_shown_by_name_with_age_and_count_their_losses(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.stir()
        await scene.agreed()
        before = _links(scene)
        assert list(before) == ["market", "public", "account", "requests"]
        assert all(link.up for link in before.values())
        streams = [link for name, link in before.items() if name != "requests"]
        for link in streams:
            assert link.age_ms is not None
            assert 0 <= link.age_ms < 60_000, link
            assert link.reconnects == 0, link
        assert before["requests"].age_ms is None, "requests are asked, they do not speak of themselves"
        room = {rate.name: rate for rate in before["requests"].rates}
        assert set(room) == {"request weight", "orders"}
        assert all(0 < rate.used <= rate.limit for rate in room.values()), room

        scene.served.faults({"kind": "disconnect", "on": "*", "times": 1})
        down = await scene.until(lambda now: any(not link.up for link in now.links), "a loss is shown")
        assert {link.name for link in down.links if not link.up} <= set(before) - {"requests"}
        scene.served.faults()
        await scene.agreed()
        after = _links(scene)
        assert list(after) == list(before)
        assert sum(link.reconnects for link in after.values()) > 0
        assert all(after[name].reconnects == 1 for name in before if after[name].reconnects)
        assert all(link.up for link in after.values())

    live_through(story, tmp_path)


def test_on_paper_the_markets_connections_are_shown_and_the_account_is_said_to_be_simulated(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        links = _links(scene)
        assert list(links) == ["market", "public", "account", "requests"]
        assert links["account"].detail == "simulated account"
        assert all(link.up for link in links.values())

    live_through(story, tmp_path, mode=Mode.PAPER)


@pytest.mark.parametrize(("offset", "said"), [(-120_000, "120.0 s ahead"), (1_500, "1.5 s behind")])
def test_a_clock_is_said_to_be_ahead_or_behind_not_off_by_a_sign(offset: int, said: str) -> None:
    health = AdapterHealth(0, 1, 0, 1, 0, None, None, offset, "", None, None, "")
    assert links_view._words(health, 0) == [f"this machine's clock is {said}"]
