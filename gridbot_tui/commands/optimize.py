"""``gridbot optimize``: search for better parameters, and say whether the ones found are."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.output import document as print_document
from gridbot_tui.commands.output import encoding, moment, percent, say, table, wrapped
from gridbot_tui.commands.recorded import Asked, folder_for, over_recorded_data, progress, progress_share, writing

if TYPE_CHECKING:
    from gridbot_tui.research.optimise import Search
    from gridbot_tui.research.pareto import Found
    from gridbot_tui.research.request import Prepared
    from gridbot_tui.units import Ms

FOLDER = Path("gridbot-optimize")
SCREENED = 200
"""Sets that are screened before a study begins: a minute's work at most, and many times what the engine plays."""


@over_recorded_data
def optimize(
    asked: Asked,
    params: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="KEY=LOW:HIGH", help="Range to search, or KEY=V1,V2; repeatable."),
    ] = None,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Trials in the study, earlier runs included.")] = 60,
    holdout: Annotated[
        float, typer.Option("--holdout", min=0.0, max=0.8, help="Share of the days kept from the search.")
    ] = 0.3,
    storage: Annotated[
        str | None,
        typer.Option("--storage", metavar="URL", help="journal:FILE or a database (sqlite:///FILE, mysql://...)."),
    ] = None,
    study: Annotated[str, typer.Option("--study", metavar="NAME", help="Name of the study there.")] = "gridbot",
    report: Annotated[
        Path, typer.Option("--report", metavar="DIR", help="Where report, chosen config and journal go.")
    ] = FOLDER,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes (default: one a core).")
    ] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", min=0.01, help="Stop searching after so long.")] = None,
    screened: Annotated[
        int, typer.Option("--screen", metavar="N", min=0, help="Sets to look through by the compiled screen first.")
    ] = SCREENED,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the search; one worker repeats itself.")] = 0,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the front in the terminal.")] = False,
) -> None:
    """Search parameters for return, drawdown and turnover at once, and judge the choice on days it never saw.

    The same command goes on with its study; several machines may share one through --storage.
    Example: gridbot optimize --data um/BTCUSDT/15m --trials 200 --param ladder.skew=0.8:1.2
    """
    from gridbot_tui.research import optimise, pareto
    from gridbot_tui.research.quiet import other_than_asked, remarks
    from gridbot_tui.research.request import prepare
    from gridbot_tui.research.storages import StorageFailed

    folder_for(report)
    try:
        whole = prepare(asked.request)
        train, rest, split, since = _days(whole, holdout)
        wanted = optimise.Search(
            request=asked.request,
            train=train,
            since=since,
            space=_space(params, train),
            study=study,
            storage=storage or f"journal:{report / 'study.journal'}",
            trials=trials,
            workers=workers or os.cpu_count() or 1,
            seed=seed,
            seconds=None if minutes is None else 60 * minutes,
        )
        wanted = _screened(wanted, screened) if screened else wanted
        found = optimise.search(wanted, progress("trials", wanted.seconds))
        told = progress("sets played again"), progress_share("of the choice judged")
        made = pareto.found(wanted, found, rest, split, *told)
    except (StorageFailed, ValueError) as refused:
        raise CommandFailed(str(refused), Exit.USAGE) from refused
    except KeyboardInterrupt:
        kept = "interrupted: what was found is kept, the same command goes on from there"
        raise CommandFailed(kept, Exit.INTERRUPTED) from None
    except optimise.OptimiseFailed as failed:
        raise CommandFailed(str(failed), Exit.FAILED) from failed
    result = pareto.document(made, wanted)
    result["config"] = str(_written(report, made, wanted, result))
    for line in (*other_than_asked(whole), *remarks(whole.market)):
        say(line)
    _tell(made, result, json=asked.json, plot=plot)


def _tell(made: "Found", result: dict[str, Any], *, json: bool, plot: bool) -> None:
    if json:
        print_document(result)
    else:
        print("\n".join(_lines(made, result)))
    if plot:
        from gridbot_tui.research.plot import front, written_for

        out = sys.stderr if json else sys.stdout
        print(written_for(front(made), encoding(out)), file=out)


