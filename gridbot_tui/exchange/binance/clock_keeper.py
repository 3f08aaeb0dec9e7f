"""Looks at the exchange's clock now and then, and at once where the machine's was set."""

from typing import Final

from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.rest import Rest

LOOK_S: Final = 5.0
"""So soon a machine's clock that was set is noticed."""


async def keep_clock(rest: Rest, clock: Clock, every_s: float) -> None:
    """For ever; ends by being cancelled. A look that fails is noted in health, and the next one follows."""
    waited = 0.0
    while True:
        pause = min(LOOK_S, every_s - waited)
        await clock.sleep(pause)
        waited += pause
        if waited < every_s and not rest.clock_stepped:
            continue
        waited = 0.0
        try:
            await rest.server_time()
        except BinanceError:
            continue  # an order that finds the clock off sets it right itself
