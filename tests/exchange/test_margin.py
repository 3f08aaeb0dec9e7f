"""Margin, margin call, liquidation and leverage against numbers computed by hand.

Brackets of the test instrument: 1 % to 50,000 (50x); 2.5 % less 750 to 200,000 (20x); 10 % less 15,750 (5x).
"""

from collections.abc import Sequence
from decimal import Decimal as D
from typing import Any

import pytest

from gridbot_tui.engine.events import BarsClosed, Cash, CashKind, Fill, Outcome
from gridbot_tui.exchange.port import SetLeverage
from gridbot_tui.exchange.simulated.margin import brackets_of, liquidation_price, maintenance, max_notional
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.source import FundingRate
from gridbot_tui.units import Side
from tests.exchange.market import (
    START,
    Tape,
    account,
    answers,
    bar,
    config,
    drain,
    fills,
    flat,
    instrument,
    limit,
    market_order,
    opened,
    place,
    refusal,
    reports,
    standing,
    stop,
    until,
)

BUY, SELL = Side.BUY, Side.SELL
FREE: dict[str, Any] = {"slippage_bp": 0.0, "futures_taker": 0, "futures_maker": 0}


def notes(heard: Sequence[object]) -> list[str]:
    return [n.code for e in heard if isinstance(e, BarsClosed) for n in e.notes]


def test_maintenance_is_ratio_less_cum_and_continuous_over_the_brackets() -> None:
    i = instrument()
    assert maintenance(i, D(40_000)) == D(400)
    assert maintenance(i, D(50_000)) == D(500)
    assert maintenance(i, D(50_001)) == D("500.025")
    assert maintenance(i, D(100_000)) == D(1_750)
    assert maintenance(i, D(300_000)) == D(14_250)
    assert [max_notional(i, n) for n in (50, 20, 6, 5, 1)] == [
        D(50_000),
        D(200_000),
        D(200_000),
        D(10**6),
        D(10**6),
    ]
    assert max_notional(i, 51) == 0
    assert brackets_of(instrument(brackets=()))[0].maintenance_ratio == D("0.025")


def test_liquidation_prices_by_hand() -> None:
    i = instrument()
    # 400 long at 100, wallet 10,000: (40,000 - 10,000) / (400 x 0.99)
    assert round(liquidation_price(i, 400_000, D(40_000), D(10_000)) or 0, 4) == D("75.7576")
    # 1,000 short at 100, wallet 10,000: (10,000 + 750 + 100,000) / (1,000 x 1.025)
    assert round(liquidation_price(i, -1_000_000, D(-100_000), D(10_000)) or 0, 4) == D("108.0488")
    assert liquidation_price(i, 100_000, D(10_000), D(10_000)) is None, "held to zero by its wallet"


def test_the_account_states_the_liquidation_price_with_other_positions_counted() -> None:
    tape = Tape({"AAAUSDT": [flat(0, 1000)], "XYZUSDT": [flat(0, 1000)]})
    world = World(tape, config(**FREE))
    until(world, BarsClosed)
    place(world, market_order("x", BUY, 400_000), market_order("a", SELL, 100_000, symbol="AAAUSDT"))
    by = {p.symbol: p.liquidation_price for p in account(world).positions}
    # free = 10,000 - maintenance 100 of the short: (40,000 - 9,900) / 396
    assert by["XYZUSDT"] == D("76.0")
    # free = 10,000 - 400 of the long: (9,600 + 10,000) / 101
    assert by["AAAUSDT"] == D("194.1")


def test_margin_call_once_then_liquidation_with_clearance_fee_and_insurance() -> None:
    world = opened(
        bar(1, 1000, 1000, 760, 900),  # margin balance 400, maintenance 304: 76 %
        bar(2, 900, 900, 759, 900),  # 360 and 303.6: 84 %
        bar(3, 900, 900, 758, 900),  # 320 and 303.2, already called
        bar(4, 900, 900, 757, 900),  # 280 < 302.8
        **FREE,
    )
    place(
        world,
        market_order("long", BUY, 400_000),
        limit("exit", SELL, 1010, 1000),
        stop("stop", SELL, 700, 400_000),
    )
    assert account(world).positions[0].liquidation_price == D("75.8")
    assert notes(until(world, BarsClosed)) == []
    assert notes(until(world, BarsClosed)) == ["margin_call"]
    assert notes(until(world, BarsClosed)) == []
    heard = until(world, BarsClosed)
    assert reports(heard, "exit") == [Outcome.EXPIRED]
    assert reports(heard, "stop") == [Outcome.EXPIRED]
    (fill,) = [e for e in heard if isinstance(e, Fill)]
    assert (fill.side, fill.price, fill.steps, fill.forced) == (SELL, 757, 400_000, "liquidation")
    assert fill.client_id.startswith("autoclose-")
    assert fill.realised == D(-9_720)
    cash = [(e.cash_kind, e.amount) for e in heard if isinstance(e, Cash)]
    # clearance fee 1.25 % of 30,280; the wallet of 280 can't pay it all
    assert cash == [(CashKind.INSURANCE, D("-378.5")), (CashKind.INSURANCE, D("98.5"))]
    assert account(world).balances["USDT"] == 0
    assert (account(world).positions, standing(world)) == ((), [])
    assert world.exchange.liquidations == 1


