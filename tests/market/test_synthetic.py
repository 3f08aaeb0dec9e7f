import math
import statistics
import subprocess
import sys
from itertools import islice, pairwise, takewhile

import msgspec
import pytest

from gridbot_tui.market.errors import DataError
from gridbot_tui.market.params import SyntheticParams
from gridbot_tui.market.source import MarketBatch, MarketSource
from gridbot_tui.market.synthetic import SyntheticMarket, SyntheticState
from gridbot_tui.units import DAY, HOUR, MINUTE, Market
from tests.market.candle_files import T0

START = T0 + 5 * HOUR


def _market(seed: int = 1, **changes: object) -> SyntheticMarket:
    return SyntheticMarket(SyntheticParams(seed=seed, **changes), start=START)  # type: ignore[arg-type]


def _until(source: MarketSource, end: int, after: int = 0) -> list[MarketBatch]:
    return list(takewhile(lambda batch: batch.at <= end, source.batches(after)))


def _hourly(seed: int, days: int, **changes: object) -> dict[str, list[float]]:
    """Hourly log returns by symbol."""
    source = SyntheticMarket(SyntheticParams(seed=seed, **changes), start=T0, interval=5 * MINUTE)  # type: ignore[arg-type]
    logs: dict[str, list[float]] = {name: [] for name in source.symbols}
    for batch in source.batches(0):
        if batch.at > T0 + days * DAY:
            break
        if batch.at % HOUR == 0:
            for name, bar in batch.bars:
                logs[name].append(math.log(bar.close))
    return {n: [b - a for a, b in pairwise(x)] for n, x in logs.items()}


def test_six_symbols_trade_every_minute_in_name_order() -> None:
    batches = list(islice(_market().batches(0), 3000))
    names = ["ADAUSDT", "BTCUSDT", "DOGEUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"]
    assert [b.at for b in batches] == [START + i * MINUTE for i in range(1, 3001)]
    assert all([name for name, _ in b.bars] == names for b in batches)
    assert all(bar.close_at == b.at for b in batches for _, bar in b.bars)


@pytest.mark.parametrize("seed", range(3))
def test_every_bar_is_possible_and_within_the_instruments_range(seed: int) -> None:
    source = _market(seed)
    last: dict[str, int] = {}
    for batch in _until(source, START + 4 * DAY):
        for name, bar in batch.bars:
            assert 0 < bar.low <= min(bar.open, bar.close)
            assert bar.high >= max(bar.open, bar.close)
            assert bar.mark_low <= bar.mark_close <= bar.mark_high
            assert bar.volume > 0
            instrument = source.instruments[name]
            assert instrument.min_price <= bar.low <= bar.high <= instrument.max_price
            if name in last and bar.open != last[name]:  # a gap, or the seam of two days
                assert abs(bar.open / last[name] - 1) < 0.035
            last[name] = bar.close


def test_the_same_seed_is_the_same_market_and_another_is_another() -> None:
    assert _until(_market(), START + DAY) == _until(_market(), START + DAY)
    assert _until(_market(), START + HOUR) != _until(_market(2), START + HOUR)


@pytest.mark.parametrize(
    "after", [0, START, START + 1, START + 19 * HOUR, START + 30 * HOUR - 1, START + 2 * DAY]
)
def test_the_stream_is_the_same_wherever_it_is_entered(after: int) -> None:
    whole = _until(_market(), START + 3 * DAY)
    assert _until(_market(), START + 3 * DAY, after) == [b for b in whole if b.at > after]


def test_a_restored_market_goes_on_with_the_same_future() -> None:
    source = _market(5, symbols=("BTCUSDT", "DOGEUSDT"))
    whole = _until(source, START + 3 * DAY)
    stored = msgspec.msgpack.encode(source.state())
    again = SyntheticMarket.restore(msgspec.msgpack.decode(stored, type=SyntheticState))
    cut = START + 40 * HOUR + 7
    assert _until(again, START + 3 * DAY, cut) == [b for b in whole if b.at > cut]


def test_a_market_of_another_generation_is_not_continued() -> None:
    state = msgspec.structs.replace(_market().state(), generation=0)
    with pytest.raises(DataError, match="start a new profile"):
        SyntheticMarket.restore(state)


