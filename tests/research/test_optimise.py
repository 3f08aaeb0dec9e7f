"""A search keeps its study, goes on where it stopped, plays what it reports again, and judges it on days unseen."""

import errno
import json
import multiprocessing
import time
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import optuna
import pytest
from msgspec import structs
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from gridbot_tui.commands import recorded
from gridbot_tui.research import backtest, optimise, pareto, space, storages, trial
from gridbot_tui.research.in_play import LEAST_S, TIMES_LONGEST, InPlay
from gridbot_tui.research.journal_lock import JournalLock
from gridbot_tui.research.optimise_html import sentences
from gridbot_tui.research.outcome import ring_of
from gridbot_tui.research.request import Request, prepare
from gridbot_tui.research.sampling import ByNumber
from gridbot_tui.research.storages import StorageFailed, opened, shown
from gridbot_tui.research.trial import FEWEST, Score, hopeless
from gridbot_tui.research.verdict import minute
from gridbot_tui.research.windows import part
from gridbot_tui.settings.load import load
from gridbot_tui.units import DAY, HOUR, Market
from tests.commands.calling import Cli, caller
from tests.research.markets import prepared, series
from tests.research.test_truth import written

SPACE = ("--param", "ladder.skew=0.8:1.2", "--param", "ladder.max_levels=3,8")
ASKED = (*SPACE, "--workers", "1", "--holdout", "0.4", "--screen", "0")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Cli:
    return caller(capsys)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    one = series("ETHUSDT", 24, seed=71, sigma_hour=0.013)
    return written(tmp_path_factory.mktemp("made"), one)[0]


def test_a_search_reports_a_front_that_the_engine_confirms_and_goes_on_later(
    path: str, call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest, "MORE", ())  # the baselines have tests of their own
    monkeypatch.setattr(recorded, "SOON_S", 0.0)
    monkeypatch.setattr(recorded, "pass_every", lambda: 0.0)
    words = ("optimize", "--data", path, "--json", "--report", str(tmp_path), *ASKED)
    first = call(*words, "--trials", "2")
    assert first.code == 0, first.err
    found = first.document
    assert found["trials"] == 2
    assert found["holdout"]["from"] == found["train"]["to"]
    assert all(one["confirmed"] and one["holdout"] for one in found["pareto"])
    assert found["defaults"]["values"] == {"ladder.skew": 1.0, "ladder.max_levels": 8}
    assert {"buy_and_hold", "static_grid", "best_in_hindsight"} <= set(found["baselines"])
    chosen = tomllib.loads((tmp_path / "chosen.toml").read_text())
    assert set(chosen) <= {"ladder"}
    assert load(tmp_path / "chosen.toml", {}).settings.ladder.skew == found["chosen"]["values"]["ladder.skew"]
    assert "no funding is recorded" in first.err
    assert "% of the choice judged, about" in first.err, "the longest part is not silent"
    page = (tmp_path / "optimize.html").read_text()
    assert "never saw" in page
    assert f"judged on the days after, to {minute(found['holdout']['to'])}" in page
    assert json.loads((tmp_path / "optimize.json").read_text())["front_size"] == found["front_size"]
    for told in (page, (tmp_path / "chosen.html").read_text(), " ".join(found["assumptions"])):
        assert "ETHUSDT: no funding is recorded: 0.01 % every 8 h is assumed" in told
        assert "Maker fee 0.02 %" in told
    held: list[int] = []

    def counted(wanted: object, study: optuna.Study, *_: object) -> None:
        held.append(optimise.count(study).done)
        raise ValueError("seen")

    monkeypatch.setattr(pareto, "found", counted)
    assert call(*words, "--trials", "3").code == 2
    assert held == [3], "one more trial, not three"
    other = call(*words, "--trials", "4", "--slippage", "30")
    assert other.code == 2
    assert "is of other data, days, config or parameters, or of another version" in other.err


