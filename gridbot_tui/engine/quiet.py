"""Many bars at once, where nothing can happen in them: the same state as bar by bar, to the last bit.

A bar is quiet when no order is near, no hour ends, nothing is being worked, and marking the account moves
neither a tier nor a guard. ``Quiet.idle`` and ``bounds`` say in which prices the engine itself has nothing
to do, ``mark`` takes the account through the closes and stops before the first bar that matters, ``pass_over``
leaves the symbols as those bars would have. ``tests/research`` holds it against the plain path.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import exp, gcd

from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.watch import PEAK_STEP
from gridbot_tui.orders.model import OrderState, TargetStyle
from gridbot_tui.risk.tiers import HALT
from gridbot_tui.units import HOUR, MINUTE, Ms, Steps, Symbol, Ticks

_SETTLED = (OrderState.RESTING, OrderState.PARTLY_FILLED)
_SCALE = 24
"""Equity is counted in ints of 1e-24 quote here: finer than any tick x step and any dust at a price."""
_UNIT = 10**_SCALE
_LEDGER = 16
_FINER = 10 ** (_SCALE - _LEDGER)
_ROUNDED = 1e-9
_GUARDED = 1.0
"""Leverage from which every bar is looked at for its distance to liquidation."""


class Columns:
    """Consecutive bars of one symbol, as lists of ticks and, for the volume, floats."""

    __slots__ = ("close", "high", "low", "mark", "open", "volume")

    def __init__(
        self,
        open: Sequence[Ticks],
        high: Sequence[Ticks],
        low: Sequence[Ticks],
        close: Sequence[Ticks],
        volume: Sequence[float],
        mark: Sequence[Ticks],
    ) -> None:
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
        self.mark = mark

    def first(self, count: int) -> "Columns":
        """The first ``count`` bars."""
        if count == len(self.close):
            return self
        return Columns(
            self.open[:count],
            self.high[:count],
            self.low[:count],
            self.close[:count],
            self.volume[:count],
            self.mark[:count],
        )


class Quiet:
    """The engine's side of skipping ahead."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # -- may anything be skipped ---------------------------------------------------------------------------

    def idle(self) -> bool:
        """True where nothing is under way that a bar, or the time that passes, would carry on."""
        desk = self._desk
        if desk.phase != "trading" or not desk.started or desk.dirty or desk.waiting or desk.latches.flatten:
            return False
        if desk.breakers:
            return False  # they close by time
        if desk.reconciler.circuits.waiting:
            return False  # so does what was refused: a probe leaves when its time has come
        tiers = desk.tiers
        if tiers.over or (tiers.tier == HALT and desk.config.risk.auto_rearm):
            return False
        if any(one.state not in _SETTLED for one in desk.orders.restless()):
            return False
        for name, state in desk.symbols.items():
            plan = state.plan
            if plan is not None and (plan.stop_price or plan.stop_above or plan.take_profit_price):
                return False  # every mark is held against the exits of a plain grid
            live = desk.orders.live(name)
            if state.bare_since is not None or desk.blockers.holds(name, "liquidation_near"):
                return False
            if desk.blockers.holds(name, "churn"):
                return False  # what churned may stand again once enough time has passed
            target = state.desired.target if state.desired is not None else None
            if target is not None and not state.episode_over:
                position = desk.ledger.position(name)
                if (position or live) and (target.style is TargetStyle.TAKER or position != target.position):
                    return False
        return True

    def bounds(self, symbol: Symbol) -> tuple[float, float]:
        """Quote prices between which a bar concerns no shadow grid; a bar at the bounds does not either."""
        return self._desk.strategy.quiet_between(symbol)

    def last_bar(self, at: Ms) -> Ms:
        """Close time up to which bars after ``at`` neither end an hour nor are due for the equity curve."""
        return min(at - at % HOUR + HOUR - 1, self._desk.equity_fact_at + self._desk.config.equity_every - 1)

    def ready(self, symbol: Symbol, at: Ms, present: bool) -> bool:
        """True where the symbol can be passed over from ``at`` on: its hour has no loose end."""
        state = self._desk.symbols[symbol]
        if present:
            return not state.episode_over and state.next_open <= at and not state.hour.overdue(at)
        # Without bars its mark grows old and its hour may be overdue: only a flat one may be ignored.
        return not self._desk.ledger.position(symbol) and not state.hour.pending

    # -- the account ---------------------------------------------------------------------------------------

    def mark(self, marks: Mapping[Symbol, Sequence[Ticks]], at: Ms, interval: Ms) -> int:
        """Mark the account to each bar in turn; how many bars were passed before one that matters.

        ``marks`` are the mark closes of the bars after ``at``, of every symbol that has bars.
        """
        desk = self._desk
        count = len(next(iter(marks.values())))
        found = self._equity(marks, count)
        if found is None or interval < MINUTE:
            return 0
        values, piece = found
        count, leverages = self._leverage(marks, values, _UNIT // piece)
        if not count:
            return 0  # each of them is looked at for its distance to liquidation
        count = self._tiers(values[:count] if count < len(values) else values, piece, at, interval)
        if count:
            if leverages:
                desk.max_observed = max(desk.max_observed, *leverages[:count])
            self._capital(values[:count], piece, at + count * interval)
            desk.now = at + count * interval
        return count

    def _equity(self, marks: Mapping[Symbol, Sequence[Ticks]], count: int) -> tuple[list[int], int] | None:
        """Equity at each bar, in whole pieces, and how many 1e-24 quote a piece is; None where it is unknown.

        The piece is as large as may be: ints that fit a machine word are divided in a third of the time, to the
        same floats.
        """
        ledger = self._desk.ledger
        now = ledger.equity_quick()
        if now is None or ledger.owes:
            return None
        total = int(now.scaleb(_SCALE))
        worths: list[tuple[int, Sequence[Ticks]]] = []
        for symbol, column in marks.items():
            book = ledger.books[symbol]
            if not book.holds:
                continue
            if book.mark is None:
                return None
            worth = int((book.quantity * book.instrument.tick).scaleb(_SCALE))
            total -= worth * book.mark
            worths.append((worth, column))
        piece = gcd(_UNIT, total, int(ledger.capital.base_equity.scaleb(_SCALE)), *[worth for worth, _ in worths])
        total //= piece
        if not worths:
            return [total] * count, piece
        worth, column = worths[0][0] // piece, worths[0][1]
        series = [total + worth * price for price in column]
        for more, column in worths[1:]:
            worth = more // piece
            series = [value + worth * price for value, price in zip(series, column, strict=True)]
        return series, piece

    def _leverage(
        self, marks: Mapping[Symbol, Sequence[Ticks]], values: list[int], pieces: int
    ) -> tuple[int, list[float]]:
        """How many bars stay under the leverage from which each is looked at; theirs, where one may be the highest."""
        desk = self._desk
        held: list[tuple[Steps, Sequence[Ticks], float]] = []
        for name, state in desk.symbols.items():
            position = desk.ledger.position(name)
            if position:
                if name not in marks:
                    return 0, []
                held.append((abs(position), marks[name], state.instrument.unit_f))
        if not held:
            return len(values), []
        least = min(values) / pieces
        most = sum(size * max(column) * unit for size, column, unit in held)
        if least > 0 and most / least < min(desk.max_observed, _GUARDED) * (1 - 1e-12):
            return len(values), []
        found: list[float] = []
        for index, value in enumerate(values):
            total = 0.0
            for size, column, unit in held:
                total += size * column[index] * unit
            leverage = total / (value / pieces) if value > 0 else _GUARDED
            if leverage >= _GUARDED:
                break
            found.append(leverage)
        return len(found), found

    def _tiers(self, values: list[int], piece: int, at: Ms, interval: Ms) -> int:
        """``DrawdownTiers.update`` for each value; stops before the bar that would change anything."""
        tiers, capital = self._desk.tiers, self._desk.ledger.capital
        base = int(capital.base_equity.scaleb(_SCALE)) // piece
        if capital.base_nav != 1 or base <= 0:
            return 0
        risk = self._desk.config.risk
        low, high = (
            (-1.0, risk.tier1_enter),
            (risk.tier1_leave, risk.tier2_enter),
            (risk.tier2_leave, 1.0),
            (-1.0, 2.0),
        )[tiers.tier]
        high -= 1e-12
        halt = risk.tier3_enter - 1e-12 if tiers.tier != HALT else 2.0
        absolute = risk.absolute_halt - 1e-12 if tiers.tier != HALT else 2.0
        average, peak, top = tiers.average, tiers.peak, tiers.top
        unwritten = self._desk.peak_written * PEAK_STEP
        if tiers.sampled_at is None or at + interval - tiers.sampled_at < MINUTE:
            return 0
        tau = risk.drawdown_ema_minutes * MINUTE
        alpha = 1.0 - exp(-(at + interval - tiers.sampled_at) / tau)
        usual = 1.0 - exp(-interval / tau)
        least, most = min(values) / base, max(values) / base
        if most <= peak:
            shallow, deep = 1.0 - most / peak, 1.0 - least / peak
            # The average of these stays between them and where it was, but for what floats round.
            if (
                low <= min(shallow, average) - _ROUNDED
                and deep < high
                and deep < halt
                and 1.0 - least / top < absolute
            ):
                average += alpha * (1.0 - values[0] / base / peak - average)
                for whole in values[1:]:
                    average += usual * (1.0 - whole / base / peak - average)
                tiers.pass_over(at + len(values) * interval, values[-1] / base, peak, top, average)
                return len(values)
        passed, value = 0, tiers.value
        for whole in values:
            now = whole / base
            if now > peak:
                if now > unwritten:
                    break
                if now > top:
                    top = now
                peak = now
                raw = 0.0
            else:
                raw = 1.0 - now / peak
            after = average + alpha * (raw - average)
            if (raw >= high and after >= high) or raw < low or after < low:
                break
            if raw >= halt or 1.0 - now / top >= absolute:
                break
            average, alpha, value = after, usual, now
            passed += 1
        if passed:
            tiers.pass_over(at + passed * interval, value, peak, top, average)
        return passed

    def _capital(self, values: list[int], piece: int, at: Ms) -> None:
        """``Capital.take`` for each value."""
        capital = self._desk.ledger.capital
        last, highest, lowest = values[-1], max(values), min(values)

        def money(whole: int) -> Decimal:
            # With the digits that the ledger itself would give it.
            whole *= piece
            cut, rest = divmod(whole, _FINER)
            return Decimal(whole).scaleb(-_SCALE) if rest else Decimal(cut).scaleb(-_LEDGER)

        if highest != last or lowest != last:
            if capital.value(money(highest)) <= capital.all_time_peak:
                capital.take(at, money(lowest))
                capital.take(at, money(highest))
            else:
                for whole in _turning(values):
                    capital.take(at, money(whole))
        capital.take(at, money(last))

    # -- the symbols ---------------------------------------------------------------------------------------

    def pass_over(self, symbol: Symbol, bars: Columns, at: Ms, interval: Ms) -> None:
        """Leave one symbol as ``absorb_bar`` of each of these bars (after ``at``) would."""
        desk = self._desk
        state = desk.symbols[symbol]
        count = len(bars.close)
        desk.walked = None
        state.next_open = state.bar_at = state.mark_at = at + count * interval
        state.close = bars.close[-1]
        state.mark = bars.mark[-1]
        desk.ledger.mark(symbol, bars.mark[-1])
        desk.strategy.pass_over(symbol, bars.close[-1] * state.instrument.tick_f)
        state.hour.feed_quiet(at, bars.open[0], max(bars.high), min(bars.low), bars.close[-1], bars.volume, count)


def _turning(values: list[int]) -> list[int]:
    """Each new high, and the deepest value between two of them: all that peaks and drawdowns depend on."""
    kept: list[int] = []
    peak = low = values[0]
    kept.append(peak)
    for value in values:
        if value > peak:
            if low < peak:
                kept.append(low)
            kept.append(value)
            peak = low = value
        elif value < low:
            low = value
    if low < peak:
        kept.append(low)
    return kept
