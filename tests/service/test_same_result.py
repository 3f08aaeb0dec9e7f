"""The same strategy, seed and data: the same orders, fills and ledger, in this process and over the wire."""

import random
from pathlib import Path

import pytest

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, Symbol, Ticks
from tests.service.jumping import BEGIN
from tests.service.lockstep import Step, Walk, in_process, over_the_wire

SYMBOLS = ("BTCUSDT", "ETHUSDT")
ADAPTIVE = {"ladder.kind": "adaptive", "safety.cancel_all_after_s": "0"}
TO_THE_HOUR: Ms = BEGIN - BEGIN % HOUR + HOUR - 100_000
"""A minute and forty seconds before an hour ends."""
FIRST_S, PAUSE_S = 5.0, 0.5


def back_and_forth(seconds: float, width: float, seed: int) -> Walk:
    """The symbols in turn, each in steps smaller than a rung, of odd ticks: no rung is ever just at the touch."""

    def walk(instruments: dict[Symbol, Instrument], homes: dict[Symbol, Ticks]) -> list[Step]:
        chance, found = random.Random(seed), []
        prices = {symbol: float(price) for symbol, price in homes.items()}
        names, number = sorted(instruments), 0
        while FIRST_S + number * PAUSE_S < seconds - 5.0:
            symbol = names[number % len(names)]
            pull = 0.1 * (homes[symbol] - prices[symbol]) / homes[symbol]
            way = 1 if (number // 40) % 2 else -1
            prices[symbol] *= 1.0 + way * chance.uniform(0.0, width) + pull * width
            found.append(Step(FIRST_S + number * PAUSE_S, symbol, 2 * round(prices[symbol] / 2) + 1))
            number += 1
        return found

    return walk


@pytest.mark.parametrize("market", [Market.FUTURES, Market.SPOT])
def test_in_process_and_over_the_wire_orders_fills_and_ledger_are_the_same(market: Market, tmp_path: Path) -> None:
    seconds = 4.0 * MINUTE / 1000
    walk = back_and_forth(seconds, 0.004, seed=11)
    how = {"market": market, "symbols": SYMBOLS, "sets": ADAPTIVE, "past": 15 * DAY, "begin": TO_THE_HOUR}
    wire, notes = over_the_wire(tmp_path / "wire", walk, seconds, **how)
    here = in_process(tmp_path / "here", notes, seconds, market, TO_THE_HOUR)
    assert len(wire.fills) >= 8
    assert len({at for at, _ in wire.plans}) >= 2, "an hour has closed on the way"
    assert here.plans == wire.plans
    assert here.orders == wire.orders
    assert here.fills == wire.fills
    assert here.ledger == wire.ledger
