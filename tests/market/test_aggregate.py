import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.market.aggregate import Hour, HourBuilder
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.files import load
from gridbot_tui.units import HOUR, MINUTE
from tests.data import shared
from tests.market.candle_files import T0


def _bar(minute: int, close: int = 100, interval: int = MINUTE) -> Bar:
    at = T0 + minute * MINUTE
    return Bar(at, interval, close - 1, close + 2, close - 3, close, 1.0, close + 2, close - 3, close)


def _feed(builder: HourBuilder, minutes: list[int]) -> list[Hour]:
    return [hour for minute in minutes for hour in builder.feed(_bar(minute, 100 + minute % 7))]


def test_an_hour_closes_with_its_last_minute() -> None:
    builder = HourBuilder()
    hours = _feed(builder, list(range(59)))
    assert hours == []
    (hour,) = builder.feed(_bar(59, 500))
    assert hour == Hour(T0, T0 + HOUR, 99, 502, 97, 500, 60.0, 60)


@pytest.mark.parametrize("minutes", [1, 3, 5, 15, 30, 60])
def test_every_base_interval_builds_the_hour(minutes: int) -> None:
    builder = HourBuilder()
    hours = [h for m in range(0, 180, minutes) for h in builder.feed(_bar(m, interval=minutes * MINUTE))]
    assert [h.open_at for h in hours] == [T0, T0 + HOUR, T0 + 2 * HOUR]
    assert {h.bars for h in hours} == {60 // minutes}


def test_an_hour_without_bars_yields_nothing_and_a_torn_one_what_it_has() -> None:
    builder = HourBuilder()
    hours = _feed(builder, [*range(30), 190, 239])
    assert [(h.open_at, h.close_at, h.bars) for h in hours] == [
        (T0, T0 + HOUR, 30),
        (T0 + 3 * HOUR, T0 + 4 * HOUR, 2),
    ]


def test_a_single_last_minute_after_a_torn_hour_closes_both() -> None:
    builder = HourBuilder()
    _feed(builder, [0])
    assert [h.open_at for h in builder.feed(_bar(119))] == [T0, T0 + HOUR]


def test_an_hour_that_lacks_its_end_is_due_at_its_end() -> None:
    builder = HourBuilder()
    _feed(builder, list(range(58)))
    assert builder.due(T0 + HOUR - 1) is None
    hour = builder.due(T0 + HOUR)
    assert hour is not None
    assert hour.bars == 58
    assert builder.due(T0 + 2 * HOUR) is None
    assert builder.feed(_bar(59)) == ()  # a straggler changes nothing
    assert builder.due(T0 + 2 * HOUR) is None


def test_a_dropped_hour_is_forgotten() -> None:
    builder = HourBuilder()
    _feed(builder, list(range(10)))
    builder.drop()
    assert builder.due(T0 + HOUR) is None
    assert [h.bars for h in _feed(builder, list(range(70, 120)))] == [50]


@given(st.lists(st.integers(0, 300), unique=True).map(sorted), st.integers(0, 300))
def test_a_restart_between_any_two_bars_changes_nothing(minutes: list[int], cut: int) -> None:
    whole = _feed(HourBuilder(), minutes)
    builder = HourBuilder()
    before = _feed(builder, [m for m in minutes if m < cut])
    after = _feed(HourBuilder(builder.state()), [m for m in minutes if m >= cut])
    assert before + after == whole


@pytest.mark.data
@pytest.mark.parametrize(
    "path", ["spot/BTCUSDT/1m/2021-09-17_2021-10-17.parquet", "um/BTCUSDT/3m/2025-03-11_2025-04-13.parquet"]
)
def test_hours_equal_a_group_by_of_the_recording(path: str) -> None:
    source = shared(path)
    market = load([str(source)])
    (symbol,) = market.symbols
    tick = market.instruments[symbol].tick_f
    builder = HourBuilder()
    hours = [h for b in market.batches(0) for _, bar in b.bars for h in builder.feed(bar)]
    if (last := builder.due(market.end + HOUR)) is not None:
        hours.append(last)
    expected = (
        pl.read_parquet(source)
        .sort("open_time")
        .group_by(pl.col("open_time") // HOUR * HOUR, maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.len().alias("bars"),
        )
    )
    assert [(h.open_at, h.bars) for h in hours] == list(expected.select("open_time", "bars").iter_rows())
    for name in ("open", "high", "low", "close"):
        assert [getattr(h, name) for h in hours] == [round(x / tick) for x in expected[name]]
