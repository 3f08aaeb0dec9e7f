"""``gridbot kill``: cancel and close everything by market, latched; also when the bot no longer answers."""

import os

import typer

from gridbot_tui.commands import talk
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import (
    HomeOption,
    JsonOption,
    ProfileOption,
    TimeoutOption,
    YesOption,
    where,
)
from gridbot_tui.control import ask
from gridbot_tui.control.command import Ack, CommandKind
from gridbot_tui.control.errors import ControlError
from gridbot_tui.service.books.profile import Profile

ACK_S = 3.0
"""Seconds until a bot that says nothing is taken to hang."""


def kill(
    ctx: typer.Context,
    yes: YesOption = False,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Cancel all our orders and close everything by market, at once; latched until `gridbot reset kill`.

    A bot that does not answer gets a file KILL in its profile, which it obeys as soon as it can.

    Example: gridbot kill --yes
    """
    at = where(ctx, home, profile, json)
    running = talk.running(at)
    talk.confirm(f"Close everything of {running.name} by market and latch it?", yes=yes)
    acked = False

    def heard(_: Ack) -> None:
        nonlocal acked
        acked = True

    try:
        outcome = ask.send_command(
            running.found_socket, CommandKind.KILL, timeout=timeout, ack_timeout=ACK_S, on_ack=heard
        )
    except ControlError as error:
        if acked:
            raise CommandFailed(
                f"the kill was accepted, but its outcome is unknown: {error}", Exit.TIMED_OUT
            ) from error
        write_file(running)
        raise CommandFailed(
            f"the bot did not take the order ({error}); {running.kill_file} was written: it obeys that "
            f"as soon as it can, and so does the next start",
            Exit.TIMED_OUT,
        ) from error
    talk.report(outcome, at, CommandKind.KILL)


def write_file(profile: Profile) -> None:
    """Put the file KILL into the profile, on disk before this returns."""
    try:
        handle = os.open(profile.kill_file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.write(handle, b"kill\n")
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise CommandFailed(
            f"{profile.kill_file} cannot be written ({error.strerror}); close the positions on the exchange by hand",
            Exit.FAILED,
        ) from error
