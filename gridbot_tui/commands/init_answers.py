"""What ``gridbot init`` must know, and the questions for it on a plain terminal."""

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import typer
from msgspec import Struct

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.units import Market, Mode, Symbol

GRIDS = ("adaptive", "arithmetic", "geometric")
LARGEST = Decimal(1_000_000_000)


class Answers(Struct, frozen=True):
    """One first config."""

    mode: Mode
    market: Market
    symbols: tuple[Symbol, ...]
    capital: Decimal
    grid: str
    risk: str


def choice(question: str, options: Sequence[str], default: str) -> str:
    """One of a few words; the first letters that tell it are enough."""
    while True:
        typed: str = typer.prompt(f"{question} ({', '.join(options)})", default=default, err=True)
        found = [one for one in options if one.startswith(typed.strip().lower())]
        if typed.strip() and len(found) == 1:
            return found[0]
        typer.echo(f"  one of {', '.join(options)}, please", err=True)


def until(question: str, default: str, understood: Callable[[str], Any]) -> Any:
    """Ask until ``understood`` takes the answer (it raises ValueError with a sentence where it can't)."""
    while True:
        typed = typer.prompt(question, default=default, err=True)
        try:
            return understood(typed)
        except ValueError as wrong:
            typer.echo(f"  {wrong}", err=True)


def money(text: str) -> Decimal:
    """An amount of quote. Raises ValueError."""
    try:
        value = Decimal(text.replace(" ", "").replace("_", ""))
    except InvalidOperation:
        raise ValueError(f"{text!r} is no amount of money; write it as 10000 or 2500.50") from None
    if not (value.is_finite() and 0 < value <= LARGEST):
        raise ValueError(f"the capital must be above 0 and at most {LARGEST}")
    return value


def names(text: str) -> tuple[Symbol, ...]:
    """Symbols with commas or spaces between. Raises ValueError."""
    found = tuple(dict.fromkeys(text.replace(",", " ").upper().split()))
    if not found:
        raise ValueError("name at least one symbol, such as BTCUSDT")
    return found


def usage(understood: Callable[[str], Any], text: str) -> Any:
    """The same for an option: a wrong one ends the command."""
    try:
        return understood(text)
    except ValueError as wrong:
        raise CommandFailed(str(wrong), Exit.USAGE) from wrong
