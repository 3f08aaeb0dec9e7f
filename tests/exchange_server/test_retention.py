"""A server that runs for long keeps what can be asked for, and no more."""

import tracemalloc

import pytest

from gridbot_tui.exchange.server import desk as desks
from gridbot_tui.exchange.server import floor as floors
from gridbot_tui.exchange.server import http as _fills_the_table  # noqa: F401
from gridbot_tui.exchange.server.build import build
from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.fields import check
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.settings import ServeOptions
from gridbot_tui.exchange.server.table import REST, Call
from gridbot_tui.units import HOUR, Market

NOON = 1_795_262_400_000


def opened() -> Place:
    options = ServeOptions(balances=(("USDT", "10000000"), ("BTC", "10")), hold=True)
    clock = Clock(wall=lambda: NOON * 1_000)
    return build((Market.FUTURES, Market.SPOT), options, symbols=("BTCUSDT",), history=HOUR, clock=clock)


def trade(place: Place, path: str, count: int) -> None:
    """Orders that rest and are cancelled, and orders that execute."""
    account = place.by_key("key")
    post, delete = REST["POST", path], REST["DELETE", path]
    tape = place.tape("spot" if "api/v3" in path else "futures", "BTCUSDT")
    low = tape.format.price(tape.last * 99 // 100)
    for n in range(count):
        resting = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
                   "price": low, "newClientOrderId": f"{n}"}  # fmt: skip
        market = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
        gone = {"symbol": "BTCUSDT", "origClientOrderId": f"{n}"}
        for row, sent in ((post, resting), (delete, gone), (post, {**market, "side": "SELL" if n % 2 else "BUY"})):
            row.handler(Call(place, check(row.spec, sent, False), NOON, account, ""))
            place.flush(account)
        tape.fresh.clear()  # as the streams do, many times a second


@pytest.mark.parametrize("path", ["/fapi/v1/order", "/api/v3/order"])
def test_memory_does_not_grow_with_orders_once_the_oldest_are_forgotten(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "ORDERS_KEPT", 200)
    monkeypatch.setattr(desks, "TRADES_KEPT", 100)
    monkeypatch.setattr(floors, "TRADES_KEPT", 100)
    monkeypatch.setattr(floors, "LEAST_TRADES_KEPT", 100)
    place = opened()
    tracemalloc.start()
    trade(place, path, 300)
    before = tracemalloc.get_traced_memory()[0]
    trade(place, path, 400)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 150_000, "1,200 orders of some hundred bytes each came and went: kept, they would be half a megabyte"
