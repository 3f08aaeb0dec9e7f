"""A bot that does anything, on a market that goes anywhere: both from a seed."""

import random
from collections.abc import Iterator

from gridbot_tui.engine.events import BarsClosed
from gridbot_tui.exchange.port import Cancel, Incoming, Place
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.bar import Bar
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.units import Side, Symbol, Ticks
from tests.exchange.market import bar, limit, market_order, stop


def wander(seed: int, count: int, start: int = 1000) -> list[Bar]:
    """A random walk of bars."""
    rng, price, bars = random.Random(seed), start, []
    for n in range(count):
        close = max(50, price + rng.randint(-12, 12))
        top, bottom = max(price, close) + rng.randint(0, 8), max(1, min(price, close) - rng.randint(0, 8))
        bars.append(bar(n, price, top, bottom, close, volume=rng.choice([3.0, 30.0, 1e6])))
        price = close
    return bars


class Monkey:
    """Places and cancels at random after every bar. Two of one seed that hear the same do the same."""

    def __init__(self, seed: int, sizes: tuple[int, ...] = (100, 700, 2_000, 20_000)) -> None:
        self._rng = random.Random(seed)
        self._names = 0
        self._sizes = sizes

    def play(self, world: World, bars: int | None = None) -> Iterator[Incoming]:
        """Hear and act until so many bars have closed and their answers are in, or the market ends."""
        while bars is None or bars > 0:
            item = world.next()
            if item is None:
                return
            yield item
            if isinstance(item, BarsClosed):
                for symbol, one in item.bars:
                    self._act(world, symbol, one.close)
                if bars is not None:
                    bars -= 1
        while (item := world.next(until=world.now)) is not None:
            yield item

    def _act(self, world: World, symbol: Symbol, close: Ticks) -> None:
        for _ in range(self._rng.randint(0, 3)):
            self._names += 1
            world.send(Place(self._order(f"o{self._names}", symbol, close)))
        if self._names and self._rng.random() < 0.3:
            name = f"o{self._rng.randint(1, self._names)}"
            world.send(Cancel(symbol, name, conditional=self._rng.random() < 0.2))

    def _order(self, name: str, symbol: Symbol, close: Ticks) -> NewOrder:
        rng = self._rng
        side, away, steps = rng.choice([Side.BUY, Side.SELL]), rng.randint(-2, 15), rng.choice(self._sizes)
        kind = rng.random()
        if kind < 0.15:
            return market_order(name, side, steps, symbol=symbol, reduce_only=rng.random() < 0.5)
        if kind < 0.25:
            trigger = max(1, close + 2 * away * side)
            if rng.random() < 0.5:
                return stop(name, side, trigger, 0, symbol=symbol, close_position=True, reduce_only=False)
            return stop(name, side, trigger, steps, symbol=symbol, reduce_only=rng.random() < 0.8)
        post_only = rng.random() < 0.8
        reduce_only = rng.random() < 0.3
        price = max(1, close - away * side)
        return limit(name, side, price, steps, symbol=symbol, post_only=post_only, reduce_only=reduce_only)
