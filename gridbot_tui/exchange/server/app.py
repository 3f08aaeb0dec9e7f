"""The running server: sockets, the pacer, a clean end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from aiohttp import web

from gridbot_tui.exchange.server.control import Control
from gridbot_tui.exchange.server.http import Rest
from gridbot_tui.exchange.server.mischief import Mischief
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.streams import Hub
from gridbot_tui.exchange.server.web import Answer, Request, Web
from gridbot_tui.exchange.server.wsapi import WsApi

_SPOT_ROOTS = ("", "ws", "stream", "ws-api")
_STREAM_ROOTS = ("", "ws", "stream", "public", "market", "private")
"""The bare address takes commands as ``/ws`` does."""


class App:
    """One served exchange. Everything it starts ends with ``stop``."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.hub = Hub(place)
        self.api = WsApi(self.hub)
        self.mischief = Mischief(place, self.hub, self.api)
        self._rest = Rest(place)
        self._control = Control(place, self.hub, self.mischief)
        self._sockets = web.Server(self._socket, access_log=None)
        """aiohttp's side: WebSocket handshakes and what comes of them."""
        self._web = Web(self._handle, self._sockets)
        self._server: asyncio.Server | None = None
        self._pacer: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> int:
        """Listen and begin to play; returns the port."""
        options = self.place.options
        if options.hold:
            for floor in self.place.floors.values():
                floor.hold(True, self.place.clock.now())
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._web, options.host, options.port, backlog=1024)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._pacer = asyncio.create_task(self._pace(), name="pacer")
        return self.port

    async def stop(self) -> None:
        """Say goodbye to everybody and close."""
        if self._pacer is not None:
            self._pacer.cancel()
            await asyncio.gather(self._pacer, return_exceptions=True)
        self.mischief.stop()
        for streams in list(self.hub.links):
            self.hub.say_shutdown(streams)
            streams.link.close(1001)
        for api in list(self.api.links):
            self.api.say_shutdown(api)
            api.link.close(1001)
        await asyncio.sleep(0.05)
        if self._server is not None:
            self._server.close()
        await self._web.stop()
        await self._sockets.shutdown(0.5)

    def pacer(self) -> asyncio.Task[None]:
        """The task that plays the market; it ends only by failing."""
        assert self._pacer is not None
        return self._pacer

    def failed(self) -> BaseException | None:
        """Why the market stopped being played, if it did."""
        pacer = self._pacer
        return pacer.exception() if pacer is not None and pacer.done() and not pacer.cancelled() else None

    async def _pace(self) -> None:
        """Wake often, play what is due, send what came of it."""
        place, hub = self.place, self.hub
        nap = max(0.001, min(0.05, place.options.tick_ms / 2000))
        swept = monotonic()
        while True:
            if monotonic() - swept > 1.0:
                swept = monotonic()
                self._web.sweep()
            played = place.advance()
            if played is not None:
                hub.advance(played)
            if place.faults.active:
                self.mischief.tick()
            await asyncio.sleep(nap)

    def _handle(self, request: Request) -> Answer | Coroutine[Any, Any, Answer]:
        if request.path.startswith("/control/") and self.place.options.control:
            return self._control(request.path[9:], request.body)
        return self._rest(request)

    async def _socket(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        root = path.strip("/").split("/")[0]
        place = self.place
        counts = root in _SPOT_ROOTS and "spot" in place.floors
        if counts and not place.limiter.admit_socket(request.remote or "", place.clock.now()):
            return web.Response(status=429, headers={"Retry-After": "300"})
        if path == "/ws-api/v3" and "spot" in place.floors:
            return await self.api.serve(request, "spot", query)
        if path == "/ws-fapi/v1" and "futures" in place.floors:
            return await self.api.serve(request, "futures", query)
        if root in _STREAM_ROOTS:
            return await self.hub.serve(request, path, query)
        return web.Response(status=404)

    def addresses(self) -> dict[str, Any]:
        """Where everything is."""
        name = self.place.options.host
        host = f"[{name}]:{self.port}" if ":" in name else f"{name}:{self.port}"
        found: dict[str, Any] = {"event": "ready", "http": f"http://{host}", "ws": f"ws://{host}",
                                 "markets": list(self.place.floors)}  # fmt: skip
        if "spot" in self.place.floors:
            found |= {"spot_rest": f"http://{host}/api", "spot_ws_api": f"ws://{host}/ws-api/v3",
                      "spot_streams": f"ws://{host}"}  # fmt: skip
        if "futures" in self.place.floors:
            found |= {"futures_rest": f"http://{host}/fapi", "futures_ws_api": f"ws://{host}/ws-fapi/v1",
                      "futures_streams": f"ws://{host}"}  # fmt: skip
        if self.place.options.control:
            found["control"] = f"http://{host}/control"
        return found


@asynccontextmanager
async def served(place: Place) -> AsyncIterator[App]:
    """A started app, stopped at the end."""
    app = App(place)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()
