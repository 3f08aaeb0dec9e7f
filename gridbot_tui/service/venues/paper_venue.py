"""Paper behind a run in real time: live public data, a simulated account with books of its own."""

from collections.abc import Coroutine
from typing import Any, Final

from gridbot_tui.control.snapshot import LinkView
from gridbot_tui.engine.events import LinkChanged
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.clock_keeper import keep_clock
from gridbot_tui.exchange.binance.gate import Gate
from gridbot_tui.exchange.binance.hosts import Hosts
from gridbot_tui.exchange.binance.listing_watch import ListingWatch, notices
from gridbot_tui.exchange.binance.market_feed import MarketFeed
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.exchange.paper import PaperPort
from gridbot_tui.exchange.port import Incoming
from gridbot_tui.exchange.simulated.books import BooksFile
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.service.venues.links_view import rest_view, stream_view
from gridbot_tui.service.venues.venue import Desk, Fees
from gridbot_tui.units import MINUTE, Ms, Symbol

CLOCK_EVERY_S: Final = 300.0
"""Between two looks at the exchange's clock; see ``exchange.clock_every_ms``."""


class PaperVenue:
    """See ``venue.Venue``."""

    countdown = None

    def __init__(
        self,
        rest: Rest,
        hosts: Hosts,
        instruments: dict[Symbol, Instrument],
        account: AccountConfig,
        fees: Fees,
        clock: Clock,
        books: BooksFile,
    ) -> None:
        self._rest = rest
        self._hosts = hosts
        self.instruments = instruments
        self.fees = fees
        self.notices = notices({symbol: rest.listed[symbol] for symbol in instruments})
        self._clock = clock
        self._books = books
        self._timing = StreamTiming()
        self._desk: Desk | None = None
        self._listed = {symbol: rest.listed[symbol] for symbol in instruments}
        self._market: MarketFeed | None = None
        self.port = PaperPort(instruments, account, rest, self._say, clock.now_ms, books)

    @property
    def weight_limit(self) -> int:
        """As the exchange says."""
        return self._rest.health().weight_limit

    def now(self) -> Ms:
        """The exchange's time."""
        return self._clock.now_ms()

    def jobs(self, desk: Desk) -> list[Coroutine[Any, Any, None]]:
        """The live market, and the account that meets it."""
        self._desk = desk
        self._rest.on_trip(desk.timed)
        self._market = MarketFeed(
            self._rest, self._hosts, self.instruments, MINUTE, self.port.market,
            next_open=desk.next_open, timing=self._timing, clock=self._clock, gate=Gate(self._timing, self._clock),
        )  # fmt: skip
        desk.take(LinkChanged(self.now(), "account", up=True, detail="simulated"))
        listing = ListingWatch(self._rest, self._listed, lambda text: desk.announce(text, "listing"), self._clock)
        clock = keep_clock(self._rest, self._clock, CLOCK_EVERY_S)
        return [self.port.run(), self._market.run(), listing.run(), clock]

    def _say(self, incoming: Incoming) -> None:
        if self._desk is not None:
            self._desk.take(incoming)

    def links(self) -> tuple[LinkView, ...]:
        """Streams, requests, and the account that is none of Binance's."""
        streams = () if self._market is None else self._market.health()
        account = LinkView("account", up=True, age_ms=None, reconnects=0, latency_ms=None, detail="simulated account")
        return (*(stream_view(one) for one in streams), account, rest_view(self._rest.health(), self.now()))

    async def close(self) -> None:
        """Close books and connections; safe to call twice."""
        self._books.close()
        await self._rest.close()
