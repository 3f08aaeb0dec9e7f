"""Where connections go, and what is said first: streams by name, futures accounts by listen key, spot by signature."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.frames import Answer
from gridbot_tui.exchange.binance.line import Line, Rejected
from gridbot_tui.exchange.binance.sockets import TurnedAway
from gridbot_tui.exchange.binance.timing import StreamTiming


def ways(base: str, other: str) -> list[str]:
    """An address, and another one where there is any."""
    return [base, other] if other else [base]


class StreamDoor:
    """A combined connection: nothing in the address, then SUBSCRIBE in batches, each confirmed."""

    def __init__(self, bases: Sequence[str], streams: Sequence[str], timing: StreamTiming, clock: Clock) -> None:
        """``bases``: the address, and others to be tried where it leads to nothing."""
        self._bases = deque(bases)
        self._streams = list(streams)
        self._timing = timing
        self._clock = clock

    async def address(self) -> str:
        """The same for all: a list of hundreds of names would not fit every proxy's idea of an address."""
        return f"{self._bases[0]}/stream"

    def other_way(self) -> None:
        """Another base, where there is one."""
        self._bases.rotate(-1)

    async def greet(self, line: Line) -> None:
        """Subscribe to every stream."""
        size = self._timing.batch
        for start in range(0, len(self._streams), size):
            if start:
                await self._clock.sleep(self._timing.batch_pause)
            answer = await line.ask({"method": "SUBSCRIBE", "params": self._streams[start : start + size]})
            if answer.refusal:
                raise Rejected(answer.refusal)

    def question(self) -> dict[str, Any]:
        """Whether it still knows what we listen to."""
        return {"method": "LIST_SUBSCRIPTIONS"}

    def content(self, answer: Answer) -> str:
        """A connection that forgot a stream is deaf to it."""
        listed = _texts(answer)
        if listed is None:
            return ""
        lost = [name for name in self._streams if name not in listed]
        return f"the exchange forgot {len(lost)} streams, {lost[0]} among them" if lost else ""


class FuturesAccountDoor:
    """The futures user stream: the listen key in the address is all the greeting there is."""

    def __init__(self, bases: Sequence[str], listen_key: Callable[[], Awaitable[str]]) -> None:
        self._bases = deque(bases)
        self._listen_key = listen_key
        self.key = ""
        """The one in use; a secret of sorts: it reads the account."""

    async def address(self) -> str:
        """With the key that holds now: after a drop it may be another one."""
        self.key = await self._listen_key()
        return f"{self._bases[0]}/ws{'?listenKey=' if self._bases[0].endswith('private') else '/'}{self.key}"

    def other_way(self) -> None:
        """Another base, where there is one."""
        self._bases.rotate(-1)

    async def greet(self, line: Line) -> None:
        """Nothing to say."""

    def question(self) -> dict[str, Any]:
        """Any command that is answered."""
        return {"method": "LIST_SUBSCRIPTIONS"}

    def content(self, answer: Answer) -> str:
        """Whatever it answers: somebody is there."""
        return ""


class SpotAccountDoor:
    """The spot user stream: a signed subscription on the WebSocket API, new on every connection."""

    def __init__(self, url: str, sign: Callable[[dict[str, Any]], dict[str, Any]],
                 set_clock: Callable[[], Awaitable[Any]]) -> None:  # fmt: skip
        self._url = url
        self._sign = sign
        self._set_clock = set_clock
        self._number: int | None = None

    async def address(self) -> str:
        """A complete URL."""
        return self._url

    async def greet(self, line: Line) -> None:
        """Subscribe; where our clock is off, set it and try once more."""
        for again in (True, False):
            params = self._sign({})
            answer = await line.ask({"method": "userDataStream.subscribe.signature", "params": params})
            if not answer.refusal:
                self._number = _subscription(answer)
                return
            if answer.status in (418, 429):
                raise TurnedAway(answer.status, answer.shut_s)
            if not again or answer.error is None or answer.error.code != CLOCK_OFF:
                raise Rejected(answer.refusal)
            await self._set_clock()

    def other_way(self) -> None:
        """There is only one."""

    def question(self) -> dict[str, Any]:
        """Which subscriptions there are."""
        return {"method": "session.subscriptions"}

    def content(self, answer: Answer) -> str:
        """A connection without our subscription says nothing more. A refusal of the question proves nothing."""
        if answer.refusal or self._number is None:
            return ""
        try:
            rows = msgspec.json.decode(answer.result, type=list[_Subscription])
        except msgspec.MsgspecError:
            return ""
        return "" if any(row.subscriptionId == self._number for row in rows) else "the exchange forgot the subscription"


CLOCK_OFF = -1021
"""Binance's code for a timestamp outside its window."""


class _Subscription(msgspec.Struct, frozen=True):
    subscriptionId: int


def _subscription(answer: Answer) -> int | None:
    try:
        return msgspec.json.decode(answer.result, type=_Subscription).subscriptionId
    except msgspec.MsgspecError:
        return None


def _texts(answer: Answer) -> set[str] | None:
    try:
        return set(msgspec.json.decode(answer.result, type=list[str]))
    except msgspec.MsgspecError:
        return None
