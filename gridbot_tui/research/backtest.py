"""``gridbot backtest``: the run, its baselines beside it, and the result document."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gridbot_tui.research import baselines, sensitivity
from gridbot_tui.research.advantage import advantage
from gridbot_tui.research.baselines import MORE, USUAL
from gridbot_tui.research.compiled import By, Tell, same
from gridbot_tui.research.metrics import DIGITS
from gridbot_tui.research.outcome import Outcome, by_engine
from gridbot_tui.research.playing import play_all
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.sensitivity import Change
from gridbot_tui.units import Ms, Symbol

SHOWN = (
    "net_return",
    "cagr",
    "max_drawdown",
    "sharpe",
    "sortino",
    "calmar",
    "fills",
    "turnover",
    "fees",
    "funding",
    "final_equity",
    "liquidations",
)
"""What is told of a baseline."""
Progress = Callable[[float, float], None]
"""(done, all), in runs: a part of one counts as the part it is."""


class Study(Struct):
    """A back-test with everything beside it."""

    prepared: Prepared
    main: Outcome
    others: dict[str, Outcome]
    skipped: dict[str, str]
    """Baselines that cannot be played on this market, with the reason."""
    since: Ms
    """When all of them may first have traded: comparisons are of the days after it."""
    elapsed_s: float
    bars_per_s: float
    changed: tuple[tuple[Change, Outcome], ...] = ()
    """The strategy with one parameter changed at a time."""
    compiled: bool = False
    """Whether compiled code played the strategy's own run."""
    verified: bool = False
    """Whether the engine played that run as well, and it came to the same."""

    def closes(self, symbol: Symbol) -> tuple[list[Ms], list[float]]:
        """(times, closes) of a symbol, hourly, up to its last bar: the run's own column goes on with that one."""
        _, end, _ = self.prepared.market.coverage(symbol)
        column = zip(self.main.at, self.main.prices[symbol], strict=True)
        known = [(at, price) for at, price in column if price > 0.0 and at <= end]
        return [at for at, _ in known], [price for _, price in known]


def study_of(
    prepared: Prepared,
    *,
    full: bool = False,
    keys: Sequence[str] = (),
    processes: int | None = None,
    progress: Progress = lambda done, whole: None,
    by: By = "auto",
    verify: bool = False,
    tell: Tell = lambda text: None,
    judged_from: Ms | None = None,
) -> Study:
    """Play the strategy and its baselines.

    Args:
        prepared: data and config.
        full: play all baselines of a report, not only those of every result document.
        keys: parameters to change one at a time.
        processes: workers; None = as many as are worth it.
        progress: told about every second, and after every run.
        by: who plays; compiled code where it is ready and knows the market, unless said otherwise.
        verify: have the engine play what compiled code has played; of a full study that is always done.
        tell: hears what a person should know of that.
        judged_from: when the days that count begin, where those before only warm up; a plain grid begins with them
            as well.

    Raises:
        RunRefused: what cannot be played.
        RingFailed: a run that could not go on.
    """
    market = next(iter(prepared.market.instruments.values())).market
    late = judged_from is not None and prepared.late(judged_from) is not None
    steps = sensitivity.changes(prepared.settings, market, keys)
    usual = (*USUAL, *MORE) if full else USUAL
    variants = (*usual, *(msgspec.structs.replace(sensitivity.variant(step), late=late) for step in steps))
    since = baselines.warm_at(prepared) if judged_from is None else judged_from
    played = play_all(prepared, variants, since, processes, progress, by, tell, late=late)
    main, verified = played.main, False
    if played.compiled and (verify or full):
        # Of one's own run one also wants to know what held orders back.
        main = by_engine("strategy", prepared, since if late else None)
        verified = same(played.main, main)
        if not verified:
            tell("the compiled run differs from the engine's, which is a defect: everything is played by the engine")
            played = play_all(prepared, variants, since, processes, progress, late=late)
            main = played.main
    others: dict[str, Outcome] = {"buy_and_hold": baselines.buy_and_hold(prepared, main, since)}
    skipped: dict[str, str] = {}
    for variant, made in zip(usual, played.others, strict=False):
        if isinstance(made, str):
            skipped[variant.name] = made
        else:
            others[variant.name] = made
    elapsed = played.elapsed
    rate = prepared.market.bars_total / elapsed if elapsed > 0 else 0.0
    told = zip(steps, played.others[len(usual) :], strict=True)
    changed = tuple((step, made) for step, made in told if not isinstance(made, str))
    return Study(prepared, main, others, skipped, since, elapsed, rate, changed, played.compiled, verified)


def document(made: Study) -> dict[str, Any]:
    """The result document; without ``elapsed_s`` and ``bars_per_s`` the same bytes every time."""
    figures = dict(made.main.figures)
    head = {name: figures.pop(name) for name in ("bars", "symbols", "episodes")}
    days = figures.pop("days")
    names = ("up", "down", "neutral")
    return {
        **head,
        "elapsed_s": round(made.elapsed_s, 4),
        "bars_per_s": round(made.bars_per_s),
        **figures,
        "systems": {
            name: {"weight_mean": made.main.weight_means[i], "shadow_return": made.main.shadow_returns[i]}
            for i, name in enumerate(names)
        },
        "baselines": {
            name: {key: one.figures[key] for key in SHOWN if key in one.figures} | {"advantage": _ahead(made, one)}
            for name, one in made.others.items()
        },
        "halts": [msgspec.to_builtins(one) | {"kept": one.kept} for one in made.main.halts],
        "days": days,
    }


def _ahead(made: Study, other: Outcome) -> dict[str, float] | None:
    """What the strategy made a year beyond another run, with its 95 % interval; None: too few days to say."""
    found = advantage(made.main.daily(made.since), other.daily(made.since))
    if found is None:
        return None
    return {name: round(getattr(found, name), DIGITS) for name in ("value", "low", "high")}
