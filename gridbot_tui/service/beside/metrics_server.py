"""Metrics over HTTP, where the config names an address: ``GET /metrics``, and nothing else.

A scrape costs the loop one picture, as a viewer does, and at most one a second however many scrape. Where nobody can
listen (the port is another program's), trading goes on and it is tried again.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.ops.in_thread import in_thread
from gridbot_tui.ops.params import host_and_port
from gridbot_tui.service.books.footing import Say

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.web_protocol import RequestHandler

AGAIN_S: Final = 60.0
"""An address that could not be had is tried again so much later."""
FRESH_S: Final = 1.0
"""Scrapes within this time get the same page."""
MOST: Final = 32
"""Connections at a time."""


class MetricsServer:
    """Answers scrapes for as long as ``run`` does."""

    def __init__(self, listen: str, snapshot: Callable[[], Snapshot], say: Say, again_s: float = AGAIN_S) -> None:
        """``listen``: see ``MetricsParams``; ``say`` tells the operator."""
        self._listen = listen
        self._snapshot = snapshot
        self.say = say
        self._again_s = again_s
        self._changed = asyncio.Event()
        self._made: tuple[float, bytes] | None = None
        """The last page, and when it was made."""
        self._told = ""
        """Why none could be made, where that was said."""

    def obey(self, listen: str) -> None:
        """Another address is in force."""
        if listen != self._listen:
            self._listen = listen
            self._changed.set()

    async def run(self) -> None:
        """Serve at the address in force, and go with it to another."""
        failing = ""
        while True:
            self._changed.clear()
            listen = self._listen
            if not listen:
                await self._changed.wait()
                continue
            try:
                async with self._serving(listen):
                    self.say("info", "metrics", f"metrics are served at http://{listen}/metrics")
                    failing = ""
                    await self._changed.wait()
            except (OSError, UnicodeError) as error:  # the latter of a name that no host can have
                why = f"metrics cannot be served at {listen} ({getattr(error, 'strerror', None) or error})"
                if why != failing:
                    self.say("warning", "metrics", f"{why}; it is tried again every {self._again_s:g} s")
                failing = why
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._again_s):  # wait_for may swallow the end of the run (Python 3.11)
                        await self._changed.wait()

    @contextlib.asynccontextmanager
    async def _serving(self, listen: str) -> AsyncIterator[None]:
        host, port = host_and_port(listen)
        await in_thread(_load)  # a tenth of a second that no order should wait for
        from aiohttp import web

        app = web.Application()
        app.router.add_get("/metrics", self._answer)
        runner = web.AppRunner(app, handle_signals=False, access_log=None, logger=_nowhere(), shutdown_timeout=1.0)
        await runner.setup()
        assert runner.server is not None
        try:
            door = await asyncio.get_running_loop().create_server(partial(_admit, runner.server), host, port)
            try:
                yield
            finally:
                door.close()
        finally:
            await runner.cleanup()

    async def _answer(self, _: "web.Request") -> "web.Response":
        from aiohttp import web

        from gridbot_tui.ops.metrics import CONTENT_TYPE, page

        now = asyncio.get_running_loop().time()
        if self._made is None or now - self._made[0] >= FRESH_S:
            try:
                self._made, self._told = (now, page(self._snapshot())), ""
            except Exception as defect:  # told here, for aiohttp's own log is not listened to
                why = f"metrics cannot be made ({type(defect).__name__}: {defect})"
                if why != self._told:
                    self.say("error", "metrics", why)
                self._told = why
                raise web.HTTPInternalServerError from defect
        return web.Response(body=self._made[1], headers={"Content-Type": CONTENT_TYPE})


def _admit(server: "web.Server") -> "RequestHandler":
    """Take a connection, and leave the oldest ones that there is no room for: who reaches the port and says nothing
    must not use up the files that the bot needs for its exchange."""
    there = server.connections
    for one in there[: max(0, len(there) + 1 - MOST)]:
        one.force_close()
    return server()


def _nowhere() -> logging.Logger:
    """Where aiohttp tells of requests that it cannot read: whoever reaches the port could fill the log with them."""
    logger = logging.getLogger("gridbot.metrics")
    logger.disabled = True
    return logger


def _load() -> None:
    import aiohttp.web  # noqa: F401

    import gridbot_tui.ops.metrics  # noqa: F401