def test_a_margin_call_comes_again_after_the_account_recovered() -> None:
    falls = [bar(1, 1000, 1000, 759, 1000), bar(2, 1000, 1000, 980, 1000), bar(3, 1000, 1000, 759, 1000)]
    world = opened(*falls, **FREE)
    place(world, market_order("long", BUY, 400_000), limit("add", BUY, 990, 100))
    assert notes(until(world, BarsClosed)) == ["margin_call"]
    place(world, limit("more", BUY, 990, 100))
    assert notes(until(world, BarsClosed)) == [], "a fill at sound margin ends the call"
    assert notes(until(world, BarsClosed)) == ["margin_call"]


def test_a_short_is_liquidated_by_the_mark_price_not_by_the_last() -> None:
    spike = bar(1, 1000, 1200, 1000, 1000, mark=(1080, 1000, 1000))
    world = opened(spike, bar(2, 1000, 1085, 1000, 1000, mark=(1081, 1000, 1000)), **FREE)
    place(world, market_order("short", SELL, 1_000_000))
    assert fills(until(world, BarsClosed)) == [], "108.0 marks below 108.05"
    # at mark 108.1 liquidated, at the 108.5 the symbol itself traded
    assert [f[1:] for f in fills(until(world, BarsClosed))] == [(1, 1085, 1_000_000)]


def test_a_stop_before_the_liquidation_price_saves_the_account() -> None:
    world = opened(bar(1, 1000, 1000, 700, 750), **FREE)
    place(world, market_order("long", BUY, 400_000), stop("stop", SELL, 800, 400_000))
    assert fills(until(world, BarsClosed)) == [("stop", -1, 800, 400_000)]
    assert account(world).balances["USDT"] == D(2_000)
    assert world.exchange.liquidations == 0


def test_a_gap_through_stop_and_liquidation_price_liquidates() -> None:
    world = opened(bar(1, 700, 720, 690, 700), **FREE)
    place(world, market_order("long", BUY, 400_000), stop("stop", SELL, 800, 400_000))
    heard = until(world, BarsClosed)
    assert [(f[0][:9], f[2]) for f in fills(heard)] == [("autoclose", 700)]
    assert account(world).balances["USDT"] == 0


def test_a_flat_account_owes_nothing() -> None:
    lags = bar(1, 1000, 1000, 700, 950, mark=(1000, 940, 950))
    world = opened(lags, **FREE)
    place(world, market_order("long", BUY, 400_000), stop("stop", SELL, 950, 400_000))
    heard = until(world, BarsClosed)
    # the mark never came near the liquidation price, but the symbol fell 24 below its mark: 95.0 - 24.0
    assert fills(heard) == [("stop", -1, 710, 400_000)]
    assert [e.amount for e in heard if isinstance(e, Cash)] == [D(1_600)]
    assert account(world).balances["USDT"] == 0


def test_entries_of_the_bar_count_before_its_margin_is_judged() -> None:
    world = opened(bar(1, 1000, 1000, 800, 1000), **FREE)
    place(world, market_order("long", BUY, 400_000), limit("add", BUY, 960, 1_000_000))
    # 1,400 units, cost 136,000, at 80: 112,000 - 126,000 = gone
    heard = until(world, BarsClosed)
    assert [f[0][:9] for f in fills(heard)] == ["add", "autoclose"]


def test_liquidation_takes_the_whole_cross_account() -> None:
    tape = Tape({"AAAUSDT": [flat(0, 1000), flat(1, 1000)], "XYZUSDT": [flat(0, 1000), bar(1, 1000, 1000, 700, 750)]})
    world = World(tape, config(**FREE))
    until(world, BarsClosed)
    place(world, market_order("x", BUY, 400_000), market_order("a", SELL, 100_000, symbol="AAAUSDT"))
    heard = until(world, BarsClosed)
    assert [(e.symbol, e.price) for e in heard if isinstance(e, Fill)] == [
        ("AAAUSDT", 1000),
        ("XYZUSDT", 700),
    ]
    assert account(world).balances["USDT"] == 0


@pytest.mark.parametrize("direction", [BUY, SELL])
def test_every_bar_is_as_safe_as_an_exact_check_would_find_it(direction: Side) -> None:
    """The bands that let quiet bars pass must never hide a liquidation: creep tick by tick to the price."""
    step = -1 if direction is BUY else 1
    walk = [flat(n, 1000 + step * n) for n in range(1, 400)]
    world = opened(*walk, **FREE)
    place(world, market_order("p", direction, 400_000))
    price = account(world).positions[0].liquidation_price
    assert price is not None
    (fill,) = [e for e in drain(world) if isinstance(e, Fill)]
    edge = price * 10
    assert abs(fill.price - edge) <= 1
    assert fill.forced == "liquidation"


