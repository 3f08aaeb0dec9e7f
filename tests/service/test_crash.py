"""A process that dies at any moment is a non-event: judged by the exchange's own books."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.units import HOUR, MINUTE, Ms
from tests.service.living import (
    NAME,
    Killed,
    Living,
    Order,
    books,
    contradictions,
    copied,
    live_once,
    options,
    picture,
    standing,
)


def die_at(bot: Living, moment: int) -> None:
    """Let the bot die before or after the given one of its steps: deciding, writing, sending, being executed."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == moment:
            raise Killed

    def between(of: object, name: str) -> None:
        whole: Callable[..., Any] = getattr(of, name)

        def halved(*args: Any, **named: Any) -> Any:
            step()
            result = whole(*args, **named)
            step()
            return result

        setattr(of, name, halved)

    parts = bot.parts
    assert parts.books is not None
    between(parts.engine, "handle")
    between(parts.store, "append")
    between(parts.world, "send")
    between(parts.books, "write")


async def stopped(bot: Living) -> None:
    """Stop it, and let it close what it holds."""
    bot.parts.session.request_stop("stop", keep_positions=False)
    await bot.days(0.1)


async def through(home: Path, until: Ms, seed: int, rarely: int) -> int:
    """Live to ``until`` and die on the way, again and again; how often."""
    chance, deaths = random.Random(seed), 0
    while True:
        bot = Living(options(home))
        die_at(bot, chance.randint(1, rarely))
        try:
            async with bot:
                await bot.run(until)
                return deaths
        except Killed:
            deaths += 1
            bot.crash()


def now_of(home: Path) -> Ms:
    return books(home).at


def grid(home: Path) -> list[Order]:
    """What stands, but for the stops: their triggers follow a peak that may lie between two points of equity."""
    return [one for one in standing(home) if one[4] is None]


def test_a_bot_that_dies_again_and_again_ends_where_an_undisturbed_one_does(warmed: Path, tmp_path: Path) -> None:
    begin = now_of(warmed)
    until = begin + 12 * HOUR
    quiet, dying = copied(warmed, tmp_path / "quiet"), copied(warmed, tmp_path / "dying")
    live_once(options(quiet), lambda bot: bot.run(until))
    deaths = asyncio.run(through(dying, until, 1, 3_000))
    assert deaths >= 5
    assert contradictions(quiet) == contradictions(dying) == []
    assert grid(quiet) == grid(dying)
    one, other = books(quiet), books(dying)
    assert one.positions == other.positions
    assert one.balances == other.balances
    assert [(t.at, t.symbol, t.side, t.price, t.steps) for t in one.trades] == [
        (t.at, t.symbol, t.side, t.price, t.steps) for t in other.trades
    ]


def test_a_restart_sends_nothing_and_shows_the_same_picture(home: Path) -> None:
    pictures: list[dict[str, object]] = []

    async def look(bot: Living) -> None:
        await bot.days(0.5)
        pictures.append(picture(bot))
        bot.crash()

    live_once(options(home), look)
    before = books(home)
    live_once(options(home), lambda bot: pictures.append(picture(bot)))
    assert books(home).open_orders == before.open_orders
    first, second = pictures
    for one in (first, second):
        one.pop("drawdown")  # known to the last point of the curve, not to the last bar
    assert first == second


def test_what_was_never_said_to_be_written_is_asked_of_the_exchange(home: Path, warmed: Path, tmp_path: Path) -> None:
    """The bot's database as it was half a day ago: everything since is only in the exchange's books."""
    ahead = copied(warmed, tmp_path / "ahead")
    live_once(options(ahead), lambda bot: bot.days(0.5))
    for name in ("exchange.db", "exchange.db-wal", "exchange.db-shm"):
        source = ahead / "sim-futures-main-usdt" / name
        target = home / "sim-futures-main-usdt" / name
        target.unlink(missing_ok=True)
        if source.exists():
            target.write_bytes(source.read_bytes())
    assert contradictions(home)
    live_once(options(home), lambda bot: bot.run(now_of(ahead) + HOUR))
    assert contradictions(home) == []


