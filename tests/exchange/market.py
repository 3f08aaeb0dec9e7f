"""A market small enough to write down by hand."""

from collections.abc import Iterator
from decimal import Decimal

from msgspec.structs import replace

from gridbot_tui.engine.events import AccountState, BarsClosed, Event, Fill, OrderReport, Outcome
from gridbot_tui.exchange.port import AskAccount, AskOpenOrders, Incoming, Place, Reply
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Bracket, Instrument
from gridbot_tui.market.source import FundingRate, MarketBatch
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import MINUTE, Market, Ms, Side, Steps, Symbol, Ticks

D = Decimal
START = 1_700_000_040_000
assert START % MINUTE == 0

BRACKETS = (
    Bracket(D(0), D(50_000), 50, D("0.01"), D(0)),
    Bracket(D(50_000), D(200_000), 20, D("0.025"), D(750)),
    Bracket(D(200_000), D(1_000_000), 5, D("0.10"), D(15_750)),
)
"""cum makes maintenance continuous: 50,000 x (0.025 - 0.01) = 750, + 200,000 x (0.10 - 0.025) = 15,750."""


def instrument(symbol: Symbol = "XYZUSDT", market: Market = Market.FUTURES, **changes: object) -> Instrument:
    """Tick 0.1, step 0.001: a price of 100 is 1,000 ticks, one tick x step is 0.0001 quote."""
    base = symbol.removesuffix("USDT")
    fields: dict[str, object] = {
        "symbol": symbol, "market": market, "base": base, "quote": "USDT", "tick": D("0.1"),
        "step": D("0.001"), "min_steps": 1, "max_steps": 10_000_000, "market_max_steps": 5_000_000,
        "min_notional": D(5), "min_price": 1,
        "max_price": 1_000_000, "percent_up": D("1.05"), "percent_down": D("0.95"), "max_orders": 200,
        "brackets": BRACKETS if market is Market.FUTURES else (),
    }  # fmt: skip
    return Instrument(**{**fields, **changes})  # type: ignore[arg-type]


def bar(
    n: int,
    o: Ticks,
    h: Ticks,
    low: Ticks,
    c: Ticks,
    volume: float = 1e9,
    mark: tuple[int, int, int] | None = None,
) -> Bar:
    """The n-th minute; the mark is the bar's own unless (high, low, close) is given."""
    high, bottom, close = mark or (h, low, c)
    return Bar(START + n * MINUTE, MINUTE, o, h, low, c, volume, high, bottom, close)


def flat(n: int, price: Ticks) -> Bar:
    return bar(n, price, price, price, price)


class Tape:
    """A MarketSource of written-down bars."""

    def __init__(
        self, bars: dict[Symbol, list[Bar]], instruments: dict[Symbol, Instrument] | None = None,
        funding: dict[int, tuple[FundingRate, ...]] | None = None, market: Market = Market.FUTURES,
    ) -> None:  # fmt: skip
        self.instruments = instruments or {s: instrument(s, market) for s in bars}
        self.interval: Ms = MINUTE
        self.start: Ms = START
        at: dict[Ms, list[tuple[Symbol, Bar]]] = {}
        for symbol in sorted(bars):
            for one in bars[symbol]:
                at.setdefault(one.close_at, []).append((symbol, one))
        settled = {START + (n + 1) * MINUTE: rates for n, rates in (funding or {}).items()}
        self._batches = [MarketBatch(t, tuple(at[t]), settled.get(t, ())) for t in sorted(at)]

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        return (b for b in self._batches if b.at > after)


def config(market: Market = Market.FUTURES, usdt: int | str = 10_000, **params: object) -> AccountConfig:
    return AccountConfig(market, {"USDT": D(usdt)}, ExchangeParams(**params))  # type: ignore[arg-type]


def limit(client_id: str, side: Side, price: Ticks, steps: Steps, **changes: object) -> NewOrder:
    fields: dict[str, object] = {
        "client_id": client_id, "symbol": "XYZUSDT", "side": side, "kind": OrderKind.LIMIT, "steps": steps,
        "price": price, "purpose": Purpose.GRID, "created_at": START, "post_only": True,
    }  # fmt: skip
    return NewOrder(**{**fields, **changes})  # type: ignore[arg-type]


def market_order(client_id: str, side: Side, steps: Steps, **changes: object) -> NewOrder:
    order = limit(client_id, side, 0, steps, kind=OrderKind.MARKET, post_only=False, **changes)
    return replace(order, price=None)


def stop(client_id: str, side: Side, trigger: Ticks, steps: Steps, **changes: object) -> NewOrder:
    given = {
        "kind": OrderKind.STOP_MARKET,
        "post_only": False,
        "trigger": trigger,
        "reduce_only": True,
        **changes,
    }
    return replace(limit(client_id, side, 0, steps, **given), price=None)


def until(world: World, kind: type[Event]) -> list[Incoming]:
    """Everything heard up to and including the next event of a kind."""
    heard: list[Incoming] = []
    while True:
        item = world.next()
        assert item is not None, f"the market ended before a {kind.__name__}: {heard}"
        heard.append(item)
        if isinstance(item, kind):
            return heard


def drain(world: World) -> list[Incoming]:
    """Everything that is still to come."""
    heard: list[Incoming] = []
    while (item := world.next()) is not None:
        heard.append(item)
    return heard


def answers(world: World) -> list[Incoming]:
    """What is heard before time moves."""
    heard: list[Incoming] = []
    now = world.now
    while (item := world.next(until=now)) is not None:
        heard.append(item)
    return heard


def fills(heard: list[Incoming]) -> list[tuple[str, int, Ticks, Steps]]:
    """The executions among what was heard: client id, sign, price, quantity."""
    return [(e.client_id, int(e.side), e.price, e.steps) for e in heard if isinstance(e, Fill)]


def reports(heard: list[Incoming], client_id: str) -> list[Outcome]:
    """What was heard of one order, in order."""
    return [e.outcome for e in heard if isinstance(e, OrderReport) and e.client_id == client_id]


def refusal(world: World, order: NewOrder) -> int:
    """Place an order now: 0 = accepted, else the code of its refusal."""
    world.send(Place(order))
    first = next(e for e in answers(world) if isinstance(e, OrderReport))
    assert (first.outcome is Outcome.REFUSED) == (first.code != 0)
    return first.code


def account(world: World) -> AccountState:
    """The account as the exchange states it now."""
    world.send(AskAccount(1))
    reply = answers(world)[-1]
    assert isinstance(reply, Reply)
    assert reply.account is not None
    return reply.account


def standing(world: World) -> list[str]:
    """Client ids of the open orders now."""
    world.send(AskOpenOrders(1))
    reply = answers(world)[-1]
    assert isinstance(reply, Reply)
    assert reply.open_orders is not None
    return [o.client_id for o in reply.open_orders.orders]


def opened(*bars: Bar, market: Market = Market.FUTURES, usdt: int | str = 10_000, **params: object) -> World:
    """A world of one symbol that has seen a quiet bar at 1,000 ticks; ``bars`` are to come."""
    tape = Tape({"XYZUSDT": [flat(0, 1000), *bars]}, market=market)
    world = World(tape, config(market, usdt, **params))
    until(world, BarsClosed)
    return world


def place(world: World, *orders: NewOrder) -> list[Incoming]:
    """Place orders that must be accepted; returns what is heard before time moves."""
    for order in orders:
        world.send(Place(order))
    heard = answers(world)
    assert not [e for e in heard if isinstance(e, OrderReport) and e.outcome is Outcome.REFUSED], heard
    return heard
