"""Holes in a symbol's recorded bars."""

from gridbot_tui.market.clock import interval_name, moment
from gridbot_tui.market.source import QualityNote
from gridbot_tui.units import MINUTE, Ms, Symbol


def gap_note(symbol: Symbol, last_open: Ms, opened: Ms, interval: Ms, episode_gap: Ms) -> QualityNote | None:
    """What to say of two neighbouring bars of one symbol; ``None`` where nothing is missing between them.

    The note carries the close of the first bar after the hole. Its code is ``hole`` up to ``episode_gap``
    of missing time, ``episode`` beyond, ``out_of_order`` for a bar that is not newer than the last.
    """
    missing = opened - last_open - interval
    if missing == 0:
        return None
    at = opened + interval
    if missing < 0:
        return QualityNote(
            at, symbol, "out_of_order", f"bar of {moment(opened)} after that of {moment(last_open)}"
        )
    length = f"{missing // MINUTE} min from {moment(last_open + interval)}"
    if missing <= episode_gap:
        count = missing // interval
        return QualityNote(at, symbol, "hole", f"{count} x {interval_name(interval)} missing: {length}")
    return QualityNote(
        at, symbol, "episode", f"no bars for {length}: the episode ended there, a new one starts"
    )
