"""python-binance turned on the served exchange: addresses are class attributes, read when a client is made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.exchange_server.serving import Served


def client_class(served: Served) -> Any:
    """AsyncClient with every address moved to the served exchange."""
    from binance import AsyncClient

    http, ws = served.http, served.ws

    class Client(AsyncClient):  # type: ignore[misc]  # the library has no types
        API_URL = API_TESTNET_URL = API_DEMO_URL = http + "/api"
        MARGIN_API_URL = http + "/sapi"
        WEBSITE_URL = http
        FUTURES_URL = FUTURES_TESTNET_URL = FUTURES_DEMO_URL = http + "/fapi"
        FUTURES_DATA_URL = FUTURES_DATA_TESTNET_URL = http + "/futures/data"
        WS_API_URL = WS_API_TESTNET_URL = WS_API_DEMO_URL = ws + "/ws-api/v3"
        WS_FUTURES_URL = WS_FUTURES_TESTNET_URL = WS_FUTURES_DEMO_URL = ws + "/ws-fapi/v1"

    return Client


@asynccontextmanager
async def client(served: Served, key: str = "key", secret: str | None = "secret", **options: Any) -> AsyncIterator[Any]:
    """A connected client, closed at the end with all its connections."""
    found = await client_class(served).create(key, secret, **options)
    try:
        yield found
    finally:
        for task in asyncio.all_tasks():  # each would notice the end after ten seconds only
            if "_read_loop" in repr(task.get_coro()):
                task.cancel()
        await asyncio.gather(found.ws_api.close(), found.ws_future.close(), found.session.close())


@asynccontextmanager
async def sockets(served: Served, made_for: Any, monkeypatch: Any) -> AsyncIterator[Any]:
    """A socket manager; its sockets give up reading quickly, since closing one waits for that."""
    from binance import BinanceSocketManager
    from binance.ws.reconnecting_websocket import ReconnectingWebsocket

    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 0.05)
    monkeypatch.setattr(ReconnectingWebsocket, "MAX_RECONNECT_SECONDS", 0)

    class Sockets(BinanceSocketManager):  # type: ignore[misc]
        STREAM_URL = STREAM_TESTNET_URL = STREAM_DEMO_URL = served.ws + "/"
        FSTREAM_URL = FSTREAM_TESTNET_URL = FSTREAM_DEMO_URL = served.ws + "/"

    yield Sockets(made_for, max_queue_size=100_000)
