"""What the control socket and an embedded UI may do with a running bot."""

from collections.abc import Awaitable
from typing import Any, Protocol

from gridbot_tui.control.command import Ack, Command, CommandOutcome
from gridbot_tui.control.snapshot import Snapshot


class Controlled(Protocol):
    """A running bot, seen from the control side. All methods belong to the service's own loop."""

    def snapshot(self) -> Snapshot:
        """The whole picture now."""
        ...

    def status(self) -> dict[str, Any]:
        """The ``status`` document of the command line."""
        ...

    def submit(self, command: Command, peer: str) -> Ack:
        """Journal and start a command. A repeated id is acknowledged again and not carried out twice."""
        ...

    def outcome(self, command_id: str) -> Awaitable[CommandOutcome]:
        """Wait until the command has converged (or failed). Unknown ids fail at once."""
        ...
