"""A WebSocket as the supervisor sees it, and the one there is: aiohttp's."""

from typing import Any, Protocol

import aiohttp
from aiohttp import ClientWSTimeout, WSMsgType

from gridbot_tui.exchange.binance.errors import BinanceError, told_wait
from gridbot_tui.exchange.binance.resolver import Resolver

CLOSE_WAIT = 0.3
"""For the other side to say goodbye as well, s; a silent one never does."""
LARGEST = 4 << 20
"""Of one frame, bytes; all marks of all symbols together are a twentieth of it."""

DIAL_ERRORS = (BinanceError, aiohttp.ClientError, OSError, TimeoutError, ValueError)
"""What opening a connection may raise, the REST call for a listen key included."""


class TurnedAway(ConnectionError):
    """418 or 429 at the door: nobody of ours may dial for ``after_s`` seconds (0 = not told)."""

    def __init__(self, status: int, after_s: float) -> None:
        super().__init__(f"the exchange answered {status} at the door")
        self.after_s = after_s


class WrongDoor(ConnectionError):
    """There is no such address over there."""


class Socket(Protocol):
    """One open connection. ``receive`` gives a message with ``type`` (WSMsgType) and ``data``, text as bytes."""

    async def receive(self) -> Any:
        """The next message; the last one is of type CLOSE, CLOSED or ERROR."""
        ...

    async def send_str(self, data: str) -> None:
        """Send a text frame."""
        ...

    async def ping(self, message: bytes = b"") -> None:
        """Send a ping."""
        ...

    async def pong(self, message: bytes = b"") -> None:
        """Answer a ping."""
        ...

    async def close(self) -> Any:
        """End it; never waits long."""
        ...


class Dialer(Protocol):
    """Opens connections."""

    async def open(self, url: str) -> Socket:
        """A fresh connection; raises one of DIAL_ERRORS."""
        ...

    async def close(self) -> None:
        """End what is shared between connections."""
        ...


class _Elsewhere(aiohttp.ClientError):
    """The door sends us to another place."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


async def _nowhere_else(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Binance sends nobody elsewhere, and who does is not to be told a listen key, or a key and what it signed: aiohttp
    would follow, and the first words would be said to whoever is there."""
    response = await send(request)
    if 300 <= response.status < 400:
        response.close()
        raise _Elsewhere(response.status)
    return response


class AioDialer:
    """aiohttp: text comes as bytes, pings come through to be counted, no limit of time on reading."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self, url: str) -> Socket:
        """A fresh connection; whoever calls limits the time.

        Raises:
            TurnedAway: the door answered 418 or 429.
            WrongDoor: it answered 400 or 404.
            aiohttp.ClientError, OSError, TimeoutError: no connection.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=Resolver()),
                timeout=aiohttp.ClientTimeout(total=None),
                middlewares=(_nowhere_else,),
            )
        try:
            return await self._session.ws_connect(
                url,
                autoping=False,
                heartbeat=None,
                compress=0,
                max_msg_size=LARGEST,
                decode_text=False,
                timeout=ClientWSTimeout(ws_receive=None, ws_close=CLOSE_WAIT),
            )
        except _Elsewhere as error:
            raise ConnectionError(f"the exchange answered {error.status} at the door") from error
        except aiohttp.WSServerHandshakeError as error:
            if error.status in (418, 429):
                raise TurnedAway(error.status, told_wait(error.status, _seconds(error.headers))) from error
            kind = WrongDoor if error.status in (400, 404) else ConnectionError
            raise kind(f"the exchange answered {error.status} at the door") from error

    async def close(self) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _seconds(headers: Any) -> float:
    """Retry-After, 0 where it is not told."""
    text = (headers or {}).get("Retry-After", "")
    return float(text) if text.isdecimal() and text.isascii() else 0.0


def ending(message: Any, close_code: int | None) -> str:
    """Why a connection ended, in words."""
    if message.type is WSMsgType.ERROR:
        return f"the connection broke: {message.data}"
    code = message.data if isinstance(message.data, int) else close_code
    return f"the exchange closed the connection ({code})" if code else "the connection was cut"
