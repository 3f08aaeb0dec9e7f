"""The back-test's rows on the what-if screen."""

from msgspec.structs import replace

from gridbot_tui.control.snapshot import TrialView
from gridbot_tui.ui.rows import cells
from gridbot_tui.ui.screens.trials import trial_rows
from tests.ui import fixtures
from tests.ui.running import an_app, pane_text, press, shown

RUNNING = fixtures.TRIALS[0]
EDITED = replace(
    RUNNING, name="edited", daily=0.0004, low=0.0001, high=0.0009, ahead=0.0002, ahead_low=-0.0001, ahead_high=0.0005,
    suggestion="",
)  # fmt: skip


def text(*trials: TrialView, width: int = 96) -> str:
    return "\n".join("".join(span[0] for span in row) for row in trial_rows(trials, width))


async def test_the_screen_says_what_a_day_made_on_how_many_and_how_sure_that_is() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (100, 24)) as pilot:
        await press(pilot, "x")
        found = pane_text(app, "#body")
        assert "back-test as it runs: +0.021 % a day [−0.034 %, +0.079 %] on 60 days" in found
        assert "4.1 fills a day, deepest fall −3.8 %; BTCUSDT, ETHUSDT, 15 min bars" in found
        assert "no change is suggested: of 6 changes" in found


def test_an_edit_stands_beside_what_runs_with_its_difference_and_whether_it_is_one() -> None:
    told = text(RUNNING, EDITED)
    assert "back-test as edited: +0.040 % a day [+0.010 %, +0.090 %] on 60 days" in told
    assert "ahead by +0.020 % a day [−0.010 %, +0.050 %]: no difference is shown" in told
    sure = replace(EDITED, ahead_low=0.0001)
    assert "no difference" not in text(replace(RUNNING, suggestion=""), sure)


def test_few_days_a_run_under_way_and_a_failure_are_said() -> None:
    few = replace(RUNNING, days=7, low=None, high=None, suggestion="")
    assert "+0.021 % a day on 7 days, too few for an interval" in text(few)
    assert text(TrialView("running", "playing", "x", 0)) == "back-test as it runs: being played on the recent past"
    assert text(TrialView("running", "failed", "x", 0, "no candles")) == "back-test as it runs: no candles"
    assert text(TrialView("running", "done", "x", 0, "2 days: nothing is left")).endswith("nothing is left")
    assert text() == ""


def test_colour_is_for_what_luck_does_not_explain() -> None:
    unsure, sure, worse = (
        trial_rows([replace(RUNNING, low=low, high=high, suggestion="")], 96)[0][1][1]
        for low, high in ((-0.1, 0.1), (0.01, 0.1), (-0.1, -0.01))
    )
    assert (unsure, sure, worse) == ("text", "gain", "loss")


def test_every_row_fits_a_small_terminal() -> None:
    rows = trial_rows([RUNNING, replace(EDITED, days=7, low=None, high=None)], 76)
    assert max(cells("".join(span[0] for span in row)) for row in rows) <= 78
