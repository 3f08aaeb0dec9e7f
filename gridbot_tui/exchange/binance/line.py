"""One socket from dialling to its end: greeting, reading, asking whether anybody is there."""

import asyncio
from typing import Any, Protocol

import msgspec
from aiohttp import WSMsgType
from msgspec import Struct

from gridbot_tui.exchange.binance import frames
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.errors import BinanceError, Stop
from gridbot_tui.exchange.binance.frames import Answer, BadFrame
from gridbot_tui.exchange.binance.gate import Gate
from gridbot_tui.exchange.binance.sockets import DIAL_ERRORS, Dialer, Socket, TurnedAway, WrongDoor, ending
from gridbot_tui.exchange.binance.timing import StreamTiming

BREATH = 200
"""Frames read in one go before others get their turn: a flood must not hold up news of the account."""
_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)

encode = msgspec.json.Encoder().encode


class Rejected(Exception):
    """The exchange took the connection and not what was said on it."""


class Door(Protocol):
    """Where a connection goes, what is said first, and how to ask whether the exchange is still there."""

    async def address(self) -> str:
        """The URL; may ask REST for a listen key. Raises DIAL_ERRORS."""
        ...

    async def greet(self, line: "Line") -> None:
        """Subscribe; raises Rejected, TurnedAway."""
        ...

    def question(self) -> dict[str, Any]:
        """A harmless command that the exchange answers, without its id."""
        ...

    def content(self, answer: Answer) -> str:
        """What is wrong with the answer to the question; "" where nothing is."""
        ...

    def other_way(self) -> None:
        """The way there led to nothing: take another next time, if there is one."""
        ...


class Renew(Struct, frozen=True):
    """What a frame may ask for: another connection, with overlap."""

    why: str


class Drop(Struct, frozen=True):
    """What a frame may ask for: the end of this connection, which will say nothing more."""

    why: str


Wish = Renew | Drop


class LineListener(Protocol):
    """Whom a connection tells."""

    def heard(self, raw: bytes, now: float) -> Wish | None:
        """One frame at a monotonic time; raises BadFrame for one that is no readable news."""
        ...

    def unreadable(self, line: "Line", bad: BadFrame, raw: bytes) -> None:
        """A frame that is neither news nor an answer."""
        ...

    def wishes(self, line: "Line", wish: Wish) -> None:
        """What a frame asked for."""
        ...


