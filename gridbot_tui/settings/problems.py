"""What can be wrong with a config, one clear sentence each."""

import datetime
from collections.abc import Sequence
from typing import Any

from msgspec import Struct


class Problem(Struct, frozen=True):
    """One thing that must be put right before the config can be used."""

    where: str
    """``config.toml line 12``, an environment variable, or ``--set section.key``."""
    key: str
    """Dotted name of the key; empty where the text as a whole is at fault."""
    text: str
    """What is wrong, what would be right. Never holds a value of a key we do not know: it may be a secret."""

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


class ConfigError(Exception):
    """The config can't be used; exit code 2. ``problems`` holds every reason, in the order of the sources."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def described(value: Any) -> str:
    """A value as it may be shown in a message: short, and without what might be a secret."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # @ and ? begin what an address holds beside its place.
        harmless = len(value) <= 24 and value.isprintable() and not {"@", "?"} & set(value)
        return f'"{value}"' if harmless else f"text of {len(value)} characters"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, datetime.date | datetime.time):
        return f"the date or time {value}"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a very large whole number"
    return str(value)
