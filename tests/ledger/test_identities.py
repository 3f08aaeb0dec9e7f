"""What holds after every event of any history: lots are the position, books tie out, parts sum to equity."""

from collections.abc import Iterator
from decimal import Inexact, localcontext
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbot_tui.engine.events import Cash, CashKind, Fill
from gridbot_tui.ledger import Ledger, LedgerState
from gridbot_tui.units import ZERO, Asset, Market, Money
from tests.ledger.scene import (
    START,
    SYMBOLS,
    D,
    History,
    cash,
    histories,
    instrument,
    instruments,
    ledger,
    play,
)

ANY = st.sampled_from(Market).flatmap(histories)
MARKS = dict.fromkeys(SYMBOLS, 501_230)


@pytest.fixture(autouse=True)
def _nothing_is_rounded() -> Iterator[None]:
    """Booking may divide a fee or average a price, each in its own context; nothing else may round."""
    with localcontext() as context:
        context.traps[Inexact] = True
        yield


def marked(book: Ledger) -> Ledger:
    for symbol, mark in MARKS.items():
        book.mark(symbol, mark)
    return book


def unique(history: History) -> list[Fill | Cash]:
    """Each event once, in the order of arrival."""
    seen: dict[tuple[str, str], Fill | Cash] = {}
    for event in history.events:
        key = (event.symbol, event.trade_id) if isinstance(event, Fill) else ("", event.cash_id)
        seen.setdefault(key, event)
    return list(seen.values())


@given(history=ANY)
@settings(max_examples=40, deadline=None)
def test_lots_add_up_to_the_position_and_are_never_long_and_short_at_once(history: History) -> None:
    book = ledger(history.market)
    spot = history.market is Market.SPOT
    for step in history.steps:
        play(book, step)
        for symbol in SYMBOLS:
            one = book.book(symbol)
            assert sum(lot.steps * lot.side for lot in one.lots) == one.position
            assert len({lot.side for lot in one.lots}) <= 1
            assert all(lot.steps > 0 for lot in one.lots)
            assert len({lot.id for lot in one.lots}) == len(one.lots)
            assert one.own_position + one.external_position == one.position
            if spot:
                assert one.position >= 0
                assert 0 <= one.dust.quantity < one.instrument.step
            else:
                assert one.dust.quantity == 0


@given(history=histories(Market.FUTURES))
@settings(max_examples=40, deadline=None)
def test_a_futures_position_is_the_sum_of_its_fills(history: History) -> None:
    book = ledger()
    for step in history.steps:
        play(book, step)
    for symbol in SYMBOLS:
        fills = [e for e in unique(history) if isinstance(e, Fill) and e.symbol == symbol]
        assert book.position(symbol) == sum(e.side * e.steps for e in fills)
        assert book.position(symbol) == history.averages[symbol].position


def wallets(history: History) -> dict[Asset, Money]:
    """Every wallet, counted anew from the raw events."""
    found = dict(START)

    def move(asset: Asset, amount: Money) -> None:
        found[asset] = found.get(asset, ZERO) + amount

    for event in unique(history):
        if isinstance(event, Cash):
            move(event.asset, event.amount)
            continue
        move(event.fee_asset, -event.fee)
        move("USDT", event.realised)
        if history.market is Market.SPOT:
            traded = instrument(event.symbol, Market.SPOT)
            move(traded.base, traded.step * event.steps * event.side)
            value = traded.step * event.steps * traded.tick * event.price
            move("USDT", -event.side * (value if event.quote is None else event.quote))
    return found


@given(history=ANY)
@settings(max_examples=40, deadline=None)
def test_every_wallet_ties_out_to_the_last_digit(history: History) -> None:
    book = ledger(history.market)
    for step in history.steps:
        play(book, step)
        assert book.account.gaps() == {}
    expected = wallets(history)
    assert {asset: book.account.wallet(asset) for asset in expected} == expected
    assert book.account.reported(expected, 10**6) == {}
    assert book.account.residual() == 0


@given(history=ANY)
@settings(max_examples=60, deadline=None)
def test_the_parts_of_profit_sum_to_the_change_of_equity_exactly(history: History) -> None:
    book = ledger(history.market, capital=D("9000.5"))
    for step in history.steps:
        play(book, step)
        equity = book.equity_quick()
        pnl = book.pnl()
        assert pnl.change == (None if equity is None else equity - D("9000.5"))
        whole = book.pnl(MARKS)
        explained, equity = whole.change, book.equity(MARKS)
        assert explained is not None
        assert equity is not None
        assert explained == equity - D("9000.5")
        assert whole.inventory is not None
        assert whole.unrealised is not None
        by_price = whole.grid + (whole.fees_total - whole.fees) + whole.inventory
        assert by_price == whole.realised + whole.unrealised


