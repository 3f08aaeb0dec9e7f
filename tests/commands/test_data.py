"""gridbot data check: what recorded files hold and lack."""

from pathlib import Path

import pytest

from gridbot_tui.units import HOUR
from tests.commands.calling import Cli, caller
from tests.research.markets import START, series
from tests.research.test_truth import written


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Cli:
    return caller(capsys)


def test_holes_and_missing_funding_are_counted_and_named(tmp_path: Path, call: Cli) -> None:
    path = written(tmp_path, series("ETHUSDT", 4, holes=((1.0, 0.5), (2.0, 5.0))))[0]
    done = call("data", "check", path, "--json")
    assert done.code == 0, done.err
    one = done.document["series"]["ETHUSDT"]
    assert (one["from"], one["bars"], one["missing_bars"], one["holes"]) == (START, 4 * 288 - 66, 66, 2)
    assert (one["funding"], one["mark_prices"]) == (0, False)
    details = {note["code"]: note["detail"] for note in done.document["notes"]}
    assert {"hole", "episode", "no_funding"} <= details.keys()
    assert details["no_funding"] == "no funding is recorded: a back-test charges what market.assumed_funding says"


def test_only_funding_of_the_days_that_are_there_is_counted(tmp_path: Path, call: Cli) -> None:
    path = written(tmp_path, series("ETHUSDT", 2))[0]
    folder = Path(path).parent.parent / "funding"
    folder.mkdir()
    rows = "".join(f"{START + hours * HOUR},0.0001\n" for hours in range(-16, 100, 8))
    (folder / "all.csv").write_text(f"funding_time,funding_rate\n{rows}")
    assert call("data", "check", path, "--json").document["series"]["ETHUSDT"]["funding"] == 6


@pytest.mark.parametrize("option", ["--files-url", "--rest-url"])
def test_an_address_with_a_password_is_refused_and_not_repeated(option: str, tmp_path: Path, call: Cli) -> None:
    words = ("--symbol", "BTCUSDT", "--from", "2024-01-01", "--into", str(tmp_path))
    done = call("data", "download", *words, option, "http://me:hunter2@127.0.0.1:9")
    assert done.code == 2
    assert option in done.err
    assert "hunter2" not in done.err


def test_a_person_gets_a_table_and_the_notes_beside_it(tmp_path: Path, call: Cli) -> None:
    path = written(tmp_path, series("ETHUSDT", 4, holes=((2.0, 5.0),)))[0]
    done = call("data", "check", path)
    assert done.code == 0
    assert "ETHUSDT" in done.out
    assert "episode" in done.err


def test_what_was_recorded_at_other_intervals_is_said_to_be_passed_over(tmp_path: Path, call: Cli) -> None:
    path = written(tmp_path, series("ETHUSDT", 2))[0]
    other = Path(path).parents[2] / "LTCUSDT" / "1h"
    other.mkdir(parents=True)
    (other / "a.csv").write_text("")
    done = call("data", "check", str(Path(path).parents[2]), "--interval", "5m")
    assert done.code == 0
    assert "passed over, as there are no 5m candles of them: LTCUSDT (1h)" in done.err


def test_a_path_that_holds_nothing_is_said_in_one_sentence(tmp_path: Path, call: Cli) -> None:
    done = call("data", "check", str(tmp_path / "nothing"))
    assert done.code == 2
    assert "nothing" in done.err
    assert "Traceback" not in done.err
