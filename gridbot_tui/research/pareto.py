"""What a search found: the sets that nothing beats in every respect, one of them chosen, judged on days unseen."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.research import intervals
from gridbot_tui.research.analysis import Analysis, analyse
from gridbot_tui.research.backtest import Study, study_of
from gridbot_tui.research.intervals import Interval
from gridbot_tui.research.optimise import Count, Search, as_played, counted, passed_over
from gridbot_tui.research.outcome import by_engine
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.space import Values, defaults
from gridbot_tui.research.storages import shown
from gridbot_tui.research.trial import Score, front, played
from gridbot_tui.research.verdict import assumed
from gridbot_tui.research.workers import side_by_side
from gridbot_tui.units import Ms

if TYPE_CHECKING:
    import optuna

MOST = 12
"""Sets told in full; more are thinned out by drawdown."""
NO_TRIAL = -1
"""Number of a set that was in no trial."""
PLAYED = ("bot", "ladder", "strategy", "risk", "symbols", "orders", "market", "simulation")
"""Sections that decide a run; what the environment says of the others is of the machine that it is searched on."""
SAME = 1e-9
"""Played again, a set must come to the same return."""


class Member(Struct, frozen=True):
    """One set of the front."""

    number: int
    values: Values
    train: Score
    """Played again by the engine, after the search."""
    confirmed: bool
    """True where that came to what the search said."""
    holdout: Score | None
    """On the days after, which the search never saw; None without such days."""


class Found(Struct, frozen=True):
    """Everything a report prints."""

    counted: Count
    tried: int
    """Sets looked at, by the screen as well."""
    front: tuple[Member, ...]
    front_size: int
    chosen: Member
    usual: Member | None
    """The config as it is, where the space holds it."""
    holdout: Study | None
    """The chosen set beside all baselines, on the days after."""
    analysis: Analysis | None
    advantage: Interval | None
    """Yearly return of the chosen set over the config as it is, on the days after."""


Progress = Callable[[int, int], None]


def found(
    wanted: Search,
    study: "optuna.Study",
    holdout: Prepared | None,
    holdout_since: Ms,
    progress: Progress = lambda done, whole: None,
    judging: Callable[[float, float], None] = lambda done, whole: None,
) -> Found:
    """Play the front again, choose, and judge the choice on the holdout. Raises ValueError without a finished trial.

    ``progress`` hears of the sets of the front, then ``judging`` of the runs that the choice is held against.
    """
    # Asked for once: others may go on with the study, and what is told shall be of the trials that it was chosen from.
    trials = study.get_trials(deepcopy=False)
    count, looked_at = counted(trials), counted(trials).done + passed_over(study)
    best_trials = sorted(_front(trials), key=lambda one: one.values[1])
    if not best_trials:
        raise ValueError("no trial was finished: every set was given up or failed; more --trials may help")
    chosen = max(best_trials, key=lambda one: Score(*one.values).ratio)
    told = _thinned(best_trials, MOST, chosen)
    jobs: list[_Job] = [
        (one.number, as_played(one.params, wanted.space, one.user_attrs), one.values[0]) for one in told
    ]
    usual = _usual(wanted, trials)
    if usual is not None and usual[0] not in {job[0] for job in jobs}:
        jobs.append(usual)
    progress(0, len(jobs))
    members = _members(wanted, jobs, holdout, holdout_since, progress)
    best = members[chosen.number]
    judged = analysis = gap = None
    if holdout is not None:
        settings = wanted.settings(best.values)
        judged = study_of(
            replace(holdout, settings=settings),
            full=True,
            judged_from=holdout_since,
            progress=lambda done, whole: judging(done, whole + 1),  # the last is the config as it is
        )
        analysis = analyse(judged, looked_at)
        gap = _advantage(judged, holdout, holdout_since)
    return Found(
        counted=count,
        tried=looked_at,
        front=tuple(members[one.number] for one in told),
        front_size=len(best_trials),
        chosen=best,
        usual=None if usual is None else members[usual[0]],
        holdout=judged,
        analysis=analysis,
        advantage=gap,
    )


def _front(trials: "Sequence[optuna.trial.FrozenTrial]") -> "list[optuna.trial.FrozenTrial]":
    """Finished trials that no other beats in every respect: optuna's own would ask the study once more."""
    from optuna.trial import TrialState

    return [one for _, one in front([(Score(*t.values), t) for t in trials if t.state is TrialState.COMPLETE])]


def _advantage(judged: Study, holdout: Prepared, since: Ms) -> Interval | None:
    """Of the judged run over the config as it is."""
    usual = by_engine("defaults", holdout, holdout.late(since)).daily(since)
    ours = judged.main.daily(since)
    beside = dict(zip(usual.days, usual.returns, strict=True))
    gaps = [value - beside[day] for day, value in zip(ours.days, ours.returns, strict=True) if day in beside]
    return intervals.mean_interval(gaps)


