"""What must not make money does not: a random walk, and votes that know nothing of their hour."""

import math
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from gridbot_tui.strategy.ensemble import shape_of
from gridbot_tui.strategy.features import FeatureRow, Features
from gridbot_tui.strategy.params import LadderParams, StrategyParams
from gridbot_tui.strategy.plan import Votes
from gridbot_tui.strategy.shadow_book import ShadowBook, SymbolSpec
from gridbot_tui.strategy.votes import vote
from gridbot_tui.units import DAY, HOUR, Market
from tests.data import shared
from tests.strategy.support import Candle, walk

PARAMS, LADDER = StrategyParams(), LadderParams()
PRIOR = PARAMS.ensemble.prior.triple
RECORDED = ("BTCUSDT", "LTCUSDT", "XRPUSDT")
FEES = (0.0, 1e-3)
"""Of makers."""
PERIOD = "2021-05-21_2024-06-30"


def book_of(spec: SymbolSpec) -> ShadowBook:
    return ShadowBook(spec, shape_of(PARAMS.ensemble, Market.FUTURES), LADDER, Market.FUTURES)


@cache
def on_random_walk(seed: int, sign: int) -> list[tuple[list[float], list[float]]]:
    """(net profit, fees) of the three shadows over 40 days of 1 % an hour, in bars of 10 minutes; for each fee."""
    books = [book_of(SymbolSpec(0.001, fee, 5e-4)) for fee in FEES]
    features = Features()
    for at, high, low, close in walk(seed, 40 * 24, bars_an_hour=6, sigma=0.01, sign=sign):
        for book in books:
            book.bar(high, low, close)
        if at % HOUR == 0:
            features.hour(at, close)
            if features.row is not None and features.hours >= PARAMS.warmup_hours:
                said = vote(features.row, PARAMS.votes)
                for book in books:
                    book.plan(features.row, said, close)
    return [([s.equity(book.close) for s in book.shadows], [s.fees for s in book.shadows]) for book in books]


@pytest.mark.slow
@pytest.mark.parametrize("fee", range(len(FEES)))
def test_on_a_random_walk_net_and_fees_together_make_nothing(fee: int) -> None:
    runs = []
    for seed in range(14):
        # Mirrored paths take most of the luck out.
        pair = [on_random_walk(seed, sign)[fee] for sign in (1, -1)]
        runs.append([sum(net[i] + fees[i] for net, fees in pair) / 2 for i in range(3)])
    for i in range(3):
        gross = [run[i] for run in runs]
        mean = sum(gross) / len(gross)
        error = math.sqrt(sum((g - mean) ** 2 for g in gross) / (len(gross) - 1) / len(gross))
        assert mean < 3.0 * error
        assert mean > -0.01 - 3.0 * error


def shifted(votes: list[Votes], hours: int) -> list[Votes]:
    """The same votes in another hour, circularly: they know as much as ever, and nothing of now."""
    return votes[hours:] + votes[:hours]


@cache
def recorded(path: Path) -> tuple[list[Candle], list[FeatureRow | None], list[Votes]]:
    """Hourly (open time, high, low, close) of a file, the features after each, and the votes once it is warm."""
    frame = pl.read_parquet(path)
    bars = list(frame.select("open_time", "high", "low", "close").iter_rows())
    features, rows = Features(), []
    for open_at, _, _, close in bars:
        features.hour(open_at + HOUR, close)
        rows.append(features.row)
    return bars, rows, [vote(row, PARAMS.votes) for row in rows[PARAMS.warmup_hours - 1 :] if row]


def recorded_days(path: Path, shift_days: int) -> dict[int, float]:
    """Daily return of the prior's mix of the shadows, planned on votes of ``shift_days`` later."""
    bars, rows, votes = recorded(path)
    warm = PARAMS.warmup_hours - 1
    said = shifted(votes, shift_days * 24)
    book = book_of(SymbolSpec(1e-4, 2e-4, 5e-4))
    days: dict[int, float] = {}
    for i, (open_at, high, low, close) in enumerate(bars):
        book.bar(high, low, close)
        row = rows[i]
        if i >= warm and row is not None:
            book.plan(row, said[i - warm], close)
        if (open_at + HOUR) % DAY == 0:
            made = book.day(alive=i >= warm)
            if made is not None:
                days[open_at] = sum(p * r for p, r in zip(PRIOR, made, strict=True))
    return days


def sharpe(shift_days: int) -> float:
    series = [recorded_days(shared(f"um/{name}/1h/{PERIOD}.parquet"), shift_days) for name in RECORDED]
    common = sorted(set(series[0]).intersection(*series[1:]))
    pooled = [sum(days[at] for days in series) / len(series) for at in common]
    mean = sum(pooled) / len(pooled)
    return mean / math.sqrt(sum((r - mean) ** 2 for r in pooled) / len(pooled)) * math.sqrt(365.0)


@pytest.mark.slow
@pytest.mark.data
def test_votes_shifted_by_weeks_earn_nothing_while_the_true_ones_do() -> None:
    assert sharpe(45) <= 0.0
    assert sharpe(90) <= 0.0
    assert sharpe(0) > 0.3
