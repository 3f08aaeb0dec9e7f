"""The terminal app on a bot in this process, and the handover to one without a terminal when it closes.

The bot runs in a thread with a loop of its own, so that painting never holds up trading and the end of the
app is not the end of the bot. The app itself is passed in: this room does not know it.
"""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Protocol

import msgspec
from msgspec.structs import replace

from gridbot_tui.commands import output
from gridbot_tui.commands.consent import ENV_YES
from gridbot_tui.commands.exits import Exit
from gridbot_tui.control.ask import new_id
from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.command import Command, CommandKind
from gridbot_tui.control.errors import NotRunning
from gridbot_tui.control.messages import Role
from gridbot_tui.service.app import run
from gridbot_tui.service.operator.control_server import ControlServer
from gridbot_tui.service.operator.session import Session
from gridbot_tui.service.options import InForce, RunOptions, RunResult
from gridbot_tui.service.signals import Start
from gridbot_tui.units import Mode

SWITCH_S = 0.0005
"""Longest the painting thread may hold the interpreter: decisions beside a painting app took 5.5 ms at the
default of 5 ms, 0.9 ms so (p99)."""
LOOK_S = 0.02
SUCCESSOR_S = 10.0
"""Longest wait for the process that takes over; one that waits for its exchange listens later."""
NOBODY = "the bot could not go on without a terminal and nobody trades now: 'gridbot --no-ui' says why"


class Left(Protocol):
    """How the app was left."""

    @property
    def how(self) -> str:
        """detached, stopped, hangup, terminated or crashed."""
        ...

    @property
    def code(self) -> int:
        """What a shell would see."""
        ...


class Launch(Protocol):
    """Opens the app on a bot; returns when it is left."""

    def __call__(self, thread: "BotThread", options: RunOptions) -> Left:
        """Run it to its end."""
        ...


class BotThread:
    """The service in a thread of its own. It outlives the app until it is told to leave, and is then joined."""

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        self._thread = threading.Thread(target=self._run, name="bot")
        self._ready = threading.Event()
        self._start = Start()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: Session | None = None
        self._server: ControlServer | None = None
        self._wanted: list[Command] = []
        self._lock = threading.Lock()
        self.result: RunResult | None = None
        """How the run ended; None while it goes on."""
        self.error: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        sys.setswitchinterval(SWITCH_S)
        self._thread.start()

    @property
    def over(self) -> bool:
        """True once the run has ended."""
        return not self._thread.is_alive()

    async def connect(self) -> ControlClient:
        """A client of the bot, as soon as it listens. Raises NotRunning with the reason once it has ended."""
        while self._server is None or self._server.closed:  # before the first run, or between two
            if self.over:
                raise NotRunning(self.why_ended())
            await asyncio.sleep(LOOK_S)
        assert self._loop is not None
        if self.over:
            raise NotRunning(self.why_ended())
        coming = self._server.local_socket()
        try:
            ours = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coming, self._loop))
        except RuntimeError as error:  # the loop closed in this very moment
            coming.close()
            raise NotRunning(self.why_ended()) from error
        return await ControlClient.over(ours, role=Role.FACE, name="terminal")

    def leave(self) -> None:
        """Ask it to stop without touching an order."""
        self._submit(Command(new_id(), CommandKind.DETACH))

    def stop(self) -> None:
        """Ask for the graceful shutdown."""
        self._submit(Command(new_id(), CommandKind.STOP, {"keep_positions": "false"}))

    def terminate(self, number: int, frame: FrameType | None = None) -> None:
        """A signal's handler: a start that holds nothing yet is given up, else as ``stop``."""
        self._start.give_up(signal.Signals(number).name)
        self.stop()

    def join(self) -> RunResult:
        """Wait for the end."""
        self._thread.join()
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result

    @property
    def in_force(self) -> InForce | None:
        """The config that it traded by; None where it never began."""
        return None if self._session is None else self._session.in_force

    @property
    def listens(self) -> bool:
        """True while a bot of this profile, be it this one or its successor, can be talked to."""
        return self._server is not None and self._server.path.exists()

    @property
    def waits_for(self) -> str:
        """What its start waits for, in a sentence; "" where for nothing, and once it listens."""
        return "" if self._ready.is_set() else self._start.waits_for

    def why_ended(self) -> str:
        """One sentence."""
        if self.error is not None:
            return f"the bot failed: {type(self.error).__name__}: {self.error}"
        if self.result is not None and self.result.text:
            return f"the bot has ended: {self.result.text}"
        return "the bot has ended"

    def _submit(self, command: Command) -> None:
        with self._lock:
            if not self._ready.is_set():
                self._wanted.append(command)
                return
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._deliver, command)
        except RuntimeError:
            pass  # the loop has closed: it has ended by itself

    def _deliver(self, command: Command) -> None:
        """In the bot's own thread: to the run there is, or to the one that follows it."""
        assert self._session is not None
        assert self._server is not None
        if self._server.closed:
            self._wanted.append(command)
        else:
            self._session.submit(command, "terminal")

    def _run(self) -> None:
        try:
            self.result = asyncio.run(run(self._options, on_ready=self._is_ready, screen=True, start=self._start))
        except BaseException as error:  # noqa: BLE001 - handed to whoever joins
            self.error = error

    def _is_ready(self, session: Session, server: ControlServer) -> None:
        self._loop = asyncio.get_running_loop()
        self._session, self._server = session, server
        with self._lock:
            self._ready.set()
        wanted, self._wanted = self._wanted, []
        for command in wanted:
            session.submit(command, "terminal")


