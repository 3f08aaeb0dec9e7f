"""Room in the rate limits, shared out by rank, in virtual time."""

import asyncio

import pytest

from gridbot_tui.exchange.binance.errors import CUT_OFF_S
from gridbot_tui.exchange.binance.governor import Governor, Rank
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.units import Market, Ms

START: Ms = 1_700_000_040_000
"""The beginning of a minute."""


class Still:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ms(self) -> Ms:
        return START + int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


def governor(market: Market = Market.FUTURES) -> tuple[Governor, Still]:
    clock = Still()
    found = Governor(market, BinanceParams(), clock)
    found.limits([
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 100},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 20},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 60},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 7},
    ])  # fmt: skip
    return found, clock


def test_limits_are_those_of_the_exchange_it_talks_to() -> None:
    found, _ = governor()
    assert (found.weight.most, found.orders_short.most, found.orders_long.most) == (100, 20, 60)


def test_what_is_no_limit_of_these_windows_leaves_them_as_they_are() -> None:
    found, _ = governor()
    found.limits([
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 0},
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "SECOND", "intervalNum": 10, "limit": 9_000},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": "10", "limit": 5},
        {"rateLimitType": "ORDERS"},
    ])  # fmt: skip
    found.heard({"X-MBX-USED-WEIGHT-1M": "much", "X-MBX-ORDER-COUNT-10S": "", "X-MBX-ORDER-COUNT-1M": "-5"})
    assert (found.weight.most, found.orders_short.most, found.orders_long.most) == (100, 20, 60)
    assert found.wait_s(Rank.PROTECT, 100, 20) == 0


def test_where_several_limits_are_full_the_longest_is_waited_for() -> None:
    found, _ = governor()
    found.heard({"X-MBX-USED-WEIGHT-1M": "100", "X-MBX-ORDER-COUNT-10S": "20", "X-MBX-ORDER-COUNT-1M": "1"})
    assert found.wait_s(Rank.ENTRY, 0, 1) == pytest.approx(10, abs=0.2)
    assert found.wait_s(Rank.ENTRY, 1, 1) == pytest.approx(60, abs=0.2)


def test_a_later_429_makes_no_closing_shorter() -> None:
    found, clock = governor()
    for wait in (10.0, 60.0, 5.0):
        found.refused(wait)
    assert (found.closed_s(), found.shut_s()) == (60.0 + CUT_OFF_S, 60.0 + CUT_OFF_S)
    clock.seconds = 60.0 + CUT_OFF_S
    assert found.wait_s(Rank.PROTECT, 1, 0) == 0


async def test_a_light_request_does_not_pass_a_heavy_one_of_its_rank_that_waits() -> None:
    found, _ = governor()
    found.heard({"X-MBX-USED-WEIGHT-1M": "80"})
    left: list[str] = []

    async def leave(name: str, weight: int) -> None:
        await found.turn(Rank.QUESTION, weight, 0)
        left.append(name)

    heavy = asyncio.create_task(leave("heavy", 40))
    await asyncio.sleep(0)
    assert found.wait_s(Rank.QUESTION, 1, 0) == 0  # there would be room for it
    await asyncio.gather(heavy, asyncio.create_task(leave("light", 1)))
    assert left == ["heavy", "light"]


@pytest.mark.parametrize(
    ("used", "free"),
    [
        (10, {Rank.PROTECT, Rank.QUESTION, Rank.ENTRY, Rank.REPRICE}),
        (50, {Rank.PROTECT, Rank.QUESTION, Rank.ENTRY}),
        (75, {Rank.PROTECT, Rank.QUESTION}),
        (90, {Rank.PROTECT}),
        (99, {Rank.PROTECT}),
        (100, set()),
    ],
)
def test_reprices_are_shed_first_and_what_protects_goes_to_the_end(used: int, free: set[Rank]) -> None:
    found, _ = governor()
    found.heard({"X-MBX-USED-WEIGHT-1M": str(used)})
    assert {rank for rank in Rank if found.wait_s(rank, 1, 0) == 0} == free


async def test_what_protects_and_weighs_nothing_does_not_stand_in_line_behind_what_waits_for_weight() -> None:
    found, _ = governor()
    found.heard({"X-MBX-USED-WEIGHT-1M": "100"})
    left: list[str] = []

    async def leave(name: str, weight: int, orders: int) -> None:
        await found.turn(Rank.PROTECT, weight, orders)
        left.append(name)

    cancel = asyncio.create_task(leave("cancel", 1, 0))
    await asyncio.sleep(0)
    await asyncio.gather(cancel, asyncio.create_task(leave("stop", 0, 1)))
    assert left == ["stop", "cancel"]


def test_a_futures_order_that_weighs_nothing_is_not_held_up_by_weight() -> None:
    found, _ = governor()
    found.heard({"X-MBX-USED-WEIGHT-1M": "2000"})
    assert found.wait_s(Rank.PROTECT, 0, 1) == 0


