"""Real money needs a clear yes: typed at a terminal, or given twice for a start without one."""

import os
import sys
from pathlib import Path

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.service.options import RunOptions
from gridbot_tui.units import Mode

ENV_YES = "GRIDBOT_YES_LIVE"
WORD = "real money"


def agreed(options: RunOptions, *, yes_live: bool) -> bool:
    """Whether the operator has said yes to live; True for every other mode.

    Raises:
        CommandFailed: live, and no yes (exit 4).
    """
    if options.mode is None and _mode_in_config(options) is Mode.LIVE:
        raise CommandFailed(
            "the config says bot.mode = live; real money is only traded where the command line says --mode live too",
            Exit.REFUSED,
        )
    if options.mode is not Mode.LIVE:
        return True
    if yes_live:
        if os.environ.get(ENV_YES, "") == "yes":
            return True
        text = f"--yes-live also needs {ENV_YES}=yes in the environment; nothing was started"
        raise CommandFailed(text, Exit.REFUSED)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CommandFailed(
            f"--mode live asks for a yes at a terminal; without one start it with --yes-live and {ENV_YES}=yes",
            Exit.REFUSED,
        )
    return _typed(_file(options))


def _typed(config: Path | None) -> bool:
    print(
        f"gridbot is about to trade real money on Binance ({config or 'no config file: the defaults'}).\n"
        "It may lose all of it. Stop it with Ctrl+Q, 'gridbot stop' or 'gridbot kill'.",
        file=sys.stderr,
    )
    print(f"Type '{WORD}' to start: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != WORD:
        raise CommandFailed("not confirmed; nothing was started", Exit.REFUSED)
    return True


def _file(options: RunOptions) -> Path | None:
    """The config file that this start takes, be it the profile's own; where none can be read the run says why."""
    from gridbot_tui.service.assemble import RunRefused, config_of
    from gridbot_tui.settings.problems import ConfigError

    try:
        return config_of(options).path
    except (ConfigError, RunRefused):
        return options.config


def _mode_in_config(options: RunOptions) -> Mode | None:
    """The mode that config and environment name; None where they cannot be read: the run itself says why."""
    from gridbot_tui.service.assemble import RunRefused, config_of
    from gridbot_tui.settings.problems import ConfigError

    if options.data:
        return Mode.REPLAY
    try:
        return config_of(options).settings.bot.mode
    except (ConfigError, RunRefused):
        return None
