"""The doctor's look at Binance, for a profile that trades there."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gridbot_tui.commands import in_force, output
from gridbot_tui.commands.doctor_check import Check, fail, ok
from gridbot_tui.commands.exits import CommandFailed
from gridbot_tui.commands.options import Where
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.units import Market, Mode, Symbol

if TYPE_CHECKING:
    from gridbot_tui.store.queries import Queries


def exchange(where: Where, profile: Profile) -> list[Check]:
    """Whether the exchange answers, and what it says of clock, key and account; nothing for virtual modes."""
    words = profile.name.split("-")
    if len(words) < 2 or words[0] not in set(Mode) or words[1] not in set(Market) or Mode(words[0]).virtual:
        return []
    from gridbot_tui.service.assemble import Plan
    from gridbot_tui.service.options import RunOptions
    from gridbot_tui.service.venues.exchange_look import look
    from gridbot_tui.settings.load import load, load_text
    from gridbot_tui.settings.problems import ConfigError

    own = profile.config_file
    bot = None if where.config or where.overrides else _running(where, profile)
    try:
        if bot is not None:  # there is nowhere else that its key should be sent to
            loaded = in_force.under(bot, bot.config_text)
        elif where.config is None and not own.exists():
            # As it ran last: a file that it was given by name may say that its exchange is elsewhere.
            loaded = load_text(_last_config(profile), None, os.environ, where.overrides)
        else:
            loaded = load(where.config or own, os.environ, where.overrides)
    except ConfigError:
        return []  # the config's own check says what is wrong with it
    options = RunOptions(symbols=_traded(profile))
    seen = look(Plan(options, loaded, Mode(words[0]), Market(words[1]), "1"), output.say)
    return [ok("exchange", seen.found) if seen.ok else fail("exchange", seen.found, seen.advice)]


def _running(where: Where, profile: Profile) -> Snapshot | None:
    try:
        return in_force.running(replace(where, profile=profile.name))
    except CommandFailed:
        return None  # the check of the process says that it does not answer


def _traded(profile: Profile) -> tuple[Symbol, ...]:
    """What the profile has begun to trade; empty before its first run."""
    known = _remembered(profile, lambda reader: reader.get_meta("symbols"))
    return tuple(known.split(",")) if known else ()


def _last_config(profile: Profile) -> str:
    """The text of the config that was last in force; empty before the first run, and without a file."""
    return _remembered(profile, lambda reader: next((one.text for one in reader.configs(limit=1)), None)) or ""


def _remembered(profile: Profile, ask: "Callable[[Queries], str | None]") -> str | None:
    from gridbot_tui.store.errors import StoreError
    from gridbot_tui.store.reader import reading

    try:
        with reading(profile.database) as reader:
            return ask(reader)
    except StoreError:
        return None  # the check of the state file says what is wrong with it
