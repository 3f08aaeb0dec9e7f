"""Alarms of one run: looked for once a second, sent by lanes that nobody waits for.

Nothing of it is on the way of an order: the engine's blockers and the feed's lines are only read, every call that may
block is in a thread of its own, every queue is bounded. What fails is counted, shown and said once.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, Final, Protocol

from gridbot_tui.control.snapshot import AlertsView, EventView, LinkView
from gridbot_tui.credentials.addresses import Found, find
from gridbot_tui.engine.blockers import Blocker
from gridbot_tui.ops.alert_memory import Waiting, keep, recall
from gridbot_tui.ops.alerts import Remembered, Watch
from gridbot_tui.ops.in_thread import in_thread
from gridbot_tui.ops.params import AlertParams
from gridbot_tui.service.beside.alert_channel import Channel, open_channels
from gridbot_tui.service.beside.alert_lane import Lane
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.books.telling import Level
from gridbot_tui.units import Ms

LOOK_S: Final = 1.0
HAND_ON_S: Final = 1.0
"""It waits so long for the disk to keep what was not sent."""
LAST_WORDS_S: Final = 5.0
"""The end of a run waits so long for its last message."""


class Watched(Protocol):
    """What is looked at."""

    def standing(self) -> Sequence[Blocker]:
        """Everything that is held back, and why."""
        ...

    def engine_time(self) -> Ms:
        """The engine's time."""
        ...

    def settled(self) -> bool:
        """Whether the bot has recovered and lives in the present."""
        ...

    def beginning(self) -> EventView:
        """That it runs, and whether the life before this one ended in order."""
        ...

    def say(self, level: Level, code: str, text: str) -> None:
        """Tell the operator, here."""
        ...


