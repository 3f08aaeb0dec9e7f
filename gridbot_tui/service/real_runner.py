"""The loop of real time: what the exchange says goes in as it comes, and a tick a second lets time pass.

Adapters hand everything to ``take``, from the loop's own thread. Quotes replace each other a symbol, so they
are bounded by the symbols; answers are bounded by the questions; other news wait in a queue of ``MOST_WAITING``.
Were that ever full, the bot is hopelessly behind: the account link counts as broken, and its return makes the
bot ask the exchange for all it missed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from gridbot_tui.engine.events import BarsClosed, FundingSettled, Health, LinkChanged, Quote, Tick
from gridbot_tui.exchange.port import Incoming, Reply
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.pace import Pace
from gridbot_tui.units import Ms, Symbol

SLICE_S = 0.010
"""Longest the loop is kept from sockets, faces and the disk."""
TICK_S = 1.0
MOST_WAITING = 20_000
MOST_TRIPS = 256
"""Measured requests told with one tick: as many as a breaker's window remembers."""
LAG_TOLD_S = 0.25
"""The loop kept for less is the ordinary course of things."""
BEHIND = "news came faster than they could be handled and some were dropped"


class RealRunner:
    """Runs one bot until a shutdown is reported, it fails, or it is told to leave."""

    def __init__(
        self,
        bot: Bot,
        now: Callable[[], Ms],
        hurry: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``hurry`` waits a moment for the disk where orders wait for it; True where they were let go."""
        self._bot = bot
        self._hurry = hurry
        self._now = now
        self._monotonic = monotonic
        self.pace = Pace(1.0)
        self.real_time = True
        self._news: deque[Incoming] = deque()
        self._quotes: dict[Symbol, Quote] = {}
        self._young: deque[Incoming] = deque()
        """Bars and funding of now, while the recovery still brings those of the past: an hour is fed in order."""
        self._ended: asyncio.Future[None] | None = None
        """While ``run`` is under way."""
        self._turn: asyncio.Handle | None = None
        """The next look at what waits, where it is on its way."""
        self._timer: asyncio.TimerHandle | None = None
        """The next tick."""
        self._trips: deque[tuple[Symbol, Ms]] = deque(maxlen=MOST_TRIPS)
        self._behind = False
        self._tick_at = 0.0
        self.on_recovered: Callable[[], None] = lambda: None
        """Called once, when the recovery is over."""
        self.leaving = False
        """Set to stop without touching an order (handover)."""
        self.events = 0
        self.lag = 0.0
        """Seconds by which the last tick came late: how long the loop was kept."""

    @property
    def data_ended(self) -> bool:
        """A real market never has a last word."""
        return False

    @property
    def over(self) -> bool:
        """True when there is nothing more to do."""
        return self.leaving or bool(self._bot.failure) or self._bot.report is not None

    def take(self, incoming: Incoming) -> None:
        """Something from the exchange; never blocks."""
        if type(incoming) is Quote:
            self._quotes[incoming.symbol] = _later(self._quotes.get(incoming.symbol), incoming)
        elif len(self._news) < MOST_WAITING or type(incoming) is Reply:
            self._news.append(incoming)
        else:
            self._behind = True
        self.wake()

    def timed(self, symbol: Symbol, took: Ms) -> None:
        """A request was answered after ``took`` ms on the wire; told with the next tick."""
        self._trips.append((symbol, took))

    def wake(self) -> None:
        """Something changed from outside (a command): look again at once."""
        if self._turn is None and self._ended is not None:
            self._turn = asyncio.get_running_loop().call_soon(self._look)

    async def run(self) -> None:
        """Go on until there is nothing more to do. Raises whatever handling raised.

        What waits is looked at by the loop itself: a task, its event and a timer for each look would be as much
        again to go through between a fill and the order that answers it.
        """
        self._tick_at = self._monotonic()
        self._ended = asyncio.get_running_loop().create_future()
        self.wake()
        try:
            await self._ended
        finally:
            self._ended = None
            for handle in (self._turn, self._timer):
                if handle is not None:
                    handle.cancel()
            self._turn = self._timer = None

    def _look(self) -> None:
        """Handle a slice of what waits, and see to it that there is another look."""
        ended, self._turn = self._ended, None
        if ended is None or ended.done():
            return
        try:
            more = not self.over and self._handle_slice()
        except Exception as error:  # raised by run
            if ended.done():
                raise
            ended.set_exception(error)
            return
        if ended.done():
            return  # cancelled by what was handled
        if self.over:
            ended.set_result(None)
        elif more:
            self.wake()
        elif self._timer is None:
            pause = max(0.0, self._tick_at - self._monotonic())
            self._timer = asyncio.get_running_loop().call_later(pause, self._tick_is_due)

    def _tick_is_due(self) -> None:
        self._timer = None
        self.wake()

    def _handle_slice(self) -> bool:
        """Handle what waits for up to a slice of time; True where more is left."""
        if self._monotonic() >= self._tick_at:
            self._tick()
        until = self._monotonic() + SLICE_S
        while self._news:
            self._handle(self._news.popleft())
            if self.over:
                return False
            # A fill comes with a report of its order: that, and all quotes, are less urgent than what it led to.
            if (len(self._news) <= 1 and self._hurry()) or self._monotonic() >= until:
                return True
        while self._quotes:
            self._handle(self._quotes.pop(next(iter(self._quotes))))
            if self.over:
                return False
            if self._news or self._monotonic() >= until:
                return True
        return False

    def _handle(self, incoming: Incoming) -> None:
        recovered = self._bot.recovered
        if not recovered and isinstance(incoming, BarsClosed | FundingSettled):
            self._young.append(incoming)
            return
        self._bot.receive(incoming)
        self.events += 1
        if isinstance(incoming, Reply) and recovered:
            self._bot.receive(Health(incoming.at, answered=not incoming.error))
        if self._bot.recovered and not recovered:
            if self._bot.shutdown is None:  # else those before them were not waited for
                self._news.extendleft(reversed(self._young))
            self._young.clear()
            self.on_recovered()

    def _tick(self) -> None:
        now = self._monotonic()
        self.lag = now - self._tick_at
        self._tick_at = max(self._tick_at + TICK_S, now)
        if self._behind and not self._news:
            self._behind = False
            at = self._now()
            self._handle(LinkChanged(at, "account", up=False, detail=BEHIND))
            self._handle(LinkChanged(at, "account", up=True, detail="caught up"))
        at = self._now()
        lag = round(self.lag * 1000) if self.lag >= LAG_TOLD_S else None
        trips = tuple(self._trips) if self._bot.recovered else ()
        self._trips.clear()
        if lag is not None or trips:
            self._handle(Health(at, loop_lag=lag, trips=trips))
        self._handle(Tick(at))
        self._bot.flush()


def _later(before: Quote | None, now: Quote) -> Quote:
    """The newer quote, with what it does not say from the one before."""
    if before is None:
        return now
    return replace(
        now,
        bid=before.bid if now.bid is None else now.bid,
        ask=before.ask if now.ask is None else now.ask,
        last=before.last if now.last is None else now.last,
        mark=before.mark if now.mark is None else now.mark,
        late=before.late if now.mark is None else now.late,
        funding_at=now.funding_at or before.funding_at,
    )
