"""A real bot process on a served exchange, and what the exchange's own books say of it."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gridbot_tui.exchange.server.accounts import KeyConfig
from gridbot_tui.service.books.profile import named
from gridbot_tui.store.reader import reading
from tests.e2e.process import PATIENCE_S, Ended, Running
from tests.exchange_server.serving import Served

KEY, SECRET = "k3y" * 8, "s3cret" * 8
RICH = KeyConfig(KEY, SECRET, {"USDT": "10000"})
SYMBOL = "BTCUSDT"
NAME = "testnet-futures-main-usdt"
GRID = {
    "ladder.kind": "arithmetic",
    "ladder.plain.side": "neutral",
    "ladder.plain.levels": "21",
    "ladder.plain.range_below": "0.05",
    "ladder.plain.range_above": "0.05",
    "orders.depth": "6",
    "exchange.absent_after_ms": "300",
}
"""A plain grid of half a percent: something happens at every move."""


class Bot(Running):
    """gridbot on a served exchange, as its own process."""

    def __init__(self, served: Served, home: Path, *words: str, mode: str = "testnet", market: str = "futures",
                 sets: dict[str, str] | None = None, env: dict[str, str] | None = None,
                 symbol: str = SYMBOL, quote: str = "USDT") -> None:  # fmt: skip
        self.home = home
        self.profile = named(home, f"{mode}-{market}-main-{quote.lower()}")
        chosen = {"exchange.base_url": served.http, "bot.quote": quote, **GRID, **(sets or {})}
        pairs = [word for key, value in chosen.items() for word in ("--set", f"{key}={value}")]
        keys = {"GRIDBOT_API_KEY": KEY, "GRIDBOT_API_SECRET": SECRET}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gridbot_tui", "--home", str(home), "--no-ui", "--json", "--mode", mode,
             "--market", market, "--symbol", symbol, *pairs, *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(keys if mode != "paper" else {}), **(env or {})},
        )  # fmt: skip

    def running(self, seconds: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until it trades and its orders stand."""
        return self.wait_for(lambda s: s["state"] == "running" and open_orders(s) > 0, seconds)


@contextmanager
def bot_on(served: Served, home: Path, *words: str, **more: Any) -> Iterator[Bot]:
    """A bot that does not outlive the block."""
    one = Bot(served, home, *words, **more)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.kill()


def at_home(served: Served) -> float:
    """Carry the market back to where its own candles end, so that a grid is laid around the price; that price."""

    def own() -> float:
        floor = served.app.place.floors["futures"]
        tape = floor.tapes[SYMBOL]
        return (tape.last - floor.moved.get(SYMBOL, 0)) * tape.instrument.tick_f

    price = float(served.inside(own))
    served.price(SYMBOL, round(price, 1))
    return price


def open_orders(status: dict[str, Any]) -> int:
    """Orders that the bot says stand."""
    return sum(view["open_orders"] for view in status["symbols"].values())


class Market(threading.Thread):
    """Carries the price about, so that orders fill; ``with`` it."""

    def __init__(self, served: Served, seed: int, step: float = 0.004, pause: float = 0.05) -> None:
        super().__init__(name="market", daemon=True)
        self._served = served
        self._chance = random.Random(seed)
        self._step, self._pause = step, pause
        self._over = threading.Event()
        self._home = self.price = at_home(served)
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._over.wait(self._pause):
                pull = 0.2 * (self._home - self.price) / self._home
                self.price *= 1.0 + self._chance.uniform(-self._step, self._step) + pull
                self._served.price(SYMBOL, round(self.price, 1))
        except BaseException as error:  # noqa: BLE001 - told by whoever leaves the block
            self.failed = error

    def __enter__(self) -> "Market":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join(10)
        assert self.failed is None, self.failed


class Books:
    """What the exchange says of the account, asked as anybody could."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.plain: list[dict[str, Any]] = self._ask("/fapi/v1/openOrders", symbol=SYMBOL)
        self.stops: list[dict[str, Any]] = self._ask("/fapi/v1/openAlgoOrders", symbol=SYMBOL)
        self.orders: list[dict[str, Any]] = self._pages("/fapi/v1/allOrders", "orderId", "orderId")
        self.trades: list[dict[str, Any]] = self._pages("/fapi/v1/userTrades", "fromId", "id")
        held = self._ask("/fapi/v3/positionRisk", symbol=SYMBOL)
        self.positions = {row["symbol"]: row["positionAmt"] for row in held if float(row["positionAmt"])}

    def _ask(self, path: str, **params: Any) -> Any:
        return _good(self._served, path, **params)

    def _pages(self, path: str, parameter: str, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        start = 1
        while page := self._ask(path, symbol=SYMBOL, limit=1000, **{parameter: start}):
            rows += page
            start = page[-1][name] + 1
        return rows

    @property
    def standing(self) -> set[str]:
        """Client ids of all that stands."""
        return {row["clientOrderId"] for row in self.plain} | {row["clientAlgoId"] for row in self.stops}


def _good(served: Served, path: str, **params: Any) -> Any:
    status, answer = served.signed("GET", path, key=KEY, secret=SECRET, **params)
    assert status == 200, answer
    return answer


def contradictions(served: Served, home: Path, name: str = NAME) -> list[str]:
    """Where the bot's database and the exchange's books differ, and what no exchange should hold."""
    books = Books(served)
    found = [f"{ident} was sent {count} times" for ident, count in
             Counter(row["clientOrderId"] for row in books.orders).items() if count > 1]  # fmt: skip
    with reading(named(home, name).database) as ours:
        here = {row.order.client_id for row in ours.open_orders()}
        fills = [fill.trade_id for fill in ours.each_fill()]
    found += [f"orphan {one}: it stands, and no record of it is open" for one in sorted(books.standing - here)]
    found += [f"ghost {one}: open here, gone there" for one in sorted(here - books.standing)]
    found += ["a fill is booked twice"] if len(set(fills)) != len(fills) else []
    there = {str(row["id"]) for row in books.trades}
    found += [f"trade {one} is not in the ledger" for one in sorted(there - set(fills))]
    found += [f"fill {one} never happened" for one in sorted(set(fills) - there)]
    return found


def wait_until_agreed(served: Served, home: Path, seconds: float = PATIENCE_S) -> None:
    """The market stands: within one comparison both say the same."""
    deadline = time.monotonic() + seconds
    while (found := contradictions(served, home)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == [], found


def document(ended: Ended) -> Any:
    """The status document a run ends with."""
    return json.loads(ended.out)
