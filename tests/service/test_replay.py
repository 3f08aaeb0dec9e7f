"""Recorded markets through the whole service: the same documents every time, and clear words for bad data."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gridbot_tui.market.params import SyntheticParams
from gridbot_tui.market.synthetic import SyntheticMarket
from gridbot_tui.service.app import run
from gridbot_tui.service.options import RunOptions, RunResult
from gridbot_tui.units import Market, Mode
from tests.data import shared

START = 1_746_316_800_000


def candles(path: Path, days: float) -> Path:
    """One-minute candles of a lively symbol, as a recording would have them."""
    lived().head(round(days * 1440)).write_parquet(path)
    return path


@cache
def lived() -> pl.DataFrame:
    """Of the longest that is asked for; the others are its first days."""
    market = SyntheticMarket(SyntheticParams(symbols=("ADAUSDT",), seed=3), market=Market.FUTURES, start=START)
    price = market.instruments["ADAUSDT"].price
    rows = []
    for batch in itertools.islice(market.batches(START), 18 * 1440):
        ((_, bar),) = batch.bars
        prices = (float(price(ticks)) for ticks in (bar.open, bar.high, bar.low, bar.close))
        rows.append((bar.open_at, *prices, bar.volume))
    names = ("open_time", "open", "high", "low", "close", "volume")
    return pl.DataFrame(rows, schema=list(names), orient="row")


def replay(home: Path, *data: Path | str, **more: Any) -> RunResult:
    options = RunOptions(mode=Mode.REPLAY, home=home, data=tuple(map(str, data)), json=True, **more)
    return asyncio.run(run(options, screen=True))


def document(result: RunResult) -> dict[str, Any]:
    assert result.exit_code == 0, result.text
    assert result.status is not None
    return result.status


def money_is_plain(value: object) -> None:
    """No exponent, no zeros at the end, in every money string of a document."""
    assert isinstance(value, str)
    assert "E" not in value.upper()
    assert "." not in value or not value.endswith("0")
    assert format(Decimal(value), "f") == value


@pytest.fixture
def lively(tmp_path: Path) -> Path:
    folder = tmp_path / "um" / "ADAUSDT" / "1m"
    folder.mkdir(parents=True)
    return candles(folder / "a.parquet", 17)


def test_a_replay_ends_with_the_status_document_and_plain_money(lively: Path, tmp_path: Path) -> None:
    status = document(replay(tmp_path, lively))
    assert status["profile"] == "replay"
    view = status["symbols"]["ADAUSDT"]
    assert view["fills"] > 0
    assert status["residual"] == "0"
    for name in ("equity", "wallet", "residual"):
        money_is_plain(status[name])
    for name in ("realised", "unrealised", "fees", "funding"):
        money_is_plain(view[name])
    assert not list(tmp_path.glob(".replay-*"))


def test_two_processes_print_the_same_bytes_whatever_the_hash_seed(lively: Path, tmp_path: Path) -> None:
    printed = []
    for seed in ("1", "2"):
        words = ["--home", str(tmp_path), "--no-ui", "--mode", "replay", "--data", str(lively), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "gridbot_tui", *words],
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
        )
        printed.append(done.stdout)
        assert len(done.stdout.splitlines()) == 1
    json.loads(printed[0])
    assert printed[0] == printed[1]


def first_days(recorded: Path, to: Path) -> Path:
    """The same file or folder with 18 days of each series: 14 to look at, four to trade."""
    for file in recorded.glob("*.parquet") if recorded.is_dir() else (recorded,):
        place = to / file.name if recorded.is_dir() else to
        place.parent.mkdir(parents=True, exist_ok=True)
        pl.read_parquet(file).head(18 * 1440).write_parquet(place)
    return to


MAIN: Sequence[tuple[str, tuple[str, ...], Market | None]] = (
    ("bitcoin", ("um/BTCUSDT/1m/2025-05-04_2025-06-24.parquet",), None),
    ("two folders", ("um/NEARUSDT/1m", "um/LINKUSDT/1m"), None),
    ("spot", ("spot/BTCUSDT/1m/2021-11-11_2021-12-11.parquet",), Market.SPOT),
    ("lively", ("um/FILUSDT/1m/2025-02-01_2025-02-28.parquet",), None),
)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("paths", "market"), [case[1:] for case in MAIN], ids=[case[0] for case in MAIN])
def test_the_recorded_markets_are_traded(paths: tuple[str, ...], market: Market | None, tmp_path: Path) -> None:
    found = [first_days(shared(path), tmp_path / path) for path in paths]
    status = document(replay(tmp_path, *found, market=market))
    assert status["residual"] == "0"
    assert sum(view["fills"] for view in status["symbols"].values()) > 0
    assert status["market"] == (market or Market.FUTURES).value


def test_fewer_days_than_the_features_need_give_no_plan_and_say_so(tmp_path: Path) -> None:
    short = candles(tmp_path / "ADAUSDT-1m.parquet", 3)
    status = document(replay(tmp_path, short, symbols=("ADAUSDT",), interval="1m", market=Market.FUTURES))
    assert "warming" in {blocker["code"] for blocker in status["blockers"]}
    assert status["symbols"]["ADAUSDT"]["fills"] == 0
    assert status["symbols"]["ADAUSDT"]["ladder"] == []
    assert status["equity"] == "10000"


def test_before_the_first_decision_there_is_a_reason_too_why_no_order_rests(tmp_path: Path) -> None:
    short = candles(tmp_path / "ADAUSDT-1m.parquet", 1 / 48)
    status = document(replay(tmp_path, short, symbols=("ADAUSDT",), interval="1m", market=Market.FUTURES))
    (blocker,) = status["blockers"]
    assert (blocker["code"], blocker["symbol"]) == ("warming", "ADAUSDT")
    assert blocker["detail"] == "0 of 336 hours of history seen"


def test_a_finite_speed_takes_its_time(tmp_path: Path) -> None:
    short = candles(tmp_path / "ADAUSDT-1m.parquet", 1 / 24)
    result = replay(tmp_path, short, symbols=("ADAUSDT",), interval="1m", market=Market.FUTURES, speed="6000")
    assert document(result)["uptime_s"] == 3600.0


def broken(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "um" / "ADAUSDT" / "1m" / name
    path.parent.mkdir(parents=True)
    return path


def test_what_cannot_be_used_is_one_clear_line_and_exit_code_two(tmp_path: Path) -> None:
    cases: dict[str, Path] = {}
    cases["missing"] = tmp_path / "nothing.parquet"
    truncated = broken(tmp_path / "t", "a.parquet")
    candles(truncated, 1)
    truncated.write_bytes(truncated.read_bytes()[:2_000])
    cases["truncated"] = truncated
    text = broken(tmp_path / "x", "a.parquet")
    text.write_text("this is no parquet file\n" * 50)
    cases["not parquet"] = text
    columns = broken(tmp_path / "c", "a.parquet")
    pl.DataFrame({"open_time": [START], "price": [1.0]}).write_parquet(columns)
    cases["without columns"] = columns
    empty = broken(tmp_path / "e", "a.parquet")
    pl.read_parquet(candles(empty, 1)).head(0).write_parquet(empty)
    cases["empty"] = empty
    image = broken(tmp_path / "i", "a.png")
    image.write_bytes(b"\x89PNG")
    cases["another kind"] = image
    for case, path in cases.items():
        result = replay(tmp_path, path)
        assert result.exit_code == 2, (case, result)
        assert result.status is None
        assert path.name in result.text, (case, result.text)
        assert "\n" not in result.text, (case, result.text)


def test_a_replay_without_data_and_data_without_a_replay_are_refused(tmp_path: Path) -> None:
    none = asyncio.run(run(RunOptions(mode=Mode.REPLAY, home=tmp_path)))
    assert (none.exit_code, none.status) == (2, None)
    sim = asyncio.run(run(RunOptions(mode=Mode.SIM, data=("x.parquet",), home=tmp_path)))
    assert (sim.exit_code, sim.status) == (2, None)
    speed = asyncio.run(run(RunOptions(mode=Mode.SIM, speed="quickly", home=tmp_path)))
    assert speed.exit_code == 2
    assert "quickly" in speed.text


def test_a_kept_replay_goes_on_where_it_ended(tmp_path: Path) -> None:
    folder = tmp_path / "um" / "ADAUSDT" / "1m"
    folder.mkdir(parents=True)
    whole = candles(folder / "whole.parquet", 18)
    first = folder / "first.parquet"
    pl.read_parquet(whole).head(round(16.4 * 1440)).write_parquet(first)
    once = document(replay(tmp_path / "once", whole))
    kept = document(replay(tmp_path / "kept", first, resume=True))
    assert kept["profile"] == "replay-futures-main-usdt"
    again = document(replay(tmp_path / "kept", whole, resume=True))
    for name in ("equity", "wallet", "residual"):
        assert again[name] == once[name], name
    assert again["symbols"] == once["symbols"]
    assert once["symbols"]["ADAUSDT"]["fills"] > kept["symbols"]["ADAUSDT"]["fills"] > 0


def test_a_kept_replay_refuses_the_data_of_another_symbol(tmp_path: Path) -> None:
    first, other = (tmp_path / "um" / symbol / "1m" for symbol in ("ADAUSDT", "XRPUSDT"))
    for folder in (first, other):
        folder.mkdir(parents=True)
        candles(folder / "a.parquet", 1)
    document(replay(tmp_path / "kept", first, resume=True))
    result = replay(tmp_path / "kept", other, resume=True)
    assert result.exit_code == 4
    assert "trades ADAUSDT" in result.text