def test_the_future_is_the_same_in_another_process() -> None:
    code = (
        "from gridbot_tui.market.synthetic import SyntheticMarket as M;"
        "from gridbot_tui.market.params import SyntheticParams as P;"
        f"print(repr(next(M(P(), start={START}).batches({START + DAY}))))"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": h}, capture_output=True, check=True
        ).stdout
        for h in ("1", "2")
    ]
    assert told[0] == told[1]
    assert told[0].decode().strip() == repr(next(_market().batches(START + DAY)))


def test_ten_years_later_is_near() -> None:
    batch = next(_market().batches(START + 3650 * DAY))
    assert batch.at == START + 3650 * DAY + MINUTE


def test_three_weeks_of_six_symbols_have_every_minute() -> None:
    batches = _until(_market(), START + 21 * DAY)
    assert len(batches) == 21 * 24 * 60


@pytest.mark.parametrize("seed", range(4))
def test_volatility_is_lively_and_tails_are_fat(seed: int) -> None:
    returns = _hourly(seed, 120)
    for name, series in returns.items():
        yearly = statistics.pstdev(series) * math.sqrt(8760)
        assert 0.85 < yearly < 1.6, (name, yearly)
        variance = statistics.pvariance(series)
        kurtosis = sum(r**4 for r in series) / len(series) / variance**2
        assert kurtosis > 4.5, (name, kurtosis)
    assert 0.45 < statistics.correlation(returns["BTCUSDT"], returns["ETHUSDT"]) < 0.85


def test_volatility_follows_its_parameters() -> None:
    quiet = _hourly(3, 60, volatility_low=0.3, volatility_high=0.3, crash_days=10_000, gap_days=10_000)
    for series in quiet.values():
        assert 0.2 < statistics.pstdev(series) * math.sqrt(8760) < 0.4


def test_prices_trend_and_range() -> None:
    """Efficiency: net move over the way gone, of windows of five days; a random walk has few extremes."""
    ratios = []
    for series in _hourly(1, 240).values():
        for first in range(0, len(series) - 120, 120):
            window = series[first : first + 120]
            ratios.append(abs(sum(window)) / math.sqrt(sum(r * r for r in window)))
    ratios.sort()
    count = len(ratios)
    assert ratios[int(count * 0.25)] < 0.3  # ranges: random walk 0.32
    assert ratios[int(count * 0.95)] > 1.7  # trends: random walk 1.96, after the ranges' share


def test_crashes_happen() -> None:
    worst = min(min(series) for series in _hourly(7, 120).values())
    assert worst < -0.03


def test_funding_settles_every_eight_hours_and_follows_the_trend() -> None:
    source = SyntheticMarket(SyntheticParams(seed=2), start=T0, interval=15 * MINUTE)
    closes: dict[str, dict[int, int]] = {name: {} for name in source.symbols}
    rates: list[tuple[float, float]] = []
    for batch in _until(source, T0 + 60 * DAY):
        for name, bar in batch.bars:
            closes[name][batch.at] = bar.close
        assert bool(batch.funding) == (batch.at % (8 * HOUR) == 0)
        for rate in batch.funding:
            assert (rate.at, rate.interval_hours) == (batch.at, 8)
            assert abs(rate.rate) <= 0.003
            if (past := closes[rate.symbol].get(batch.at - 3 * DAY)) is not None:
                rates.append((math.log(closes[rate.symbol][batch.at] / past), rate.rate))
    trends, paid = zip(*rates, strict=True)
    assert statistics.correlation(trends, paid) > 0.4


def test_spot_has_neither_funding_nor_a_mark_of_its_own() -> None:
    source = SyntheticMarket(SyntheticParams(), market=Market.SPOT, start=T0)
    for batch in islice(source.batches(0), 1500):
        assert batch.funding == ()
        assert all(bar.mark_close == bar.close for _, bar in batch.bars)


def test_what_is_not_built_in_is_refused() -> None:
    with pytest.raises(DataError, match="no synthetic market for NEWUSDT on futures"):
        _market(symbols=("NEWUSDT",))
    with pytest.raises(DataError, match="decision hour"):
        SyntheticMarket(SyntheticParams(), start=T0, interval=7 * MINUTE)
    with pytest.raises(ValueError, match="volatility_low"):
        SyntheticParams(volatility_low=2.0)


def test_neither_numpy_nor_polars_is_imported_for_it() -> None:
    code = (
        "import sys; import gridbot_tui.market.synthetic as s, gridbot_tui.market.params as p;"
        "import gridbot_tui.market.files;"
        f"next(s.SyntheticMarket(p.SyntheticParams(), start={T0}).batches(0));"
        "print([m for m in ('numpy', 'polars') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
