"""How a forked worker begins: deaf to the terminal, and with an eye on the process it works for."""

import multiprocessing
import os
import signal
import threading
import time
from typing import Final

LOOK_S: Final = 0.5
"""Between two looks at whether the parent is still there."""


def hired() -> None:
    """Leave an interrupt to the parent, which ends its workers; and end with it where it is killed.

    A killed parent runs none of its own clean-up, and the ends of its pipes that siblings hold keep a worker waiting
    for ever, or at work: of a search until the study is full.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.pid,), name="parent", daemon=True).start()


def _end_with(parent: int | None) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(1)
