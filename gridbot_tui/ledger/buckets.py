"""Fills, cycles and profit near a price: what the ladder view shows beside a rung."""

from msgspec import Struct

from gridbot_tui.units import ZERO, Money, Ticks

CAPACITY = 400
"""Buckets kept for one symbol; the one untouched for longest goes first. At 0.1 % each: -20 % to +20 %."""
PER_PRICE = 1000
"""A bucket is 1/1000 of the first price wide: a quarter of the narrowest rung spacing (0.4 %)."""


class BucketCount(Struct, frozen=True):
    """What happened near one price since the start of the run."""

    fills: int = 0
    cycles: int = 0
    profit: Money = ZERO
    """Grid profit of the lots that were entered there, quote."""


_NOTHING = BucketCount()


class Buckets:
    """Counters by price, bounded."""

    __slots__ = ("_counts", "_width")

    def __init__(self, width: Ticks = 0, counts: dict[int, BucketCount] | None = None) -> None:
        self._width = width
        self._counts: dict[int, BucketCount] = dict(counts or {})

    def add(self, price: Ticks, fills: int, cycles: int, profit: Money) -> None:
        """Count something at ``price``."""
        if not self._width:
            self._width = max(1, price // PER_PRICE)
        counts = self._counts
        key = price // self._width
        old = counts.pop(key, _NOTHING)  # popped, so that the dict is in the order of last use
        counts[key] = BucketCount(old.fills + fills, old.cycles + cycles, old.profit + profit)
        if len(counts) > CAPACITY:
            del counts[next(iter(counts))]

    def near(self, price: Ticks, reach: Ticks = 0) -> BucketCount:
        """The sum over the buckets from ``price - reach`` to ``price + reach``."""
        width = self._width
        if not width:
            return _NOTHING
        found = [
            self._counts[key]
            for key in range((price - reach) // width, (price + reach) // width + 1)
            if key in self._counts
        ]
        return BucketCount(
            sum(count.fills for count in found),
            sum(count.cycles for count in found),
            sum((count.profit for count in found), ZERO),
        )

    def state(self) -> tuple[Ticks, dict[int, BucketCount]]:
        """Width and counters, the latter in the order of their last use."""
        return self._width, dict(self._counts)
