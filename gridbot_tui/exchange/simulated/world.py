"""Virtual time: one queue of what market, exchange, the line between and timers bring, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from gridbot_tui.engine.events import BarsClosed, FundingSettled, OrderReport, Outcome, Tick
from gridbot_tui.exchange.port import Cancel, Incoming, Place, Query, Reply, Request, SetLeverage
from gridbot_tui.exchange.simulated import wire
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.faults import NO_FAULTS, OVERLOAD_CODE, Fate, Faults
from gridbot_tui.exchange.simulated.latency import NO_LATENCY, Latency
from gridbot_tui.exchange.simulated.matching import play
from gridbot_tui.exchange.simulated.owner import Owner
from gridbot_tui.exchange.simulated.queries import answer
from gridbot_tui.exchange.simulated.records import MarginCall, Update
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import MarketBatch, MarketSource, QualityNote
from gridbot_tui.units import ClientId, Ms, Symbol, Ticks

if TYPE_CHECKING:
    from gridbot_tui.exchange.simulated.books import BooksFile

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_FATE_DROP, _FATE_LOSE, _FATE_PASS, _FATE_REJECT = Fate.DROP, Fate.LOSE, Fate.PASS, Fate.REJECT
_CANCEL_REFUSED, _CANCEL_UNRESOLVED, _UNRESOLVED = Outcome.CANCEL_REFUSED, Outcome.CANCEL_UNRESOLVED, Outcome.UNRESOLVED

_ARRIVES, _DELIVERED, _TICK, _ORPHANED = 0, 1, 2, 3
"""What a queued item is: a request reaching the exchange, a thing reaching the bot, the World's own tick, and
a request whose sender hung up before it reached the exchange."""


class World:
    """The simulated exchange behind the port, with the clock. Single-threaded; nothing in it waits.

    ``Event.at`` is the exchange's time of what happened; with latency the bot hears of it later, at ``now``.
    At one millisecond the market comes first, then what was sent earlier, in the order of sending.
    """

    def __init__(
        self,
        source: MarketSource,
        account: AccountConfig,
        *,
        seed: int = 0,
        latency: Latency = NO_LATENCY,
        faults: Faults = NO_FAULTS,
        start_after: Ms | None = None,
        books: BooksFile | None = None,
        tick_every: Ms | None = None,
    ) -> None:
        """Open the exchange, or continue it where ``books`` already hold one.

        Args:
            source: the market.
            account: market, starting balances and parameters.
            seed: of partial fills.
            latency: delay of every request and every answer.
            faults: what goes wrong on the way.
            start_after: only batches after this time are played; the source's start without it. Books win.
            books: where the exchange keeps its books; None keeps them in memory only.
            tick_every: ms between Tick events of the World's own; None = no ticks.

        Raises:
            ValueError: instruments of several quote assets on futures, or books of another market.
        """
        self.source = source
        self.exchange = Exchange(source.instruments, account, seed=seed)
        self.now: Ms = source.start if start_after is None else start_after
        self.exchange.now = self.now
        self._latency = latency
        self._instant = latency is NO_LATENCY and not faults.active
        self._faults = faults
        self._books = books
        self._heap: list[tuple[Ms, int, int, object]] = []
        self._sequence = 0
        self._ready: deque[Incoming] = deque()
        self._inbox: deque[Request] = deque()
        self._notes: list[QualityNote] = []
        self._last_back: Ms = 0
        self._listeners: list[Callable[[list[Update]], None]] = []
        self._bar_at: Ms = self.now
        self.owner = Owner(self._act)
        """Deposits, orders and trades by the account's owner, beside the bot."""
        if books is not None:
            self._bar_at = books.open(self.exchange, self.now)
            self.now = self.exchange.now
        self._batches = source.batches(self._bar_at)
        self._batch: MarketBatch | None = next(self._batches, None)
        self._tick_every = tick_every
        if tick_every is not None:
            self._push(self.now - self.now % tick_every + tick_every, _TICK, None)

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """Instruments of the traded symbols."""
        return self.source.instruments

    def listen(self, listener: Callable[[list[Update]], None]) -> None:
        """Call ``listener`` with the exchange's own updates of every step, after they are in the books."""
        self._listeners.append(listener)

    # -- the bot's side -----------------------------------------------------------------------------------

    def send(self, request: Request) -> None:
        """Pass a request on; it reaches the exchange after the outward latency."""
        if self._instant:
            self._inbox.append(request)
            return
        self._push(self.now + self._latency.out(self.now), _ARRIVES, request)

    def timer(self, at: Ms, event: Incoming) -> None:
        """Deliver ``event`` at a time of the caller's; in the past means now."""
        self._push(max(at, self.now), _DELIVERED, event)

    def hang_up(self) -> None:
        """The bot's process is gone: what was on its way to it is lost, what it had sent still arrives.

        Nobody waits for the answers of those requests any more; what they cause is told to whoever listens then.
        """
        self._ready.clear()
        kept: list[tuple[Ms, int, int, object]] = []
        for at, sequence, what, item in self._heap:
            if what == _ARRIVES:
                what = _ORPHANED
            if what == _TICK or (what == _ORPHANED and not isinstance(item, Query)):
                kept.append((at, sequence, what, item))
        heapify(kept)
        self._heap = kept
        while self._inbox:
            self._obey(self._inbox.popleft())

    def on_its_way(self) -> Iterator[Request]:
        """Requests that were sent and have not reached the exchange."""
        yield from self._inbox
        for _, _, what, item in self._heap:
            if what in (_ARRIVES, _ORPHANED):
                yield item  # type: ignore[misc]

    def act(self, action: Callable[[Exchange], Refusal | None]) -> Refusal | None:
        """Let something happen on the exchange that is not the bot's doing; the bot hears of it."""
        return self._act(action)

    def peek_time(self) -> Ms | None:
        """Virtual time of the next thing that happens; None = nothing ever will.

        It may happen inside the exchange alone: a paced caller asks ``next(until=...)`` for that moment.
        """
        if self._inbox and not self._ready:
            self._serve()
        if self._ready:
            return self.now
        market = None if self._batch is None else self._batch.at
        queued = self._queued()
        if market is None or queued is None:
            return queued if market is None else market
        return min(market, queued)

    def next(self, until: Ms | None = None) -> Incoming | None:
        """Advance to the next thing the bot receives and return it.

        None = the market ended and all is said, or nothing more is received up to ``until``.
        """
        ready = self._ready
        while not ready:
            if self._inbox:
                self._serve()
                continue
            batch, queued = self._batch, self._queued()
            if batch is not None and (queued is None or batch.at <= queued):
                if until is not None and batch.at > until:
                    return None
                self._play(batch)
            elif queued is not None and (until is None or queued <= until):
                self._pop(queued)
            else:
                return None
        return ready.popleft()

    # -- many bars at once --------------------------------------------------------------------------------

    @property
    def plain(self) -> bool:
        """True while nothing but the market is to come and everything it meets is instant: see ``skip``."""
        if self._ready or self._inbox:  # mostly so
            return False
        return (
            self._instant
            and (self._books is None or self._books.in_bulk)
            and self._batch is not None
            and not (self._heap or self._notes or self.exchange.updates or self.exchange.stale)
        )

    def skip(self, until: Ms, closes: Mapping[Symbol, tuple[Ticks, Ticks]]) -> None:
        """Leave everything as the bars up to ``until`` would, of which the caller knows that none concerns us.

        None of them passes ``next_buy``, ``next_sell`` or the watched mark prices of its venue, and they come
        without funding, notes or ends of episodes. ``closes`` are the (last, mark) of each symbol that has
        bars. Who asks for those bars (``AskBars``) gets them from the market itself.
        """
        self.now = self._bar_at = self.exchange.now = until
        for symbol, (last, mark) in closes.items():
            venue = self.exchange.venues[symbol]
            venue.last, venue.mark = last, mark
            venue.bars.clear()
        if self._books is not None:
            self._books.write(self.exchange, [], until)
        self._batches = self.source.batches(until)
        self._batch = next(self._batches, None)

    # -- time ---------------------------------------------------------------------------------------------

    def _queued(self) -> Ms | None:
        """Time of the first queued item; the World's own ticks end with the market."""
        heap = self._heap
        if heap and heap[0][2] == _TICK and self._batch is None and all(item[2] == _TICK for item in heap):
            return None
        return heap[0][0] if heap else None

    def _push(self, at: Ms, what: int, item: object) -> None:
        self._sequence += 1
        heappush(self._heap, (at, self._sequence, what, item))

    def _pop(self, at: Ms) -> None:
        """Handle everything queued for one moment: requests first gather, then are served with one commit."""
        self.now = self.exchange.now = max(self.now, at)
        heap = self._heap
        while heap and heap[0][0] <= at:
            _, _, what, item = heappop(heap)
            if what == _ARRIVES:
                self._inbox.append(item)  # type: ignore[arg-type]
            elif what == _ORPHANED:
                self._obey(item)  # type: ignore[arg-type]
            elif what == _TICK:
                self._ready.append(Tick(at))
                if self._tick_every is not None:
                    self._push(at + self._tick_every, _TICK, None)
            else:
                self._ready.append(item)  # type: ignore[arg-type]

    def _play(self, batch: MarketBatch) -> None:
        """One batch of the market: exchange first, then its commit, then what the bot hears."""
        at = batch.at
        self.now = self._bar_at = at
        exchange = self.exchange
        play(exchange, batch)
        self._batch = next(self._batches, None)
        events: list[Incoming] = []
        if exchange.updates or self._books is not None:
            events = self._commit()
        if batch.funding:
            self._deliver(events)
            events = [FundingSettled(at, batch.funding)]
        notes = batch.notes
        if self._notes:
            notes = (*notes, *self._notes)
            self._notes = []
        if self._instant:
            self._ready.extend(events)
            self._ready.append(BarsClosed(at, batch.bars, notes, batch.episode_ends))
            return
        self._deliver(events)
        self._later([BarsClosed(at, batch.bars, notes, batch.episode_ends)])

    # -- requests and answers -----------------------------------------------------------------------------

    def _serve(self) -> None:
        """Execute every request that has arrived, commit once, then let the answers go."""
        self.exchange.now = self.now
        outgoing: list[Incoming] = []
        pending: list[Request] = []
        self.exchange.history.forget(self.now)
        while self._inbox:
            pending.append(self._inbox.popleft())
        for request in pending:
            self._execute(request, outgoing)
        self._commit_silently()
        self._deliver(outgoing)

    def _execute(self, request: Request, outgoing: list[Incoming]) -> None:
        """One request and all it causes, in the order in which the bot may hear of it."""
        fate = self._faults.request(request, self.now) if self._faults.active else _FATE_PASS
        if fate is _FATE_DROP:
            self._time_out(request)
            return
        if fate is _FATE_REJECT:
            self._throttle(request, outgoing)
            return
        if isinstance(request, Query):
            if fate is _FATE_LOSE:
                self._time_out(request)
            else:
                outgoing.append(answer(self.exchange, self.source, request))
            return
        before = len(self.exchange.updates)
        refusal = self._trade(request)
        events = [e for u in self.exchange.updates[before:] for e in wire.events_of(self.exchange, u)]
        if fate is _FATE_LOSE:
            # The answer is lost, the stream still tells what happened later than the acceptance.
            outgoing.extend(events[1:])
            self._time_out(request)
            return
        outgoing.extend(events)
        if refusal is not None:
            self._refuse(request, refusal, outgoing)

    def _obey(self, request: Request) -> None:
        """A request whose sender has gone: executed as any other, its answer goes nowhere."""
        self.exchange.now = self.now
        if not isinstance(request, Query):
            self._trade(request)
            self._deliver(self._commit())

    def _trade(self, request: Request) -> Refusal | None:
        exchange = self.exchange
        if isinstance(request, Place):
            return exchange.place(request.order)
        if isinstance(request, Cancel):
            return exchange.cancel(request.symbol, request.client_id, request.conditional)
        if isinstance(request, SetLeverage):
            return exchange.set_leverage(request.symbol, request.leverage)
        raise TypeError(f"the exchange knows no {type(request).__name__}")

    def _refuse(
        self, request: Request, refusal: Refusal, outgoing: list[Incoming], *, passing: bool = False
    ) -> None:
        """Say a definite no."""
        if isinstance(request, Place):
            order = request.order
            outgoing.append(wire.refused(self.now, order.symbol, order.client_id, refusal, passing=passing))
        elif isinstance(request, Cancel):
            outgoing.append(
                OrderReport(
                    self.now,
                    request.symbol,
                    request.client_id,
                    _CANCEL_REFUSED,
                    code=refusal.code,
                    detail=refusal.detail,
                )
            )
        elif isinstance(request, SetLeverage):
            detail = f"{refusal.code}: {refusal.detail}"
            self._notes.append(QualityNote(self.now, request.symbol, "leverage_refused", detail))

    def _throttle(self, request: Request, outgoing: list[Incoming]) -> None:
        """An overloaded exchange: certainly nothing happened."""
        refusal = Refusal(OVERLOAD_CODE, "Request throttled by system-level protection.")
        if isinstance(request, Query):
            outgoing.append(Reply(request.request_id, self.now, error=f"{refusal.code}: {refusal.detail}"))
        elif isinstance(request, Cancel):
            self._unresolved(request.symbol, request.client_id, _CANCEL_UNRESOLVED, refusal, 0)
        else:
            self._refuse(request, refusal, outgoing, passing=True)

    def _time_out(self, request: Request) -> None:
        """No answer came: after the timeout the bot knows that it does not know."""
        lost = Refusal(-1007, "Timeout waiting for response from backend server.")
        wait = self._faults.timeout
        if isinstance(request, Query):
            reply = Reply(request.request_id, self.now + wait, error=lost.detail)
            self._push(self.now + wait, _DELIVERED, reply)
        elif isinstance(request, Place):
            self._unresolved(request.order.symbol, request.order.client_id, _UNRESOLVED, lost, wait)
        elif isinstance(request, Cancel):
            self._unresolved(request.symbol, request.client_id, _CANCEL_UNRESOLVED, lost, wait)

    def _unresolved(self, symbol: Symbol, client_id: ClientId, outcome: Outcome, why: Refusal, wait: Ms) -> None:
        at = self.now + wait
        report = OrderReport(at, symbol, client_id, outcome, code=why.code, detail=why.detail)
        self._push(at, _DELIVERED, report)

    def _act(self, action: Callable[[Exchange], Refusal | None]) -> Refusal | None:
        """Something the owner does: at once, and the bot hears of it."""
        self.exchange.now = self.now
        refusal = action(self.exchange)
        self._deliver(self._commit())
        return refusal

    # -- commit and delivery ------------------------------------------------------------------------------

    def _commit(self) -> list[Incoming]:
        """Write what the step changed, then turn it into what the bot hears."""
        return [event for update in self._commit_silently() for event in wire.events_of(self.exchange, update)]

    def _commit_silently(self) -> list[Update]:
        """Write what the step changed; nobody has heard of it yet."""
        updates = self.exchange.take()
        if self._books is not None:
            self._books.write(self.exchange, updates, self._bar_at)
        for update in updates:
            if isinstance(update, MarginCall):
                detail = f"maintenance {update.maintenance} of margin balance {update.margin_balance}"
                self._notes.append(QualityNote(update.at, update.symbol, "margin_call", detail))
        for listener in self._listeners:
            listener(updates)
        return updates

    def _deliver(self, events: list[Incoming]) -> None:
        """Send account events and replies towards the bot, through whatever goes wrong on the way."""
        if self._instant:
            self._ready.extend(events)
        elif not self._faults.active:
            self._later(events)
        else:
            for event in events:
                if isinstance(event, Reply | FundingSettled):
                    self._later([event])
                    continue
                for extra in self._faults.event(event, self.now):
                    self._later([event], extra)

    def _later(self, events: list[Incoming], extra: Ms = 0) -> None:
        """Queue for delivery. The stream is in order but for what a fault holds back; replies overtake."""
        for event in events:
            at = self.now + self._latency.back(self.now) + extra
            if not extra and not isinstance(event, Reply):
                at = self._last_back = max(at, self._last_back)
            self._push(at, _DELIVERED, event)
