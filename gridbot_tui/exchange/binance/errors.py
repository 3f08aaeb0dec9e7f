"""What went wrong, by what the caller must do.

    BinanceError
    ├── Refused      a definite no: it did not happen; decide anew
    ├── Unresolved   nobody knows whether it happened: ask until known
    ├── RetryLater   it did not happen; the same may be sent again after a while
    ├── ClockOff     it did not happen: our time is not the exchange's; set the clock, send again
    └── Stop         nothing will be served until somebody acts: keys, permissions, ban, account
"""

from typing import Final

from gridbot_tui.units import Ms


class BinanceError(Exception):
    """Base. ``code`` is the exchange's, 0 where it gave none; ``detail`` is a sentence."""

    def __init__(self, detail: str, code: int = 0) -> None:
        super().__init__(f"{code}: {detail}" if code else detail)
        self.detail: Final = detail
        self.code: Final = code


class Refused(BinanceError):
    """A definite no."""


class Unresolved(BinanceError):
    """May or may not have happened."""


class RetryLater(BinanceError):
    """Certainly not done, and worth another try after ``after_s``. ``closed``: nothing else may be sent before."""

    def __init__(self, detail: str, code: int = 0, after_s: float = 0.0, *, closed: bool = False) -> None:
        super().__init__(detail, code)
        self.after_s: Final = after_s
        self.closed: Final = closed


class ClockOff(BinanceError):
    """Our timestamp was outside the exchange's window."""


class Stop(BinanceError):
    """Needs a human, or a long wait (``until``, ms of the exchange's time, where it said so)."""

    def __init__(self, detail: str, code: int = 0, until: Ms | None = None) -> None:
        super().__init__(detail, code)
        self.until: Final = until