def _days(whole: "Prepared", holdout: float) -> "tuple[Prepared, Prepared | None, Ms, Ms]":
    """(train market, holdout market with its warm-up, where the holdout begins, where the train days begin)."""
    from gridbot_tui.research.baselines import warm_at
    from gridbot_tui.research.windows import part
    from gridbot_tui.units import DAY, HOUR, MINUTE

    market, settings = whole.market, whole.settings
    since = warm_at(whole)
    days = (market.end - since) // DAY
    if days < 10:
        warm = settings.strategy.warmup_hours / 24
        raise ValueError(f"a search needs at least 10 days after the warm-up of {warm:g}, there are {max(days, 0)}")
    split = since + int(days * (1.0 - holdout)) * DAY
    gap = settings.market.episode_gap_minutes * MINUTE
    train = part(market, market.start, split, gap)
    warm = settings.strategy.warmup_hours * HOUR
    rest = part(market, split - warm, market.end, gap) if holdout else None
    if train is None:
        raise ValueError("no bars are left to search on: lower --holdout")
    return whole.stretch(train), None if rest is None else whole.stretch(rest), split, since


def _screened(wanted: "Search", sets: int) -> "Search":
    """With the sets that the compiled screen finds worth a run; as it was where it does not know the market."""
    from msgspec.structs import replace

    from gridbot_tui.research.optimise import begun
    from gridbot_tui.research.screen.tape import fits

    if begun(wanted):
        return wanted  # its sets were screened when it began
    reason = fits(wanted.train)
    if reason:
        say(f"not screened ({reason}): the engine plays every trial")
        return wanted
    from gridbot_tui.research.screen.screening import load
    from gridbot_tui.research.screen.search import promising, words

    say("screening: compiled code looks for what the engine is to play (it is compiled once, within a minute or two)")
    load(len(wanted.train.market.symbols))
    kept = promising(wanted, sets, max(1, wanted.trials // 2), say, progress("sets screened"))
    say(words(kept, sets))
    return replace(wanted, first=tuple(kept), passed_over=sets - len(kept))


def _space(params: list[str] | None, train: "Prepared") -> Any:
    from gridbot_tui.research import space

    if params:
        return space.parsed(params, train.settings)
    return space.usual(next(iter(train.market.instruments.values())).market, train.settings)


def _written(folder: Path, made: "Found", wanted: "Search", result: dict[str, Any]) -> Path:
    """Report and chosen config."""
    from gridbot_tui.research.optimise_html import CHOSEN, write

    path = folder / CHOSEN
    with writing():
        page, figures = write(folder, made, wanted, {**result, "config": str(path)})
    say(f"report: {page}\nfigures: {figures}\nchosen: {path}")
    return path


def _lines(made: "Found", result: dict[str, Any]) -> list[str]:
    """The search for a person."""
    from gridbot_tui.research.optimise_html import sentences

    rows = []
    for one in made.front:
        after = one.holdout
        rows.append(
            (
                f"{one.number}{' chosen' if one.number == made.chosen.number else ''}",
                percent(one.train.net_return),
                percent(-one.train.drawdown),
                f"{one.train.turnover:.2f}",
                "-" if after is None else percent(after.net_return),
                "-" if after is None else percent(-after.drawdown),
            )
        )
    head = ("trial", "return", "fall", "turnover", "after: return", "fall")
    values = [
        (str(one.number), ", ".join(f"{key.rpartition('.')[2]} {value:g}" for key, value in one.values.items()))
        for one in made.front
    ]
    held = result["holdout"]
    days = "" if held is None else f"; unseen from {moment(held['from'])[:10]}"
    return [
        f"chosen on {moment(result['train']['from'])[:10]} to {moment(result['train']['to'])[:10]}{days}",
        *table(head, rows),
        "",
        *(line for number, told in values for line in wrapped(f"{number}: {told}", hang=4)),
        "",
        *(line for said in sentences(made) for line in wrapped(said)),
    ]
