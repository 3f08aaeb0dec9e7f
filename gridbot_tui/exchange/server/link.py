"""One WebSocket connection: a bounded queue, a writer, pings, and an end."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any, Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.settings import LinkOptions

encode = msgspec.json.Encoder().encode
OnText = Callable[[str], None]
GRACE_S: Final = 5.0
"""How long a connection that is to end may take to read what it was told."""


class Link:
    """A connection. ``send`` never waits; a reader that lags behind by the whole queue is closed."""

    def __init__(self, name: str, market: str, combined: bool, clock: Clock, options: LinkOptions,
                 limited: bool) -> None:  # fmt: skip
        self.name = name
        self.market = market
        self.combined = combined
        self.clock = clock
        self.options = options
        self.silent_until: float | None = None
        """Monotonic time until which nothing is said; None = speaking."""
        self.micros = False
        self.answers_pings = True
        self.closing = False
        self.dropped = 0
        self._limited = limited
        self._ws = web.WebSocketResponse(autoping=False, autoclose=True, heartbeat=None, compress=False,
                                         max_msg_size=1 << 20)  # fmt: skip
        self._queue: deque[bytes] = deque()
        self._wake = asyncio.Event()
        most = options.spot_inbound if market == "spot" else options.futures_inbound
        self._inbound: deque[float] = deque(maxlen=most)
        self._ping_payload = b""
        self._pinged_at: float | None = None
        """Monotonic time of the first ping that has not been answered."""
        self._code = WSCloseCode.OK
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._cut: asyncio.TimerHandle | None = None

    # -- speaking -----------------------------------------------------------------------------------------

    def send(self, frame: Any) -> None:
        """Queue one object."""
        self.send_bytes(encode(frame))

    def send_bytes(self, raw: bytes) -> None:
        """Queue one encoded frame."""
        if self.closing or self._muted():
            return
        queue = self._queue
        if len(queue) >= self.options.queue:
            self.dropped += len(queue)
            queue.clear()
            self.close(WSCloseCode.POLICY_VIOLATION)
            return
        queue.append(raw)
        if not self._wake.is_set():
            self._wake.set()

    def _muted(self) -> bool:
        if self.silent_until is None:
            return False
        if self.silent_until and monotonic() > self.silent_until:
            self.silent_until = None
            return False
        return True

    def silence(self, ms: int) -> None:
        """Stay open and say nothing, for a while or (0) for good."""
        self.silent_until = monotonic() + ms / 1000 if ms else 0.0

    def close(self, code: int = WSCloseCode.OK) -> None:
        """End the connection after what is queued; who does not read it is cut off."""
        self.closing = True
        if self._cut is None:
            self._cut = asyncio.get_running_loop().call_later(GRACE_S, self.abort)
        self._code = WSCloseCode(code) if code in set(WSCloseCode) else WSCloseCode.GOING_AWAY
        self._wake.set()

    def abort(self) -> None:
        """Cut the line: the client sees 1006."""
        self.closing = True
        if self._transport is not None:
            self._transport.abort()
        self._wake.set()

    # -- life ---------------------------------------------------------------------------------------------

    async def serve(self, request: web.BaseRequest, on_text: OnText) -> web.StreamResponse:
        """Live until either side ends it."""
        ws, self._transport = self._ws, request.transport
        try:
            await ws.prepare(request)
        except ConnectionError:
            return web.Response()  # gone before it was answered: aiohttp cannot end a socket that never began
        writer = self._task = asyncio.create_task(self._write(), name=f"writer {self.name}")
        pinger = asyncio.create_task(self._ping(), name=f"pinger {self.name}")
        try:
            async for message in ws:
                if not self._hear(message.type, message.data, on_text):
                    break
        finally:
            self.closing = True
            if self._cut is not None:
                self._cut.cancel()
            pinger.cancel()
            self._wake.set()
            await asyncio.gather(writer, pinger, return_exceptions=True)
            if not ws.closed:
                await ws.close(code=self._code)
        return ws

    def _hear(self, kind: WSMsgType, data: Any, on_text: OnText) -> bool:
        """One message; False where the connection is to end."""
        now = monotonic()
        inbound = self._inbound
        if self._limited and len(inbound) == inbound.maxlen and now - inbound[0] < 1.0:
            self._code = WSCloseCode.POLICY_VIOLATION
            return False
        inbound.append(now)
        if kind is WSMsgType.TEXT:
            on_text(data)
        elif kind is WSMsgType.BINARY:
            on_text(data.decode(errors="replace"))
        elif kind is WSMsgType.PING:
            if self.answers_pings and not self._muted():
                self._pong = asyncio.ensure_future(self._answered(data))
        elif kind is WSMsgType.PONG and bytes(data) == self._ping_payload:
            self._pinged_at = None
        return True

    async def _answered(self, data: bytes) -> None:
        """A pong, where anybody is still there to hear it."""
        with suppress(ConnectionError, RuntimeError):
            await self._ws.pong(data)

    async def _write(self) -> None:
        """Pass on what is queued; then say goodbye."""
        ws, queue = self._ws, self._queue
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while queue:
                    await ws.send_frame(queue.popleft(), WSMsgType.TEXT)
                if self.closing:
                    break
            await ws.close(code=self._code)
        except (ConnectionError, RuntimeError):
            self.closing = True  # the other side is gone

    async def _ping(self) -> None:
        """Ping as Binance does; a client that does not answer in time is cut off.

        In real time, at whatever speed the exchange's runs: that is how long an answer takes.
        """
        spot, options = self.market == "spot", self.options
        every = (options.spot_ping if spot else options.futures_ping) / 1000
        grace = (options.spot_pong if spot else options.futures_pong) / 1000
        last = monotonic()
        while not self.closing:
            await asyncio.sleep(min(5.0, every / 4))
            now = monotonic()
            if self._pinged_at is not None and now - self._pinged_at > grace:
                self.close(WSCloseCode.POLICY_VIOLATION)
                return
            if now - last >= every and not self._muted():
                last = now
                self._ping_payload = str(self.clock.now()).encode()
                self._pinged_at = now if self._pinged_at is None else self._pinged_at
                try:
                    await self._ws.ping(self._ping_payload)
                except ConnectionError:
                    return