def test_under_another_name_a_bot_does_not_leave_its_own_orders_to_nobody(home: Path) -> None:
    live_once(options(home), lambda bot: bot.days(0.1))
    assert standing(home)
    with pytest.raises(RunRefused, match="would take them for another bot's") as refused:
        Living(options(home, ("bot.name", "xx")))
    assert refused.value.exit_code == 4
    live_once(options(home), stopped)
    assert not standing(home)
    live_once(options(home, ("bot.name", "xx")), lambda bot: bot.days(0.1))
    assert standing(home)
    assert {order.client_id[:2] for order in books(home).open_orders} == {"xx"}


def test_under_another_kind_of_grid_no_lot_is_taken_for_one_of_its_levels(home: Path) -> None:
    other = options(home, ("ladder.kind", "geometric"), ("ladder.plain.side", "neutral"))
    live_once(options(home), lambda bot: bot.days(0.1))
    with pytest.raises(RunRefused, match="can come only on a flat book: start it as adaptive") as refused:
        Living(other)
    assert refused.value.exit_code == 4
    async def started(bot: Living) -> None:
        await bot.run(now_of(home) + 2 * MINUTE)
        plans = [state.plan for state in bot.parts.engine.desk.symbols.values()]
        assert {plan.kind for plan in plans if plan is not None} == {"geometric"}, "at once, not at the next hour"

    live_once(options(home), stopped)
    assert not standing(home)
    live_once(other, started)


def test_a_flat_profile_that_has_begun_refuses_another_capital(home: Path) -> None:
    """Its books count from the one they began with: a smaller one would have limited nothing, unsaid."""
    live_once(options(home), stopped)
    for capital in ("2500", "10000.01"):
        with pytest.raises(RunRefused, match=rf"sizes by the 10000 USDT .* bot.capital is {capital} now") as refused:
            Living(options(home, ("bot.capital", capital)))
        assert refused.value.exit_code == 4
    begun = Living(options(home, ("bot.capital", "10000")))
    assert not begun.parts.crashed, "a start that was refused is no crash"
    begun.parts.close_now(clean=True)
    live_once(options(home), lambda bot: bot.days(0.01))


def test_a_start_that_cannot_read_the_exchange_s_books_is_no_crash_either(home: Path) -> None:
    books_file = home / NAME / "exchange.db"
    kept = books_file.read_bytes()
    books_file.write_bytes(b"no books of any kind" * 500)
    with pytest.raises(RunRefused, match="books cannot be used"):
        Living(options(home))
    books_file.write_bytes(kept)
    begun = Living(options(home))
    begun.crash()
    assert not begun.parts.crashed


@pytest.mark.parametrize("empty", [False, True])
def test_an_exchange_that_has_forgotten_all_is_not_traded_on(home: Path, empty: bool) -> None:
    """Its market began anew, weeks before what the bot remembers: every order was refused, and what it stated was
    held beside a residual of nothing."""
    books_file = home / NAME / "exchange.db"
    for part in (home / NAME).glob("exchange.db*"):
        part.unlink()
    if empty:
        books_file.touch()
    with pytest.raises(RunRefused, match="they are gone, or hold nothing, while gridbot") as refused:
        Living(options(home))
    assert refused.value.exit_code == 4
    assert books_file.exists() is empty


def test_what_is_held_is_minded_under_another_capital_too_and_that_is_said(home: Path) -> None:
    """A config that was edited while the bot ran must not keep a restart from its positions."""

    async def started(bot: Living) -> None:
        await bot.days(0.01)
        said = {event.code: event.text for event in bot.parts.session.snapshot().events}
        assert "its whole wallet then) that it began with, and bot.capital is 2500 now" in said["capital"]
        assert bot.parts.engine.desk.ledger.allotted == 10_000

    live_once(options(home, ("bot.capital", "2500")), started)
    assert standing(home)
