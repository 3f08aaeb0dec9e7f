"""A start without a symbol that the profile has traded and that the exchange lists no more: the others trade."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.control.command import CommandKind
from gridbot_tui.exchange.binance import listing_watch
from gridbot_tui.exchange.server import fields, gate, info
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.store.reader import reading
from gridbot_tui.units import Market
from tests.service.wire_scene import Scene, live_through, quiet

BOTH = ("BTCUSDT", "ETHUSDT")


def take_off(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    """ETHUSDT is closed, its orders end, a position is settled, and no document names it any more."""
    scene.served.control("act", kind="delist", symbol="ETHUSDT")
    for name in ("spot", "futures"):
        patch.setattr(info, name, _without(getattr(info, name)))


def deny(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    """Whatever is asked of it is answered as for a name that never was."""
    checked = fields.check

    def check(spec: Any, raw: Any, strict: bool) -> Any:
        if raw.get("symbol") == "ETHUSDT":
            raise Denied(-1121)
        return checked(spec, raw, strict)

    patch.setattr(gate, "check", check)


def _without(document: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def said(*given: Any) -> dict[str, Any]:
        whole = document(*given)
        return {**whole, "symbols": [row for row in whole["symbols"] if row["symbol"] != "ETHUSDT"]}

    return said


@pytest.mark.parametrize("market", [Market.FUTURES, Market.SPOT])
def test_the_others_trade_and_it_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, market: Market
) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        picture = await scene.until(lambda p: {one.symbol for one in p.orders} == set(BOTH), "orders of both")
        shares = scene.parts.engine.desk.config.shares
        await scene.leave()
        take_off(scene, monkeypatch)
        await scene.start()
        picture = await scene.until(lambda p: any(one.symbol == "BTCUSDT" for one in p.orders), "it trades")
        assert scene.saw("ETHUSDT is not listed on Binance any more")
        assert set(picture.symbols) == {"BTCUSDT"}
        assert scene.parts.engine.desk.config.shares["BTCUSDT"] == shares["BTCUSDT"] == 0.5
        with reading(scene.profile.database) as db:
            assert {one.order.symbol for one in db.open_orders()} == {"BTCUSDT"}, "its orders have ended"
        await scene.leave()
        monkeypatch.undo()
        scene.served.app.place.floors[market.value].tapes["ETHUSDT"].status = "TRADING"
        await scene.start()
        await scene.until(lambda p: {one.symbol for one in p.orders} == set(BOTH), "orders of both again")
        assert (await scene.stop()).exit_code == 0

    live_through(story, tmp_path, market=market, symbols=BOTH)


@pytest.mark.parametrize("market", [Market.FUTURES, Market.SPOT])
def test_taken_off_while_the_bot_runs_it_keeps_nobody_from_trading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, market: Market
) -> None:
    """No comparison was answered any more, the breaker of the account opened, and a stop could not be verified."""
    monkeypatch.setattr(listing_watch, "EVERY", 10.0)
    monkeypatch.setattr(listing_watch, "CONFIRM", 5.0)

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.until(lambda p: {one.symbol for one in p.orders} == set(BOTH), "orders of both")
        if market is Market.FUTURES:  # on spot coins of it would be left in the wallet
            await scene.trading()
            scene.carry(0.985, "ETHUSDT")
            await scene.until(lambda p: p.symbols["ETHUSDT"].lots, "a lot, which will be settled")
        take_off(scene, monkeypatch)
        deny(scene, monkeypatch)
        await scene.gone(60.0)
        assert scene.saw("ETHUSDT is not listed on Binance any more")
        await scene.follow()
        picture = await scene.until(lambda p: quiet(p) and p.orders, "it trades")
        assert {one.symbol for one in picture.orders} == {"BTCUSDT"}
        await scene.until(lambda p: not p.residual_pending, "its executions, now listed as income, are booked once")
        assert not scene.look().blockers, "nor does anything hold that was the reason of what is gone"
        assert (await scene.stop()).exit_code == 0

    live_through(story, tmp_path, market=market, symbols=BOTH)


def test_coins_of_what_was_taken_off_keep_neither_the_others_from_trading_nor_a_stop_from_its_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_watch, "EVERY", 10.0)
    monkeypatch.setattr(listing_watch, "CONFIRM", 5.0)

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.carry(0.985, "ETHUSDT")
        await scene.until(lambda p: p.symbols["ETHUSDT"].lots, "a lot")
        take_off(scene, monkeypatch)
        deny(scene, monkeypatch)
        said = "what Binance has changed is not taken up, and the bot goes by what was before: ETHUSDT"
        await scene.until(lambda p: scene.saw(said), "it is said")
        picture = await scene.until(lambda p: not any(one.symbol == "ETHUSDT" for one in p.orders), "its orders ended")
        assert not [one for one in picture.blockers if not one.symbol]
        result = await scene.stop()
        assert result.exit_code == 6
        assert "positions left (ETHUSDT" in result.text
        assert "verified on the exchange" in result.text
        assert "NOT verified" not in result.text

    live_through(story, tmp_path, market=Market.SPOT, symbols=BOTH)


def test_its_fills_and_its_dust_are_shown_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.carry(0.985, "ETHUSDT")
        await scene.until(lambda p: p.symbols["ETHUSDT"].lots, "a lot")
        scene.order(CommandKind.FLATTEN, symbol="ETHUSDT")
        await scene.until(lambda p: not p.symbols["ETHUSDT"].lots, "it is flat but for dust")
        await scene.leave()
        take_off(scene, monkeypatch)
        await scene.start()
        picture = await scene.until(lambda p: any(one.symbol == "BTCUSDT" for one in p.orders), "it trades")
        assert {fill.symbol for fill in picture.fills} == {"ETHUSDT"}
        result = await scene.stop()
        assert (result.exit_code, "dust: ETHUSDT 0.0000" in result.text) == (0, True), result.text

    live_through(story, tmp_path, market=Market.SPOT, symbols=BOTH)


def test_what_is_held_of_it_needs_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.carry(0.994, "ETHUSDT")
        await scene.until(lambda p: p.symbols["ETHUSDT"].lots, "a lot")
        await scene.leave()
        take_off(scene, monkeypatch)
        with pytest.raises(RunRefused, match="ETHUSDT is not listed on Binance any more, and the ledger holds") as why:
            await scene.start()
        assert why.value.exit_code == 4

    live_through(story, tmp_path, symbols=BOTH)


def test_a_name_that_was_never_traded_is_a_slip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(scene: Scene) -> None:
        take_off(scene, monkeypatch)
        with pytest.raises(RunRefused, match="ETHUSDT: no USD-M perpetual of that name"):
            await scene.start()

    live_through(story, tmp_path, symbols=BOTH)
