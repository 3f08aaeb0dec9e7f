"""A slice of the fault campaign; the whole of it is `make campaign`, the known bugs are `make mutants`."""

import json
import os
import subprocess
import sys

import pytest

from gridbot_tui.research.simulation.campaign import Campaign, absent, document, replay
from gridbot_tui.research.simulation.levels import LEVELS
from gridbot_tui.research.simulation.scenario import draw
from gridbot_tui.research.simulation.seed import Ask, play
from gridbot_tui.research.simulation.shrink import shrink
from gridbot_tui.settings.load import load_text
from gridbot_tui.settings.problems import ConfigError
from tests.simulation.mutants.__main__ import hunt

HEAVY = (1, 2, 4)


@pytest.mark.parametrize("seed", HEAVY)
def test_nothing_is_lost_under_heavy_faults(seed: int) -> None:
    outcome = play(Ask(seed, 3.0, "heavy"))
    assert outcome.violation is None, "\n".join([str(outcome.violation), *outcome.history])
    assert (outcome.unhandled, outcome.duplicates, outcome.lost_fills) == (0, 0, 0)
    assert outcome.residual_max == 0.0
    assert outcome.symbols >= 3


def test_a_perfect_line_loses_nothing_either_on_spot() -> None:
    outcome = play(Ask(7, 2.0, "none"))
    assert outcome.violation is None, "\n".join([str(outcome.violation), *outcome.history])
    assert outcome.fills > 0
    assert outcome.shutdown_code == 0


def test_a_seed_is_one_story() -> None:
    first, again = play(Ask(6, 2.0, "heavy")), play(Ask(6, 2.0, "heavy"))
    assert (first.digest, first.events, first.orders, first.injected) == (
        again.digest,
        again.events,
        again.orders,
        again.injected,
    )


def test_known_bugs_are_found_at_once() -> None:
    code = "from tests.simulation.mutants.__main__ import hunt; print(hunt('{}', 3)[1:3])"
    for name in ("intent_written_after_sending", "cap_of_one_symbol_only"):
        done = subprocess.run(
            [sys.executable, "-c", code.format(name)],
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert "None" not in done.stdout, f"{name} survives: {done.stdout}"
    assert callable(hunt)


def test_every_edit_of_a_scenario_is_valid_but_the_last_which_must_be_refused() -> None:
    for seed in range(1, 9):
        scenario = draw(seed, 6.0, LEVELS["heavy"])
        for text in (scenario.config, *scenario.edits[:-1]):
            load_text(text, None, {}, ())
        with pytest.raises(ConfigError):
            load_text(scenario.edits[-1], None, {}, ())


def test_leaving_a_kind_out_moves_no_other() -> None:
    whole = draw(3, 6.0, LEVELS["heavy"])
    less = draw(3, 6.0, LEVELS["heavy"], without=frozenset({"death"}))
    assert [one for one in whole.happenings if one.kind != "death"] == list(less.happenings)
    assert whole.config == less.config


def test_a_failing_seed_is_shrunk_to_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    from gridbot_tui.research.simulation import shrink as shrinking

    failed = play(Ask(7, 0.5, "none"))
    failed.violation = ("invented", "needs deaths only")

    def pretend(ask: Ask) -> object:
        failed.violation = None if "death" in ask.without else ("invented", "needs deaths only")
        return failed

    monkeypatch.setattr(shrinking, "play", pretend)
    small, _ = shrink(Ask(7, 0.5, "heavy"), failed)
    assert small.without == LEVELS["heavy"].per_hour.keys() - {"death"}


def test_the_document_has_its_stable_names_and_a_command_that_replays() -> None:
    campaign = Campaign((7,), 0.5, "none", workers=1)
    outcome = play(campaign.asks()[0])
    outcome.violation = ("invented", "for the document")
    made = document(campaign, [outcome], 1.0)
    json.dumps(made, allow_nan=False)
    wanted = (
        "seeds virtual_hours events orders fills faults_injected unhandled_exceptions invariant_violations"
        " duplicate_orders orphan_orders lost_fills max_leverage max_leverage_observed max_reconnect_s max_recovery_s"
        " restarts residual_max"
    )
    assert set(wanted.split()) <= made.keys()
    assert made["invariant_violations"][0]["replay"] == replay(campaign, 7)
    assert "--seed 7 --seeds 1 --hours 0.5 --faults none" in replay(campaign, 7)
    assert absent(Campaign((1,), 6.0, "heavy"), __import__("collections").Counter())
