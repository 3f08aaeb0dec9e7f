"""Binance behind a run in real time: REST, port and streams of one market, joined."""

from collections.abc import Coroutine, Mapping
from typing import Any

from gridbot_tui.control.snapshot import LinkView
from gridbot_tui.exchange.binance.account_feed import AccountFeed
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.fee_prices import FeePrices
from gridbot_tui.exchange.binance.fee_watch import FeeWatch, dearest
from gridbot_tui.exchange.binance.gate import Gate
from gridbot_tui.exchange.binance.hosts import Hosts
from gridbot_tui.exchange.binance.listing_watch import ListingWatch
from gridbot_tui.exchange.binance.market_feed import MarketFeed
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.port import BinancePort
from gridbot_tui.exchange.binance.rest import FeeRates, IsOurs, Rest
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.exchange.port import Incoming
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.service.venues.links_view import rest_view, stream_view
from gridbot_tui.service.venues.venue import Countdown, Desk, Fees
from gridbot_tui.units import MINUTE, Asset, ClientId, Market, Money, Ms, Symbol


class BinanceVenue:
    """See ``venue.Venue``. The REST side is open and looked over; streams and port begin with ``jobs``."""

    def __init__(
        self,
        rest: Rest,
        hosts: Hosts,
        instruments: dict[Symbol, Instrument],
        rates: Mapping[Symbol, FeeRates],
        clock: Clock,
        ours: IsOurs,
        params: BinanceParams,
        *,
        notices: tuple[str, ...] = (),
    ) -> None:
        self._rest = rest
        self._hosts = hosts
        self.instruments = instruments
        self._rates = rates
        most = dearest(rates)
        self.fees = Fees(most.maker, most.taker)
        self.notices = notices
        self._clock = clock
        self._ours = ours
        self._timing = StreamTiming()
        self._desk: Desk | None = None
        listed = {symbol: rest.listed[symbol] for symbol in instruments}
        self._listing = ListingWatch(
            rest, listed, lambda text: self._announce(text, "listing"), clock, take_up=self._relisted
        )
        self._feeds: tuple[MarketFeed, AccountFeed] | None = None
        self.port = BinancePort(
            rest, tuple(instruments), self._say, clock, params, expected=self._wallets, answered=self._taken,
            announce=lambda text: self._announce(text, "account"), refused=self._listing.look_soon,
        )  # fmt: skip

    @property
    def countdown(self) -> Countdown | None:
        """Futures only."""
        return self._rest.countdown if self._rest.market is Market.FUTURES else None

    @property
    def weight_limit(self) -> int:
        """As the exchange says."""
        return self._rest.health().weight_limit

    def now(self) -> Ms:
        """The exchange's time."""
        return self._clock.now_ms()

    def jobs(self, desk: Desk) -> list[Coroutine[Any, Any, None]]:
        """Port and both feeds."""
        self._desk = desk
        self._rest.on_trip(desk.timed)
        gate = Gate(self._timing, self._clock)
        market = MarketFeed(
            self._rest, self._hosts, self.instruments, MINUTE, desk.take,
            next_open=desk.next_open, timing=self._timing, clock=self._clock, gate=gate,
        )  # fmt: skip
        account = AccountFeed(
            self._rest, self._hosts, self.instruments, desk.take,
            ours=self._ours, resync=desk.resync, announce=desk.announce,
            unread=self._listing.look_soon, timing=self._timing, clock=self._clock, gate=gate,
        )  # fmt: skip
        self._feeds = (market, account)
        quote = next(iter(self.instruments.values())).quote
        prices = FeePrices(self._rest, quote, desk.fee_assets, desk.take, lambda text: desk.announce(text, "account"),
                           self._clock)  # fmt: skip
        fees = FeeWatch(self._rest, self._rates, desk.take, lambda text: desk.announce(text, "account"), self._clock)
        return [self.port.run(), market.run(), account.run(), self._listing.run(), prices.run(), fees.run()]

    def _announce(self, text: str, about: str) -> None:
        if self._desk is not None:
            self._desk.announce(text, about)

    def _relisted(self) -> None:
        if self._desk is not None:
            self._desk.relisted()

    def _say(self, incoming: Incoming) -> None:
        if self._desk is not None:
            self._desk.take(incoming)

    def _taken(self, client_id: ClientId) -> None:
        """REST took an order: the stream must tell of it too, or it is deaf."""
        if self._feeds is not None:
            self._feeds[1].answered(client_id)

    def _wallets(self) -> Mapping[Asset, Money]:
        return {} if self._desk is None else self._desk.wallets()

    def links(self) -> tuple[LinkView, ...]:
        """Streams, then requests."""
        streams = [] if self._feeds is None else [view for feed in self._feeds for view in feed.health()]
        return (*(stream_view(one) for one in streams), rest_view(self.port.health, self.now()))

    async def close(self) -> None:
        """Close the REST side; the rest has ended with its jobs."""
        await self.port.aclose()
        await self._rest.close()
