"""Whose state a file holds."""

from msgspec import Struct

from gridbot_tui.units import Asset, Market, Mode


class Identity(Struct, frozen=True):
    """A profile: what a state file must never be mixed up about."""

    mode: Mode
    market: Market
    account: str
    """Account tag, as in the client ids; never a key."""
    quote: Asset

    def __str__(self) -> str:
        """``live futures ab12 USDT``."""
        return f"{self.mode} {self.market} {self.account or '-'} {self.quote}"
