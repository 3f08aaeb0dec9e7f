"""A config that changes under a running bot: whole or not at all, shown before, written down as a version."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gridbot_tui.control.command import Command, CommandKind, CommandOutcome
from gridbot_tui.service.operator import reload
from gridbot_tui.service.operator.trial import Trial
from gridbot_tui.store.errors import StoreUnavailable
from tests.service.living import Living, options

PATIENCE_S = 60.0
"""Far more than anything takes, also on a busy machine."""
BASE = "# my own words\n[orders]\ndepth = 4\n\n[service]\nreconcile_s = 60.0\n"


@pytest.fixture(autouse=True)
def quick_to_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here writes as slowly as over a line."""
    monkeypatch.setattr(reload, "REST_S", 0.1)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "gridbot.toml"
    path.parent.mkdir()
    path.write_text(BASE)
    return path


@asynccontextmanager
async def bot_with(home: Path, config: Path) -> AsyncIterator[Living]:
    async with Living(options(home, config=config)) as bot:
        yield bot


def put(path: Path, text: str) -> None:
    path.write_text(text)


def text_of(path: Path) -> str:
    return path.read_text()


def configs(home: Path) -> list[Path]:
    return sorted(home.rglob("*.toml*"))


async def give(bot: Living, kind: CommandKind, base: int | None = None, **args: str) -> CommandOutcome:
    command = Command(os.urandom(4).hex(), kind, args, base)
    assert bot.parts.session.submit(command, "test").ok
    return await asyncio.wait_for(asyncio.ensure_future(bot.parts.session.outcome(command.id)), PATIENCE_S)


def version(bot: Living) -> int:
    return bot.parts.reloader.version


async def test_the_picture_has_the_limits_and_the_fee_that_are_in_force(home: Path, config: Path) -> None:
    async with bot_with(home, config) as bot:
        assert bot.parts.picture.snapshot().tier_limits == (0.05, 0.10, 0.15)
        put(config, BASE + "\n[risk]\ntier1_enter = 0.03\ntier2_enter = 0.08\ntier3_enter = 0.125\n")
        assert (await give(bot, CommandKind.RELOAD)).ok
        await bot.days(0.1)
        snapshot = bot.parts.picture.snapshot()
        assert snapshot.tier_limits == (0.03, 0.08, 0.125)
        assert snapshot.taker_fee == str(bot.parts.engine.desk.config.taker_fee)


