"""The search: optuna's trials on all cores, kept in a storage, each played by the engine that trades."""

import hashlib
import multiprocessing
import os
import signal
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.research import space as spaces
from gridbot_tui.research.in_play import InPlay
from gridbot_tui.research.request import Prepared, Request
from gridbot_tui.research.ring import RingFailed
from gridbot_tui.research.space import Parameter, Values
from gridbot_tui.research.storages import StorageFailed, opened, reason, shown
from gridbot_tui.research.trial import Score, hopeless, played
from gridbot_tui.research.workers import hired
from gridbot_tui.settings.load import load
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.units import Ms

if TYPE_CHECKING:
    from multiprocessing.context import ForkContext
    from multiprocessing.queues import SimpleQueue
    from multiprocessing.synchronize import Semaphore

    import optuna

DIRECTIONS = ("maximize", "minimize", "minimize")
"""Return, drawdown, turnover."""
POLL_S = 0.3
PASSED_OVER = "passed_over"
TOLD_ALREADY = "Cannot tell a "
"""How optuna begins to say that a trial has ended before."""


class OptimiseFailed(Exception):
    """The search could not be done; the message is one sentence."""


class Search(Struct, frozen=True):
    """What is searched, and how."""

    request: Request
    train: Prepared
    since: Ms
    """Where the warm-up of the train days ends."""
    space: tuple[Parameter, ...]
    study: str
    storage: str
    trials: int
    """Finished ones in the study, those of earlier runs included."""
    workers: int
    seed: int = 0
    seconds: float | None = None
    first: tuple[Values, ...] = ()
    """Sets to be played before the search goes its own way."""
    passed_over: int = 0
    """Sets that the screen looked at and did not keep."""

    def settings(self, values: Mapping[str, float]) -> Settings:
        """The config with these values. Raises ConfigError."""
        return load(self.request.config, os.environ, self.request.overrides + spaces.pairs(values)).settings

    @property
    def mark(self) -> str:
        """What a study must agree in to be gone on with: data, days, config and space."""
        train, market = self.train, self.train.market
        space = [one.words for one in self.space]
        digest = hashlib.sha256(f"{market.interval} {train.sharing} {train.settings.model_dump()} {space}".encode())
        for one in market.series.values():
            digest.update(f"{one.instrument} {[(rate.at, rate.rate) for rate in one.funding]}".encode())
            for column in (one.times, one.open, one.high, one.low, one.close, one.volume, *(one.mark or ())):
                digest.update(column.tobytes())  # another market's bars may be as many, of the same days
        return digest.hexdigest()[:16]


class Count(Struct, frozen=True):
    """Trials by how they ended."""

    complete: int
    pruned: int
    failed: int

    @property
    def done(self) -> int:
        """All that ended."""
        return self.complete + self.pruned + self.failed


Progress = Callable[[int, int], None]


def search(wanted: Search, progress: Progress = lambda done, whole: None) -> "optuna.Study":
    """Search until the study holds enough trials or time is over; the study.

    Raises:
        StorageFailed: the study cannot be kept there, or is of something else.
        OptimiseFailed: a worker died, or the study can be kept no more.
    """
    study = _begun(wanted)
    done = count(study).done
    if done >= wanted.trials:
        return study
    context = multiprocessing.get_context("fork")
    told = context.SimpleQueue()
    workers = _started(wanted, done, context, told)
    try:
        _watched(wanted, study, workers, progress)
    except Exception as wrong:
        why = reason(wrong)
        if why is None:
            raise
        told.put(why)
    finally:
        for one in workers:
            one.terminate()
            one.join()
    if not told.empty():
        why = f"the study can be kept no more: {told.get()}"
        raise OptimiseFailed(f"{why}; the same command goes on from what is there")
    if any(one.exitcode not in (0, -signal.SIGTERM) for one in workers):
        raise OptimiseFailed("a worker ended before its time; what was found is kept, the same command goes on")
    return study


def _watched(
    wanted: Search, study: "optuna.Study", workers: Sequence[BaseProcess], progress: Progress
) -> None:
    """Until the workers are done, or time is over."""
    began, before = time.monotonic(), count(study).done
    while any(one.is_alive() for one in workers):
        workers[0].join(POLL_S)
        progress(count(study).done - before, wanted.trials - before)
        if wanted.seconds is not None and time.monotonic() - began > wanted.seconds:
            return


def count(study: "optuna.Study") -> Count:
    """How many trials have ended by now."""
    return counted(study.get_trials(deepcopy=False))


def counted(trials: "Sequence[optuna.trial.FrozenTrial]") -> Count:
    """How many of these have ended."""
    from optuna.trial import TrialState

    states = [one.state for one in trials]
    return Count(*(states.count(one) for one in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)))


def passed_over(study: "optuna.Study") -> int:
    """Sets that the screen looked at and did not keep: luck is reckoned with them, too."""
    return int(study.user_attrs.get(PASSED_OVER, 0))


