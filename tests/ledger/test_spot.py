"""Spot: lots net of their fee, dust, and base that is not ours."""

from decimal import Decimal

import pytest

from gridbot_tui.engine.events import CashKind
from gridbot_tui.ledger import Ledger, LedgerError
from gridbot_tui.units import ZERO, Market, Side
from tests.ledger.scene import D, cash, fill, instrument, ledger

BUY, SELL = Side.BUY, Side.SELL


def bought(book: Ledger, steps: int, trade: str, fee: str, price: int = 600_000) -> None:
    assert book.fill(fill(BUY, price, steps, trade, fee=fee, asset="BTC")) is not None


def test_a_lot_is_what_arrived_net_of_its_fee_and_the_fraction_is_dust() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0.00001")
    one = book.book("BTCUSDT")
    assert one.position == 9
    assert one.dust.quantity == D("0.00099")
    assert one.quantity == D("0.00999")
    assert book.account.wallet("BTC") == D("0.70999")
    assert book.wallet == D("9400.00000001")
    assert one.lots[0].fee == D("0.6")
    assert book.equity({"BTCUSDT": 600_000}) == D("9999.40000001")


def test_dust_that_grows_to_a_step_joins_the_next_lot() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0.0004")
    bought(book, 10, "2", "0.0004", price=610_000)
    one = book.book("BTCUSDT")
    assert one.position == 19
    assert one.dust.quantity == D("0.0002")
    assert one.quantity == D("0.0192")


def test_dust_that_a_finer_step_of_the_exchanges_makes_whole_joins_the_next_lot() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0.0004")
    assert book.dust() == {"BTCUSDT": D("0.0006")}
    finer = instrument(market=Market.SPOT, step=D("0.0001"))
    again = Ledger.restore(Market.SPOT, "USDT", {"BTCUSDT": finer}, book.state())
    bought(again, 50, "2", "0")
    one = again.book("BTCUSDT")
    assert (one.position, one.dust.quantity) == (90 + 56, ZERO)
    assert one.quantity == D("0.0146")
    assert again.equity({"BTCUSDT": 600_000}) == D("9976.00000001")  # the fee of 0.0004 BTC


def test_a_base_fee_that_takes_the_last_step_leaves_nothing_of_the_old_position_in_the_next_ones_break_even() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0")
    assert book.fill(fill(SELL, 660_000, 9, "2", fee="0.001", asset="BTC")) is not None
    assert book.position("BTCUSDT") == 0
    bought(book, 5, "3", "0", price=620_000)
    assert book.book("BTCUSDT").break_even() == D("62000")


def test_a_full_exit_leaves_only_dust_which_is_still_valued() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0.00001")
    effect = book.fill(fill(SELL, 610_000, 9, "2", fee="0.549"))
    assert effect is not None
    assert (effect.cycles, effect.gross) == (1, D("9"))
    one = book.book("BTCUSDT")
    assert (one.position, one.dust.quantity, one.entry_price()) == (0, D("0.00099"), None)
    assert one.dust.value(610_000) == D("60.39")
    assert book.equity_quick() is None  # dust is held and has no mark
    book.mark("BTCUSDT", 610_000)
    assert book.equity_quick() == book.wallet + D("60.39")


def test_selling_base_that_was_there_before_is_capital_brought_in_and_no_profit() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0")
    book.mark("BTCUSDT", 600_000)
    book.sample(1)
    effect = book.fill(fill(SELL, 600_000, 30, "2", ours=False, fee="18"))
    assert effect is not None
    assert (effect.before, effect.after) == (10, 10), "the owner sells what is the owner's"
    assert (book.pnl().transfers, book.pnl().fees) == (D(1782), ZERO), "and pays for it"
    assert book.sample(2) == 0.0
    assert book.capital.nav == 1
    assert book.equity_quick() == D("11782.00000001")


def test_another_hand_sells_what_it_bought_then_what_was_there_before_then_what_is_ours() -> None:
    book = ledger(Market.SPOT)  # 0.7 BTC were there before
    bought(book, 10, "1", "0")
    book.fill(fill(BUY, 600_000, 50, "2", ours=False))
    one = book.book("BTCUSDT")
    sold = [(30, 20, 10), (120, 0, 10), (600, 0, 10), (4, 0, 6)]
    for number, (steps, external, own) in enumerate(sold, 3):
        book.fill(fill(SELL, 600_000, steps, str(number), ours=False))
        assert (one.external_position, one.own_position) == (external, own)
    assert book.account.wallet("BTC") == one.quantity
    book.mark("BTCUSDT", 600_000)
    assert book.equity_quick() == D("52000.00000001")
    assert book.pnl().change == book.pnl().transfers == D(42_000)


def test_what_the_owner_bought_by_hand_and_withdraws_is_not_ours() -> None:
    book = Ledger(Market.SPOT, "USDT", {"BTCUSDT": instrument(market=Market.SPOT)})
    book.start(0, {"USDT": D(10_000)})
    bought(book, 10, "1", "0")
    book.fill(fill(BUY, 600_000, 50, "2", ours=False))
    book.mark("BTCUSDT", 600_000)
    assert book.cash(cash(CashKind.TRANSFER, "-0.05", "c1", asset="BTC", at=2))
    one = book.book("BTCUSDT")
    assert (one.external_position, one.own_position) == (0, 10)
    assert book.pnl().transfers == D(-3000)


