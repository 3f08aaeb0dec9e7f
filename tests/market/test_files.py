import errno
import gzip
import math
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from gridbot_tui.exchange.server.prints import trade_files
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.files import load
from gridbot_tui.market.params import DataParams
from gridbot_tui.market.recorded import RecordedMarket
from gridbot_tui.units import HOUR, MINUTE, Market
from tests.market.candle_files import T0, Row, csv_text, frame, funding, parquet, rows


def _codes(market: RecordedMarket) -> list[str]:
    return [note.code for note in market.notes if note.code not in ("no_funding",)]


def _opens(market: RecordedMarket) -> list[int]:
    return [bar.open_at for batch in market.batches(0) for _, bar in batch.bars]


def test_a_file_tells_its_market_symbol_and_interval_by_its_path(tmp_path: Path) -> None:
    market = load([str(parquet(tmp_path, rows(5)))])
    assert market.symbols == ("SOLUSDT",)
    assert market.interval == MINUTE
    assert market.instruments["SOLUSDT"].market is Market.FUTURES
    assert (market.start, market.end, market.bars_total) == (T0, T0 + 5 * MINUTE, 5)
    assert _codes(market) == []


def test_a_spot_path_is_spot_and_needs_no_funding(tmp_path: Path) -> None:
    market = load([str(parquet(tmp_path, rows(5), "spot/SOLUSDT/1m"))])
    assert market.instruments["SOLUSDT"].market is Market.SPOT
    assert market.notes == ()


def test_prices_become_ticks_and_keep_their_values(tmp_path: Path) -> None:
    data = rows(20)
    market = load([str(parquet(tmp_path, data))])
    instrument = market.instruments["SOLUSDT"]
    bars = [bar for batch in market.batches(0) for _, bar in batch.bars]
    for (at, o, h, low, c, v), bar in zip(data, bars, strict=True):
        assert (bar.open_at, bar.interval, bar.close_at) == (at, MINUTE, at + MINUTE)
        prices = [float(instrument.price(ticks)) for ticks in (bar.open, bar.high, bar.low, bar.close)]
        assert prices == [o, h, low, c]
        assert bar.volume == v
        assert (bar.mark_high, bar.mark_low, bar.mark_close) == (bar.high, bar.low, bar.close)


def test_folders_and_globs_name_all_their_candles_once(tmp_path: Path) -> None:
    first = parquet(tmp_path, rows(5))
    parquet(tmp_path, rows(5, start=T0 + 5 * MINUTE), name="b.parquet")
    for paths in (
        [str(first.parent)],
        [str(tmp_path / "um/*/1m")],
        [str(tmp_path / "um/SOL*/1m/*.parquet"), str(first)],
    ):
        assert load(paths).bars_total == 10


def test_a_store_of_both_markets_is_read_by_the_one_asked_for(tmp_path: Path) -> None:
    parquet(tmp_path, rows(5))
    parquet(tmp_path, rows(7), "spot/SOLUSDT/1m")
    parquet(tmp_path, rows(3), "spot/BTCUSDT/1m")
    assert load([str(tmp_path)], market=Market.FUTURES).bars_total == 5
    spot = load([str(tmp_path)], market=Market.SPOT)
    assert (spot.symbols, spot.bars_total) == (("BTCUSDT", "SOLUSDT"), 10)
    assert load([str(tmp_path)], symbol="BTCUSDT").instruments["BTCUSDT"].market is Market.SPOT


def test_folders_that_are_links_are_read_too_and_once(tmp_path: Path) -> None:
    parquet(tmp_path / "disk", rows(5))
    (tmp_path / "data" / "um").mkdir(parents=True)
    (tmp_path / "data" / "um" / "SOLUSDT").symlink_to(tmp_path / "disk" / "um" / "SOLUSDT")
    (tmp_path / "data" / "um" / "round").symlink_to(tmp_path / "data")
    assert load([str(tmp_path / "data")]).bars_total == 5


def test_a_folder_of_several_intervals_asks_for_one(tmp_path: Path) -> None:
    parquet(tmp_path, rows(5))
    parquet(tmp_path, rows(5, interval=5 * MINUTE), "um/SOLUSDT/5m")
    with pytest.raises(DataError, match=r"several intervals \(1m, 5m\): choose one with --interval"):
        load([str(tmp_path / "um/SOLUSDT")])
    assert load([str(tmp_path / "um")], interval="5m").interval == 5 * MINUTE
    with pytest.raises(DataError, match="no 15m candles in the data given, which holds 1m, 5m"):
        load([str(tmp_path / "um")], interval="15m")


