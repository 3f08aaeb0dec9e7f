"""A snapshot as a frame that every client accepts: what is history gives way, what stands now never does."""

from typing import Any, Final, TypeVar

from msgspec.structs import replace

from gridbot_tui.control.codec import DOWN_LIMIT, encode_down
from gridbot_tui.control.errors import ProtocolError
from gridbot_tui.control.snapshot import Snapshot, SymbolView

ROOM: Final = 1024 * 1024
"""Bytes of a frame that histories may fill. What stands now may take more: it is all the frame has then."""
V = TypeVar("V", Snapshot, SymbolView)

_KEEP: Final = (256, 96, 32, 8, 0)
"""Items of each history that are kept, tried in turn: ten days of hourly points, four, ..., none."""
TRY_MORE_EVERY: Final = 40
"""Frames after which one with longer histories is tried again: ten seconds of snapshots."""
_ACCOUNT: Final = ("events", "decisions", "fills", "orders", "equity_curve")
_SYMBOL: Final = ("bars", "vote_history")


class Fitter:
    """Makes the frames of one stream of snapshots, and remembers how much history the last one had room for.

    With fifty symbols nothing fits at first: trying all lengths anew for every frame would cost more than all
    the rest of it.
    """

    __slots__ = ("_at", "_limit", "_made", "_room")

    def __init__(self, limit: int = DOWN_LIMIT) -> None:
        self._limit = limit
        self._room = min(limit, ROOM)
        self._at = -1
        """Which of ``_KEEP`` fitted last; -1 is everything."""
        self._made = 0

    def frame(self, snapshot: Snapshot) -> bytes:
        """The frame, its histories shortened to their latest items until they fit.

        Raises:
            ProtocolError: positions, ladders, lots and the config alone are longer than the limit.
        """
        self._made += 1
        if self._at >= 0 and self._made % TRY_MORE_EVERY == 0:
            self._at -= 1
        while self._at < len(_KEEP):
            limit = self._room if self._at < len(_KEEP) - 1 else self._limit
            frame = _encode(snapshot if self._at < 0 else shorten(snapshot, _KEEP[self._at]), limit)
            if frame is not None:
                return frame
            self._at += 1
        self._at = -1
        raise ProtocolError(f"the snapshot does not fit into {self._limit} bytes even without its histories")


def shorten(snapshot: Snapshot, keep: int) -> Snapshot:
    """The same picture with at most ``keep`` of the latest items in each history."""
    symbols = {name: _cut(view, _SYMBOL, keep) for name, view in snapshot.symbols.items()}
    learning = replace(snapshot.learning, history=_tail(snapshot.learning.history, keep))
    return replace(_cut(snapshot, _ACCOUNT, keep), symbols=symbols, learning=learning)


def _encode(snapshot: Snapshot, limit: int) -> bytes | None:
    try:
        frame = encode_down(snapshot)
    except ProtocolError:
        return None
    return frame if len(frame) - 4 <= limit else None


def _cut(view: V, names: tuple[str, ...], keep: int) -> V:
    return replace(view, **{name: _tail(getattr(view, name), keep) for name in names})


def _tail(items: tuple[Any, ...], keep: int) -> tuple[Any, ...]:
    return items[-keep:] if keep else ()
