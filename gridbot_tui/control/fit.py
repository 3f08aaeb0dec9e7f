"""A snapshot as a frame that every client accepts: what is history gives way, what stands now never does."""

from typing import Any, Final, TypeVar

from msgspec.structs import replace

from gridbot_tui.control.codec import DOWN_LIMIT, encode_down
from gridbot_tui.control.errors import ProtocolError
from gridbot_tui.control.snapshot import Snapshot, SymbolView

V = TypeVar("V", Snapshot, SymbolView)

_KEEP: Final = (256, 96, 32, 8, 0)
"""Items of each history that are kept, tried in turn: ten days of hourly points, four, ..., none."""
_ACCOUNT: Final = ("events", "decisions", "fills", "orders", "equity_curve")
_SYMBOL: Final = ("bars", "vote_history")


def snapshot_frame(snapshot: Snapshot, limit: int = DOWN_LIMIT) -> bytes:
    """The frame, its histories shortened to their latest items until it fits.

    Raises:
        ProtocolError: positions, ladders and lots alone are longer than ``limit`` bytes.
    """
    frame = _encode(snapshot, limit)
    for keep in _KEEP:
        if frame is not None:
            return frame
        frame = _encode(shorten(snapshot, keep), limit)
    if frame is None:
        raise ProtocolError(f"the snapshot does not fit into {limit} bytes even without its histories")
    return frame


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
