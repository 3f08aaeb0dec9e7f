"""The owner of one connection: always a fresh socket, replaced before it is old, as soon as it is silent or broken.

Binance cuts every connection at 24 h, announces some cuts and not others, and now and then leaves a socket
open on which nothing comes any more. Where a connection still works its successor is up before it goes
(both listen for a while, duplicates are for the listener to drop) and nobody is told; where it does not, the
listener is told that there is a gap.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable
from statistics import median
from typing import Protocol

from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.frames import BadFrame
from gridbot_tui.exchange.binance.gate import Backoff, Gate
from gridbot_tui.exchange.binance.line import Door, Drop, Line, Wish
from gridbot_tui.exchange.binance.link_health import LinkHealth
from gridbot_tui.exchange.binance.sockets import Dialer
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.ops.log import get_logger
from gridbot_tui.units import Ms

KINDS = 50
"""Sorts of unreadable frames that are told apart."""
IN_VAIN = 3600.0
"""Seconds for which no connection is given up for a symbol again where a fresh one did not help: the exchange itself
says something of it that we cannot read, and the others on that connection need not suffer for it."""

_log = get_logger("streams")


class Listener(Protocol):
    """Whom a supervisor tells."""

    def heard(self, raw: bytes, now: float) -> Wish | None:
        """One frame at a monotonic time; raises BadFrame for one that is no readable news."""
        ...

    def link(self, up: bool, detail: str) -> None:
        """The connection came up (there may be a gap behind it) or went down."""
        ...

    def missed(self, bad: BadFrame) -> None:
        """A frame that is no answer could not be read: whatever it told is not known."""
        ...


class Supervisor:
    """Keeps one connection. ``run`` owns every task of it and ends only by being cancelled."""

    def __init__(self, name: str, door: Door, listener: Listener, dialer: Dialer, gate: Gate, timing: StreamTiming,
                 clock: Clock, *, talkative: bool,
                 read_at: Callable[[], float] = lambda: float("-inf")) -> None:  # fmt: skip
        """``talkative``: data is expected all the time, so that its absence is a sign. ``read_at``: when anything of it
        could be read, monotonic."""
        self.name = name
        self._door = door
        self._listener = listener
        self._dialer = dialer
        self._gate = gate
        self._timing = timing
        self._clock = clock
        self._talkative = talkative
        self._chance = random.Random()
        self._backoff = Backoff(timing, self._chance)
        self._line: Line | None = None
        self._tasks: dict[asyncio.Task[str], Line] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._signal = asyncio.Event()
        self._failure: BaseException | None = None
        self._wish = ""
        self._renew_at = 0.0
        self._deaf_after = self._late_after = timing.deaf
        self._late_since: float | None = None
        """Since when all that it said was of the past; None = it keeps up."""
        self._patience = 0.0
        self._proved = False
        self.heard = listener.heard
        self._unreadable: deque[tuple[float, str]] = deque(maxlen=timing.bad_frames)
        """When, and of which symbol ("" = not known)."""
        self._read_at = read_at
        self._given_up_for: dict[str, float] = {}
        """Monotonic time at which a connection was given up for what a symbol's streams said."""
        self.bad_frames: Counter[str] = Counter()
        self._since: Ms = clock.now_ms()
        self._lost = self._renewed = 0
        self._detail = "connecting"
        self._latencies: deque[int] = deque(maxlen=64)

    # -- told by the listener -------------------------------------------------------------------------------

    def renew(self, why: str) -> None:
        """Replace the connection, with overlap."""
        self._wish = self._wish or why
        self._signal.set()

    def fail(self, why: str) -> None:
        """The connection is worth nothing: a gap begins. One that never told anything may be at the wrong door."""
        line = self._line
        if line is not None:
            if line.data_at == line.up_at:
                self._door.other_way()
            line.end(why)

    def took(self, event_at: Ms) -> None:
        """The exchange's time of an event just heard."""
        age = self._clock.now_ms() - event_at
        self._latencies.append(age)
        if age <= 1000 * self._timing.late:
            self._late_since, self._late_after = None, self._timing.deaf
        elif self._late_since is None:
            self._late_since = self._clock.monotonic()

    # -- asked ------------------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether it is subscribed."""
        return self._line is not None

    @property
    def age(self) -> float | None:
        """Seconds since the connection said anything; None while it is down."""
        spoke = self._line.spoke_at if self._line is not None else None
        return None if spoke is None else self._clock.monotonic() - spoke

    def health(self) -> LinkHealth:
        """As it stands now."""
        latency = float(median(self._latencies)) if self._latencies else None
        return LinkHealth(self.name, self.up, self._since, self.age, self._lost, self._renewed, latency,
                          self.bad_frames.total(), self._detail)  # fmt: skip

    # -- life -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, keep, replace, for ever."""
        ticker = asyncio.create_task(self._tick(), name=f"{self.name} watch")
        ticker.add_done_callback(self._watch_ended)
        try:
            while True:
                if self._failure is not None:
                    raise self._failure
                if self._line is None or self._wish:
                    await self._connect()
                else:
                    await self._signal.wait()
                    self._signal.clear()
        finally:
            tasks = [ticker, *self._tasks, *self._retiring]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._line, self._wish = None, ""

    async def _connect(self) -> None:
        """One more try to have a connection, the first or the next."""
        why = self._wish
        await self._clock.sleep(max(self._backoff.next(), self._patience))
        line = Line(self._door, self._dialer, self._gate, self._timing, self._clock, self)
        task = asyncio.create_task(line.run(), name=f"{self.name} line")
        self._tasks[task] = line
        task.add_done_callback(self._ended)
        came_up = asyncio.create_task(line.came_up.wait(), name=f"{self.name} rising")
        try:
            await asyncio.wait({task, came_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            came_up.cancel()
        if not task.done():
            self._use(line, why)
        elif task.exception() is None:
            self._patience = line.no_hurry
            self._failed(task.result())

    def _use(self, line: Line, why: str) -> None:
        """The new connection is the one from now on."""
        old, self._line = self._line, line
        self._wish, self._proved, self._patience, self._late_since = "", False, 0.0, None
        self._since = self._clock.now_ms()
        self._renew_at = (
            self._clock.monotonic() + self._timing.renew - self._timing.renew_spread * self._chance.random()
        )
        self._unreadable.clear()
        if old is None:
            self._detail = "connected"
            _log.info("stream_up", stream=self.name)
            self._listener.link(True, f"{self.name}: connected")
            return
        self._renewed += 1
        self._detail = f"renewed: {why}"
        _log.info("stream_renewed", stream=self.name, why=why)
        retiring = asyncio.create_task(self._retire(old), name=f"{self.name} retiring")
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    def _failed(self, reason: str) -> None:
        """A connection that never came up."""
        if reason != self._detail:
            self._detail = reason
            _log.warning("stream_not_connected", stream=self.name, reason=reason)
            if self._line is None:
                self._listener.link(False, f"{self.name}: {reason}")

    def _ended(self, task: "asyncio.Task[str]") -> None:
        """Any connection of ours is over."""
        line = self._tasks.pop(task)
        self._signal.set()
        if task.cancelled():
            return
        if task.exception() is not None:
            self._failure = task.exception()
        elif line is self._line:
            reason, self._line, self._wish = task.result(), None, ""
            self._lost += 1
            self._since, self._detail = self._clock.now_ms(), reason
            lived = self._clock.monotonic() - (line.up_at or 0.0)
            _log.warning("stream_lost", stream=self.name, reason=reason, lived_s=round(lived, 1))
            self._listener.link(False, f"{self.name}: {reason}")

    def _watch_ended(self, ticker: "asyncio.Task[None]") -> None:
        if not ticker.cancelled():
            self._failure = ticker.exception()
            self._signal.set()

    async def _retire(self, line: Line) -> None:
        """Let the old connection speak out beside the new one."""
        await self._clock.sleep(self._timing.overlap)
        line.end("replaced")

    # -- watching ---------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._timing.tick)
            line, now = self._line, self._clock.monotonic()
            if line is None or line.up_at is None or line.data_at is None:
                continue
            if not self._proved and now - line.up_at >= self._timing.stable:
                self._proved = True
                self._backoff.good()
            if line.data_at > line.up_at:
                self._deaf_after = self._timing.deaf
            if now >= self._renew_at:
                self.renew("its day is over")
            elif self._talkative and self._behind(now) and not self._wish:
                self._late_since, self._late_after = None, min(2 * self._late_after, self._timing.deaf_most)
                self.renew(f"what it says is {self._latencies[-1] / 1000:.0f} s old")
            elif self._talkative and now - line.data_at >= self._deaf_after and not self._wish:
                if line.data_at <= line.up_at:
                    self._door.other_way()
                self._deaf_after = min(2 * self._deaf_after, self._timing.deaf_most)
                self.renew(f"no data for {now - line.data_at:.0f} s")

    def _behind(self, now: float) -> bool:
        """Whether it has told of nothing but the past for so long that a fresh connection may do better."""
        return self._late_since is not None and now - self._late_since >= self._late_after

    # -- told by the connections ------------------------------------------------------------------------------

    def wishes(self, line: Line, wish: Wish) -> None:
        """What a frame asked for; a connection that is being replaced anyway has no wishes left."""
        if isinstance(wish, Drop):
            line.end(wish.why)
        elif line is self._line:
            self.renew(wish.why)

    def unreadable(self, line: Line | None, bad: BadFrame, raw: bytes) -> None:
        """Count it, say it once a kind; a connection that goes on so is given up. None = the present one."""
        kind = bad.kind if bad.kind in self.bad_frames or len(self.bad_frames) < KINDS else "other"
        if not self.bad_frames[kind]:
            _log.warning("frame_unreadable", stream=self.name, kind=kind, why=str(bad), frame=repr(raw[:200]))
        self.bad_frames[kind] += 1
        self._listener.missed(bad)
        now = self._clock.monotonic()
        self._unreadable.append((now, bad.symbol))
        full = len(self._unreadable) == self._timing.bad_frames
        if full and now - self._unreadable[0][0] <= self._timing.bad_window:
            line = line or self._line
            if line is not None and not self._in_vain(now):
                line.end(f"{len(self._unreadable)} unreadable frames, the last: {bad}"[:300])

    def _in_vain(self, now: float) -> bool:
        """True where it is some symbols that cannot be read, a fresh connection has not helped, and others can be."""
        symbols = {symbol for _, symbol in self._unreadable}
        if "" in symbols or now - self._read_at() >= self._timing.bad_window:
            return False
        known = all(now - self._given_up_for.get(symbol, float("-inf")) < IN_VAIN for symbol in symbols)
        if not known:
            self._given_up_for |= dict.fromkeys(symbols, now)
        return known