@given(history=ANY)
@settings(max_examples=40, deadline=None)
def test_the_running_equity_equals_the_one_computed_from_scratch(history: History) -> None:
    book = ledger(history.market)
    for step in history.steps:
        play(book, step)
        marks = {symbol: one.mark for symbol, one in book.books.items() if one.mark is not None}
        assert book.equity_quick() == book.equity(marks)
    assert marked(book).equity_quick() == book.equity(MARKS)


@given(history=histories(Market.FUTURES))
@settings(max_examples=40, deadline=None)
def test_the_lot_book_and_the_exchanges_average_entry_give_the_same_equity(history: History) -> None:
    book = marked(ledger())
    fills = 0
    for step in history.steps:
        play(book, step)
        fills += isinstance(step.event, Fill)
    marked(book)
    book.set_asset_price("BNB", D(600))
    paid_elsewhere = book.equity_quick()
    assert paid_elsewhere is not None
    outside = book.wallet + (book.unrealised() or ZERO) - paid_elsewhere
    theirs = book.wallet - outside
    for symbol, average in history.averages.items():
        entry = average.entry_price
        if entry is not None:
            one = instrument(symbol)
            theirs += (one.price(MARKS[symbol]) - entry) * one.quantity(average.position)
            shown = book.book(symbol).entry_price()
            assert shown is not None
            assert abs(shown - entry) < D("1e-4")
    assert abs(theirs - paid_elsewhere) <= D("1e-7") * (fills + 1)
    for one_book in book.books.values():
        assert abs(one_book.carry.rounding) <= D("1e-8") * (fills + 1)


@given(history=histories(Market.SPOT))
@settings(max_examples=40, deadline=None)
def test_spot_equity_is_the_quote_wallet_and_our_base_at_the_mark(history: History) -> None:
    book = ledger(Market.SPOT)
    for step in history.steps:
        play(book, step)
    book.set_asset_price("BNB", D(600))
    outside = book.state().flows.outside_fees
    value = sum(
        (one.quantity * one.instrument.price(MARKS[symbol]) for symbol, one in book.books.items()), ZERO
    )
    assert book.equity(MARKS) == book.wallet + value - outside


@given(history=ANY, cut=st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_a_ledger_restored_midway_ends_as_the_uninterrupted_one(history: History, cut: int) -> None:
    whole, before = ledger(history.market), ledger(history.market)
    for step in history.steps:
        play(whole, step)
    for step in history.steps[:cut]:
        play(before, step)
        before.sample(1)
    stored = msgspec.json.encode(before.state())
    state = msgspec.json.decode(stored, type=LedgerState)
    after = Ledger.restore(history.market, "USDT", instruments(history.market), state)
    assert after.state() == before.state() == state
    assert after.equity_quick() == before.equity_quick()
    for step in history.steps[cut:]:
        play(after, step)
    assert marked(after).equity_quick() == marked(whole).equity_quick()
    assert after.pnl() == whole.pnl()
    assert after.state().books == whole.state().books
    assert after.state().account == whole.state().account


@given(history=ANY, seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_duplicates_in_any_order_change_nothing(history: History, seed: int) -> None:
    book = ledger(history.market)
    for step in history.steps:
        play(book, step)
    before = book.state()
    again = history.events * 2
    Random(seed).shuffle(again)
    for event in again:
        if isinstance(event, Fill):
            assert book.fill(event) is None
        else:
            assert not book.cash(event)
    assert book.state() == before


@given(history=ANY, amount=st.integers(-5_000, 50_000).filter(bool))
@settings(max_examples=40, deadline=None)
def test_a_transfer_leaves_the_unit_value_as_it_was(history: History, amount: int) -> None:
    book = marked(ledger(history.market))
    for step in history.steps:
        if isinstance(step.event, Fill):
            play(book, step)
    if (book.equity_quick() or ZERO) + min(amount, 0) <= 100:
        return
    before = book.sample(5)
    nav, peak = book.capital.nav, book.capital.peak
    book.cash(cash(CashKind.TRANSFER, D(amount), "in", at=6))
    assert book.sample(6) == before
    assert (book.capital.nav, book.capital.peak) == (nav, peak)
