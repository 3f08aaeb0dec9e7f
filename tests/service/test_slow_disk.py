"""A disk that hangs holds up nothing but entries: not what protects, not the operator, not the loop."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.control.command import CommandKind
from gridbot_tui.ops import audit, rotate
from gridbot_tui.ops.verify import verify
from gridbot_tui.service import real_runner
from gridbot_tui.service.books import live_journal
from gridbot_tui.service.operator import command_log, kill_file
from gridbot_tui.store.core import Store
from gridbot_tui.store.reader import reading
from tests.service.real_venue import PRICE, SYMBOL
from tests.service.test_real import PATIENCE_S, resting, running


class Disk:
    """Every write of the bot's own files waits here while it hangs."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.loop_waited = False
        self._loop = threading.get_ident()

    def through(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **more: Any) -> Any:
            if not self.free.is_set():
                self.loop_waited |= threading.get_ident() == self._loop
                if threading.get_ident() != self._loop:
                    self.free.wait(PATIENCE_S)
            return whole(*args, **more)

        return write


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    one = Disk()
    for owner, names in (
        (Store, ("journal", "catch_up", "remember_command", "finish_command", "put_meta", "save_state")),
        (audit.AuditTrail, ("write",)),
        (rotate.RotatingFile, ("write",)),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, one.through(getattr(owner, name)))
    monkeypatch.setattr(live_journal, "HANGS_S", 0.2)
    monkeypatch.setattr(live_journal, "TRY_AGAIN_S", 0.1)
    monkeypatch.setattr(command_log, "WAIT_S", 0.5)
    monkeypatch.setattr(real_runner, "TICK_S", 0.05)
    monkeypatch.setattr(kill_file, "LOOK_S", 0.05)
    yield one
    one.free.set()


async def test_while_the_disk_hangs_positions_are_protected_closed_and_the_operator_is_obeyed(
    tmp_path: Path, disk: Disk
) -> None:
    async with running(tmp_path) as run:
        before = await run.until(lambda p: p.state == "running" and resting(p) > 4)
        disk.free.clear()
        run.venue.quote(PRICE - 30_000)
        held = await run.until(lambda p: any(o.purpose == "stop" and o.state == "resting" for o in p.orders))
        assert held.symbols[SYMBOL].fills > 0
        hung = await run.until(lambda p: any(one.code == "store_unavailable" for one in p.blockers))
        known = {order.client_id for order in before.orders}
        born = [order for order in hung.orders if order.client_id not in known and order.purpose == "grid"]
        lots = {lot.exit_price for lot in hung.symbols[SYMBOL].lots}
        assert all(order.price in lots or order.state != "resting" for order in born), "no entry without its intent"
        assert not await run.command(CommandKind.RESUME), "what adds risk waits for the disk, and is told so"
        assert await run.command(CommandKind.KILL), "what lowers it does not"
        flat = await run.until(lambda p: p.symbols[SYMBOL].position in ("0", "0.000") and not p.orders)
        assert flat.state == "halted"
        assert not disk.loop_waited, "the loop itself has waited for no disk"
        disk.free.set()
        await run.until(lambda p: not any(one.code == "store_unavailable" for one in p.blockers))
        run.parts.session.request_stop("stop", keep_positions=False)
        result = await asyncio.wait_for(run.task, PATIENCE_S)
    assert result.exit_code == 0, result
    profile = run.parts.profile
    assert verify(profile.audit).ok
    assert profile.log.read_text().count("\n") > 10
    with reading(profile.database) as db:
        assert len(list(db.each_fill())) == flat.symbols[SYMBOL].fills, "what waited is written, all of it"


async def test_a_kill_file_stays_until_the_disk_has_the_kill(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path) as run:
        file = run.parts.profile.kill_file
        await run.until(lambda p: p.state == "running" and resting(p) > 4)
        disk.free.clear()
        file.touch()
        await run.until(lambda p: p.state == "halted" and any(one.code == "store_unavailable" for one in p.blockers))
        assert file.exists(), "a process that ended now would not know of the kill"
        disk.free.set()
        await run.until(lambda _: not file.exists())
        with reading(run.parts.profile.database) as db:
            assert [mode.name for mode in db.modes()] == ["kill"]


async def test_a_kill_file_is_obeyed_once_however_long_the_disk_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill_file, "LOOK_S", 0.0)
    file, kills, asked = tmp_path / "KILL", [0], iter([False, False, False, True])
    file.touch()

    def kill() -> None:
        kills[0] += 1

    def kept() -> bool:
        assert file.exists()
        return next(asked)

    watching = asyncio.create_task(kill_file.KillFile(file, kill, kept, lambda *said: pytest.fail(str(said))).run())
    async with asyncio.timeout(PATIENCE_S):
        while not file.with_suffix(".done").exists():  # noqa: ASYNC110 - a thread renames it
            await asyncio.sleep(0)
    watching.cancel()
    assert kills == [1]
    assert next(asked, None) is None
