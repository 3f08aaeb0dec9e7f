"""``gridbot reload``: read the config file again."""

import typer

from gridbot_tui.commands import talk
from gridbot_tui.commands.options import HomeOption, JsonOption, ProfileOption, TimeoutOption, where
from gridbot_tui.control.command import CommandKind


def reload(
    ctx: typer.Context,
    preview: bool = typer.Option(False, "--preview", help="Only show what would change."),
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Read the config file again and apply what changed, each key when its class says.

    Example: gridbot reload --preview
    """
    at = where(ctx, home, profile, json)
    talk.order(at, CommandKind.RELOAD, {"preview": "true" if preview else "false"}, timeout)
