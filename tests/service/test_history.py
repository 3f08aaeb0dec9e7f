"""How much of the past a profile asks for that has seen no market yet, and that hours of it do for minutes."""

import random
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import AccountState, Event, OpenOrders
from gridbot_tui.exchange.port import (
    AskAccount,
    AskBars,
    AskCash,
    AskFills,
    AskFunding,
    AskOpenOrders,
    Reply,
    Request,
)
from gridbot_tui.market.aggregate import Hour, HourBuilder
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.source import FundingRate
from gridbot_tui.service.assemble import engine_config
from gridbot_tui.service.dialogs.dialog import Dialogs
from gridbot_tui.service.dialogs.truth import Truth
from gridbot_tui.service.history import WithHistory
from gridbot_tui.settings.load import load_text
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Mode, Ms, Symbol

AT = 1_789_999_200_000
BTC = builtin(Market.FUTURES)["BTCUSDT"]


@pytest.mark.parametrize(("hours", "days"), [(336, 15), (1000, 1000 / 24 + 1)])
def test_a_longer_warm_up_is_asked_for_and_not_waited_for(hours: int, days: float) -> None:
    settings = load_text(f"bot.symbols = ['BTCUSDT']\nstrategy.warmup_hours = {hours}\n", None, {}, ()).settings
    engine = Engine(engine_config(settings, 1, Mode.TESTNET, {"BTCUSDT": BTC}), {"BTCUSDT": BTC})
    engine.begin_recovery(AT)
    since = WithHistory(engine).next_bar_at("BTCUSDT")
    assert since == AT - round(days * DAY) - AT % HOUR


@dataclass
class Lists:
    """An exchange that lists what a test lays out, and of an account its wallet alone."""

    now: Ms
    minutes: dict[Symbol, list[Bar]]
    hours: bool
    """Whether it gives hours where those do."""
    given: list[Bar] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        match request:
            case AskAccount(number):
                return Reply(number, self.now, account=AccountState(self.now, {"USDT": Decimal(10_000)}, ()))
            case AskOpenOrders(number):
                return Reply(number, self.now, open_orders=OpenOrders(self.now, ()))
            case AskFills(number):
                return Reply(number, self.now, fills=())
            case AskCash(number):
                return Reply(number, self.now, cash=())
            case AskFunding(number, since):
                rates = [FundingRate(name, at + 4, 1e-4, 8) for at in range(0, self.now, 8 * HOUR) if at > since
                         for name in self.minutes]  # fmt: skip
                return Reply(number, self.now, funding=tuple(rates))
            case AskBars(number, symbol, since, hours_until):
                until = hours_until if self.hours else since
                bars = [bar for bar in hours_of(self.minutes[symbol]) if since <= bar.open_at < until]
                bars += [bar for bar in self.minutes[symbol] if bar.open_at >= max(since, until)]
                self.given += bars
                return Reply(number, self.now, bars=tuple(bars))
        raise AssertionError(request)


def hours_of(minutes: list[Bar]) -> list[Bar]:
    """The exchange's own candles of an hour: of what was traded in it."""
    builder, found = HourBuilder(), list[Hour]()
    for bar in minutes:
        found += builder.feed(bar)
    prices = [(one.open_at, one.open, one.high, one.low, one.close) for one in found]
    return [Bar(at, HOUR, opened, high, low, close, 1.0, high, low, close) for at, opened, high, low, close in prices]


def walked(seed: int, first: Ms, until: Ms, price: int, *holes: tuple[Ms, Ms]) -> list[Bar]:
    """Minutes of a market that goes up and down, without those in the holes."""
    chance, found = random.Random(seed), list[Bar]()
    for at in range(first, until - MINUTE + 1, MINUTE):
        close = max(100, round(price * (1 + chance.gauss(0, 0.0015))))
        high, low = max(price, close) + chance.randrange(9), min(price, close) - chance.randrange(9)
        if not any(begin <= at < end for begin, end in holes):
            found.append(Bar(at, MINUTE, price, high, low, close, chance.random(), high + 1, low + 1, close + 1))
        price = close
    return found


def recovered(exchange: Lists, days: int) -> Engine:
    """An engine after its first recovery, which asks for so many days."""
    settings = load_text(f"bot.symbols = {sorted(exchange.minutes)}", None, {}, ()).settings
    instruments = {name: builtin(Market.FUTURES)[name] for name in exchange.minutes}
    engine = Engine(engine_config(settings, 1, Mode.TESTNET, instruments), instruments)
    asked: deque[Request] = deque()
    failed: list[Exception] = []

    def feed(event: Event) -> None:
        engine.handle(event)

    dialogs = Dialogs(asked.append)
    truth = Truth(tuple(engine.symbols), WithHistory(engine, days * DAY), feed, dialogs.new_id, lambda: engine.now)
    engine.begin_recovery(exchange.now)
    dialogs.start(truth.recover(), lambda _, error: failed.append(error) if error else None, exchange.now)
    while asked:
        dialogs.reply(exchange.answer(asked.popleft()))
    assert failed == []
    return engine


@pytest.mark.parametrize("past_the_hour", [0, 17 * MINUTE + 3_000])
@pytest.mark.parametrize("days", [15, 19])
def test_hours_of_the_past_teach_what_its_minutes_do(past_the_hour: Ms, days: int) -> None:
    now = AT - AT % HOUR + past_the_hour
    begin = now - 20 * DAY - now % DAY
    hour = now - now % HOUR
    silent = (hour - 9 * DAY, hour - 9 * DAY + 150 * MINUTE)
    minutes = {
        "BTCUSDT": walked(1, begin, now, 600_000),
        "ETHUSDT": walked(2, begin, now, 300_000, silent, (hour - 15 * DAY, hour - 15 * DAY + 7 * HOUR)),
        "SOLUSDT": walked(3, hour - 5 * DAY + 13 * MINUTE, now, 15_000),
    }
    exact, quick = (Lists(now, minutes, hours) for hours in (False, True))
    whole, same = recovered(exact, days), recovered(quick, days)
    assert same.encode_state() == whole.encode_state()
    assert whole.desk.symbols["BTCUSDT"].plan is not None
    assert whole.desk.strategy.votes("ETHUSDT") is not None
    assert whole.desk.strategy.votes("SOLUSDT") is None
    if days == 15:
        assert len(quick.given) * 8 < len(exact.given)


def test_a_profile_that_knows_the_market_takes_in_every_minute_it_missed() -> None:
    now = AT - AT % HOUR
    exchange = Lists(now, {"BTCUSDT": walked(1, now - 20 * DAY, now, 600_000)}, hours=True)
    engine = recovered(exchange, 15)
    later = engine.desk.symbols["BTCUSDT"].next_open
    engine.begin_recovery(now + 30 * DAY)
    assert engine.hours_do_until("BTCUSDT", later) == later
