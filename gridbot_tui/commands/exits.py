"""How a command ends: exit codes, and the one exception that carries them."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of ``gridbot``."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """Wrong usage, config or input."""
    NOT_RUNNING = 3
    REFUSED = 4
    """Refused for safety; nothing was done."""
    TIMED_OUT = 5
    NOT_FLAT = 6
    """Stopped, but not flat."""
    INTERRUPTED = 130
    """Ctrl-C, as a shell knows it: 128 and the signal's number."""
    TERMINATED = 143
    """SIGTERM before a bot traded, likewise."""
    CLOSED_PIPE = 141
    """Whoever read the output had enough of it (``| head``), likewise as a shell knows it."""


class CommandFailed(Exception):
    """Ends the command with one sentence on stderr; never a traceback."""

    def __init__(self, text: str, code: Exit) -> None:
        self.code = code
        super().__init__(text)
