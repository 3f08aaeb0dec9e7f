"""A config text judged as it is typed. The settings room is loaded with the first check, in a thread."""

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that does not hold."""

    line: int | None
    """Counted from 1; None where it is about the text as a whole."""
    text: str


def faults_of(text: str) -> list[Fault]:
    """Everything that is wrong with a config text, in its order; empty where it holds.

    The text alone is judged: what the bot's environment and command line say over it, the bot judges.
    """
    from gridbot_tui.settings.load import load_text
    from gridbot_tui.settings.problems import ConfigError

    try:
        load_text(text, None, {})
    except ConfigError as error:
        return [Fault(_line(one.where), one.text) for one in error.problems]
    return []


def example() -> str:
    """Every key with its default and its reason: what is edited where there is no text yet."""
    from gridbot_tui.settings.example import render

    return render()


def _line(where: str) -> int | None:
    number = where.rpartition(" line ")[2]
    return int(number) if number.isdecimal() else None