def test_what_is_there_at_other_intervals_only_is_told_to_be_passed_over(tmp_path: Path) -> None:
    parquet(tmp_path, rows(5))
    parquet(tmp_path, rows(5, interval=5 * MINUTE), "um/BTCUSDT/5m")
    market = load([str(tmp_path / "um")], interval="1m")
    assert market.symbols == ("SOLUSDT",)
    assert market.passed_over == "passed over, as there are no 1m candles of them: BTCUSDT (5m)"
    assert not load([str(tmp_path / "um")], interval="1m", symbol="SOLUSDT").passed_over, "nobody asked for it"
    with pytest.raises(DataError, match="no 1m candles of BTCUSDT in the data given: there are SOLUSDT"):
        load([str(tmp_path / "um")], interval="1m", only=("BTCUSDT", "SOLUSDT"))


def test_symbols_of_different_intervals_are_refused(tmp_path: Path) -> None:
    parquet(tmp_path, rows(5))
    parquet(tmp_path, rows(5, interval=5 * MINUTE), "um/BTCUSDT/5m")
    with pytest.raises(DataError, match="BTCUSDT is 5m and SOLUSDT is 1m"):
        load([str(tmp_path / "um")])


def test_spot_and_futures_do_not_mix(tmp_path: Path) -> None:
    parquet(tmp_path, rows(5))
    parquet(tmp_path, rows(5), "spot/SOLUSDT/1m")
    with pytest.raises(DataError, match="mix spot and futures: choose one with --market"):
        load([str(tmp_path)])
    with pytest.raises(DataError, match="is futures data but --market is spot"):
        load([str(tmp_path / "um")], market=Market.SPOT)


def test_a_nameless_file_is_named_by_overrides(tmp_path: Path) -> None:
    frame(rows(5)).write_parquet(tmp_path / "mine.parquet")
    with pytest.raises(DataError, match="does not tell its symbol: name it with --symbol"):
        load([str(tmp_path / "mine.parquet")])
    market = load([str(tmp_path / "mine.parquet")], symbol="SOLUSDT", market=Market.SPOT, interval="1m")
    assert market.instruments["SOLUSDT"].market is Market.SPOT
    assert load([str(tmp_path / "mine.parquet")], symbol="SOLUSDT").interval == MINUTE


def test_a_symbol_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    parquet(tmp_path, rows(5))
    with pytest.raises(DataError, match="no candles of BTCUSDT in the data given, which holds SOLUSDT"):
        load([str(tmp_path / "um")], symbol="BTCUSDT")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("micro", [True, False])
@pytest.mark.parametrize("pack", ["csv", "gz", "zip"])
def test_binance_csvs_are_read_in_every_form(tmp_path: Path, header: bool, micro: bool, pack: str) -> None:
    text = csv_text(rows(30), header=header, micro=micro)
    name = "SOLUSDT-1m-2025-05.csv"
    path = tmp_path / name
    if pack == "csv":
        path.write_text(text)
    elif pack == "gz":
        path = tmp_path / f"{name}.gz"
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path = tmp_path / "SOLUSDT-1m-2025-05.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, text)
    market = load([str(path)])
    expected = load([str(parquet(tmp_path, rows(30)))])
    assert list(market.batches(0)) == list(expected.batches(0))


def _dated(shape: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda data: data.with_columns(pl.from_epoch("open_time", "ms").dt.strftime(shape))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.with_columns(pl.col("open_time") // 1000),
        lambda data: data.with_columns(pl.col("open_time") * 1000),
        lambda data: data.with_columns(pl.col("open_time") * 1_000_000),
        lambda data: data.with_columns(pl.col("open_time") / 1000),
        lambda data: data.with_columns(pl.col("open_time").cast(pl.Float64)),
        lambda data: data.with_columns(pl.from_epoch("open_time", "ms")),
        _dated("%Y-%m-%d %H:%M:%S"),
        _dated("%Y-%m-%dT%H:%M:%SZ"),
        _dated("%Y-%m-%d %H:%M:%S+00:00"),
        _dated("%Y-%m-%d %H:%M"),
    ],
    ids=["s", "us", "ns", "broken s", "broken ms", "datetime", "text", "iso", "zone", "minutes"],
)
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_times_are_understood_in_every_usual_form(
    tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame], suffix: str
) -> None:
    made = change(frame(rows(90)))
    path = tmp_path / f"SOLUSDT-1m.{suffix}"
    made.write_parquet(path) if suffix == "parquet" else made.write_csv(path)
    expected = load([str(parquet(tmp_path / "as_usual", rows(90)))])
    assert list(load([str(path)]).batches(0)) == list(expected.batches(0))


def test_what_a_mac_or_an_editor_adds_to_a_file_does_no_harm(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "SOLUSDT-1m.zip", "w") as archive:
        archive.writestr("SOLUSDT-1m.CSV", "\r\n\n" + csv_text(rows(30), header=True, micro=False))
        archive.writestr("__MACOSX/._SOLUSDT-1m.CSV", b"\0\5")
    assert load([str(tmp_path)]).bars_total == 30


def test_prices_of_single_precision_are_the_decimals_that_were_meant(tmp_path: Path) -> None:
    prices = ("open", "high", "low", "close")
    path = parquet(tmp_path, rows(50))
    pl.read_parquet(path).with_columns(pl.col(*prices).cast(pl.Float32)).write_parquet(path)
    expected = load([str(parquet(tmp_path / "as_usual", rows(50)))])
    found = load([str(path)])
    assert found.instruments == expected.instruments
    assert list(found.batches(0)) == list(expected.batches(0))


