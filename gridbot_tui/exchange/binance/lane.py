"""A line of requests of one rank, from which one may be withdrawn before it has left."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lane(Generic[T]):
    """First in, first out; any number of takers. Its length is bounded by whoever puts."""

    __slots__ = ("_items", "_there")

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._there = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add at the end."""
        self._items.append(item)
        self._there.set()

    async def filled(self) -> None:
        """Wait until something is there (for somebody: another taker may be faster)."""
        await self._there.wait()

    def take(self, most: int = 1) -> list[T]:
        """Up to so many from the front, none where it is empty."""
        taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
        if not self._items:
            self._there.clear()
        return taken

    def withdraw(self, matches: Callable[[T], bool]) -> T | None:
        """Take out the first that matches; None where none does."""
        for number, item in enumerate(self._items):
            if matches(item):
                del self._items[number]
                if not self._items:
                    self._there.clear()
                return item
        return None
