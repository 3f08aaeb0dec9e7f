"""The exchange's books: they add up after every step, and a killed exchange goes on as if never killed."""

import shutil
import sqlite3
from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json

from gridbot_tui.engine.events import BarsClosed, Fill
from gridbot_tui.exchange.port import SetLeverage
from gridbot_tui.exchange.simulated.books import BooksFile, read_books
from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.futures import FuturesAccount
from gridbot_tui.exchange.simulated.venue import NEVER_HIGH, NEVER_LOW, Venue
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.units import Market, Side, Symbol
from tests.exchange.market import (
    START,
    Tape,
    account,
    config,
    drain,
    flat,
    limit,
    market_order,
    opened,
    place,
    until,
)
from tests.exchange.monkey import Monkey, wander

BUY, SELL = Side.BUY, Side.SELL
MARKETS = st.sampled_from([Market.FUTURES, Market.SPOT])
PROPERTY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def tape(seed: int, market: Market, count: int = 120) -> Tape:
    return Tape({"AAAUSDT": wander(seed, count, 400), "XYZUSDT": wander(seed + 1, count)}, market=market)


def check(exchange: Exchange, initial: D) -> None:
    """Everything that must be true of the exchange between any two steps."""
    for venue in exchange.venues.values():
        check_venue(exchange, venue)
    trades = [t for some in exchange.history.trades.values() for t in some]
    cash: dict[str, D] = {"USDT": initial}
    for line in exchange.history.cash:
        cash[line.asset] = cash.get(line.asset, D(0)) + line.amount
    for t in trades:
        cash[t.fee_asset] = cash.get(t.fee_asset, D(0)) - t.fee
        if exchange.futures is not None:
            cash["USDT"] += t.realised
        else:
            i = exchange.venues[t.symbol].instrument
            cash["USDT"] -= t.side * t.quote
            cash[i.base] = cash.get(i.base, D(0)) + t.side * i.quantity(t.steps)
    books = {b.asset: b.wallet for b in exchange.account.balances()}
    assert {a: x for a, x in cash.items() if x} == {a: x for a, x in books.items() if x}, "every wallet adds up"
    for symbol, position in exchange.futures.held.items() if exchange.futures else ():
        mine = [t for t in trades if t.symbol == symbol]
        assert position.steps == sum(t.side * t.steps for t in mine)
        assert position.realised == sum(t.realised for t in mine)
        assert position.cost == sum(t.side * t.quote for t in mine) + position.realised, "nothing lost in rounding"
    if exchange.spot is not None:
        open_orders = exchange.history.open.values()
        for asset in exchange.spot.totals:
            held = sum((o.locked for o in open_orders if _locks(exchange, o.symbol, o.side) == asset), D(0))
            assert exchange.spot.locked.get(asset, D(0)) == held
            assert exchange.spot.spendable(asset) >= 0


def _locks(exchange: Exchange, symbol: Symbol, side: Side) -> str:
    i = exchange.venues[symbol].instrument
    return i.quote if side is BUY else i.base


def check_venue(exchange: Exchange, venue: Venue) -> None:
    resting = venue.bids + venue.asks
    assert all(o.resting and o.open and o.left > 0 for o in resting)
    listed = {id(o) for o in resting + venue.stops}
    assert listed == {id(o) for o in exchange.history.open.values() if o.symbol == venue.symbol}
    assert len(resting) <= venue.instrument.max_orders
    bids, asks = [o.price or 0 for o in venue.bids], [o.price or 0 for o in venue.asks]
    assert bids == sorted(bids)
    assert asks == sorted(asks, reverse=True)
    assert venue.next_buy == (max(bids) if bids else NEVER_LOW)
    assert venue.next_sell == (min(asks) if asks else NEVER_HIGH)
    assert venue.buy_exposure == sum((o.price or 0) * o.left for o in venue.bids if not o.reduce_only)
    assert venue.sell_exposure == sum((o.price or 0) * o.left for o in venue.asks if not o.reduce_only)
    assert venue.reduce_only == sum(o.reduce_only for o in resting)
    position = exchange.account.position(venue.symbol)
    for order in resting:
        assert order.steps <= venue.instrument.max_steps
        assert not order.reduce_only or position * order.side < 0