def test_files_of_several_intervals_are_not_joined_where_no_name_tells_them_apart(tmp_path: Path) -> None:
    frame(rows(90)).write_csv(tmp_path / "SOLUSDT.first.csv")
    frame(rows(200)[100::5]).write_csv(tmp_path / "SOLUSDT.then.csv")
    with pytest.raises(DataError, match=r"SOLUSDT\.first\.csv every 1m and SOLUSDT\.then\.csv every 5m"):
        load([str(tmp_path)])


def test_a_moment_of_another_zone_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "SOLUSDT-1m.csv"
    _dated("%Y-%m-%d %H:%M:%S+02:00")(frame(rows(9))).write_csv(path)
    with pytest.raises(DataError, match="nor a date in UTC"):
        load([str(path)])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("names", [str.upper, str.capitalize, lambda name: name.replace("_", " ")])
def test_columns_are_found_however_they_are_spelt_and_separated(
    tmp_path: Path, names: Callable[[str], str], separator: str
) -> None:
    path = tmp_path / "SOLUSDT-1m.csv"
    frame(rows(30)).rename(names).write_csv(path, separator=separator)
    market = load([str(path)])
    assert market.bars_total == 30
    assert _codes(market) == []


def test_what_else_may_be_the_open_time_is_taken_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "SOLUSDT-1m.csv"
    frame(rows(30)).rename({"open_time": "Timestamp", "volume": "Vol"}).write_csv(path)
    market = load([str(path)])
    assert market.bars_total == 30
    assert _codes(market) == ["named_column"]


@pytest.mark.parametrize("named", ["", "__index_level_0__", "Unnamed: 0"])
def test_an_index_without_a_name_is_the_open_time(tmp_path: Path, named: str) -> None:
    path = tmp_path / "SOLUSDT-1m.csv"
    frame(rows(30)).rename({"open_time": named}).write_csv(path)
    market = load([str(path)])
    assert market.bars_total == 30
    assert _codes(market) == ["named_column"]


