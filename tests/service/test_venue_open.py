"""The first word with an exchange that does not answer."""

import asyncio

import pytest

from gridbot_tui.exchange.binance.errors import BinanceError, RetryLater
from gridbot_tui.service.venue_open import _patiently
from tests.exchange_binance.virtual import at_once


def tried(patience: float, each_takes: float) -> tuple[list[float], float]:
    """When trouble was said, and when it was given up."""
    said: list[float] = []

    async def ask() -> None:
        await asyncio.sleep(each_takes)
        raise RetryLater("no answer in time")

    async def run() -> float:
        now = asyncio.get_running_loop().time
        began = now()
        with pytest.raises(BinanceError):
            await _patiently(ask, patience, lambda error, pause: said.append(now() - began))
        return now() - began

    return said, at_once(run())


def test_an_exchange_that_is_silent_is_given_up_when_its_time_is_over() -> None:
    said, over = tried(40.0, each_takes=10.0)
    assert said[0] == 10.0, "the first silence is said"
    assert over <= 55.0, "silence counts, not only the pauses between"


def test_one_that_refuses_at_once_is_tried_ever_more_seldom_to_the_end_of_its_time() -> None:
    said, over = tried(40.0, each_takes=0.0)
    assert (len(said), over) == (7, 40.0)


def test_without_patience_it_is_asked_once() -> None:
    assert tried(0.0, each_takes=1.0) == ([], 1.0)
