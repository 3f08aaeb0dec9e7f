"""Alarms that no address has taken when a run ends: the one that follows it goes on with them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.credentials.addresses import Address, Found, parse
from gridbot_tui.ops import alert_memory
from gridbot_tui.ops.alerts import Message
from gridbot_tui.ops.params import AlertParams
from gridbot_tui.service.beside import alert_lane, alerting
from gridbot_tui.service.beside.alert_channel import Channel
from gridbot_tui.service.beside.alert_watch import NotStarted
from gridbot_tui.service.books.profile import Profile

WITHIN_S = 60.0


class Outside:
    """An address."""

    name = "outside 1"

    def __init__(self) -> None:
        self.trouble = ""
        """Why it takes nothing; "" = it does."""
        self.tried = 0
        self.taken: list[Message] = []

    def send(self, message: Message) -> str:
        self.tried += 1
        if not self.trouble:
            self.taken.append(message)
        return self.trouble

    @property
    def told(self) -> list[str]:
        return [line for message in self.taken for line in message.body.splitlines()]


class Settled(NotStarted):
    """A run that trades, and whose beginning is no news."""

    def settled(self) -> bool:
        return True

    def beginning(self) -> EventView:
        return EventView(1, "info", "started", "", "started")


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    one = Outside()

    def opener(_: Sequence[Address]) -> tuple[list[Channel], list[str]]:
        return [one], []

    monkeypatch.setattr(alerting, "find", lambda: Found(parse("outside://x", "a test"), "a test", ""))
    monkeypatch.setattr(alerting, "open_channels", opener)
    monkeypatch.setattr(alerting, "LOOK_S", 0.02)
    return one


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not true():  # noqa: ASYNC110 - of another thread
            await asyncio.sleep(0.01)


async def until_taken(run: alerting.Alerting, outside: Outside, lines: int) -> None:
    """So many have come, and the run has heard so: what it ends without knowing of, it hands on."""

    def taken() -> bool:
        view = run.view()
        return len(outside.told) == lines and view is not None and not any(lane.waiting for lane in view.channels)

    await until(taken)


def alarms(folder: Path, per_hour: int = 12) -> alerting.Alerting:
    return alerting.Alerting(AlertParams(per_hour=per_hour), Profile("test", folder), Settled())


def trouble(text: str, symbol: str = "") -> EventView:
    return EventView(2, "error", "defect", symbol, text)


async def test_a_message_that_was_not_taken_is_sent_by_the_next_run_and_by_no_third(
    tmp_path: Path, outside: Outside
) -> None:
    outside.trouble = "503"
    first = alarms(tmp_path)
    async with first.awake():
        first.hear(trouble("one thing"))
        await until(lambda: outside.tried)
        first.hear(trouble("said while it was leaving", "BTCUSDT"))
    outside.trouble = ""
    second = alarms(tmp_path)
    async with second.awake():
        await until_taken(second, outside, 2)
    assert ["one thing" in outside.told[0], "said while it was leaving" in outside.told[1]] == [True, True]
    third = alarms(tmp_path)
    async with third.awake():
        await until(lambda: third.view() is not None)
        await asyncio.sleep(0.1)
    assert len(outside.told) == 2


async def test_what_an_hour_had_no_room_for_waits_on_in_the_next_run(tmp_path: Path, outside: Outside) -> None:
    first = alarms(tmp_path, per_hour=4)
    async with first.awake():
        for number in range(4):
            first.hear(trouble(f"thing {number}", f"C{number}USDT"))
            await until_taken(first, outside, number + 1)
        first.hear(trouble("another", "BTCUSDT"))
    assert len(outside.told) == 4
    second = alarms(tmp_path, per_hour=5)
    async with second.awake():
        await until_taken(second, outside, 5)
    assert "another" in outside.told[4]


async def killed_after(run: alerting.Alerting, folder: Path, true: Callable[[str], bool]) -> None:
    """The end of a process that could write nothing any more: what stands there is what stood there before it."""
    file = folder / alert_memory.NAME
    async with run.awake():
        await until(lambda: file.exists() and true(file.read_text()))
        left = file.read_bytes()
    file.write_bytes(left)


async def test_a_kill_loses_no_message_that_was_not_taken(tmp_path: Path, outside: Outside) -> None:
    outside.trouble = "503"
    first = alarms(tmp_path)
    first.hear(trouble("one thing"))
    await killed_after(first, tmp_path, lambda kept: "one thing" in kept)
    outside.trouble = ""
    second = alarms(tmp_path)
    async with second.awake():
        await until_taken(second, outside, 1)
    assert "one thing" in outside.told[0]


async def test_a_kill_has_no_message_sent_again_that_was_taken(tmp_path: Path, outside: Outside) -> None:
    first = alarms(tmp_path)
    first.hear(trouble("one thing"))
    await killed_after(first, tmp_path, lambda kept: bool(outside.told) and "one thing" not in kept)
    second = alarms(tmp_path)
    async with second.awake():
        await until(lambda: second.view() is not None)
        second.hear(trouble("one thing"))
        await asyncio.sleep(0.1)
    assert len(outside.told) == 1


async def test_what_waits_is_sent_by_the_next_run_also_where_the_clock_was_set_back(
    tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside.trouble = "503"
    first = alarms(tmp_path)
    async with first.awake():
        first.hear(trouble("one thing"))
        await until(lambda: outside.tried)
    outside.trouble = ""
    now = time.time()
    monkeypatch.setattr(alert_memory, "time", SimpleNamespace(time=lambda: now - 86_400.0))
    second = alarms(tmp_path)
    async with second.awake():
        await until_taken(second, outside, 1)
    assert "one thing" in outside.told[0]


async def test_what_waited_too_long_is_no_news_any_more(
    tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside.trouble = "503"
    first = alarms(tmp_path)
    async with first.awake():
        first.hear(trouble("one thing"))
        await until(lambda: outside.tried)
    outside.trouble = ""
    monkeypatch.setattr(alert_lane, "KEPT_S", 0.0)
    second = alarms(tmp_path)
    async with second.awake():
        await until(lambda: second.view() is not None)
        await asyncio.sleep(0.1)
    assert outside.taken == []


async def test_a_disk_that_takes_nothing_holds_up_no_end(tmp_path: Path, outside: Outside) -> None:
    outside.trouble = "503"
    (tmp_path / f".{alert_memory.NAME}.new").mkdir()
    first = alarms(tmp_path)
    async with asyncio.timeout(WITHIN_S), first.awake():
        first.hear(trouble("one thing"))
        await until(lambda: outside.tried)
    assert not (tmp_path / alert_memory.NAME).exists()
