"""Instruments, plans and a small exchange for the tests of orders and risk."""

from collections.abc import Iterable
from decimal import Decimal
from math import log
from typing import Any

import msgspec
from msgspec import Struct

from gridbot_tui.market.instrument import Bracket, Instrument
from gridbot_tui.orders.book import OrderBook
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.orders.model import Desired, NewOrder, OrderKind, Purpose
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.orders.reconcile import Convergence, Reconciler
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.strategy.plan import GridPlan, Votes, Weights
from gridbot_tui.units import Market, Ms, Side, Steps, Ticks

BRACKETS = (
    Bracket(Decimal(0), Decimal(50_000), 125, Decimal("0.004"), Decimal(0)),
    Bracket(Decimal(50_000), Decimal(600_000), 100, Decimal("0.005"), Decimal(50)),
    Bracket(Decimal(600_000), Decimal(3_000_000), 75, Decimal("0.0065"), Decimal(950)),
    Bracket(Decimal(3_000_000), Decimal(12_000_000), 50, Decimal("0.01"), Decimal(11_450)),
)

BTC = Instrument(
    symbol="BTCUSDT",
    market=Market.FUTURES,
    base="BTC",
    quote="USDT",
    tick=Decimal("0.1"),
    step=Decimal("0.001"),
    min_steps=1,
    max_steps=1_000_000,
    market_max_steps=120_000,
    min_notional=Decimal(50),
    min_price=1,
    max_price=100_000_000,
    percent_up=Decimal("1.05"),
    percent_down=Decimal("0.95"),
    max_orders=200,
    brackets=BRACKETS,
)
SPOT = msgspec.structs.replace(BTC, market=Market.SPOT, brackets=(), min_notional=Decimal(5))
PARAMS = OrderParams()
AT_60000 = Touch(600_000, 600_000)
SPACING = 0.0284


def walk_plan(**changes: Any) -> GridPlan:
    """The plan of the walk in DESIGN: BTCUSDT at 60,000, equity 10,000, flat."""
    exposure = 0.44 * 10_000 / 60_000
    plan = GridPlan(
        symbol="BTCUSDT",
        epoch=1,
        at=0,
        kind="adaptive",
        price=60_000.0,
        position=0.0,
        equity=10_000.0,
        votes=Votes(0.5, 0.0, 0.33),
        weights=Weights(0.3, 0.1, 0.6),
        bias=0.45,
        label="LONG",
        confidence=1.0,
        leverage=0.44,
        lot=0.36 * exposure,
        target=0.45 * exposure,
        upper=1.5 * exposure,
        lower=-0.6 * exposure,
        levels=6,
        skew=1.0,
        centre=log(60_000.0),
        spacing=SPACING,
        anchor=log(60_000.0) + 1.25 * SPACING,
        gap=0.31,
    )
    return msgspec.structs.replace(plan, **changes)


class Report(Struct, frozen=True):
    """News of an order, as the engine's OrderReport."""

    client_id: str
    outcome: str
    filled: Steps = 0
    exchange_id: str = ""
    at: Ms = 1


def grid_order(
    client_id: str = "gb0-BTCUSDT-1-gb1-0",
    side: Side = Side.BUY,
    price: int | None = 600_000,
    steps: int = 100,
    **changes: Any,
) -> NewOrder:
    order = NewOrder(
        client_id=client_id,
        symbol="BTCUSDT",
        side=side,
        kind=OrderKind.LIMIT,
        steps=steps,
        price=price,
        purpose=Purpose.GRID,
        created_at=0,
        post_only=True,
        epoch=1,
        rung=1,
    )
    return msgspec.structs.replace(order, **changes)


class Desk:
    """Book, ids and reconciler of one symbol, with an exchange that accepts everything at once."""

    def __init__(self, instrument: Instrument = BTC, params: OrderParams = PARAMS) -> None:
        self.instrument = instrument
        self.ids = IdFactory()
        self.book = OrderBook(self.ids)
        self.reconciler = Reconciler(params, self.ids)
        self.position: Steps = 0
        self.mark: Ticks | None = None
        self.now: Ms = 0

    def compare(self, desired: Desired, touch: Touch = AT_60000, repeg: bool = True) -> Convergence:
        self.now += 1
        return self.reconciler.reconcile(
            desired,
            self.book.live("BTCUSDT"),
            instrument=self.instrument,
            position=self.position,
            touch=touch,
            now=self.now,
            repeg=repeg,
            mark=self.mark,
        )

    def send(self, convergence: Convergence) -> None:
        """Record everything as sent, nothing answered yet."""
        self.book.serve(convergence.kept)
        for client_id in convergence.cancels:
            self.book.cancelling(client_id, self.now)
        for order in convergence.creates:
            self.book.intend(order)
            self.reconciler.churn.sent(order)

    def report(self, client_id: str, outcome: str, filled: Steps = 0) -> None:
        self.book.apply(Report(client_id, outcome, filled, at=self.now))

    def answer(self, convergence: Convergence) -> None:
        """The exchange confirms cancels and accepts creates."""
        for client_id in convergence.cancels:
            live = self.book.get(client_id)
            assert live is not None
            self.report(client_id, "canceled", live.filled)
        for order in convergence.creates:
            self.report(order.client_id, "accepted")

    def converge(self, desired: Desired, touch: Touch = AT_60000) -> int:
        """Compare, send and answer until nothing is left to do; the rounds it took."""
        for rounds in range(10):
            convergence = self.compare(desired, touch)
            self.send(convergence)
            if convergence.done:
                return rounds
            self.answer(convergence)
        raise AssertionError("no fixed point in ten rounds")

    def fill(self, client_id: str, steps: Steps) -> None:
        live = self.book.get(client_id)
        assert live is not None
        self.position += live.order.side * steps
        self.book.fill(client_id, steps, self.now)

    def standing(self) -> list[tuple[Side, int | None, Steps]]:
        return sorted((one.order.side, one.order.price, one.remaining) for one in self.book.live("BTCUSDT"))


def prices(slots: Iterable[Any], side: Side) -> list[float]:
    return [slot.price / 10 for slot in slots if slot.side is side]
