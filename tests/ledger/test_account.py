"""The account book against what the exchange reports: residuals pend, clear or stand."""

from gridbot_tui.engine.events import CashKind
from gridbot_tui.ledger import AccountBook, Ledger
from gridbot_tui.units import Market, Side
from tests.ledger.scene import D, cash, fill, instrument

BALANCES = {"USDT": D(100), "BNB": D(1)}


def book() -> AccountBook:
    made = AccountBook("USDT")
    made.start(BALANCES, 1_000)
    return made


def test_a_residual_is_unknown_before_the_first_report() -> None:
    assert AccountBook("USDT").residual() is None


def test_an_event_that_arrives_after_the_report_that_holds_it_clears_the_residual() -> None:
    account = book()
    assert account.reported({"USDT": D("99.5"), "BNB": D(1)}, 2_000) == {"USDT": D("-0.5")}
    assert account.pending_since() == 2_000
    account.cash(cash(CashKind.FUNDING, "-0.5", "f", at=1_999))
    assert account.residuals() == {}
    assert account.pending_since() is None


def test_an_event_after_the_report_moves_both_sides() -> None:
    account = book()
    account.reported(BALANCES, 2_000)
    account.cash(cash(CashKind.TRANSFER, "7", "t", at=2_001))
    assert account.residual() == 0
    assert account.wallet("USDT") == D(107)


def test_a_residual_is_confirmed_once_it_outlives_a_resync_by_the_grace() -> None:
    account = book()
    wrong = {"USDT": D(101), "BNB": D(1)}
    account.reported(wrong, 2_000)
    assert not account.confirmed(60_000)  # nobody has asked again
    account.reported(wrong, 3_000)
    assert not account.confirmed(31_999)
    assert account.confirmed(32_000)
    account.reported(BALANCES, 33_000)
    assert not account.confirmed(99_000)


def test_a_wallet_that_is_not_listed_any_more_is_empty() -> None:
    assert book().reported({"USDT": D(100)}, 2_000) == {"BNB": D(-1)}


def test_an_older_report_is_ignored() -> None:
    account = book()
    account.reported(BALANCES, 3_000)
    assert account.reported({"USDT": D(5)}, 2_000) == {}


def test_a_futures_fill_moves_realised_and_the_fee_in_its_own_asset() -> None:
    account = book()
    account.fill(
        fill(Side.SELL, 600_000, 1, "1", fee="0.01", asset="BNB", realised="2.5", at=2_000), instrument()
    )
    assert (account.wallet("USDT"), account.wallet("BNB")) == (D("102.5"), D("0.99"))
    assert (account.sums("USDT").realised, account.sums("BNB").fees) == (D("2.5"), D("0.01"))


def test_a_spot_fill_moves_base_and_quote_exactly() -> None:
    account = book()
    traded = instrument(market=Market.SPOT)
    account.fill(fill(Side.BUY, 600_001, 1, "1", fee="0.000001", asset="BTC", at=2_000), traded)
    assert account.wallet("BTC") == D("0.000999")
    assert account.wallet("USDT") == D("39.9999")
    assert account.gaps() == {}


def test_a_ledger_knows_when_it_started_and_where_to_ask_for_more() -> None:
    whole = Ledger(Market.FUTURES, "USDT", {"BTCUSDT": instrument()})
    assert not whole.started
    whole.start(5, BALANCES)
    whole.cash(cash(CashKind.FUNDING, "1", "b", at=9))
    whole.cash(cash(CashKind.FUNDING, "1", "a", at=8))
    whole.fill(fill(Side.BUY, 600_000, 1, "77", at=9))
    again = Ledger.restore(Market.FUTURES, "USDT", {}, whole.state())
    assert (again.started_at, again.last_cash_at, again.last_trade_id("BTCUSDT")) == (5, 9, "77")
