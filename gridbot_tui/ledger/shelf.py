"""Lots of one side of the market, kept in the order of their prices."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from operator import attrgetter

from gridbot_tui.ledger.model import Lot
from gridbot_tui.units import Side, Steps, Ticks


class Shelf:
    """Lots sorted by (price, id); finding the one a fill closes takes two bisections."""

    __slots__ = ("_keys", "_lots", "position")

    def __init__(self) -> None:
        self._keys: list[tuple[Ticks, int]] = []
        self._lots: dict[int, Lot] = {}
        self.position: Steps = 0
        """What the lots add up to, signed."""

    def __len__(self) -> int:
        return len(self._lots)

    def __iter__(self) -> Iterator[Lot]:
        """Ascending by price, then by age."""
        lots = self._lots
        return (lots[number] for _, number in self._keys)

    def get(self, number: int) -> Lot | None:
        """The lot of that id, if it is here."""
        return self._lots.get(number)

    def add(self, lot: Lot) -> None:
        """Put a new lot on the shelf."""
        insort(self._keys, (lot.price, lot.id))
        self._lots[lot.id] = lot
        self.position += lot.steps * lot.side

    def replace(self, lot: Lot) -> None:
        """Another state of a lot that is here, at the same price."""
        self.position += (lot.steps - self._lots[lot.id].steps) * lot.side
        self._lots[lot.id] = lot

    def remove(self, lot: Lot) -> None:
        """Take a lot away."""
        del self._keys[bisect_left(self._keys, (lot.price, lot.id))]
        self.position -= self._lots.pop(lot.id).steps * lot.side

    def of_level(self, level: int) -> Lot | None:
        """The oldest lot that a level of a plain grid holds, None where it holds none."""
        return min((lot for lot in self._lots.values() if lot.rung == level), key=_ID, default=None)

    def nearest(self, side: Side, price: Ticks, margin: Ticks) -> Lot | None:
        """The lot of position side ``side`` that a fill at ``price`` closes first.

        Of the lots it closes at a profit of more than ``margin`` ticks the nearest in price; where there is
        none, the one that loses least. Of equal prices the oldest. None on an empty shelf.

        Without the margin a grid would close its exits against the lot bought at the same rung, for
        nothing, and leave the lot that the exit was meant for.
        """
        keys = self._keys
        if not keys:
            return None
        if side is Side.BUY:
            index = bisect_left(keys, (price - margin, 0))
            best = keys[index - 1][0] if index else keys[0][0]
        else:
            index = bisect_right(keys, (price + margin, _LAST))
            best = keys[index][0] if index < len(keys) else keys[-1][0]
        return self._lots[keys[bisect_left(keys, (best, 0))][1]]


_ID = attrgetter("id")
_LAST = 1 << 62
"""Above every lot id."""
