"""``gridbot learning``: see and steer what the ensemble has learned."""

from typing import Annotated, Any

import msgspec
import typer

from gridbot_tui.commands import output, talk
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import HomeOption, JsonOption, ProfileOption, TimeoutOption, where
from gridbot_tui.control.command import CommandKind
from gridbot_tui.control.snapshot import LearningView

app = typer.Typer(help="See and steer what the ensemble has learned.", no_args_is_help=True, rich_markup_mode=None)
Weight = Annotated[float, typer.Argument(min=0.0, max=1.0, help="In [0, 1]; the three sum to 1.")]


@app.command()
def show(
    ctx: typer.Context,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = talk.QUESTION_S,
) -> None:
    """Show weights, trust, evidence, and the versions one can roll back to.

    Example: gridbot learning show --json
    """
    at = where(ctx, home, profile, json)
    view = talk.snapshot_of(at, timeout).learning
    if at.json:
        output.document(msgspec.to_builtins(view))
    else:
        print("\n".join(lines(view)), flush=True)


@app.command()
def freeze(
    ctx: typer.Context,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Keep the weights as they are.

    Example: gridbot learning freeze
    """
    _order(ctx, home, profile, json, timeout, action="freeze")


@app.command()
def thaw(
    ctx: typer.Context,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Let the weights learn again.

    Example: gridbot learning thaw
    """
    _order(ctx, home, profile, json, timeout, action="thaw")


@app.command()
def reset(
    ctx: typer.Context,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Forget what was learned and go back to the prior weights.

    Example: gridbot learning reset
    """
    _order(ctx, home, profile, json, timeout, action="reset")


@app.command()
def rollback(
    ctx: typer.Context,
    version: int = typer.Argument(min=0, help="A version that `gridbot learning show` lists."),
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Go back to the weights of an earlier version.

    Example: gridbot learning rollback 3
    """
    _order(ctx, home, profile, json, timeout, action="rollback", version=str(version))


@app.command("set")
def set_weights(
    ctx: typer.Context,
    up: Weight,
    down: Weight,
    neutral: Weight,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Set the three weights by hand.

    Example: gridbot learning set 0.3 0.1 0.6
    """
    if abs(up + down + neutral - 1.0) > 1e-6:
        raise CommandFailed(f"the weights sum to {up + down + neutral:g}, not to 1", Exit.USAGE)
    _order(ctx, home, profile, json, timeout, action="set", up=repr(up), down=repr(down), neutral=repr(neutral))


def lines(view: LearningView) -> list[str]:
    """The learner for a person."""
    head = [
        ("state", "frozen" if view.frozen else "learning"),
        ("version", view.version),
        ("trust in what was learned", f"{view.trust:.2f}"),
        ("evidence against it", f"{view.evidence:.2f} (20 falls back to the prior)"),
        ("days learned from", view.days),
        ("fallen back until (UTC)", output.moment(view.fallback_until)),
    ]
    systems = [
        (
            name,
            getattr(view.weights, name),
            getattr(view.prior, name),
            output.percent(getattr(view.shadow, name)),
        )
        for name in ("up", "down", "neutral")
    ]
    found = [*output.pairs(head), ""]
    found += [*output.table(("system", "weight", "prior", "shadow result"), systems), ""]
    changes = [(version, output.moment(at), cause, *weights) for version, at, cause, *weights in view.changes]
    return found + output.table(("version", "at (UTC)", "cause", "up", "down", "neutral"), changes, left=3)


def _order(ctx: typer.Context, home: Any, profile: Any, json: bool, timeout: float, **args: str) -> None:
    talk.order(where(ctx, home, profile, json), CommandKind.LEARNING, dict(args), timeout)
