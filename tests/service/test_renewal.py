"""Filters that change under a bot that trades: taken up by a run that follows in the same process."""

import asyncio
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gridbot_tui.control.command import CommandKind
from gridbot_tui.exchange.binance import listing_watch
from gridbot_tui.service import app
from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.service.options import InForce, RunOptions, RunResult
from gridbot_tui.service.venues.venue import Venue
from gridbot_tui.units import Market, Mode
from tests.service.wire_scene import SYMBOL, Scene, live_through

WITHIN_S = 60.0


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_watch, "EVERY", 10.0)
    monkeypatch.setattr(listing_watch, "CONFIRM", 5.0)


def relist(scene: Scene, **changes: Any) -> None:
    """The exchange goes by other filters from now on, and so do its books."""
    desk = scene.served.account.futures or scene.served.account.spot
    assert desk is not None
    tape = scene.served.app.place.floors[scene.market.value].tapes[SYMBOL]
    venue = desk.venues[SYMBOL]
    tape.instrument = venue.instrument = replace(tape.instrument, **changes)


def lots(scene: Scene) -> set[tuple[int, int]]:
    """What is held, in the ticks and steps of the run."""
    return {(lot.price, lot.steps) for lot in scene.parts.engine.desk.ledger.book(SYMBOL).lots}


def ident(row: dict[str, Any]) -> str:
    """The name that we gave an order."""
    return str(row.get("clientAlgoId") or row["clientOrderId"])


def price_of(row: dict[str, Any]) -> Decimal:
    """Where an order rests or waits."""
    return Decimal(row.get("triggerPrice") or row["price"])


async def bought(scene: Scene) -> None:
    """Until something is held that was bought on the way down."""
    for share in (0.99, 0.98, 0.97, 0.96):
        scene.carry(share)
        await scene.agreed()
        if lots(scene):
            return
    pytest.fail("nothing was bought")


