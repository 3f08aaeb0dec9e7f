"""A testnet that was reset under a profile, or the key of another account: the start says so, and the way on."""

from pathlib import Path

import pytest

from gridbot_tui.engine.events import Fill
from gridbot_tui.exchange.binance.rest_base import RestBase
from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.units import DAY, HOUR, Market, Mode, Ms, Symbol
from tests.service.jumping import BEGIN
from tests.service.wire_scene import Scene, live_through


async def _lives_to_hold_something(scene: Scene) -> None:
    await scene.start()
    await scene.trading()
    scene.carry(0.985)
    await scene.until(lambda _: scene.holds(), "a position")
    await scene.agreed()
    await scene.leave()


@pytest.mark.parametrize("market", list(Market))
def test_a_testnet_that_knows_nothing_of_the_last_trade_is_not_traded_on_with_its_lots(
    tmp_path: Path, market: Market
) -> None:
    async def lived(scene: Scene) -> None:
        await _lives_to_hold_something(scene)
        await scene.start()
        await scene.trading()  # a trade that is known there stops no start
        await scene.leave()

    async def after_it(scene: Scene) -> None:
        with pytest.raises(RunRefused, match="the testnet has been reset since this profile's last trade") as refused:
            await scene.start()
        assert refused.value.exit_code == 4
        database = scene.profile.database
        assert f"Move {database} away" in str(refused.value)
        database.rename(database.with_suffix(".old"))
        await scene.start()
        await scene.trading()
        assert (await scene.stop()).exit_code == 0
        assert scene.contradictions() == []

    live_through(lived, tmp_path, market=market)
    live_through(after_it, tmp_path, market=market, begin=BEGIN + 3 * HOUR)


def test_one_that_was_reset_before_anything_was_traded_is_gone_on_with(tmp_path: Path) -> None:
    async def lived(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        await scene.leave()

    async def after_it(scene: Scene) -> None:
        await scene.start()
        await scene.agreed()
        assert (await scene.stop()).exit_code == 0

    live_through(lived, tmp_path)
    live_through(after_it, tmp_path, begin=BEGIN + 3 * HOUR)


LIVE = {"safety.accept_keys_open_to_any_ip": "true", "safety.accept_keys_that_can_withdraw": "true"}


@pytest.mark.parametrize("market", list(Market))
def test_real_money_is_not_traded_with_the_key_of_another_account(tmp_path: Path, market: Market) -> None:
    async def with_another_key(scene: Scene) -> None:
        with pytest.raises(RunRefused, match="the API key is of another account than the one that") as refused:
            await scene.start()
        assert refused.value.exit_code == 4
        assert "Give the key of that account" in str(refused.value)
        assert scene.contradictions() != [], "nothing was sent there, and the books are those of the other one"

    live_through(_lives_to_hold_something, tmp_path, market=market, mode=Mode.LIVE, sets=LIVE)
    live_through(with_another_key, tmp_path, market=market, mode=Mode.LIVE, sets=LIVE, begin=BEGIN + 3 * HOUR)


def test_a_trade_that_is_too_old_to_be_listed_is_no_proof_of_another_account(tmp_path: Path) -> None:
    async def a_week_later(scene: Scene) -> None:
        await scene.start()
        await scene.leave()

    live_through(_lives_to_hold_something, tmp_path, mode=Mode.LIVE, sets=LIVE)
    live_through(a_week_later, tmp_path, mode=Mode.LIVE, sets=LIVE, begin=BEGIN + 7 * DAY)


def test_a_list_that_is_some_seconds_behind_the_last_execution_stops_no_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = RestBase.fills

    async def lived(scene: Scene) -> None:
        await _lives_to_hold_something(scene)
        begun = scene.loop.time()

        async def behind(rest: RestBase, symbol: Symbol, after: str, since: Ms) -> list[Fill]:
            return await lists(rest, symbol, after, since) if scene.loop.time() - begun > 3.0 else []

        monkeypatch.setattr(RestBase, "fills", behind)
        await scene.start()
        await scene.trading()
        assert scene.contradictions() == []

    live_through(lived, tmp_path, mode=Mode.LIVE, sets=LIVE)