def test_a_base_fee_beyond_the_dust_comes_from_a_lot_then_from_base_that_is_not_ours() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0")
    book.fill(fill(SELL, 610_000, 5, "2", fee="0.0015", asset="BTC"))
    one = book.book("BTCUSDT")
    assert (one.position, one.dust.quantity) == (3, D("0.0005"))
    last = book.fill(fill(SELL, 610_000, 3, "3", fee="0.0015", asset="BTC"))
    assert last is not None
    assert last.foreign_fee == D("61")
    assert (one.position, one.dust.quantity) == (0, ZERO)
    pnl = book.pnl()
    assert pnl.change == (book.equity_quick() or ZERO) - D("10000.00000001")


def test_adopted_base_is_a_lot_bought_with_new_capital() -> None:
    book = ledger(Market.SPOT)
    book.mark("BTCUSDT", 600_000)
    number = book.adopt(3, "BTCUSDT", 100, 600_000)
    assert book.book("BTCUSDT").lot(number) is not None
    assert book.position("BTCUSDT") == 100
    assert book.sample(4) == 0.0
    assert (book.capital.nav, book.pnl().transfers) == (D(1), D(6000))
    with pytest.raises(LedgerError):
        ledger().adopt(3, "BTCUSDT", 100, 600_000)


@pytest.mark.parametrize(("tick", "price"), [("0.01", 6_000_000), ("1", 60_000)])
def test_a_lot_survives_a_change_of_the_exchanges_tick(tick: str, price: int) -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0")
    now = instrument(market=Market.SPOT, tick=Decimal(tick))
    again = Ledger.restore(Market.SPOT, "USDT", {"BTCUSDT": now}, book.state())
    assert again.book("BTCUSDT").lots[0].price == price
    assert again.equity({"BTCUSDT": price}) == book.equity({"BTCUSDT": 600_000})


def test_a_lot_off_the_new_grid_is_refused_in_words() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0", price=600_001)
    now = instrument(market=Market.SPOT, tick=D(1))
    with pytest.raises(LedgerError, match="no multiple"):
        Ledger.restore(Market.SPOT, "USDT", {"BTCUSDT": now}, book.state())


def test_a_symbol_that_is_not_traded_any_more_keeps_its_book() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0")
    again = Ledger.restore(Market.SPOT, "USDT", {}, book.state())
    assert again.position("BTCUSDT") == 10


def test_a_symbol_that_is_traded_from_a_restart_on_has_a_book_beside_those_of_before() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0")
    added = {name: instrument(name, Market.SPOT) for name in ("BTCUSDT", "SOLUSDT")}
    again = Ledger.restore(Market.SPOT, "USDT", added, book.state())
    assert again.fill(fill(BUY, 15_000, 4, "1", symbol="SOLUSDT")) is not None
    assert (again.position("SOLUSDT"), again.position("BTCUSDT")) == (4, 10)


def test_what_is_under_the_exchanges_minimum_is_listed_and_not_closable() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0.00001")
    assert book.closable("BTCUSDT") == 9
    book.fill(fill(SELL, 600_000, 8, "2"))
    assert book.closable("BTCUSDT") == 1  # 60 USDT, worth an order
    book.mark("BTCUSDT", 40_000)
    assert book.closable("BTCUSDT") == 0  # 4 USDT, under the minimum of 5
    assert book.dust() == {"BTCUSDT": D("0.00199")}


def test_a_fee_paid_from_base_that_is_held_to_be_sold_leaves_that_much_less_to_sell() -> None:
    book = ledger(Market.SPOT)  # there was no ETH before
    bought_eth = fill(BUY, 200_000, 10, "1", symbol="ETHUSDT")
    assert book.fill(bought_eth) is not None
    book.mark("ETHUSDT", 200_000)
    book.set_asset_price("ETH", D(2000))
    effect = book.fill(fill(BUY, 600_000, 1, "2", fee="0.0025", asset="ETH"))
    assert effect is not None
    assert (effect.also, effect.fee_quote) == ("ETHUSDT", D(5))
    held = book.book("ETHUSDT")
    assert (held.position, held.dust.quantity) == (7, D("0.0005"))
    assert held.quantity == book.account.wallet("ETH")
    assert book.equity({"ETHUSDT": 200_000, "BTCUSDT": 600_000}) == D("9995.00000001")
    assert book.pnl({"ETHUSDT": 190_000, "BTCUSDT": 600_000}).change == D("-5.75")


def test_a_fee_paid_from_what_was_there_besides_ours_takes_none_of_ours() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0")
    effect = book.fill(fill(BUY, 200_000, 10, "2", symbol="ETHUSDT", fee="0.0025", asset="BTC"))
    assert effect is not None
    assert (effect.also, book.position("BTCUSDT")) == ("", 10)


