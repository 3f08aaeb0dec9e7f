"""Cycle arithmetic by hand: which lot a fill closes, what it earned, and under which name."""

from itertools import count

import pytest

from gridbot_tui.engine.events import CashKind
from gridbot_tui.ledger import FillEffect, Ledger, LedgerError, UnknownSymbolError
from gridbot_tui.units import ZERO, Market, Side
from tests.ledger.scene import D, cash, fill, ledger

BUY, SELL = Side.BUY, Side.SELL
IDS = count(1000)


def do(book: Ledger, side: Side, price: int, steps: int, fee: str = "0", **more: object) -> FillEffect:
    booking = {key: more.pop(key) for key in ("rung", "epoch", "grid", "level") if key in more}
    event = fill(side, price, steps, str(next(IDS)), fee=fee, **more)  # type: ignore[arg-type]
    effect = book.fill(event, **booking)  # type: ignore[arg-type]
    assert effect is not None
    return effect


def test_the_walk_rung_one_bought_at_60000_and_sold_a_spacing_above_its_own_price() -> None:
    book = ledger()
    opened = do(book, BUY, 600_000, 26, "0.312", rung=1, epoch=4)
    assert (opened.before, opened.after, opened.opened, opened.closed) == (0, 26, (1,), ())
    lot = book.book("BTCUSDT").lots[0]
    assert (lot.side, lot.steps, lot.price, lot.fee, lot.rung, lot.epoch) == (
        BUY,
        26,
        600_000,
        D("0.312"),
        1,
        4,
    )
    closed = do(book, SELL, 621_900, 26, "0.323388", realised="56.94")
    assert closed.gross == D("56.94")  # 0.026 x 2190
    assert closed.grid_profit == D("56.304612")
    assert (closed.cycles, closed.wins, closed.closed, closed.after) == (1, 1, (1,), 0)
    assert book.equity_quick() == D("10056.30461201")


def test_a_cycle_that_earns_less_than_its_fees_is_no_win() -> None:
    book = ledger()
    do(book, BUY, 600_000, 10, "0.3")
    effect = do(book, SELL, 600_100, 10, "0.3", realised="0.1")
    assert (effect.cycles, effect.wins, effect.grid_profit) == (1, 0, D("-0.5"))


def test_of_lots_closed_at_a_profit_the_nearest_goes_first() -> None:
    book = ledger()
    for price in (570_900, 587_350, 604_270):
        do(book, BUY, price, 10, "0.1")
    effect = do(book, SELL, 604_270, 10, "0.1")
    assert effect.closed == (2,)  # not the lot of the same rung, which would be a cycle for nothing
    assert effect.gross == D("16.92")


def test_where_no_lot_closes_at_a_profit_the_one_that_loses_least_goes_first() -> None:
    book = ledger()
    for price in (610_000, 600_000, 620_000):
        do(book, BUY, price, 10)
    assert do(book, SELL, 590_000, 10).closed == (2,)


def test_a_short_is_the_mirror_of_a_long() -> None:
    book = ledger()
    for price in (600_000, 620_000, 640_000):
        do(book, SELL, price, 10, "0.1")
    assert book.position("BTCUSDT") == -30
    assert do(book, BUY, 620_000, 10, "0.1").closed == (3,)
    effect = do(book, BUY, 650_000, 10)
    assert (effect.closed, effect.gross) == ((2,), D("-30"))


def test_a_fill_larger_than_the_position_closes_it_and_opens_the_rest_on_the_other_side() -> None:
    book = ledger()
    do(book, BUY, 600_000, 10, "0.12")
    effect = do(book, SELL, 610_000, 25, "0.25", realised="10")
    assert (effect.closed, effect.opened, effect.after) == ((1,), (2,), -15)
    assert effect.grid_profit == D("10") - D("0.12") - D("0.10")
    lot = book.book("BTCUSDT").lots[0]
    assert (lot.side, lot.steps, lot.fee) == (SELL, 15, D("0.15"))
    assert book.book("BTCUSDT").entry_price() == D(61000)


def test_a_lot_closed_in_parts_is_one_cycle_and_loses_nothing_of_its_fee() -> None:
    book = ledger()
    do(book, BUY, 600_000, 3, "0.1")
    first = do(book, SELL, 610_000, 1, "0.1")
    second = do(book, SELL, 610_000, 2, "0.1")
    assert (first.cycles, second.cycles, second.wins) == (0, 1, 1)
    assert first.grid_profit + second.grid_profit == D("3") - D("0.3")


