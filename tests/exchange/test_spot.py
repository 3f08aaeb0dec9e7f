"""Spot: locks, fees from what is received, nothing sold that is not held."""

from decimal import Decimal as D

from gridbot_tui.engine.events import BarsClosed, Fill, Outcome
from gridbot_tui.exchange.port import AskFills, Cancel, Reply
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.exchange.simulated.records import AccountUpdate, OrderUpdate, Update
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.units import Market, Side
from tests.exchange.market import (
    Tape,
    account,
    answers,
    bar,
    config,
    fills,
    flat,
    instrument,
    limit,
    market_order,
    opened,
    place,
    refusal,
    reports,
    stop,
    until,
)

BUY, SELL = Side.BUY, Side.SELL


def held(world: World, asset: str) -> tuple[D, D]:
    """(total, locked) of an asset in the exchange's books."""
    for view in world.exchange.account.balances():
        if view.asset == asset:
            return view.wallet, view.locked
    return D(0), D(0)


def test_a_resting_buy_locks_its_quote_until_it_ends() -> None:
    world = opened(market=Market.SPOT, usdt=100)
    place(world, limit("a", BUY, 990, 600))
    assert held(world, "USDT") == (D(100), D("59.4"))
    assert refusal(world, limit("b", BUY, 990, 600)) == -2010
    world.send(Cancel("XYZUSDT", "a"))
    answers(world)
    assert held(world, "USDT") == (D(100), D(0))
    assert refusal(world, limit("b", BUY, 990, 600)) == 0


def test_every_change_of_a_lock_is_told() -> None:
    world = opened(market=Market.SPOT)
    told: list[Update] = []
    world.listen(told.extend)
    place(world, limit("a", BUY, 990, 1000))
    world.send(Cancel("XYZUSDT", "a"))
    answers(world)
    assert [type(u) for u in told] == [OrderUpdate, AccountUpdate] * 2
    locks = [b.locked for u in told if isinstance(u, AccountUpdate) for b in u.balances if b.asset == "USDT"]
    assert locks == [D(99), D(0)]


def test_a_resting_sell_locks_its_base() -> None:
    world = opened(market=Market.SPOT)
    world.owner.deposit("XYZ", D(1))
    place(world, limit("a", SELL, 1010, 600))
    assert held(world, "XYZ") == (D(1), D("0.6"))
    assert refusal(world, limit("b", SELL, 1010, 600)) == -2010
    assert refusal(world, market_order("c", SELL, 401)) == -2010
    assert refusal(world, market_order("d", SELL, 400)) == 0


def test_the_fee_comes_from_the_asset_received() -> None:
    world = opened(bar(1, 1000, 1000, 980, 990), bar(2, 990, 1020, 990, 1010), market=Market.SPOT)
    place(world, limit("b", BUY, 990, 1000))
    (bought,) = [e for e in until(world, BarsClosed) if isinstance(e, Fill)]
    assert (bought.fee, bought.fee_asset, bought.realised) == (D("0.00100000"), "XYZ", D(0))
    assert account(world).balances == {"USDT": D(9_901), "XYZ": D("0.999")}
    place(world, limit("s", SELL, 1010, 999))
    (sold,) = [e for e in until(world, BarsClosed) if isinstance(e, Fill)]
    assert (sold.fee, sold.fee_asset) == (D("0.10089900"), "USDT")
    assert account(world).balances == {"USDT": D(9_901) + D("100.899") - D("0.100899"), "XYZ": D(0)}
    assert held(world, "USDT")[1] == held(world, "XYZ")[1] == 0


def test_fees_in_bnb_use_the_played_price_and_a_quarter_off() -> None:
    instruments = {s: instrument(s, Market.SPOT) for s in ("BNBUSDT", "XYZUSDT")}
    tape = Tape({"BNBUSDT": [flat(0, 6000)], "XYZUSDT": [flat(0, 1000)]}, instruments)
    world = World(tape, config(Market.SPOT, bnb_fees=True, slippage_bp=0.0))
    until(world, BarsClosed)
    world.owner.deposit("BNB", D(1))
    (fill,) = [e for e in place(world, market_order("b", BUY, 1000)) if isinstance(e, Fill)]
    assert (fill.fee, fill.fee_asset) == (D("0.00012500"), "BNB")  # 100 x 0.1 % x 0.75 / 600
    assert account(world).balances["XYZ"] == D(1)


