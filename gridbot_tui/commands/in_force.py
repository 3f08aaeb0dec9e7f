"""The config of a running bot, under what its own environment and command line set over the file."""

from pathlib import Path
from typing import TYPE_CHECKING

from gridbot_tui.commands import talk
from gridbot_tui.commands.options import Where
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.service.profile import running_profiles

if TYPE_CHECKING:
    from gridbot_tui.settings.load import Loaded
    from gridbot_tui.settings.model import Settings


def running(at: Where) -> Snapshot | None:
    """The picture of the bot that runs there; None where none does."""
    found = [one for one in running_profiles(at.home) if at.profile in (None, one.name)]
    return talk.snapshot_of(at) if found else None


def under(bot: Snapshot, text: str, path: Path | None = None) -> "Loaded[Settings]":
    """``text`` as the bot would read it.

    :raises ConfigError: where it does not hold
    """
    from gridbot_tui.settings.load import load_text
    from gridbot_tui.settings.word_layer import ENV_PREFIX

    env = {name: value for name, value in bot.config_over if name.startswith(ENV_PREFIX)}
    return load_text(text, path, env, [pair for pair in bot.config_over if pair[0] not in env])
