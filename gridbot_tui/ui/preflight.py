"""What must be known of a mode before anything is drawn or asked."""

from gridbot_tui.units import Mode


def is_live(mode: str) -> bool:
    """True where real money is at stake."""
    return mode == Mode.LIVE.value
