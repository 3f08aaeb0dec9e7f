"""A recording whose prices go on in other units: what is held is converted, as an exchange would do."""

import shutil
from pathlib import Path

import pytest

from gridbot_tui.market.files import load
from gridbot_tui.market.recorded import RecordedMarket
from gridbot_tui.units import HOUR, MINUTE
from tests.market.candle_files import T0, Row, parquet, rows

_STEP = 20


def _in_units(data: list[Row], size: float, first: int = _STEP, last: int | None = None) -> list[Row]:
    """The rows with those from ``first`` on told in other units."""

    def told(row: Row) -> Row:
        at, *prices, volume = row
        o, h, low, c = (float(f"{price * size:.12g}") for price in prices)
        return at, o, h, low, c, volume / size

    last = len(data) if last is None else last
    return [*data[:first], *(told(row) for row in data[first:last]), *data[last:]]


def _changed(row: Row, **prices: float) -> Row:
    at, o, h, low, c, volume = row
    made = {"open": o, "high": h, "low": low, "close": c} | prices
    return at, made["open"], made["high"], made["low"], made["close"], volume


def _loaded(folder: Path, data: list[Row]) -> RecordedMarket:
    shutil.rmtree(folder, ignore_errors=True)
    return load([str(parquet(folder, data))])


def _same(one: RecordedMarket, other: RecordedMarket) -> bool:
    ours, theirs = one.series["SOLUSDT"], other.series["SOLUSDT"]
    columns = [(ours.open, theirs.open), (ours.high, theirs.high), (ours.low, theirs.low), (ours.close, theirs.close)]
    return all((left == right).all() for left, right in columns) and ours.volume.tolist() == pytest.approx(
        theirs.volume.tolist()
    )


def _told(market: RecordedMarket, code: str) -> list[str]:
    return [note.detail for note in market.notes if note.code == code]


@pytest.mark.parametrize("size", [1e3, 1e-3, 1e6, 1e-6])
def test_prices_in_other_units_go_on_in_those_they_began_with(tmp_path: Path, size: float) -> None:
    plain = _loaded(tmp_path, rows(50))
    other = _loaded(tmp_path, _in_units(rows(50), size))
    assert _same(other, plain)
    assert other.instruments == plain.instruments
    assert _told(other, "other_units")[0].startswith(f"from 2025-05-04 00:20 on the price is {size:g} times the one")
    assert not _told(other, "price_jump"), "it is told once"
    assert not _told(plain, "other_units")


def test_units_that_change_back_are_followed_back(tmp_path: Path) -> None:
    there_and_back = _in_units(rows(50), 1e3, _STEP, 30)
    one_wrong_row = _in_units(rows(50), 1e-3, _STEP, _STEP + 1)
    plain = _loaded(tmp_path, rows(50))
    for data in (there_and_back, one_wrong_row):
        other = _loaded(tmp_path, data)
        assert _same(other, plain)
        assert "the first of 2 such" in _told(other, "other_units")[0]


def test_mark_prices_beside_them_are_in_the_same_units(tmp_path: Path) -> None:
    for folder, data in (("a", rows(50)), ("b", _in_units(rows(50), 1e3))):
        parquet(tmp_path / folder, data)
        parquet(tmp_path / folder, data, "um/SOLUSDT/mark_1m")
    plain, other = (load([str(tmp_path / folder / "um/SOLUSDT/1m")]).series["SOLUSDT"] for folder in ("a", "b"))
    assert plain.mark is not None
    assert other.mark is not None
    assert all((one == two).all() for one, two in zip(plain.mark, other.mark, strict=True))


@pytest.mark.parametrize("size", [0.37, 0.1, 0.01, 10.0, 100.0, 30_000.0])
def test_what_may_be_a_gap_is_left_as_it_is_and_told(tmp_path: Path, size: float) -> None:
    market = _loaded(tmp_path, _in_units(rows(50), size))
    series = market.series["SOLUSDT"]
    assert int(series.open[_STEP]) == pytest.approx(size * int(series.close[_STEP - 1]), rel=0.02), "it may be a loss"
    assert _told(market, "price_jump")
    assert not _told(market, "other_units")


@pytest.mark.parametrize("column", ["open", "close"])
def test_one_wrong_price_of_a_bar_is_no_change_of_units(tmp_path: Path, column: str) -> None:
    data = rows(50)
    data[_STEP] = _changed(data[_STEP], **{column: 100_000.0, "high": 100_600.0})
    market = _loaded(tmp_path, data)
    assert not _told(market, "other_units")
    plain = _loaded(tmp_path, rows(50))
    assert (market.series["SOLUSDT"].low == plain.series["SOLUSDT"].low).all()


def test_over_a_hole_that_ends_an_episode_nothing_is_held_and_nothing_converted(tmp_path: Path) -> None:
    later = rows(20, start=T0 + _STEP * MINUTE + 2 * HOUR, price=100_000.0)
    market = _loaded(tmp_path, [*rows(_STEP), *later])
    assert not _told(market, "other_units")
    opens = market.series["SOLUSDT"].open
    assert int(opens[-1]) == pytest.approx(1_000 * int(opens[0]), rel=0.02)


def test_bars_before_the_change_are_those_of_a_recording_that_ends_there(tmp_path: Path) -> None:
    short = _loaded(tmp_path, rows(_STEP)).series["SOLUSDT"]
    whole = _loaded(tmp_path, _in_units(rows(50), 1e3)).series["SOLUSDT"]
    assert (whole.close[:_STEP] == short.close).all()
    assert (whole.volume[:_STEP] == short.volume).all()
