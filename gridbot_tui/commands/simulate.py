"""``gridbot simulate``: the fault campaign in virtual time."""

from typing import Annotated

import typer

from gridbot_tui.commands import output
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import JsonOption, where

FIRST_SEED = 1


def simulate(
    ctx: typer.Context,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, max=1_000_000, help="How many seeds.")] = 20,
    hours: Annotated[
        float, typer.Option("--hours", metavar="H", min=0.5, max=10_000.0, help="Virtual hours of each seed.")
    ] = 6.0,
    faults: Annotated[str, typer.Option("--faults", metavar="LEVEL", help="none, light or heavy.")] = "heavy",
    seed: Annotated[
        int, typer.Option("--seed", metavar="S", min=0, help="First seed; later ones count up.")
    ] = FIRST_SEED,
    symbols: Annotated[
        int | None,
        typer.Option("--symbols", metavar="N", min=3, max=14, help="Symbols of each seed (default: 3 or 4)."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="KIND", help="Leave out a kind of happening; repeatable.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, max=256, help="Processes (default: one a core).")
    ] = None,
    no_learning: Annotated[bool, typer.Option("--no-learning", help="Keep the heuristic weights.")] = False,
    shrink: Annotated[bool, typer.Option("--shrink/--no-shrink", help="Shrink the first failing seed.")] = True,
    json: JsonOption = False,
) -> None:
    """Let the whole bot live through drawn faults in virtual time, and check every promise from the outside.

    Example: gridbot simulate --seeds 50 --hours 6 --faults heavy
    """
    from gridbot_tui.research.simulation.levels import LEVELS

    at = where(ctx, None, None, json)
    level = LEVELS.get(faults)
    if level is None:
        raise CommandFailed(f"--faults is none, light or heavy, not {faults!r}", Exit.USAGE)
    unknown = sorted(set(without or ()) - level.per_hour.keys())
    if unknown:
        raise CommandFailed(
            f"--faults {faults} has no {unknown[0]!r} to leave out; it has {', '.join(sorted(level.per_hour))}",
            Exit.USAGE,
        )
    from gridbot_tui.research.simulation.campaign import Campaign

    campaign = Campaign(
        tuple(range(seed, seed + seeds)),
        hours,
        faults,
        symbols,
        frozenset(without or ()),
        not no_learning,
        workers,
    )
    _run(campaign, json=at.json, shrink=shrink)


def _run(campaign: object, *, json: bool, shrink: bool) -> None:
    from gridbot_tui.research.ring import RingFailed
    from gridbot_tui.research.simulation import campaign as campaigns
    from gridbot_tui.research.simulation.seed import Outcome

    assert isinstance(campaign, campaigns.Campaign)
    failed: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        if outcome.violation is not None:
            failed.append(outcome)
            name, detail = outcome.violation
            output.say(f"seed {outcome.seed}: {name}: {detail}")
            output.say(f"  play it again: {campaigns.replay(campaign, outcome.seed)}")

    try:
        document = campaigns.run(campaign, tell)
    except RingFailed as killed:
        raise CommandFailed(str(killed), Exit.FAILED) from killed
    if failed and shrink:
        _tell_shrunk(campaign, failed[0])
    if json:
        output.document(document)
    else:
        _print(document)
    if document["invariant_violations"]:
        raise CommandFailed(
            f"{len(document['invariant_violations'])} of {document['seeds']} seeds broke a promise", Exit.FAILED
        )


def _tell_shrunk(campaign: object, failed: object) -> None:
    from gridbot_tui.research.simulation.campaign import Campaign, replay
    from gridbot_tui.research.simulation.seed import Outcome
    from gridbot_tui.research.simulation.shrink import shrink, story

    assert isinstance(campaign, Campaign)
    assert isinstance(failed, Outcome)
    ask = next(one for one in campaign.asks() if one.seed == failed.seed)
    small, outcome = shrink(ask, failed)
    shrunk = Campaign((small.seed,), small.hours, small.level, small.symbols, small.without, small.learning)
    output.say(f"shrunk: {replay(shrunk, small.seed)}")
    for line in story(outcome):
        output.say(f"  {line}")


def _print(document: dict[str, object]) -> None:
    rows = [(name.replace("_", " "), value) for name, value in document.items() if not isinstance(value, dict | list)]
    print("\n".join(output.pairs(rows)))
    injected = document["faults_injected"]
    assert isinstance(injected, dict)
    print("\n".join(["", "injected", *output.pairs(list(injected.items()))]), flush=True)
