"""``gridbot resume``: entries rest again."""

import typer

from gridbot_tui.commands import talk
from gridbot_tui.commands.options import (
    HomeOption,
    JsonOption,
    ProfileOption,
    SymbolOption,
    TimeoutOption,
    where,
)
from gridbot_tui.control.command import CommandKind


def resume(
    ctx: typer.Context,
    symbol: SymbolOption = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Let entries rest again, for one symbol or all.

    Example: gridbot resume --symbol BTCUSDT
    """
    at = where(ctx, home, profile, json)
    talk.order(at, CommandKind.RESUME, {"symbol": talk.symbol_name(symbol)}, timeout)
