"""A served exchange in a thread of its own, so that clients of any kind can be turned on it."""

import asyncio
import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from gridbot_tui.exchange.server.accounts import KeyConfig
from gridbot_tui.exchange.server.app import App
from gridbot_tui.exchange.server.build import build
from gridbot_tui.exchange.server.clock import Clock, wall_us
from gridbot_tui.exchange.server.settings import LimitOptions, ServeOptions
from gridbot_tui.units import DAY, HOUR, Market

BOTH = (Market.SPOT, Market.FUTURES)
RICH = KeyConfig("key", "secret", {"USDT": "100000", "BTC": "1", "BNB": "10"})
OTHER = KeyConfig("other", "hidden", {"USDT": "5000"})
PATIENCE_S = 60.0
"""Far more than anything takes, also on a busy machine."""


class Served:
    """The exchange at work, with a plain signing client for tests of the wire itself."""

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop) -> None:
        self.app = app
        self.loop = loop
        self.port = app.port
        self.http = f"http://127.0.0.1:{app.port}"
        self.ws = f"ws://127.0.0.1:{app.port}"
        self.headers: dict[str, str] = {}
        self.ahead = 0
        """How far the exchange's time has been moved, ms."""

    def call(self, method: str, target: str, body: str = "", key: str | None = "key") -> tuple[int, Any]:
        """Status and decoded body of one raw request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if key is not None:
            headers["X-MBX-APIKEY"] = key
        try:
            connection.request(method, target, body or None, headers)
            answer = connection.getresponse()
            raw = answer.read()
            self.headers = {name.lower(): value for name, value in answer.getheaders()}
            kind = self.headers.get("content-type", "")
            return answer.status, json.loads(raw) if "json" in kind and raw else raw
        finally:
            connection.close()

    def signed(self, method: str, path: str, key: str = "key", secret: str = "secret",
               **params: Any) -> tuple[int, Any]:  # fmt: skip
        """A signed request, parameters in the query."""
        params.setdefault("timestamp", self.now())
        query = urlencode(params)
        signature = hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return self.call(method, f"{path}?{query}&signature={signature}", key=key)

    def good(self, method: str, path: str, **params: Any) -> Any:
        """A signed request that must succeed."""
        status, answer = self.signed(method, path, **params)
        assert status == 200, answer
        return answer

    def control(self, word: str, **body: Any) -> Any:
        """An order to the control endpoint."""
        status, answer = self.call("POST", f"/control/{word}", json.dumps(body))
        assert status == 200, answer
        return answer

    def now(self) -> int:
        """The exchange's time."""
        return int(time.time() * 1000) + self.ahead

    def jump(self, ms: int) -> None:
        """Let time pass at once."""
        self.control("jump", ms=ms)
        self.ahead += ms

    def faults(self, *rules: dict[str, Any]) -> None:
        """Fault rules in place of the present ones."""
        status, answer = self.call("POST", "/control/faults", json.dumps(list(rules)))
        assert status == 200, answer

    def price(self, symbol: str, price: float | str, **more: Any) -> None:
        """Carry a symbol to a price."""
        self.control("price", symbol=symbol, price=str(price), **more)

    def inside(self, act: Callable[[], Any]) -> Any:
        """Run something in the exchange's own thread."""

        async def run() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE_S)


@contextmanager
def serving(*markets: Market, symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT"), limits: float = 0.0,
            at: int | None = None, **changes: Any) -> Iterator[Served]:  # fmt: skip
    """A held market at BTCUSDT 60,000 and ETHUSDT 3,000 unless told otherwise.

    ``at``: the time of day (ms UTC) at which the exchange begins, for clients that sign with ``Served.now``.
    """
    wall = time.time_ns() // 1_000_000
    ahead = 0 if at is None else wall // DAY * DAY + at - wall
    defaults: dict[str, Any] = {
        "control": True, "accounts": (RICH, OTHER), "limits": LimitOptions(factor=limits), "hold": True, "tick_ms": 20,
    }  # fmt: skip
    options = ServeOptions(**{**defaults, **changes})
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    box: list[App] = []
    stop = asyncio.Event()

    async def main() -> None:
        clock = Clock(options.speed, lambda: wall_us() + ahead * 1_000)
        place = build(markets or BOTH, options, symbols=symbols, history=6 * HOUR, clock=clock)
        app = App(place)
        await app.start()
        box.append(app)
        ready.set()
        await stop.wait()
        await app.stop()

    def run() -> None:
        try:
            loop.run_until_complete(main())
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=run, name="served exchange", daemon=True)
    thread.start()
    assert ready.wait(PATIENCE_S)
    assert box, "the exchange did not start"
    served = Served(box[0], loop)
    served.ahead = ahead
    for symbol, price in (("BTCUSDT", 60_000), ("ETHUSDT", 3_000)):
        if symbol in symbols:
            served.price(symbol, price)
    try:
        yield served
    finally:
        failed = box[0].failed()
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_S)
        assert failed is None, failed
