"""What `make validation` and `make mechanisms` measure where the recorded data are others than the page's."""

from pathlib import Path

import polars as pl
import pytest

from gridbot_tui.research.request import Request, prepare
from tests.tools import make_validation, mechanisms
from tests.tools.check_promises import spans, windows

HOUR = 3_600_000
START = 1_617_235_200_000  # 2021-04-01


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the layout of the recorded data, with windows that the page does not know."""
    for file in (
        "um/BTCUSDT/1h/2021-04-01_2021-05-20",
        "um/ETHUSDT/1h/2021-04-01_2021-05-20",
        "um/SOLUSDT/1h/2021-04-05_2021-05-20",
        "um/SOLUSDT/mark_1h/2021-04-05_2021-05-20",
        "spot/BTCUSDT/1h/april",
        "um/BTCUSDT/funding/2021-04-01_2021-05-20",
    ):
        path = tmp_path / f"{file}.parquet"
        path.parent.mkdir(parents=True)
        price = [100.0 + index % 7 for index in range(50 * 24)]
        times = [START + index * HOUR for index in range(len(price))]
        columns = dict.fromkeys(("open", "high", "low", "close", "volume"), price)
        stamps = {"funding_time": times[::8], "funding_rate": [0.0001] * len(times[::8])}
        made = stamps if "/funding/" in file else {"open_time": times, **columns}
        pl.DataFrame(made).write_parquet(path)
    monkeypatch.setenv("GRIDBOT_SHARED_DATA", str(tmp_path))
    return tmp_path


def test_other_windows_are_measured_by_what_lies_there(elsewhere: Path) -> None:
    assert not any(make_validation.paths(case) for case in make_validation.CASES)
    found = make_validation.unseen()
    assert [case.what for case in found] == [
        "spot BTCUSDT, 1h, april",
        "BTCUSDT, ETHUSDT, 1h, 2021-04-01 - 2021-05-20",
        "SOLUSDT, 1h, 2021-04-05 - 2021-05-20",
    ]
    for case in found:
        prepare(Request(make_validation.paths(case)))
    groups, on = make_validation.mechanisms_of()
    assert [len(group) for group in groups] == [2, 1]
    assert on == "BTCUSDT, ETHUSDT, 1h, 2021-04-01 - 2021-05-20; SOLUSDT, 1h, 2021-04-05 - 2021-05-20"


def test_what_others_data_say_is_printed_and_no_page_is_written(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[str] = []

    def play(case: make_validation.Case) -> tuple[make_validation.Case, str, float]:
        return case, "too short", 0.0

    def section(groups: list[tuple[str, ...]], on: str) -> list[str]:
        measured.append(on)
        return ["## What each mechanism adds"]

    monkeypatch.setattr(make_validation, "_one", play)
    monkeypatch.setattr(mechanisms, "lines", section)
    monkeypatch.setattr(make_validation, "OUT", elsewhere / "VALIDATION.md")
    assert make_validation.main([]) == 0
    said = capsys.readouterr()
    assert "um_1h_2021-04-01_2021-05-20 was not played: too short" in said.err
    assert "## What came out" in said.out
    assert "mechanism adds" in said.out
    assert len(measured) == 1
    assert not (elsewhere / "VALIDATION.md").exists()


def test_a_series_that_lacks_a_file_is_not_measured_under_its_name(elsewhere: Path) -> None:
    case = make_validation.Case("pair", "BTC, XRP", ("um/BTCUSDT/1h/2021-04-01_2021-05-20.parquet", "um/XRPUSDT/none"))
    assert make_validation.paths(case) == ()


def test_a_folder_without_candles_is_said_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDBOT_SHARED_DATA", str(tmp_path))
    assert make_validation.main([]) == 2
    assert mechanisms.main() == 2
    assert "see GRIDBOT_SHARED_DATA" in capsys.readouterr().err


def test_windows_for_the_promises_are_drawn_from_files_of_any_name(elsewhere: Path) -> None:
    (elsewhere / "spot" / "BTCUSDT" / "1h" / "broken.parquet").write_bytes(b"PAR1")
    (of_name,) = spans(elsewhere)["spot", "1h"]
    assert of_name[2:] == (START, START + (50 * 24 - 1) * HOUR)
    assert len(list(windows(elsewhere, 6, 1))) == 6
