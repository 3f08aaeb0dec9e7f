"""What was heard lately: a bounded set that forgets the oldest."""

from collections.abc import Hashable


class Recent:
    """Remembers the last ``keep`` keys."""

    __slots__ = ("_keep", "_keys")

    def __init__(self, keep: int = 8_192) -> None:
        self._keep = keep
        self._keys: dict[Hashable, None] = {}

    def add(self, key: Hashable) -> bool:
        """Remember; False where it is remembered already."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._keep:
            del self._keys[next(iter(self._keys))]
        return True

    def __contains__(self, key: Hashable) -> bool:
        return key in self._keys
