"""Looks up the exchange's address in threads that nobody waits for."""

import socket
from functools import partial
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from gridbot_tui.ops.in_thread import in_thread

_NUMBERS: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Resolver(AbstractResolver):
    """The system's own answers. aiohttp's resolver has them from the loop's threads, which are joined when the loop
    ends: a name server that does not answer kept a bot that had stopped, with its lock and its last words."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Every address of a name. Raises OSError."""
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=int(address[1]), family=kind, proto=proto, flags=_NUMBERS
            )
            for kind, _, proto, _, address in await in_thread(look_up)
        ]

    async def close(self) -> None:
        """Nothing is held."""
