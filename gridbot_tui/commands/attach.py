"""``gridbot attach``: the terminal app on a bot that runs already."""

from collections.abc import Awaitable, Callable
from typing import Final

import typer

from gridbot_tui.commands import output, talk
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import Where
from gridbot_tui.commands.run import objection
from gridbot_tui.commands.terminal import Left
from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.messages import Role

Door = Callable[[], Awaitable[ControlClient]]
Open = Callable[[Door], Left]
"""Opens the app; it is passed in, this room does not know it."""

LEFT_SO: Final = {
    "detached": "trading goes on",
    "unheard": "nothing was heard of the bot, so whether it trades is unknown: 'gridbot status' asks it",
    "over": "the bot has ended",
}
"""How the bot was when its screen was left."""


def attach(where: Where, open_app: Open, *, read_only: bool) -> None:
    """Find the running bot and open the app on it. Closing the app leaves the bot as it is."""
    no = objection()
    if no:
        raise CommandFailed(no.replace("use --no-ui to run", "'gridbot status' prints what there is"), Exit.USAGE)
    profile = talk.running(where)

    async def door() -> ControlClient:
        # Looked up anew: a bot that was handed over or restarted may listen elsewhere.
        role = Role.VIEW if read_only else Role.FACE
        return await ControlClient.connect(profile.found_socket, role=role, name="terminal")

    left = open_app(door)
    if left.how == "crashed":
        raise CommandFailed("the terminal app failed; the bot goes on", Exit.FAILED)
    if left.how in ("terminated", "hangup"):
        raise typer.Exit(left.code)  # as a shell knows it: 128 and the signal's number
    if left.how in LEFT_SO:
        output.say(f"gridbot: detached; {LEFT_SO[left.how]}")
