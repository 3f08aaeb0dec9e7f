"""What is asked for happens after all that was due before it, however seldom the market is looked after."""

import hashlib
import hmac
from urllib.parse import urlencode

import pytest

from gridbot_tui.exchange.server.accounts import KeyConfig
from gridbot_tui.exchange.server.build import build
from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.gate import Signed, admit, run
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.settings import ServeOptions
from gridbot_tui.exchange.server.table import REST
from gridbot_tui.units import HOUR, MINUTE, Market, Ms

NOON = 1_795_262_400_000
LATE: Ms = 330
"""After so long an order comes, with a price or two of the market still to be played."""


def buy_or_sell(place: Place, path: str, side: str) -> None:
    """A market order, signed."""
    sent = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": "0.01",
            "timestamp": str(place.clock.now())}  # fmt: skip
    payload = urlencode(sent).encode()
    signature = hmac.new(b"secret", payload, hashlib.sha256).hexdigest()
    row = REST["POST", path]
    run(row, admit(place, row, {**sent, "signature": signature}, "key", Signed(payload, signature), ""))


@pytest.mark.parametrize(("market", "path"), [(Market.SPOT, "/api/v3/order"), (Market.FUTURES, "/fapi/v1/order")])
def test_trades_and_candles_never_go_back_however_late_the_market_is_played(market: Market, path: str) -> None:
    rich = ServeOptions(accounts=(KeyConfig("key", "secret", {"USDT": "100000", "BTC": "1"}),))
    place = build((market,), rich, symbols=("BTCUSDT",), history=HOUR, clock=Clock(wall=lambda: NOON * 1_000))
    tape = place.floors[market.value].tapes["BTCUSDT"]
    for number in range(400):
        place.clock.jump(LATE)
        buy_or_sell(place, path, "SELL" if number % 2 else "BUY")
        place.advance()
    times = [trade.at for trade in tape.trades]
    assert len(times) > 800
    assert times == sorted(times)
    length = 1_000 if tape.seconds is not None else MINUTE
    series = tape.candles if tape.seconds is None else tape.seconds
    candles = series.candles("any", length, times[0] // length * length, None, 3_000, place.clock.now())
    told = [(one.open_at, one.volume, one.trades) for one in candles]
    mine = {at - at % length for at in times}
    assert told == [
        (at, sum(t.steps for t in tape.trades if t.at // length == at // length),
         sum(t.at // length == at // length for t in tape.trades))
        for at in sorted(mine)
    ]  # fmt: skip
