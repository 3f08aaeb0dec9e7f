"""One served exchange for a file's tests; what they leave behind is cleaned up."""

from collections.abc import Iterator

import pytest

from tests.exchange_server.serving import Served, serving


@pytest.fixture(scope="module")
def exchange() -> Iterator[Served]:
    """Both markets, standing still at BTCUSDT 60,000 and ETHUSDT 3,000, without rate limits."""
    with serving() as served:
        yield served


@pytest.fixture
def served(exchange: Served) -> Iterator[Served]:
    """The file's exchange, flat and without orders before and after the test."""
    _clean(exchange)
    yield exchange
    _clean(exchange)


def _clean(served: Served) -> None:
    served.faults()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        served.control("liquidity", symbol=symbol, steps=None)
        served.signed("DELETE", "/api/v3/openOrders", symbol=symbol)
        served.good("DELETE", "/fapi/v1/allOpenOrders", symbol=symbol)
        served.good("DELETE", "/fapi/v1/algoOpenOrders", symbol=symbol)
    served.price("BTCUSDT", 60_000)
    served.price("ETHUSDT", 3_000)
    for row in served.good("GET", "/fapi/v3/positionRisk"):
        amount = row["positionAmt"]
        if float(amount):
            side = "SELL" if not amount.startswith("-") else "BUY"
            served.good("POST", "/fapi/v1/order", symbol=row["symbol"], side=side, type="MARKET",
                        quantity=amount.lstrip("-"), reduceOnly="true")  # fmt: skip
    served.price("BTCUSDT", 60_000)
    served.price("ETHUSDT", 3_000)