def _thinned(front: Sequence[Any], most: int, chosen: Any) -> list[Any]:
    """So many, evenly along the front, its ends included, and the chosen one."""
    if len(front) <= most:
        return list(front)
    kept = {round(i * (len(front) - 1) / (most - 1)) for i in range(most)} | {front.index(chosen)}
    return [front[i] for i in sorted(kept)]


_Job = tuple[int, Values, float | None]
"""(trial, its values, the return that the search saw; None where it never came to one)."""


def _usual(wanted: Search, trials: "Sequence[optuna.trial.FrozenTrial]") -> _Job | None:
    """The config as it is: also where its trial was given up, or lost with a process that was killed."""
    values = defaults(wanted.space, wanted.train.settings)
    if values is None:
        return None
    for one in trials:
        if one.user_attrs.get("defaults"):
            return one.number, values, one.values[0] if one.values else None
    return NO_TRIAL, values, None


_shared: tuple[Search, Prepared | None, Ms] | None = None


def _again(job: _Job) -> Member:
    """One set played again on the train days and, for the first time, on the days after."""
    assert _shared is not None
    wanted, holdout, since = _shared
    number, values, before = job
    settings = wanted.settings(values)
    train = played(replace(wanted.train, settings=settings), wanted.since)
    after = None if holdout is None else played(replace(holdout, settings=settings), since)
    assert train is not None  # nothing here gives up
    confirmed = before is None or abs(train.net_return - before) <= SAME
    return Member(number, values, train, confirmed, after)


def _members(
    wanted: Search,
    jobs: Sequence[_Job],
    holdout: Prepared | None,
    since: Ms,
    progress: Progress,
) -> dict[int, Member]:
    global _shared
    _shared = (wanted, holdout, since)
    made: dict[int, Member] = {}

    def collect(members: Iterable[Member]) -> None:
        for one in members:
            made[one.number] = one
            progress(len(made), len(jobs))

    try:
        if wanted.workers > 1:
            collect(side_by_side(_again, jobs, wanted.workers))
        else:
            collect(map(_again, jobs))
    finally:
        _shared = None
    return made


def config_text(made: Found, wanted: Search) -> str:
    """The chosen set as a config file that says what it rests on, and by itself is what was played: with what --set
    and the environment said over the config of the search."""
    from gridbot_tui.settings.diff import diff
    from gridbot_tui.settings.edit import set_value
    from gridbot_tui.settings.load import load_text, read

    text = "" if wanted.request.config is None else read(wanted.request.config)
    before = load_text(text, wanted.request.config, {}).settings
    for change in diff(before, wanted.settings(made.chosen.values)):
        if change.path.partition(".")[0] in PLAYED:
            text = set_value(text, change.path, change.new)
    told = [
        f"Chosen by gridbot optimize from {made.counted.done} trials (study {wanted.study}).",
        f"On the days it was chosen on: {_words(made.chosen.train)}.",
    ]
    if made.chosen.holdout is not None:
        told.append(f"On the days after, which the search did not see: {_words(made.chosen.holdout)}.")
    gap = made.advantage
    if gap is not None:
        sure = "more than luck" if gap.low > 0 else "no proof of anything"
        told.append(
            f"There, over the config it started from: {100 * gap.value:+.1f} % a year "
            f"[{100 * gap.low:+.1f}, {100 * gap.high:+.1f}]: {sure}."
        )
    return "".join(f"# {line}\n" for line in told) + "\n" + text.lstrip("\n")


def _words(score: Score) -> str:
    return (
        f"return {100 * score.net_return:+.1f} %, deepest fall {-100 * score.drawdown:.1f} %, "
        f"turnover {score.turnover:.2f} a day, {score.fills} fills"
    )


def document(made: Found, wanted: Search) -> dict[str, Any]:
    """The search as one JSON document."""

    def bounds(found: Interval | None) -> object:
        return None if found is None else msgspec.to_builtins(found)

    held = made.holdout
    return {
        "study": wanted.study,
        "storage": shown(wanted.storage),
        "trials": made.counted.done,
        "complete": made.counted.complete,
        "pruned": made.counted.pruned,
        "failed": made.counted.failed,
        "tried": made.tried,
        "parameters": [one.words for one in wanted.space],
        "train": {"from": wanted.since, "to": wanted.train.market.end},
        "holdout": None if held is None else {"from": held.since, "to": held.prepared.market.end},
        "front_size": made.front_size,
        "pareto": [msgspec.to_builtins(one) for one in made.front],
        "chosen": msgspec.to_builtins(made.chosen),
        "defaults": None if made.usual is None else msgspec.to_builtins(made.usual),
        "advantage_over_defaults": bounds(made.advantage),
        "growth": bounds(None if made.analysis is None else made.analysis.growth),
        "deflated_sharpe": None if made.analysis is None else made.analysis.deflated,
        "baselines": {}
        if made.analysis is None
        else {
            row.name: {
                "net_return": row.net_return,
                "sharpe": row.sharpe,
                "max_drawdown": row.max_drawdown,
                "advantage": bounds(row.advantage),
            }
            for row in made.analysis.rows[1:]
        },
        "assumptions": assumed(wanted.train),
    }
