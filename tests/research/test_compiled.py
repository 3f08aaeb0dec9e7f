"""Who plays a back-test, and that it makes no difference: compiled code, or the engine where that is not enough."""

import fcntl
import json
import os
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from gridbot_tui.market.aggregate import HourBuilder
from gridbot_tui.market.derive import laddered
from gridbot_tui.research import backtest, baselines, compiled
from gridbot_tui.research.backtest import Study, document, study_of
from gridbot_tui.research.baselines import MORE, USUAL, Variant, warm_at
from gridbot_tui.research.compiled import Compiled
from gridbot_tui.research.outcome import by_engine, outcome_of, ring_of
from gridbot_tui.research.playing import play_all
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.screen import screening, settled
from gridbot_tui.research.screen.settled import Parted
from gridbot_tui.research.screen.tape import fits, tape_of
from gridbot_tui.research.windows import part
from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.units import HOUR, Market
from tests.research.markets import GAP, prepared, series
from tests.research.screen_cases import CASES, LARGE, QUARTER, Case, Keys, told

pytestmark = pytest.mark.compiled

BY_NAME = {case.name: case for case in CASES}
SIDES: list[Keys] = [
    {"ladder__kind": "geometric", "ladder__plain__side": "short", "ladder__plain__leverage": "2"},
    {"ladder__kind": "arithmetic", "ladder__plain__side": "long", "ladder__plain__levels": "30", "orders__depth": "10"},
    {"ladder__kind": "geometric", "ladder__plain__side": "long", "ladder__plain__reinvest": "true", **LARGE},
    {"ladder__kind": "arithmetic", "ladder__plain__side": "short", "ladder__plain__initial_inventory": "true"},
    {"ladder__kind": "geometric", "ladder__plain__side": "long", "ladder__plain__initial_inventory": "true", **LARGE},
]
CHANGED = ("ladder.skew", "strategy.leverage.base")
HOLES = ((16.3, 0.5), (17.7, 0.9), (18.02, 0.96), (18.0, 3.0), (20.5, 0.01))


def ready() -> Prepared:
    return BY_NAME["lively"].ready()


def studied(one: Prepared, **options: object) -> tuple[Study, list[str]]:
    """A study in this process, and what it told."""
    said: list[str] = []
    made = study_of(one, processes=1, tell=said.append, **options)  # type: ignore[arg-type]
    return made, said


def text(made: Study) -> str:
    """The result document without its times."""
    found = document(made)
    return json.dumps({name: value for name, value in found.items() if name not in ("elapsed_s", "bars_per_s")})


@cache
def engines() -> Study:
    """The engine's study of that market, two parameters changed: what all others are held against, played once."""
    return studied(ready(), by="engine", keys=CHANGED)[0]


def by_the_engine() -> list[dict[str, Any]]:
    """What its runs of the usual baselines came to."""
    return [told(engines().others[one.name]) for one in USUAL]


ALL = [*USUAL, *MORE]
PLAYED = [
    *(("lively", one) for one in ALL),
    *(("spot", one) for one in ALL),
    *((name, one) for name in ("outages and episodes", "thin", "a fall that halts") for one in ALL if one.late),
]


@pytest.mark.parametrize(("name", "variant"), PLAYED, ids=lambda one: one if isinstance(one, str) else one.name)
def test_every_baseline_is_the_engines_run(name: str, variant: Variant) -> None:
    one = BY_NAME[name].ready()
    screening.load()
    made = Compiled(one, warm_at(one), print).variant(variant)
    if name == "spot" and variant.late:
        assert made is None, "plain grids on spot are the engine's"
    else:
        assert made is not None
        assert told(made) == told(baselines.play(one, variant, warm_at(one)))


def test_fees_in_a_coin_of_which_one_buys_millions_are_the_engines() -> None:
    one = series("ETHUSDT", 24, seed=6, sigma_hour=0.013, interval=HOUR, market=Market.SPOT)
    cheap = {"tick": Decimal("0.000000001"), "step": Decimal(1000), "max_steps": 10**9, "market_max_steps": 10**9}
    one.instrument = structs.replace(one.instrument, min_price=1, **cheap)
    one.volume[:] = 1e12
    it = prepared(one, interval=HOUR)
    screening.load()
    made = Compiled(it, warm_at(it), print).play("strategy")
    assert made is not None
    assert made.figures["fills"]
    assert told(made) == told(by_engine("strategy", it))
    rich = prepared(one, interval=HOUR, bot__capital="100000000")
    assert "so cheap" in fits(rich)


