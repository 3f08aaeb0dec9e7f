"""What each drawdown halt cost past its line: exposure at the trigger, the gap, the costs, and their bound."""

from msgspec import Struct

from gridbot_tui.engine.events import Fill
from gridbot_tui.market.recorded import Series
from gridbot_tui.research.metrics import DIGITS
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.tape import Record, TierChange
from gridbot_tui.units import Ms, Side, Ticks

MARKS = 2
"""Fresh marks beyond the line that a halt waits for."""
TINY = 1e-9
"""A comparison of sums of floats."""


class Halt(Struct, frozen=True):
    """One entry of tier 3. Fractions are of the peak that the drawdown counts from."""

    at: Ms
    equity: float
    exposure: float
    """Sum of positions at their marks over equity at the trigger, or the largest positions since the last mark above
    the line over the peak, whatever is more: a stop may have closed them before the trigger."""
    gap: float
    """How far prices went against the positions from the last mark above the line to the exits; mean by exposure."""
    costs: float
    """Fees and funding paid since the last mark above the line."""
    beyond: float
    """Loss beyond the line once flat; negative where the halt came before it (the latch since inception)."""
    bound: float
    """Exposure times gap, and the costs: what ``beyond`` must not exceed."""

    @property
    def kept(self) -> bool:
        """True where the loss stayed within its bound."""
        return self.beyond <= self.bound + TINY


def halts(tape: Record, prepared: Prepared, line: float) -> tuple[Halt, ...]:
    """Every halt of a run; ``line`` is the drawdown that triggers it, fraction > 0."""
    return tuple(_halt(change, tape, prepared, line) for change in tape.tiers if change.tier == 3)


def _halt(change: TierChange, tape: Record, prepared: Prepared, line: float) -> Halt:
    peak = change.peak
    held = {symbol: (steps, mark) for symbol, steps, mark in change.held}
    since = change.at - MARKS * prepared.market.interval
    paid = -sum(float(one.cash.amount) for one in tape.cash if since < one.at <= change.at)
    moved = most = fees = flat = 0.0
    costs = max(paid, 0.0)
    for symbol, series in prepared.market.series.items():
        steps, mark = held.get(symbol, (0, 0))
        earlier, later = tape.fills[: change.fills], tape.fills[change.fills :]
        before = [one.fill for one in earlier if one.at > since and one.fill.symbol == symbol]
        after = _until_flat([one.fill for one in later if one.fill.symbol == symbol], steps)
        start = steps - sum(_signed(one) for one in before)
        if not (start or steps or before):
            continue
        unit = series.instrument.tick_f * series.instrument.step_f
        calm = _mark_at(series, since, prepared.market.interval) or float(mark)
        for sign in (1, -1):  # a crash may turn a short into a long on its way
            largest, worst = _way_out(start, before, after, mark, sign)
            moved += largest * unit * max(0.0, sign * (calm - worst))
            most += largest * calm * unit
        fees += sum(float(one.fee) for one in after)
        costs += sum(float(one.fee) for one in (*before, *after))
        value = sum(_signed(one) * (mark - one.price) for one in after) * unit
        flat += value
    end = change.equity + flat - fees
    return Halt(
        at=change.at,
        equity=change.equity,
        exposure=round(max(change.leverage, most / peak), DIGITS),
        gap=round(moved / most if most else 0.0, DIGITS),
        costs=round(costs / peak, DIGITS),
        beyond=round(1.0 - line - end / peak, DIGITS),
        bound=round((moved + costs) / peak, DIGITS),
    )


def _signed(fill: Fill) -> int:
    return fill.steps if fill.side is Side.BUY else -fill.steps


def _until_flat(fills: list[Fill], position: int) -> list[Fill]:
    """The fills after the trigger up to the one that leaves nothing."""
    taken: list[Fill] = []
    for one in fills:
        if not position:
            break
        taken.append(one)
        position += _signed(one)
    return taken


def _way_out(start: int, before: list[Fill], after: list[Fill], mark: Ticks, sign: int) -> tuple[int, float]:
    """(largest long, or short, position until the trigger; worst price at which it was reduced or last marked)."""
    position, largest = sign * start, max(0, sign * start)
    prices = [mark] if mark else []
    for index, one in enumerate((*before, *after)):
        step = sign * _signed(one)
        if step < 0 < position:
            prices.append(one.price)
        position += step
        if index < len(before):
            largest = max(largest, position)
    return largest, float(sign * min((sign * price for price in prices), default=0))


def _mark_at(series: Series, at: Ms, interval: Ms) -> float | None:
    """Mark close of the last bar that closed at or before ``at``; None before the data."""
    row = int(series.times.searchsorted(at - interval, "right")) - 1
    if row < 0:
        return None
    marks = series.close if series.mark is None else series.mark[2]
    return float(marks[row])
