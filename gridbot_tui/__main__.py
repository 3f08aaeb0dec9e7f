"""The `gridbot` command, also as `python -m gridbot_tui`: loads the commands, and is there while they load."""

import os
import sys

from gridbot_tui.commands import ending


def main() -> None:
    """Run one command. Loading takes a fifth of a second, in which Ctrl-C is no traceback either."""
    take_closed_streams()
    ending.take()
    try:
        # Imported here and not above: importing this module for its own sake costs and does nothing.
        from gridbot_tui.cli import main as run

        run()
    except KeyboardInterrupt:
        print("gridbot: interrupted; nothing was done", file=sys.stderr, flush=True)
        sys.exit(130)
    except ending.Terminated as ended:
        print(f"gridbot: {ended.text}", file=sys.stderr, flush=True)
        ending.die()


def take_closed_streams() -> None:
    """Put /dev/null where whoever started this closed stdin, stdout or stderr.

    Else the next file that is opened, a database perhaps, gets the number and whatever is written to the terminal.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115 - stays open as long as the process
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


if __name__ == "__main__":
    main()