@pytest.mark.parametrize("keys", SIDES, ids=lambda keys: f"{keys['ladder__kind']} {keys['ladder__plain__side']}")
@pytest.mark.parametrize("name", ["no hysteresis", "liquidated 30"])
def test_plain_grids_of_one_side_are_the_engines_run(name: str, keys: Keys) -> None:
    case = BY_NAME[name]
    one = structs.replace(case, keys=keys).ready()
    screening.load()
    made = Compiled(one, warm_at(one), print).play("strategy")
    ring = ring_of(one)
    ring.run()
    assert made is not None
    assert made.marks
    assert told(made) == told(outcome_of("strategy", ring, one))


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"ladder__plain__side": "neutral"}, "two sides"),
        ({"ladder__plain__trailing_up": "true"}, "trails"),
        ({"ladder__plain__take_profit": "99999"}, "take-profit"),
        ({"ladder__plain__levels": "61"}, "60 levels"),
    ],
)
def test_of_other_plain_grids_it_is_said_why_they_are_not_known(keys: Keys, why: str) -> None:
    given = {"ladder__kind": "geometric", "ladder__plain__side": "long", **keys}
    assert why in fits(prepared(series("BTCUSDT", 3), **given))  # type: ignore[arg-type]


def test_where_stops_may_be_refused_for_their_number_the_engine_plays() -> None:
    """A refused stop is tried again and again, by which the two part."""
    for most, why in (("7", "a limit on open stops that they could come to"), ("8", "")):
        parts = series("ETHUSDT", 3), series("BTCUSDT", 3)
        assert fits(prepared(*parts, simulation__exchange__max_stops=most)) == why


def test_a_spot_pair_whose_amounts_the_exchange_rounds_is_the_engines() -> None:
    for market, why in ((Market.SPOT, "a tick times step finer than eight decimals on spot"), (Market.FUTURES, "")):
        one = series("ETHUSDT", 3, market=market)
        one.instrument = structs.replace(one.instrument, tick=Decimal("0.00001"))
        assert fits(prepared(one)) == why


def test_the_result_document_has_the_same_bytes_whoever_played() -> None:
    ours, _ = studied(ready(), by="compiled")
    assert (ours.compiled, engines().compiled) == (True, False)
    assert text(ours) == text(engines())


def test_changed_parameters_are_the_engines_too() -> None:
    ours, _ = studied(ready(), by="compiled", keys=CHANGED)
    theirs = engines().changed
    assert len(ours.changed) == 4
    assert [(step, told(made)) for step, made in ours.changed] == [(step, told(made)) for step, made in theirs]


def test_while_nothing_is_compiled_a_short_run_is_the_engines_and_a_long_one_is_worth_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(screening, "is_kept", lambda symbols: False)
    said: list[str] = []
    assert not compiled.wanted(ready(), "auto", 3, said.append)
    assert "--played-by compiled" in said.pop()
    assert compiled.wanted(ready(), "auto", 200, said.append)
    assert compiled.wanted(ready(), "compiled", 1, said.append)
    assert all("compiling" in one for one in said)


def test_once_it_is_compiled_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "is_kept", lambda symbols: True)
    said: list[str] = []
    assert compiled.wanted(ready(), "auto", 1, said.append)
    assert not compiled.wanted(ready(), "engine", 1, said.append)
    assert said == []


def test_who_needs_the_run_of_one_symbol_does_not_wait_for_that_of_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screening, "keep_compiled", lambda: tmp_path)
    with screening.compiling_lock(3) as several, screening.compiling_lock(1) as one:
        fcntl.flock(several, fcntl.LOCK_EX)
        fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_where_compiled_code_cannot_be_kept_the_engine_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(symbols: int) -> object:
        raise PermissionError(13, "Permission denied", "/nowhere")

    monkeypatch.setattr(screening, "is_kept", lambda symbols: False)
    monkeypatch.setattr(screening, "compiling_lock", nowhere)
    assert not compiled.wanted(ready(), "auto", 200, lambda text: None)
    with pytest.raises(RunRefused, match="/nowhere"):
        compiled.wanted(ready(), "compiled", 1, lambda text: None)


def test_what_it_does_not_know_is_the_engines_unless_it_was_asked_for() -> None:
    one = prepared(series("ETHUSDT", 16), simulation__exchange__partial_probability="0.1")
    assert not compiled.wanted(one, "auto", 1, lambda text: None)
    with pytest.raises(RunRefused, match="partial fills by chance"):
        compiled.wanted(one, "compiled", 1, lambda text: None)


def test_a_run_that_the_books_contradict_is_played_by_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def parts(*_: object) -> object:
        raise Parted("a fill too many")

    monkeypatch.setattr(settled, "outcome", parts)
    ours, _ = studied(ready(), by="compiled")
    assert not ours.compiled
    assert text(ours) == text(engines())


def test_the_books_are_compared_with_what_the_compiled_run_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    screening.load()
    screen, play = screening.Screen(ready()), screening.Screen.run

    def tampered(self: screening.Screen, *given: object, **named: object) -> screening.Screened:
        made = play(self, *given, **named)  # type: ignore[arg-type]
        made.notes[0, 4] += 1000  # a first fill of more than there was
        return made

    monkeypatch.setattr(screening.Screen, "run", tampered)
    with pytest.raises(Parted, match="its fills come to"):
        settled.outcome("strategy", screen)


