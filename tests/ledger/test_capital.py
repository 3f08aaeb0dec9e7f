"""Unit value: only trading moves it."""

from random import Random

import pytest

from gridbot_tui.engine.events import CashKind
from gridbot_tui.ledger import Capital, Ledger
from gridbot_tui.units import Market, Side
from tests.ledger.scene import D, cash, fill, instruments, ledger


def fund(equity: int = 1000) -> Capital:
    capital = Capital()
    capital.start(0, D(equity))
    return capital


def test_drawdown_is_measured_from_the_peak_of_the_unit_value() -> None:
    capital = fund()
    assert capital.mark(1, D(1100)) == 0.0
    assert capital.mark(2, D(990)) == pytest.approx(-0.1)
    assert capital.mark(3, D(1045)) == pytest.approx(-0.05)
    assert capital.max_drawdown == pytest.approx(-0.1)
    assert (capital.nav, capital.peak) == (D("1.045"), D("1.1"))


def test_money_that_comes_or_goes_hides_no_loss_and_makes_none() -> None:
    capital = fund()
    capital.mark(1, D(900))
    capital.transfer(2, D(9000), D(900))
    assert capital.mark(3, D(9900)) == pytest.approx(-0.1)
    capital.transfer(4, D(-8900), D(9900))
    assert capital.mark(5, D(1000)) == pytest.approx(-0.1)
    assert capital.mark(6, D(500)) == pytest.approx(-0.55)


def test_re_arming_moves_the_peak_and_keeps_the_highest_ever() -> None:
    capital = fund()
    capital.mark(1, D(840))
    capital.rebase(-0.09)
    assert capital.drawdown == pytest.approx(-0.09)
    assert capital.all_time_peak == 1
    assert capital.total_drawdown == pytest.approx(-0.16)
    assert capital.mark(2, D(900)) == pytest.approx(-0.025, abs=1e-3)
    with pytest.raises(ValueError, match="drawdown"):
        capital.rebase(0.1)


def test_new_money_into_a_lost_fund_starts_a_new_one() -> None:
    capital = fund()
    assert capital.mark(1, D(-5)) == pytest.approx(-1.005)
    capital.transfer(2, D(1005), D(-5))
    assert capital.mark(3, D(1000)) == 0.0
    assert capital.nav == 1
    assert capital.max_drawdown == pytest.approx(-1.005)


def test_a_fund_that_was_withdrawn_wholly_keeps_its_value_until_money_returns() -> None:
    capital = fund()
    capital.mark(1, D(1200))
    capital.transfer(2, D(-1200), D(1200))
    assert capital.mark(3, D(0)) == 0.0
    assert capital.nav == D("1.2")
    capital.transfer(4, D(500), D(0))
    assert capital.mark(5, D(250)) == pytest.approx(-0.5)


def test_a_transfer_while_equity_is_unknown_waits_for_the_next_mark() -> None:
    book = ledger(capital=D(1000))
    book.fill(fill(Side.BUY, 600_000, 10, "1"))
    assert book.cash(cash(CashKind.TRANSFER, "500", "t"))
    assert book.sample(2) is None
    book.mark("BTCUSDT", 590_000)
    assert book.equity_quick() == D(1490)
    assert book.sample(3) == pytest.approx(-0.01)
    assert book.capital.nav == D("0.99")


def test_cash_in_an_asset_that_is_no_part_of_equity_moves_its_wallet_only() -> None:
    book = ledger()
    assert book.cash(cash(CashKind.TRANSFER, "2", "t", asset="BNB"))
    assert book.account.wallet("BNB") == D("5.5")
    assert book.equity_quick() == D("10000.00000001")
    assert book.pnl().transfers == 0


def test_a_second_transfer_waits_with_the_first() -> None:
    book = ledger(capital=D(1000))
    book.fill(fill(Side.BUY, 600_000, 10, "1"))
    book.cash(cash(CashKind.TRANSFER, "500", "t1"))
    book.mark("BTCUSDT", 590_000)
    book.cash(cash(CashKind.TRANSFER, "-200", "t2"))
    assert book.sample(3) == pytest.approx(-0.01)
    assert (book.equity_quick(), book.capital.nav) == (D(1290), D("0.99"))


@pytest.mark.parametrize("seed", range(3))
def test_the_deepest_fall_is_that_of_every_sample_taken(seed: int) -> None:
    rng, capital, top, deepest, equity = Random(seed), fund(), D(1000), 0.0, D(1000)
    for at in range(300):
        equity += D(rng.randrange(-200, 201)) / 10
        capital.take(at, equity)
        top = max(top, equity)
        deepest = min(deepest, float(equity / top) - 1.0)
        assert capital.max_drawdown == pytest.approx(deepest, abs=1e-12)


def test_what_lies_beside_the_capital_comes_and_goes_without_it() -> None:
    """An account of 10,000 of which 3,000 are the bot's: whoever takes 4,500 out of it takes none of these."""
    book = ledger(capital=D("3000.00000001"))
    book.fill(fill(Side.BUY, 600_000, 10, "1"))
    book.mark("BTCUSDT", 610_000)
    moves = ((-4500, 0), (4500, 0), (2000, 2000), (-3000, 0), (-8000, -2000), (2500, 0), (7000, 500))
    for number, (amount, moved) in enumerate(moves):
        book.cash(cash(CashKind.TRANSFER, str(amount), f"t{number}"))
        assert book.equity_quick() == D("3010.00000001") + moved, number
        assert book.pnl().transfers == moved
        assert book.take(number)
        assert book.capital.nav == pytest.approx(D(3010) / 3000), "money that comes or goes is no profit"
        again = Ledger.restore(book.market, book.quote, instruments(Market.FUTURES), book.state())
        assert again.equity_quick() == book.equity_quick()


def test_new_money_into_a_fund_that_is_worth_nothing_is_a_new_fund_measured_from_its_own_peak() -> None:
    fund = Capital()
    fund.start(0, D(1000))
    fund.mark(1, D(1200))
    fund.mark(2, D(0))
    assert (fund.nav, fund.drawdown, fund.max_drawdown) == (D(0), -1.0, -1.0)
    fund.transfer(3, D(500), D(0))
    assert (fund.nav, fund.peak, fund.all_time_peak, fund.drawdown) == (D(1), D(1), D(1), 0.0)
    assert fund.at == 3
    assert fund.mark(4, D(450)) == pytest.approx(-0.1)
    assert (fund.nav, fund.max_drawdown) == (D("0.9"), -1.0)
    fund.rebase(0.0)
    assert (fund.peak, fund.drawdown) == (D("0.9"), 0.0)
