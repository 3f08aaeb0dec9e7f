"""Signs of life for whoever watches from outside: a file's time of change, and systemd's watchdog."""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gridbot_tui.ops.in_thread import in_thread
from gridbot_tui.ops.log import Logger

GOES_ON_S: Final = 60.0
"""A stop that is still under way asks systemd for so much more time, beyond the next beat: its own end is after that of
the heartbeat."""


async def beat(path: Path, every_s: float, log: Logger, stopping: Callable[[], bool]) -> None:
    """Touch ``path`` and tell systemd, every ``every_s`` seconds for as long as the loop turns.

    ``stopping``: whether a graceful stop is under way. One that makes progress may take longer than any limit that was
    set for it, and is not to be killed with positions half closed; one that makes none ends by itself.
    """
    ready = notify("READY=1")
    failing = False
    touching = in_thread(lambda: _touch(path))  # a disk that hangs must not hold up the loop
    while True:
        if touching.done():
            trouble = touching.result()
            if trouble and not failing:
                log.warning("heartbeat_failed", text=f"{path} cannot be touched ({trouble})")
            failing = bool(trouble)
            touching = in_thread(lambda: _touch(path))
        ready = ready or notify("READY=1")
        notify("WATCHDOG=1")
        if stopping():
            notify(f"EXTEND_TIMEOUT_USEC={round((every_s + GOES_ON_S) * 1_000_000)}")
        await asyncio.sleep(every_s)


def _touch(path: Path) -> str:
    try:
        path.touch(mode=0o600)
    except OSError as error:
        return error.strerror or "unknown error"
    return ""


def notify(state: str) -> bool:
    """Send a line to systemd, where it started this process with ``Type=notify``; False where nobody listens, or so
    much waits for it that this line would have to wait, too: the next one says the same."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]  # Linux's abstract names
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(state.encode(), address)
    except OSError:
        return False
    return True
