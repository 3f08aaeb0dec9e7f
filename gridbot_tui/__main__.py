"""The `gridbot` command, also as `python -m gridbot_tui`: loads the commands, and is there while they load."""

import sys


def main() -> None:
    """Run one command. Loading takes a fifth of a second, in which Ctrl-C is no traceback either."""
    try:
        # Imported here and not above: importing this module for its own sake costs and does nothing.
        from gridbot_tui.cli import main as run

        run()
    except KeyboardInterrupt:
        print("gridbot: interrupted; nothing was done", file=sys.stderr, flush=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
