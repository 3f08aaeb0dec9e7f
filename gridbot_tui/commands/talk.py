"""Reaching the running bot: what goes wrong on the way becomes a sentence and an exit code."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import typer

from gridbot_tui.commands import output
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import Where
from gridbot_tui.control import ask
from gridbot_tui.control.command import Ack, CommandKind, CommandOutcome
from gridbot_tui.control.errors import ControlError, NotRunning, Refused, TimedOut
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.service.books.profile import NoneRunning, Profile, find_running

T = TypeVar("T")

QUESTION_S = 5.0
"""Seconds a question may take; a bot that does not answer by then hangs."""
LISTENS_S = 5.0
"""Seconds that a process which holds the profile may take to listen: none does while one run follows another in it."""
LOOK_S: Final = 0.1


def running(where: Where) -> Profile:
    """The profile of the bot that is meant."""
    try:
        return find_running(where.home, where.profile)
    except NoneRunning as error:
        raise CommandFailed(str(error), Exit.NOT_RUNNING) from error


def status_of(where: Where, timeout: float = QUESTION_S) -> dict[str, Any]:
    """The status document of the bot that is meant."""
    profile = running(where)
    with explained(profile):
        return _as_it_listens(profile, lambda at: ask.ask_status(at, timeout))


def snapshot_of(where: Where, timeout: float = QUESTION_S) -> Snapshot:
    """The whole picture of the bot that is meant."""
    profile = running(where)
    with explained(profile):
        return _as_it_listens(profile, lambda at: ask.ask_snapshot(at, timeout))


def give(
    profile: Profile,
    kind: CommandKind,
    args: dict[str, str],
    *,
    timeout: float,
    on_ack: Callable[[Ack], None] | None = None,
) -> CommandOutcome:
    """Give an order and wait for its outcome."""
    with explained(profile):
        return _as_it_listens(
            profile, lambda at: ask.send_command(at, kind, args, timeout=timeout, on_ack=on_ack)
        )


def _as_it_listens(profile: Profile, said: Callable[[Path], T]) -> T:
    """Say it to the socket; again for a while where a process holds the profile and nobody listens: nothing was said
    then. What a start waits for takes longer, and is not waited for."""
    until = time.monotonic() + LISTENS_S
    while True:
        try:
            return said(profile.found_socket)
        except NotRunning:
            if time.monotonic() >= until or not profile.running:
                raise
        time.sleep(LOOK_S)


def order(where: Where, kind: CommandKind, args: dict[str, str | None], timeout: float) -> None:
    """Give an order, wait, print what came of it; ends the command where it failed."""
    given = {name: value for name, value in args.items() if value is not None}
    report(give(running(where), kind, given, timeout=timeout), where, kind)


def report(outcome: CommandOutcome, where: Where, kind: CommandKind, failed: Exit = Exit.FAILED) -> None:
    """Print an outcome; a bad one ends the command, with its own exit code or else ``failed``."""
    if where.json:
        output.document(
            {
                "id": outcome.id,
                "kind": kind.value,
                "ok": outcome.ok,
                "text": outcome.text,
                "detail": outcome.detail,
            }
        )
    elif outcome.ok:
        print("\n".join([outcome.text, *output.pairs(list(outcome.detail.items()))]), flush=True)
    code = exit_of(outcome, failed)
    if code is not Exit.DONE:
        raise CommandFailed(f"{kind.value} failed: {outcome.text}", code)


def exit_of(outcome: CommandOutcome, failed: Exit = Exit.FAILED) -> Exit:
    """The exit code of an outcome: its ``detail`` may name one as ``exit_code``."""
    named = outcome.detail.get("exit_code", "")
    if named in {str(code.value) for code in Exit}:
        return Exit(int(named))
    return Exit.DONE if outcome.ok else failed


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person at a terminal; a script is taken at its word."""
    if yes or not sys.stdin.isatty():
        return
    if not typer.confirm(question, default=False, err=True):
        raise CommandFailed("nothing was done", Exit.FAILED)


def symbol_name(symbol: str | None) -> str | None:
    """As Binance writes it."""
    return symbol.upper() if symbol is not None else None


@contextmanager
def explained(profile: Profile) -> Iterator[None]:
    """Turn what can go wrong on the socket into how the command ends."""
    try:
        yield
    except NotRunning as error:
        raise CommandFailed(
            f"profile {profile.name} is held by a process that does not listen yet, or no more: {error}",
            Exit.NOT_RUNNING,
        ) from error
    except Refused as error:
        raise CommandFailed(str(error), Exit.REFUSED) from error
    except TimedOut as error:
        raise CommandFailed(f"profile {profile.name}: {error}", Exit.TIMED_OUT) from error
    except ControlError as error:
        raise CommandFailed(f"profile {profile.name}: {error}", Exit.FAILED) from error