@pytest.mark.parametrize(("count", "rank"), [("15", Rank.ENTRY), ("10", Rank.REPRICE), ("20", Rank.PROTECT)])
def test_order_counts_have_shares_too_and_begin_anew_after_ten_seconds(count: str, rank: Rank) -> None:
    found, clock = governor()
    found.heard({"X-MBX-ORDER-COUNT-10S": count, "X-MBX-ORDER-COUNT-1M": "1"})
    wait = found.wait_s(rank, 0, 1)
    assert 9.9 < wait < 10.1
    clock.seconds += wait
    assert found.wait_s(rank, 0, 1) == 0


def test_a_batch_counts_each_order_in_ten_seconds_and_once_in_the_minute() -> None:
    found, clock = governor()
    asyncio.run(found.turn(Rank.ENTRY, 5, 5))
    now = clock.now_ms()
    assert (found.orders_short.used(now), found.orders_long.used(now), found.weight.used(now)) == (5, 1, 5)


def test_what_has_left_counts_before_the_exchange_has_said_so() -> None:
    found, clock = governor()
    asyncio.run(found.turn(Rank.QUESTION, 40, 0))
    found.heard({"X-MBX-USED-WEIGHT-1M": "5"})  # an older answer, overtaken
    assert found.weight.used(clock.now_ms()) == 40
    found.heard({"X-MBX-USED-WEIGHT-1M": "60"})  # others share the address
    assert found.weight.used(clock.now_ms()) == 60


def test_an_answer_that_comes_after_the_minute_it_speaks_of_shuts_nothing() -> None:
    found, clock = governor()
    clock.seconds = 59.9
    left = clock.now_ms()
    clock.seconds = 60.1
    found.heard({"X-MBX-USED-WEIGHT-1M": "100", "X-MBX-ORDER-COUNT-10S": "20"}, left)
    assert {rank for rank in Rank if found.wait_s(rank, 1, 1) == 0} == set(Rank)
    found.heard({"X-MBX-USED-WEIGHT-1M": "100"}, clock.now_ms())
    assert {rank for rank in Rank if found.wait_s(rank, 1, 1) == 0} == set()


def test_weights_are_never_passed_however_much_is_asked_for() -> None:
    found, clock = governor()
    most: dict[int, int] = {}

    async def ask(rank: Rank, weight: int) -> None:
        await found.turn(rank, weight, 0)
        minute = clock.now_ms() // 60_000
        most[minute] = max(most.get(minute, 0), found.weight.used(clock.now_ms()))

    async def everybody() -> None:
        await asyncio.gather(*(ask(rank, 7) for _ in range(40) for rank in Rank))

    asyncio.run(everybody())
    assert max(most.values()) <= 100
    assert len(most) > 5


def test_after_a_429_only_what_protects_leaves_and_after_a_second_one_nothing() -> None:
    found, clock = governor()
    found.refused(30.0)
    assert {rank for rank in Rank if found.wait_s(rank, 1, 1) == 0} == {Rank.PROTECT}
    clock.seconds += 5
    found.refused(20.0)
    assert {rank for rank in Rank if found.wait_s(rank, 1, 1) == 0} == set()
    clock.seconds += 20 + CUT_OFF_S
    assert {rank for rank in Rank if found.wait_s(rank, 1, 1) == 0} == {Rank.PROTECT}
    clock.seconds += 5.1
    assert {rank for rank in Rank if found.wait_s(rank, 1, 1) == 0} == set(Rank)


def test_a_ban_holds_back_everything_for_its_time() -> None:
    found, clock = governor()
    found.banned(120.0)
    clock.seconds += 120.0
    assert min(found.wait_s(rank, 0, 0) for rank in Rank) == CUT_OFF_S, "120.9 s are told as 120"
    clock.seconds += CUT_OFF_S
    assert max(found.wait_s(rank, 0, 0) for rank in Rank) == 0


def test_within_a_rank_who_came_first_goes_first() -> None:
    found, _ = governor()
    found.heard({"X-MBX-USED-WEIGHT-1M": "100"})
    left: list[int] = []

    async def ask(number: int) -> None:
        await found.turn(Rank.QUESTION, 1, 0)
        left.append(number)

    async def everybody() -> None:
        await asyncio.gather(*(ask(number) for number in range(10)))

    asyncio.run(everybody())
    assert left == list(range(10))


def test_a_refused_new_order_makes_entries_wait_for_the_window_that_is_full() -> None:
    found, _ = governor()
    found.orders_full(4.0)
    assert found.wait_s(Rank.ENTRY, 0, 1) > 0
    assert found.wait_s(Rank.QUESTION, 1, 0) == 0


def test_funding_endpoints_have_a_limit_of_their_own() -> None:
    found, clock = governor()

    async def ask() -> None:
        for _ in range(460):
            await found.funding_turn()

    clock.seconds = 100.0
    asyncio.run(ask())
    assert (START + int(clock.seconds * 1000)) // 300_000 == (START + 100_000) // 300_000 + 1
