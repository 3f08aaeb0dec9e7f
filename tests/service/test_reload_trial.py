import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gridbot_tui.control.command import Command, CommandKind, CommandOutcome
from gridbot_tui.engine import invariants, planning
from gridbot_tui.engine.desk import Desk
from gridbot_tui.units import HOUR, MINUTE
from tests.service.living import Living, options

OLD = "# mine\n[ladder]\nskew = 1.0\n"
NEW = "# mine\n[ladder]\nskew = 0.7\n"
WIDER = "[ladder]\nspacing_neutral = 3.0\n"

pytestmark = pytest.mark.slow


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(OLD)
    return path


def with_bot(file: Path, home: Path, work: Callable[[Living], Awaitable[None]]) -> None:
    async def go() -> None:
        async with Living(options(home, config=file)) as bot:
            await work(bot)

    asyncio.run(go())


def give(bot: Living, kind: CommandKind, base: int | None = None, **args: str) -> CommandOutcome:
    return bot.parts.reloader.command(Command("1", kind, args, base), bot.parts.engine.now)


def skew(bot: Living) -> float:
    return bot.parts.engine.desk.config.ladder.skew


def text_of(file: Path) -> str:
    return file.read_text()


def events(bot: Living) -> str:
    return "\n".join(one.text for one in bot.parts.picture.snapshot().events)


