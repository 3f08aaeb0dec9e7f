"""The graceful stop ends in proof from the exchange, or says what is left."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.control.command import Command, CommandKind, CommandOutcome
from gridbot_tui.exchange.port import AskAccount, AskBars, AskCash, Place, Query, Reply
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.service.dialogs.shutdown import Shutdown
from gridbot_tui.service.virtual import VirtualParts
from tests.service.living import Living, books, contradictions, copied, live_once, options


def holds_much(bot: Living) -> bool:
    return bool(bot.parts.engine.open_positions())


async def until_it_holds(bot: Living) -> None:
    for _ in range(200):
        if holds_much(bot):
            return
        await bot.days(1 / 48)
    raise AssertionError("never held a position")


def stop(bot: Living, *, keep: bool = False) -> None:
    bot.parts.session.request_stop("stop", keep_positions=keep)


def refuse_all(parts: VirtualParts) -> None:
    """From now on the exchange takes no order."""

    def refused(*_: object, **__: object) -> Refusal:
        return Refusal(-4131, "no")

    parts.world.exchange.place = refused  # type: ignore[method-assign]


def test_what_could_not_be_closed_is_listed_and_the_exit_code_says_so(home: Path) -> None:
    async def go(bot: Living) -> None:
        await until_it_holds(bot)
        refuse_all(bot.parts)
        begun = bot.parts.engine.now
        stop(bot)
        await bot.days(1)
        report = bot.parts.bot.report
        assert report is not None
        assert report.exit_code == 6
        assert report.verified
        assert dict(report.positions) == bot.parts.engine.open_positions() != {}
        stops = {one.client_id for one in books(home).open_orders}
        assert set(report.open_orders) == stops  # what is still held stays protected
        assert "positions left" in report.text
        assert bot.parts.engine.now - begun < 3_600_000
        result = bot.parts._result()
        assert result.exit_code == 6
        for symbol, quantity in report.positions:
            assert f"{symbol} {quantity}" in result.text

    live_once(options(home), go)
    assert books(home).positions != {}


def test_a_stop_that_could_not_close_is_carried_on_by_the_next_start_and_the_one_after_it_trades(home: Path) -> None:
    """A supervisor starts what ended with 6 again: it must not take new risk after somebody said stop."""
    ends: list[int] = []

    async def refused(bot: Living) -> None:
        await until_it_holds(bot)
        refuse_all(bot.parts)
        stop(bot)
        await bot.days(1)
        ends.append(bot.parts._result().exit_code)

    async def again(bot: Living) -> None:
        await bot.days(1)
        ends.append(bot.parts._result().exit_code)

    async def after(bot: Living) -> None:
        await bot.days(0.2)
        assert (bot.parts.bot.report, bot.parts.engine.shutdown_intent) == (None, "")

    live_once(options(home), refused)
    live_once(options(home), again)
    assert ends == [6, 0]
    assert (books(home).open_orders, books(home).positions) == ((), {})
    live_once(options(home), after)


def silent(bot: Living, *kinds: type[Query]) -> None:
    """Questions of these kinds time out."""
    send = bot.parts.world.send

    def halved(request: Any) -> None:
        if isinstance(request, kinds):
            at = bot.parts.world.now + 1_000
            bot.parts.world.timer(at, Reply(request.request_id, at, error="timeout"))
        else:
            send(request)

    bot.parts.world.send = halved  # type: ignore[method-assign]


def test_no_answer_is_no_proof(home: Path) -> None:
    async def go(bot: Living) -> None:
        await until_it_holds(bot)
        silent(bot, AskAccount)
        stop(bot)
        await bot.days(1)
        report = bot.parts.bot.report
        assert report is not None
        assert (report.verified, report.exit_code) == (False, 6)
        assert "NOT verified" in report.text

    live_once(options(home), go)


class Nothing:
    """Of an account that is flat, as far as the bot knows."""

    def standing(self) -> list[str]:
        return []

    def kept_stops(self) -> list[str]:
        return []

    def open_positions(self) -> dict[str, str]:
        return {}

    dust = others = gone = open_positions
    held_up = standing


@pytest.mark.parametrize("hurried", [False, True])
def test_a_question_that_nobody_answers_holds_a_stop_no_longer_than_a_stage(hurried: bool) -> None:
    """It waits where requests are shut (a long Retry-After), and neither fails nor is answered."""
    asked: list[object] = []
    plan = Shutdown(Nothing(), asked.append, keep_positions=False, stage_budget=75_000, at=0)
    assert plan.poll(0) is None
    if hurried:
        plan.hurry(0)
    assert plan.poll(74_000) is None, "a second signal shortens what is done, not the proof"
    report = plan.poll(75_000)
    assert report is not None
    assert (report.exit_code, report.verified, len(asked)) == (6, False, 1)
    assert "NOT verified" in report.text


def test_a_stop_that_cannot_be_verified_says_why() -> None:
    plan = Shutdown(Nothing(), lambda answered: answered(None, None, "-2015: the key is wrong"), keep_positions=False,
                    stage_budget=75_000, at=0)  # fmt: skip
    for now in range(0, 76_000, 1_000):
        report = plan.poll(now)
    assert report is not None
    silent = "NOT verified: the exchange did not answer (-2015: the key is wrong)"
    assert report.text.endswith(f"{silent}; the next start carries the stop on")


def test_a_second_signal_hurries_but_never_skips_the_verification(home: Path) -> None:
    took = []

    async def go(bot: Living, *, twice: bool) -> None:
        await until_it_holds(bot)
        refuse_all(bot.parts)
        begun = bot.parts.engine.now
        stop(bot)
        if twice:
            stop(bot)
        await bot.days(1)
        report = bot.parts.bot.report
        assert report is not None
        assert report.verified
        took.append(bot.parts.bot.engine.now - begun)

    other = copied(home, home.parent / "other")
    live_once(options(home), lambda bot: go(bot, twice=False))
    live_once(options(other), lambda bot: go(bot, twice=True))
    assert took[1] < took[0]


def test_a_second_command_waits_with_the_first_and_does_not_cut_it_short(home: Path) -> None:
    """Who came back with a larger --timeout, or a script that tries again, left what a stop had time to close."""
    told: list[CommandOutcome] = []

    async def go(bot: Living) -> None:
        await until_it_holds(bot)
        session = bot.parts.session
        for number in ("1", "2", "3"):
            assert session.submit(Command(number, CommandKind.STOP), "test").ok
        shutdown = bot.parts.bot.shutdown
        assert shutdown is not None
        assert not shutdown.hurried
        await bot.days(1)
        assert bot.parts._result().exit_code == 0
        told.extend([await session.outcome(number) for number in ("1", "2", "3")])

    live_once(options(home), go)
    assert [outcome.ok for outcome in told] == [True, True, True]
    assert books(home).positions == {}


def test_who_wants_it_flat_while_it_stops_with_positions_kept_is_told_that_they_are(home: Path) -> None:
    told: list[CommandOutcome] = []

    async def go(bot: Living) -> None:
        await until_it_holds(bot)
        stop(bot, keep=True)
        assert bot.parts.session.submit(Command("flat", CommandKind.STOP), "test").ok
        await bot.days(1)
        assert bot.parts._result().exit_code == 0
        told.append(await bot.parts.session.outcome("flat"))

    live_once(options(home), go)
    assert not told[0].ok
    assert "positions kept" in told[0].text
    assert books(home).positions != {}


def test_a_stop_asked_for_in_the_recovery_waits_for_no_candles_and_is_not_hurried(home: Path) -> None:
    async def dies(bot: Living) -> None:
        await until_it_holds(bot)
        bot.crash()

    live_once(options(home), dies)

    async def go() -> None:
        bot = Living(options(home))
        send = bot.parts.world.send

        def without_bars(request: Any) -> None:
            if not isinstance(request, AskBars):
                send(request)

        bot.parts.world.send = without_bars  # type: ignore[method-assign]
        async with bot:
            await bot.run(bot.parts.world.now + 5_000)
            assert not bot.parts.bot.recovered
            stop(bot)
            await bot.run(bot.parts.world.now + 60_000)
            report, shutdown = bot.parts.bot.report, bot.parts.bot.shutdown
            assert report is not None, "it still waits"
            assert shutdown is not None
            assert (report.exit_code, shutdown.hurried) == (0, False)

    asyncio.run(go())
    assert (books(home).open_orders, books(home).positions) == ((), {})
    assert contradictions(home) == []


@pytest.mark.parametrize(("hurried", "within"), [(False, 300_000), (True, 30_000)])
@pytest.mark.parametrize("hangs", [True, False])
def test_a_stop_in_a_recovery_that_gets_no_answer_ends_within_a_stage_and_the_next_start_carries_it_on(
    home: Path, hurried: bool, within: int, hangs: bool
) -> None:
    """A question that hangs and one that fails again and again: either way nobody knows what there is to close. In
    virtual time a stage is of five bars, and a look at it is taken once a bar."""

    async def dies(bot: Living) -> None:
        await until_it_holds(bot)
        bot.crash()

    live_once(options(home), dies)

    async def go() -> None:
        bot = Living(options(home))
        world = bot.parts.world
        send = world.send

        def silent(request: Any) -> None:
            if not isinstance(request, AskCash):
                send(request)
            elif not hangs:
                at = world.now + 1_000
                world.timer(at, Reply(request.request_id, at, error="timeout"))

        world.send = silent  # type: ignore[method-assign]
        async with bot:
            await bot.run(world.now + 5_000)
            assert not bot.parts.bot.recovered
            stop(bot)
            if hurried:
                bot.parts.session.request_stop("again", keep_positions=False)
            asked = world.now
            await bot.run(asked + within - 1_000)
            assert bot.parts.bot.report is None, "an answer may still come"
            await bot.run(asked + 2 * within + 61_000)
            result = bot.parts._result()
            assert (result.exit_code, bot.parts.bot.failure) == (6, "")
            assert "NOT verified: the exchange did not answer" in result.text
            assert result.text.endswith("the next start carries the stop on")
            bot.crash()

    asyncio.run(go())
    ends: list[Any] = []

    async def again(bot: Living) -> None:
        await bot.days(1)
        ends.append(bot.parts._result())

    live_once(options(home), again)
    assert [end.exit_code for end in ends] == [0], ends
    assert (books(home).open_orders, books(home).positions) == ((), {})
    assert contradictions(home) == []


def test_a_stop_in_a_recovery_has_its_time_from_the_recovery_on_and_each_new_answer_prolongs_it() -> None:
    plan = Shutdown(Nothing(), lambda answered: None, keep_positions=False, stage_budget=75_000, at=0)
    plan.asks(1_000_000)
    plan.heard(1_070_000, "")
    plan.heard(1_140_000, "timeout")
    plan.asks(1_141_000)
    plan.heard(1_142_000, "")
    plan.heard(1_144_000, "timeout")
    assert plan.recovering(1_144_999) is None
    report = plan.recovering(1_145_000)
    assert report is not None, "asked anew, what was answered before is no progress"
    assert "(timeout)" in report.text


def test_a_shutdown_is_carried_on_after_a_death_at_every_step_of_it(home: Path) -> None:
    for allowed in range(1, 8):
        one = copied(home, home.parent / f"death{allowed}")

        async def go(bot: Living, allowed: int = allowed) -> None:
            await until_it_holds(bot)
            sent = 0
            send = bot.parts.world.send

            def dying(request: Any) -> None:
                nonlocal sent
                sent += 1
                if sent <= allowed:
                    send(request)

            bot.parts.world.send = dying  # type: ignore[method-assign]
            stop(bot)
            bot.crash()

        live_once(options(one), go)
        ends: list[Any] = []

        async def again(bot: Living, ends: list[Any] = ends) -> None:
            await bot.days(1)
            ends.append(bot.parts._result())

        live_once(options(one), again)
        assert [end.exit_code for end in ends] == [0], ends
        assert (books(one).open_orders, books(one).positions) == ((), {})
        assert contradictions(one) == []


def test_a_stop_that_keeps_positions_reports_them_and_leaves_their_stops(home: Path) -> None:
    async def go(bot: Living) -> None:
        await until_it_holds(bot)
        held = bot.parts.engine.open_positions()
        stop(bot, keep=True)
        await bot.days(0.1)
        report = bot.parts.bot.report
        assert report is not None
        assert report.exit_code == 0
        assert dict(report.positions) == held
        assert "kept" in report.text
        said.append(report.text)

    said: list[str] = []
    live_once(options(home), go)
    left = books(home).open_orders
    assert len(left) > 0
    stops = "the positions' stop" if len(left) == 1 else f"{len(left)} stops"
    assert said[0].startswith(f"0 orders left besides {stops}; ")
    assert {order.symbol for order in left} == set(books(home).positions)
    assert all(order.trigger is not None for order in left)


def test_an_order_of_the_grid_placed_by_another_hand_is_closed_too(home: Path) -> None:
    """Ours by its id, unknown here: the verification finds it on the exchange."""

    async def go(bot: Living) -> None:
        order = next(one for one in bot.parts.engine.desk.orders.all_live() if one.order.price)
        stop(bot)
        unknown = order.order.__class__(
            **{name: getattr(order.order, name) for name in order.order.__struct_fields__}
            | {"client_id": order.order.client_id + "z", "reduce_only": False}
        )
        bot.parts.world.send(Place(unknown))
        await bot.days(0.1)
        report = bot.parts.bot.report
        assert report is not None
        assert report.exit_code == 0

    live_once(options(home), go)
    assert books(home).open_orders == ()