class Alerting:
    """See above. ``awake`` owns every task."""

    def __init__(self, params: AlertParams, profile: Profile, watched: Watched) -> None:
        self._watch = Watch(params, profile.name)
        self._folder = profile.folder
        self._watched = watched
        self._lanes: list[Lane] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._source = ""
        self._trouble = ""
        self._connecting = asyncio.Lock()
        """A run that ends while the addresses are being opened waits for them with its last word."""
        self._opened = False
        self._keeping: asyncio.Future[str] | None = None
        """The last write of what was told and what waits; one that fails costs at most a message told twice."""
        self._keep_again = False

    def obey(self, params: AlertParams) -> None:
        """Another version of the section is in force."""
        self._watch.params = params
        for lane in self._lanes:
            lane.timeout_s = params.timeout_s

    # -- what is heard ---------------------------------------------------------------------------------------

    def hear(self, view: EventView) -> None:
        """A line of the feed; never blocks."""
        self._watch.hear(view, time.monotonic())

    @contextlib.asynccontextmanager
    async def awake(self) -> AsyncIterator[None]:
        """Look, once a second, and send, for as long as the block lasts."""
        looking = self._owned(self._run(), "alerts")
        try:
            yield
        finally:
            tasks = [looking, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._hand_on()

    async def _run(self) -> None:
        while not self._watched.settled():  # noqa: ASYNC110 - others' state: nobody sets an event for it
            await asyncio.sleep(LOOK_S)
        await self._connect()
        self.hear(self._watched.beginning())
        while self._lanes:
            self._look()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        clock = time.monotonic()
        message = self._watch.look(self._watched.standing(), self._watched.engine_time(), clock)
        if message is not None:
            for lane in self._lanes:
                lane.put(message)
            self._keep()

    def _keep(self) -> None:
        """Write down what was told and what no address has taken yet: a process that is killed leaves no other word.
        What changes while the write before is under way follows it."""
        self._keep_again = self._keeping is not None and not self._keeping.done()
        if self._keep_again:
            return
        remembered, waiting = self._watch.memory(time.monotonic()), self._waiting()
        self._keeping = in_thread(lambda: keep(self._folder, remembered, waiting))
        self._keeping.add_done_callback(lambda _: self._keep() if self._keep_again else None)

    def _waiting(self) -> Waiting:
        return {lane.name: lane.waiting() for lane in self._lanes if lane.waiting()}

    async def _connect(self) -> None:
        """Find the addresses and open them, once, off the loop."""
        async with self._connecting:
            if not self._opened:
                self._opened = True
                await self._open()

    async def _open(self) -> None:
        before, found, channels, wrong = await in_thread(self._reach)  # a locked keyring may take for ever
        waiting: Waiting = {}
        ago = 0.0
        if before is not None:
            remembered, waiting, ago = before
            self._watch.recall(remembered, ago, time.monotonic())
        self._source = found.source
        if found.trouble or wrong:
            self._failed("; ".join(filter(None, (found.trouble, *wrong))))
        for channel in channels:
            lane = Lane(channel, self._watch.params.timeout_s, self._changed, self._keep)
            lane.resume(waiting.get(lane.name, ()), ago)
            self._lanes.append(lane)
            self._tasks.append(self._owned(lane.run(), f"alerts {channel.name}"))

    def _owned(self, job: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        """A task that ends by being cancelled; what else ends it is told."""
        task = asyncio.create_task(job, name=name)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(f"{task.get_name()} ended by a defect ({type(error).__name__}: {error}): no alarms from there")

    def _reach(self) -> tuple[tuple[Remembered, Waiting, float] | None, Found, list[Channel], list[str]]:
        found = find()
        channels, wrong = open_channels(found.addresses) if found.addresses else ([], [])
        return recall(self._folder), found, channels, wrong

    def _failed(self, text: str) -> None:
        self._trouble = text
        self._watched.say("warning", "alerts", text)

    def _changed(self, text: str, works: bool) -> None:
        self._watched.say("info" if works else "warning", "alerts", text)

    # -- the end ---------------------------------------------------------------------------------------------

    async def last_words(self, view: EventView) -> None:
        """How the run ended; waits a little for whatever is still to be sent, and no longer. Never raises: what the run
        came to is not to be lost over a word about it."""
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._say_last(view)
        except TimeoutError:
            return  # an address that does not answer
        except Exception as defect:  # noqa: BLE001 - told here, as far as anybody can be
            self._failed(f"the last alarm was not sent ({type(defect).__name__}: {defect})")

    async def _say_last(self, view: EventView) -> None:
        if view.level == "error":
            await self._connect()  # where it ended before it had begun
        self.hear(view)
        self._look()
        await asyncio.gather(*(lane.empty() for lane in self._lanes))
        await self._kept()

    async def _kept(self) -> None:
        """Until all is written down."""
        while self._keeping is not None and not self._keeping.done():
            await self._keeping

    async def _hand_on(self) -> None:
        """What no address has taken goes to the run or process after this one. Waits for the disk, a little, for the
        next run begins only then; never raises."""
        if not self._lanes:
            return
        try:
            async with asyncio.timeout(HAND_ON_S):
                self._look()
                self._keep()
                await self._kept()
        except TimeoutError:
            return  # a disk that hangs
        except Exception as defect:  # noqa: BLE001 - told here, as far as anybody can be
            self._failed(f"alarms that waited are lost ({type(defect).__name__}: {defect})")

    # -- how it is -------------------------------------------------------------------------------------------

    def view(self) -> AlertsView | None:
        """As of now; None where there is nothing to tell of."""
        if not self._lanes and not self._trouble:
            return None
        channels = tuple(lane.view() for lane in self._lanes)
        return AlertsView(self._source, self._trouble, channels, self._watch.held_back)

    def links(self) -> tuple[LinkView, ...]:
        """Each address as a connection."""
        return tuple(_link(lane) for lane in self._lanes)


def _link(lane: Lane) -> LinkView:
    view = lane.view()
    words = [f"{view.sent} sent"]
    words += [f"{count} {name}" for name, count in (("waiting", view.waiting), ("dropped", view.dropped)) if count]
    words += [view.error] if view.error else []
    name = f"alert {view.name}"
    return LinkView(name, up=view.up, age_ms=None, reconnects=view.failed, latency_ms=None, detail=", ".join(words))