def test_partial_fills_of_one_order_at_one_price_are_one_lot() -> None:
    book = ledger()
    do(book, BUY, 600_000, 3, "0.1", client="x")
    again = do(book, BUY, 600_000, 4, "0.2", client="x")
    other = do(book, BUY, 600_000, 4, "0.2", client="y")
    assert (again.opened, other.opened) == ((1,), (2,))
    lot = book.book("BTCUSDT").lot(1)
    assert lot is not None
    assert (lot.steps, lot.fee) == (7, D("0.3"))


def test_an_order_of_a_level_closes_what_that_level_holds_the_oldest_first() -> None:
    book = ledger()
    do(book, BUY, 600_000, 10, rung=5)
    do(book, BUY, 590_000, 10, rung=4)
    do(book, BUY, 580_000, 10, rung=4)
    assert do(book, SELL, 610_000, 15, level=4).closed == (2, 3)
    assert do(book, SELL, 610_000, 10, level=4).closed == (3, 1)  # it holds no more: the rule decides


@pytest.mark.parametrize("how", [{"grid": False}, {"forced": "liquidation"}, {"ours": False}])
def test_what_no_grid_order_closed_is_inventory_profit(how: dict[str, object]) -> None:
    book = ledger()
    do(book, BUY, 600_000, 10, "0.1")
    effect = do(book, SELL, 590_000, 10, "0.2", realised="-10", **how)
    assert (effect.cycles, effect.grid_profit, effect.inventory_realised) == (0, ZERO, D("-10"))
    pnl = book.pnl()
    assert (pnl.grid, pnl.inventory, pnl.fees) == (ZERO, D("-10"), D("0.3"))


def test_another_hands_fill_opens_an_external_lot_that_our_fills_close_last() -> None:
    book = ledger()
    do(book, BUY, 600_000, 5, ours=False)
    do(book, BUY, 580_000, 5)
    one = book.book("BTCUSDT")
    assert [(lot.external, lot.price) for lot in one.lots] == [(True, 600_000), (False, 580_000)]
    assert (one.own_position, one.external_position, one.fills) == (5, 5, 1)
    effect = do(book, SELL, 610_000, 8)
    assert effect.closed == (2, 1)
    assert (effect.cycles, effect.grid_profit, effect.inventory_realised) == (1, D(15), D(3))


def test_a_foreign_fill_closes_external_lots_before_ours() -> None:
    book = ledger()
    do(book, BUY, 600_000, 5)
    do(book, BUY, 500_000, 5, ours=False)
    assert do(book, SELL, 610_000, 7, ours=False).closed == (2, 1)
    assert book.book("BTCUSDT").own_position == 3


def test_break_even_counts_fees_funding_and_what_was_realised_since_flat() -> None:
    book = ledger()
    do(book, BUY, 600_000, 20, "0.5")
    book.cash(cash(CashKind.FUNDING, "-0.3", "f1", symbol="BTCUSDT"))
    do(book, SELL, 610_000, 10, "0.2", realised="10")
    price = book.book("BTCUSDT").break_even()
    assert price == D(59100)  # 0.01 left at 60,000 and 9.0 in hand
    do(book, SELL, 591_000, 10, realised="-9")
    assert book.book("BTCUSDT").break_even() is None
    assert book.equity_quick() == D("10000.00000001")


def test_break_even_pays_for_the_way_out() -> None:
    book = ledger()
    do(book, SELL, 600_000, 10)
    assert book.book("BTCUSDT").break_even(D("0.001")) == D(600) / D("0.01001")


def test_fees_in_bnb_are_valued_when_a_price_is_known_and_unknown_before() -> None:
    book = ledger()
    effect = do(book, BUY, 600_000, 10, "0.002", asset="BNB")
    assert effect.fee_quote is None
    assert not book.book("BTCUSDT").lots[0].fee_known
    assert book.unvalued_fees() == {"BNB": D("0.002")}
    assert book.account.wallet("BNB") == D("3.498")
    book.set_asset_price("BNB", D(600))
    assert book.unvalued_fees() == {}
    assert book.pnl({"BTCUSDT": 600_000}).fees == D("1.2")
    assert book.equity({"BTCUSDT": 600_000}) == D("9998.80000001")
    assert do(book, BUY, 600_000, 10, "0.002", asset="BNB").fee_quote == D("1.2")


