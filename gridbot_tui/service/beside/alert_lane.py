"""One address with a queue, a thread and a patience of its own: another that hangs or fails is no concern of its."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from gridbot_tui.control.snapshot import AlertChannelView
from gridbot_tui.ops.alarms import LEVELS
from gridbot_tui.ops.alerts import Message, moment
from gridbot_tui.ops.in_thread import in_thread
from gridbot_tui.ops.redact import redact
from gridbot_tui.service.beside.alert_channel import Channel

MOST_WAITING: Final = 50
"""Messages that wait for an address; beyond, the least severe are dropped, the oldest first, and counted."""
PAUSES_S: Final = (5.0, 15.0, 60.0, 300.0)
"""Between two tries; the last one goes on."""
KEPT_S: Final = 24 * 3600.0
"""A message is tried for so long: an address may be away for a night. After that it is no news any more."""
LATE_S: Final = 60.0
"""A message that comes later than this says of when it is."""
MOST_HANGING: Final = 3
"""Threads of one address that may hang at once; then it waits until one of them comes back."""

Start = Callable[[Callable[[], str]], "asyncio.Future[str]"]
"""Starts a blocking call beside the loop."""
Report = Callable[[str, bool], None]
"""(what happened, in words; whether the address works). Called when that changes."""


class Lane:
    """Sends what it is given, in order, for as long as ``run`` runs. Its queue is bounded by ``MOST_WAITING``."""

    def __init__(
        self,
        channel: Channel,
        timeout_s: float,
        report: Report,
        moved: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        start: Start = in_thread,
    ) -> None:
        """``moved`` is called when a message waits no more: it was taken, or given up."""
        self.timeout_s = timeout_s
        self._channel = channel
        self._report = report
        self._moved = moved
        self._clock = clock
        self._start = start
        self._queue: deque[tuple[float, Message]] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._hanging: list[tuple[Message, asyncio.Future[str]]] = []
        """Tries that have not come back."""
        self._works = True
        self.sent = 0
        self.failed = 0
        """Tries that were not taken."""
        self.dropped = 0
        """Messages that were given up."""
        self._untold = 0
        """Those of them of which no message has told."""
        self.error = ""

    def put(self, message: Message, waited: float = 0.0) -> None:
        """Queue a message, that may have waited for some seconds already; never blocks."""
        self._queue.append((self._clock() - waited, message))
        if len(self._queue) > MOST_WAITING:
            del self._queue[min(range(len(self._queue)), key=lambda at: LEVELS[self._queue[at][1].level])]
            self._lost()
        self._idle.clear()
        self._wake.set()

    @property
    def name(self) -> str:
        """The address, as it may be shown."""
        return self._channel.name

    def waiting(self) -> tuple[tuple[float, Message], ...]:
        """What was not taken so far, and for how many seconds it has waited."""
        now = self._clock()
        return tuple((now - since, message) for since, message in self._queue)

    def resume(self, waiting: tuple[tuple[float, Message], ...], ago: float) -> None:
        """Go on with what waited ``ago`` seconds ago, when the lane before this one ended."""
        for waited, message in waiting:
            if waited + ago < KEPT_S:
                self.put(message, waited + ago)

    async def empty(self) -> None:
        """Until nothing waits any more."""
        await self._idle.wait()

    async def run(self) -> None:
        """Send, for ever; ends by being cancelled. A thread that hangs then is left behind."""
        while True:
            tries = 0
            while self._queue:
                head = self._queue[0]
                if self._came_late(head[1]) or not await self._try(*head):
                    tries = 0
                    self._taken(head)
                elif self._clock() - head[0] >= KEPT_S:
                    self._lost()
                    self._remove(head)
                else:
                    await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
                    tries += 1
            self._idle.set()
            self._wake.clear()
            await self._wake.wait()

    async def _try(self, since: float, message: Message) -> str:
        """One try; "" where it was taken."""
        if len(self._hanging) >= MOST_HANGING:
            await asyncio.wait([future for _, future in self._hanging], return_when=asyncio.FIRST_COMPLETED)
            if self._came_late(message):
                return ""
        untold, worded = self._untold, self._worded(since, message)
        sending = self._start(lambda: self._channel.send(worded))
        done, _ = await asyncio.wait((sending,), timeout=self.timeout_s)
        if done:
            trouble = _outcome(sending)
        else:
            self._hanging.append((message, sending))
            trouble = f"no answer within {self.timeout_s:g} s"
        if trouble:
            self.failed += 1
            self.error = trouble
            self._says(works=False, text=f"{self._channel.name}: {trouble}")
        else:
            self._untold -= untold
        return trouble

    def _worded(self, since: float, message: Message) -> Message:
        """As it is sent: who reads it hours later is to know of when it is, and that others are missing."""
        notes = []
        if self._clock() - since >= LATE_S:
            notes.append(f"(of {moment(message.at)}: it could not be delivered before)")
        if self._untold:
            notes.append(f"({self._untold} earlier could not be delivered at all)")
        return replace(message, body="\n".join((message.body, *notes))) if notes else message

    def _lost(self) -> None:
        self.dropped += 1
        self._untold += 1

    def _came_late(self, message: Message) -> bool:
        """Whether a try that was given up has come back, and had delivered this message after all."""
        back = [(one, _outcome(future)) for one, future in self._hanging if future.done()]
        self._hanging = [(one, future) for one, future in self._hanging if not future.done()]
        return any(one is message and not trouble for one, trouble in back)

    def _taken(self, head: tuple[float, Message]) -> None:
        self.sent += 1
        self.error = ""
        self._remove(head)
        self._says(works=True, text=f"{self._channel.name}: messages are taken again")

    def _remove(self, head: tuple[float, Message]) -> None:
        if self._queue and self._queue[0] is head:  # a full queue may have dropped it meanwhile
            self._queue.popleft()
            self._moved()

    def _says(self, *, works: bool, text: str) -> None:
        if works != self._works:
            self._works = works
            self._report(text, works)

    def view(self) -> AlertChannelView:
        """How it is."""
        return AlertChannelView(
            self._channel.name, self._works, self.sent, self.failed, self.dropped, len(self._queue), self.error
        )


def _outcome(ended: "asyncio.Future[str]") -> str:
    """What a call came to; whatever it raised is trouble of this one address."""
    error = ended.exception()
    return ended.result() if error is None else f"{type(error).__name__}: {redact(str(error))}"
