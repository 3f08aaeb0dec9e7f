"""Signals that ask for a stop: into the loop while it runs, and no death while the end is told."""

import asyncio
import os
import signal

import pytest

from gridbot_tui.service.signals import LAST_WORDS_S, stopping_signals


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
