from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.market.bar import Bar
from gridbot_tui.market.clock import interval_ms, interval_name, moment
from gridbot_tui.market.derive import split_symbol
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.paths import origin
from gridbot_tui.market.quality import gap_note
from gridbot_tui.market.quotes import path_quotes
from gridbot_tui.units import HOUR, MINUTE, Market
from tests.market.candle_files import T0


def _bar(at: int, o: int = 100, h: int = 110, low: int = 95, c: int = 105) -> Bar:
    return Bar(at, MINUTE, o, h, low, c, 1.0, h, low, c)


@pytest.mark.parametrize(("name", "length"), [("1m", MINUTE), ("15m", 15 * MINUTE), ("1h", HOUR)])
def test_intervals_have_lengths_and_names(name: str, length: int) -> None:
    assert interval_ms(name) == length
    assert interval_name(length) == name


@pytest.mark.parametrize("name", ["4h", "1d", "7m", "", "m", "1M", "1x", "one"])
def test_other_intervals_are_refused_with_the_choices(name: str) -> None:
    with pytest.raises(DataError, match="use one of 1m, 3m, 5m, 15m, 30m, 1h"):
        interval_ms(name)


def test_moments_are_utc() -> None:
    assert moment(T0) == "2025-05-04 00:00"
    assert interval_name(1500) == "1500ms"


@pytest.mark.parametrize(
    ("path", "market", "symbol", "interval", "other"),
    [
        ("/d/um/BTCUSDT/1m/2025-05-04_2025-06-24.parquet", Market.FUTURES, "BTCUSDT", "1m", ""),
        ("/d/spot/ETHBTC/1h/x.parquet", Market.SPOT, "ETHBTC", "1h", ""),
        ("/d/BTCUSDT-1m-2025-05.csv", None, "BTCUSDT", "1m", ""),
        (
            "/d/futures/um/monthly/klines/BTCUSDT/3m/BTCUSDT-3m-2025-05.zip",
            Market.FUTURES,
            "BTCUSDT",
            "3m",
            "",
        ),
        ("/d/spot/um/SOLUSDT/5m/a.csv.gz", Market.FUTURES, "SOLUSDT", "5m", ""),
        ("/d/um/BTCUSDT/mark_1h/a.parquet", Market.FUTURES, "BTCUSDT", None, "mark_1h"),
        ("/d/um/BTCUSDT/funding/a.parquet", Market.FUTURES, "BTCUSDT", None, "funding"),
        ("/d/x/1000PEPEUSDT_5m_2024.parquet", None, "1000PEPEUSDT", "5m", ""),
        ("/d/mine.parquet", None, None, None, ""),
        ("/d/BTCUSDT_250627-1m-2025-05.csv", None, None, None, ""),
        ("/d/BTCUSDT_20250627.csv", None, "BTCUSDT", None, ""),
        ("/d/um/币安人生USDT/1m/a.parquet", Market.FUTURES, "币安人生USDT", "1m", ""),
        ("/d/币安人生USDT-1m-2025-11.zip", None, "币安人生USDT", "1m", ""),
        ("/d/历史数据/mine.csv", None, None, None, ""),
        ("/d/BTCJPY-1h-2024-01.zip", None, "BTCJPY", "1h", ""),
    ],
)
def test_a_path_tells_what_it_can(
    path: str, market: Market | None, symbol: str | None, interval: str | None, other: str
) -> None:
    told = origin(Path(path))
    assert (told.market, told.symbol, told.interval, told.other) == (market, symbol, interval, other)


def test_funding_lies_in_the_symbols_folder() -> None:
    assert origin(Path("/d/um/BTCUSDT/1m/a.parquet")).symbol_folder == Path("/d/um/BTCUSDT")
    assert origin(Path("/d/flat/BTCUSDT-1m-2025-05.csv")).symbol_folder == Path("/d/flat")


@pytest.mark.parametrize(
    ("before", "after", "code", "detail"),
    [
        (1, 2, None, ""),
        (2, 4, "hole", "1 x 1m missing: 1 min from 2025-05-04 00:03"),
        (4, 65, "hole", "60 x 1m missing: 60 min from 2025-05-04 00:05"),
        (65, 127, "episode", "no bars for 61 min from 2025-05-04 01:06: the episode ended there, a new one starts"),
        (127, 127, "out_of_order", "bar of 2025-05-04 02:07 after that of 2025-05-04 02:07"),
        (127, 100, "out_of_order", "bar of 2025-05-04 01:40 after that of 2025-05-04 02:07"),
    ],
)
def test_what_lies_between_two_bars_is_told(before: int, after: int, code: str | None, detail: str) -> None:
    note = gap_note("A", T0 + before * MINUTE, T0 + after * MINUTE, MINUTE, 60 * MINUTE)
    assert (note and note.code) == code
    assert note is None or (note.at, note.detail) == (T0 + (after + 1) * MINUTE, detail)


@st.composite
def _bars(draw: st.DrawFn) -> Bar:
    o, c, up, down = (draw(st.integers(100, 1000)) for _ in range(4))
    return _bar(T0, o, max(o, c) + up - 100, min(o, c) - (down - 100) // 20, c)


@given(_bars(), st.integers(1, 60))
def test_a_path_stays_in_its_bar_and_ends_at_the_close(bar: Bar, count: int) -> None:
    points = path_quotes(bar, count)
    assert len(points) == count
    assert points[-1] == bar.close
    assert all(bar.low <= point <= bar.high for point in points)
    if count >= 3:
        assert min(points) == bar.low
        assert max(points) == bar.high
    assert points == path_quotes(bar, count)


def test_the_nearer_extreme_comes_first() -> None:
    assert path_quotes(_bar(T0), 4) == (95, 103, 110, 105)
    assert path_quotes(_bar(T0, 108), 3) == (110, 95, 105)
    with pytest.raises(ValueError, match="no path"):
        path_quotes(_bar(T0), 0)


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("USDTBRL", ("USDT", "BRL")),
        ("ADAEUR", ("ADA", "EUR")),
        ("ETHEURI", ("ETH", "EURI")),
        ("BTCJPY", ("BTC", "JPY")),
    ],
)
def test_a_symbol_is_counted_in_what_it_is_quoted_in(symbol: str, parts: tuple[str, str]) -> None:
    assert split_symbol(symbol) == parts
