"""Spot: wallet changes that no event told and no call lists, found by comparing what is with what is booked."""

from collections.abc import Mapping
from typing import Final

from gridbot_tui.engine.events import Cash, CashKind
from gridbot_tui.units import ZERO, Asset, Money, Ms

SETTLED: Final[Ms] = 4_000
"""A difference must have stood this long, unchanged, over two looks: executions and events are faster."""


class Differences:
    """Deposits, withdrawals and conversions made while nobody listened.

    ``/api/v3`` lists none of them, and its events come only while one is connected. A difference between the
    exchange's wallet and the ledger's that stays the same over two looks, with every listed execution booked
    before each, can be nothing else, and is told as a transfer. It is never hidden: the ledger shows it as one.
    """

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[Asset, tuple[Money, Ms]] = {}

    def look(self, actual: Mapping[Asset, Money], booked: Mapping[Asset, Money], at: Ms) -> list[Cash]:
        """The differences that have stood long enough; each is told once, as the booking ends it."""
        found = []
        for asset in sorted(actual.keys() | booked.keys()):
            gap = actual.get(asset, ZERO) - booked.get(asset, ZERO)
            before = self._seen.get(asset)
            if not gap:
                self._seen.pop(asset, None)
            elif before is None or before[0] != gap:
                self._seen[asset] = (gap, at)
            elif at - before[1] >= SETTLED:
                number = f"difference-{asset}-{before[1]}-{format(gap, 'f')}"
                found.append(Cash(at, CashKind.TRANSFER, asset, gap, number))
                del self._seen[asset]
        return found
