"""A wire whose answers a test writes itself, for what the served exchange cannot bring about."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

from gridbot_tui.exchange.binance.calls import Call
from gridbot_tui.exchange.binance.futures_rest import FuturesRest
from gridbot_tui.exchange.binance.governor import Governor, Rank
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.spot_rest import SpotRest
from gridbot_tui.exchange.binance.wire import Wire
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import MINUTE, Market, Mode, Ms

NOW: Ms = 1_790_000_000_000
Answers = Mapping[str, Callable[[Mapping[str, Any]], Any]]


class Frozen:
    """It is always now, and ``later`` seconds since the machine began."""

    later = 0.0

    def now_ms(self) -> Ms:
        return NOW

    def monotonic(self) -> float:
        return self.later

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


class ScriptedWire:
    """Answers by the path of the call; remembers what was asked."""

    def __init__(self, market: Market, answers: Answers) -> None:
        self.hosts = hosts_of(Mode.LIVE)
        self.clock = Frozen()
        self.governor = Governor(market, BinanceParams(), self.clock)
        self.signs = True
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers = answers

    async def ask(self, call: Call, params: Mapping[str, Any] | None = None, *, weight: int | None = None) -> Any:
        given = dict(params or {})
        self.asked.append((call.path, given))
        return self._answers[call.path](given)

    async def act(
        self, call: Call, rank: Rank, params: Mapping[str, Any] | None = None, *, encoded: bool = False
    ) -> Any:
        return await self.ask(call, params)


def scripted(market: Market, answers: Answers) -> tuple[Any, ScriptedWire]:
    """A REST side of BTCUSDT, tick 0.1 and step 0.001, and the wire it talks to."""
    wire = ScriptedWire(market, answers)
    kind: Any = SpotRest if market is Market.SPOT else FuturesRest
    rest = kind(cast(Wire, wire), lambda client_id: client_id.startswith("gb"), MINUTE)
    instrument = Instrument("BTCUSDT", market, "BTC", "USDT", Decimal("0.1"), Decimal("0.001"), 1, 10**9, 10**9,
                            Decimal(5), 1, 10**9, Decimal(2), Decimal(0), 200)  # fmt: skip
    rest._load({"BTCUSDT": instrument}, ["BTCUSDT"])
    return rest, wire


def trade(number: int, at: Ms, order: int = 7, **more: Any) -> dict[str, Any]:
    """A row of userTrades."""
    return {"id": number, "orderId": order, "time": at, "price": "60000.0", "qty": "0.010", "commission": "0.1",
            "commissionAsset": "USDT", "buyer": True, "maker": True, "realizedPnl": "0"} | more  # fmt: skip
