"""``gridbot reset``: lift a latch."""

from enum import StrEnum
from typing import Annotated

import typer

from gridbot_tui.commands import talk
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import (
    HomeOption,
    JsonOption,
    ProfileOption,
    TimeoutOption,
    where,
)
from gridbot_tui.control.command import CommandKind


class Latch(StrEnum):
    """What can be reset."""

    DRAWDOWN = "drawdown"
    KILL = "kill"
    STOP = "stop"
    BREAKERS = "breakers"


def reset(
    ctx: typer.Context,
    what: Latch = typer.Argument(help="drawdown (tier T3), kill, stop (a symbol latched by its stop) or breakers."),
    symbol: Annotated[str | None, typer.Option("--symbol", metavar="S", help="The symbol of reset stop.")] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Lift a latch, so that trading may go on.

    Example: gridbot reset stop --symbol BTCUSDT
    """
    if what is Latch.STOP and symbol is None:
        raise CommandFailed("reset stop needs the symbol: --symbol S", Exit.USAGE)
    if what is not Latch.STOP and symbol is not None:
        raise CommandFailed(f"reset {what.value} is of the whole bot: leave --symbol out", Exit.USAGE)
    at = where(ctx, home, profile, json)
    talk.order(at, CommandKind.RESET, {"what": what.value, "symbol": talk.symbol_name(symbol)}, timeout)
