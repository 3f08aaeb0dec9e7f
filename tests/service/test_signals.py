"""Signals that ask for a stop: a start is given up, a run is asked, and no death comes while the end is told."""

import asyncio
import os
import signal

import pytest

from gridbot_tui.service.signals import LAST_WORDS_S, Start, stopping_signals


async def test_a_signal_is_told_in_the_loop() -> None:
    heard: list[str] = []
    stopping_signals(asyncio.get_running_loop(), heard.append)(signal.SIGTERM, None)
    assert heard == []
    await asyncio.sleep(0)
    assert heard == ["SIGTERM"]


def test_one_that_comes_when_the_run_is_over_takes_no_exit_code_but_ends_a_process_that_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    ended: list[int] = []
    now = [0.0]
    monkeypatch.setattr(signal, "signal", lambda number, action: action)
    monkeypatch.setattr(os, "kill", lambda pid, number: ended.append(number))
    on_signal = stopping_signals(loop, lambda name: None, lambda: now[0])
    for now[0] in (0.0, LAST_WORDS_S):
        on_signal(signal.SIGTERM, None)
    assert ended == []
    now[0] += 0.1
    on_signal(signal.SIGTERM, None)
    assert ended == [signal.SIGTERM]


async def begins(start: Start, opened: asyncio.Event | None = None) -> str:
    """A start that waits for its exchange, and with ``opened`` for its files; how it ended."""
    start.enter()
    if opened is not None:
        start.begins()
    try:
        await (opened or asyncio.Event()).wait()
    except asyncio.CancelledError:
        return f"given up for {start.given_up}"
    return "begun"


async def test_a_start_that_waits_for_its_exchange_is_given_up_once() -> None:
    start = Start()
    task = asyncio.create_task(begins(start))
    await asyncio.sleep(0)
    start.give_up("SIGTERM")
    start.give_up("SIGINT")
    assert await task == "given up for SIGTERM"


async def test_a_signal_from_before_the_loop_gives_the_start_up_too() -> None:
    start = Start()
    start.give_up("SIGTERM")
    assert await asyncio.create_task(begins(start)) == "given up for SIGTERM"


async def test_once_there_are_books_a_signal_waits_for_the_run_that_can_obey_it() -> None:
    start, opened, obeyed = Start(), asyncio.Event(), list[str]()
    task = asyncio.create_task(begins(start, opened))
    await asyncio.sleep(0)
    start.give_up("SIGTERM")
    await asyncio.sleep(0)
    assert not task.done()
    opened.set()
    assert await task == "begun"
    start.obeyed_by(obeyed.append)
    assert obeyed == ["SIGTERM"]
    start.give_up("SIGINT")
    await asyncio.sleep(0)
    assert obeyed == ["SIGTERM", "SIGINT"]


def test_one_that_comes_when_the_loop_has_closed_is_nothing_to_a_start() -> None:
    start = Start()

    async def entered() -> None:
        start.enter()

    asyncio.run(entered())
    start.give_up("SIGTERM")
    assert start.given_up == ""
