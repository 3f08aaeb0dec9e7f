"""The same strategy, seed and data: the same orders, fills and ledger, in this process and over the wire."""

import random
import time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.engine.events import Event
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.service.real import RealParts
from gridbot_tui.service.venue import Fees, Venue
from gridbot_tui.units import Market
from tests.e2e.served import RICH, SYMBOL, Books, at_home
from tests.exchange_server.serving import Served, serving
from tests.service.lockstep import (
    Hand,
    HereVenue,
    Leg,
    NotedVenue,
    by_hand,
    fills,
    ledger,
    orders,
    over_the_wire,
)

SETS = {
    "ladder.kind": "arithmetic",
    "ladder.plain.side": "neutral",
    "ladder.plain.levels": "31",
    "ladder.plain.range_below": "0.04",
    "ladder.plain.range_above": "0.04",
    "orders.depth": "5",
    "exchange.recv_window_ms": "60000",
    "safety.cancel_all_after_s": "0",
}
STEPS = 15
MOVES, MOVE_MS = 3, 1_200
"""Time passes in moves shorter than what makes a price stale; after them comes a new price."""


def walk(home: float, tick: float, seed: int) -> list[int]:
    """Prices in ticks, in steps smaller than a rung, of an odd tick: no rung is ever just at the touch."""
    chance, price, found = random.Random(seed), home, []
    for number in range(STEPS):
        way = 1 if number // 4 % 2 else -1
        price *= 1.0 + way * chance.uniform(0.0018, 0.0026)
        found.append(2 * round(price / tick / 2) + 1)
    return found


def is_at(price: str, trades: int, picture: Snapshot) -> bool:
    """The bot has heard of a best bid and of so many trades."""
    seen = picture.symbols[SYMBOL]
    return seen.bid == price and seen.fills == trades


def meet(price: int, parts: RealParts) -> None:
    """The exchange of this process meets a price."""
    venue = parts.venue
    assert isinstance(venue, HereVenue)
    venue.port.meet(SYMBOL, price, price)


def tell(event: Event, parts: RealParts) -> None:
    """The bot of this process hears what the other's market feed said."""
    venue = parts.venue
    assert isinstance(venue, HereVenue)
    venue.port.market(event)


def hear(leg: Leg, told: list[tuple[int, Event]], step: int) -> None:
    """All of one step."""
    for at, event in told:
        if at == step:
            leg.inside(partial(tell, event))


def wired(served: Served, hand: Hand, home: Path, prices: list[int]) -> tuple[Leg, dict[str, Any]]:
    """The run through the server; what its books came to."""
    leg = Leg(home, SETS)
    leg.make = over_the_wire(served, hand, leg)
    leg.start()
    leg.until(lambda p: p.state == "running" and bool(p.orders) and all(link.up for link in p.links), "it trades")
    venue = leg.inside(lambda parts: parts.venue)
    assert isinstance(venue, NotedVenue)
    instrument = venue.instruments[SYMBOL]
    for number, price in enumerate(prices):
        for _ in range(MOVES):
            venue.told.step += 1
            hand.ms += MOVE_MS
            leg.until(lambda _: venue.told.heard_at(hand.ms), "time passes")
        venue.told.step += 1
        served.price(SYMBOL, str(instrument.price(price)), mark=str(instrument.price(price)))
        wanted = format(instrument.price(price - 1), "f")
        served.ahead = hand.ms - time.time_ns() // 1_000_000
        trades = len(Books(served).trades)
        leg.until(partial(is_at, wanted, trades), f"step {number}")
    found = ledger(leg)
    leg.leave()
    return leg, found


def direct(home: Path, hand: Hand, wire: Leg, begin: int, start: int, prices: list[int]) -> tuple[Leg, dict[str, Any]]:
    """The same without the wire."""
    assert wire.parts is not None
    noted = wire.parts.venue
    assert isinstance(noted, NotedVenue)
    told, past = noted.told.events, noted.past
    hand.ms = begin
    leg = Leg(home, SETS)
    account = AccountConfig(Market.FUTURES, {"USDT": Decimal(10_000)})

    async def make() -> Venue:
        fees = Fees(noted.fees.maker, noted.fees.taker)
        venue = HereVenue(noted.instruments, fees, account, past, hand)
        venue.port.meet(SYMBOL, start, start)
        return venue

    leg.make = make
    leg.start()
    leg.until(lambda p: p.state in ("running", "recovering"), "it is there")
    hear(leg, told, 0)
    leg.until(lambda p: p.state == "running" and bool(p.orders), "it trades")
    step = 0
    for number, price in enumerate(prices):
        for _ in range(MOVES):
            step += 1
            hand.ms += MOVE_MS
            hear(leg, told, step)
        leg.inside(partial(meet, price))
        leg.until(lambda p: True, "its orders are answered")
        step += 1
        hear(leg, told, step)
        leg.until(lambda p: p.state == "running" and bool(p.orders), f"step {number}")
    found = ledger(leg)
    leg.leave()
    return leg, found


@pytest.mark.slow
def test_in_process_and_over_the_wire_orders_fills_and_ledger_are_the_same(tmp_path: Path) -> None:
    with serving(Market.FUTURES, symbols=(SYMBOL,), accounts=(RICH,)) as served:
        price = at_home(served)
        with by_hand(served) as hand:
            begin = hand.ms
            prices = walk(price, 0.1, seed=11)
            wire, books = wired(served, hand, tmp_path / "wire", prices)
    assert wire.parts is not None
    here, other = direct(tmp_path / "here", hand, wire, begin, round(price / 0.1), prices)
    sent, heard = orders(wire.facts()), fills(wire.facts())
    assert len(heard) >= 8
    assert orders(here.facts()) == sent
    assert fills(here.facts()) == heard
    assert other == books
