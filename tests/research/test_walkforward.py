"""A walk chooses on the past alone and is judged on days it has not seen."""

import re
from pathlib import Path
from typing import Literal

import pytest
from msgspec import structs

from gridbot_tui.research import baselines, metrics, walkforward, windows
from gridbot_tui.research.outcome import by_engine
from gridbot_tui.research.quiet import remarks
from gridbot_tui.research.request import Request, prepare
from gridbot_tui.research.verdict import percent
from gridbot_tui.research.walk_html import sentences
from gridbot_tui.units import DAY, HOUR
from tests.commands.calling import Cli, caller
from tests.research.markets import GAP, START, prepared, series
from tests.research.test_truth import written


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Cli:
    return caller(capsys)


def test_windows_follow_each_other_and_train_before_they_test() -> None:
    found = windows.windows(START, START + 100 * DAY, 30, 20, 14 * DAY)
    assert [(w.train_from - START) // DAY for w in found] == [14, 34]
    assert all(w.test_from - w.train_from == 30 * DAY and w.test_to - w.test_from == 20 * DAY for w in found)
    assert found[0].test_to == found[1].test_from


def test_windows_over_a_hole_are_left_out() -> None:
    market = prepared(series("ETHUSDT", 90, interval=HOUR, holes=((40.0, 30 * 24),)), interval=HOUR).market
    whole = windows.windows(market.start, market.end, 10, 5, 14 * DAY)
    assert len(whole) == 13
    plain = windows.covered(market, whole, 0)
    assert [(one.test_from - START) // DAY for one in plain] == [24, 29, 34, 79, 84]


def test_windows_before_which_nothing_could_warm_up_are_left_out() -> None:
    """The days after a hole were judged as others: nothing could trade on them but buy and hold."""
    market = prepared(series("ETHUSDT", 110, interval=HOUR, holes=((40.0, 30 * 24),)), interval=HOUR).market
    whole = windows.windows(market.start, market.end, 10, 5, 14 * DAY)
    kept = windows.covered(market, whole, 14 * DAY)
    first = [(one.test_from - START) // DAY for one in kept]
    assert first == [24, 29, 34, 89, 94, 99, 104]


def test_a_walk_of_which_no_window_holds_data_is_refused(tmp_path: Path) -> None:
    paths = written(tmp_path, series("ETHUSDT", 50, holes=((15.0, 33 * 24),)))
    with pytest.raises(ValueError, match="too few of them with data"):
        walkforward.walk(Request((paths[0],)), train_days=14, test_days=7, processes=1)


def test_a_part_holds_the_bars_that_open_in_it_and_the_funding_they_see() -> None:
    whole = prepared(series("ETHUSDT", 4)).market
    half = windows.part(whole, START + DAY, START + 2 * DAY, GAP)
    assert half is not None
    times = half.series["ETHUSDT"].times
    assert (int(times[0]), int(times[-1])) == (START + DAY, START + 2 * DAY - 5 * 60_000)
    assert all(START + DAY < rate.at <= START + 2 * DAY for rate in half.series["ETHUSDT"].funding)


def test_a_part_goes_on_telling_what_is_doubtful_about_the_whole(tmp_path: Path) -> None:
    paths = written(tmp_path, series("ETHUSDT", 4, funding=False), series("BTCUSDT", 2))
    whole = prepare(Request(tuple(paths))).market
    half = windows.part(whole, START + 3 * DAY, START + 4 * DAY, GAP)
    assert half is not None
    assert any("no funding is recorded" in line for line in remarks(half))
    assert any(line.startswith("BTCUSDT: no candles in these days") for line in remarks(half))


def test_a_symbol_without_bars_in_a_stretch_leaves_its_share_unused() -> None:
    early, late = series("ETHUSDT", 6), series("BTCUSDT", 6)
    late = structs.replace(late, times=late.times + 4 * DAY, funding=[])
    whole = prepared(early, late)
    one = windows.part(whole.market, START, START + 2 * DAY, GAP)
    assert one is not None
    assert one.symbols == ("ETHUSDT",)
    assert whole.stretch(one).engine_config().shares == {"ETHUSDT": 0.5}
    assert whole.stretch(one).stretch(one).engine_config().shares == {"ETHUSDT": 0.5}
    assert whole.engine_config().shares == {"BTCUSDT": 0.5, "ETHUSDT": 0.5}


def test_values_to_try_are_combined_with_the_defaults_first() -> None:
    sets = walkforward.sets_from(["ladder.skew=1.0,1.25", "strategy.leverage.base=0.4"])
    assert [name for name, _ in sets] == ["defaults", "skew 1.0, base 0.4", "skew 1.25, base 0.4"]
    with pytest.raises(ValueError, match="wants KEY=VALUE"):
        walkforward.sets_from(["ladder.skew"])


def test_days_after_a_window_cannot_change_its_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "USUAL", ())  # no choice hangs on them
    sets = walkforward.sets_from(["ladder.skew=1.25"])
    long = written(tmp_path / "long", series("ETHUSDT", 32, seed=51, sigma_hour=0.013))
    told: list[tuple[int, int]] = []

    def walk(to: int | None) -> walkforward.Walk:
        request = Request((long[0],), to=to)
        return walkforward.walk(
            request, train_days=7, test_days=5, sets=sets, processes=1, progress=lambda *said: told.append(said)
        )

    walks = [walk(to) for to in (START + 27 * DAY, None)]
    runs = told[-1][1]
    assert told[-1 - runs :] == [(done, runs) for done in range(runs + 1)], "the clock starts with the first run"
    short, whole = walks
    assert len(whole.windows) > len(short.windows)
    assert whole.windows[: len(short.windows)] == short.windows
    assert len(whole.days) == 5 * len(whole.windows)
    assert set(whole.returns) == {"chosen", "defaults", "buy_and_hold"}
    assert all(len(values) == len(whole.days) for values in whole.returns.values())


def test_the_command_prints_windows_curves_and_the_gain(tmp_path: Path, call: Cli) -> None:
    path = written(tmp_path, series("ETHUSDT", 36, seed=52, sigma_hour=0.013, funding=False))[0]
    done = call(
        *("--json", "walkforward", "--data", path, "--train", "14", "--test", "7", "--try", "ladder.skew=1.25"),
        *("--report", str(tmp_path / "out"), "--workers", "1"),
    )
    assert done.code == 0, done.err
    assert done.document["sets"] == ["defaults", "skew 1.25"]
    assert len(done.document["windows"]) == 1
    assert {"defaults", "buy_and_hold", "static_grid", "equal_weights"} == set(done.document["baselines"])
    page = (tmp_path / "out" / "walkforward.html").read_text()
    assert "<svg" in page
    assert "Over 7 test days the sets chosen on the past made" in page
    assert "too few for an interval: take no figure here for more than an anecdote" in page
    assert "too few days a year" not in page
    assert not re.search(r"(src|href)\s*=|<script", page)
    assert "<h1>Walk-forward of ETHUSDT</h1>" in page
    assert "best Sharpe ratio of 14 days trades the 7 days after them" in page
    assert "no funding is recorded" in done.err
    doubt = "ETHUSDT: no funding is recorded: 0.01 % every 8 h is assumed"
    assert doubt in done.document["assumptions"]
    assert doubt in page, "a page is read by who has not seen the terminal"
    assert "Maker fee 0.02 %, taker fee 0.05 %" in page
    assert all(one["advantage"] is None for one in done.document["baselines"].values()), "a week is too short"
    held = done.document["baselines"]["buy_and_hold"]
    assert f"<td>buy and hold</td><td>{percent(held['net_return'])}</td>" in page


def test_every_difference_of_a_walk_has_its_interval() -> None:
    window = windows.Window(0, 20 * DAY, 60 * DAY)
    days = tuple(range(20, 60))
    lively = metrics.Daily(days, tuple(0.01 * (-1) ** day for day in days))
    still = metrics.Daily(days, (0.0,) * 40)
    played = {
        (0, "defaults", "train"): (still, ()),
        (0, "defaults", "test"): (lively, (0.004,) * 40),
        **{(0, one.name, walkforward.BESIDE): (still, ()) for one in baselines.USUAL},
    }
    made = walkforward._judged(prepared(series("ETHUSDT", 1)), [window], ["defaults"], played)
    told = walkforward.document(made)["baselines"]
    assert {name: one["advantage"]["value"] for name, one in told.items()} == pytest.approx(
        {"defaults": 0.0, "buy_and_hold": -365 * 0.004, "static_grid": 0.0, "equal_weights": 0.0}, abs=1e-9
    )
    assert told["buy_and_hold"]["advantage"]["high"] < 0.0
    said = sentences(made, walkforward.document(made))
    assert said[0] == "Over 40 test days the sets chosen on the past made -0.2 %."
    assert said[1].endswith("is not distinguishable from zero.")
    assert "Against staying with the defaults no difference is shown: +0.0 % [+0.0 %, +0.0 %] a year" in said[2]
    assert any(line.startswith("Behind buy and hold by -146.0 % [") for line in said)
    assert said[-1].startswith("Deflated for the 1 set to choose among")
    assert said[-1].endswith("which proves nothing.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--train", "60"), "a walk needs at least"),
        (("--try", "ladder.skew"), "wants KEY=VALUE"),
        (("--try", "ladder.skew=7"), "ladder.skew"),
    ],
)
def test_what_cannot_be_walked_is_said_in_one_sentence(
    tmp_path: Path, call: Cli, words: tuple[str, ...], said: str
) -> None:
    path = written(tmp_path, series("ETHUSDT", 30, seed=53))[0]
    done = call("walkforward", "--data", path, *words)
    assert done.code == 2
    assert said in done.err