def begun(wanted: Search) -> bool:
    """True where the storage holds the study already. Raises StorageFailed."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return wanted.study in optuna.get_all_study_names(storage=opened(wanted.storage))


def _begun(wanted: Search) -> "optuna.Study":
    """The study, made or gone on with; the config as it is stands first in the queue."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = opened(wanted.storage)
    try:
        study = optuna.create_study(
            storage=storage, study_name=wanted.study, directions=DIRECTIONS, load_if_exists=True
        )
    except (ValueError, KeyError, OSError) as wrong:  # a study of another kind
        raise StorageFailed(f"--storage {shown(wanted.storage)}: this holds no study of gridbot's ({wrong})") from wrong
    mark = study.user_attrs.get("mark")
    if mark is None:
        study.set_user_attr(PASSED_OVER, wanted.passed_over)
        study.set_user_attr("mark", wanted.mark)
        first = spaces.defaults(wanted.space, wanted.train.settings)
        if first is not None:
            study.enqueue_trial(first, user_attrs={"defaults": True})
        for values in wanted.first:
            study.enqueue_trial(values)
    elif mark != wanted.mark:
        raise StorageFailed(
            f"study {wanted.study} in {shown(wanted.storage)} is of other data, days, config or parameters, "
            "or of another version: name another with --study, or repeat the command it was begun with"
        )
    return study


def _started(wanted: Search, done: int, context: "ForkContext", told: "SimpleQueue[str]") -> list[BaseProcess]:
    """Workers at work. Forked: the market is in memory once. What they share besides are the trials left, of which each
    takes one before it begins: who looked at the study alone would begin one more while others still play the last."""
    made: list[BaseProcess] = []
    left = context.Semaphore(max(0, wanted.trials - done))
    for _ in range(wanted.workers):
        one = context.Process(target=_work, args=(wanted, left, told), daemon=True)
        one.start()
        made.append(one)
    return made


def _work(wanted: Search, left: "Semaphore", told: "SimpleQueue[str]") -> None:
    """A worker: trials until the study holds enough. ``told`` hears why the study cannot be kept any more."""
    import optuna

    from gridbot_tui.research.sampling import ByNumber

    hired()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    try:
        study = optuna.load_study(
            study_name=wanted.study, storage=opened(wanted.storage), sampler=ByNumber(wanted.seed)
        )
        _until_full(study, wanted, left)
    except Exception as wrong:
        why = reason(wrong)
        if why is None:
            raise
        told.put(why)
        raise SystemExit(1) from None


def _until_full(study: "optuna.Study", wanted: Search, left: "Semaphore") -> None:
    """Trials until the study holds enough."""
    playing = InPlay()
    while count(study).done < wanted.trials and left.acquire(block=False):
        if not _lacks(study, wanted, playing):
            return
        if not _tried(study, wanted):
            left.release()


def _lacks(study: "optuna.Study", wanted: Search, playing: InPlay) -> bool:
    """Whether a trial is lacking, once that is known: while others, of other machines too, play as many as the study
    lacks, these are waited for. Each machine would play a few more otherwise, and choose from fewer than all."""
    while True:
        trials = study.get_trials(deepcopy=False)
        done = counted(trials).done
        if done >= wanted.trials or done + playing.count(trials) < wanted.trials:
            return done < wanted.trials
        time.sleep(POLL_S)


def _tried(study: "optuna.Study", wanted: Search) -> bool:
    """One trial; False where it was another's. Two processes may take the same set from a database's queue at one
    moment, for SQLite locks no row: who ends later has nothing to tell any more."""
    from optuna.exceptions import UpdateFinishedTrialError

    try:
        study.optimize(lambda trial: _objective(trial, wanted), n_trials=1, catch=(RingFailed, ValueError))
    except UpdateFinishedTrialError:
        return False
    except ValueError as wrong:
        if not str(wrong).startswith(TOLD_ALREADY):
            raise
        return False
    return True


def _objective(trial: "optuna.Trial", wanted: Search) -> tuple[float, float, float]:
    import optuna

    values = suggested(trial, wanted.space)
    try:
        settings = wanted.settings(values)
    except ConfigError as wrong:
        trial.set_user_attr("refused", str(wrong))
        raise optuna.TrialPruned from wrong

    def stop(stage: int, score: Score) -> bool:
        trial.set_user_attr(f"stage{stage}", score.objectives)
        return hopeless(score, _at_stage(trial.study, stage, trial.number))

    score = played(replace(wanted.train, settings=settings), wanted.since, stop)
    if score is None:
        raise optuna.TrialPruned
    trial.set_user_attr("sharpe", score.sharpe)
    trial.set_user_attr("fills", score.fills)
    return score.objectives


def suggested(trial: "optuna.Trial", space: Sequence[Parameter]) -> Values:
    """A value for each key, as it is played."""
    found: Values = {}
    for one in space:
        if one.choices:
            found[one.key] = float(trial.suggest_categorical(one.key, one.choices))
        elif one.whole:
            found[one.key] = trial.suggest_int(one.key, int(one.low), int(one.high))
        else:
            found[one.key] = trial.suggest_float(one.key, one.low, one.high)
    return as_played(found, space, trial.user_attrs)


def as_played(params: Mapping[str, float], space: Sequence[Parameter], attrs: Mapping[str, object]) -> Values:
    """What a trial plays: of a range four digits, which make a config that a person can read. What somebody has written
    stays as it is: values to choose among, and the config as it is."""
    written = {one.key for one in space if one.choices or one.whole}
    exact = bool(attrs.get("defaults"))
    return {key: float(value if exact or key in written else f"{value:.4g}") for key, value in params.items()}


def _at_stage(study: "optuna.Study", stage: int, but: int) -> list[Sequence[float]]:
    """Objectives of the other trials at a stage."""
    name = f"stage{stage}"
    trials = study.get_trials(deepcopy=False)
    return [one.user_attrs[name] for one in trials if one.number != but and name in one.user_attrs]
