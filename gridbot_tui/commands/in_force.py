"""The config of a running bot, under what its own environment and command line set over the file."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gridbot_tui.commands import talk
from gridbot_tui.commands.exits import CommandFailed
from gridbot_tui.commands.options import Where
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.service.books.profile import running_profiles

if TYPE_CHECKING:
    from gridbot_tui.settings.load import Loaded
    from gridbot_tui.settings.model import Settings
    from gridbot_tui.settings.sections import UiParams

SOON_S: Final = 1.0
"""Longest that an app waits for the bot's word before it opens."""


def running(at: Where, timeout: float = talk.QUESTION_S) -> Snapshot | None:
    """The picture of the bot that runs there; None where none does."""
    found = [one for one in running_profiles(at.home) if at.profile in (None, one.name)]
    return talk.snapshot_of(at, timeout) if found else None


def under(
    bot: Snapshot,
    text: str,
    path: Path | None = None,
    env: Mapping[str, str] = MappingProxyType({}),
    pairs: Iterable[tuple[str, str]] = (),
) -> "Loaded[Settings]":
    """``text`` as the bot would read it; ``env`` and ``pairs`` of this shell over what it was started with.

    :raises ConfigError: where it does not hold
    """
    from gridbot_tui.settings.load import load_text
    from gridbot_tui.settings.word_layer import ENV_PREFIX

    own = {name: value for name, value in bot.config_over if name.startswith(ENV_PREFIX)}
    set_ = [pair for pair in bot.config_over if pair[0] not in own]
    return load_text(text, path, own | dict(env), [*set_, *pairs])


def look(at: Where) -> "UiParams":
    """How an app on that bot is to look: as its config says, under this shell's own environment and options.

    :raises ConfigError: where these do not hold
    """
    from gridbot_tui.settings.load import load

    bot = None
    if at.config is None:
        with suppress(CommandFailed):  # one that does not answer is looked at all the same
            bot = running(at, SOON_S)
    if bot is None:
        return load(at.config, os.environ, at.overrides).settings.ui
    return under(bot, bot.config_text, None, os.environ, at.overrides).settings.ui
