"""That a question was refused for a symbol is no proof that it is gone: the listing is, in two looks."""

import asyncio

import pytest

from gridbot_tui.exchange.binance.errors import RetryLater
from gridbot_tui.exchange.binance.taken_off import SURE, TakenOff
from gridbot_tui.units import Symbol
from tests.exchange_binance.scripted import Frozen


class Listing:
    """What each look finds, and how many there were."""

    def __init__(self, *found: bool | RetryLater) -> None:
        self._found = list(found)
        self.looks = 0

    async def __call__(self) -> tuple[Symbol, ...]:
        self.looks += 1
        there = self._found.pop(0)
        if isinstance(there, RetryLater):
            raise there
        return ("BTCUSDT", "SOLUSDT") if there else ("BTCUSDT",)


async def said(listing: Listing, *moments: float) -> list[bool]:
    clock = Frozen()
    taken_off, answers = TakenOff(listing, clock), []
    for clock.later in moments:
        answers.append(await taken_off.sure("SOLUSDT"))
    return answers


async def test_it_takes_two_looks_some_time_apart() -> None:
    assert await said(Listing(False, False), 0.0, 0.5, SURE - 0.1, SURE, SURE + 1) == [False, False, False, True, True]


async def test_what_is_listed_is_not_gone_whatever_a_question_was_answered_with() -> None:
    listing = Listing(True, True)
    assert await said(listing, 0.0, 1.0, SURE) == [False, False, False]
    assert listing.looks == 2, "not one for each question"


async def test_what_comes_back_has_to_be_missed_twice_again() -> None:
    looks = [SURE * number for number in range(5)]
    assert await said(Listing(False, False, True, False, False), *looks) == [False, True, False, False, True]


async def test_without_an_answer_it_is_not_known() -> None:
    listing = Listing(RetryLater("no answer"), False, False)
    with pytest.raises(RetryLater):
        await said(listing, 0.0)
    assert await said(listing, 0.0, SURE) == [False, True]


async def test_questions_side_by_side_do_not_take_a_look_under_way_for_its_answer() -> None:
    clock = Frozen()
    answers = iter(((), ("SOLUSDT",)))

    async def slow() -> tuple[Symbol, ...]:
        await asyncio.sleep(0)
        return next(answers)

    taken_off = TakenOff(slow, clock)
    assert not await taken_off.sure("SOLUSDT")
    clock.later = SURE
    assert await asyncio.gather(*(taken_off.sure("SOLUSDT") for _ in range(3))) == [False] * 3