@pytest.mark.parametrize("market", list(Market))
def test_a_coarser_tick_is_taken_up_with_what_is_held_and_trading_goes_on(market: Market, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        await bought(scene)
        before = lots(scene)
        tick = scene.parts.engine.desk.instruments[SYMBOL].tick
        relist(scene, price_every=100)
        standing = {ident(row) for row in scene.standing()}
        old = {ident(row) for row in scene.orders()}
        result = await scene.gone(WITHIN_S)
        assert result.exit_code == 0, result
        assert {ident(row) for row in scene.standing()} == standing, "orders rest meanwhile"
        await scene.follow()
        await scene.agreed()
        now = scene.parts.engine.desk.instruments[SYMBOL]
        assert (now.tick, now.price_every) == (tick, 100)
        assert lots(scene) == before
        scene.forget()
        booked = scene.trades()
        for share in (0.96, 0.94, 0.97, 1.0):
            scene.carry(share)
            await scene.agreed()
        assert scene.trades() > booked
        assert not any("refused" in text for text in scene.seen), scene.seen
        fresh = [row for row in scene.orders() if ident(row) not in old]
        assert fresh
        assert [row for row in fresh if price_of(row) % (100 * tick)] == []
        stopped = await scene.stop()
        assert stopped.exit_code == 0, stopped

    live_through(story, tmp_path, market=market)


def test_a_stop_asked_for_is_carried_out_and_nothing_follows_it(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        await bought(scene)
        relist(scene, price_every=10)
        scene.order(CommandKind.STOP)
        result = await scene.ended()
        assert result.exit_code == 0, result
        assert await scene.parts.next_run() is None

    live_through(story, tmp_path)


def test_a_stop_that_comes_while_the_run_is_leaving_is_carried_on_by_the_next(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        await bought(scene)
        parts = scene.parts
        leave = parts._renewal._leave

        def leave_and_stop() -> None:
            leave()
            parts.session.request_stop("late", keep_positions=False)

        parts._renewal._leave = leave_and_stop
        relist(scene, price_every=10)
        await scene.gone(WITHIN_S)
        await scene.follow()
        result = await scene.ended()
        assert result.exit_code == 0, result
        assert not scene.holds()
        assert scene.standing() == []

    live_through(story, tmp_path)


def test_what_cannot_be_counted_in_the_new_step_leaves_the_run_as_it_is_and_says_so(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        await bought(scene)
        before = lots(scene)
        tape = scene.served.app.place.floors[scene.market.value].tapes[SYMBOL]
        tape.instrument = replace(tape.instrument, step=7 * tape.instrument.step)
        await scene.until(lambda _: scene.saw("is not taken up, and the bot goes by what was before"), "said")
        assert scene.saw("quantity step from")
        assert lots(scene) == before
        stopped = await scene.stop()
        assert stopped.exit_code in (0, 6)

    live_through(story, tmp_path)


def test_a_defect_on_the_way_is_said_and_ends_nothing(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()

        def fails(_: Venue) -> str:
            raise ZeroDivisionError("one too many")

        scene.parts._renewal._objection = fails
        relist(scene, max_orders=100)
        await scene.until(lambda _: scene.saw("what was before: a defect of gridbot (ZeroDivisionError"), "said")
        stopped = await scene.stop()
        assert stopped.exit_code == 0, stopped

    live_through(story, tmp_path)


def test_a_change_that_a_second_look_does_not_find_is_none(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        tape = scene.served.app.place.floors[scene.market.value].tapes[SYMBOL]
        was = tape.instrument
        tape.instrument = replace(was, max_orders=100)
        await scene.until(lambda _: scene.saw("number of orders"), "said")
        tape.instrument = was
        await asyncio.sleep(60.0)
        assert not scene.saw("begins anew")
        await scene.agreed()

    live_through(story, tmp_path)


class Run:
    """A run that ends, and what follows it."""

    def __init__(self, name: str, following: "Run | Exception | None") -> None:
        self._name = name
        self._following = following

    async def run(self, *_: object, **__: object) -> RunResult:
        return RunResult(0, None, self._name)

    def signalled(self, name: str) -> None:
        """No signal comes."""

    async def next_run(self) -> "Run | None":
        if isinstance(self._following, Exception):
            raise self._following
        return self._following


@pytest.mark.parametrize(
    ("following", "code", "text"),
    [(None, 0, "first"), (Run("second", None), 0, "second"), (RunRefused("the key is gone", 4), 4, "the key is gone")],
)
async def test_the_last_run_says_how_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, following: "Run | Exception | None", code: int, text: str
) -> None:
    async def parts(*_: object, **__: object) -> Run:
        return Run("first", following)

    monkeypatch.setattr(app, "_parts", parts)
    result = await app.run(RunOptions(mode=Mode.SIM, home=tmp_path))
    assert (result.exit_code, result.text) == (code, text)


@pytest.mark.parametrize(
    ("handed_over", "refused", "code"),
    [
        (True, RunRefused("the exchange cannot be reached", 1), 0),
        (True, RunRefused("the account is in hedge mode", 4), 4),
        (False, RunRefused("the exchange cannot be reached", 1), 1),
    ],
)
async def test_a_bot_that_was_handed_over_is_started_again_where_that_may_succeed_and_somebody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handed_over: bool, refused: RunRefused, code: int
) -> None:
    async def parts(*_: object, **__: object) -> Run:
        if len(told) < 3:
            raise refused
        return Run("it trades", None)

    async def tell(plan: object, profile: object, text: str) -> None:
        told.append(text)

    told: list[str] = []
    monkeypatch.setattr(app, "AGAIN_S", 0.0)
    monkeypatch.setattr(app, "_parts", parts)
    monkeypatch.setattr(app, "_tell_refusal", tell)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    options = RunOptions(mode=Mode.SIM, home=tmp_path, in_force=InForce(None, "") if handed_over else None)
    result = await app.run(options, own_signals=True)
    assert result.exit_code == code
    assert told == [str(refused)] * (3 if code == 0 else 1)
