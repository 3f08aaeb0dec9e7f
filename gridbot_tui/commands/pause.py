"""``gridbot pause``: no new entries, exits stay."""

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


def pause(
    ctx: typer.Context,
    symbol: SymbolOption = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Withdraw entries and keep exits, for one symbol or all.

    Example: gridbot pause --symbol BTCUSDT
    """
    at = where(ctx, home, profile, json)
    talk.order(at, CommandKind.PAUSE, {"symbol": talk.symbol_name(symbol)}, timeout)
