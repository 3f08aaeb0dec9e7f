"""What was earned since a moment of the last week: equity then and now, less what was paid in or out between."""

from collections import deque
from collections.abc import Iterable
from itertools import dropwhile
from typing import Final, NamedTuple

from gridbot_tui.engine.events import CashKind
from gridbot_tui.ledger import Ledger
from gridbot_tui.store.rows import CashRow, EquityRow
from gridbot_tui.units import DAY, MINUTE, ZERO, Asset, Money, Ms

KEPT: Final = 7 * DAY
_PART: Final = 15 * MINUTE
"""Of points nearer to one another the last is kept: a curve of minutes is no longer than one of quarters."""


class _Mark(NamedTuple):
    at: Ms
    equity: Money
    transfers: int
    """How many transfers were booked before it: one may be older than the point and booked after it."""


class Lately:
    """The last week of the equity curve, unthinned, and the transfers of that time. Bounded."""

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque()
        self._transfers: deque[tuple[int, Asset, Money]] = deque()
        self._booked = 0

    def recall(self, points: Iterable[EquityRow], cash: Iterable[CashRow]) -> None:
        """Begin with what the state file knows, each in order of time."""
        waiting = deque(row for row in cash if row.kind is CashKind.TRANSFER)
        for row in points:
            while waiting and waiting[0].at <= row.at:
                self.transfer(waiting[0].asset, waiting.popleft().amount)
            self.point(row.at, row.equity)
        for late in waiting:
            self.transfer(late.asset, late.amount)

    def point(self, at: Ms, equity: Money) -> None:
        """A point of the equity curve."""
        marks = self._marks
        # Parts end with their last millisecond, so that the point of midnight itself is kept.
        if len(marks) > 1 and (at - 1) // _PART == (marks[-1].at - 1) // _PART:
            marks.pop()
        marks.append(_Mark(at, equity, self._booked))
        while len(marks) > 1 and marks[1].at <= at - KEPT:
            marks.popleft()
        while self._transfers and self._transfers[0][0] < marks[0].transfers:
            self._transfers.popleft()

    def transfer(self, asset: Asset, amount: Money) -> None:
        """Money was paid in (+) or out (-)."""
        self._transfers.append((self._booked, asset, amount))
        self._booked += 1

    def earned(self, since: Ms, equity: Money, ledger: Ledger) -> Money | None:
        """What ``equity`` has of trading since the last point at or before a time; None before the first."""
        mark = next((mark for mark in reversed(self._marks) if mark.at <= since), None)
        if mark is None:
            return None
        after = dropwhile(lambda one: one[0] < mark.transfers, self._transfers)
        moved = sum((amount for _, asset, amount in after if asset == ledger.quote), ZERO)
        whole = ledger.account.sums(ledger.quote).transfers
        return equity - mark.equity - (ledger.of_capital(whole) - ledger.of_capital(whole - moved))