def in_terminal(launch: Launch, options: RunOptions) -> RunResult:
    """Run the bot with the app on it; whatever ends the app but a stop hands the bot over."""
    thread = BotThread(options)
    for number in (signal.SIGTERM, signal.SIGINT):  # until the app has its own, which takes a while to load
        signal.signal(number, thread.terminate)
    thread.start()
    left, goes_on = None, True
    try:
        left = launch(thread, options)
    finally:
        # Also where the app ended with an exception: trading goes on without it.
        if left is None or left.how not in ("stopped", "terminated"):
            thread.leave()
            if left is not None and left.how == "detached" and thread.waits_for:
                still = "still starting, and handed over after that; Ctrl-C gives it up"
                output.say(f"gridbot: {still}: {thread.waits_for}")
        else:
            thread.stop()
        result = thread.join()
        ended = result.exit_code != 0 or bool(result.text)
        if not ended and (left is None or left.how in ("detached", "hangup", "crashed")):
            goes_on = hand_over(replace(options, in_force=thread.in_force), lambda: thread.listens)
    if not goes_on:
        return RunResult(int(Exit.FAILED), result.status, NOBODY)
    if left is not None and left.how == "crashed":
        return RunResult(int(Exit.FAILED), result.status, "the terminal app failed; the bot goes on without it")
    return result


def hand_over(options: RunOptions, listens: Callable[[], bool], argv: Sequence[str] | None = None) -> bool:
    """Start the same bot without a terminal, in a session of its own; a replay's profile ended with it.

    False where it ended at once: nobody trades.
    """
    if (options.mode is Mode.REPLAY or options.data) and not options.resume:
        return True
    words = list(sys.argv[1:] if argv is None else argv)
    env = dict(os.environ)
    if options.yes_live:  # the yes to real money was given to this process
        words = ["--yes-live", *(word for word in words if word != "--yes-live")]
        env[ENV_YES] = "yes"
    process = subprocess.Popen(
        [sys.executable, "-m", "gridbot_tui", "--no-ui", "--handed-over", *words],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    with suppress(OSError):  # it has ended at once
        process.stdin.write(msgspec.json.encode(options.in_force))
        process.stdin.close()
    until = time.monotonic() + SUCCESSOR_S
    while not (heard := listens()) and time.monotonic() < until:
        if process.poll() is not None:
            return False
        time.sleep(LOOK_S)
    with suppress(OSError):  # the terminal has gone
        if heard:
            output.say(f"gridbot: trading goes on without a terminal; '{_attach(options)}' brings the screen back")
        else:
            takes_over = f"process {process.pid} takes over without a terminal, and does not trade yet"
            waits = "mostly it waits for its exchange, for as long as that takes"
            output.say(f"gridbot: {takes_over}: {waits}; '{_attach(options)}' brings the screen back once it trades")
    return True


def _attach(options: RunOptions) -> str:
    """The command that finds the bot where these options have put it."""
    named = (("--home", options.home), ("--profile", options.profile))
    return " ".join(("gridbot attach", *(f"{option} {shlex.quote(str(it))}" for option, it in named if it is not None)))
