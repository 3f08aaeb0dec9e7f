"""The running sums of one symbol."""

from msgspec import Struct

from gridbot_tui.units import ZERO, Money


class Tally(Struct):
    """What one symbol earned and paid since the start; money in quote. Mutable: it is its own state."""

    fills: int = 0
    """Executions of orders of ours, forced ones included."""
    cycles: int = 0
    wins: int = 0
    grid_profit: Money = ZERO
    """Net of the fees in ``grid_fees``."""
    grid_fees: Money = ZERO
    inventory_realised: Money = ZERO
    """Price difference of lots that no grid order closed, before fees."""
    gross: Money = ZERO
    """Price difference of everything closed, before fees; on spot the realised PnL."""
    fees: Money = ZERO
    """All fees with a known value, those in ``grid_fees`` included."""
    funding: Money = ZERO
    since_flat: Money = ZERO
    """Price differences, fees and funding since the position was last zero."""