async def test_a_config_that_is_applied_while_a_sim_lives_through_its_past_holds_behind_it(
    home: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = Living(options(home, config=config))
    bot.parts.start()

    async def past() -> None:
        put(config, BASE.replace("60.0", "120.0"))
        assert (await give(bot, CommandKind.RELOAD)).ok

    async def nothing_more() -> None:
        return

    monkeypatch.setattr(bot.parts, "live_through_history", past)
    monkeypatch.setattr(bot.parts.runner, "run", nothing_more)
    await bot.parts._trade()
    assert bot.parts.bot._reconcile_every == 120_000
    bot.parts.close_now(clean=True)


async def test_a_preview_shows_the_difference_and_changes_nothing(home: Path, config: Path) -> None:
    async with bot_with(home, config) as bot:
        before = version(bot)
        put(config, BASE.replace("depth = 4", "depth = 2"))
        shown = await give(bot, CommandKind.RELOAD, preview="true")
        assert shown.ok
        assert "orders.depth: 4 -> 2" in shown.detail["changes"]
        assert "cancel" in shown.detail["desired"]
        assert version(bot) == before
        assert bot.parts.engine.desk.config.orders.depth == 4


async def test_a_reload_is_a_version_that_acts_and_survives(home: Path, config: Path) -> None:
    async with bot_with(home, config) as bot:
        before = version(bot)
        put(config, BASE.replace("depth = 4", "depth = 1"))
        done = await give(bot, CommandKind.RELOAD)
        assert done.ok, done.text
        assert version(bot) == before + 1
        await bot.days(0.2)
        for view in bot.parts.picture.snapshot().symbols.values():
            entries = [rung for rung in view.ladder if rung.entry and rung.state == "resting"]
            assert sum(rung.side == "buy" for rung in entries) <= 1
        kept = bot.parts.store.configs(limit=2)
        assert [row.version for row in kept] == [before + 1, before]
        assert "depth = 1" in kept[0].text
    async with bot_with(home, config) as again:
        assert version(again) == before + 1


async def test_an_edit_that_environment_or_command_line_stand_over_is_told_to_be_none(home: Path, config: Path) -> None:
    over = ("risk.leverage_cap", "2")
    async with Living(options(home, over, config=config)) as bot:
        said = "risk.leverage_cap stays 2.0: --set risk.leverage_cap stands over the file"
        edited = BASE + "\n[risk]\nleverage_cap = 1.5\n"
        shown = await give(bot, CommandKind.APPLY, preview="true", text=edited)
        assert shown.ok
        assert shown.text.endswith(said)
        assert shown.detail == {"not in force": said}
        done = await give(bot, CommandKind.APPLY, text=edited.replace("depth = 4", "depth = 2"))
        assert done.ok
        assert done.text.endswith(f"1 key changed; {said}")
        assert bot.parts.engine.desk.gate.cap == 2.0
        same = await give(bot, CommandKind.APPLY, text=edited.replace("= 1.5", "= 2.0"))
        assert "stays" not in same.text, "what stands over it says the same"


async def test_an_invalid_edit_changes_nothing_and_says_where_it_is_wrong(home: Path, config: Path) -> None:
    async with bot_with(home, config) as bot:
        before = version(bot)
        put(config, BASE + "\n[risk]\nno_such_key = 3\n")
        said = await give(bot, CommandKind.RELOAD)
        assert not said.ok
        assert "no_such_key" in said.text
        assert "gridbot.toml line 9" in said.text
        assert said.detail == {"exit_code": "2"}, "wrong config, as at a start"
        assert version(bot) == before


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        ("[service]\nreconcile_s = 60.0\nheartbeat_s = 9.0\n", "after a restart"),
        ("[ladder]\nkind = 'geometric'\n", "on a flat book"),
    ],
)
async def test_a_key_that_cannot_change_now_refuses_the_whole_file(
    edit: str, word: str, home: Path, config: Path
) -> None:
    put(config, "[service]\nreconcile_s = 60.0\n")
    async with bot_with(home, config) as bot:
        put(config, edit + "[risk]\ngap_reserve = 0.05\n")
        said = await give(bot, CommandKind.RELOAD)
        assert not said.ok
        assert word in said.text
        assert "nothing was applied" in said.text
        assert bot.parts.engine.desk.config.risk.gap_reserve != 0.05


async def test_an_edit_made_on_an_older_version_is_refused(home: Path, config: Path) -> None:
    async with bot_with(home, config) as bot:
        base = version(bot)
        first = await give(bot, CommandKind.APPLY, base, text=BASE.replace("depth = 4", "depth = 3"))
        assert first.ok, first.text
        assert text_of(config) == BASE.replace("depth = 4", "depth = 3")
        late = await give(bot, CommandKind.APPLY, base, text=BASE.replace("depth = 4", "depth = 2"))
        assert not late.ok
        assert f"version {base + 1}" in late.text
        assert "depth = 3" in text_of(config)


async def test_an_edit_of_the_file_that_is_not_in_force_is_kept_and_told_when_another_takes_its_place(
    home: Path, config: Path
) -> None:
    refused = BASE + "\n[risk]\nno_such_key = 3\n"
    text = BASE.replace("depth = 4", "depth = 3")
    async with bot_with(home, config) as bot:
        put(config, refused)
        shown = await give(bot, CommandKind.APPLY, text=text, preview="true")
        assert "not in force would be kept as gridbot.toml.bak1" in shown.detail["file"]
        done = await give(bot, CommandKind.APPLY, text=text)
        assert "not in force is kept as gridbot.toml.bak1" in done.text
        assert text_of(config) == text
        assert text_of(config.with_name("gridbot.toml.bak1")) == refused
        again = await give(bot, CommandKind.APPLY, text=BASE)
        assert "bak1" not in again.text