def test_the_config_it_started_from_is_told_though_its_trial_was_lost(path: str) -> None:
    request = Request((path,))
    train = prepare(request)
    one = space.parsed(SPACE[1::2], train.settings)
    wanted = optimise.Search(request, train, train.market.start, one, "s", "", trials=1, workers=1)
    values = {"ladder.skew": 0.9, "ladder.max_levels": 3.0}
    study = optuna.create_study(directions=optimise.DIRECTIONS)
    study.enqueue_trial(values, user_attrs={"defaults": True})
    study.ask()  # the process that played it was killed
    score = trial.played(structs.replace(train, settings=wanted.settings(values)), train.market.start)
    assert score is not None
    study.enqueue_trial(values)
    study.tell(_asked(study, one), score.objectives)
    made = pareto.found(wanted, study, None, 0)
    assert made.chosen.confirmed
    assert made.usual is not None
    assert made.usual.values == {"ladder.skew": 1.0, "ladder.max_levels": 8}
    assert made.usual.train.fills


@pytest.mark.parametrize("fills", [0, 7])
def test_a_choice_that_keeps_still_is_said_to_do_so(fills: int) -> None:
    """Where all that trade lose, what trades nothing has the most return for its deepest fall."""
    still = pareto.Member(3, {"ladder.skew": 1.0}, Score(0.0, 0.0, 0.0, fills=fills), True, None)
    made = pareto.Found(optimise.Count(1, 0, 0), 1, (still,), 1, still, None, None, None, None)
    assert sum("traded nothing" in one for one in sentences(made)) == (not fills)


def test_what_others_find_meanwhile_is_not_counted_to_the_trials_that_were_chosen_from(path: str) -> None:
    request = Request((path,))
    train = prepare(request)
    one = space.parsed(SPACE[1::2], train.settings)
    wanted = optimise.Search(request, train, train.market.start, one, "s", "", trials=2, workers=1)
    study = optuna.create_study(directions=optimise.DIRECTIONS)
    study.tell(_asked(study, one), (0.01, 0.02, 0.3))
    worse = _asked(study, one)
    study.tell(worse, (0.01, 0.03, 0.3))

    def better(done: int, whole: int) -> None:
        study.tell(_asked(study, one), (0.5, 0.01, 0.1))

    made = pareto.found(wanted, study, None, 0, better)
    assert [member.number for member in made.front] == [made.chosen.number] == [0]
    assert (made.counted.done, made.tried, made.front_size) == (2, 2, 1)
    assert optimise.count(study).done > 2


def test_what_somebody_has_written_is_played_as_it_is_and_what_is_drawn_has_four_digits() -> None:
    sample = prepared(series("ETHUSDT", 2, seed=1)).settings
    words = ("ladder.skew=0.8:1.2", "strategy.votes.neutral_sigma=0.0051234,0.006", "ladder.max_levels=3:8")
    one = space.parsed(words, sample)
    study = optuna.create_study(directions=optimise.DIRECTIONS)
    given = {"ladder.skew": 1.00004, "strategy.votes.neutral_sigma": 0.0051234, "ladder.max_levels": 8}
    study.enqueue_trial(given, user_attrs={"defaults": True})
    assert optimise.suggested(study.ask(), one) == given
    study.enqueue_trial(given)
    assert optimise.suggested(study.ask(), one) == {**given, "ladder.skew": 1.0}


def _asked(study: optuna.Study, one: tuple[space.Parameter, ...]) -> optuna.Trial:
    asked = study.ask()
    optimise.suggested(asked, one)
    return asked


