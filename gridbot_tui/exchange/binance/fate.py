"""What has become of an order, asked for by id; "it never existed" only where that is proved."""

from collections import OrderedDict
from typing import Final

from gridbot_tui.engine.events import OrderReport, Outcome
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.errors import RetryLater
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.units import MINUTE, ClientId, Ms, Symbol

KEPT: Final = 5_000
_BEFORE: Final[Ms] = 10 * MINUTE
"""Executions are looked at from so long before an order of another life was last heard of."""


_LONG_AGO: Final = 0.3


class Fate:
    """Asks until the answer is certain.

    A denial ("order does not exist") may only mean that the exchange's queries lag behind its matching, or that
    the order is still on its way. After its recvWindow the exchange takes an order no more; denied again and
    again beyond that, not among the open orders and without an execution, it never existed.
    """

    def __init__(self, rest: Rest, clock: Clock, params: BinanceParams) -> None:
        self._rest = rest
        self._clock = clock
        self._params = params
        self._began = (clock.now_ms(), clock.monotonic())
        self._sent: OrderedDict[ClientId, tuple[Ms, float]] = OrderedDict()

    def sent(self, client_id: ClientId, at: float | None = None) -> None:
        """An order leaves now, or left last ``at`` (monotonic seconds)."""
        self._sent[client_id] = (self._clock.now_ms(), self._clock.monotonic() if at is None else at)
        self._sent.move_to_end(client_id)
        if len(self._sent) > KEPT:
            self._sent.popitem(last=False)

    async def ask(self, symbol: Symbol, client_id: ClientId, conditional: bool) -> list[OrderReport]:
        """What has become of it, the present state last.

        Raises:
            BinanceError: it can't be said now.
        """
        params, denials = self._params, 0
        _, sent = self._sent.get(client_id, self._began)
        last_chance = sent + (params.recv_window_ms + params.absent_after_ms) / 1000
        pause = params.absent_after_ms / params.absent_denials / 1000
        if self._clock.monotonic() >= last_chance:
            pause *= _LONG_AGO  # long past its window, only the exchange's own lag is left to wait for
        while True:
            reports = await self._rest.order(symbol, client_id, conditional)
            if reports:
                return reports
            denials += 1
            if denials >= params.absent_denials and self._clock.monotonic() >= last_chance:
                return await self._nowhere(symbol, client_id)
            await self._clock.sleep(pause)

    async def _nowhere(self, symbol: Symbol, client_id: ClientId) -> list[OrderReport]:
        """The last two places it could be."""
        listed = await self._rest.open_orders([symbol])
        for order in listed.orders:
            if order.client_id == client_id:
                outcome = Outcome.PARTLY_FILLED if order.filled else Outcome.ACCEPTED
                return [OrderReport(listed.at, symbol, client_id, outcome, order.filled)]
        sent_at, _ = self._sent.get(client_id, self._began)
        fills = await self._rest.fills(symbol, "", sent_at - _BEFORE)
        if any(fill.client_id == client_id for fill in fills):
            raise RetryLater(f"{client_id} has executions, but the exchange denies the order")
        return [OrderReport(self._clock.now_ms(), symbol, client_id, Outcome.ABSENT, code=-2013,
                            detail="the exchange has no such order, repeatedly")]  # fmt: skip
