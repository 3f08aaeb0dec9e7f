"""``gridbot`` without a command: run the bot, headless for now where no terminal app is installed."""

import os
import signal
import sys
from collections.abc import Callable

from gridbot_tui.commands import output
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.service.options import RunOptions, RunResult
from gridbot_tui.units import Mode

LINE_EVERY_S = 5.0
"""Seconds between status lines: often enough to see it live, seldom enough to read."""
NOT_YET = (Mode.PAPER, Mode.TESTNET, Mode.LIVE)

Face = Callable[[RunOptions], RunResult]


def run(options: RunOptions, *, face: Face | None, headless: bool) -> None:
    """Run the bot to its end and report; ``face`` is the terminal app, where there is one."""
    _outlive_the_terminal()
    _refuse_impossible(options)
    if not headless and face is not None and _has_terminal():
        finish(face(options), options)
        return
    if not headless:
        output.say("gridbot: no terminal app here, running headless; 'gridbot status' shows more, Ctrl+C stops it")
    from gridbot_tui.service.app import run_headless

    finish(run_headless(options, None if options.json else Lines().show, LINE_EVERY_S), options)


def finish(result: RunResult, options: RunOptions) -> None:
    """Print how a run ended; a bad end ends the command with its exit code."""
    if options.json and result.status is not None:
        output.document(result.status)
    if result.exit_code:
        raise CommandFailed(result.text or "the run failed", Exit(result.exit_code))
    if result.text:
        output.say(result.text)


class Lines:
    """Prints status lines on stdout, for as long as somebody can read them."""

    def __init__(self) -> None:
        self._gone = False

    def show(self, snapshot: Snapshot) -> None:
        """Print the picture as a line."""
        if self._gone:
            return
        from gridbot_tui.commands.lines import status_line

        try:
            print(status_line(snapshot), flush=True)
        except OSError:
            self._gone = True  # the terminal has gone; trading goes on


def _outlive_the_terminal() -> None:
    """Nobody's hanging up or Ctrl+Z stops a trading process before its own handlers are set."""
    for name in ("SIGHUP", "SIGTSTP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)


def _refuse_impossible(options: RunOptions) -> None:
    if options.mode in NOT_YET:
        raise CommandFailed(
            f"mode {options.mode} needs the Binance adapter, which this version of gridbot has not; "
            "modes sim and replay work",
            Exit.USAGE,
        )


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