def test_base_of_ours_that_is_withdrawn_is_capital_that_went_and_no_loss() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0")
    book.mark("BTCUSDT", 660_000)
    book.sample(1)
    before = book.capital.nav
    assert before > 1
    assert book.cash(cash(CashKind.TRANSFER, "-0.703", "c1", asset="BTC", at=2))
    assert book.position("BTCUSDT") == 7
    assert book.account.wallet("BTC") == book.book("BTCUSDT").quantity
    assert book.pnl().transfers == D(-198)
    assert book.sample(3) == 0.0
    assert book.capital.nav == before


def test_the_quote_wallet_moves_by_what_the_exchange_has_booked_and_the_lots_by_price_times_quantity() -> None:
    pair = instrument("ETHBTC", Market.SPOT, base="ETH", quote="BTC", tick=D("0.00001"), step=D("0.0001"))
    book = Ledger(Market.SPOT, "BTC", {"ETHBTC": pair})
    book.start(0, {"BTC": D(1)})
    book.mark("ETHBTC", 3_427)
    rounds = [(BUY, 3_427, "0.00042152"), (SELL, 3_441, "0.00042324")]  # 0.000421521 and 0.000423243
    for number, (side, price, quote) in enumerate(rounds * 50):
        book.fill(fill(side, price, 123, str(number), symbol="ETHBTC", asset="BTC", quote=quote))
    one = book.book("ETHBTC")
    assert book.wallet == 1 + 50 * D("0.00000172")
    assert one.carry.rounding == 50 * D("-0.000000002")
    pnl = book.pnl()
    assert (one.grid_profit, pnl.inventory) == (50 * D("0.000001722"), one.carry.rounding)
    assert pnl.change == book.wallet - 1 == one.realised


def test_what_another_hand_sells_of_its_own_brings_its_share_of_the_amount_booked() -> None:
    book = ledger(Market.SPOT)
    bought(book, 10, "1", "0")
    book.mark("BTCUSDT", 600_000)
    book.fill(fill(SELL, 600_000, 700, "2", ours=False, quote="41999.99"))
    assert (book.position("BTCUSDT"), book.pnl().transfers) == (10, D("41999.99"))
    book.fill(fill(SELL, 600_000, 8, "3", ours=False, quote="479.99"))
    assert book.pnl().change == D("41999.99") - D("0.01")
    assert book.wallet == D("10000.00000001") - 600 + D("41999.99") + D("479.99")


def hand(book: Ledger, side: Side, steps: int, trade: str, price: int = 600_000, fee: str = "0") -> None:
    book.fill(fill(side, price, steps, trade, ours=False, fee=fee))


def test_what_another_hand_buys_with_money_beside_the_capital_is_no_business_of_the_bots() -> None:
    book = ledger(Market.SPOT, capital=D(1_000))
    bought(book, 5, "1", "0")  # 300 USDT
    book.mark("BTCUSDT", 600_000)
    hand(book, BUY, 100, "2", fee="6")
    assert (book.position("BTCUSDT"), book.equity_quick()) == (5, D(1_000))
    assert book.beside == D("2994.00000001")
    book.mark("BTCUSDT", 540_000)
    book.take(2)
    assert book.equity_quick() == D(970)
    assert book.capital.drawdown == pytest.approx(-0.03), "of the bot's five steps alone"
    hand(book, SELL, 800, "3", price=540_000, fee="43.2")
    assert book.equity_quick() == D(970), "what was there before, and what it bought"
    assert (book.pnl().transfers, book.pnl().change) == (ZERO, D(-30))
    assert book.beside == D("2994.00000001") + D(43_200) - D("43.2")
    assert book.account.gaps() == {}


def test_what_the_money_beside_the_capital_does_not_pay_for_is_an_external_lot() -> None:
    book = ledger(Market.SPOT, capital=D(7_000))
    hand(book, BUY, 70, "1")  # 4,200 of 3,000
    book.mark("BTCUSDT", 600_000)
    one = book.book("BTCUSDT")
    assert (one.external_position, book.beside) == (20, D("0.00000001"))
    assert book.equity_quick() == D(7_000)


def test_a_withdrawal_takes_the_capital_once_the_money_beside_it_has_been_spent_by_hand() -> None:
    book = ledger(Market.SPOT, capital=D(7_000))
    hand(book, BUY, 40, "1")  # 2,400
    book.cash(cash(CashKind.TRANSFER, "-1000", "c1"))
    assert (book.equity_quick(), book.pnl().transfers) == (D("6600.00000001"), D("-399.99999999"))
    hand(book, SELL, 40, "2")
    assert (book.equity_quick(), book.pnl().transfers) == (D(7_000), ZERO), "made good"
    assert book.beside == D("2000.00000001")
    book.mark("BTCUSDT", 600_000)
    assert book.sample(1) == 0.0
    again = Ledger.restore(Market.SPOT, "USDT", {"BTCUSDT": instrument(market=Market.SPOT)}, book.state())
    assert again.beside == book.beside
