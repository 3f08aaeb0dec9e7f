"""A ledger that begins on an account which already holds positions of ours: its state file was lost or set aside.

Nothing is guessed. The exchange lists every execution since a position was last flat, and who sent it; the ledger then
begins in the past, just before the first of them, with the wallet of that moment, and books them as it would have.
Lots, fees and funding are again what they were, and the books tie out. A position that our orders had no part in, or
whose beginning is out of the lists' reach, is left to the operator.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from gridbot_tui.engine.events import AccountState, Cash, Fill
from gridbot_tui.units import DAY, ZERO, Asset, Money, Ms, Steps, Symbol

REACH: Final[Ms] = 30 * DAY
"""How far back executions are asked for: a lot that is older was none of a grid's."""


class Beginning(Struct, frozen=True):
    """Since when a position was never flat."""

    fills: tuple[Fill, ...]
    """Its executions, oldest first."""
    after: str
    """The trade before them; "" where there is none."""


def since_flat(fills: Sequence[Fill], steps: Steps) -> Beginning | None:
    """The executions that made a position of ``steps`` from nothing; None where none of them is ours or they do not.

    Args:
        fills: of one symbol, ascending, the latest included.
    """
    held = steps
    for index in range(len(fills) - 1, -1, -1):
        fill = fills[index]
        held -= int(fill.side) * fill.steps
        if held == 0:
            own = tuple(fills[index:])
            before = fills[index - 1].trade_id if index else ""
            return Beginning(own, before) if any(one.ours for one in own) else None
    return None


def begins_at(found: Iterable[Beginning]) -> Ms:
    """The moment before the first of all executions."""
    return min(one.fills[0].at for one in found) - 1


def first_statement(
    now: AccountState, at: Ms, found: Iterable[Beginning], cash: Iterable[Cash], quotes: Mapping[Symbol, Asset]
) -> AccountState:
    """The account as it was at ``at``: today's wallets less what executions and cash have done to them since."""
    wallets: dict[Asset, Money] = dict(now.balances)

    def undo(asset: Asset, amount: Decimal) -> None:
        wallets[asset] = wallets.get(asset, ZERO) - amount

    for one in found:
        for fill in one.fills:
            undo(quotes[fill.symbol], fill.realised)
            undo(fill.fee_asset, -fill.fee)
    for change in cash:
        undo(change.asset, change.amount)
    return AccountState(at, wallets, ())