@pytest.mark.parametrize("separator", [", ", "; ", " ,"])
def test_spaces_beside_the_separators_of_a_csv_are_no_part_of_its_numbers(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "SOLUSDT-1m.csv"
    path.write_text(csv_text(rows(30), header=True, micro=False).replace(",", separator))
    market = load([str(path)])
    assert market.bars_total == 30
    assert _codes(market) == []


def test_a_csv_of_dates_needs_no_header(tmp_path: Path) -> None:
    path = tmp_path / "SOLUSDT-1m.csv"
    _dated("%Y-%m-%d %H:%M:%S")(frame(rows(30))).write_csv(path, include_header=False)
    assert load([str(path)]).bars_total == 30


def _write(make: Callable[[Path], object]) -> Callable[[Path], Path]:
    def build(root: Path) -> Path:
        path = parquet(root, rows(50))
        make(path)
        return path

    return build


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _scramble(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[4 : len(raw) - 4] = bytes(len(raw) - 8)
    path.write_bytes(raw)


def _with(change: Callable[[list[Row]], list[Row]], count: int = 50) -> Callable[[Path], Path]:
    return lambda root: parquet(root, change(rows(count)))


def _row(index: int, **values: float) -> Callable[[list[Row]], list[Row]]:
    names = ["open_time", "open", "high", "low", "close", "volume"]

    def change(data: list[Row]) -> list[Row]:
        changed = dict(zip(names, data[index], strict=True)) | values
        at, o, h, low, c, v = (changed[name] for name in names)
        return [*data[:index], (int(at), o, h, low, c, v), *data[index + 1 :]]

    return change


def _with_symbols(*symbols: str) -> Callable[[Path], Path]:
    """A table of one symbol behind the other, so that no moment is there twice."""

    def build(root: Path) -> Path:
        path = parquet(root, rows(50 * len(symbols)))
        named = [name for name in symbols for _ in range(50)]
        pl.read_parquet(path).with_columns(pl.Series("Symbol", named)).write_parquet(path)
        return path

    return build


UNUSABLE: list[tuple[str, Callable[[Path], Path], str]] = [
    ("missing", lambda root: root / "um/SOLUSDT/1m/none.parquet", "does not exist"),
    ("empty", _write(lambda p: p.write_bytes(b"")), "is empty"),
    ("cut off", _write(_cut), "is cut off"),
    ("not parquet", _write(lambda p: p.write_text("hello")), "is not a Parquet file"),
    ("damaged", _write(_scramble), "is damaged"),
    ("no rows", _with(lambda data: []), "has no rows"),
    (
        "no columns",
        _write(lambda p: pl.read_parquet(p).drop("low", "volume").write_parquet(p)),
        "lacks the columns low, volume",
    ),
    (
        "text prices",
        _write(lambda p: pl.read_parquet(p).with_columns(low=pl.lit(True)).write_parquet(p)),
        "no numbers in column low",
    ),
    ("NaN", _with(_row(3, close=math.nan)), "1 of 50 rows are impossible"),
    ("zero", _with(_row(3, low=0.0)), "rows are impossible"),
    ("negative", _with(_row(3, open=-1.0, low=-1.0)), "rows are impossible"),
    ("infinite", _with(_row(3, high=math.inf)), "rows are impossible"),
    ("high under low", _with(_row(3, high=99.0, low=101.0)), "first is row 4"),
    ("close outside", _with(_row(3, close=150.0)), "rows are impossible"),
    ("negative volume", _with(_row(3, volume=-1.0)), "rows are impossible"),
    ("minutes", _with(lambda data: [(r[0] // 60_000, *r[1:]) for r in data]), "neither seconds, milliseconds"),
    (
        "times in words",
        _write(lambda p: pl.read_parquet(p).with_columns(open_time=pl.lit("noon")).write_parquet(p)),
        "neither a number since 1970 nor a date",
    ),
    (
        "times of day",
        _write(lambda p: pl.read_parquet(p).with_columns(open_time=pl.time(8, 30)).write_parquet(p)),
        "times of day in open_time",
    ),
    (
        "times as bytes",
        _write(lambda p: pl.read_parquet(p).with_columns(open_time=pl.lit(b"1746316800000")).write_parquet(p)),
        "open_time of type Binary, neither numbers, dates nor text",
    ),
    (
        "times in lists",
        _write(lambda p: pl.read_parquet(p).with_columns(open_time=pl.concat_list("open_time")).write_parquet(p)),
        "open_time of type List",
    ),
    (
        "several symbols",
        _with_symbols("SOLUSDT", "XRPUSDT"),
        r"holds several symbols \(SOLUSDT, XRPUSDT\): give each a file of its own",
    ),
    ("off the grid", _with(lambda data: [(r[0] + 7, *r[1:]) for r in data]), "off the 1m grid"),
    ("other interval", _with(lambda data: data[::5]), "said to be 1m but its rows are 5m apart"),
    ("contradictions", _with(lambda data: data + [(r[0], *r[1:5], 9e9) for r in data]), "50 rows contradict"),
]


@pytest.mark.parametrize(
    ("build", "words"), [case[1:] for case in UNUSABLE], ids=[case[0] for case in UNUSABLE]
)
def test_what_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, build: Callable[[Path], Path], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load([str(build(tmp_path))])
    text = str(caught.value)
    assert "\n" not in text
    assert ": " in text  # what to do follows


def _damaged_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("SOLUSDT-1m.csv", csv_text(rows(500), header=True, micro=False))
    raw = bytearray(path.read_bytes())
    raw[3000:3100] = b"X" * 100
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: (root / "x.txt").write_text("a"), "neither Parquet nor CSV"),
        (lambda root: parquet(root, rows(3), "um/SOLUSDT/7m", "x.parquet"), "7m"),
        (
            lambda root: parquet(root, rows(3), "um/SOLUSDT/4h", "x.parquet"),
            "does not build the decision hour",
        ),
        (lambda root: parquet(root, rows(3), "um/SOLUSDT/funding", "x.parquet"), "holds no candles"),
        (lambda root: parquet(root, rows(3), "um/SOLUSDT/mark_1m", "x.parquet"), "holds no candles"),
        (lambda root: (root / "SOLUSDT-1m.zip").write_bytes(b"PK"), "cannot be read"),
        (lambda root: _damaged_zip(root / "SOLUSDT-1m.zip"), "cannot be read"),
        (lambda root: (root / "SOLUSDT-1m.csv").write_text("a,b\n1,2\n"), "lacks the columns"),
        (lambda root: (root / "SOLUSDT-1m.csv").write_bytes(b"\0\1\2"), "not a CSV"),
    ],
)
def test_what_is_no_candle_file_is_refused(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    make(tmp_path)
    path = next(p for p in tmp_path.rglob("*") if p.is_file())
    with pytest.raises(DataError, match=words):
        load([str(path)])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(5))
    path.chmod(0)
    with pytest.raises(DataError, match="cannot be read"):
        load([str(path)])


def test_a_folder_that_may_not_be_looked_into_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet(tmp_path, rows(5))
    shut, looked = tmp_path / "um" / "BTCUSDT", os.scandir
    (tmp_path / "um" / "lost+found").mkdir(parents=True)
    shut.mkdir()

    def look(place: str) -> object:
        if Path(place).name in (shut.name, "lost+found"):
            raise PermissionError(errno.EACCES, "Permission denied", place)
        return looked(place)

    monkeypatch.setattr("os.scandir", look)
    with pytest.raises(DataError, match=f"{shut} cannot be read: Permission denied"):
        load([str(tmp_path)])
    shut.rmdir()
    assert load([str(tmp_path)]).symbols == ("SOLUSDT",)


def test_the_home_of_nobody_is_refused_in_a_sentence() -> None:
    for read in (lambda path: load([path]), lambda path: trade_files([path])):
        with pytest.raises(DataError, match="nobody knows that user's home"):
            read("~nobody-of-that-name/candles")


def test_an_empty_folder_and_a_glob_without_match_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no candle files"):
        load([str(tmp_path)])
    with pytest.raises(DataError, match="does not exist"):
        load([str(tmp_path / "*.parquet")])
    with pytest.raises(DataError, match="no recorded data named"):
        load([])


def test_a_stray_impossible_row_is_dropped_with_a_note_and_leaves_a_hole(tmp_path: Path) -> None:
    market = load([str(_with(_row(100, high=1.0), 200)(tmp_path))])
    assert market.bars_total == 199
    assert _codes(market) == ["impossible_row", "hole"]


def test_a_stray_row_off_the_grid_is_dropped_with_a_note(tmp_path: Path) -> None:
    market = load([str(_with(lambda data: [*data, (data[-1][0] + 30_000, *data[-1][1:])], 200)(tmp_path))])
    assert market.bars_total == 200
    assert _codes(market) == ["off_grid"]


def test_unsorted_rows_are_sorted_with_a_note(tmp_path: Path) -> None:
    market = load([str(_with(lambda data: data[25:] + data[:25])(tmp_path))])
    assert _opens(market) == [T0 + i * MINUTE for i in range(50)]
    assert _codes(market) == ["unsorted"]


def test_files_named_in_any_order_are_no_disorder(tmp_path: Path) -> None:
    parquet(tmp_path, rows(5), name="z.parquet")
    parquet(tmp_path, rows(5, start=T0 + 5 * MINUTE), name="a.parquet")
    assert _codes(load([str(tmp_path / "um")])) == []


def test_repeated_rows_are_dropped_with_a_note(tmp_path: Path) -> None:
    market = load([str(_with(lambda data: data + data[10:20])(tmp_path))])
    assert market.bars_total == 50
    assert sorted(_codes(market)) == ["duplicate_row", "unsorted"]


def test_of_rows_that_contradict_each_other_the_first_is_kept(tmp_path: Path) -> None:
    def change(data: list[Row]) -> list[Row]:
        return [*data[:11], (data[10][0], *data[10][1:5], 777.0), *data[11:]]

    market = load([str(_with(change, 200)(tmp_path))])
    assert _codes(market) == ["conflicting_row"]
    assert next(market.batches(T0 + 10 * MINUTE)).bars[0][1].volume == 11.5


def test_dates_cut_the_series(tmp_path: Path) -> None:
    path = str(parquet(tmp_path, rows(50)))
    market = load([path], frm=T0 + 10 * MINUTE, to=T0 + 20 * MINUTE)
    assert (market.start, market.end, market.bars_total) == (T0 + 10 * MINUTE, T0 + 20 * MINUTE, 10)
    with pytest.raises(DataError, match="no candles from 2025-05-05 00:00: widen the dates"):
        load([path], frm=T0 + 24 * HOUR)


def test_an_unknown_symbol_gets_a_derived_instrument_said_once(tmp_path: Path) -> None:
    market = load([str(parquet(tmp_path, rows(200, price=3.1), "um/NEWUSDT/1m"))])
    instrument = market.instruments["NEWUSDT"]
    assert instrument.derived
    assert str(instrument.tick) == "0.1"
    notes = [note for batch in market.batches(0) for note in batch.notes]
    assert [note.code for note in notes] == ["derived_instrument"]


@pytest.mark.parametrize(
    ("price", "hours", "said"), [(1000.0, 0, True), (40.0, 0, True), (130.0, 0, False), (1000.0, 2, False)]
)
def test_a_price_that_is_a_multiple_of_the_one_before_is_told(
    tmp_path: Path, price: float, hours: int, said: bool
) -> None:
    later = rows(20, start=T0 + 20 * MINUTE + hours * HOUR, price=price)
    market = load([str(parquet(tmp_path, [*rows(20), *later]))])
    found = [note.detail for note in market.notes if note.code == "price_jump"]
    assert bool(found) is said, "over a hole that ends an episode nothing is held"
    if said:
        assert found[0].startswith(f"at 2025-05-04 00:20 the price is {price / 100.6:.3g} times the one before: other")


@pytest.mark.parametrize(("column", "value"), [("high", 250.0), ("low", 0.01)])
def test_a_bar_that_reaches_far_beyond_its_open_and_close_is_told(tmp_path: Path, column: str, value: float) -> None:
    market = load([str(_with(_row(20, **{column: value}))(tmp_path))])
    told = [note.detail for note in market.notes if note.code == "price_spike"]
    assert len(told) == 1
    assert told[0].startswith(f"the bar of 2025-05-04 00:20 opens at 100.6, closes at 100 and reaches to {value:g}: a")
    assert market.bars_total == 50, "it is left in: it may be true"


def test_bars_that_move_far_and_stay_there_are_no_spikes(tmp_path: Path) -> None:
    market = load([str(_with(_row(20, low=30.0, close=30.0))(tmp_path))])
    assert "price_spike" not in _codes(market)


def test_more_decimals_than_the_known_tick_make_the_tick_finer(tmp_path: Path) -> None:
    data = [(r[0], r[1] + 0.001, r[2] + 0.001, r[3] + 0.001, r[4] + 0.001, r[5]) for r in rows(50)]
    market = load([str(parquet(tmp_path, data))])
    instrument = market.instruments["SOLUSDT"]
    assert str(instrument.tick) == "0.001"
    assert instrument.max_price == 6_857_000
    assert _codes(market) == ["finer_tick"]
    bar = next(market.batches(0)).bars[0][1]
    assert float(instrument.price(bar.open)) == pytest.approx(data[0][1])


@pytest.mark.parametrize("symbol", ["SOLUSDT", "NEWUSDT"], ids=["known", "derived"])
@pytest.mark.parametrize("factor", [0.37, 0.00001, 12.0])
def test_later_bars_tell_nothing_of_the_instrument(tmp_path: Path, symbol: str, factor: float) -> None:
    early = rows(24 * 15, interval=HOUR)
    later = rows(24 * 5, start=T0 + 15 * 24 * HOUR, interval=HOUR)
    moved: list[Row] = [(at, factor * o, factor * h, factor * low, factor * c, v) for at, o, h, low, c, v in later]
    plain = load([str(parquet(tmp_path / "a", early + later, f"um/{symbol}/1h"))])
    other = load([str(parquet(tmp_path / "b", early + moved, f"um/{symbol}/1h"))])
    assert other.instruments == plain.instruments
    kept = len(early)
    assert (other.series[symbol].close[:kept] == plain.series[symbol].close[:kept]).all()
    assert int(other.series[symbol].low.min()) >= 1
    assert ("rounded_prices" in _codes(other)) is (factor != 12.0)


def test_of_a_plain_grid_only_the_first_hour_tells_the_instrument(tmp_path: Path) -> None:
    start = T0 + 37 * MINUTE
    early, later = rows(23, start=start), rows(600, start=start + 23 * MINUTE)
    moved: list[Row] = [(at, 0.37 * o, 0.37 * h, 0.37 * low, 0.37 * c, v) for at, o, h, low, c, v in later]
    whole = load([str(parquet(tmp_path / "a", early + later, "um/NEWUSDT/1m"))], plain=lambda name: name == "NEWUSDT")
    other = load([str(parquet(tmp_path / "b", early + moved, "um/NEWUSDT/1m"))], plain=lambda name: name == "NEWUSDT")
    assert other.instruments == whole.instruments
    assert "rounded_prices" in _codes(other)


def test_how_long_a_recording_is_tells_nothing_of_its_tick(tmp_path: Path) -> None:
    start = 1_664_582_400_000  # 2022-10-01: SOL's tick was finer from November on
    long, short = rows(24 * 60, start=start, interval=HOUR), rows(24 * 20, start=start, interval=HOUR)
    ticks = [
        load([str(parquet(tmp_path / str(place), data, "um/SOLUSDT/1h"))]).instruments["SOLUSDT"].tick
        for place, data in enumerate((long, short))
    ]
    assert ticks[0] == ticks[1]


def test_prices_that_begin_under_one_tick_are_refused(tmp_path: Path) -> None:
    tiny: list[Row] = [(at, 1e-9 * o, 1e-9 * h, 1e-9 * low, 1e-9 * c, v) for at, o, h, low, c, v in rows(50)]
    with pytest.raises(DataError, match=r"has prices under one tick of 0\.01: give an exchangeInfo of its time"):
        load([str(parquet(tmp_path, tiny))])


def test_a_tick_that_was_finer_for_a_while_is_known_by_the_first_day(tmp_path: Path) -> None:
    # 2022-01-01, 2023-01-01, 2024-12-01
    before, within, after = 1_640_995_200_000, 1_672_531_200_000, 1_733_011_200_000
    for place, (start, tick) in enumerate(((before, "0.001"), (within, "0.001"), (after, "0.01"))):
        data = rows(24 * 20, start=start, interval=HOUR)
        market = load([str(parquet(tmp_path / str(place), data, "um/SOLUSDT/1h"))])
        assert str(market.instruments["SOLUSDT"].tick) == tick


def test_funding_joins_the_schedule_it_is_nearest_to(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(24 * 60))
    funding(tmp_path, [(T0 + 8 * HOUR + 9, 1e-4), (T0 + 12 * HOUR - 3, 2e-4), (T0 + 16 * HOUR, -1e-4)])
    market = load([str(path)], params=DataParams(assumed_funding=0.0))
    rates = [
        (batch.at, rate.at, rate.rate, rate.interval_hours)
        for batch in market.batches(0)
        for rate in batch.funding
    ]
    assert rates == [
        (T0 + 8 * HOUR, T0 + 8 * HOUR, 1e-4, 4),
        (T0 + 12 * HOUR, T0 + 12 * HOUR, 2e-4, 4),
        (T0 + 16 * HOUR, T0 + 16 * HOUR, -1e-4, 4),
    ]
    assert market.instruments["SOLUSDT"].funding_interval_hours == 4
    assert market.notes == ()


def test_unknown_funding_is_said_and_never_taken_for_zero(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(72 * 60))
    assert [note.code for note in load([str(path)]).notes] == ["no_funding"]
    funding(tmp_path, [(T0 + 8 * HOUR, 1e-4)])
    assert [note.code for note in load([str(path)]).notes] == ["partial_funding"]


def test_where_funding_is_unknown_a_stated_constant_settles_every_eight_hours(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(72 * 60))
    funding(tmp_path, [(T0 + 24 * HOUR + 7, 5e-4), (T0 + 32 * HOUR, 6e-4)])
    market = load([str(path)], params=DataParams(assumed_funding=2e-4))
    settled = [(rate.at - T0, rate.rate) for batch in market.batches(0) for rate in batch.funding]
    assert T0 % (8 * HOUR) == 0
    assert settled == [
        (hours * HOUR, {24: 5e-4, 32: 6e-4}.get(hours, 2e-4)) for hours in range(8, 80, 8)
    ]
    assert "0.02 % every 8 h is assumed there" in market.notes[0].detail


@pytest.mark.parametrize(
    ("time", "rate"), [("fundingTime", "fundingRate"), ("calc_time", "last_funding_rate"), ("timestamp", "fundingRate")]
)
def test_funding_is_found_however_its_columns_are_spelt(tmp_path: Path, time: str, rate: str) -> None:
    path = parquet(tmp_path, rows(600))
    folder = tmp_path / "um/SOLUSDT/funding"
    folder.mkdir()
    (folder / "a.csv").write_text(f"symbol,{time},{rate}\nSOLUSDT,{T0 + 8 * HOUR + 3},0.0003\n")
    found = load([str(path)]).series["SOLUSDT"].funding
    assert [one.rate for one in found if one.at == T0 + 8 * HOUR] == [0.0003]


def test_funding_of_several_symbols_in_one_file_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(600))
    folder = tmp_path / "um/SOLUSDT/funding"
    folder.mkdir()
    lines = [f"{name},{T0 + 8 * HOUR},{rate}" for name, rate in (("BTCUSDT", 1e-4), ("SOLUSDT", 3e-4))]
    (folder / "a.csv").write_text("\n".join(["symbol,fundingTime,fundingRate", *lines]))
    with pytest.raises(DataError, match=r"holds several symbols \(BTCUSDT, SOLUSDT\)"):
        load([str(path)])


def test_a_rate_that_no_exchange_charges_is_no_funding(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(24 * 60))
    funding(tmp_path, [(T0 + 8 * HOUR, 60_123.5), (T0 + 16 * HOUR, -0.03)])
    market = load([str(path)], params=DataParams(assumed_funding=0.0))
    assert [(one.at, one.rate) for one in market.series["SOLUSDT"].funding] == [(T0 + 16 * HOUR, -0.03)]
    assert "1 funding rows left out: no number, beyond 10 %" in market.notes[0].detail


def test_a_file_put_together_with_its_headers_is_of_one_symbol(tmp_path: Path) -> None:
    path = tmp_path / "SOLUSDT-1m.csv"
    text = frame(rows(300)).with_columns(symbol=pl.lit("SOL/USDT")).write_csv()
    head, _, rest = text.partition("\n")
    path.write_text(text + head + "\n" + rest)
    assert load([str(path)]).bars_total == 300


def test_a_funding_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(5))
    parquet(tmp_path, rows(5), "um/SOLUSDT/funding")
    with pytest.raises(DataError, match="it holds no funding"):
        load([str(path)])


def test_mark_candles_of_the_same_interval_are_joined_by_open_time(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(10))
    marks = [(at, o - 1, h - 1, low - 1, c - 1, 0.0) for at, o, h, low, c, _ in rows(10)[:8]]
    parquet(tmp_path, marks, "um/SOLUSDT/mark_1m")
    market = load([str(path)])
    bars = [bar for batch in market.batches(0) for _, bar in batch.bars]
    assert [(bar.mark_high, bar.mark_low, bar.mark_close) for bar in bars[:8]] == [
        (bar.high - 100, bar.low - 100, bar.close - 100) for bar in bars[:8]
    ]
    assert bars[9].mark_close == bars[9].close
    assert _codes(market) == ["partial_mark"]


@pytest.mark.parametrize(("price", "said"), [(0.1, True), (70.0, False), (1000.0, True)])
def test_mark_prices_that_are_a_multiple_of_the_price_are_told(tmp_path: Path, price: float, said: bool) -> None:
    path = parquet(tmp_path, rows(10))
    marks = [(at, price, price, price, price, 0.0) for at, *_ in rows(10)]
    parquet(tmp_path, marks, "um/SOLUSDT/mark_1m")
    told = [note.detail for note in load([str(path)]).notes if note.code == "mark_apart"]
    assert bool(told) is said
    if said:
        assert told[0].startswith(f"in the bar of 2025-05-04 00:00 the mark price is {price / 100.1:.3g} times")
        assert "the first of 10 such" in told[0]


def test_mark_candles_beside_several_folders_of_a_symbol_are_all_taken(tmp_path: Path) -> None:
    roots = [tmp_path / "one", tmp_path / "other"]
    for root, data in zip(roots, (rows(10)[:6], rows(10)[6:]), strict=True):
        parquet(root, data)
        parquet(root, [(at, o - 1, h - 1, low - 1, c - 1, 0.0) for at, o, h, low, c, _ in data], "um/SOLUSDT/mark_1m")
    market = load([str(root) for root in roots])
    bars = [bar for batch in market.batches(0) for _, bar in batch.bars]
    assert len(bars) == 10
    assert all(bar.mark_close == bar.close - 100 for bar in bars)
    assert _codes(market) == []


def _zipped(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(path.with_suffix(".csv").name, text)
    return path


@pytest.mark.parametrize("asked", ["", "monthly/klines", "daily/klines/SOLUSDT/1m"])
def test_funding_and_mark_prices_are_found_where_the_public_files_have_them(tmp_path: Path, asked: str) -> None:
    tree = tmp_path / "futures/um"
    data = rows(2 * 24 * 60)
    marks = [(at, o - 1, h - 1, low - 1, c - 1, 0.0) for at, o, h, low, c, _ in data]
    for span, name in (("monthly", "SOLUSDT-1m-2025-05.zip"), ("daily", "SOLUSDT-1m-2025-05-05.zip")):
        _zipped(tree / span / "klines/SOLUSDT/1m" / name, csv_text(data, header=True, micro=False))
        _zipped(tree / span / "markPriceKlines/SOLUSDT/1m" / name, csv_text(marks, header=True, micro=False))
    settled = "".join(f"{T0 + hours * HOUR + 3},8,0.0003\n" for hours in range(0, 56, 8))
    text = f"calc_time,funding_interval_hours,last_funding_rate\n{settled}"
    _zipped(tree / "monthly/fundingRate/SOLUSDT/SOLUSDT-fundingRate-2025-05.zip", text)
    market = load([str(tree / asked)])
    assert {one.rate for one in market.series["SOLUSDT"].funding} == {0.0003}
    assert all(bar.mark_close == bar.close - 100 for batch in market.batches(0) for _, bar in batch.bars)
    assert not {"no_funding", "partial_funding", "partial_mark"} & {note.code for note in market.notes}


def test_funding_that_lies_among_the_candles_is_found_by_its_name(tmp_path: Path) -> None:
    _zipped(tmp_path / "SOLUSDT-1m-2025-05.zip", csv_text(rows(2 * 24 * 60), header=False, micro=False))
    for symbol, rate in (("SOLUSDT", 0.0003), ("ETHUSDT", 0.0007)):
        settled = "".join(f"{T0 + hours * HOUR + 3},8,{rate}\n" for hours in range(0, 56, 8))
        text = f"calc_time,funding_interval_hours,last_funding_rate\n{settled}"
        _zipped(tmp_path / f"{symbol}-fundingRate-2025-05.zip", text)
    assert {one.rate for one in load([str(tmp_path)]).series["SOLUSDT"].funding} == {0.0003}


def test_an_exchange_info_of_the_other_market_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(5))
    info = tmp_path / "info.json"
    info.write_text(
        '{"symbols": [{"symbol": "SOLUSDT", "baseAsset": "SOL", "quoteAsset": "USDT", "filters": ['
        '{"filterType": "PRICE_FILTER", "tickSize": "0.05", "minPrice": "0.05", "maxPrice": "1000"},'
        '{"filterType": "LOT_SIZE", "stepSize": "0.1", "minQty": "0.1", "maxQty": "1000"}]}]}'
    )
    with pytest.raises(DataError, match="describes spot but the data are futures"):
        load([str(path)], exchange_info=info)
    spot = parquet(tmp_path, rows(5), "spot/SOLUSDT/1m")
    assert str(load([str(spot)], exchange_info=info).instruments["SOLUSDT"].step) == "0.1"


def test_an_exchange_info_sets_filters_and_leaves_the_built_in_brackets(tmp_path: Path) -> None:
    path = parquet(tmp_path, rows(5))
    info = tmp_path / "info.json"
    info.write_text(
        '{"symbols": [{"symbol": "SOLUSDT", "contractType": "PERPETUAL", "filters": ['
        '{"filterType": "PRICE_FILTER", "tickSize": "0.1"},'
        '{"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "1000"}]}]}'
    )
    instrument = load([str(path)], exchange_info=info).instruments["SOLUSDT"]
    assert str(instrument.step) == "1"
    assert instrument.brackets == builtin(Market.FUTURES)["SOLUSDT"].brackets
