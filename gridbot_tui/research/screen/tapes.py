"""Several recorded symbols as the columns that ``several`` runs over, made once for any number of sets."""

import math
from itertools import combinations

import numpy as np
from msgspec import Struct

from gridbot_tui.engine.on_market import LATE_BAR_GRACE
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.screen.tape import Events, Floats, Integers, found, write_bars
from gridbot_tui.strategy.clusters import DAYS, Moves, correlation, joined
from gridbot_tui.units import DAY, HOUR, Ms, Symbol


class Tapes(Struct):
    """Everything that does not depend on the set. Rows of one symbol follow those of the one before."""

    symbols: tuple[Symbol, ...]
    moments: Integers
    """See ``several.TIME``."""
    bars: Integers
    """See ``tape.Tape.bars``; none but those that there are."""
    when: Integers
    """When each of them closes."""
    volume: Floats
    first_bar: Integers
    """Row of each symbol's first bar, and the end of all."""
    happenings: Integers
    """See ``several_venue.AT``."""
    rates: Floats
    """The rate that settles at each of them; nan = none."""
    first_happening: Integers
    features: Floats
    sampled: Integers
    """Times of the hourly curve."""
    start: Ms
    related: list[dict[tuple[Symbol, Symbol], float | None]]
    """Of each UTC day that ends, the correlation of every two symbols."""

    @property
    def times(self) -> Integers:
        """Of every moment."""
        times: Integers = self.moments[:, 0]
        return times

    def groups(self, limit: float) -> Integers:
        """Of each UTC day that ends, the group that each symbol moves with from then on; -1 = none."""
        groups = np.full((max(len(self.related), 1), len(self.symbols)), -1, dtype=np.int64)
        places = {symbol: i for i, symbol in enumerate(self.symbols)}
        for day, known in enumerate(self.related):
            members = joined(self.symbols, lambda a, b, known=known: known[a, b], limit)  # type: ignore[misc]
            for group, names in enumerate(members):
                for name in names:
                    groups[day, places[name]] = group
        return groups

    def last_rows(self, symbol: int, times: Integers) -> Integers:
        """Row of a symbol's last bar at each of these times; -1 before its first."""
        first, end = int(self.first_bar[symbol]), int(self.first_bar[symbol + 1])
        rows: Integers = np.searchsorted(self.when[first:end], times, side="right") - 1 + first
        return np.where(rows < first, -1, rows)

    def rate(self, symbol: int, at: Ms) -> float:
        """The rate that settles for a symbol at a moment."""
        first, end = int(self.first_happening[symbol]), int(self.first_happening[symbol + 1])
        row = first + int(np.searchsorted(self.happenings[first:end, 0], at))
        return float(self.rates[row])


def tapes_of(prepared: Prepared) -> Tapes:
    """The columns of every symbol. Features and decision bars are the strategy's own."""
    market = prepared.market
    series = [market.series[symbol] for symbol in market.symbols]
    closes = [one.times + market.interval for one in series]
    times = _merged([*closes, np.array(market.moments, dtype=np.int64)])
    first_bar = _starts(closes)
    bars = np.empty((int(first_bar[-1]), 8), dtype=np.int64, order="F")
    happened, rates, features = [], [], []
    heard, rows = [], 0
    for place, (one, own) in enumerate(zip(series, closes, strict=True)):
        write_bars(bars, slice(int(first_bar[place]), int(first_bar[place + 1])), one)
        events = Events(prepared, one, times, _late(own, times))
        happenings, settled, known = events.happenings(np.searchsorted(times, own))
        happenings[:, 1] += rows
        rows += len(known)
        happened.append(happenings)
        rates.append(settled)
        features.append(known)
        heard.append(events.closes)
    days = np.append(False, np.diff(times // DAY) > 0)
    whole = times % HOUR == 0
    moments = np.column_stack(
        (times, days, np.where(whole, np.cumsum(whole) - 1, -1), np.maximum(np.cumsum(days) - 1, 0))
    ).astype(np.int64, order="C")
    return Tapes(
        symbols=tuple(market.symbols), moments=moments, bars=bars, when=np.concatenate(closes),
        volume=np.concatenate([one.volume for one in series]).astype(np.float64), first_bar=first_bar,
        happenings=np.ascontiguousarray(np.concatenate(happened)), rates=np.concatenate(rates),
        first_happening=_starts(happened),
        features=np.concatenate(features), sampled=times[whole], start=market.start,
        related=_related(market.symbols, heard, times[days]),
    )  # fmt: skip


def _merged(parts: list[Integers]) -> Integers:
    """All times of ascending ones, each once; mostly they are the same."""
    times = parts[0]
    for part in parts[1:]:
        _, here = found(times, part)
        if not here.all():
            times = np.sort(np.concatenate((times, part[~here])))
    return times


def _starts(parts: "list[Integers]") -> Integers:
    return np.cumsum([0, *(len(one) for one in parts)]).astype(np.int64)


def _late(own: Integers, times: Integers) -> tuple[Ms, ...]:
    """Moments at which an hour without its last bars is closed because another symbol shows that it is over."""
    hole = np.flatnonzero(own % HOUR != 0)
    after = np.append(own, np.iinfo(np.int64).max)[hole + 1]
    ended = own[hole] - own[hole] % HOUR + HOUR + LATE_BAR_GRACE
    overdue = after > ended
    places = np.searchsorted(times, ended[overdue])
    there = places < len(times)
    seen, nexts = times[places[there]], after[overdue][there]
    return tuple(seen[seen < nexts].tolist())


def _related(
    symbols: tuple[Symbol, ...], heard: list[list[tuple[Ms, float]]], days: Integers
) -> list[dict[tuple[Symbol, Symbol], float | None]]:
    """``strategy.clusters`` at the end of every day, as the strategy has its closes then."""
    daily: list[list[tuple[int, float]]] = [[] for _ in symbols]
    place, last = [0] * len(symbols), [math.nan] * len(symbols)
    related: list[dict[tuple[Symbol, Symbol], float | None]] = []
    for at in days.tolist():
        for i, closes in enumerate(heard):
            while place[i] < len(closes) and (
                closes[place[i]][0] < at or (closes[place[i]][0] == at and not math.isnan(closes[place[i]][1]))
            ):
                last[i] = closes[place[i]][1]
                place[i] += 1
            if not math.isnan(last[i]):
                daily[i].append((at // DAY, last[i]))
                del daily[i][: -DAYS - 1]
        moves = {symbol: Moves(daily[i]) for i, symbol in enumerate(symbols)}
        related.append({(a, b): correlation(moves[a], moves[b]) for a, b in combinations(symbols, 2)})
    return related


