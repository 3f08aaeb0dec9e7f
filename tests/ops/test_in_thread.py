"""A blocking call beside the loop: on a machine that has no thread to give, too."""

import _thread
import asyncio
from collections.abc import Callable

import pytest

from gridbot_tui.ops import in_thread as module
from gridbot_tui.ops.in_thread import in_thread

Call = Callable[[], None]
NOBODY = 0


def _given_by(monkeypatch: pytest.MonkeyPatch, start: Callable[[Call], int]) -> None:
    """Let threads of ``in_thread`` come from here, and be asked for again at once."""
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    monkeypatch.setattr(_thread, "start_new_thread", lambda run, _: start(run))


async def test_a_machine_without_a_thread_to_give_is_asked_again_and_ends_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, refused = _thread.start_new_thread, iter((RuntimeError("can't start new thread"), MemoryError()))

    def sparing(run: Call) -> int:
        for error in refused:
            raise error
        return start(run, ())

    _given_by(monkeypatch, sparing)
    assert await asyncio.wait_for(in_thread(lambda: 7), 60) == 7


async def test_a_thread_that_never_begins_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    start, begun = _thread.start_new_thread, iter((False, True))
    _given_by(monkeypatch, lambda run: start(run, ()) if next(begun) else NOBODY)
    assert await asyncio.wait_for(in_thread(lambda: 7), 60) == 7


async def test_a_thread_that_begins_late_finds_its_call_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    late: list[Call] = []
    done: list[int] = []

    def keep(run: Call) -> int:
        late.append(run)
        return NOBODY

    _given_by(monkeypatch, keep)
    future = in_thread(lambda: done.append(1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(late) > 1
    for run in late:
        run()
    await asyncio.wait_for(future, 60)
    assert len(done) == 1


async def test_nobody_asks_on_for_a_call_that_is_not_waited_for_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Call] = []

    def none(run: Call) -> int:
        asked.append(run)
        raise RuntimeError("can't start new thread")

    _given_by(monkeypatch, none)
    in_thread(lambda: 7).cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(asked) == 1