async def test_an_edit_that_cannot_be_written_is_not_in_force(
    home: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    async with bot_with(home, config) as bot:
        monkeypatch.setattr("gridbot_tui.service.operator.reload.apply_text", denied)
        before = version(bot)
        said = await give(bot, CommandKind.APPLY, text=BASE.replace("depth = 4", "depth = 3"))
        assert not said.ok
        assert "cannot be written" in said.text
        assert version(bot) == before


@pytest.mark.parametrize("there", [True, False])
async def test_an_edit_that_the_state_file_does_not_take_leaves_the_config_file_as_it_was(
    home: Path, config: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    def full(*_: object) -> None:
        raise StoreUnavailable("database or disk is full")

    async with Living(options(home, config=config if there else None)) as bot:
        monkeypatch.setattr(bot.parts.store, "add_config", full)
        before, files = version(bot), configs(home)
        said = await give(bot, CommandKind.APPLY, text=BASE.replace("depth = 4", "depth = 3"))
        assert said.text == "nothing changed: database or disk is full"
        assert (version(bot), text_of(config), configs(home)) == (before, BASE, files)


async def test_while_facts_wait_for_the_disk_no_edit_is_taken(
    home: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bot_with(home, config) as bot:
        before = version(bot)
        monkeypatch.setattr(bot.parts.journal, "failing", "the disk has not answered for 2 s")
        put(config, BASE.replace("depth = 4", "depth = 2"))
        assert (await give(bot, CommandKind.RELOAD, preview="true")).ok
        said = await give(bot, CommandKind.RELOAD)
        assert said.text == "nothing changed: the disk has not answered for 2 s"
        assert version(bot) == before


async def test_the_services_own_keys_act_at_once(home: Path, config: Path) -> None:
    async with bot_with(home, config) as bot:
        put(config, "[orders]\ndepth = 4\n[service]\nreconcile_s = 300.0\nsnapshot_facts = 60\n")
        assert (await give(bot, CommandKind.RELOAD)).ok
        looks = 0
        reconcile = bot.parts.bot.reconcile

        def counted(now: int) -> None:
            nonlocal looks
            looks += 1
            reconcile(now)

        bot.parts.bot.reconcile = counted  # type: ignore[method-assign]
        await bot.days(1 / 24)
        assert 11 <= looks <= 13
        assert bot.parts.journal.saving.snapshot_facts == 60


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


async def depth_of(bot: Living, depth: int) -> None:
    await until(lambda: bot.parts.engine.desk.config.orders.depth == depth)


def replaced(path: Path, text: str) -> None:
    """As editors do: another file, put in its place."""
    part = path.with_name(".part")
    part.write_text(text)
    part.replace(path)


def removed_first(path: Path, text: str) -> None:
    path.rename(path.with_name("gridbot.toml~"))
    path.write_text(text)


@pytest.mark.parametrize("write", [replaced, put, removed_first])
async def test_a_file_is_followed_however_its_editor_writes_it(
    write: Callable[[Path, str], None], home: Path, config: Path
) -> None:
    async with bot_with(home, config) as bot:
        watching = asyncio.create_task(bot.parts.reloader.watch_file())
        await asyncio.sleep(0)  # it watches from here on
        before = version(bot)
        write(config, BASE.replace("depth = 4", "depth = 3"))
        await until(lambda: version(bot) == before + 1)
        write(config, BASE + "[risk]\nno_such_key = 3\n")
        await until(lambda: "no_such_key" in bot.parts.reloader.last_error)
        assert version(bot) == before + 1
        write(config, "\n")  # an editor in the middle of its work
        await until(lambda: "is empty" in bot.parts.reloader.last_error)
        assert version(bot) == before + 1
        write(config, BASE.replace("depth = 4", "depth = 5"))
        await until(lambda: version(bot) == before + 2)
        told = [event.text for event in bot.parts.feed.lines() if event.code == "reload"]
        assert len(told) == 4
        watching.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(watching, return_exceptions=True)


async def test_half_a_file_that_is_still_being_written_is_not_put_in_force(home: Path, config: Path) -> None:
    limits = "[risk]\nleverage_cap = 2.0\n"
    put(config, BASE + limits)
    async with bot_with(home, config) as bot:
        watching = asyncio.create_task(bot.parts.reloader.watch_file())
        before = version(bot)
        first, _, rest = BASE.replace("depth = 4", "depth = 3").partition("\n")
        with config.open("w") as file:
            for part in (first, "\n" + rest, limits):
                file.write(part)
                file.flush()
                await asyncio.sleep(reload.REST_S / 2)  # a slow line
        await depth_of(bot, 3)
        assert version(bot) == before + 1
        assert not [event for event in bot.parts.feed.lines() if event.level == "warning"]
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_file_that_a_link_takes_the_place_of_is_followed_to_where_it_leads(
    home: Path, config: Path, tmp_path: Path
) -> None:
    async with bot_with(home, config) as bot:
        watching = asyncio.create_task(bot.parts.reloader.watch_file())
        await asyncio.sleep(0)
        for depth in (3, 2):
            target = tmp_path / f"versions{depth}" / "gridbot.toml"
            target.parent.mkdir()
            put(target, BASE.replace("depth = 4", f"depth = {depth}"))
            link = config.with_name(".link")
            link.symlink_to(target)
            link.replace(config)
            await depth_of(bot, depth)
            put(target, BASE.replace("depth = 4", f"depth = {depth + 5}"))
            await depth_of(bot, depth + 5)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_an_edit_made_while_the_start_waits_for_its_exchange_is_applied_when_it_begins(
    home: Path, config: Path
) -> None:
    bot = Living(options(home, config=config))  # the file is read here
    put(config, BASE.replace("depth = 4", "depth = 3"))
    watching = asyncio.create_task(bot.parts.reloader.watch_file())
    async with bot:
        await until(lambda: bot.parts.engine.desk.config.orders.depth == 3)
        assert any(event.code == "reload" and "1 key changed" in event.text for event in bot.parts.feed.lines())
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_folder_that_goes_away_ends_the_watching_and_nothing_else(home: Path, config: Path) -> None:
    async with bot_with(home, config) as bot:
        shutil.rmtree(config.parent)
        async with asyncio.timeout(PATIENCE_S):
            await bot.parts.reloader.watch_file()
        assert any("watched no more" in event.text for event in bot.parts.feed.lines())


async def test_what_is_applied_to_a_bot_without_a_file_is_kept_and_the_next_start_takes_it(home: Path) -> None:
    async with Living(options(home)) as bot:
        done = await give(bot, CommandKind.APPLY, text="# mine\n[orders]\ndepth = 2\n")
        kept = bot.parts.profile.config_file
        assert done.ok
        assert str(kept) in done.text
        assert text_of(kept) == "# mine\n[orders]\ndepth = 2\n"
        again = await give(bot, CommandKind.APPLY, text="[orders]\ndepth = 3\n")
        assert again.ok
        assert text_of(kept) == "[orders]\ndepth = 3\n"
        before = version(bot)
    async with Living(options(home)) as later:
        assert later.parts.engine.desk.config.orders.depth == 3
        assert version(later) == before
        assert later.parts.picture.snapshot().config_text == "[orders]\ndepth = 3\n"


async def test_a_file_that_appears_where_the_next_start_would_look_is_followed(home: Path) -> None:
    async with Living(options(home)) as bot:
        kept = bot.parts.profile.config_file
        said = await give(bot, CommandKind.RELOAD)
        assert not said.ok
        assert str(kept) in said.text
        watching = asyncio.create_task(bot.parts.reloader.watch_file())
        await asyncio.sleep(0)
        before = version(bot)
        replaced(kept, "[orders]\ndepth = 3\n")
        await until(lambda: version(bot) == before + 1)
        put(kept, "[orders]\ndepth = 2\n")
        await until(lambda: version(bot) == before + 2)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        put(kept, "[orders]\ndepth = 5\n")
        assert (await give(bot, CommandKind.RELOAD)).ok
        assert bot.parts.engine.desk.config.orders.depth == 5


async def test_what_was_applied_to_a_bot_without_a_file_is_followed_from_then_on(home: Path) -> None:
    async with Living(options(home)) as bot:
        watching = asyncio.create_task(bot.parts.reloader.watch_file())
        assert (await give(bot, CommandKind.APPLY, text="[orders]\ndepth = 2\n")).ok
        put(bot.parts.profile.config_file, "[orders]\ndepth = 3\n")
        await until(lambda: bot.parts.engine.desk.config.orders.depth == 3)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_one_that_is_taken_back_is_not_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trial, "objection", lambda *_: "leverage: 7.0x")
    async with Living(options(home)) as bot:
        done = await give(bot, CommandKind.APPLY, text="[orders]\ndepth = 2\n")
        kept = bot.parts.profile.config_file
        assert done.ok
        assert kept.exists()
        await bot.days(0.1)
        assert not kept.exists()
        assert "taken back before its first decision: leverage: 7.0x" in bot.parts.reloader.last_error
        assert bot.parts.engine.desk.config.orders.depth != 2
    async with Living(options(home)) as later:
        assert later.parts.engine.desk.config.orders.depth != 2