def test_a_partial_fill_keeps_the_rest_locked() -> None:
    world = opened(bar(1, 1000, 1000, 980, 990, volume=4.0), market=Market.SPOT)
    place(world, limit("b", BUY, 990, 1000))
    assert fills(until(world, BarsClosed)) == [("b", 1, 990, 400)]
    assert held(world, "USDT") == (D(10_000) - D("39.6"), D("59.4"))


def test_a_crossing_buy_gets_back_what_the_better_price_saves() -> None:
    world = opened(market=Market.SPOT, slippage_bp=0.0)
    place(world, limit("b", BUY, 1040, 1000, post_only=False))
    assert held(world, "USDT") == (D(9_900), D(0))


def test_a_spot_stop_locks_the_base_and_sells_it_when_the_price_falls() -> None:
    world = opened(bar(1, 1000, 1000, 940, 950), market=Market.SPOT, slippage_bp=0.0)
    world.owner.deposit("XYZ", D(1))
    place(world, stop("stop", SELL, 950, 1000))
    assert held(world, "XYZ") == (D(1), D(1))
    heard = until(world, BarsClosed)
    assert fills(heard) == [("stop", -1, 950, 1000)]
    assert reports(heard, "stop") == [Outcome.TRIGGERED, Outcome.FILLED]
    assert held(world, "XYZ") == (D(0), D(0))


def test_a_buy_stop_that_slips_beyond_the_funds_expires() -> None:
    world = opened(bar(1, 1100, 1200, 1100, 1150), market=Market.SPOT, usdt=105)
    place(world, stop("stop", BUY, 1050, 1000))
    heard = until(world, BarsClosed)
    assert reports(heard, "stop") == [Outcome.TRIGGERED, Outcome.EXPIRED]
    assert held(world, "USDT") == (D(105), D(0))


def test_spot_has_no_positions_and_nothing_to_liquidate() -> None:
    world = opened(bar(1, 1000, 1000, 1, 2), market=Market.SPOT)
    place(world, market_order("b", BUY, 90_000))
    until(world, BarsClosed)
    assert account(world).positions == ()
    assert world.exchange.liquidations == 0


def test_a_trade_moves_what_eight_decimals_hold_of_its_quote_amount() -> None:
    fine = instrument("XYZBTC", Market.SPOT, base="XYZ", quote="BTC", tick=D("0.00001"), step=D("0.0001"),
                      min_notional=D("0.0001"))  # fmt: skip
    bars = {"XYZBTC": [flat(0, 3_430), bar(1, 3_430, 3_430, 3_420, 3_430), bar(2, 3_430, 3_450, 3_430, 3_440)]}
    world = World(Tape(bars, {"XYZBTC": fine}), AccountConfig(Market.SPOT, {"BTC": D(1)}, ExchangeParams()))
    until(world, BarsClosed)
    place(world, limit("a", BUY, 3_427, 123, symbol="XYZBTC"))
    assert held(world, "BTC") == (D(1), D("0.00042152")), "0.000421521 has nine decimals"
    (bought,) = [e for e in until(world, BarsClosed) if isinstance(e, Fill)]
    assert (bought.quote, bought.fee) == (D("0.00042152"), D("0.0000123"))
    assert held(world, "BTC") == (D("0.99957848"), D(0))
    place(world, limit("b", SELL, 3_441, 122, symbol="XYZBTC"))
    (sold,) = [e for e in until(world, BarsClosed) if isinstance(e, Fill)]
    assert sold.quote == D("0.0004198"), "0.000419802"
    assert sold.fee == D("0.00000041"), "a thousandth of it"
    assert held(world, "BTC") == (D("0.99957848") + D("0.0004198") - D("0.00000041"), D(0))
    world.send(AskFills(1, "XYZBTC", "", 0))
    (reply,) = [e for e in answers(world) if isinstance(e, Reply)]
    assert [(f.trade_id, f.quote) for f in reply.fills or ()] == [(f.trade_id, f.quote) for f in (bought, sold)]
