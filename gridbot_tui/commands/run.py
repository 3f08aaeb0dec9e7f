"""``gridbot`` without a command: run the bot, with the terminal app or (``--no-ui``) without."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from gridbot_tui.commands import output
from gridbot_tui.commands.consent import agreed
from gridbot_tui.commands.ending import Terminated
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.ops.beside import Beside, write_past_locks
from gridbot_tui.service.options import InForce, RunOptions, RunResult
from gridbot_tui.units import Mode

LINE_EVERY_S = 5.0
"""Seconds between status lines: often enough to see it live, seldom enough to read."""
MOST_WAITING = 5
LAST_LINES_S = 0.5

Face = Callable[[RunOptions], RunResult]


def run(options: RunOptions, *, face: Face | None, headless: bool) -> None:
    """Run the bot to its end and report; ``face`` is the terminal app, where there is one."""
    options = replace(options, yes_live=agreed(options, yes_live=options.yes_live) and options.mode is Mode.LIVE)
    _outlive_strays()
    if not headless:
        no = objection()
        if no:
            raise CommandFailed(no, Exit.USAGE)
        assert face is not None
        finish(face(options), options)
        return
    from gridbot_tui.service.app import run_headless

    lines = Lines()
    try:
        result = run_headless(options, None if options.json else lines.show, LINE_EVERY_S)
    finally:
        lines.close()
    finish(result, options)


def finish(result: RunResult, options: RunOptions) -> None:
    """Print how a run ended; a bad end ends the command with its exit code."""
    if options.json and result.status is not None:
        output.document(result.status)
    if result.exit_code == Exit.TERMINATED:
        raise Terminated(result.text)
    if result.exit_code:
        raise CommandFailed(result.text or "the run failed", Exit(result.exit_code))
    if result.text:
        output.say(result.text)


def taken_over() -> InForce | None:
    """The config of the bot that hands over to this process, from its ``terminal.hand_over``."""
    try:
        handed = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
        return msgspec.json.decode(handed, type=InForce | None)
    except (OSError, msgspec.DecodeError) as error:
        raise CommandFailed("--handed-over is between two processes of gridbot: leave it out", Exit.USAGE) from error


class Lines:
    """Prints status lines on stdout, for as long as somebody can read them. A terminal that is held stops nobody."""

    def __init__(self) -> None:
        self._gone = False
        self._beside: Beside | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Have the picture printed as a line; a few wait where the terminal is held, the rest is not shown."""
        if self._gone:
            return
        from gridbot_tui.commands.lines import status_line

        if self._beside is None:
            self._beside = Beside("status lines", MOST_WAITING)
        line = status_line(snapshot)
        self._beside.put(lambda: self._print(line))

    def _print(self, line: str) -> None:
        try:
            write_past_locks(sys.stdout, f"{line}\n")
        except (OSError, ValueError):
            self._gone = True  # the terminal has gone; trading goes on

    def close(self) -> None:
        """Print what waits, unless the terminal is held."""
        if self._beside is not None:
            self._beside.close(LAST_LINES_S)


STRAY: Final = (signal.SIGHUP, signal.SIGTSTP, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that would end or halt a process, and that whoever sends them does not mean so: a terminal that hangs up,
Ctrl+Z, a log rotation, a slip of a script."""


def _outlive_strays() -> None:
    """None of them stops a trading process, also before its own handlers are set; SIGPIPE Python ignores itself."""
    for number in STRAY:
        signal.signal(number, signal.SIG_IGN)


def objection() -> str:
    """Why no terminal app can open here, naming the way out; "" where it can. Textual paints to stderr."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return "this is no terminal: use --no-ui to run without the terminal app"
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return "TERM names a terminal that can draw no screens: use --no-ui to run without the terminal app"
    return ""
