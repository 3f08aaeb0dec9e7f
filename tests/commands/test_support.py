"""support and view: a bundle of a bot that runs, of one that stopped, and of one whose files are broken."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from gridbot_tui.commands import support_parts
from gridbot_tui.commands import view as viewing
from gridbot_tui.commands.view import Served, Still
from gridbot_tui.control.command import Command, CommandKind
from gridbot_tui.control.errors import Refused
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.ops import bundle
from gridbot_tui.service.books.profile import Profile
from tests.commands.calling import Cli
from tests.commands.test_doctor import lived, traded
from tests.control import fake_bot
from tests.control.fake_bot import Running

__all__ = ["lived", "traded"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trouble.tar.gz"


def test_a_bundle_of_a_stopped_bot_holds_what_explains_it(cli: Cli, traded: Profile, file: Path) -> None:
    called = cli("support", "--out", str(file), "--json")
    assert called.code == 0
    assert called.document["left_out"] == []
    found = bundle.read(file)
    assert {"log.jsonl", "audit.jsonl", "orders.json", "trades.json", "ledger.json", "decisions.json", "equity.json",
            "config.toml", "versions.json", "doctor.json", "snapshot.json"} <= found.parts.keys()  # fmt: skip
    assert json.loads(found.parts["trades.json"])
    assert found.parts["audit.jsonl"].splitlines()[-1] == traded.audit.read_text().splitlines()[-1]
    status = json.loads(found.parts["status.json"])
    assert status["state"] == "stopped"
    assert status["symbols"]["SOLUSDT"]["fills"] > 0
    assert json.loads(found.parts["versions.json"])["packages"]["msgspec"]


def test_a_bundle_of_a_running_bot_holds_its_own_picture(cli: Cli, live: Running, file: Path) -> None:
    assert cli("support", "-o", str(file)).code == 0
    picture = json.loads(bundle.read(file).parts["snapshot.json"])
    assert picture["equity"] == "9999.688"
    shown = cli("view", str(file))
    assert shown.code == 0
    assert "9999.688" in shown.out


def test_a_broken_profile_still_gives_what_is_left_of_it(cli: Cli, traded: Profile, file: Path) -> None:
    traded.database.write_bytes(b"\0" * 5000)
    called = cli("support", "--out", str(file), "--json")
    assert called.code == 0
    assert any("database" in one for one in called.document["left_out"])
    assert "audit.jsonl" in bundle.read(file).parts
    shown = cli("view", str(file))
    assert "fail database" in shown.out
    assert "no picture" in shown.err


def test_a_config_that_was_refused_is_there_without_its_secret(cli: Cli, tmp_path: Path, file: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[bot]\napi_secret = "hunter2hunter2"\n')
    assert cli("--config", str(config), "support", "--out", str(file)).code == 0
    found = bundle.read(file)
    assert "api_secret" in found.parts["config.given.toml"]
    assert not any("hunter2" in text for text in found.parts.values())


def test_a_file_that_is_there_is_not_written_over(cli: Cli, file: Path) -> None:
    file.write_text("mine")
    called = cli("support", "--out", str(file))
    assert called.code == 1
    assert "--out" in called.err
    assert file.read_text() == "mine"


def test_a_bundle_is_shown_as_text_as_json_and_by_part(cli: Cli, traded: Profile, file: Path) -> None:
    cli("support", "--out", str(file))
    text = cli("view", str(file), "--summary").out
    assert "stopped" in text
    assert "equity" in text
    assert "trades.json" in text
    document = cli("view", str(file), "--json").document
    assert document["profile"] == traded.name
    assert document["parts"]["trades.json"][0]["symbol"]
    assert cli("view", str(file), "--part", "trades.json").document
    assert cli("view", str(file), "--part", "none").code == 2


def test_what_is_no_bundle_is_wrong_input(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    for path in (tmp_path / "x", tmp_path / "none", tmp_path):
        called = cli("view", str(path))
        assert called.code == 2
        assert called.err.count("\n") == 1


def test_at_a_terminal_the_app_opens_on_the_picture(
    cli: Cli, live: Running, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("support", "--out", str(file))
    opened: list[Snapshot] = []
    monkeypatch.setattr(viewing, "objection", lambda: "")
    monkeypatch.setattr(viewing, "_open", lambda session, last, step: opened.append(last))
    assert cli("view", str(file)).code == 0
    assert opened[0].profile == "sim-futures-main-usdt"


async def test_the_app_gets_the_picture_and_gives_no_orders(tmp_path: Path) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        served = Served(Still(fake_bot.picture()), Path(folder))
        client = await served.door()
        async for snapshot in client.snapshots():
            assert snapshot.equity == "9999.688"
            break
        with pytest.raises(Refused):
            await client.command(CommandKind.PAUSE, within=2.0)
        again = await served.door()
        await again.close()
        await client.close()
        await served._server.close()
    still = Still(fake_bot.picture())
    assert not still.submit(Command("x", CommandKind.KILL), "me").ok
    assert not (await still.outcome("x")).ok
    assert still.status()["equity"] == "9999.688"


async def test_the_app_itself_opens_on_a_bundle_and_only_looks() -> None:
    import asyncio
    import tempfile

    from gridbot_tui.ui.app import GridApp
    from gridbot_tui.ui.picture import Line

    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        served = Served(Still(fake_bot.picture()), Path(folder))
        app = GridApp(served.door, read_only=True)
        async with app.run_test(size=(120, 40)):
            for _ in range(3_000):
                if app.picture.line is Line.UP:
                    break
                await asyncio.sleep(0.02)
            assert app.picture.snapshot is not None
            assert app.picture.snapshot.equity == "9999.688"
            assert not app.picture.controls
        await served._server.close()


def test_a_bundle_holds_the_session_that_led_to_its_picture(cli: Cli, traded: Profile, file: Path) -> None:
    cli("support", "--out", str(file))
    found = bundle.read(file)
    session = support_parts.session_of(found.parts)
    assert 2 < len(session) <= support_parts.STEPS + 1
    times = [picture.at for picture in session]
    assert times == sorted(times)
    assert times[0] < times[-1]
    last = support_parts.snapshot_of(found.parts["snapshot.json"])
    assert (session[-1].equity, session[-1].orders, session[-1].pnl.fills) == (last.equity, last.orders, last.pnl.fills)
    fills = [picture.pnl.fills for picture in session]
    assert fills == sorted(fills)
    assert any(before.orders != after.orders for before, after in pairwise(session))
    assert {picture.state for picture in session} == {"running"}
    rungs = [rung for picture in session for view in picture.symbols.values() for rung in view.ladder]
    assert rungs
    assert not [rung for rung in rungs if rung.reason == "leaving"]
    assert cli("view", str(file), "--step", "1", "--summary").code == 0
    assert cli("view", str(file), "--step", "999", "--summary").code == 2


async def test_the_app_steps_through_the_session_of_a_bundle_by_key() -> None:
    import asyncio
    import tempfile

    from gridbot_tui.ui.app import GridApp

    still = Still(fake_bot.picture(equity="9000.0"), fake_bot.picture(equity="9500.0"), fake_bot.picture())
    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        served = Served(still, Path(folder))
        app = GridApp(served.door, read_only=True, step=still.step)

        async def shows(equity: str) -> None:
            for _ in range(3_000):
                if app.picture.snapshot is not None and app.picture.snapshot.equity == equity:
                    return
                await asyncio.sleep(0.02)
            raise AssertionError(f"{equity} is never shown")

        async with app.run_test(size=(120, 40)) as pilot:
            await shows("9999.688")
            await pilot.press("comma", "comma")
            await shows("9000.0")
            await pilot.press("comma")  # there is nothing before the first
            await pilot.press("full_stop")
            await shows("9500.0")
        await served._server.close()
    assert still.step(5).startswith("picture 3 of 3")
