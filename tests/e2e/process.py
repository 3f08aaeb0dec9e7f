"""gridbot as its own process, and its commands as others."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridbot_tui.control import ask
from gridbot_tui.control.errors import ControlError
from gridbot_tui.service.books.profile import Profile, named
from tests.service.living import FEW, NAME

PATIENCE_S = 120.0
"""Far more than anything takes: on a busy machine a start of a second has taken ten."""
TRADES = ("running", "reducing")
"""At full speed a slow machine lives through more of the market, and a drawdown may be part of it."""


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


def gridbot(*words: str, timeout: float = PATIENCE_S, env: dict[str, str] | None = None) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "gridbot_tui", *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


class Running:
    """A bot in a process of its own."""

    home: Path
    profile: Profile
    process: "subprocess.Popen[str]"

    def wait_for(self, true: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until the status is as wanted."""
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the bot has ended: {self.ended()}")
            try:
                last = status = ask.ask_status(self.profile.found_socket, 5.0)
            except ControlError as error:
                last = error
            else:
                if true(status):
                    return status
            time.sleep(0.02)
        raise AssertionError(f"not in time; last heard: {last}")

    def command(self, *words: str) -> Ended:
        """Give a command from another process."""
        return gridbot("--home", str(self.home), *words)

    def ended(self, seconds: float = PATIENCE_S) -> Ended:
        """Wait for the end."""
        out, err = self.process.communicate(timeout=seconds)
        return Ended(self.process.returncode, out, err)

    def kill(self) -> Ended:
        """kill -9."""
        self.process.kill()
        return self.ended()


class Bot(Running):
    """A running sim bot."""

    def __init__(self, home: Path, *words: str, name: str = NAME) -> None:
        self.home = home
        self.profile = named(home, name)
        sets = [word for key, value in FEW for word in ("--set", f"{key}={value}")]
        command = [sys.executable, "-m", "gridbot_tui", "--home", str(home), "--no-ui", "--json", *sets, *words]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def running(self) -> dict[str, Any]:
        """Wait until it trades, its past behind it."""
        return self.wait_for(lambda s: s["state"] in TRADES and not (self.profile.folder / "warming").exists())

    def goes_on(self) -> bool:
        """Wait until it trades; False where it ends by itself instead."""
        try:
            return bool(self.running())
        except AssertionError:
            if self.process.poll() is None:
                raise
            return False

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@contextmanager
def bot(home: Path, *words: str, name: str = NAME) -> Iterator[Bot]:
    """A bot that does not outlive the block."""
    one = Bot(home, *words, name=name)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.kill()
