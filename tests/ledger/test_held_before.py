"""A futures position that was there before the ledger began: counted from then on, and closed without a trace."""

import msgspec
import pytest

from gridbot_tui.ledger import Ledger, LedgerError, LedgerState
from gridbot_tui.ledger.model import BEFORE
from gridbot_tui.units import Market, Side
from tests.ledger.scene import START, D, fill, instruments, ledger

BTC, MARK, STEPS = "BTCUSDT", 600_000, 100
ENTRY = D("59123.45678901")  # 0.1 BTC: it has gained 87.654321099
COST = ENTRY * D("0.1")


def ties_out(book: Ledger) -> None:
    """The parts sum to the change of equity, and both ways of counting profit agree."""
    equity, pnl = book.equity_quick(), book.pnl()
    assert equity is not None
    assert pnl.change == equity - book.allotted
    assert pnl.inventory is not None
    assert pnl.unrealised is not None
    assert pnl.grid + pnl.fees_total - pnl.fees + pnl.inventory == pnl.realised + pnl.unrealised


def holding(side: int = 1) -> Ledger:
    book = ledger()
    book.hold(5, BTC, side * STEPS, MARK, side * COST)
    return book


@pytest.mark.parametrize("side", [1, -1])
def test_what_it_has_gained_by_then_is_capital_and_what_it_gains_later_is_a_result(side: int) -> None:
    book = holding(side)
    gained = side * (D(60_000) * D("0.1") - COST)
    book.take(5)
    assert book.equity_quick() == START["USDT"] + gained
    assert (book.pnl().transfers, book.pnl().inventory) == (gained, D(0))
    assert book.capital.nav == 1
    ties_out(book)
    book.mark(BTC, MARK + side * 10_000)
    book.take(6)
    assert book.pnl().inventory == 100
    assert book.capital.nav > 1
    ties_out(book)


def test_it_is_an_external_lot_that_the_hand_that_made_it_closes_and_nothing_is_left() -> None:
    book = holding()
    (lot,) = book.book(BTC).lots
    assert (lot.external, lot.client_id, lot.price, lot.steps) == (True, BEFORE, MARK, STEPS)
    assert (book.book(BTC).own_position, book.book(BTC).closable) == (0, 0)
    assert book.book(BTC).of_before
    realised = D("187.65432109")  # the exchange counts from its entry price, to eight digits
    book.fill(fill(Side.SELL, MARK + 10_000, STEPS, "7", realised=realised, fee="2.44", client="web", ours=False, at=9))
    assert not book.book(BTC).of_before
    assert book.position(BTC) == 0
    assert book.wallet == START["USDT"] + realised - D("2.44")
    assert book.equity_quick() == book.wallet
    assert book.pnl().fills == 0
    ties_out(book)


def test_what_was_closed_of_it_before_it_was_booked_is_taken_off() -> None:
    book = ledger()
    book.mark(BTC, MARK)
    realised = (D(60_100) - ENTRY) * D("0.03")
    book.fill(fill(Side.SELL, 601_000, 30, "7", realised=realised, client="web", ours=False))
    book.hold(5, BTC, STEPS, MARK, ENTRY * D("0.07"))
    assert book.position(BTC) == 70
    assert book.equity_quick() == book.wallet + (D(60_000) - ENTRY) * D("0.07")
    ties_out(book)
    gone = ledger()
    gone.mark(BTC, MARK)
    gone.fill(fill(Side.SELL, 601_000, STEPS, "7", realised=(D(60_100) - ENTRY) * D("0.1"), client="web", ours=False))
    gone.hold(5, BTC, STEPS, MARK, D(0))
    assert (gone.position(BTC), gone.equity_quick(), gone.book(BTC).lots) == (0, gone.wallet, ())
    ties_out(gone)


def test_a_ledger_that_holds_it_is_the_same_after_a_restart() -> None:
    book = holding()
    stored = msgspec.json.decode(msgspec.json.encode(book.state()), type=LedgerState)
    again = Ledger.restore(Market.FUTURES, "USDT", instruments(Market.FUTURES), stored)
    assert again.state() == book.state()
    assert again.book(BTC).of_before


def test_spot_has_no_such_thing_and_nothing_is_held_for_nothing() -> None:
    with pytest.raises(LedgerError, match="can't hold"):
        ledger(Market.SPOT).hold(5, BTC, STEPS, MARK, COST)
    with pytest.raises(LedgerError, match="can't hold"):
        ledger().hold(5, BTC, 0, MARK, COST)
