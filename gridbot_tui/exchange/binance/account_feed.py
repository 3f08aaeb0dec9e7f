"""What happens to our account: orders, fills, money; never dropped, duplicates removed, silence noticed."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from gridbot_tui.engine.events import Cash, Event, Fill, LinkChanged, OrderReport, PositionTold
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.doors import FuturesAccountDoor, SpotAccountDoor, ways
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.frames import BadFrame
from gridbot_tui.exchange.binance.futures_words import FuturesWords
from gridbot_tui.exchange.binance.gate import Gate
from gridbot_tui.exchange.binance.hosts import Hosts
from gridbot_tui.exchange.binance.jobs import Jobs, first_to_end
from gridbot_tui.exchange.binance.line import Drop, Renew, Wish
from gridbot_tui.exchange.binance.link_health import LinkHealth
from gridbot_tui.exchange.binance.recent import Recent
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.exchange.binance.sockets import AioDialer, Dialer
from gridbot_tui.exchange.binance.spot_words import SpotWords
from gridbot_tui.exchange.binance.stream_words import StreamWords
from gridbot_tui.exchange.binance.supervisor import Supervisor
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.exchange.binance.wallet_watch import WalletWatch
from gridbot_tui.exchange.binance.words import SILENT, Doubtful, Ended, Foreign, Leaving, LookAgain, WalletMoved, Word
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.log import get_logger
from gridbot_tui.units import ClientId, Market, Ms, Symbol

LOOK_EVERY: Final = 5.0
"""Seconds between two requests for a resync, at least: one sees whatever happened before it."""

SELDOM_MOST: Final = 60.0
"""While another hand's orders go on changing, or news go on coming late, the pause before the next request for that
doubles up to here: a program that quotes in one of our symbols changes them by the second, and comparing twenty symbols
each time would use up what the exchange answers in a minute."""

DEAF_AGAIN: Final = 120.0
"""Seconds between two connections given up because an order was not heard of, or news came late."""

_log = get_logger("streams")


class AccountFeed:
    """The user stream of one account. ``run`` owns every task and ends only by being cancelled."""

    def __init__(
        self,
        rest: Rest,
        hosts: Hosts,
        instruments: Mapping[Symbol, Instrument],
        sink: Callable[[Event], None],
        *,
        ours: Callable[[ClientId], bool],
        resync: Callable[[str], None],
        announce: Callable[[str, str], None] = lambda text, code: None,
        unread: Callable[[], None] = lambda: None,
        timing: StreamTiming | None = None,
        clock: Clock,
        dialer: Dialer | None = None,
        gate: Gate | None = None,
    ) -> None:
        """Args:
        rest: gives listen keys or signatures, and the exchange's own list of wallet changes.
        sink: takes the events, at once and without raising.
        ours: whether a client id is the bot's.
        resync: something happened that only REST can tell in full; the reason is for the log.
        announce: something the operator should know at once, and its code.
        unread: an event could not be read.
        gate: shared by all feeds of a process, for the limit on connections.
        """
        self._rest = rest
        self._sink = sink
        self._unread = unread
        self._resync = resync
        self._announce = announce
        self._timing = timing = timing or StreamTiming()
        self._clock = clock
        self._dialer = dialer or AioDialer()
        self._words: StreamWords
        self._door: FuturesAccountDoor | SpotAccountDoor
        if rest.market is Market.FUTURES:
            self._words = FuturesWords(instruments, ours, rest.ids, rest.ceilings)
            bases = ways(hosts.futures_private, hosts.futures_unrouted)
            self._door = FuturesAccountDoor(bases, rest.listen_key)
        else:
            self._words = SpotWords(instruments, ours, rest.ids)
            self._door = SpotAccountDoor(hosts.spot_ws_api, rest.sign, rest.server_time)
        self._supervisor = Supervisor("account", self._door, self, self._dialer, gate or Gate(timing, clock), timing,
                                      clock, talkative=False)  # fmt: skip
        self._wallet = WalletWatch(rest, sink, self._look_again, timing.wallet, clock)
        self._told = Recent()
        self._strange = Recent(100)
        self._heard_of = Recent()
        self._owed: dict[ClientId, float] = {}
        """Orders the stream has yet to tell of, with the time of REST's answer; oldest first."""
        self._deaf_at = float("-inf")
        self._news_at = clock.monotonic()
        self._looked_at = float("-inf")
        self._look = ""
        self._seldom = ""
        """The last of what goes on (another hand's orders change) that no resync has been asked for yet; "" = none."""
        self._seldom_from = float("-inf")
        self._seldom_pause = 0.0
        """No resync is asked for such a thing before then; the pause that this was."""
        self._jobs = Jobs()

    def health(self) -> tuple[LinkHealth, ...]:
        """The connection as it stands."""
        return (self._supervisor.health(),)

    def answered(self, client_id: ClientId) -> None:
        """The exchange took this order by REST: the stream owes news of it, or it is deaf."""
        if self._supervisor.up and client_id not in self._heard_of:
            self._owed.setdefault(client_id, self._clock.monotonic())

    # -- life -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen, for ever."""
        self._sink(LinkChanged(self._clock.now_ms(), "account", up=False, detail="connecting", begins=True))
        tasks = [
            asyncio.create_task(self._supervisor.run(), name="account"),
            asyncio.create_task(self._tick(), name="account feed"),
        ]
        if isinstance(self._door, FuturesAccountDoor):
            tasks.append(asyncio.create_task(self._keep_key(self._door), name="listen key"))
        try:
            await first_to_end(tasks)
        finally:
            await self._jobs.end()
            await self._dialer.close()

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._timing.tick)
            self._jobs.check()
            now = self._clock.monotonic()
            self._mind_owed(now)
            if now - self._news_at >= self._timing.idle:
                self._news_at = now
                self._supervisor.renew("no event for long")
            if self._look and now - self._looked_at >= LOOK_EVERY:
                self._look_again(self._look)
            if self._seldom and now >= self._seldom_from:
                self._look_more_seldom(self._seldom)

    def _mind_owed(self, now: float) -> None:
        """An order that stands and that the stream did not tell of: one event lost, or a stream that is deaf.

        Where it told of other things since, or was given up for this lately (an environment may have no events for
        some orders), a resync must do.
        """
        since = now - self._timing.heard_of
        overdue = [(at, name) for name, at in self._owed.items() if at <= since]
        if not overdue:
            return
        at, name = overdue[0]
        for _, other in overdue:
            del self._owed[other]
        words = f"order {name} stands and the stream never told of it"
        if self._news_at > at or now - self._deaf_at < DEAF_AGAIN:
            self._look_again(words)
        else:
            self._deaf_at = now
            self._supervisor.fail(words)

    def _of_the_past(self, at: Ms) -> Wish | None:
        """What is told so late that more may wait behind it is as good as silence: fills are not known of, and what
        they led to is not protected. Where a fresh connection is as late the exchange is asked, ever more seldom."""
        age = (self._clock.now_ms() - at) / 1000
        if age <= self._timing.late:
            return None
        now, words = self._clock.monotonic(), f"what it says is {age:.0f} s old"
        if now - self._deaf_at < DEAF_AGAIN:
            self._look_more_seldom(words)
            return None
        self._deaf_at = now
        return Drop(words)

    async def _keep_key(self, door: FuturesAccountDoor) -> None:
        """Prolong the listen key; one that has become another is a stream that says nothing."""
        pause = self._timing.listen_key
        while True:
            await self._clock.sleep(pause)
            pause = self._timing.listen_key
            if not self._supervisor.up:
                continue
            used = door.key
            try:
                key = await self._rest.listen_key()
            except BinanceError as error:
                _log.warning("listen_key_not_prolonged", reason=error.detail)
                pause = self._timing.ask_again
                continue
            if key != used and used == door.key:
                self._supervisor.fail("the listen key had expired unheard")

    # -- told by the connection -------------------------------------------------------------------------------

    def link(self, up: bool, detail: str) -> None:
        """Up or down. What the stream owed is found by the resync that follows."""
        self._owed.clear()
        self._news_at = self._clock.monotonic()
        self._sink(LinkChanged(self._clock.now_ms(), "account", up, detail))

    def missed(self, bad: BadFrame) -> None:
        """It may have been a fill or the end of an order."""
        self._unread()
        self._look_again(f"an event could not be read ({bad})"[:200])

    def heard(self, raw: bytes, now: float) -> Wish | None:
        """One frame; raises BadFrame."""
        kind, at, words = self._words.of(raw)
        self._news_at = now
        if not words and kind not in SILENT and self._strange.add(kind):
            _log.info("event_unknown", kind=kind[:60])
        wish: Wish | None = None
        if at:
            self._supervisor.took(at)
            wish = self._of_the_past(at)
        for word in words:
            if isinstance(word, Ended):
                wish = Drop(word.reason)
            elif isinstance(word, Leaving):
                wish = Renew(word.reason)
            else:
                self._take(word)
        return wish

    def _take(self, word: Word) -> None:
        match word:
            case Fill():
                self._tell((word.symbol, word.trade_id), word)
            case OrderReport():
                self._heard_of.add(word.client_id)
                self._owed.pop(word.client_id, None)
                self._tell((word.client_id, word.outcome, word.filled, word.at), word)
            case Cash():
                self._tell(word.cash_id, word)
            case PositionTold():
                self._tell((word.symbol, word.at, word.steps), word)
            case Doubtful(fill=fill, order_number=number):
                self._jobs.start(self._hold(fill, number), f"trade {fill.trade_id}")
            case WalletMoved():
                if self._told.add((word.at, word.asset, word.amount, word.reason)) and self._wallet.moved(word):
                    self._jobs.start(self._wallet.look(), "wallet")
            case Foreign(symbol=symbol, client_id=client_id):
                self._look_more_seldom(f"order {client_id} of {symbol}, which is not the bot's, changed")
            case LookAgain(reason=reason, code=code, order=order):
                if order:
                    self._heard_of.add(order)
                    self._owed.pop(order, None)
                if code:
                    self._announce(reason, code)
                self._look_again(reason)

    def _tell(self, key: object, event: Event) -> None:
        """Once, however often it was heard."""
        if self._told.add(key):
            self._sink(event)

    async def _hold(self, fill: Fill, order_number: int) -> None:
        """Give the news of the stop that this fill may come from time to arrive; then tell it either way."""
        await self._clock.sleep(self._timing.hold_fill)
        owner = self._words.client_of(fill.symbol, order_number)
        self._take(fill if owner is None else replace(fill, client_id=owner, ours=True))

    def _look_more_seldom(self, reason: str) -> None:
        """Ask for a resync at once, ever more seldom while this goes on, and once more after the last change."""
        now = self._clock.monotonic()
        if now < self._seldom_from:
            self._seldom = reason
            return
        quiet = now - self._seldom_from >= SELDOM_MOST
        self._seldom_pause = LOOK_EVERY if quiet else min(2 * self._seldom_pause, SELDOM_MOST)
        self._seldom, self._seldom_from = "", now + self._seldom_pause
        self._look_again(reason)

    def _look_again(self, reason: str) -> None:
        """Ask for a resync, at once or as soon as the last request is a while ago."""
        now = self._clock.monotonic()
        if now - self._looked_at >= LOOK_EVERY:
            self._looked_at, self._look = now, ""
            self._resync(reason)
        else:
            self._look = reason
