"""Binance as a Port: requests are put in line without blocking, answers come through the sink."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import structs

from gridbot_tui.engine.events import LinkChanged, OrderReport, Outcome
from gridbot_tui.exchange.binance.circuit import Circuits, Key
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.clock_keeper import keep_clock
from gridbot_tui.exchange.binance.errors import BinanceError, Refused, Stop, Unresolved, is_duplicate, market_closed
from gridbot_tui.exchange.binance.fate import Fate
from gridbot_tui.exchange.binance.governor import Rank
from gridbot_tui.exchange.binance.health import AdapterHealth
from gridbot_tui.exchange.binance.lane import Lane
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.questions import Questions
from gridbot_tui.exchange.binance.ranking import Ranking
from gridbot_tui.exchange.binance.rest import Answer, Rest
from gridbot_tui.exchange.port import AskOrder, Cancel, Incoming, Place, Query, Reply, Request, SetLeverage
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.churn import is_post_only_refusal
from gridbot_tui.orders.model import NewOrder, OrderKind
from gridbot_tui.units import Asset, ClientId, Money, Symbol

LINK: Final = "orders"
"""The source that goes down where the exchange will not serve this key or address at all."""
_TAKERS: Final = {Rank.PROTECT: 12, Rank.QUESTION: 8, Rank.ENTRY: 8, Rank.REPRICE: 2}
"""Requests of a rank that may be on their way at once."""
_FATES: Final = 16
"""Orders whose fate may be asked for at once."""
_FEW: Final = 2
"""So many orders of a decision may leave before its stop; of more the stop goes first."""
_YIELD_S: Final = 0.001
"""It waits for them no longer."""
_DEAF_FIRST: Final = 0.5
"""Seconds after a question about an order that had no answer, until the next one is asked about."""
_DEAF_MOST: Final = 8.0
"""That pause doubles up to here while none is answered: hundreds of orders in doubt, asked about all through an outage,
use up the minute in which the exchange comes back, and what else must be asked then waits for the next."""
_SET_AGAIN_S: Final = 30.0
"""After a leverage that could not be set for a reason that passes."""
_CROWD: Final = 3
"""Entries that wait, from which a batch is quicker than one by one."""


class BinancePort:
    """See ``exchange.port.Port``. ``run`` owns every task; what ``send`` puts in line leaves while it runs.

    At most ``params.queue`` requests wait; beyond that a new entry is refused here, definitely. Cancels,
    questions and what reduces or protects are always taken: the engine bounds them itself.
    """

    def __init__(
        self,
        rest: Rest,
        symbols: Sequence[Symbol],
        sink: Callable[[Incoming], None],
        clock: Clock,
        params: BinanceParams,
        *,
        expected: Callable[[], Mapping[Asset, Money]] | None = None,
        answered: Callable[[ClientId], None] | None = None,
        announce: Callable[[str], None] | None = None,
        refused: Callable[[], None] = lambda: None,
    ) -> None:
        """``expected``: the ledger's own wallets, for spot. ``answered`` hears of every order that was taken,
        ``announce`` what the operator should know, ``refused`` that a kind of order is refused again and again, or the
        market closed."""
        self._rest = rest
        self._symbols = tuple(symbols)
        self._sink = sink
        self._clock = clock
        self._params = params
        self._answered = answered
        self._announce = announce
        self._refused = refused
        self._lanes: dict[Rank, Lane[Request]] = {rank: Lane() for rank in Rank}
        self._fates: Lane[AskOrder] = Lane()
        self._placing: dict[ClientId, asyncio.Future[None]] = {}
        self._circuits = Circuits(params)
        self._fate = Fate(rest, clock, params)
        self._ranking = Ranking()
        self._questions = Questions(rest, self._symbols, clock, self._fate, expected)
        self._deaf_until = float("-inf")
        self._deaf_s = 0.0
        """No order is asked about before then; the pause that this is, 0 while they are answered."""
        self._unset: set[Symbol] = set()
        """Symbols whose leverage is tried again; said once."""
        self._link_up = True
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """Instruments of the traded symbols, as ``rest.instruments`` has loaded them."""
        return {symbol: self._rest.traded[symbol] for symbol in self._symbols}

    @property
    def health(self) -> AdapterHealth:
        """How it is, as of now."""
        queued = len(self._fates) + sum(len(lane) for lane in self._lanes.values())
        return structs.replace(self._rest.health(queued), circuits=self._circuits.standing())

    # -- what goes in ----------------------------------------------------------------------------------------

    def send(self, request: Request) -> None:
        """Put a request in line. Never blocks, never raises for the exchange's sake."""
        match request:
            case Place(order=order):
                self._line_up(order)
            case Cancel():
                self._ranking.cancelled(request.client_id)
                if self._withdraw(request.client_id):
                    return  # it never left: nothing to cancel
                self._protect(request, stop=request.conditional)
            case AskOrder() if self._withdraw(request.client_id):
                self._later(Reply(request.request_id, self._clock.now_ms(), order=self._unsent(request)))
            case AskOrder():
                self._fates.put(request)
            case _:
                self._lanes[Rank.QUESTION].put(request)

    def _line_up(self, order: NewOrder) -> None:
        rank = self._ranking.of(order)
        entry = rank in (Rank.ENTRY, Rank.REPRICE)
        if self._closed or (entry and sum(map(len, self._lanes.values())) >= self._params.queue):
            why = "the adapter is closed" if self._closed else "too many requests wait"
            self._later(self._report(order, Outcome.REFUSED, detail=f"not sent: {why}", passing=True))
            return
        held = self._circuits.holds(_key_of(order), self._clock.now_ms()) if entry and self._circuits.any else None
        if held is not None:
            detail = f"held back after the same refusal again and again: {held.detail}"
            self._later(self._report(order, Outcome.REFUSED, held.code, detail))
            return
        if rank is Rank.PROTECT:
            self._protect(Place(order), stop=order.kind is OrderKind.STOP_MARKET)
        else:
            self._lanes[rank].put(Place(order))

    def _protect(self, request: Request, *, stop: bool) -> None:
        """In line with what protects; within that nothing overtakes.

        Building a request takes a third of a millisecond: a stop, or the end of one, is not built before the one or
        two orders of its decision (the exit that a fill has just made room for), but right after them.
        """
        lane = self._lanes[Rank.PROTECT]
        if stop:
            lane.lay(request)
            asyncio.get_running_loop().call_soon(self._after_few)
        else:
            lane.put(request)

    def _after_few(self) -> None:
        """The decision is in line, its takers are about to run: what protects follows them, or precedes a crowd."""
        lane = self._lanes[Rank.PROTECT]
        if 0 < len(self._lanes[Rank.ENTRY]) + len(self._lanes[Rank.REPRICE]) <= _FEW:
            asyncio.get_running_loop().call_later(_YIELD_S, lane.wake)
        else:
            lane.wake()

    def _withdraw(self, client_id: ClientId) -> bool:
        """Take an order out of line that has not left; it is then proved never to have existed."""
        for rank in (Rank.ENTRY, Rank.REPRICE, Rank.PROTECT):
            place = self._lanes[rank].withdraw(lambda one: isinstance(one, Place) and one.order.client_id == client_id)
            if isinstance(place, Place):
                self._later(self._report(place.order, Outcome.ABSENT, detail=_UNSENT))
                return True
        return False

    def _unsent(self, asked: AskOrder) -> OrderReport:
        return OrderReport(self._clock.now_ms(), asked.symbol, asked.client_id, Outcome.ABSENT, detail=_UNSENT)

    def _later(self, incoming: Incoming) -> None:
        """Answer from the loop: whoever sends is in the middle of a decision."""
        asyncio.get_running_loop().call_soon(self._sink, incoming)

    # -- the tasks -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until cancelled or closed. A bug in here ends it with the exception; no order is lost by that."""
        self._task = asyncio.current_task()
        async with asyncio.TaskGroup() as group:
            every_s = self._params.clock_every_ms / 1000
            group.create_task(keep_clock(self._rest, self._clock, every_s), name="binance clock")
            for number in range(_FATES):
                group.create_task(self._find_out(), name=f"binance fate {number}")
            for rank, takers in _TAKERS.items():
                for number in range(takers):
                    group.create_task(self._serve(rank), name=f"binance {rank.name.lower()} {number}")

    async def aclose(self) -> None:
        """End ``run`` and close the connections; safe to call twice."""
        self._closed = True
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._rest.close()

    async def _find_out(self) -> None:
        """Questions about single orders have takers of their own: a proof of absence takes its time."""
        while True:
            await self._fates.filled()
            if (wait := self._deaf_until - self._clock.monotonic()) > 0:
                await self._clock.sleep(wait)
                continue
            for asked in self._fates.take():
                await self._answer(asked)

    def _heard(self, answered: bool) -> None:
        """Whether a question about an order was answered; those that fail together lengthen the pause once."""
        now = self._clock.monotonic()
        if answered:
            self._deaf_s, self._deaf_until = 0.0, now
        elif now >= self._deaf_until:
            self._deaf_s = min(max(2 * self._deaf_s, _DEAF_FIRST), _DEAF_MOST)
            self._deaf_until = now + self._deaf_s

    async def _serve(self, rank: Rank) -> None:
        lane = self._lanes[rank]
        entries = rank in (Rank.ENTRY, Rank.REPRICE)
        while True:
            await lane.filled()
            if entries and (wait := self._rest.room_s(rank)) > 0:
                # They wait in line, where they can be withdrawn, not at the governor's.
                await self._clock.sleep(min(wait, 0.25))
                continue
            if rank is Rank.PROTECT and (wait := self._rest.room_s(rank, 0)) > 0:
                # What closes or protects weighs nothing on futures: it waits with no crowd of cancels for their room.
                order = lane.withdraw(lambda one: isinstance(one, Place))
                if order is None:
                    await self._clock.sleep(min(wait, 0.25))
                    continue
                taken = [order]
            else:
                taken = lane.take(self._together(rank, len(lane)) if entries else 1)
            orders = [one.order for one in taken if isinstance(one, Place)]
            if orders:
                await self._place(orders, rank)
            for one in taken:
                if isinstance(one, Cancel):
                    await self._cancel(one)
                elif not isinstance(one, Place):
                    await self._answer(one)

    def _together(self, rank: Rank, waiting: int) -> int:
        """How many entries leave in one request. One that found no room would wait on its way, where none of its orders
        can be asked about or taken back: whoever asks hears nothing, and takes the exchange for broken."""
        batch = self._rest.batch_size if waiting >= _CROWD else 1
        return batch if batch > 1 and self._rest.room_s(rank, batch) <= 0 else 1

    # -- orders ------------------------------------------------------------------------------------------------

    async def _place(self, orders: Sequence[NewOrder], rank: Rank) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for order in orders:
            self._placing[order.client_id] = done
            self._fate.sent(order.client_id)
        answers: Sequence[Answer | BinanceError]
        try:
            if len(orders) > 1:
                answers = await self._rest.place_batch(orders, rank)
            else:
                answers = [await self._rest.place(orders[0], rank)]
        except BinanceError as error:
            answers = [error] * len(orders)
        except BaseException:
            # Cancelled, or a bug: it may have left, and must not be forgotten.
            for order in orders:
                self._sink(self._report(order, Outcome.UNRESOLVED, detail="the adapter stopped in the middle"))
            raise
        finally:
            for order in orders:
                self._placing.pop(order.client_id, None)
            done.set_result(None)
        for order, answer in zip(orders, answers, strict=True):
            if isinstance(answer, Unresolved):
                self._fate.sent(order.client_id, answer.sent_at)
            self._tell(order, answer)
        self._mind_link()

    def _tell(self, order: NewOrder, answer: Answer | BinanceError) -> None:
        if isinstance(answer, Answer):
            self._circuits.passed(_key_of(order))
            self._ranking.placed(order)
            for fill in answer.fills:
                self._sink(fill)
            self._sink(answer.report)
            if self._answered is not None:
                self._answered(order.client_id)
        elif isinstance(answer, Unresolved) or (isinstance(answer, Refused) and is_duplicate(answer)):
            self._sink(self._report(order, Outcome.UNRESOLVED, answer.code, answer.detail))
        else:
            closed = isinstance(answer, Refused) and market_closed(answer)
            passing = closed or _passing(answer)  # neither has refused the order
            if closed or (
                not passing
                and not is_post_only_refusal(order, answer.code, answer.detail)
                and self._circuits.refused(_key_of(order), answer.code, answer.detail, self._clock.now_ms())
            ):
                self._refused()
            self._sink(self._report(order, Outcome.REFUSED, answer.code, answer.detail, passing=passing))

    async def _cancel(self, cancel: Cancel) -> None:
        await self._settled(cancel.client_id)
        try:
            report = await self._rest.cancel(cancel.symbol, cancel.client_id, cancel.conditional)
        except Refused as refused:
            # -2011: no such open order. Any other no says as little about the order itself.
            report = OrderReport(self._clock.now_ms(), cancel.symbol, cancel.client_id, Outcome.CANCEL_REFUSED,
                                 code=refused.code, detail=refused.detail)  # fmt: skip
        except BinanceError as error:
            report = OrderReport(self._clock.now_ms(), cancel.symbol, cancel.client_id, Outcome.CANCEL_UNRESOLVED,
                                 code=error.code, detail=error.detail)  # fmt: skip
        self._sink(report)
        self._mind_link()

    async def _settled(self, client_id: ClientId) -> bool:
        """Wait for the answer to an order that is on its way: what asks about it or cancels it must not pass it."""
        placing = self._placing.get(client_id)
        if placing is None:
            return True
        await asyncio.wait((placing,), timeout=self._params.request_timeout_ms / 1000)
        return placing.done()

    # -- questions ---------------------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> None:
        key, now = _key_of_request(request), self._clock.now_ms()
        number = request.request_id if isinstance(request, Query) else 0
        held = self._circuits.holds(key, now)
        try:
            if held is not None:
                raise Refused(f"held back after the same refusal again and again: {held.detail}", held.code)
            if isinstance(request, SetLeverage):
                await self._rest.set_leverage(request.symbol, request.leverage)
                self._now_set(request)
            elif isinstance(request, Query):
                await self._reply(request)
            self._circuits.passed(key)
            if isinstance(request, AskOrder):
                self._heard(answered=True)
        except BinanceError as error:
            if isinstance(error, Refused) and held is None:
                self._circuits.refused(key, error.code, error.detail, self._clock.now_ms())
            if isinstance(request, AskOrder) and not isinstance(error, Refused):
                self._heard(answered=False)
            if isinstance(request, Query):
                self._sink(Reply(number, self._clock.now_ms(), error=str(error)))
            elif isinstance(request, SetLeverage):
                self._not_set(request, error)
        self._mind_link()

    def _not_set(self, request: SetLeverage, error: BinanceError) -> None:
        """Margin, brackets and liquidation go by what the account has there, and no other start may come for months: it
        is tried again where nothing but the moment was against it."""
        passing = _passing(error)
        if passing:
            asyncio.get_running_loop().call_later(_SET_AGAIN_S, self._lanes[Rank.QUESTION].put, request)
            if request.symbol in self._unset:
                return
            self._unset.add(request.symbol)
        stays = "stays for now, this is tried again" if passing else "stays until the next start"
        self._say(f"{_leverage(request)} could not be set on Binance ({error}); what is set there {stays}, and margin "
                  "and liquidation go by it")  # fmt: skip

    def _now_set(self, request: SetLeverage) -> None:
        if request.symbol in self._unset:
            self._unset.discard(request.symbol)
            self._say(f"{_leverage(request)} is set on Binance now")

    def _say(self, text: str) -> None:
        if self._announce is not None:
            self._announce(text)

    async def _reply(self, query: Query) -> None:
        if isinstance(query, AskOrder) and not await self._settled(query.client_id):
            self._sink(Reply(query.request_id, self._clock.now_ms(), error="the order is still being sent"))
            return
        told, reply = await self._questions.answer(query)
        for report in told:
            self._sink(report)
        self._sink(reply)

    # -- how it is -----------------------------------------------------------------------------------------------

    def _mind_link(self) -> None:
        """Say once when the exchange refuses to serve us at all, and once when it does again."""
        stopped = self._rest.stopped
        if bool(stopped) == self._link_up:
            self._link_up = not stopped
            self._sink(LinkChanged(self._clock.now_ms(), LINK, self._link_up, stopped))

    def _report(
        self, order: NewOrder, outcome: Outcome, code: int = 0, detail: str = "", *, passing: bool = False
    ) -> OrderReport:
        at = self._clock.now_ms()
        return OrderReport(at, order.symbol, order.client_id, outcome, code=code, detail=detail, passing=passing)


_UNSENT: Final = "not sent: withdrawn while it waited for its turn"


def _passing(no: BinanceError) -> bool:
    """Whether a no is about the moment, a ban included, rather than about the order, the key or the account; of orders
    see ``market_closed`` as well."""
    return no.wait_s is not None if isinstance(no, Stop) else not isinstance(no, Refused)


def _leverage(request: SetLeverage) -> str:
    return f"{request.symbol}: leverage {request.leverage}x on cross margin"


def _key_of(order: NewOrder) -> Key:
    return order.symbol, f"{order.purpose.value} {order.side.name.lower()} order"


def _key_of_request(request: Request) -> Key:
    return str(getattr(request, "symbol", "")), type(request).__name__
