"""Figures about the running process: counters, gauges, histograms. In process, without a dependency."""

from bisect import bisect_left
from typing import Final

from msgspec import Struct


def _bounds() -> tuple[float, ...]:
    """Upper bounds from 1 us to 100 s, ten a decade: a percentile is known to 12 %."""
    return tuple(1e-6 * 10 ** (index / 10) for index in range(81))


SECONDS: Final = _bounds()


class Counter:
    """Something that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        """Start at 0."""
        self.value = 0

    def add(self, amount: int = 1) -> None:
        """Count."""
        self.value += amount


class Gauge:
    """The latest value; None until it is known."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        """Unknown."""
        self.value: float | None = None

    def set(self, value: float) -> None:
        """Now it is this."""
        self.value = value


class Histogram:
    """How values are distributed, by fixed buckets; constant memory."""

    __slots__ = ("_bounds", "_buckets", "count", "highest", "total")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        """``bounds``: ascending upper bounds of the buckets; the values' unit is theirs."""
        self._bounds = bounds
        self._buckets = [0] * (len(bounds) + 1)
        self.count = 0
        self.total = 0.0
        self.highest: float | None = None

    def observe(self, value: float) -> None:
        """Count one value."""
        self._buckets[bisect_left(self._bounds, value)] += 1
        self.count += 1
        self.total += value
        if self.highest is None or value > self.highest:
            self.highest = value

    def quantile(self, share: float) -> float | None:
        """The value that ``share`` of all are at or below, by its bucket's upper bound; None without any."""
        if self.highest is None:
            return None
        rank = share * self.count
        below = 0
        for bound, held in zip(self._bounds, self._buckets, strict=False):
            below += held
            if held and below >= rank:
                return min(bound, self.highest)
        return self.highest


class HistogramView(Struct, frozen=True):
    """A histogram in five numbers; None without a value."""

    count: int
    mean: float | None
    p50: float | None
    p99: float | None
    highest: float | None


class MetricsView(Struct, frozen=True):
    """All figures at one moment, by name."""

    counters: dict[str, int]
    gauges: dict[str, float | None]
    histograms: dict[str, HistogramView]


class Metrics:
    """The figures of one process; asking for a name makes it."""

    def __init__(self) -> None:
        """No figures yet."""
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}

    def counter(self, name: str) -> Counter:
        """The counter of this name; keep it where it is used often."""
        return self._counters.setdefault(name, Counter())

    def gauge(self, name: str) -> Gauge:
        """The gauge of this name."""
        return self._gauges.setdefault(name, Gauge())

    def histogram(self, name: str, bounds: tuple[float, ...] = SECONDS) -> Histogram:
        """The histogram of this name, in seconds unless ``bounds`` say otherwise at its making."""
        found = self._histograms.get(name)
        if found is None:
            found = self._histograms[name] = Histogram(bounds)
        return found

    def view(self) -> MetricsView:
        """All of them now."""
        return MetricsView(
            {name: each.value for name, each in sorted(self._counters.items())},
            {name: each.value for name, each in sorted(self._gauges.items())},
            {name: _view(each) for name, each in sorted(self._histograms.items())},
        )


def _view(histogram: Histogram) -> HistogramView:
    mean = histogram.total / histogram.count if histogram.count else None
    return HistogramView(
        histogram.count, mean, histogram.quantile(0.5), histogram.quantile(0.99), histogram.highest
    )