class Line:
    """A connection. ``run`` returns why it ended and never raises for the exchange's sake."""

    def __init__(self, door: Door, dialer: Dialer, gate: Gate, timing: StreamTiming, clock: Clock,
                 listener: "LineListener") -> None:  # fmt: skip
        self._door = door
        self._dialer = dialer
        self._gate = gate
        self._timing = timing
        self._clock = clock
        self._listener = listener
        self._socket: Socket | None = None
        self._asked: dict[int | str, asyncio.Future[Answer]] = {}
        self._numbers = 0
        self._doomed: asyncio.Future[str] | None = None
        self.up_at: float | None = None
        """When everything was subscribed to; None before."""
        self.spoke_at: float | None = None
        """Last text frame."""
        self.data_at: float | None = None
        """Last one that was no answer; at first the moment it came up."""
        self.pong_at = 0.0
        self.answers = False
        """Whether commands have been answered: silence means death then, where pongs alone prove little."""
        self.came_up = asyncio.Event()
        self.no_hurry = 0.0
        """The exchange will not serve us for so long, or until somebody acts: no sooner than that the next try."""

    # -- life -----------------------------------------------------------------------------------------------

    async def run(self) -> str:
        """Live; returns the reason of the end."""
        self._doomed = asyncio.get_running_loop().create_future()
        try:
            await self._gate.enter()
            async with asyncio.timeout(self._timing.dial):
                self._socket = await self._dialer.open(await self._door.address())
        except TurnedAway as error:
            self._gate.shut(error.after_s or self._timing.banned)
            return str(error)
        except WrongDoor as error:
            self._door.other_way()
            return str(error)
        except Stop as error:
            self.no_hurry = self._timing.unserved if error.wait_s is None else error.wait_s
            return error.detail
        except DIAL_ERRORS as error:
            return error.detail if isinstance(error, BinanceError) else _words(error)
        try:
            return await self._live(self._socket)
        finally:
            await _closed(self._socket)

    def end(self, reason: str) -> None:
        """Close it; ``run`` returns ``reason``."""
        if self._doomed is not None and not self._doomed.done():
            self._doomed.set_result(reason)

    async def _live(self, socket: Socket) -> str:
        assert self._doomed is not None
        now = self._clock.monotonic()
        self.spoke_at = self.pong_at = now
        parts = [asyncio.ensure_future(self._read(socket)), asyncio.ensure_future(self._talk(socket))]
        try:
            done, _ = await asyncio.wait([*parts, self._doomed], return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            for waiting in self._asked.values():
                waiting.cancel()

    # -- hearing --------------------------------------------------------------------------------------------

    async def _read(self, socket: Socket) -> str:
        receive, monotonic, listener = socket.receive, self._clock.monotonic, self._listener
        heard, text = listener.heard, WSMsgType.TEXT
        count = 0
        while True:
            message = await receive()
            if message.type is text:
                self.spoke_at = now = monotonic()
                try:
                    wish = heard(message.data, now)
                except BadFrame as bad:
                    if not self._answered(message.data):
                        listener.unreadable(self, bad, message.data)
                else:
                    self.data_at = now
                    if wish is not None:
                        listener.wishes(self, wish)
                count += 1
                if not count % BREATH:
                    await asyncio.sleep(0)
            elif message.type is WSMsgType.PING:
                try:
                    await socket.pong(message.data)
                except ConnectionError as error:
                    return _words(error)
            elif message.type is WSMsgType.PONG:
                self.pong_at = monotonic()
            elif message.type in _ENDS:
                return ending(message, getattr(socket, "close_code", None))

    def _answered(self, raw: bytes) -> bool:
        """Whether a frame that is no news answers a command of ours."""
        try:
            answer = frames.answer(raw)
        except frames.READING:
            return False
        waiting = self._asked.pop(answer.id, None) if answer.id is not None else None
        if waiting is not None and not waiting.done():
            self.answers = True
            waiting.set_result(answer)
        # A late answer to a command given up is no data either.
        return answer.id is not None

    # -- talking --------------------------------------------------------------------------------------------

    async def ask(self, command: dict[str, Any]) -> Answer:
        """Send a command and wait for its answer; whoever calls limits the time. Raises ConnectionError."""
        assert self._socket is not None
        self._numbers += 1
        number = self._numbers
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = waiting
        try:
            await self._socket.send_str(encode({"id": number, **command}).decode())
            return await waiting
        finally:
            self._asked.pop(number, None)

    async def _talk(self, socket: Socket) -> str:
        """Greet, then ask whenever it has been quiet for too long."""
        try:
            async with asyncio.timeout(self._timing.handshake):
                await self._door.greet(self)
        except TimeoutError:
            return "the exchange did not confirm the subscription"
        except (Rejected, BinanceError) as error:
            return f"the exchange refused the subscription: {error}"
        except TurnedAway as error:
            self._gate.shut(error.after_s or self._timing.banned)
            return str(error)
        except ConnectionError as error:
            return _words(error)
        self.up_at = self.data_at = self._clock.monotonic()
        self.came_up.set()
        proved = self.up_at
        while True:
            await self._clock.sleep(self._timing.tick)
            last = max(self.spoke_at or 0.0, proved)
            if self._clock.monotonic() - last < self._timing.probe:
                continue
            wrong = await self._probe(socket)
            if wrong:
                return wrong
            proved = self._clock.monotonic()

    async def _probe(self, socket: Socket) -> str:
        """Ask whether anybody is there; "" where so, else what is wrong."""
        asked, quiet = self._clock.monotonic(), self._clock.monotonic() - (self.spoke_at or 0.0)
        try:
            await socket.ping(b"gridbot")
            async with asyncio.timeout(self._timing.answer):
                answer = await self.ask(self._door.question())
        except ConnectionError as error:
            return _words(error)
        except TimeoutError:
            alive = (self.spoke_at or 0.0) >= asked or (self.pong_at >= asked and not self.answers)
            return "" if alive else f"open and silent for {quiet + self._timing.answer:.0f} s"
        return self._door.content(answer)


def _words(error: BaseException) -> str:
    """An error as a sentence for people."""
    if isinstance(error, TimeoutError):
        return "no connection in time"
    return str(error) or type(error).__name__


async def _closed(socket: Socket) -> None:
    try:
        await socket.close()
    except (OSError, RuntimeError):
        pass  # it was gone already
