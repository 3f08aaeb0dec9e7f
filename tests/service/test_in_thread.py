"""A blocking call beside the loop: on a machine that has no thread to give, too."""

import asyncio
import threading

import pytest

from gridbot_tui.service import in_thread as module
from gridbot_tui.service.in_thread import in_thread


async def test_a_machine_without_a_thread_to_give_is_asked_again_and_ends_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    start, refused = threading.Thread.start, iter((True, True, False))

    def sparing(thread: threading.Thread) -> None:
        if next(refused):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", sparing)
    assert await asyncio.wait_for(in_thread(lambda: 7, "test"), 60) == 7


async def test_nobody_asks_on_for_a_call_that_is_not_waited_for_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    asked: list[str] = []

    def none(thread: threading.Thread) -> None:
        asked.append(thread.name)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    in_thread(lambda: 7, "test").cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert asked == ["test"]
