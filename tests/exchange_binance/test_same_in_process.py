"""The same strategy and data give the same orders, fills and ledger in-process and over Binance's protocol."""

from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal, localcontext

import pytest

from gridbot_tui.exchange.server.accounts import KeyConfig
from gridbot_tui.market.builtin import builtin
from gridbot_tui.units import Market
from tests.exchange_binance.adapter import trading
from tests.exchange_binance.lockstep import InProcess, Lockstep, OverTheWire, bars, instrument_of
from tests.exchange_server.serving import serving

MINUTES = 40


@pytest.mark.parametrize(("market", "width"), [(Market.FUTURES, 0.03), (Market.SPOT, 0.06)])
async def test_orders_fills_and_ledger_are_the_same_to_the_last_digit(market: Market, width: float) -> None:
    with serving(market, accounts=(KeyConfig("key", "secret", {"USDT": "10000"}),), limits=50.0) as served:
        async with trading(served, market, ours=lambda client_id: client_id.startswith("gbmain-")) as trader:
            instrument = instrument_of(trader)
            market_data = list(bars(instrument, MINUTES, width))
            wired = Lockstep(OverTheWire(trader), market, instrument)
            await wired.run(market_data)
    direct = Lockstep(InProcess(instrument, {"USDT": Decimal(10_000)}), market, instrument)
    await direct.run(market_data)

    assert not wired.failures
    assert not direct.failures
    assert len(direct.booked) > 20
    assert wired.sent == direct.sent
    assert wired.booked == direct.booked
    assert wired.wallets() == direct.wallets()
    for lockstep in (wired, direct):
        assert lockstep.engine.desk.ledger.account.residuals() == {}
    assert wired.engine.desk.ledger.position("BTCUSDT") == direct.engine.desk.ledger.position("BTCUSDT")


async def test_a_library_that_rounds_its_own_way_changes_no_cent() -> None:
    """Foreign clients set the thread's decimal context as they like; the exchange's figures are its own."""
    instrument = builtin(Market.FUTURES)["BTCUSDT"]
    booked = []
    for rounding in (ROUND_HALF_EVEN, ROUND_UP):
        with localcontext() as context:
            context.rounding = rounding
            direct = Lockstep(InProcess(instrument, {"USDT": Decimal(10_000)}), Market.FUTURES, instrument)
            await direct.run(list(bars(instrument, MINUTES, 0.03)))
            booked.append((direct.booked, direct.wallets()))
    assert len(booked[0][0]) > 20
    assert booked[0] == booked[1]
