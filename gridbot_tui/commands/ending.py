"""SIGTERM before there is anything to stop: one sentence, then the death that whoever sent it expects.

Light to import: it is there while everything else loads.
"""

import os
import signal
from types import FrameType


class Terminated(SystemExit):
    """Ends the process by SIGTERM, after a sentence. A ``SystemExit``: event loop and command line let those pass."""

    def __init__(self, text: str) -> None:
        super().__init__(128 + signal.SIGTERM)
        self.text = text


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    raise Terminated("ended by SIGTERM; nothing was done")


def take() -> None:
    """From here on SIGTERM raises ``Terminated``; where a parent has it ignored it stays so."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_sigterm)


def give_back() -> None:
    """SIGTERM ends this process at once again, as it does any command."""
    if signal.getsignal(signal.SIGTERM) is _on_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def die() -> None:
    """End by SIGTERM itself: to systemd that is an end in order, and to a shell it is 143."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
