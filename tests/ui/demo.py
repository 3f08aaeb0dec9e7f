"""A bot that only shows: fixtures over the real control socket, for development and for tests of the line.

``python -m tests.ui.demo [fixture]`` opens the app on it.
"""

import asyncio
import math
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.command import Ack, Command, CommandKind, CommandOutcome
from gridbot_tui.control.messages import Role
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.control.status import status_document
from gridbot_tui.service.operator.control_server import ControlServer
from tests.ui import fixtures


class DemoBot:
    """Its price moves with every look; orders are written down and answered."""

    def __init__(self, snapshot: Snapshot, *, moving: bool = True) -> None:
        self._snapshot = snapshot
        self._moving = moving
        self._looks = 0
        self.orders: list[Command] = []
        self.outcome_delay = 0.0

    def snapshot(self) -> Snapshot:
        """The fixture, a little later."""
        self._looks += 1
        if not self._moving:
            return self._snapshot
        return moved(self._snapshot, self._looks)

    def status(self) -> dict[str, Any]:
        """The status document."""
        return status_document(self._snapshot)

    def submit(self, command: Command, peer: str) -> Ack:
        """Take every order; pause and resume show."""
        self.orders.append(command)
        if command.kind in (CommandKind.PAUSE, CommandKind.RESUME):
            state = "paused" if command.kind is CommandKind.PAUSE else "running"
            self._snapshot = replace(self._snapshot, state=state)
        return Ack(command.id, True)

    def outcome(self, command_id: str) -> Awaitable[CommandOutcome]:
        """Done, after a while."""
        return self._done(command_id)

    async def _done(self, command_id: str) -> CommandOutcome:
        await asyncio.sleep(self.outcome_delay)
        return CommandOutcome(command_id, True, "done")


def moved(snapshot: Snapshot, step: int) -> Snapshot:
    """The same picture with prices that swing."""
    symbols = {}
    for name, view in snapshot.symbols.items():
        if view.price is None:
            symbols[name] = view
            continue
        price = float(view.price) * (1 + 0.0004 * math.sin(step / 5) + 0.0002 * math.sin(step * 1.7))
        text = f"{price:.{view.tick_decimals}f}"
        symbols[name] = replace(view, price=text, mark=text)
    return replace(snapshot, at=snapshot.at + step * 250, symbols=symbols)


@asynccontextmanager
async def serving(bot: DemoBot, path: Path) -> AsyncIterator[ControlServer]:
    """The bot behind a socket."""
    server = ControlServer(bot, path)
    async with server:
        yield server


async def _main(name: str) -> None:
    from gridbot_tui.ui.app import GridApp

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.sock"
        async with serving(DemoBot(fixtures.ALL[name]()), path):

            async def door() -> ControlClient:
                return await ControlClient.connect(path, role=Role.FACE, name="demo")

            await GridApp(door).run_async(mouse=False)


if __name__ == "__main__":
    from gridbot_tui.ui import environ

    environ.prepare()
    asyncio.run(_main(sys.argv[1] if len(sys.argv) > 1 else "normal"))
