"""The last price is what somebody traded at, wherever it is told."""

import pytest

from gridbot_tui.exchange.server.series import Series
from gridbot_tui.units import MINUTE
from tests.exchange_server.serving import Served

S = "BTCUSDT"


def told(served: Served, path: str) -> set[float]:
    """The last price in every place that has one."""
    rows = {name: served.call("GET", f"{path}/{name}?symbol={S}")[1] for name in ("ticker/price", "ticker/24hr")}
    candle = served.call("GET", f"{path}/klines?symbol={S}&interval=1m&limit=1")[1][0]
    trade = served.call("GET", f"{path}/trades?symbol={S}&limit=1")[1][0]
    return {float(one) for one in (rows["ticker/price"]["price"], rows["ticker/24hr"]["lastPrice"], candle[4],
                                   trade["price"])}  # fmt: skip


@pytest.mark.parametrize(("path", "ask"), [("/api/v3", 60_000.01), ("/fapi/v1", 60_000.1)])
def test_after_an_account_has_taken_candles_tickers_and_trades_tell_its_price_until_the_market_trades_again(
    served: Served, path: str, ask: float
) -> None:
    served.good("POST", f"{path}/order", symbol=S, side="BUY", type="MARKET", quantity="0.01")
    assert told(served, path) == {ask}
    served.jump(2_000)  # nothing is traded
    assert told(served, path) == {ask}
    served.jump(MINUTE)
    assert told(served, path) == {ask}
    served.price(S, 60_010)
    assert told(served, path) == {60_010.0}


def test_the_first_trade_of_a_candle_is_its_open() -> None:
    series = Series(MINUTE, 1_000)
    series.tick(10 * MINUTE, 100, 5, True, 1)
    series.tick(11 * MINUTE, 100, 0, True, -1)
    series.tick(11 * MINUTE + 1, 107, 5, True, 2)
    series.tick(11 * MINUTE + 2, 105, 5, True, 3)
    forming = series.forming
    assert forming is not None
    assert (forming.open, forming.high, forming.low, forming.close) == (107, 107, 105, 105)
