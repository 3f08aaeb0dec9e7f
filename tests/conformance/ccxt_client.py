"""ccxt.pro turned on the served exchange."""

import re
from typing import Any

from tests.exchange_server.serving import Served


def redirect(urls: Any, served: Served) -> Any:
    """Every address of a tree of them, moved to the served exchange; paths stay."""
    if isinstance(urls, dict):
        return {name: redirect(item, served) for name, item in urls.items()}
    moved = re.sub(r"^https?://[^/]+", served.http, urls)
    return re.sub(r"^wss?://[^/]+", served.ws, moved)


def client(served: Served, market: str, **options: Any) -> Any:
    """A ccxt.pro exchange for ``spot`` or ``swap``. The caller closes it."""
    from ccxt.pro import binance

    kind = ["spot"] if market == "spot" else ["linear"]
    exchange = binance({
        "apiKey": "key", "secret": "secret", "enableRateLimit": False, "timeout_on_exit": 0,
        "options": {"defaultType": market, "fetchCurrencies": False, "fetchMarkets": {"types": kind},
                    "fetchMargins": False, **options},
    })  # fmt: skip
    exchange.urls["api"] = redirect(exchange.urls["api"], served)
    return exchange
