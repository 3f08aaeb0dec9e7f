"""Time that passes at once, around real sockets on loopback: nobody waits, and nothing depends on the machine's speed.

The loop's selector never sleeps: where no socket is readable it tells the loop that the wait is over. The state
file's thread is waited for in earnest, and no time passes meanwhile. Whoever asks for the time (the adapter,
python-binance's signatures, the served exchange, the dead-man switch) is told the loop's.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiosqlite
import binance.base_client
import pytest

from gridbot_tui.exchange.binance import client as adapter_client
from gridbot_tui.exchange.binance import clock as adapter_clock
from gridbot_tui.exchange.server import link as server_link
from gridbot_tui.ops.in_thread import in_thread
from gridbot_tui.service import real
from gridbot_tui.store import live
from gridbot_tui.units import Ms

BEGIN: Ms = 1_772_618_405_000
"""2026-03-04 10:00:05 UTC, whatever the machine's date: no test depends on when it runs."""
_AND_A_BIT = 1e-6
"""A timer is due a nanosecond early for asyncio: whoever then looks at the clock must find it late, not early."""
PATIENCE_S = 60.0
"""Real seconds for which another thread may be waited for."""


class _Selector(selectors.DefaultSelector):
    """Asks the sockets; where none has anything, the wait is over at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.held = 0
        """Pieces of work in other threads whose end is being waited for: time stands still."""

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.held or timeout is None:
            ready = super().select(PATIENCE_S)
            assert ready, "everybody waits and nothing happens"
            return ready
        ready = super().select(0)  # what was sent a moment ago may just have come through the kernel
        if not ready:
            self.now += timeout + _AND_A_BIT
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds cost nothing."""

    def __init__(self, begin: Ms) -> None:
        self._jumping = _Selector()
        self._begin = begin
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def hold(self, more: int) -> None:
        """Another thread works for the loop, or has ended to."""
        self._jumping.held += more

    def sleep_through(self, seconds: float) -> None:
        """The machine is suspended: time passes, and nothing runs meanwhile."""
        self._jumping.now += seconds

    def wall(self) -> float:
        """Seconds UTC."""
        return self._begin / 1000 + self.time()


class LoopTime:
    """The module ``time``, as far as the loop's; the rest is the real one."""

    def __init__(self, loop: JumpingLoop) -> None:
        self.monotonic: Callable[[], float] = loop.time
        self.time: Callable[[], float] = loop.wall

    def time_ns(self) -> int:
        return round(self.time() * 1_000_000) * 1_000

    def clock_gettime_ns(self, _: int) -> int:
        return self.time_ns()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def _held(loop: JumpingLoop, method: Callable[..., Any]) -> Callable[..., Any]:
    """The same coroutine method, during which no time passes: another thread does the work."""

    async def wait(*args: Any, **more: Any) -> Any:
        loop.hold(1)
        try:
            return await method(*args, **more)
        finally:
            loop.hold(-1)

    return wait


def _counted(loop: JumpingLoop, soon: Callable[..., None]) -> Callable[..., None]:
    """The same for work that is handed to the thread without waiting for it."""

    def hand_over(hop: Any, work: Callable[[], None]) -> None:
        def whole() -> None:
            try:
                work()
            finally:
                loop.call_soon_threadsafe(loop.hold, -1)

        soon(hop, whole)
        loop.hold(1)

    return hand_over


def _waited_for(loop: JumpingLoop, start: Callable[..., "asyncio.Future[Any]"]) -> Callable[..., "asyncio.Future[Any]"]:
    """The same for a call that has a thread of its own."""

    def begin(call: Callable[[], Any]) -> "asyncio.Future[Any]":
        loop.hold(1)
        future = start(call)
        future.add_done_callback(lambda _: loop.hold(-1))
        return future

    return begin


@contextmanager
def jumping(begin: Ms = BEGIN) -> Iterator[JumpingLoop]:
    """A loop whose time is everybody's, from a moment on; closed at the end."""
    loop = JumpingLoop(begin)
    told = LoopTime(loop)
    held = {name: _held(loop, getattr(aiosqlite.Connection, name)) for name in ("_execute", "_connect", "close")}
    with pytest.MonkeyPatch.context() as patch:
        for name, method in held.items():
            patch.setattr(aiosqlite.Connection, name, method)
        patch.setattr(live.Hop, "soon", _counted(loop, live.Hop.soon))
        for module in (adapter_clock, adapter_client, binance.base_client, real):
            patch.setattr(module, "time", told)
        patch.setattr(server_link, "monotonic", loop.time)
        patch.setattr(real, "in_thread", _waited_for(loop, in_thread))
        try:
            yield loop
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
