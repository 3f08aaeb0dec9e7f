"""What tests of the control socket share: quick limits, a client that can misbehave."""

import asyncio
from pathlib import Path

from gridbot_tui.control import codec
from gridbot_tui.control.messages import ServerMessage
from gridbot_tui.service.control_peer import Limits

FAST = Limits(snapshot_every=0.02, quiet_start=0.01, stalled=0.3)


class Raw:
    """A client that can misbehave."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, path: Path) -> "Raw":
        return cls(*await asyncio.open_unix_connection(str(path)))

    async def next(self) -> ServerMessage:
        async with asyncio.timeout(3):
            header = await self.reader.readexactly(4)
            return codec.decode_down(await self.reader.readexactly(int.from_bytes(header, "big")))

    async def until(self, kind: type) -> ServerMessage:
        while not isinstance(message := await self.next(), kind):
            pass
        return message

    async def is_closed(self) -> bool:
        async with asyncio.timeout(3):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass
        return True


async def settle() -> None:
    await asyncio.sleep(0.05)
