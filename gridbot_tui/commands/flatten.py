"""``gridbot flatten``: close positions and stay, paused."""

import typer

from gridbot_tui.commands import talk
from gridbot_tui.commands.options import (
    HomeOption,
    JsonOption,
    ProfileOption,
    SymbolOption,
    TimeoutOption,
    YesOption,
    where,
)
from gridbot_tui.control.command import CommandKind


def flatten(
    ctx: typer.Context,
    symbol: SymbolOption = None,
    yes: YesOption = False,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 120.0,
) -> None:
    """Cancel our orders, close our position, and stay paused; for one symbol or all.

    Example: gridbot flatten --symbol ETHUSDT --yes
    """
    at = where(ctx, home, profile, json)
    running = talk.running(at)
    name = talk.symbol_name(symbol)
    talk.confirm(f"Close {name or 'every'} position of {running.name} now?", yes=yes)
    args = {"symbol": name} if name else {}
    talk.report(talk.give(running, CommandKind.FLATTEN, args, timeout=timeout), at, CommandKind.FLATTEN)
