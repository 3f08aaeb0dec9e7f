"""A line of requests of one rank, from which one may be withdrawn before it has left."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lane(Generic[T]):
    """First in, first out; any number of takers. Its length is bounded by whoever puts."""

    __slots__ = ("_idle", "_items")

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add at the end, and wake one taker."""
        self._items.append(item)
        self.wake()

    def lay(self, item: T) -> None:
        """Add at the end, for a taker that comes anyway; see that ``wake`` is called soon."""
        self._items.append(item)

    async def filled(self) -> None:
        """Wait until something is there; another taker may still be faster, or it may be withdrawn."""
        while not self._items:
            idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(idle)
            try:
                await idle
            except asyncio.CancelledError:
                if idle.done() and not idle.cancelled():
                    self.wake()  # the item it was woken for must not wait for the next one
                raise

    def take(self, most: int = 1) -> list[T]:
        """Up to so many from the front, none where it is empty; what is left wakes the next taker."""
        taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
        if self._items:
            self.wake()
        return taken

    def withdraw(self, matches: Callable[[T], bool]) -> T | None:
        """Take out the first that matches; None where none does."""
        for number, item in enumerate(self._items):
            if matches(item):
                del self._items[number]
                return item
        return None

    def wake(self) -> None:
        """Send one taker to look."""
        while self._idle:
            idle = self._idle.popleft()
            if not idle.done():
                idle.set_result(None)
                return