def test_margin_counts_the_worse_side_of_position_and_orders() -> None:
    world = opened(usdt=1_000, **FREE)  # 20x: 20,000
    assert refusal(world, limit("b", BUY, 1000, 200_001)) == -2019
    assert refusal(world, limit("b", BUY, 1000, 200_000)) == 0
    assert refusal(world, limit("s", SELL, 1000, 200_000)) == 0, "the other side needs no more"
    assert refusal(world, limit("s2", SELL, 1000, 1_000)) == -2019


def test_a_reducing_order_passes_without_margin() -> None:
    world = opened(bar(1, 1000, 1000, 960, 960), usdt=1_000, **FREE)
    place(world, market_order("long", BUY, 200_000))
    until(world, BarsClosed)  # 200 left of the 960 margin needed
    assert refusal(world, limit("more", BUY, 960, 1_000)) == -2019
    assert refusal(world, limit("exit", SELL, 970, 200_000)) == 0
    assert refusal(world, market_order("out", SELL, 200_000, reduce_only=True)) == 0


def test_leverage_is_bounded_by_brackets_and_margin() -> None:
    world = opened(flat(1, 1000), flat(2, 1000), usdt=1_000_000, **FREE)
    assert refusal(world, limit("b", BUY, 1000, 2_000_010)) == -2027
    world.send(SetLeverage("XYZUSDT", 5))
    assert answers(world) == []
    assert refusal(world, limit("b", BUY, 1000, 2_000_010)) == 0
    place(world, market_order("long", BUY, 2_100_000))
    world.send(SetLeverage("XYZUSDT", 51))
    world.send(SetLeverage("XYZUSDT", 20))
    closed = until(world, BarsClosed)[-1]
    assert isinstance(closed, BarsClosed)
    assert [(n.code, n.detail[:5]) for n in closed.notes] == [
        ("leverage_refused", "-4028"),
        ("leverage_refused", "-2027"),
    ]


def test_funding_is_paid_by_longs_where_positive_and_received_by_shorts() -> None:

    for side, amount in ((BUY, D("-0.1")), (SELL, D("0.1"))):
        bars = [flat(0, 1000), bar(1, 1000, 1010, 1000, 1005, mark=(1000, 1000, 1000))]
        rates = (FundingRate("XYZUSDT", START, 0.0001, 8),)
        world = World(Tape({"XYZUSDT": bars}, funding={1: rates}), config(**FREE))
        until(world, BarsClosed)
        place(world, market_order("p", side, 10_000))
        heard = until(world, BarsClosed)
        assert [type(e).__name__ for e in heard] == ["Cash", "FundingSettled", "BarsClosed"]
        cash = heard[0]
        assert isinstance(cash, Cash)
        assert (cash.cash_kind, cash.amount, cash.symbol) == (CashKind.FUNDING, amount, "XYZUSDT")
        assert account(world).balances["USDT"] == 10_000 + amount


def test_funding_can_be_what_liquidates() -> None:

    bars = [flat(0, 1000), flat(1, 760)]
    rates = (FundingRate("XYZUSDT", START, 0.02, 8),)
    world = World(Tape({"XYZUSDT": bars}, funding={1: rates}), config(**FREE))
    until(world, BarsClosed)
    place(world, market_order("p", BUY, 400_000))
    heard = until(world, BarsClosed)  # 400 - 608 of funding < 304
    assert [e.forced for e in heard if isinstance(e, Fill)] == ["liquidation"]


def test_fees_are_paid_in_bnb_at_a_discount_while_there_is_enough() -> None:
    world = opened(bnb_fees=True, slippage_bp=0.0, bnb_price=500)
    world.owner.deposit("BNB", D("0.0001"))
    fees = []
    for name in ("a", "b"):
        (fill,) = [e for e in place(world, market_order(name, BUY, 1000)) if isinstance(e, Fill)]
        fees.append((fill.fee, fill.fee_asset))
    # 100 x 0.05 % x 0.9 / 500 = 0.00009; then only 0.00001 is left
    assert fees == [(D("0.00009000"), "BNB"), (D("0.05000000"), "USDT")]
    assert account(world).balances == {"BNB": D("0.00001"), "USDT": D("9999.95")}


def test_transfers_are_heard_and_margin_can_not_be_withdrawn() -> None:
    world = opened(**FREE)
    world.owner.deposit("USDT", D(500))
    world.owner.withdraw("USDT", D(200))
    assert [e.amount for e in answers(world) if isinstance(e, Cash)] == [D(500), D(-200)]
    place(world, market_order("p", BUY, 400_000))  # needs 2,000 of 10,300
    with pytest.raises(ValueError, match="8300"):
        world.owner.withdraw("USDT", D(8_301))
    world.owner.withdraw("USDT", D(8_300))
    assert account(world).balances["USDT"] == D(2_000)


def test_one_cross_wallet_can_not_serve_two_quote_assets() -> None:
    tape = Tape({"XYZUSDT": []}, {"XYZUSDT": instrument(), "B": instrument("B", quote="USDC")})
    with pytest.raises(ValueError, match="one quote asset"):
        World(tape, config())
