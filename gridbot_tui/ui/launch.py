"""Opens the terminal app and says how it was left. Light to import: Textual comes with the call.

The bot may live in this process (in a thread of its own, which painting never holds up) or in another; the
app gets a ``Door`` and cannot tell which.
"""

import gc
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

from msgspec import Struct

from gridbot_tui.ui import environ

if TYPE_CHECKING:
    from gridbot_tui.settings.sections import UiParams
    from gridbot_tui.ui.app import GridApp
    from gridbot_tui.ui.link import Door


SWITCH_S = 0.0005
"""Longest one thread may hold the interpreter while another wants it."""


class Wishes(Struct, frozen=True):
    """What the operator wants of the app, from config and command line."""

    theme: str = "auto"
    symbols: str = "auto"
    refresh_hz: float = 4.0
    mouse: bool = False
    keymap: dict[str, str] = {}
    read_only: bool = False
    step: Callable[[int], str] | None = None
    """Goes to another picture of a recorded session, and says where that is."""

    @classmethod
    def of(cls, params: "UiParams", *, read_only: bool) -> "Wishes":
        """As the config has it. Mouse ``auto`` is off: reporting motion costs bandwidth and takes selecting."""
        return cls(
            theme=params.theme,
            symbols=params.symbols,
            refresh_hz=params.refresh_hz,
            mouse=params.mouse == "on",
            keymap=params.keymap,
            read_only=read_only,
        )


class Left(Struct, frozen=True):
    """How the app was left."""

    how: str
    """detached, unheard, over, stopped, hangup, terminated or crashed."""
    code: int = 0


def launch(
    door: "Door",
    wishes: Wishes | None = None,
    *,
    attached: bool,
    on_terminate: Callable[[int], None] | None = None,
    over: Callable[[], bool] = lambda: False,
    waits_for: Callable[[], str] = lambda: "",
) -> Left:
    """Run the app until it is left.

    Args:
        door: opens a connection to the bot.
        wishes: how it shall look.
        attached: the bot lives in another process.
        on_terminate: called from the signal handler on SIGTERM and SIGINT.
        over: True where the bot has ended already; asked once the app is loaded, before it takes the screen.
        waits_for: what the bot's start waits for, in a sentence; "" where for nothing that it has told.

    The terminal is restored when this returns. SIGHUP is ignored from then on: who hangs up once does so again.
    """
    environ.prepare()
    # Nothing of what loading makes is garbage; looking for some takes a tenth of the time to the first screen.
    # The app turns it on again once it has painted.
    gc.disable()
    try:
        return _run(door, wishes or Wishes(), attached, on_terminate, over, waits_for)
    finally:
        gc.enable()


def _run(
    door: "Door",
    wishes: Wishes,
    attached: bool,
    on_terminate: Callable[[int], None] | None,
    over: Callable[[], bool],
    waits_for: Callable[[], str],
) -> Left:
    from gridbot_tui.ui.app import GridApp, Look

    if over():
        return Left("stopped")
    # Textual writes to the terminal from a thread of its own: at the default of 5 ms a painted key waits for it.
    sys.setswitchinterval(SWITCH_S)
    look = Look(
        theme=wishes.theme,
        symbols=environ.symbols(wishes.symbols),
        refresh_hz=wishes.refresh_hz,
        keymap=wishes.keymap,
        no_color=environ.no_color(),
    )
    app = GridApp(
        door, look=look, read_only=wishes.read_only, attached=attached, step=wishes.step, waits_for=waits_for
    )
    _take_signals(app, on_terminate)
    try:
        ended = app.run(mouse=wishes.mouse)
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if ended is None:
        return Left("crashed", 1)
    return Left(ended.how, ended.code)


def _take_signals(app: "GridApp", on_terminate: Callable[[int], None] | None) -> None:
    # signal.signal and not the loop's own handlers: those are gone, and the default is death, the moment the
    # loop closes, which is just when a shell that dies sends its second SIGHUP.
    def hang_up(number: int, frame: FrameType | None) -> None:
        app.from_signal(number)

    def terminate(number: int, frame: FrameType | None) -> None:
        if on_terminate is not None:
            on_terminate(number)
        app.from_signal(number)

    signal.signal(signal.SIGHUP, hang_up)
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, terminate)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