@PROPERTY
@given(seed=st.integers(0, 10_000), market=MARKETS, partial=st.sampled_from([0.0, 0.5]))
def test_whatever_a_bot_does_the_books_add_up_after_every_step(seed: int, market: Market, partial: float) -> None:
    world = World(tape(seed, market, 60), config(market, 300, partial_probability=partial), seed=seed)
    monkey = Monkey(seed)
    for _ in range(60):
        list(monkey.play(world, 1))
        check(world.exchange, D(300))


@PROPERTY
@given(seed=st.integers(0, 10_000), market=MARKETS, killed_after=st.integers(1, 100))
def test_an_exchange_reopened_from_its_books_goes_on_as_if_never_killed(
    tmp_path: Path, seed: int, market: Market, killed_after: int
) -> None:
    source, settings_ = tape(seed, market), config(market, 300, partial_probability=0.3)
    for old in tmp_path.glob("*.db*"):
        old.unlink()
    books = BooksFile(tmp_path / "exchange.db")
    world = World(source, settings_, seed=seed, books=books)
    list(Monkey(seed).play(world, killed_after))
    for file in tmp_path.glob("exchange.db*"):
        shutil.copy(file, tmp_path / file.name.replace("exchange", "killed"))

    again = World(source, settings_, seed=seed, books=BooksFile(tmp_path / "killed.db"))
    check(again.exchange, D(300))
    assert again.now == world.now
    assert state(again.exchange) == state(world.exchange)
    assert json.encode(account(again)) == json.encode(account(world))
    future = [json.encode(list(Monkey(seed + 1).play(w))) for w in (world, again)]
    assert future[0] == future[1]
    assert state(again.exchange) == state(world.exchange)


def state(exchange: Exchange) -> bytes:
    """All that an exchange knows, as bytes."""
    orders = [o for _, o in sorted(exchange.history.open.items())]
    ladders = [[o.exchange_id for o in v.bids + v.asks] for v in exchange.venues.values()]
    prices = [(v.last, v.mark) for v in exchange.venues.values()]
    counters = (exchange.next_order_id, exchange.next_trade_id, exchange.next_cash_id, exchange.liquidations)
    trades = [t for _, some in sorted(exchange.history.trades.items()) for t in some]
    accounts = exchange.account.balances(), exchange.account.positions()
    return json.encode((orders, ladders, prices, counters, trades, exchange.history.cash, accounts))


@PROPERTY
@given(seed=st.integers(0, 10_000))
def test_bands_never_hide_what_an_exact_check_of_every_bar_would_find(seed: int) -> None:
    def fills(exact: bool) -> list[Fill]:
        world = World(tape(seed, Market.FUTURES), config(usdt=300))
        if exact:
            futures = world.exchange.futures
            assert futures is not None
            futures.rebuild_bands = lambda: watch_everything(futures, world.exchange)  # type: ignore[method-assign]
        return [e for e in Monkey(seed, (2_000, 20_000)).play(world) if isinstance(e, Fill)]

    assert fills(exact=True) == fills(exact=False)


def watch_everything(futures: FuturesAccount, exchange: Exchange) -> None:
    for venue in exchange.venues.values():
        venue.band_low = NEVER_HIGH if futures.position(venue.symbol) else NEVER_LOW
        venue.watch()


def test_the_monkeys_do_get_liquidated_filled_and_stopped() -> None:
    """The properties above would prove little if nothing ever happened in them."""
    liquidated = forced = stopped = partly = 0
    for seed in range(12):
        world = World(tape(seed, Market.FUTURES), config(usdt=300))
        heard = list(Monkey(seed, (2_000, 20_000)).play(world))
        liquidated += world.exchange.liquidations
        forced += sum(isinstance(e, Fill) and bool(e.forced) for e in heard)
        history = world.exchange.history
        orders = [history.find((t.symbol, t.client_id, True)) for some in history.trades.values() for t in some]
        stopped += sum(o is not None for o in orders)
        partly += sum(isinstance(e, Fill) and e.maker and e.steps in (300, 3_000) for e in heard)
    assert liquidated > 3
    assert forced >= liquidated
    assert stopped > 3
    assert partly > 3


