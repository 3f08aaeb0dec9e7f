"""When the disk does not take the facts: what is kept, and which orders may leave all the same.

Entries stop; cancels and orders that only reduce go out. The facts wait here in order and are written
when the disk returns. Once anything waits, every later fact waits behind it, so that the journal keeps
the order in which things happened.
"""

from collections import deque
from collections.abc import Callable, Sequence

from gridbot_tui.engine.actions import DecisionFact, EquityFact, Fact, PlanFact
from gridbot_tui.orders.model import NewOrder, Purpose
from gridbot_tui.store.errors import StoreUnavailable
from gridbot_tui.units import Ms

MAX_PENDING = 100_000
"""Facts kept, about 100 MB: some hours of lively trading without a disk."""
_WRITE_AT_ONCE = 1_000


class PendingFacts:
    """A bounded queue of facts in front of a store that fails."""

    def __init__(self, limit: int = MAX_PENDING) -> None:
        """Keep at most ``limit`` facts."""
        self._facts: deque[Fact] = deque()
        self._limit = limit
        self.dropped = 0
        """Equity points, plans and decisions given up to stay within the bound; never orders or money."""

    def __len__(self) -> int:
        """How many facts wait."""
        return len(self._facts)

    @property
    def last_at(self) -> Ms:
        """Time of the latest fact that waits; 0 where none does."""
        return self._facts[-1].at if self._facts else 0

    @property
    def blocked(self) -> bool:
        """True while facts wait: no entry may be sent."""
        return bool(self._facts)

    def may_send(self, order: NewOrder) -> bool:
        """Whether an order may leave now: any while nothing waits, else only one that protects or reduces."""
        return not self._facts or reduces(order)

    def keep(self, facts: Sequence[Fact]) -> None:
        """Put facts behind those that wait.

        Raises:
            StoreUnavailable: the queue is full of what must not be lost; the process has to stop safely.
                Nothing of ``facts`` was taken.
        """
        if len(self._facts) + len(facts) > self._limit:
            self._thin()
            if len(self._facts) + len(facts) > self._limit:
                raise StoreUnavailable(
                    f"{len(self._facts)} facts wait for the disk and no more can be kept; "
                    f"positions are protected, free the disk and start again."
                )
        self._facts.extend(facts)

    def put_back(self, facts: Sequence[Fact]) -> None:
        """Put facts before those that wait: they were taken for written and are not."""
        self._facts.extendleft(reversed(facts))

    def _thin(self) -> None:
        """Give up what only informs; orders, fills, cash, weights and modes stay."""
        kept = [fact for fact in self._facts if not isinstance(fact, DecisionFact | EquityFact | PlanFact)]
        self.dropped += len(self._facts) - len(kept)
        self._facts = deque(kept)

    def head(self) -> tuple[Fact, ...]:
        """The oldest facts, as many as one transaction should take; pass their number to ``written``."""
        return tuple(self._facts[index] for index in range(min(_WRITE_AT_ONCE, len(self._facts))))

    def written(self, count: int) -> None:
        """The oldest ``count`` facts are durable."""
        for _ in range(count):
            self._facts.popleft()

    def write_to(self, append: Callable[[Sequence[Fact]], int]) -> int:
        """Write all that waits through ``append``; how many. StoreUnavailable keeps the rest."""
        count = 0
        while facts := self.head():
            append(facts)
            self.written(len(facts))
            count += len(facts)
        return count


def reduces(order: NewOrder) -> bool:
    """True for an order that can only shrink or protect a position."""
    return order.reduce_only or order.close_position or order.purpose is not Purpose.GRID
