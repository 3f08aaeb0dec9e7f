"""What tests of the control socket share: quick limits, a client that can misbehave."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from gridbot_tui.control import codec
from gridbot_tui.control.messages import ServerMessage
from gridbot_tui.service.operator.control_peer import Limits

FAST = Limits(snapshot_every=0.02, quiet_start=0.01, stalled=5.0)
PATIENCE_S = 30.0
"""Far more than anything takes, also on a busy machine."""


class Raw:
    """A client that can misbehave."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, path: Path) -> "Raw":
        return cls(*await asyncio.open_unix_connection(str(path)))

    async def next(self) -> ServerMessage:
        async with asyncio.timeout(PATIENCE_S):
            header = await self.reader.readexactly(4)
            return codec.decode_down(await self.reader.readexactly(int.from_bytes(header, "big")))

    async def until(self, kind: type) -> ServerMessage:
        while not isinstance(message := await self.next(), kind):
            pass
        return message

    async def is_closed(self) -> bool:
        async with asyncio.timeout(PATIENCE_S):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass
        return True


async def settle() -> None:
    """A while in which something that must not happen could."""
    await asyncio.sleep(0.05)


async def until(true: Callable[[], object]) -> None:
    """What must happen, however long a busy machine takes."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)