def test_the_ladder_view_finds_fills_and_cycles_near_a_rung() -> None:
    book = ledger()
    do(book, BUY, 600_000, 10, "0.1")
    do(book, SELL, 617_000, 10, "0.1")
    near = book.book("BTCUSDT").buckets.near(600_100, 1_000)
    assert (near.fills, near.cycles, near.profit) == (1, 1, D("16.8"))
    assert book.book("BTCUSDT").buckets.near(617_000).fills == 1


def test_impossible_fills_are_refused_and_nothing_is_booked() -> None:
    book = ledger()
    before = book.state()
    with pytest.raises(UnknownSymbolError):
        book.fill(fill(BUY, 1, 1, "1", symbol="XRPUSDT"))
    with pytest.raises(LedgerError, match="0 steps"):
        book.fill(fill(BUY, 1, 0, "1"))
    assert book.state() == before


def test_a_held_symbol_without_a_mark_makes_equity_unknown() -> None:
    book = ledger()
    do(book, BUY, 600_000, 10)
    assert book.equity_quick() is None
    assert book.sample(3) is None
    assert book.pnl().inventory is None
    book.mark("BTCUSDT", 600_500)
    assert book.equity_quick() == D("10000.50000001")
    do(book, SELL, 600_000, 10)
    assert book.equity_quick() == D("10000.00000001")


def test_the_exchanges_rounding_of_realised_is_booked_when_flat() -> None:
    book = ledger(Market.FUTURES)
    do(book, BUY, 600_000, 3)
    do(book, SELL, 610_000, 1, realised="1.00000001")
    do(book, SELL, 610_000, 2, realised="2")
    one = book.book("BTCUSDT")
    assert (one.carry.cost, one.carry.rounding) == (ZERO, D("1E-8"))
    assert book.equity_quick() == book.wallet
    assert book.pnl().inventory == D("1E-8")


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("beyond", [0, 2])
def test_a_short_leaves_its_rounding_behind_as_a_long_does_and_a_turn_as_an_end(side: Side, beyond: int) -> None:
    book = ledger(Market.FUTURES)
    do(book, side, 600_000, 3)
    do(book, side.opposite, 600_000 + 10_000 * side, 3 + beyond, realised="3.00000001")
    one = book.book("BTCUSDT")
    book.mark("BTCUSDT", 600_000 + 10_000 * side)
    assert one.carry.rounding == D("1E-8")
    assert book.unrealised() == ZERO
    assert book.equity_quick() == book.wallet
    if beyond:
        assert one.entry_price() == 60_000 + 1_000 * side  # the exchange's, and nothing of the old position in it


def test_a_fill_that_is_heard_of_after_later_ones_leaves_equity_as_it_is() -> None:
    """A long lot is closed, a short one is opened: the news of the first is lost and comes by the next comparison."""
    book = ledger(Market.FUTURES)
    do(book, BUY, 600_000, 10)
    do(book, SELL, 620_000, 10)
    book.mark("BTCUSDT", 620_000)
    assert book.equity_quick() == book.wallet + 20, "closed at 62,000 whichever of the two did it"
    do(book, SELL, 610_000, 10, realised="10")
    one = book.book("BTCUSDT")
    assert (one.entry_price(), one.carry.rounding) == (D(62000), ZERO)
    assert book.equity_quick() == book.wallet == D("10010.00000001")


def test_what_no_late_fill_explains_is_booked_when_the_position_is_flat_again() -> None:
    book = ledger(Market.FUTURES)
    for price in (600_000, 700_000):
        do(book, BUY, price, 10)
        do(book, SELL, price, 10, realised="-3")
    one = book.book("BTCUSDT")
    assert (one.carry.cost, one.carry.rounding) == (D(-6), ZERO), "another one each time: it may still be explained"
    do(book, BUY, 650_000, 10)
    do(book, SELL, 660_000, 10, realised="10")
    assert (one.carry.cost, one.carry.rounding) == (ZERO, D(-6))
    assert book.equity_quick() == book.wallet


def test_a_fee_valued_late_moves_the_break_even_of_what_it_opened() -> None:
    book = ledger()
    do(book, BUY, 600_000, 10, "0.01", asset="BNB")
    assert book.book("BTCUSDT").break_even() == D(60000)
    book.set_asset_price("BNB", D(600))
    assert book.book("BTCUSDT").break_even() == D(60600)