@pytest.mark.compiled
def test_a_walk_is_the_same_whoever_plays_it(tmp_path: Path) -> None:
    paths = written(tmp_path, series("ETHUSDT", 43, seed=5, sigma_hour=0.012))
    sets = walkforward.sets_from(["ladder.skew=1.25"])[::-1]  # baselines go by the config, whoever was first
    ours, theirs = (
        walkforward.walk(Request((paths[0],)), train_days=14, test_days=7, sets=sets, processes=1, by=by)
        for by in ("compiled", "engine")
    )
    assert walkforward.document(ours) == walkforward.document(theirs)
    assert len(ours.windows) == 2


@pytest.mark.parametrize("by", ["engine", pytest.param("compiled", marks=pytest.mark.compiled)])
def test_a_plain_grid_is_laid_with_its_window(tmp_path: Path, by: Literal["engine", "compiled"]) -> None:
    path = written(tmp_path, series("ETHUSDT", 36, seed=5, sigma_hour=0.012))[0]
    plain = (("ladder.kind", "geometric"), ("ladder.plain.leverage", "1"))
    sets = walkforward.sets_from(["ladder.plain.levels=30"])
    asked = Request((path,), overrides=plain)
    made = walkforward.walk(asked, train_days=14, test_days=7, sets=sets, processes=1, by=by)
    tested = made.windows[0].window
    asked = Request((path,), overrides=plain, frm=tested.test_from, to=tested.test_to)
    alone = by_engine("alone", prepare(asked)).daily(tested.test_from)
    assert made.returns["defaults"][:7] == pytest.approx(alone.returns, abs=1e-12)
    assert any(alone.returns)


def test_a_key_is_tried_by_one_option() -> None:
    with pytest.raises(ValueError, match="named twice"):
        walkforward.sets_from(["ladder.skew=0.9,1.0", "ladder.skew=1.1"])
