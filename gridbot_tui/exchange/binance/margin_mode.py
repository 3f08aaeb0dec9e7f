"""Cross margin, which every risk figure here assumes: set where that is possible, refused in words where not."""

from collections.abc import Sequence
from typing import Final

from gridbot_tui.exchange.binance.errors import Refused
from gridbot_tui.exchange.binance.rest import AccountSetup, Rest
from gridbot_tui.units import Symbol

_WHY: Final = {
    -4047: "it has open orders: cancel them first",
    -4048: "it has an open position: close it first",
    -4168: "the account does not allow it",
}


async def cross_margin(rest: Rest, setup: AccountSetup, symbols: Sequence[Symbol]) -> str:
    """Put symbols on isolated margin back on cross, leverage as it is; "" or why it can't be done.

    Raises:
        BinanceError: other than a refusal.
    """
    for symbol in symbols:
        if symbol not in setup.isolated:
            continue
        try:
            await rest.set_leverage(symbol, setup.leverage[symbol])
        except Refused as refused:
            why = _WHY.get(refused.code, f"{refused.detail} ({refused.code})")
            return (
                f"{symbol} is on isolated margin, and gridbot counts its risk across the account: "
                f"it can't be switched to cross margin because {why}"
            )
    return ""
