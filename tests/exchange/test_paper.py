"""Paper trading's account: careful fills from what the live market shows, and a past that is lived through."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from gridbot_tui.engine.events import BarsClosed, Fill, FundingSettled, OrderReport, Outcome, Quote
from gridbot_tui.exchange.paper import PaperPort
from gridbot_tui.exchange.port import AskAccount, AskBars, Cancel, Incoming, Place, Reply
from gridbot_tui.exchange.simulated.books import BooksFile
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.source import FundingRate
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import HOUR, MINUTE, Market, Ms, Side, Symbol

BTC = "BTCUSDT"
T0: Ms = 1_760_000_040_000 // MINUTE * MINUTE
PRICE = 600_000


class Public:
    """Candles and settlements that a test lays out."""

    def __init__(self, *bars: Bar) -> None:
        self.bars = bars
        self.rates: list[FundingRate] = []

    async def klines(self, symbol: Symbol, since: Ms) -> list[Bar]:
        return [bar for bar in self.bars if bar.open_at >= since]

    async def hours(self, symbol: Symbol, since: Ms, until: Ms) -> list[Bar]:
        return [bar for bar in await self.klines(symbol, since) if bar.interval == HOUR and bar.open_at < until]

    async def funding(self, symbols: Sequence[Symbol], since: Ms) -> list[FundingRate]:
        return [rate for rate in self.rates if rate.at > since]


class Scene:
    """A port, its clock, and what the bot heard."""

    def __init__(self, books: BooksFile | None = None, *bars: Bar, at: Ms = T0) -> None:
        self.at = at
        self.heard: list[Incoming] = []
        account = AccountConfig(Market.FUTURES, {"USDT": Decimal(10_000)})
        instruments = {BTC: builtin(Market.FUTURES)[BTC]}
        self.public = Public(*bars)
        self.port = PaperPort(instruments, account, self.public, self.heard.append, lambda: self.at, books)

    def quote(self, bid: int, ask: int, last: int | None = None) -> None:
        self.at += 250
        self.port.market(Quote(self.at, BTC, bid=bid, ask=ask, last=last, mark=(bid + ask) // 2))

    async def send(self, *requests: Place | Cancel | AskAccount) -> None:
        serving = asyncio.create_task(self.port.run())
        for request in requests:
            self.port.send(request)
        await asyncio.sleep(0.01)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    def wallet(self) -> Decimal:
        (usdt,) = self.port.exchange.account.balances()
        return usdt.wallet

    def fills(self) -> list[tuple[Side, int]]:
        return [(one.side, one.price) for one in self.heard if isinstance(one, Fill)]


def order(name: str, side: Side, price: int | None, *, reduce_only: bool = False) -> Place:
    kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
    return Place(NewOrder(name, BTC, side, kind, 10, price, Purpose.GRID, T0, price is not None, reduce_only))


async def test_a_buy_fills_only_when_somebody_offers_or_trades_a_tick_below_it() -> None:
    scene = Scene()
    scene.quote(PRICE - 1, PRICE + 1)
    await scene.send(order("b", Side.BUY, PRICE - 100))
    scene.quote(PRICE - 101, PRICE - 99)
    scene.quote(PRICE - 101, PRICE - 100, last=PRICE - 100)
    assert scene.fills() == [], "touched is not traded through"
    scene.quote(PRICE - 103, PRICE - 101)
    assert scene.fills() == [(Side.BUY, PRICE - 100)]


async def test_a_sell_inside_the_spread_does_not_fill_by_the_offers_above_it() -> None:
    scene = Scene()
    scene.quote(PRICE - 50, PRICE + 50, last=PRICE)
    await scene.send(order("s", Side.SELL, PRICE + 10))
    scene.quote(PRICE - 50, PRICE + 50, last=PRICE)
    assert scene.fills() == []
    scene.quote(PRICE + 11, PRICE + 60, last=PRICE + 11)
    assert scene.fills() == [(Side.SELL, PRICE + 10)]


async def test_the_extreme_of_a_minute_fills_only_what_rested_before_it() -> None:
    scene = Scene()
    scene.quote(PRICE - 1, PRICE + 1)
    await scene.send(order("old", Side.BUY, PRICE - 100))
    scene.at = T0 + MINUTE + 1_000
    await scene.send(order("young", Side.BUY, PRICE - 90))
    bar = Bar(T0 + MINUTE, MINUTE, PRICE, PRICE, PRICE - 200, PRICE, 1.0, PRICE, PRICE, PRICE)
    scene.at = T0 + 2 * MINUTE
    scene.port.market(BarsClosed(scene.at, ((BTC, bar),)))
    assert scene.fills() == [(Side.BUY, PRICE - 100)]
    assert isinstance(scene.heard[-1], BarsClosed), "the bot hears of its fill before the bar"


async def test_a_post_only_order_that_would_take_is_refused_and_a_market_order_pays_slippage() -> None:
    scene = Scene()
    scene.quote(PRICE - 1, PRICE + 1)
    await scene.send(order("b", Side.BUY, PRICE + 500), order("m", Side.BUY, None))
    reports = {one.client_id: one.outcome for one in scene.heard if isinstance(one, OrderReport)}
    assert reports == {"b": Outcome.REFUSED, "m": Outcome.FILLED}
    ((side, price),) = scene.fills()
    assert side is Side.BUY
    assert price > PRICE


async def test_funding_is_paid_on_what_is_held() -> None:
    scene = Scene()
    scene.quote(PRICE - 1, PRICE + 1)
    await scene.send(order("m", Side.BUY, None))
    scene.port.market(FundingSettled(scene.at, (FundingRate(BTC, scene.at, 0.0001, 8),)))
    await scene.send(AskAccount(7))
    reply = scene.heard[-1]
    assert isinstance(reply, Reply)
    assert reply.account is not None
    paid = [one for one in scene.heard if getattr(one, "cash_kind", None) is not None]
    assert [str(one.amount) for one in paid] == ["-0.06000000"]  # type: ignore[union-attr]


async def test_before_the_market_has_spoken_its_last_candle_tells_the_price_and_orders_rest() -> None:
    bar = Bar(T0 - 2 * MINUTE, MINUTE, PRICE, PRICE, PRICE, PRICE, 1.0, PRICE, PRICE, PRICE)
    scene = Scene(None, bar)
    await scene.port.catch_up()
    await scene.send(order("b", Side.BUY, PRICE - 100), order("taking", Side.BUY, PRICE + 500))
    reports = {one.client_id: one.outcome for one in scene.heard if isinstance(one, OrderReport)}
    assert reports == {"b": Outcome.ACCEPTED, "taking": Outcome.REFUSED}
    assert scene.fills() == []


@pytest.mark.parametrize("minutes", [1, 5])
async def test_funding_that_settled_while_the_bot_was_away_is_paid_once(minutes: int, tmp_path: Path) -> None:
    books = BooksFile(tmp_path / "exchange.db")
    scene = Scene(books)
    scene.quote(PRICE - 1, PRICE + 1)
    await scene.send(order("m", Side.BUY, None))
    wallet = scene.wallet()
    books.close()
    bars = [Bar(T0 + n * MINUTE, MINUTE, PRICE, PRICE, PRICE, PRICE, 1.0, PRICE, PRICE, PRICE) for n in range(minutes)]
    settled = FundingRate(BTC, T0 + minutes * MINUTE + 7, 0.0001, 8)  # stamped a few ms after the minute's end
    for _ in range(2):
        books = BooksFile(tmp_path / "exchange.db")
        later = Scene(books, *bars, at=T0 + minutes * MINUTE + 20_000)
        later.public.rates = [settled]
        await later.port.catch_up()
        assert later.wallet() == wallet - Decimal("0.06")
        books.close()


@pytest.mark.parametrize("fell", [True, False])
async def test_what_happened_while_the_bot_was_away_has_happened_to_its_orders_too(fell: bool, tmp_path: Path) -> None:
    books = BooksFile(tmp_path / "exchange.db")
    scene = Scene(books)
    scene.quote(PRICE - 1, PRICE + 1)
    await scene.send(order("b", Side.BUY, PRICE - 100))
    books.close()
    low = PRICE - 200 if fell else PRICE - 50
    minutes = [Bar(T0 + n * MINUTE, MINUTE, PRICE, PRICE, low if n == 4 else PRICE, PRICE, 1e6, PRICE, PRICE, PRICE)
               for n in range(1, 10)]  # fmt: skip
    books = BooksFile(tmp_path / "exchange.db")
    later = Scene(books, *minutes, at=T0 + 10 * MINUTE)
    await later.port.catch_up()
    assert bool(later.port.exchange.account.position(BTC)) == fell
    assert bool(later.port.exchange.history.open) != fell
    books.close()


async def test_a_question_that_fails_otherwise_than_the_market_does_ends_the_port_and_is_not_left_unanswered() -> None:
    scene = Scene()

    async def broken(symbol: Symbol, since: Ms) -> list[Bar]:
        raise ZeroDivisionError("of the test")

    scene.public.klines = broken  # type: ignore[method-assign]
    serving = asyncio.create_task(scene.port.run())
    scene.port.send(AskBars(1, BTC, T0))
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(serving, 60.0)