def test_more_fills_than_can_be_written_down_are_no_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    screening.load()
    monkeypatch.setattr(screening.Screen.run, "__defaults__", (5, None))
    with pytest.raises(Parted, match="more than can be written down"):
        settled.outcome("strategy", screening.Screen(ready()))


def test_a_run_near_to_what_the_margin_brackets_allow_is_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """There the engine withholds what the exchange would refuse, and that the double does not play."""
    one = ready()
    small = laddered(((5_000, 25, "0.02"), (100_000, 5, "0.1")))
    for played in one.market.series.values():
        monkeypatch.setattr(played, "instrument", structs.replace(played.instrument, brackets=small))
    theirs, _ = studied(one, by="engine")
    ours, said = studied(one, by="compiled")
    assert [line for line in said if "near to what the margin brackets allow" in line]
    assert text(ours) == text(theirs)


def test_why_nothing_was_traded_is_asked_of_the_engine() -> None:
    one = prepared(series("ETHUSDT", 16, interval=QUARTER), interval=QUARTER, bot__capital="1")
    made, _ = studied(one, by="compiled")
    assert not made.compiled
    assert made.main.figures["fills"] == 0
    assert made.main.reasons


def test_a_single_bar_is_the_engines() -> None:
    one = ready()
    alone = part(one.market, one.market.start, one.market.start + 1, GAP)
    assert alone is not None
    assert Compiled(structs.replace(one, market=alone), 0, lambda text: None).play("strategy") is None


def test_a_full_study_has_the_engine_confirm_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "MORE", ())
    made, said = studied(ready(), by="compiled", full=True)
    assert (made.compiled, made.verified, said) == (True, True, [])
    assert made.main.reasons, "of the engine's run it is known what held orders back"


def test_where_they_part_everything_is_the_engines_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "same", lambda ours, theirs: False)
    made, said = studied(ready(), by="compiled", verify=True)
    assert (made.compiled, made.verified) == (False, False)
    assert "defect" in said[-1]


def test_engine_and_compiled_code_work_side_by_side() -> None:
    one = ready()
    played = play_all(one, USUAL, warm_at(one), 2, lambda done, whole: None, "compiled")
    assert played.compiled
    assert [told(each) for each in played.others if not isinstance(each, str)] == by_the_engine()


def test_a_run_that_is_played_aside_is_left_to_the_engine_as_any_other_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = settled.outcome

    def parts(name: str, *given: object) -> object:
        if name == "static_grid":
            raise Parted(f"a fill too many for {os.getpid()}")
        return kept(name, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(settled, "outcome", parts)
    one, said = ready(), list[str]()
    played = play_all(one, USUAL, warm_at(one), 2, lambda done, whole: None, "compiled", said.append)
    assert len(said) == 1
    assert "the engine plays it" in said[0]
    assert str(os.getpid()) not in said[0], "another process found it out"
    assert [told(each) for each in played.others if not isinstance(each, str)] == by_the_engine()


@pytest.mark.parametrize("case", [BY_NAME["outages and episodes"], BY_NAME["hours"], BY_NAME["thin minutes"]])
def test_hours_are_those_that_its_bars_make_one_by_one(case: Case) -> None:
    _hours_agree(case.ready())


def test_hours_with_holes_anywhere_are_those_that_its_bars_make_one_by_one() -> None:
    _hours_agree(prepared(series("ETHUSDT", 22, holes=HOLES)))


def _hours_agree(one: Prepared) -> None:
    (symbol,) = one.market.symbols
    bars, builder, closes = one.market.series[symbol], HourBuilder(), []
    for bar in bars.bars(0, len(bars.times), one.market.interval):
        closes += [hour.close * bars.instrument.tick_f for hour in builder.feed(bar)]
    tape = tape_of(one)
    seen = tape.features[:, 16]
    assert len(seen) > 100
    assert np.isin(seen, closes).all(), "every hour of the columns is one that bars make"
    whole = np.unique(tape.ends[tape.ends[:, 11] == 1, 8] // HOUR)
    made = np.unique(bars.times // HOUR)
    assert len(whole) >= len(made) - 2, "and none is left out"


@pytest.mark.compiles
def test_what_is_loaded_is_what_runs_and_is_kept_where_it_should() -> None:
    screening.load()
    screening.load(3)
    from gridbot_tui.research.screen import loop, several

    runs: tuple[Any, ...] = (loop.run, several.run_several)
    screening.Screen(ready()).run(ready().settings)
    two = prepared(series("ETHUSDT", 2), series("SOLUSDT", 2))
    screening.Screen(two).run(two.settings)
    assert [len(run.signatures) for run in runs] == [1, 1], "one layout of the arrays each, compiled once"
    assert screening.is_kept()
    assert screening.is_kept(2)
    assert not list(Path(screening.__file__).parent.rglob("*.nb[ci]")), "nothing of it lies beside the sources"
