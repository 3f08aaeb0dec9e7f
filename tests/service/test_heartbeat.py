"""Signs of life: a file that is touched, and what systemd is told."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridbot_tui.ops.log import get_logger
from gridbot_tui.service.beside.heartbeat import beat, notify


@pytest.fixture
def systemd(short: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(short / "notify"))
        end.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(short / "notify"))
        yield end


def told(systemd: socket.socket) -> list[str]:
    words = []
    try:
        while True:
            words.append(systemd.recv(100).decode())
    except BlockingIOError:
        return words


async def test_a_bot_that_runs_is_ready_and_alive_and_one_that_stops_asks_for_time(
    tmp_path: Path, systemd: socket.socket
) -> None:
    stopping = False
    beating = asyncio.create_task(beat(tmp_path / "heartbeat", 0.01, get_logger("test"), lambda: stopping))
    words: list[str] = []
    async with asyncio.timeout(60.0):
        while not (tmp_path / "heartbeat").exists() or len(words) < 3:
            await asyncio.sleep(0.01)
            words += told(systemd)
    assert words[0] == "READY=1"
    assert set(words[1:]) == {"WATCHDOG=1"}
    stopping = True
    asked: list[str] = []
    async with asyncio.timeout(60.0):  # a stop that makes progress is not to be killed with positions half closed
        while not asked:
            await asyncio.sleep(0.01)
            asked = [word for word in told(systemd) if word.startswith("EXTEND_TIMEOUT_USEC=")]
    beating.cancel()
    assert int(asked[0].partition("=")[2]) >= 60_000_000


async def test_a_systemd_that_had_no_room_for_it_is_told_later_that_the_bot_is_ready(
    tmp_path: Path, systemd: socket.socket
) -> None:
    while notify("WATCHDOG=1"):
        pass
    beating = asyncio.create_task(beat(tmp_path / "heartbeat", 0.01, get_logger("test"), lambda: False))
    words: list[str] = []
    async with asyncio.timeout(60.0):
        while "READY=1" not in words:
            await asyncio.sleep(0.01)
            words += told(systemd)
    beating.cancel()


def test_a_systemd_that_reads_nothing_holds_nobody_up(systemd: socket.socket) -> None:
    """Ten words wait for it; the one after them held the loop, and with it the bot."""
    taken: list[bool] = []

    def say() -> None:
        taken.extend(notify("WATCHDOG=1") for _ in range(5_000))

    saying = threading.Thread(target=say, daemon=True)
    saying.start()
    saying.join(60.0)
    assert not saying.is_alive()
    assert taken[0]
    assert not taken[-1]


def test_without_systemd_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")