def test_the_chosen_config_by_itself_is_what_was_played(
    path: str, call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search of geometric grids, asked for by --set, wrote a config without a word of them: of the adaptive one."""
    monkeypatch.setenv("GRIDBOT_STRATEGY__LEVERAGE__BASE", "0.4")
    monkeypatch.setenv("GRIDBOT_UI__REFRESH_HZ", "2")
    base = tmp_path / "base.toml"
    base.write_text("# mine\n[ladder]\nspacing_floor = 0.005\n")
    words = ("--set", "ladder.kind=geometric", "--set", "symbols.ETHUSDT.capital_share=0.6", "--slippage", "7")
    asked = ("--data", path, "--trials", "2", "--workers", "1", "--holdout", "0", "--screen", "0", "--json")
    kept = ("--param", "ladder.plain.levels=8:30", "--config", str(base), "--report", str(tmp_path))
    done = call("optimize", *asked, *kept, *words)
    assert done.code == 0, done.err
    text = (tmp_path / "chosen.toml").read_text()
    assert "refresh_hz" not in text, "that is of this machine"
    assert "# mine" in text
    monkeypatch.delenv("GRIDBOT_STRATEGY__LEVERAGE__BASE")
    told = load(tmp_path / "chosen.toml", {}).settings
    assert (told.ladder.kind, told.ladder.spacing_floor, told.strategy.leverage.base) == ("geometric", 0.005, 0.4)
    again = prepare(Request((path,), config=tmp_path / "chosen.toml"))
    score = trial.played(again, done.document["train"]["from"])
    assert score is not None
    assert score.fills > 0
    assert score.net_return == done.document["chosen"]["train"]["net_return"]


def test_the_chosen_set_stands_in_every_table_of_the_front() -> None:
    front = list(range(100, 140))
    for chosen in front:
        told = pareto._thinned(front, 12, chosen)
        assert chosen in told
        assert told == sorted(told)
        assert {100, 139} <= set(told)
        assert len(told) <= 13


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--param", "ladder.skew"), "wants KEY=LOW:HIGH"),
        (("--param", "ladder.skew=0.1:1"), "ladder.skew must stay from 0.5 to 1.25"),
        (("--param", "ladder.skews=1:2"), "there is no number ladder.skews in the config"),
        (("--param", "strategy.learning.enabled=0:1"), "is a switch, not a number"),
        (("--param", "ladder.skew=a:b"), "must be numbers"),
        (("--param", "ladder.skew=1:1"), "the range is empty"),
        (("--storage", "somewhere"), "--storage somewhere: wants journal:FILE"),
        (("--storage", "nodb://x/y"), "--storage nodb://x/y: "),
        (("--storage", "x://a:b:c/y"), "--storage x://a:b:c/y: this is no address of a database"),
        (("--storage", f"journal:{__file__}"), "holds no study of gridbot's"),
        (("--to", "2023-11-20"), "at least 10 days after the warm-up"),
    ],
)
def test_what_an_operator_gets_wrong_is_one_sentence(
    words: tuple[str, ...], said: str, path: str, call: Cli, tmp_path: Path
) -> None:
    done = call("optimize", "--data", path, "--report", str(tmp_path), "--trials", "1", "--screen", "0", *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_trial_is_given_up_only_where_enough_others_did_better_in_every_respect() -> None:
    better, other = (0.2, 0.05, 0.1), (0.3, 0.2, 0.1)
    score = Score(0.1, 0.1, 0.1)
    assert score.dominated_by(better)
    assert not score.dominated_by(other)
    assert not score.dominated_by(score.objectives)
    assert hopeless(score, [better] * 2 + [other] * (FEWEST - 2))
    assert not hopeless(score, [better] + [other] * (FEWEST - 1))
    assert not hopeless(score, [better] * (FEWEST - 1))


def test_the_usual_space_holds_the_defaults_of_both_markets() -> None:
    settings = load(None, {}, ()).settings
    for market in Market:
        found = space.usual(market, settings)
        values = space.defaults(found, settings)
        assert values is not None
        assert load(None, {}, space.pairs(values)).settings == settings
        for edge in ("low", "high"):
            load(None, {}, space.pairs({one.key: getattr(one, edge) for one in found}))


def test_the_usual_space_of_a_plain_grid_is_its_own() -> None:
    plain = (("ladder.kind", "geometric"), ("ladder.plain.range_below", "0.25"))
    settings = load(None, {}, plain).settings
    found = space.usual(Market.FUTURES, settings)
    keys = ["levels", "range_below", "range_above", "leverage"]
    assert [one.key for one in found] == [f"ladder.plain.{key}" for key in keys]
    assert [one.whole for one in found] == [True, False, False, False]
    assert space.defaults(found, settings) is not None
    bounded = load(None, {}, (*plain, ("ladder.plain.lower", "100"), ("ladder.plain.upper", "200"))).settings
    assert [one.key[13:] for one in space.usual(Market.FUTURES, bounded)] == ["levels", "leverage"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [(OperationalError, "table studies already exists"), (IntegrityError, "UNIQUE constraint failed: alembic_version")],
)
def test_a_database_whose_tables_another_is_just_making_is_opened_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[DBAPIError], said: str
) -> None:
    monkeypatch.setattr(storages, "PAUSE_S", 0.0)
    url, real = f"sqlite:///{tmp_path / 'study.db'}", optuna.storages.RDBStorage
    tried: list[str] = []

    def busy(asked: str) -> object:
        tried.append(asked)
        if len(tried) < 3:
            raise kind("CREATE TABLE studies", {}, Exception(said))
        return real(asked)

    monkeypatch.setattr(optuna.storages, "RDBStorage", busy)
    assert opened(url).get_all_studies() == []
    assert tried == [url] * 3
    tried.clear()
    monkeypatch.setattr(storages, "ATTEMPTS", 1)
    with pytest.raises(StorageFailed, match=said):
        opened(url)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_half_an_entry_that_a_dead_process_left_does_not_end_the_study(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    study = optuna.create_study(storage=opened(f"journal:{path}"), study_name="s")
    study.enqueue_trial({"x": 1.0})
    kept = path.read_bytes()
    path.write_bytes(kept + b'{"op_code":4,"worker_id":"half')
    assert [one.study_name for one in opened(f"journal:{path}").get_all_studies()] == ["s"]
    assert path.read_bytes() == kept
    again = optuna.load_study(storage=opened(f"journal:{path}"), study_name="s")
    again.enqueue_trial({"x": 2.0})
    assert len(optuna.load_study(storage=opened(f"journal:{path}"), study_name="s").trials) == 2
    path.write_bytes(b"somebody's notes")
    with pytest.raises(StorageFailed, match="no study of gridbot's"):
        opened(f"journal:{path}")
    assert path.read_bytes() == b"somebody's notes"


def test_a_journal_is_nobodys_once_the_process_that_wrote_to_it_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers are ended at any moment, as after ``--minutes``: one that had just begun to write left a lock behind, for
    which everybody waited for ever."""
    monkeypatch.chdir(tmp_path)
    url = "journal:kept/study.journal"
    optuna.create_study(storage=opened(url), study_name="s")
    context = multiprocessing.get_context("fork")
    holds = context.Event()

    def writer() -> None:
        JournalLock("kept/study.journal").acquire()
        holds.set()
        time.sleep(60.0)

    first = context.Process(target=writer)
    first.start()
    assert holds.wait(10.0)
    second = context.Process(target=lambda: optuna.load_study(study_name="s", storage=opened(url)).ask())
    second.start()
    second.join(0.3)
    assert second.is_alive(), "it waits while the other one writes"
    first.kill()
    second.join(20.0)
    alive = second.is_alive()
    second.kill()
    assert not alive
    assert len(optuna.load_study(study_name="s", storage=opened(url)).trials) == 1
    assert [one.name for one in (tmp_path / "kept").iterdir()] == ["study.journal"]


def test_a_journal_is_a_file() -> None:
    with pytest.raises(StorageFailed, match="/dev/full: this is no file"):
        opened("journal:/dev/full")


def test_a_set_that_another_process_has_played_at_the_same_time_ends_nobody(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = _wanted(path, f"sqlite:///{tmp_path / 'study.db'}")
    study = optimise._begun(wanted)
    taken = study.ask()

    def as_well(trial: optuna.Trial, _: object) -> tuple[float, float, float]:
        study.tell(trial.number, (0.1, 0.1, 0.1))
        return 0.1, 0.1, 0.1

    monkeypatch.setattr(optimise, "_objective", as_well)
    optimise._tried(study, wanted)
    study.tell(taken, (0.1, 0.1, 0.1))
    assert optimise.count(study).complete == 2


def test_a_disk_that_takes_no_more_ends_the_search_with_a_sentence(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = _wanted(path, f"journal:{tmp_path / 'study.journal'}")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(optimise, "_objective", full)
    with pytest.raises(optimise.OptimiseFailed, match=r"kept no more: .*No space left on device; the same command"):
        optimise.search(wanted)
    assert "Traceback" not in capfd.readouterr().err


def test_a_study_is_not_gone_on_with_on_other_prices_of_the_same_days(path: str, tmp_path: Path) -> None:
    wanted = _wanted(path, f"journal:{tmp_path / 'study.journal'}")
    optimise._begun(wanted)
    optimise._begun(_wanted(path, wanted.storage))
    other = written(tmp_path, series("ETHUSDT", 24, seed=72, sigma_hour=0.013))[0]
    with pytest.raises(StorageFailed, match="is of other data"):
        optimise._begun(_wanted(other, wanted.storage))


def test_workers_who_begin_together_play_no_more_trials_than_were_asked_for(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> tuple[float, float, float]:
        time.sleep(0.2)  # all of them look at the study while the others still play
        return 0.1, 0.1, 0.1

    monkeypatch.setattr(optimise, "_objective", slow)
    wanted = structs.replace(_wanted(path, f"journal:{tmp_path / 'study.journal'}"), trials=5, workers=3)
    assert optimise.count(optimise.search(wanted)).done == 5
    assert optimise.count(optimise.search(structs.replace(wanted, trials=7))).done == 7


def test_what_another_machine_plays_is_waited_for_and_what_it_lost_is_played_in_its_place(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = structs.replace(_wanted(path, f"journal:{tmp_path / 'study.journal'}"), trials=5)
    study = optimise._begun(wanted)
    others, lost = [study.ask(), study.ask()], study.ask()
    clock = Clock()

    def wait(seconds: float) -> None:
        clock.now += seconds
        if others:
            study.tell(others.pop(), (0.1, 0.1, 0.1))

    monkeypatch.setattr(optimise, "_objective", lambda *_: (0.1, 0.1, 0.1))
    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(optimise, "InPlay", lambda: InPlay(clock))
    optimise._until_full(study, wanted, multiprocessing.Semaphore(5))
    assert optimise.count(study).done == 5, "not seven"
    assert study.trials[lost.number].state is optuna.trial.TrialState.RUNNING
    assert not others


def test_a_worker_of_this_machine_that_died_is_not_waited_for(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = structs.replace(_wanted(path, f"journal:{tmp_path / 'study.journal'}"), trials=3)
    study = optimise._begun(wanted)
    left = multiprocessing.Semaphore(3)
    left.acquire()
    study.ask()  # and its process was killed

    def never(seconds: float) -> None:
        raise AssertionError("its end is told at once")

    monkeypatch.setattr(optimise, "_objective", lambda *_: (0.1, 0.1, 0.1))
    monkeypatch.setattr(time, "sleep", never)
    optimise._until_full(study, wanted, left)
    assert optimise.count(study).done == 2


def test_a_trial_that_is_in_play_for_many_times_the_longest_is_lost() -> None:
    clock = Clock()
    seen = InPlay(clock)
    study = optuna.create_study()
    study.ask()
    assert seen.count(study.trials) == 1
    clock.now = LEAST_S + 1.0
    assert seen.count(study.trials) == 0, "none has ended yet to tell how long one takes"
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    ended = optuna.trial.create_trial(value=1.0)
    ended.datetime_start, ended.datetime_complete = begun, begun + timedelta(seconds=60)
    study.add_trial(ended)
    assert seen.count(study.trials) == 1, "one took a minute: another may take as long, and a few more"
    clock.now = TIMES_LONGEST * 60.0 + 1.0
    assert seen.count(study.trials) == 0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _wanted(path: str, storage: str) -> optimise.Search:
    request = Request((path,))
    train = prepare(request)
    found = space.parsed(("ladder.skew=0.8:1.2",), train.settings)
    return optimise.Search(request, train, train.market.start + 14 * DAY, found, "s", storage, 4, 1)


def test_two_who_begin_a_study_at_once_look_in_different_places_and_one_alone_repeats_itself() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def looked(count: int, seed: int, others: int = 0) -> list[float]:
        study = optuna.create_study(directions=optimise.DIRECTIONS, sampler=ByNumber(seed))
        for _ in range(others):  # trials of another process in play
            study.ask().suggest_float("x", 0.0, 1.0)
        return [study.ask().suggest_float("x", 0.0, 1.0) for _ in range(count)]

    alone = looked(12, 3)
    assert alone == looked(12, 3)
    assert alone != looked(12, 4)
    assert len(set(alone)) == 12
    assert looked(4, 3, others=4) == alone[4:8], "a place belongs to a trial's number, whoever plays it"


def test_a_study_can_be_kept_in_a_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    assert opened(url).get_all_studies() == []
    with pytest.raises(StorageFailed, match="wants the name of a file"):
        opened("journal:")
    assert shown("mysql://me:my@secret@host/db") == "mysql://me:[hidden]@host/db"
    assert shown("me:my@secret@host/db") == "me:[hidden]@host/db"
    assert shown("mysql://host/db?user=me&password=secret&x=1") == "mysql://host/db?user=me&password=[hidden]&x=1"
    assert shown("sqlite:///a:b") == "sqlite:///a:b"


def test_days_held_back_are_the_only_ones_that_a_plain_grid_is_judged_on(path: str) -> None:
    plain = (("ladder.kind", "geometric"), ("ladder.plain.leverage", "1"), ("ladder.plain.initial_inventory", "true"))
    one = prepare(Request((path,), overrides=plain))
    since = one.market.start + 15 * DAY
    alone = part(one.market, since, one.market.end, HOUR)
    assert alone is not None
    whole, cut = trial.played(one, since), trial.played(one.stretch(alone), since)
    assert whole is not None
    assert whole.fills
    assert whole == cut, "it has no warm-up, so it starts with them, flat"


@pytest.mark.parametrize("by", ["engine", pytest.param("compiled", marks=pytest.mark.compiled)])
def test_the_report_of_a_chosen_plain_grid_is_of_the_days_held_back_alone(by: Literal["engine", "compiled"]) -> None:
    keys = {"ladder__kind": "geometric", "ladder__plain__leverage": "1", "ladder__plain__initial_inventory": "true"}
    one = prepared(series("ETHUSDT", 46, seed=72, sigma_hour=0.012, interval=HOUR), interval=HOUR, **keys)
    since = one.market.start + 15 * DAY
    alone = trial.played(one, since)
    made = backtest.study_of(one, processes=1, by=by, verify=True, judged_from=since)
    assert alone is not None
    assert made.main.start == since
    assert made.verified is (by == "compiled")
    assert made.main.figures["fills"] == alone.fills
    assert made.main.figures["net_return"] == pytest.approx(alone.net_return)
    gap = pareto._advantage(made, one, since)
    assert gap is not None
    assert gap.low == gap.high == 0.0, "the config as it is begins with them, too"


def test_a_run_is_counted_from_the_day_it_is_judged_from(path: str) -> None:
    one = prepare(Request((path,)))
    since = one.market.start + 19 * DAY
    ring = ring_of(one)
    ring.run(since)
    equity, fills = float(ring.engine.desk.ledger.equity_quick() or 0), len(ring.tape.fills)
    assert fills
    ring.run()
    score = trial.score_of(ring, since)
    end = float(ring.engine.desk.ledger.equity_quick() or 0)
    assert score.net_return == pytest.approx(end / equity - 1)
    assert score.fills == len(ring.tape.fills) - fills


def test_sets_that_the_screen_passed_over_were_tried_too(path: str, tmp_path: Path) -> None:
    request = Request((path,))
    train = prepare(request)
    one = space.parsed(SPACE[1::2], train.settings)
    since, kept = train.market.start, f"journal:{tmp_path / 'study'}"
    wanted = optimise.Search(request, train, since, one, "s", kept, trials=1, workers=1, passed_over=190)
    study = optimise.search(wanted)
    assert optimise.count(study).done + optimise.passed_over(study) == 191
    again = optimise.search(structs.replace(wanted, trials=2, passed_over=0))  # its sets were screened when it began
    assert pareto.found(wanted, again, None, 0).tried == 192
