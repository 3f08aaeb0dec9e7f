"""Drawdown tiers on the account's unit value (NAV): reduce, defend, halt. They survive a restart."""

from math import exp
from typing import Final

from msgspec import Struct

from gridbot_tui.risk.params import RiskParams
from gridbot_tui.units import DAY, MINUTE, Ms

HALT: Final = 3
_SLACK: Final = 1e-12
"""A drawdown is a difference of floats: 15 % must trip at 15 %."""


class TierState(Struct, frozen=True):
    """Everything the tiers must not forget."""

    tier: int = 0
    peak: float = 0.0
    """Highest unit value since the last re-basing; 0 = nothing seen yet."""
    top: float = 0.0
    """Highest unit value ever (since inception or an operator's reset)."""
    value: float = 0.0
    """Last fresh unit value."""
    average: float = 0.0
    """Average of the drawdown, over ``drawdown_ema_minutes``."""
    sampled_at: Ms | None = None
    halted_at: Ms | None = None
    over: int = 0
    """Fresh marks in a row beyond the tier-3 threshold."""
    marked_at: Ms | None = None
    absolute: bool = False
    """The latch since inception: an operator alone lifts it."""


class DrawdownTiers:
    """Tier 0..3 of the account.

    Tiers 1 and 2 go by ``min(raw, average)``, tier 3 by the raw drawdown of two fresh marks in a row.
    Marks that are not fresh change nothing: neither do they raise a tier nor end one.
    """

    __slots__ = (
        "_params",
        "_scales",
        "_tau",
        "absolute",
        "average",
        "halted_at",
        "marked_at",
        "over",
        "peak",
        "sampled_at",
        "tier",
        "top",
        "value",
    )

    def __init__(self, params: RiskParams, state: TierState | None = None) -> None:
        self._params = params
        self._scales = (1.0, params.tier1_scale, params.tier2_scale, 0.0)
        self._tau = params.drawdown_ema_minutes * MINUTE
        s = state if state is not None else TierState()
        self.tier = s.tier
        self.peak = s.peak
        self.top = s.top
        self.value = s.value
        self.average = s.average
        self.sampled_at = s.sampled_at
        self.halted_at = s.halted_at
        self.over = s.over
        self.marked_at = s.marked_at
        self.absolute = s.absolute

    @property
    def scale(self) -> float:
        """m_DD: the multiplier of all leverage."""
        return self._scales[self.tier]

    @property
    def halted(self) -> bool:
        """True in tier 3, until re-armed."""
        return self.tier == HALT

    @property
    def drawdown(self) -> float:
        """Fall from the peak as a fraction <= 0; 0 before the first value."""
        return min(0.0, self.value / self.peak - 1.0) if self.peak > 0.0 else 0.0

    @property
    def left(self) -> float:
        """What may be lost until tier 3, as a fraction of the present unit value; never below 0."""
        if self.value <= 0.0:
            return 0.0
        return max(0.0, 1.0 - (1.0 - self._params.tier3_enter) * self.peak / self.value)

    def update(self, at: Ms, value: float, fresh: bool = True) -> int | None:
        """Take in the unit value at mark price. Returns the new tier where it changed, else None."""
        if not fresh:
            self.over = 0
            return None
        self.value = value
        self.peak = max(self.peak, value)
        self.top = max(self.top, value)
        raw = 1.0 - value / self.peak if self.peak > 0.0 else 0.0
        self._sample(at, raw)
        before = self.tier
        if before == HALT:
            self._rearm(at)
        else:
            self._raw_halt(at, raw)
            if self.tier != HALT:
                self._score(min(raw, self.average))
        return self.tier if self.tier != before else None

    def pass_over(self, at: Ms, value: float, peak: float, top: float, average: float) -> None:
        """What ``update`` of marks up to ``at`` leaves that changed no tier, computed by the caller."""
        self.value, self.peak, self.top, self.average = value, peak, top, average
        self.sampled_at = at
        self.over = 0
        if self.tier != HALT:
            self.marked_at = at

    def remember(self, at: Ms, value: float) -> None:
        """A unit value read from the journal: peaks and average follow it, no tier does (that is a fact too)."""
        self.value = value
        self.peak = max(self.peak, value)
        self.top = max(self.top, value)
        self._sample(at, 1.0 - value / self.peak if self.peak > 0.0 else 0.0)

    def reset(self, value: float | None = None) -> bool:
        """The operator re-arms: peaks start anew at ``value`` (None: the last). True where that ended a halt."""
        halted = self.tier == HALT
        self.value = self.value if value is None else value
        self.tier = 0
        self.peak = self.top = self.value
        self.average = 0.0
        self.over = 0
        self.halted_at = None
        self.absolute = False
        return halted

    def state(self) -> TierState:
        """Everything, to be stored."""
        return TierState(
            tier=self.tier,
            peak=self.peak,
            top=self.top,
            value=self.value,
            average=self.average,
            sampled_at=self.sampled_at,
            halted_at=self.halted_at,
            over=self.over,
            marked_at=self.marked_at,
            absolute=self.absolute,
        )

    def _sample(self, at: Ms, raw: float) -> None:
        """Move the average, once a minute at most; it starts at the first drawdown seen."""
        if self.sampled_at is None:
            self.average = raw
            self.sampled_at = at
            return
        passed = at - self.sampled_at
        if passed >= MINUTE:
            self.average += (1.0 - exp(-passed / self._tau)) * (raw - self.average)
            self.sampled_at = at

    def _raw_halt(self, at: Ms, raw: float) -> None:
        p = self._params
        since_top = 1.0 - self.value / self.top if self.top > 0.0 else 0.0
        absolute = since_top >= p.absolute_halt - _SLACK
        if raw < p.tier3_enter - _SLACK and not absolute:
            self.over = 0
        elif self.marked_at is None or at > self.marked_at or self.over == 0:
            self.over += 1
        self.marked_at = at
        if self.over >= 2:
            self.tier = HALT
            self.halted_at = at
            self.over = 0
            self.absolute = absolute

    def _score(self, score: float) -> None:
        p = self._params
        if score >= p.tier2_enter - _SLACK:
            self.tier = 2
        elif score >= p.tier1_enter - _SLACK:
            self.tier = max(self.tier, 1)
        if self.tier == 2 and score < p.tier2_leave:
            self.tier = 1
        if self.tier == 1 and score < p.tier1_leave:
            self.tier = 0

    def _rearm(self, at: Ms) -> None:
        """The automatic way out, where configured: tier 2, with the peak re-based."""
        p = self._params
        if not p.auto_rearm or self.absolute or self.halted_at is None:
            return
        if 1.0 - self.value / self.top >= p.absolute_halt - _SLACK:
            self.absolute = True
            return
        if at - self.halted_at >= p.auto_rearm_days * DAY:
            self.tier = 2
            self.peak = self.value / (1.0 - p.auto_rearm_drawdown)
            self.average = p.auto_rearm_drawdown
            self.halted_at = None
