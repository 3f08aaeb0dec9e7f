"""The three paper grids of one symbol, as one thing that a quiet bar passes with two comparisons."""

import math

from msgspec import Struct

from gridbot_tui.strategy.ensemble import Shape, Triple, combine
from gridbot_tui.strategy.features import FeatureRow
from gridbot_tui.strategy.ladder import (
    centre_price,
    level_count,
    recentred,
    spacing_floor,
    spacing_of,
    unwind_to,
)
from gridbot_tui.strategy.params import SHADOW_VOLATILITY, LadderParams
from gridbot_tui.strategy.plan import Votes
from gridbot_tui.strategy.shadow import Ladder, Shadow, ShadowState
from gridbot_tui.units import Market


class SymbolSpec(Struct, frozen=True):
    """What is static about a symbol, as far as the strategy is concerned."""

    tick: float
    """Tick size, quote."""
    maker_fee: float
    """Fraction of notional."""
    taker_fee: float


class ShadowBookState(Struct, frozen=True):
    """The three shadows of one symbol and the close they are marked to."""

    close: float
    shadows: tuple[ShadowState, ShadowState, ShadowState]


class ShadowBook:
    """UP, DOWN and NEUTRAL alone, each with all of the weight."""

    __slots__ = ("_ladder", "_market", "_shape", "_spec", "close", "fill_above", "fill_below", "shadows")

    def __init__(self, spec: SymbolSpec, shape: Shape, ladder: LadderParams, market: Market) -> None:
        self._spec = spec
        self._market = market
        self.shadows = tuple(Shadow(spec.tick, spec.maker_fee, spec.taker_fee) for _ in range(3))
        self.close = 0.0
        """Last close, quote; 0 before the first."""
        self.fill_below = -math.inf
        self.fill_above = math.inf
        """Between these two nothing can happen in a bar."""
        self.reconfigure(shape, ladder)

    def reconfigure(self, shape: Shape, ladder: LadderParams) -> None:
        """Plan with other parameters from the next decision on."""
        self._shape = shape
        self._ladder = ladder

    def charge(self, maker_fee: float, taker_fee: float) -> None:
        """Pay other fees from the next fill on, and plan by them from the next decision on."""
        self._spec = SymbolSpec(self._spec.tick, maker_fee, taker_fee)
        for shadow in self.shadows:
            shadow.maker_fee, shadow.taker_fee = maker_fee, taker_fee

    def bar(self, high: float, low: float, close: float) -> None:
        """Pass a closed base bar that leaves the quiet range; the caller has compared."""
        self.close = close
        for shadow in self.shadows:
            shadow.bar(high, low, close)
        self._watch()

    def plan(self, row: FeatureRow, votes: Votes, close: float) -> None:
        """Plan all three at a decision."""
        self.close = close
        voted = (votes.up, votes.down, votes.neutral)
        for index, shadow in enumerate(self.shadows):
            shadow.plan(self._laddered(index, shadow, row, voted, close), close)
        self._watch()

    def funding(self, rate: float) -> None:
        """Settle funding on all three, at the last close."""
        for shadow in self.shadows:
            shadow.funding(self.close, rate)

    def end_episode(self) -> None:
        """Close all three at the last close, with costs."""
        for shadow in self.shadows:
            shadow.close(self.close)
        self._watch()

    def day(self, alive: bool) -> Triple | None:
        """The day's return of each; None where the day had no valid start."""
        made = [shadow.day(self.close, alive) for shadow in self.shadows]
        up, down, neutral = made
        if up is None or down is None or neutral is None:
            return None
        return up, down, neutral

    def state(self) -> ShadowBookState:
        """A copy of everything."""
        up, down, neutral = (shadow.state() for shadow in self.shadows)
        return ShadowBookState(self.close, (up, down, neutral))

    def restore(self, state: ShadowBookState) -> None:
        """Go on from a copy."""
        self.close = state.close
        for shadow, saved in zip(self.shadows, state.shadows, strict=True):
            shadow.restore(saved)
        self._watch()

    def _watch(self) -> None:
        if any(shadow.pegging for shadow in self.shadows):
            self.fill_below, self.fill_above = math.inf, -math.inf
            return
        self.fill_below = max(shadow.buy_below for shadow in self.shadows)
        self.fill_above = min(shadow.sell_above for shadow in self.shadows)

    def _laddered(self, index: int, shadow: Shadow, row: FeatureRow, votes: Triple, close: float) -> Ladder:
        """One system's ladder: the ensemble with all weight on it and gain x weight = 1."""
        share = 1.0 / self._shape.gain
        weights = (share * (index == 0), share * (index == 1), share * (index == 2))
        mix = combine(weights, votes, self._shape)
        params = self._ladder
        unit = SHADOW_VOLATILITY / row.sigma_year / close
        lot = mix.lot * unit
        if lot <= 0.0:
            return Ladder(row.x, 1.0, params.skew, 0.0, 0.0, 0.0, 0.0, 0, unwind=0.0)
        trend, neutral, least = params.spacings_of(self._market)
        floor = spacing_floor(least, self._spec.maker_fee, self._spec.tick, self._spec.tick, close)
        spacing = max(spacing_of(mix.neutral_share, row.sigma_hour, trend, neutral), floor)
        before = shadow.ladder
        upper, lower = mix.upper * unit, mix.lower * unit
        return Ladder(
            centre=recentred(
                centre_price(mix.neutral_share, row.ema12, row.ema24),
                before.centre if before is not None and before.lot > 0.0 else None,
                spacing,
                params.recentre,
            ),
            spacing=spacing,
            skew=params.skew,
            lot=lot,
            target=mix.bias * unit,
            upper=upper,
            lower=lower,
            levels=level_count(upper, lower, lot, params.max_levels),
            unwind=unwind_to(shadow.position, upper, lower, params.unwind_excess),
        )