def test_an_auditor_reads_the_books_beside_the_running_exchange(tmp_path: Path) -> None:
    path = tmp_path / "a b#1%20?ü" / "exchange.db"  # an address would end at some of these
    path.parent.mkdir()
    world = World(Tape({"XYZUSDT": [flat(0, 1000), flat(1, 1000)]}), config(slippage_bp=0.0), books=BooksFile(path))
    until(world, BarsClosed)
    place(world, limit("b", BUY, 990, 1000), market_order("m", SELL, 500))
    world.owner.deposit("USDT", D(5))
    view = read_books(path)
    assert view.at == world.now
    assert [(o.client_id, o.resting, o.filled) for o in view.open_orders] == [("b", True, 0)]
    assert view.positions == {"XYZUSDT": (-500, D(-50))}
    assert view.balances == {"USDT": (D("10004.975"), D(0))}
    assert [t.client_id for t in view.trades] == ["m"]
    assert [c.amount for c in view.cash] == [D(5)]


def test_what_is_heard_is_already_in_the_books(tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    world = World(tape(5, Market.FUTURES), config(), books=BooksFile(path))
    for item in Monkey(5).play(world, 60):
        if isinstance(item, Fill):
            assert item.trade_id in {str(t.trade_id) for t in read_books(path).trades}


def test_bulk_writes_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    books = BooksFile(path)
    world = World(tape(5, Market.FUTURES), config(), books=books)
    with books.bulk():
        list(Monkey(5).play(world, 60))
        assert read_books(path).at == START
    view = read_books(path)
    assert view.at == world.now
    assert len(view.trades) == sum(len(t) for t in world.exchange.history.trades.values())

    def die() -> None:
        with books.bulk():
            list(Monkey(6).play(world, 20))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    assert read_books(path) == view


def test_leverage_and_margin_call_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    source = Tape({"XYZUSDT": [flat(0, 1000), flat(1, 760), flat(2, 759), flat(3, 759)]})
    world = World(source, config(slippage_bp=0.0, futures_taker=0), books=BooksFile(path))
    until(world, BarsClosed)
    world.send(SetLeverage("XYZUSDT", 7))
    place(world, market_order("long", BUY, 400_000))
    until(world, BarsClosed)
    assert until(world, BarsClosed)[-1].notes  # type: ignore[union-attr]
    again = World(source, config(), books=BooksFile(path))
    assert again.exchange.futures is not None
    assert again.exchange.futures.leverage == {"XYZUSDT": 7}
    assert [e.notes for e in drain(again) if isinstance(e, BarsClosed)] == [()], "not called twice"


def test_books_of_another_market_are_refused_and_a_file_without_books_too(tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    World(tape(1, Market.FUTURES), config(), books=BooksFile(path))
    with pytest.raises(ValueError, match="market futures"):
        World(tape(1, Market.SPOT), config(Market.SPOT), books=BooksFile(path))
    BooksFile(tmp_path / "empty.db").close()
    with pytest.raises(ValueError, match="no books"):
        read_books(tmp_path / "empty.db")
    with pytest.raises(sqlite3.OperationalError):
        read_books(tmp_path / "missing.db")


def test_balances_of_the_config_count_only_for_new_books(tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    World(tape(1, Market.FUTURES), config(usdt=100), books=BooksFile(path))
    again = World(tape(1, Market.FUTURES), config(usdt=999), books=BooksFile(path))
    assert account(again).balances == {"USDT": D(100)}


def test_without_books_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place(opened(), limit("b", BUY, 990, 1000))
    assert list(tmp_path.iterdir()) == []
