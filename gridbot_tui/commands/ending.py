"""SIGTERM before there is anything to stop: one sentence, then the death that whoever sent it expects.

And SIGHUP before it is known what runs here: a bot outlives it, any other command does not.

Light to import: it is there while everything else loads.
"""

import os
import signal
from types import FrameType
from typing import Final


class Terminated(SystemExit):
    """Ends the process by SIGTERM, after a sentence. A ``SystemExit``: event loop and command line let those pass."""

    def __init__(self, text: str) -> None:
        super().__init__(128 + signal.SIGTERM)
        self.text = text


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    raise Terminated("ended by SIGTERM; nothing was done")


_hung_up: list[int] = []
"""The hang-ups that came while it was not known yet what runs here."""


def _on_sighup(number: int, frame: FrameType | None) -> None:
    _hung_up.append(number)


_EARLY: Final = {signal.SIGTERM: _on_sigterm, signal.SIGHUP: _on_sighup}


def take() -> None:
    """From here on SIGTERM raises ``Terminated`` and SIGHUP waits; where a parent has one ignored it stays so."""
    for number, handler in _EARLY.items():
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, handler)


def give_back() -> None:
    """Both end this process at once again, as they do any command; a hang-up that waited does so now."""
    for number, handler in _EARLY.items():
        if signal.getsignal(number) is handler:
            signal.signal(number, signal.SIG_DFL)
    if _hung_up:
        os.kill(os.getpid(), signal.SIGHUP)


def die() -> None:
    """End by SIGTERM itself: to systemd that is an end in order, and to a shell it is 143."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
