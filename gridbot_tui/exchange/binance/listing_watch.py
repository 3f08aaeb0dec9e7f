"""How the traded symbols are listed, looked at now and then: Binance halts and delists them, and changes their filters.

No order needs this: one that no longer fits is refused, and its circuit says so. But what the bot counts in (ticks,
steps, the margin that liquidation goes by) it took in as its run began, and nothing else says why orders are refused,
that a position will be settled, or that it is time to begin another run (``service.renewal``).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.rest import Listing, Rest
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.log import get_logger
from gridbot_tui.units import Market, Ms, Symbol, plain

EVERY: Final = 600.0
"""Seconds between two looks: changes are announced days ahead, and a look weighs up to 20 of the minute's 6,000."""
SOON: Final = 60.0
"""The same where orders are refused, or something cannot be read: the reason may be here."""
CONFIRM: Final = 20.0
"""The same where filters have changed: a position may be without its stop until they are taken up."""
STEP: Final = 5.0
"""So soon a wish for a look is noticed."""
TRADING: Final = "TRADING"
UNTIL: Final = "start the bot again, it goes by the old until then"
SHORTLY: Final = "the bot takes that up within minutes"

_log = get_logger("listing")


class ListingWatch:
    """Tells each change once. ``run`` ends by being cancelled."""

    def __init__(
        self,
        rest: Rest,
        known: Mapping[Symbol, Listing],
        tell: Callable[[str], None],
        clock: Clock,
        take_up: Callable[[], None] | None = None,
    ) -> None:
        """``known``: as the bot has taken them in. ``take_up``: called where filters have changed, or a symbol is gone,
        and a second look says the same; None: it goes by the old until it is started again."""
        self._rest = rest
        self._take_up = take_up
        self._began_with = dict(known)
        self._last: dict[Symbol, Listing | None] = dict(known)
        self._tell = tell
        self._clock = clock
        self._pausing = EVERY
        """The pause before the next look."""

    def look_soon(self) -> None:
        """Something is not as the bot takes it to be."""
        self._pausing = min(self._pausing, SOON)

    async def _pause(self) -> None:
        waited = 0.0
        while waited < self._pausing:
            await self._clock.sleep(STEP)
            waited += STEP
        self._pausing = EVERY

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await self._pause()
            try:
                listed = await self._rest.listings(tuple(self._began_with))
            except BinanceError as error:
                _log.warning("listing_not_answered", reason=error.detail)
                continue
            settled = False
            for symbol, first in self._began_with.items():
                now, before = listed.get(symbol), self._last[symbol]
                self._last[symbol] = now
                for text in _changes(symbol, first, before, now, UNTIL if self._take_up is None else SHORTLY):
                    self._tell(text)
                if now is None or any(_filters(first.instrument, now.instrument)):
                    # While a change is rolled out one machine of the exchange may say this and the next one that.
                    same = _instrument(now) == _instrument(before)
                    settled |= same
                    if not same:
                        self._pausing = CONFIRM
            if settled and self._take_up is not None:
                self._take_up()


def notices(listed: Mapping[Symbol, Listing]) -> tuple[str, ...]:
    """What the operator should know of symbols that are about to be traded."""
    said = [status(symbol, one) for symbol, one in listed.items() if one.status != TRADING]
    said += [ending(symbol, one.ends_at) for symbol, one in listed.items() if one.ends_at is not None]
    return tuple(said)


def status(symbol: Symbol, one: Listing) -> str:
    """Whether it is traded."""
    if one.status == TRADING:
        return f"{symbol} is traded on Binance again"
    return f"{symbol} is {one.status} on Binance: its orders will be refused"


def ending(symbol: Symbol, at: Ms | None) -> str:
    """When it is taken off."""
    if at is None:
        return f"{symbol} is not to be taken off Binance after all"
    day = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{symbol} is taken off Binance on {day}: close its position before, else Binance settles it"


def _changes(
    symbol: Symbol, first: Listing, before: Listing | None, now: Listing | None, what_then: str
) -> Iterator[str]:
    if now is None:
        if before is not None:
            yield f"{symbol} is not listed on Binance any more: its orders will be refused"
        return
    known = before or first
    if now.status != known.status or (before is None and now.status == TRADING):
        yield status(symbol, now)
    if now.ends_at != known.ends_at:
        yield ending(symbol, now.ends_at)
    if before is None or now.instrument != before.instrument:
        changed = ", ".join(_filters(first.instrument, now.instrument))
        if changed:
            yield f"{symbol}: Binance has changed its {changed}: {what_then}"


def _instrument(one: Listing | None) -> Instrument | None:
    return None if one is None else one.instrument


def _amount(limit: Decimal | None) -> str:
    return "none" if limit is None else plain(limit)


def _filters(was: Instrument, now: Instrument) -> Iterator[str]:
    """What differs of what orders must obey and liquidation goes by, in words; funding comes another way."""
    for name, old, new in (
        ("tick size", was.tick, now.tick),
        ("quantity step", was.step, now.step),
        ("least order value", was.min_notional, now.min_notional),
        ("largest order value", was.max_notional, now.max_notional),
        ("largest value of a market order", was.max_market_notional, now.max_market_notional),
    ):
        if old != new:
            yield f"{name} from {_amount(old)} to {_amount(new)}"
    if (was.tick, was.step) == (now.tick, now.step):
        for name, then, today in (
            ("least quantity", was.min_steps, now.min_steps),
            ("largest quantity", was.max_steps, now.max_steps),
            ("largest market order", was.market_max_steps, now.market_max_steps),
            ("number of orders", was.max_orders, now.max_orders),
            ("most base that may be held", was.max_position, now.max_position),
        ):
            # Spot reckons the largest market order anew every day from what is traded: no order needs the latest.
            if then != today and not (name == "largest market order" and now.market is Market.SPOT):
                yield name
        if (was.percent_up, was.percent_down) != (now.percent_up, now.percent_down):
            yield "price limits"
    if was.brackets != now.brackets:
        yield "margin brackets"
