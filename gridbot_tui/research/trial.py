"""One trial of an optimisation: the engine over the train days, in stages, given up where it is plainly worse."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from gridbot_tui.research import metrics
from gridbot_tui.research.outcome import ring_of, to_the_end
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.ring import Ring
from gridbot_tui.units import DAY, Ms

STAGES = (0.35, 0.6, 1.0)
"""Shares of the days after which a trial is compared with those that went before."""
FEWEST = 8
"""Finished trials before any is given up."""
WORSE_THAN = 0.25
"""Share of the finished trials that must have been better in every respect at the same stage."""


class Score(Struct, frozen=True):
    """What is wanted: more, less, less."""

    net_return: float
    """After the warm-up."""
    drawdown: float
    """Deepest fall of the unit value, >= 0."""
    turnover: float
    """Traded notional over mean equity, a day."""
    sharpe: float | None = None
    fills: int = 0

    @property
    def objectives(self) -> tuple[float, float, float]:
        """(return, drawdown, turnover)."""
        return self.net_return, self.drawdown, self.turnover

    def dominated_by(self, other: Sequence[float]) -> bool:
        """True where ``other`` objectives are no worse in any respect and better in one."""
        mine = self.objectives
        no_worse = other[0] >= mine[0] and other[1] <= mine[1] and other[2] <= mine[2]
        return no_worse and tuple(other) != mine

    @property
    def ratio(self) -> float:
        """What is chosen by: return for each per cent of the deepest fall, one per cent at least."""
        return self.net_return / max(self.drawdown, 0.01)


T = TypeVar("T")


def front(scored: Sequence[tuple[Score, T]]) -> list[tuple[Score, T]]:
    """Those that no other beats in every respect; equals stay together."""
    points = {score.objectives for score, _ in scored}
    return [one for one in scored if not any(one[0].dominated_by(point) for point in points)]


Stop = Callable[[int, Score], bool]
"""(stage, score so far) -> True: give up."""


def played(prepared: Prepared, since: Ms, stop: Stop = lambda stage, score: False) -> Score | None:
    """The score of a run; None where ``stop`` gave it up. Raises RingFailed, ValueError."""
    ring = ring_of(prepared, start_after=prepared.late(since))
    end = prepared.market.end
    for stage, share in enumerate(STAGES):
        last = stage == len(STAGES) - 1
        ring.run(None if last else since + int((end - since) * share))
        score = score_of(ring, since)
        if not last and stop(stage, score):
            return None
    to_the_end(ring.tape, ring.engine.desk.ledger, ring.world.now, prepared.market)
    return score_of(ring, since)


def score_of(ring: Ring, since: Ms) -> Score:
    """Where a run stands, as counted from ``since`` on."""
    desk, tape = ring.engine.desk, ring.tape
    capital = float(desk.ledger.allotted)
    curve = tape.curve
    after = [value for at, value in zip(curve.at, curve.equity, strict=True) if at > since]
    first = bisect_right(curve.at, since)
    before = curve.equity[first - 1] if first else capital
    final = desk.ledger.equity_quick()
    end = float(final) if final is not None else (after[-1] if after else capital)
    fills = [one.fill for one in tape.fills if one.at > since]
    traded = sum(float(desk.instruments[one.symbol].notional(one.price, one.steps)) for one in fills)
    days = max(ring.world.now - since, DAY) / DAY
    return Score(
        net_return=end / before - 1.0 if before > 0.0 else -1.0,
        drawdown=-min(desk.ledger.capital.max_drawdown, 0.0),
        turnover=traded / (metrics.mean(after) or capital) / days,
        sharpe=metrics.sharpe(metrics.daily(curve.at, curve.equity, capital, since).returns),
        fills=len(fills),
    )


def hopeless(score: Score, before: Sequence[Sequence[float]]) -> bool:
    """True where enough of the earlier trials did better in every respect by the same stage."""
    if len(before) < FEWEST:
        return False
    return sum(score.dominated_by(one) for one in before) >= WORSE_THAN * len(before)
