"""What the account pays, looked at while the bot runs: a VIP tier, a promotion or the discount for BNB comes and goes.

Spacings are held wide enough for the fees. A run that went for weeks by those of its start would trade at a loss after
a tier is lost, and too seldom after one is won.
"""

from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Final

from gridbot_tui.engine.events import Event, FeesChanged
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.rest import FeeRates, Rest
from gridbot_tui.ops.log import get_logger
from gridbot_tui.units import Symbol, plain

ROUND: Final = 3_600.0
"""Seconds in which each symbol is asked about once; a tier changes once a day. A question weighs up to 50 of the
minute's 2,400."""
LEAST: Final = 30.0
"""Seconds between two questions, however many symbols there are."""

_log = get_logger("fees")


def dearest(rates: Mapping[Symbol, FeeRates]) -> FeeRates:
    """Of several symbols the highest rates, undiscounted: profit must survive the dearest; and the least discount."""
    known = rates.values()
    return FeeRates(
        max(one.maker for one in known), max(one.taker for one in known), min(one.discount for one in known)
    )


class FeeWatch:
    """Asks about one symbol after the other, so that a dearer one is known after the first. ``run`` ends by being
    cancelled."""

    def __init__(
        self,
        rest: Rest,
        known: Mapping[Symbol, FeeRates],
        sink: Callable[[Event], None],
        tell: Callable[[str], None],
        clock: Clock,
    ) -> None:
        """``known``: as the run began with; ``tell``: something the operator should know."""
        self._rest = rest
        self._known = dict(known)
        self._sink = sink
        self._tell = tell
        self._clock = clock

    async def run(self) -> None:
        """Look, for ever."""
        pause = max(LEAST, ROUND / len(self._known))
        for symbol in cycle(tuple(self._known)):
            await self._clock.sleep(pause)
            try:
                found = await self._rest.fees((symbol,))
            except BinanceError as error:  # one that is listed no more keeps the rates it had
                _log.warning("fees_not_answered", symbol=symbol, reason=error.detail)
                continue
            self._take(found)

    def _take(self, found: Mapping[Symbol, FeeRates]) -> None:
        was = dearest(self._known)
        self._known.update(found)
        now = dearest(self._known)
        if (now.maker, now.taker) != (was.maker, was.taker):
            self._sink(FeesChanged(self._clock.now_ms(), now.maker, now.taker))
        if now.discount != was.discount:
            said = f"are {plain(100 * now.discount)} % less" if now.discount else "cost no less"
            self._tell(f"fees {said} from now on where they are paid in BNB; the bot reckons with the full ones")
