"""The loop of real time ends when it is told to, at whatever turn that comes."""

import asyncio
from typing import Any

import pytest

from gridbot_tui.engine.events import Health, LinkChanged, Quote, Tick
from gridbot_tui.exchange.port import Reply
from gridbot_tui.service import real_runner
from gridbot_tui.service.real_runner import RealRunner


class _Bot:
    """Hears everything and does nothing."""

    recovered = True
    failure = ""
    report = None

    def receive(self, incoming: Any) -> None:
        """Nothing follows."""

    def flush(self) -> None:
        """Nothing waits."""


class _Broken(_Bot):
    """Fails at what it hears."""

    def receive(self, incoming: Any) -> None:
        raise RuntimeError(f"{type(incoming).__name__} was too much")


async def test_what_handling_raises_ends_the_run_with_it() -> None:
    runner = RealRunner(_Broken(), lambda: 1)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="Tick was too much"):
        await asyncio.wait_for(runner.run(), 30)
    runner.take(Tick(2))  # nobody listens any more


async def test_a_run_that_is_cancelled_by_what_it_handles_ends_cancelled() -> None:
    troubles: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: troubles.append(told))
    bot = _Bot()
    runner = RealRunner(bot, lambda: 1)  # type: ignore[arg-type]
    task = asyncio.create_task(runner.run())
    vars(bot)["receive"] = lambda _: task.cancel()
    await asyncio.wait([task], timeout=30)
    assert task.cancelled()
    assert not troubles


class _Counting(_Bot):
    """Remembers what it hears, and says when two ticks have come."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.twice = asyncio.Event()

    def receive(self, incoming: Any) -> None:
        self.heard.append(incoming)
        if sum(isinstance(one, Tick) for one in self.heard) == 2:
            self.twice.set()


async def test_news_are_heard_between_two_ticks_and_ticks_come_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_runner, "TICK_S", 0.05)
    bot = _Counting()
    runner = RealRunner(bot, lambda: 1)  # type: ignore[arg-type]
    task = asyncio.create_task(runner.run())
    runner.take(LinkChanged(1, "market", up=True))
    await asyncio.wait_for(bot.twice.wait(), 30)
    runner.leaving = True
    runner.wake()
    await asyncio.wait_for(task, 30)
    first, second, *_ = [place for place, one in enumerate(bot.heard) if isinstance(one, Tick)]
    (news,) = [place for place, one in enumerate(bot.heard) if isinstance(one, LinkChanged)]
    assert first < news < second


async def has_heard(bot: _Counting, count: int) -> None:
    async with asyncio.timeout(30):
        while len(bot.heard) < count:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def heard_of(runner: RealRunner, bot: _Counting) -> list[Any]:
    """What the bot hears until the second tick, ticks aside."""
    task = asyncio.create_task(runner.run())
    await asyncio.wait_for(bot.twice.wait(), 30)
    runner.leaving = True
    runner.wake()
    await asyncio.wait_for(task, 30)
    return [one for one in bot.heard if not isinstance(one, Tick | Health)]


async def test_of_a_symbols_quotes_one_is_left_with_the_newest_of_each_of_its_prices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(real_runner, "TICK_S", 0.02)
    bot = _Counting()
    runner = RealRunner(bot, lambda: 1)  # type: ignore[arg-type]
    runner.take(Quote(1, "BTCUSDT", bid=10, ask=12, mark=11, late=9, funding_at=70))
    runner.take(Quote(2, "ETHUSDT", bid=5))
    runner.take(Quote(3, "BTCUSDT", bid=11, last=12))
    runner.take(Quote(4, "BTCUSDT", ask=13))
    assert await heard_of(runner, bot) == [
        Quote(4, "BTCUSDT", bid=11, ask=13, last=12, mark=11, late=9, funding_at=70),
        Quote(2, "ETHUSDT", bid=5),
    ]


async def test_a_bot_that_cannot_keep_up_drops_news_and_counts_as_cut_off_until_it_has_handled_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(real_runner, "MOST_WAITING", 3)
    monkeypatch.setattr(real_runner, "TICK_S", 0.02)
    bot = _Counting()
    runner = RealRunner(bot, lambda: 9)  # type: ignore[arg-type]
    for at in range(1, 6):
        runner.take(LinkChanged(at, "market", up=True))
    answer = Reply(1, 6)
    runner.take(answer)  # somebody waits for it: it is not dropped
    heard = await heard_of(runner, bot)
    assert heard == [
        *(LinkChanged(at, "market", up=True) for at in (1, 2, 3)),
        answer,
        LinkChanged(9, "account", up=False, detail=real_runner.BEHIND),
        LinkChanged(9, "account", up=True, detail="caught up"),  # and with that all is asked for anew
    ]
    bot.heard.clear()
    runner._tick()
    assert not [one for one in bot.heard if isinstance(one, LinkChanged)]  # once


async def test_orders_leave_before_the_report_of_their_fill_and_before_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_runner, "TICK_S", 3_600.0)  # the one at the start, and none in between
    bot = _Counting()
    done: list[str] = []

    def hurry() -> bool:
        news = [one for one in bot.heard if isinstance(one, LinkChanged)]
        if len(news) != 1 or done:
            return False
        done.append("committed")
        asyncio.get_running_loop().call_soon(lambda: done.append(f"left after {len(bot.heard)}"))
        return True

    runner = RealRunner(bot, lambda: 1, hurry)  # type: ignore[arg-type]
    task = asyncio.create_task(runner.run())
    await has_heard(bot, 1)
    runner.take(Quote(1, "BTCUSDT", bid=1))
    runner.take(LinkChanged(1, "market", up=True))
    runner.take(LinkChanged(1, "account", up=True))
    await has_heard(bot, 4)
    task.cancel()
    assert done == ["committed", "left after 2"]
    assert [type(one) for one in bot.heard] == [Tick, LinkChanged, LinkChanged, Quote]


@pytest.mark.parametrize("turns", range(6))
async def test_a_runner_that_is_cancelled_while_something_wakes_it_ends_all_the_same(turns: int) -> None:
    runner = RealRunner(_Bot(), lambda: 1)  # type: ignore[arg-type]
    task = asyncio.create_task(runner.run())
    for _ in range(3):
        await asyncio.sleep(0)
    runner.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=30)
    assert task.cancelled()
