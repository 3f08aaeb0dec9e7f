"""The market of a campaign: synthetic, very volatile, with gaps, funding spikes, and a calm end on demand."""

from collections.abc import Iterator
from random import Random

from gridbot_tui.engine.core import Engine
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.params import SyntheticParams
from gridbot_tui.market.source import FundingRate, MarketBatch
from gridbot_tui.market.synthetic import SyntheticMarket
from gridbot_tui.research.simulation.scenario import Scenario
from gridbot_tui.units import HOUR, MINUTE, Ms, Symbol

WARM_HOURS = 340


class RoughMarket:
    """A ``MarketSource``: the same calls give the same batches, until ``calm_from`` is set, and from then on again."""

    def __init__(self, scenario: Scenario) -> None:
        low = scenario.volatility
        params = SyntheticParams(
            seed=scenario.seed, symbols=scenario.symbols, volatility_low=low, volatility_high=min(5.0, 1.3 * low)
        )
        self._inner = SyntheticMarket(params, market=scenario.market, start=scenario.start)
        self._gaps = sorted(scenario.gaps, key=lambda gap: gap.at)
        self._funding: dict[Ms, list[FundingRate]] = {}
        for rate in scenario.funding:
            self._funding.setdefault(rate.at, []).append(rate)
        self.calm_from: Ms | None = None
        """From here on every bar is flat at the last close."""
        self._last: dict[Symbol, tuple[int, int]] = {}

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """The symbols' instruments."""
        return self._inner.instruments

    @property
    def interval(self) -> Ms:
        """One minute."""
        return self._inner.interval

    @property
    def start(self) -> Ms:
        """Open time of the first bar."""
        return self._inner.start

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        """Every batch with ``at > after``, for ever."""
        for batch in self._inner.batches(after):
            calm = self.calm_from is not None and batch.at > self.calm_from
            bars = tuple(
                (name, self._flat(name, bar) if calm else self._shifted(name, bar)) for name, bar in batch.bars
            )
            spikes = tuple(sorted(self._funding.get(batch.at, ()), key=lambda rate: rate.symbol))
            if not calm:
                for name, bar in bars:
                    self._last[name] = (bar.close, bar.mark_close)
            yield MarketBatch(batch.at, bars, () if calm else (spikes or batch.funding))

    def _shifted(self, name: Symbol, bar: Bar) -> Bar:
        factor = 1.0
        for gap in self._gaps:
            if gap.at > bar.open_at:
                break
            if gap.symbol in ("", name):
                factor *= gap.factor
        if factor == 1.0:
            return bar

        def at(price: int) -> int:
            return max(1, round(price * factor))

        return Bar(
            bar.open_at,
            bar.interval,
            at(bar.open),
            at(bar.high),
            at(bar.low),
            at(bar.close),
            bar.volume,
            at(bar.mark_high),
            at(bar.mark_low),
            at(bar.mark_close),
        )

    def _flat(self, name: Symbol, bar: Bar) -> Bar:
        close, mark = self._last[name]
        return Bar(bar.open_at, bar.interval, close, close, close, close, bar.volume, mark, mark, mark)


def warm(engine: Engine, market: RoughMarket, scenario: Scenario) -> None:
    """Two weeks of hourly closes that end at the first price: no campaign waits until votes and charts have theirs."""
    first = dict(next(iter(market.batches(scenario.start))).bars)
    rng = Random(f"warm/{scenario.seed}")
    last_hour = scenario.start - scenario.start % HOUR
    for name in engine.symbols:
        state, tick = engine.desk.symbols[name], market.instruments[name].tick_f
        price = first[name].open * tick
        sigma = rng.uniform(0.006, 0.02)
        drift = rng.uniform(-0.15, 0.15) * sigma
        closes = [price]
        for _ in range(WARM_HOURS - 1):
            closes.append(max(1e-12, closes[-1] * (1.0 + rng.gauss(drift, sigma))))
        for hour, close in enumerate(reversed(closes)):
            ended = last_hour - (WARM_HOURS - 1 - hour) * HOUR
            engine.desk.strategy.hour(name, ended, close)
            ticks = max(1, round(close / tick))
            state.bars.append((ended - HOUR, ticks, ticks, ticks, ticks))
            votes = engine.desk.strategy.votes(name)
            if votes is not None:
                state.votes.append((ended, votes.up, votes.down, votes.neutral))


__all__ = ["MINUTE", "RoughMarket", "warm"]
