"""Time that passes at once: an event loop that jumps to the next timer, and an exchange of sockets made by hand."""

import asyncio
import json
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

from aiohttp import WSMsgType

from gridbot_tui.exchange.binance.sockets import TurnedAway

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Never waits: tells the loop how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise AssertionError("everybody waits and nothing will ever happen")
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sleeps and timeouts cost nothing and happen in order."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class VirtualClock:
    """The loop's time as the adapter's."""

    BEGIN = 1_800_000_000_000

    def now_ms(self) -> int:
        return self.BEGIN + int(self.monotonic() * 1000)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run in virtual time; nothing may be left running."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(work)
        left = asyncio.all_tasks(loop)
        assert not left, f"tasks without an owner: {left}"
        return result
    finally:
        loop.close()


class Message(NamedTuple):
    type: WSMsgType
    data: Any


class HandSocket:
    """A connection to the exchange below."""

    def __init__(self, exchange: "HandExchange", url: str) -> None:
        self.exchange = exchange
        self.url = url
        self.said: list[Any] = []
        self.closed = False
        self.mute = False
        """Open, and nothing comes any more, no pong either."""
        self.deaf = False
        """Answers, and delivers no data."""
        self.pongs = True
        self._queue: asyncio.Queue[Message] = asyncio.Queue()

    async def receive(self) -> Message:
        return await self._queue.get()

    async def send_str(self, data: str) -> None:
        if self.closed:
            raise ConnectionResetError("closed")
        message = json.loads(data)
        self.said.append(message)
        answer = self.exchange.answer(self, message)
        if answer is not None and not self.mute:
            self.put(answer)

    async def ping(self, message: bytes = b"") -> None:
        if not self.mute and self.pongs:
            self._queue.put_nowait(Message(WSMsgType.PONG, message))

    async def pong(self, message: bytes = b"") -> None:
        self.said.append({"pong": bytes(message)})

    async def close(self) -> None:
        self.closed = True
        self._queue.put_nowait(Message(WSMsgType.CLOSED, None))

    # -- the exchange's hand ----------------------------------------------------------------------------------

    def put(self, frame: Any) -> None:
        """One text frame, encoded or not."""
        raw = frame if isinstance(frame, bytes) else json.dumps(frame, separators=(",", ":")).encode()
        self._queue.put_nowait(Message(WSMsgType.TEXT, raw))

    def data(self, frame: Any) -> None:
        """A frame of a stream, unless the connection says nothing."""
        if not self.mute and not self.deaf and not self.closed:
            self.put(frame)

    def cut(self, code: int | None = None) -> None:
        """The exchange ends it."""
        self._queue.put_nowait(Message(WSMsgType.CLOSE, code))

    def ask_ping(self, payload: bytes) -> None:
        self._queue.put_nowait(Message(WSMsgType.PING, payload))

    @property
    def streams(self) -> list[str]:
        return [n for m in self.said if m.get("method") == "SUBSCRIBE" for n in m["params"]]


class HandExchange:
    """Dialer and exchange in one; what it does is set by attributes."""

    def __init__(self) -> None:
        self.sockets: list[HandSocket] = []
        self.dialled_at: list[float] = []
        self.away = False
        """Connections are refused."""
        self.slow: deque[float] = deque()
        """How long the next connections take, one after the other; then no time."""
        self.banned_s: float | None = None
        self.newborn: Callable[[HandSocket], None] = lambda _: None
        """What befalls every new connection."""
        self.answers = True
        self.answer_with: Callable[[HandSocket, Any], Any] | None = None

    async def open(self, url: str) -> HandSocket:
        self.dialled_at.append(asyncio.get_running_loop().time())
        if self.slow:
            await asyncio.sleep(self.slow.popleft())
        if self.banned_s is not None:
            raise TurnedAway(418, self.banned_s)
        if self.away:
            raise ConnectionRefusedError("connection refused")
        socket = HandSocket(self, url)
        self.sockets.append(socket)
        self.newborn(socket)
        return socket

    async def close(self) -> None:
        """Nothing is shared."""

    def answer(self, socket: HandSocket, message: Any) -> Any:
        if self.answer_with is not None:
            return self.answer_with(socket, message)
        if not self.answers:
            return None
        if message["method"] == "LIST_SUBSCRIPTIONS":
            return {"result": socket.streams, "id": message["id"]}
        if message["method"].startswith("userDataStream"):
            return {"id": message["id"], "status": 200, "result": {"subscriptionId": 0}}
        if message["method"] == "session.subscriptions":
            return {"id": message["id"], "status": 200, "result": [{"subscriptionId": 0}]}
        return {"result": None, "id": message["id"]}

    @property
    def now(self) -> HandSocket:
        """The newest connection."""
        return self.sockets[-1]

    @property
    def open_sockets(self) -> list[HandSocket]:
        return [socket for socket in self.sockets if not socket.closed]
