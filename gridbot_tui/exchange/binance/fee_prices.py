"""What the assets are worth that fees are taken in (BNB), where no traded symbol tells it.

Binance takes fees from a wallet of BNB wherever an account says so, which many do. Without a price they would be in no
figure: profit and equity would be too high by them, trade after trade.
"""

from collections.abc import Callable, Collection
from typing import Final

from gridbot_tui.engine.events import AssetPriced, Event
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.ops.log import get_logger
from gridbot_tui.units import Asset

LOOK: Final = 2.0
"""Seconds between two looks at whether fees were paid in another asset."""
KEPT: Final = 3_600.0
"""A price holds so long, as those of the traded symbols' own assets do."""
AGAIN: Final = 60.0
"""After a question that was not answered."""

_log = get_logger("fees")


class FeePrices:
    """Asks for a price as soon as a fee was paid in an asset, then every hour. ``run`` ends by being cancelled."""

    def __init__(self, rest: Rest, quote: Asset, paid_in: Callable[[], Collection[Asset]],
                 sink: Callable[[Event], None], tell: Callable[[str], None], clock: Clock) -> None:  # fmt: skip
        """``paid_in``: the assets in question; ``tell``: something the operator should know."""
        self._rest = rest
        self._quote = quote
        self._paid_in = paid_in
        self._sink = sink
        self._tell = tell
        self._clock = clock
        self._due: dict[Asset, float] = {}
        self._told: set[Asset] = set()

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await self._clock.sleep(LOOK)
            for asset in sorted(self._paid_in()):
                if self._clock.monotonic() >= self._due.get(asset, float("-inf")):
                    self._due[asset] = self._clock.monotonic() + await self._ask(asset)

    async def _ask(self, asset: Asset) -> float:
        """Ask once; seconds until the next time."""
        try:
            price = await self._rest.worth(asset, self._quote)
        except BinanceError as error:
            _log.warning("fee_price_not_answered", asset=asset, reason=error.detail)
            return AGAIN
        if price is not None:
            self._sink(AssetPriced(self._clock.now_ms(), asset, price))
        elif asset not in self._told:
            self._told.add(asset)
            self._tell(f"fees are paid in {asset}, and Binance has no price of it in {self._quote}: profit and equity "
                       "are shown without them")  # fmt: skip
        return KEPT
