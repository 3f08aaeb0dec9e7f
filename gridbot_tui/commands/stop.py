"""``gridbot stop``: the graceful shutdown, with proof."""

import time

import typer

from gridbot_tui.commands import output, talk
from gridbot_tui.commands.exits import Exit
from gridbot_tui.commands.options import HomeOption, JsonOption, ProfileOption, TimeoutOption, where
from gridbot_tui.control.command import Ack, CommandKind
from gridbot_tui.service.books.profile import Profile

_GONE_S = 10.0


def stop(
    ctx: typer.Context,
    keep_positions: bool = typer.Option(
        False, "--keep-positions", help="Leave positions, under their resting stop; spot has none."
    ),
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    timeout: TimeoutOption = 180.0,
) -> None:
    """Cancel our orders, close our positions, verify it on the exchange, and end the bot.

    Exit code 6: it stopped, but an order or a position of ours is left.

    Example: gridbot stop --keep-positions
    """
    at = where(ctx, home, profile, json)
    running = talk.running(at)
    args = {"keep_positions": "true" if keep_positions else "false"}
    outcome = talk.give(running, CommandKind.STOP, args, timeout=timeout, on_ack=_accepted)
    if not _gone(running, min(timeout, _GONE_S)):
        output.say(f"the process of {running.name} has not ended yet")
    talk.report(outcome, at, CommandKind.STOP, failed=Exit.NOT_FLAT)


def _accepted(_: Ack) -> None:
    output.say("stopping: orders are cancelled, positions closed, then both are verified")


def _gone(profile: Profile, seconds: float) -> bool:
    """Wait until the process has let go of the profile, so that it can be started again at once."""
    deadline = time.monotonic() + seconds
    while profile.running:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True
