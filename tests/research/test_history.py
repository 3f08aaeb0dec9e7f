"""Recorded data are fetched once, checked against their checksums, and what is missing is told."""

import hashlib
import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

from gridbot_tui.market.files import load
from gridbot_tui.market.params import DataParams
from gridbot_tui.research.history import download
from gridbot_tui.research.history.download import now_ms
from gridbot_tui.research.history.fetch import TRIES, Budget, FetchFailed, Missing, get
from gridbot_tui.research.history.layout import Kind, Piece, Wish, pieces
from gridbot_tui.research.history.shelf import Shelf
from gridbot_tui.research.history.sources import CANDLES, FUNDING
from gridbot_tui.units import DAY, HOUR, MINUTE, Market
from tests.commands.calling import Cli, caller
from tests.exchange_server.serving import serving

MAY = 1_746_057_600_000
"""2025-05-01."""
HOURS = {f"2025-05-{d:02}": MAY + (d - 1) * DAY for d in range(1, 32)}


class Files(ThreadingHTTPServer):
    """A server of files, which counts what it is asked."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.busy, self.wait_s = 0, 7
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def put(self, path: str, csv: str, checksum: str | None = None) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(Path(path).stem + ".csv", csv)
        body = packed.getvalue()
        digest = hashlib.sha256(body).hexdigest() if checksum is None else checksum
        self.bodies[f"/{path}"] = body
        self.bodies[f"/{path}.CHECKSUM"] = f"{digest}  {Path(path).name}\n".encode()


class _Handler(BaseHTTPRequestHandler):
    server: Files

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.busy:
            self.server.busy -= 1
            self.send_response(429)
            self.send_header("Retry-After", str(self.server.wait_s))
            self.end_headers()
            return
        body = self.server.bodies.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def files() -> Iterator[Files]:
    server = Files()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Cli:
    return caller(capsys)


def rows(frm: int, to: int, unit: int = 1, header: bool = False) -> str:
    told = "open_time,open,high,low,close,volume,close_time\n" if header else ""
    return told + "".join(
        f"{at * unit},100.5,107,100,{100 + at // HOUR % 7},12.5,{(at + HOUR - 1) * unit}\n"
        for at in range(frm, to, HOUR)
    )


def klines(stamp: str, span: str, market: str = "futures/um") -> str:
    return f"data/{market}/{span}/klines/SOLUSDT/1h/SOLUSDT-1h-{stamp}.zip"


def test_months_are_whole_where_they_can_be_and_days_at_the_ends() -> None:
    wish = Wish(Market.FUTURES, "SOLUSDT", Kind.CANDLES, "1h")
    found = pieces(wish, MAY - DAY, MAY + 32 * DAY)
    assert [one.stamp for one in found] == ["2025-04-30", "2025-05", "2025-06-01"]
    assert found[1].url_path == klines("2025-05", "monthly")
    assert found[0].month.stamp == "2025-04"
    assert len(list(found[1].days())) == 31


def test_a_month_is_fetched_once_and_a_backtest_can_read_it(files: Files, call: Cli, tmp_path: Path) -> None:
    files.put(klines("2025-05", "monthly"), rows(MAY, MAY + 31 * DAY, header=True))
    funding = "data/futures/um/monthly/fundingRate/SOLUSDT/SOLUSDT-fundingRate-2025-05.zip"
    settled = "".join(f"{MAY + 8 * HOUR * i + 2},8,0.0001\n" for i in range(93))
    files.put(funding, "calc_time,funding_interval_hours,last_funding_rate\n" + settled)
    words = ("data", "download", "--symbol", "solusdt", "--interval", "1h", "--from", "2025-05-01",
             "--to", "2025-06-01", "--source", "files", "--into", str(tmp_path), "--json",
             "--files-url", files.url)  # fmt: skip
    first = call(*words)
    assert first.code == 0, first.err
    assert (first.document["fetched"], first.document["kept"], first.document["rows"]) == (2, 0, 31 * 24 + 93)
    assert first.document["gaps"] == []
    market = load([str(tmp_path / "um" / "SOLUSDT" / "1h")], params=DataParams(assumed_funding=0.0))
    assert market.bars_total == 31 * 24
    assert len(market.series["SOLUSDT"].funding) == 93
    asked = len(files.asked)
    again = call(*words)
    assert (again.document["fetched"], again.document["kept"]) == (0, 2)
    assert len(files.asked) == asked
    (tmp_path / "um" / "SOLUSDT" / "1h" / "2025-05.parquet").unlink()
    assert call(*words).document["fetched"] == 1


def test_days_stand_in_for_a_month_that_is_not_there_yet_and_holes_are_told(
    files: Files, call: Cli, tmp_path: Path
) -> None:
    for stamp, at in HOURS.items():
        if stamp not in ("2025-05-07", "2025-05-30", "2025-05-31"):
            files.put(klines(stamp, "daily", "spot"), rows(at, at + DAY, unit=1000))
    words = ("data", "download", "--symbol", "SOLUSDT", "--interval", "1h", "--market", "spot", "--from", "2025-05-01",
             "--to", "2025-06-01", "--source", "files", "--into", str(tmp_path), "--files-url", files.url)  # fmt: skip
    done = call(*words, "--json")
    assert done.code == 0, done.err
    assert done.document["fetched"] == 28
    assert done.document["gaps"] == [{"series": "spot/SOLUSDT/1h", "from": MAY + 6 * DAY, "to": MAY + 7 * DAY}]
    files.put(klines("2025-05", "monthly", "spot"), rows(MAY, MAY + 31 * DAY, unit=1000))
    later = call(*words)
    assert "1 files fetched" in later.out
    assert sorted(one.name for one in (tmp_path / "spot/SOLUSDT/1h").iterdir()) == ["2025-05.parquet"]


def test_a_file_that_is_not_what_its_checksum_says_is_not_taken(files: Files, call: Cli, tmp_path: Path) -> None:
    files.put(klines("2025-05", "monthly"), rows(MAY, MAY + 31 * DAY), checksum="0" * 64)
    done = call("data", "download", "--symbol", "SOLUSDT", "--interval", "1h", "--from", "2025-05-01", "--to",
                "2025-06-01", "--no-funding", "--into", str(tmp_path), "--files-url", files.url)  # fmt: skip
    assert done.code == 1
    assert "does not match its checksum" in done.err
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_damaged_file_keeps_no_other_from_the_store(files: Files, call: Cli, tmp_path: Path) -> None:
    june = MAY + 31 * DAY
    files.put(klines("2025-05", "monthly"), rows(MAY, june), checksum="0" * 64)
    for day in range(30):
        at = june + day * DAY
        files.put(klines(f"2025-06-{day + 1:02}", "daily"), rows(at, at + DAY), checksum="1" * 64 if day == 3 else None)
    files.put(klines("2025-07", "monthly"), rows(june + 30 * DAY, june + 61 * DAY))
    words = ("data", "download", "--symbol", "SOLUSDT", "--interval", "1h", "--from", "2025-05-01", "--to",
             "2025-08-01", "--no-funding", "--into", str(tmp_path), "--source", "files",
             "--files-url", files.url)  # fmt: skip
    done = call(*words)
    assert done.code == 1
    assert "SOLUSDT-1h-2025-06-04.zip: the file does not match its checksum, and 1 more like it; every" in done.err
    assert "--source rest" in done.err
    kept = {one.stem for one in tmp_path.rglob("*.parquet")}
    assert "2025-07" in kept
    assert {one for one in kept if one.startswith("2025-06")} == {f"2025-06-{d:02}" for d in range(1, 31) if d != 4}
    files.put(klines("2025-05", "monthly"), rows(MAY, june))
    files.put(klines("2025-06-04", "daily"), rows(june + 3 * DAY, june + 4 * DAY))
    assert call(*words).code == 0


def test_a_file_of_the_store_that_was_cut_off_is_named_and_fetched_again_once_it_is_gone(
    files: Files, call: Cli, tmp_path: Path
) -> None:
    june = MAY + 31 * DAY
    files.put(klines("2025-05", "monthly"), rows(MAY, june))
    files.put(klines("2025-06", "monthly"), rows(june, june + 30 * DAY))
    words = ("data", "download", "--symbol", "SOLUSDT", "--interval", "1h", "--from", "2025-05-01", "--to",
             "2025-07-01", "--no-funding", "--into", str(tmp_path), "--files-url", files.url)  # fmt: skip
    assert call(*words).code == 0
    cut = tmp_path / "um/SOLUSDT/1h/2025-06.parquet"
    cut.write_bytes(cut.read_bytes()[:500])
    again = call(*words)
    assert again.code == 1
    assert f"{cut}: the file cannot be read" in again.err
    cut.unlink()
    assert call(*words).code == 0


def test_a_page_that_stands_where_the_files_should_ends_a_download_at_once(
    files: Files, call: Cli, tmp_path: Path
) -> None:
    for month in range(1, 10):
        path = klines(f"2025-{month:02}", "monthly")
        files.put(path, rows(MAY, MAY + DAY))
        files.bodies[f"/{path}.CHECKSUM"] = b"<html>please log in</html>"
    done = call("data", "download", "--symbol", "SOLUSDT", "--interval", "1h", "--from", "2025-01-01", "--to",
                "2025-10-01", "--no-funding", "--into", str(tmp_path), "--files-url", files.url)  # fmt: skip
    assert done.code == 1
    assert "this is no checksum" in done.err
    assert len(files.asked) < 9


def test_what_a_file_holds_is_taken_whatever_its_first_rows_look_like(files: Files, call: Cli, tmp_path: Path) -> None:
    words = ("data", "download", "--symbol", "SOLUSDT", "--from", "2025-05-01", "--to", "2025-06-01", "--no-funding",
             "--source", "files", "--files-url", files.url)  # fmt: skip
    count = 12_000
    whole = [f"{MAY + i * MINUTE},100,101,100,100,12,0" for i in range(count)]
    whole += [f"{MAY + count * MINUTE},100.5,101.25,100,100.25,0.5,0", "never,1,1,1,1,1,0", f"{MAY - MINUTE},n/a,2,3"]
    files.put(klines("2025-05", "monthly").replace("1h", "1m"), "\n".join(whole) + "\n")
    taken = call(*words, "--into", str(tmp_path / "a"))
    assert taken.code == 0, taken.err
    kept = pl.read_parquet(tmp_path / "a" / "um" / "SOLUSDT" / "1m" / "2025-05.parquet")
    assert kept.height == count + 1
    assert kept.row(-1)[1:] == (100.5, 101.25, 100.0, 100.25, 0.5)
    for csv, said in (("1,2,3\n", "it lacks the column low"), ("1x,2,3,4,5,6\n", "none of its rows has a time")):
        files.put(klines("2025-05", "monthly"), csv)
        done = call(*words, "--interval", "1h", "--into", str(tmp_path / "b"))
        assert done.code == 1
        assert said in done.err


def test_a_download_that_found_nothing_has_failed(files: Files, call: Cli, tmp_path: Path) -> None:
    done = call("data", "download", "--symbol", "NOSUCHUSDT", "--interval", "1h", "--from", "2025-05-01", "--to",
                "2025-06-01", "--source", "files", "--into", str(tmp_path), "--files-url", files.url)  # fmt: skip
    assert done.code == 1
    assert "nothing was found of NOSUCHUSDT" in done.err


def test_what_the_files_lack_comes_from_the_exchange(files: Files, call: Cli, tmp_path: Path) -> None:
    with serving(Market.FUTURES) as served:
        now = served.now()
        today = now - now % DAY
        frm, to = (f"{pl.Series([at]).cast(pl.Datetime('ms'))[0]:%Y-%m-%d}" for at in (today - DAY, today + DAY))
        done = call("data", "download", "--symbol", "BTCUSDT", "--interval", "1m", "--from", frm, "--to", to, "--into",
                    str(tmp_path), "--files-url", files.url, "--rest-url", served.http, "--mark", "--json")  # fmt: skip
    assert done.code == 0, done.err
    assert done.document["rows"] > 300
    assert done.document["gaps"] == []
    market = load([str(tmp_path / "um" / "BTCUSDT" / "1m")])
    assert market.interval == MINUTE
    assert market.bars_total >= 300
    assert market.series["BTCUSDT"].mark is not None


def test_days_to_come_are_not_asked_for(files: Files, call: Cli, tmp_path: Path) -> None:
    ends = (now_ms() - DAY, now_ms() + 900 * DAY)
    frm, to = (f"{pl.Series([at]).cast(pl.Datetime('ms'))[0]:%Y-%m-%d}" for at in ends)
    done = call("data", "download", "--symbol", "SOLUSDT", "--interval", "1h", "--from", frm, "--to", to, "--source",
                "files", "--into", str(tmp_path), "--files-url", files.url)  # fmt: skip
    assert done.code == 1
    assert 0 < len(files.asked) < 10


@pytest.mark.parametrize("kind", [Kind.FUNDING, Kind.CANDLES])
def test_what_was_fetched_while_its_day_ran_is_fetched_again_when_there_may_be_more(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked, step = [MAY + 5 * HOUR], [], 4 * HOUR if kind is Kind.FUNDING else HOUR

    def told(base: str, piece: Piece) -> tuple[pl.DataFrame, str, str]:
        asked.append(piece.stamp)
        times = [at for at in range(piece.frm, piece.to, step) if at < now[0]]
        columns = FUNDING if kind is Kind.FUNDING else CANDLES
        return pl.DataFrame({columns[0]: times, **{name: [1.0] * len(times) for name in columns[1:]}}), base, ""

    monkeypatch.setattr(download, "from_rest", told)
    monkeypatch.setattr(download, "now_ms", lambda: now[0])
    wish = Wish(Market.FUTURES, "SOLUSDT", kind, "" if kind is Kind.FUNDING else "1h")

    def fetched(to: int) -> int:
        places = download.Places("", "http://there")
        return download.download(Shelf(tmp_path), [wish], MAY, to, download.Source.REST, places).fetched

    assert fetched(now[0]) == 1
    assert fetched(now[0]) == 0, "nothing can have come since"
    now[0] = MAY + 9 * HOUR
    assert fetched(now[0]) == 1
    now[0] = MAY + 30 * HOUR
    assert fetched(MAY + DAY) == 1
    assert fetched(MAY + DAY) == 0
    assert pl.read_parquet(tmp_path / wish.folder / "2025-05-01.parquet").height == DAY // step


def test_a_busy_server_is_waited_for_and_a_dead_one_said_in_a_sentence(files: Files) -> None:
    slept: list[float] = []
    files.bodies["/x"] = b"here"
    files.busy = 2
    assert get(f"{files.url}/x", slept.append) == b"here"
    assert slept == [7.0, 7.0]
    files.busy, files.wait_s = 1, 3_600
    with pytest.raises(FetchFailed, match="to ask again in 3600 s; the same command goes on"):
        get(f"{files.url}/x", slept.append)
    assert slept == [7.0, 7.0], "who asks into a ban lengthens it"
    with pytest.raises(Missing):
        get(f"{files.url}/none", slept.append)
    url = files.url
    files.shutdown()
    files.server_close()
    slept.clear()
    with pytest.raises(FetchFailed, match=f"no answer after {TRIES} tries"):
        get(f"{url}/x", slept.append)
    assert slept == [1.0, 2.0, 4.0]
    with pytest.raises(FetchFailed, match="unknown url type"):
        get("nowhere", slept.append)


def test_a_download_leaves_the_most_of_a_minute_to_the_bot_beside_it() -> None:
    now, slept = [60_000.0 + 45.0], []
    budget = Budget(600)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    for used in (None, "590", "20", "nonsense"):
        budget.told(used, lambda: now[0])
        budget.wait(sleep, lambda: now[0])
    assert slept == []
    budget.told("610", lambda: now[0])
    budget.told("600", lambda: now[0])  # an answer that was overtaken
    budget.wait(sleep, lambda: now[0])
    assert slept == [pytest.approx(15.1)]
    budget.wait(sleep, lambda: now[0])
    assert len(slept) == 1


def test_an_import_that_contradicts_the_store_is_said(call: Cli, tmp_path: Path) -> None:
    source, store = tmp_path / "SOLUSDT-1h-2025-05.csv", tmp_path / "store"
    words = ("data", "import", str(source), "--market", "futures", "--into", str(store), "--json")
    source.write_text(rows(MAY, MAY + 2 * DAY))
    assert call(*words).document["remarks"] == []
    assert call(*words).document["remarks"] == []
    source.write_text(rows(MAY + DAY, MAY + 3 * DAY).replace(",107,", ",108,"))
    (remark,) = call(*words).document["remarks"]
    assert remark["code"] == "replaced_row"
    assert "2025-05.parquet: 24 rows had other values" in remark["detail"]


def test_files_are_imported_by_month_and_damage_is_found_later(call: Cli, tmp_path: Path) -> None:
    source = tmp_path / "SOLUSDT-1h-2025-05.csv"
    source.write_text(rows(MAY + 20 * DAY, MAY + 40 * DAY))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    source.with_name(source.name + ".CHECKSUM").write_text(f"{digest}  {source.name}\n")
    store = tmp_path / "store"
    done = call("data", "import", str(source), "--market", "futures", "--into", str(store), "--json")
    assert done.code == 0, done.err
    rest = {"funding": 0, "mark_prices": 0, "checksums_agreed": 1, "remarks": []}
    assert done.document == {"into": str(store), "files": 2, "rows": 480, **rest}
    assert call("data", "check", str(store / "um"), "--json").document["damaged"] == []
    written = store / "um/SOLUSDT/1h/2025-05.parquet"
    pl.read_parquet(written).head(5).write_parquet(written)
    checked = call("data", "check", str(store / "um"))
    assert checked.code == 1
    assert "um/SOLUSDT/1h/2025-05.parquet is not what was written" in checked.err
    source.write_text(rows(MAY, MAY + DAY))
    wrong = call("data", "import", str(source), "--market", "futures", "--into", str(store))
    assert wrong.code == 2
    assert "does not match" in wrong.err


def test_funding_and_mark_prices_are_imported_from_wherever_they_lie(call: Cli, tmp_path: Path) -> None:
    mirror, flat = tmp_path / "data/futures/um/monthly", tmp_path / "flat"
    settled = "".join(f"{MAY + i * 8 * HOUR + 3},8,0.0002\n" for i in range(1, 60))
    for path, text in (
        (mirror / "klines/SOLUSDT/1h/SOLUSDT-1h-2025-05.csv", rows(MAY, MAY + 20 * DAY)),
        (mirror / "markPriceKlines/SOLUSDT/1h/SOLUSDT-1h-2025-05.csv", rows(MAY, MAY + 20 * DAY)),
        (mirror / "aggTrades/SOLUSDT/SOLUSDT-aggTrades-2025-05.csv", "1,2,3\n"),
        (flat / "SOLUSDT-fundingRate-2025-05.csv", f"calc_time,funding_interval_hours,last_funding_rate\n{settled}"),
        (flat / "SOLUSDT-1h-2025-05.csv", rows(MAY + 19 * DAY, MAY + 21 * DAY)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    store = tmp_path / "store"
    words = ("data", "import", str(mirror), str(flat), "--market", "futures", "--into", str(store), "--json")
    done = call(*words)
    assert done.code == 0, done.err
    told = {name: done.document[name] for name in ("rows", "funding", "mark_prices", "remarks")}
    assert told["rows"] == 21 * 24
    assert (told["funding"], told["mark_prices"]) == (59, 20 * 24)
    assert {one["code"] for one in told["remarks"]} == {"left", "duplicate_row"}
    assert all("SOLUSDT: " in one["detail"] for one in told["remarks"] if one["code"] == "duplicate_row")
    again = call(*words)
    assert again.document["rows"] == told["rows"]
    found = call("data", "check", str(store), "--json").document["series"]["SOLUSDT"]
    assert (found["bars"], found["funding"], found["mark_prices"]) == (21 * 24, 59, True)
    assert call("data", "check", str(flat), "--market", "futures").code == 0, "a flat folder's candles are found, too"
    (store / "um/SOLUSDT/funding/2025-05.parquet").write_bytes(b"PAR1")
    assert "of the store is damaged" in call(*words).err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("download", "--symbol", "X", "--from", "2025-05-02", "--to", "2025-05-01"), "nothing lies between"),
        (("download", "--symbol", "X", "--from", "soon"), "--from soon: not a date"),
        (("download", "--symbol", "X", "--from", "2025-05-01", "--interval", "7x"), "7x"),
        (("download", "--symbol", "X", "--from", "2025-05-01", "--source", "ftp"), "wants auto, files or rest"),
        (("download", "--from", "2025-05-01"), "--symbol"),
        (("download", "--symbol", "../x", "--from", "2025-05-01"), "not a symbol"),
        (("import", "nothing.csv"), "nothing.csv does not exist"),
    ],
)
def test_what_an_operator_gets_wrong_is_one_sentence(
    words: tuple[str, ...], said: str, call: Cli, tmp_path: Path
) -> None:
    done = call("data", *words, "--into", str(tmp_path))
    assert done.code == 2
    assert said in done.err


def test_two_who_fill_one_store_at_once_keep_each_others_notes(tmp_path: Path) -> None:
    frame = pl.DataFrame({"open_time": [MAY], "close": [1.0]})
    one, other = Shelf(tmp_path), Shelf(tmp_path)
    names = [Path("um/AUSDT/1m/2025-05.parquet"), Path("um/BUSDT/1m/2025-05.parquet")]
    one.put(names[0], frame, "open_time", "a")
    other.put(names[1], frame, "open_time", "b")
    assert list(Shelf(tmp_path).entries) == [name.as_posix() for name in names]
    one.drop(names[0])
    assert list(Shelf(tmp_path).entries) == [names[1].as_posix()]
    assert Shelf(tmp_path).damaged() == []


def test_a_damaged_manifest_is_named(call: Cli, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"a": 1}))
    days = ("--from", "2025-05-01", "--to", "2025-05-02")
    done = call("data", "download", "--symbol", "X", *days, "--into", str(tmp_path))
    assert done.code == 2
    assert "manifest.json is damaged" in done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_disk_without_room_leaves_no_half_file_and_the_error_names_it(tmp_path: Path) -> None:
    shelf, part = Shelf(tmp_path), tmp_path / f"month.{os.getpid()}.part"
    part.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as failed:
        shelf.put(Path("month.parquet"), pl.DataFrame({"at": [1, 2]}), "at", "test")
    assert failed.value.filename == str(part)
    assert os.listdir(tmp_path) == []