async def past_a_decision(bot: Living) -> None:
    await bot.run((bot.parts.engine.now // HOUR + 1) * HOUR + 2 * MINUTE)


def test_a_preview_says_keys_orders_and_what_if_and_changes_nothing(file: Path, tmp_path: Path) -> None:
    async def work(bot: Living) -> None:
        before = bot.parts.engine.encode_state()
        outcome = give(bot, CommandKind.APPLY, text=WIDER, preview="true")
        assert outcome.ok
        assert "ladder.spacing_neutral: 2.2 -> 3.0" in outcome.detail["changes"]
        for line in outcome.detail["desired"].splitlines():
            counts = [int(word) for word in re.findall(r"(?:cancel|create|keep) (\d+)", line)]
            assert all(counts), line  # wider apart: what leaves is put again, once it has left
        assert "filled: margin " in outcome.detail["what_if"]
        assert "liquidation" in outcome.detail["what_if"]
        assert bot.parts.engine.encode_state() == before
        assert (skew(bot), text_of(file)) == (1.0, OLD)

    with_bot(file, tmp_path / "home", work)


def test_a_good_config_is_on_trial_until_its_first_decision_and_stays(file: Path, tmp_path: Path) -> None:
    async def work(bot: Living) -> None:
        version = bot.parts.reloader.version
        assert give(bot, CommandKind.APPLY, version, text=NEW).ok
        assert bot.parts.bot.rehearse is not None
        await past_a_decision(bot)
        assert bot.parts.bot.rehearse is None
        assert (skew(bot), bot.parts.reloader.version, text_of(file)) == (0.7, version + 1, NEW)
        assert not give(bot, CommandKind.APPLY, version, text=OLD).ok

    with_bot(file, tmp_path / "home", work)


def test_a_decision_that_breaks_a_promise_is_never_made_and_the_old_config_decides(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(desk: Desk) -> object:
        if desk.config.ladder.skew == 0.7 and any(s.plan and s.plan.at % HOUR < MINUTE for s in desk.symbols.values()):
            last = max(s.plan.at for s in desk.symbols.values() if s.plan)
            if last > applied[0]:
                yield "a lie"

    async def work(bot: Living) -> None:
        version = bot.parts.reloader.version
        applied[0] = bot.parts.engine.now
        assert give(bot, CommandKind.APPLY, version, text=NEW).ok
        await past_a_decision(bot)
        assert (skew(bot), bot.parts.reloader.version) == (1.0, version + 2)
        assert text_of(file) == OLD
        assert text_of(file.with_name("config.toml.bak1")) == NEW
        assert "taken back before its first decision: always true: a lie" in events(bot)
        assert "a lie" in bot.parts.reloader.last_error
        assert [row.version for row in bot.parts.store.configs(limit=2)] == [version + 2, version + 1]
        await past_a_decision(bot)
        assert not invariants.violations(bot.parts.engine.desk)

    applied = [0]
    broken = invariants.Invariant("always_true", 0, check)  # type: ignore[arg-type]
    monkeypatch.setattr(invariants, "INVARIANTS", (*invariants.INVARIANTS, broken))
    with_bot(file, tmp_path / "home", work)


def test_a_decision_that_raises_is_never_made_and_the_old_config_decides(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = planning.renew

    def renew(desk: Desk, decided: list) -> None:
        if armed and decided and desk.config.ladder.skew == 0.7:
            raise ZeroDivisionError("no spacing")
        real(desk, decided)

    async def work(bot: Living) -> None:
        assert give(bot, CommandKind.APPLY, text=NEW).ok
        armed.append(True)
        await past_a_decision(bot)
        assert skew(bot) == 1.0
        assert "the decision fails (ZeroDivisionError: no spacing)" in events(bot)
        plans = [state.plan for state in bot.parts.engine.desk.symbols.values()]
        assert all(plan is not None and bot.parts.engine.now - plan.at < HOUR for plan in plans)

    armed: list[bool] = []
    monkeypatch.setattr(planning, "renew", renew)
    with_bot(file, tmp_path / "home", work)


def test_a_config_under_which_nothing_can_be_decided_is_refused_at_once(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = planning.renew_all

    def renew_all(desk: Desk) -> None:
        if desk.config.ladder.skew == 0.7:
            raise ZeroDivisionError("no spacing")
        real(desk)

    async def work(bot: Living) -> None:
        outcome = give(bot, CommandKind.APPLY, text=NEW)
        assert not outcome.ok
        assert "no decision is possible" in outcome.text
        assert (skew(bot), text_of(file)) == (1.0, OLD)

    monkeypatch.setattr(planning, "renew_all", renew_all)
    with_bot(file, tmp_path / "home", work)


def test_a_second_edit_before_the_first_decision_falls_back_to_what_was_proved(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = planning.renew

    def renew(desk: Desk, decided: list) -> None:
        if armed and decided and desk.config.ladder.skew < 1.0:
            raise ZeroDivisionError("no spacing")
        real(desk, decided)

    async def work(bot: Living) -> None:
        assert give(bot, CommandKind.APPLY, text=NEW).ok
        assert give(bot, CommandKind.APPLY, text=NEW.replace("0.7", "0.8")).ok
        armed.append(True)
        await past_a_decision(bot)
        assert skew(bot) == 1.0

    armed: list[bool] = []
    monkeypatch.setattr(planning, "renew", renew)
    with_bot(file, tmp_path / "home", work)


def test_an_edit_on_another_version_is_told_and_nothing_changes(file: Path, tmp_path: Path) -> None:
    async def work(bot: Living) -> None:
        outcome = give(bot, CommandKind.APPLY, bot.parts.reloader.version + 7, text=NEW)
        assert not outcome.ok
        assert "look at the new one first" in outcome.text
        assert skew(bot) == 1.0

    with_bot(file, tmp_path / "home", work)


def test_limits_drawn_tighter_than_the_drawdown_of_now_hold_at_once_and_the_preview_says_so(
    file: Path, tmp_path: Path
) -> None:
    async def work(bot: Living) -> None:
        engine = bot.parts.engine
        while not engine.open_positions():
            await bot.run(bot.parts.world.now + HOUR)
        engine.desk.tiers.peak = engine.desk.tiers.value / 0.96
        engine.desk.tiers.average = 0.03
        assert give(bot, CommandKind.APPLY, text="[risk]\ntier1_enter = 0.03\n").ok
        assert engine.desk.tiers.tier == 1
        tight = "[risk]\ntier1_enter = 0.01\ntier1_leave = 0.005\ntier2_enter = 0.02\ntier2_leave = 0.01\n"
        tight += "tier3_enter = 0.039\n"
        held = next(iter(engine.open_positions()))
        seen = give(bot, CommandKind.APPLY, text=tight, preview="true")
        assert seen.ok, seen.text
        assert re.search(rf"{held}: .*create 0, .*then (buy|sell) \S+ \w+ by market: tier3", seen.detail["desired"])
        assert give(bot, CommandKind.APPLY, text=tight).ok
        await bot.run(bot.parts.world.now + 3 * MINUTE)
        assert engine.desk.tiers.halted
        assert not engine.open_positions()

    with_bot(file, tmp_path / "home", work)
