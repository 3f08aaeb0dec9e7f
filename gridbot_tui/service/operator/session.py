"""The operator's side of a running bot: commands in, outcomes back, snapshots and status out.

Commands are idempotent by id, journalled before they act, audited, and answered twice: an ``Ack`` at
once and a ``CommandOutcome`` when what they ask for has converged.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from gridbot_tui.control.command import Ack, Command, CommandKind, CommandOutcome
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.control.status import status_document
from gridbot_tui.engine.actions import CommandDone
from gridbot_tui.engine.events import Operator
from gridbot_tui.service.assemble import EXIT_REFUSED
from gridbot_tui.service.books.journal import Journal
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.operator.command_log import CommandLog, InlineCommands
from gridbot_tui.service.operator.reload import WRONG_INPUT, Reloader
from gridbot_tui.service.options import InForce
from gridbot_tui.service.pace import parse_speed
from gridbot_tui.service.runner import Runner
from gridbot_tui.store.core import Store
from gridbot_tui.units import Ms

OUTCOMES_KEPT = 256

ENDS_WITH: Final = {"input": WRONG_INPUT, "safety": {"exit_code": str(EXIT_REFUSED)}}
"""How a command ends that the engine refused."""

TO_ENGINE = {
    CommandKind.PAUSE,
    CommandKind.RESUME,
    CommandKind.FLATTEN,
    CommandKind.KILL,
    CommandKind.RESET,
    CommandKind.LEARNING,
}


WITHOUT_DISK = {
    CommandKind.PAUSE,
    CommandKind.FLATTEN,
    CommandKind.STOP,
    CommandKind.KILL,
    CommandKind.DETACH,
}
"""What only lowers risk is carried out also where it cannot be written down."""

FORGOTTEN: Final = "too many later commands wait as well: look with 'gridbot status' what has become of it"
NOT_YET: Final = "; the state file takes no writes, and a start before it does would not know of this"
"""To whoever counts on it after the end of this process: a kill or a pause that waits for the disk is not kept yet."""
KEEPS: Final = "it is being stopped with its positions kept; start it again, then 'gridbot stop' closes them"
"""To whoever wants it flat meanwhile: the end of such a stop is none of what was asked for."""


class Session:
    """Implements ``Controlled`` for a bot. Of the outcomes that are known the last ``OUTCOMES_KEPT`` are kept."""

    def __init__(
        self,
        bot: Bot,
        runner: Runner,
        store: Store,
        journal: Journal,
        reloader: Reloader,
        picture: Callable[[], Snapshot],
        commands: CommandLog | None = None,
    ) -> None:
        """``commands``: where they are journalled; None: in ``store``, in line."""
        self._bot = bot
        self._runner = runner
        self._store = store
        self._journal = journal
        self._reloader = reloader
        self._picture = picture
        self._commands = commands or InlineCommands(store)
        self._outcomes: OrderedDict[str, asyncio.Future[CommandOutcome]] = OrderedDict()
        self.stop_requested = False
        self.left = False
        """Whether it was asked to leave without touching an order: who asked goes on with the profile."""
        self.defect: Exception | None = None
        """What a command failed with in the middle: whoever runs the bot raises it."""

    # -- Controlled ------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The whole picture now."""
        return self._picture()

    def status(self) -> dict[str, Any]:
        """The ``status`` document."""
        return status_document(self._picture())

    @property
    def in_force(self) -> InForce:
        """The config as it is in force."""
        loaded = self._reloader.loaded
        return InForce(None if loaded.path is None else str(loaded.path), loaded.text)

    def submit(self, command: Command, peer: str) -> Ack:
        """Journal and start a command; a repeated id is acknowledged again and not carried out twice."""
        if command.id in self._outcomes:
            return Ack(command.id, ok=True, text="already received")
        at = self._bot.engine.now
        body = msgspec.json.encode(command).decode()
        failing, urgent = bool(self._journal.failing), command.kind in WITHOUT_DISK
        # A disk that hangs must not keep a command that lowers risk: it is not even tried.
        if not failing and self._commands.known(command.id):
            return Ack(command.id, ok=True, text="already received")
        future: asyncio.Future[CommandOutcome] = asyncio.get_running_loop().create_future()
        self._outcomes[command.id] = future
        self._forget_oldest()
        refused: list[str] = []

        def act() -> None:
            self._audit(at, "command", {"kind": command.kind.value, "args": command.args, "peer": peer}, command.id)
            if not self.carefully(lambda: self._start(command)):
                text = f"a defect of gridbot ended the run ({type(self.defect).__name__}: {self.defect})"
                self.finish(CommandOutcome(command.id, ok=False, text=text))
            self._runner.wake()

        def failed(text: str) -> None:
            refused.append(f"nothing was done: {text}")
            if not future.done():
                future.set_result(CommandOutcome(command.id, ok=False, text=refused[0]))
            self._audit(at, "outcome", {"ok": False, "text": refused[0]}, command.id)

        if failing and urgent:
            act()
        else:
            self._commands.begin(command.id, at, command.kind.value, body, act, failed, urgent=urgent)
        if refused:
            del self._outcomes[command.id]  # asked again, it is tried again
            return Ack(command.id, ok=False, text=refused[0])
        return Ack(command.id, ok=True)

    def carefully(self, work: Callable[[], None]) -> bool:
        """Do what was ordered; False where it failed. It ends the run then, as a failure in an event of the exchange
        does: nobody knows what is half done."""
        try:
            work()
        except Exception as defect:  # noqa: BLE001 - raised by whoever runs the bot
            self.defect = self.defect or defect
            self._bot.failure = self._bot.failure or f"a command failed ({type(defect).__name__}: {defect})"
            self._runner.wake()
            return False
        return True

    def _forget_oldest(self) -> None:
        """Those that are known first: whoever waits for another is told by it. Where none is, one more is told so."""
        while len(self._outcomes) > OUTCOMES_KEPT:
            name = next((name for name, one in self._outcomes.items() if one.done()), next(iter(self._outcomes)))
            future = self._outcomes.pop(name)
            if not future.done():
                future.set_result(CommandOutcome(name, ok=False, text=FORGOTTEN))

    def _audit(self, at: Ms, kind: str, body: dict[str, Any], command_id: str) -> None:
        self._journal.operator(at, kind, {"id": command_id, **body})

    def outcome(self, command_id: str) -> Awaitable[CommandOutcome]:
        """Wait for the end of a command; an unknown id fails at once."""
        future = self._outcomes.get(command_id)
        if future is not None:
            return asyncio.shield(future)
        return _at_once(self._remembered(command_id))

    @property
    def busy(self) -> bool:
        """True while somebody waits for what becomes of a command."""
        return any(not future.done() for future in self._outcomes.values())

    # -- carrying out -------------------------------------------------------------------------------------------

    def command_done(self, done: CommandDone) -> None:
        """The engine says that a command has converged or was refused."""
        text = done.text + (NOT_YET if done.ok and self._journal.failing else "")
        self.finish(CommandOutcome(done.command_id, done.ok, text, dict(ENDS_WITH.get(done.refused, {}))))

    def finish(self, outcome: CommandOutcome) -> None:
        """Answer a command and write the answer down."""
        future = self._outcomes.get(outcome.id)
        if future is not None and not future.done():
            future.set_result(outcome)
        now = self._bot.engine.now
        self._commands.end(
            outcome.id,
            msgspec.json.encode(outcome).decode(),
            lambda text: self._journal.report(now, "warning", "store", f"outcome not written: {text}"),
        )
        self._audit(now, "outcome", {"ok": outcome.ok, "text": outcome.text}, outcome.id)

    def request_stop(self, command_id: str, *, keep_positions: bool) -> None:
        """Begin the graceful shutdown; asked again (a second signal), it hurries."""
        self.stop_requested = True
        engine = self._bot.engine
        args = {"keep_positions": "true" if keep_positions else "false"}
        if self._bot.shutdown is None:
            self._bot.operator(Operator(engine.now, command_id, "stop", "", args))
        self._bot.begin_shutdown(engine.now, keep_positions=keep_positions)
        self._runner.wake()

    def shutdown_done(self) -> None:
        """Answer the commands that waited for the end of the shutdown."""
        report = self._bot.report
        for command_id, future in list(self._outcomes.items()):
            if not future.done():
                ok = report is not None and report.exit_code == 0
                text = report.text if report is not None else "the bot left before the command had converged"
                self.finish(CommandOutcome(command_id, ok, text))

    def _start(self, command: Command) -> None:
        now, args = self._bot.engine.now, command.args
        if command.kind in TO_ENGINE:
            self._bot.operator(Operator(now, command.id, command.kind.value, args.get("symbol", ""), args))
        elif command.kind is CommandKind.STOP:
            self._stop(command.id, keep_positions=args.get("keep_positions") == "true")
        elif command.kind is CommandKind.DETACH:
            self._runner.leaving = self.left = True
            self.finish(CommandOutcome(command.id, ok=True, text="left without touching an order"))
        elif command.kind is CommandKind.SPEED:
            self._change_speed(command)
        elif command.kind in (CommandKind.RELOAD, CommandKind.APPLY):
            self.finish(self._reloader.command(command, now))
        else:
            self.finish(
                CommandOutcome(command.id, ok=False, text=f"'{command.kind}' is for the control socket")
            )

    def _stop(self, command_id: str, *, keep_positions: bool) -> None:
        """Begin the shutdown, or wait for the end of the one under way: who asks again must not cut it short."""
        under_way = self._bot.shutdown
        if under_way is None:
            self.request_stop(command_id, keep_positions=keep_positions)
        elif under_way.keep_positions and not keep_positions:
            self.finish(CommandOutcome(command_id, ok=False, text=KEEPS))

    def _change_speed(self, command: Command) -> None:
        if self._runner.real_time:
            self.finish(CommandOutcome(command.id, ok=False, text="a real market goes at its own speed"))
            return
        try:
            speed = parse_speed(command.args.get("speed", ""))
        except ValueError as wrong:
            self.finish(CommandOutcome(command.id, ok=False, text=str(wrong)))
            return
        self._runner.pace.change(speed, self._bot.engine.now)
        self.finish(CommandOutcome(command.id, ok=True, text=f"speed {self._runner.pace.label}"))

    def _remembered(self, command_id: str) -> CommandOutcome:
        row = self._store.command(command_id)
        if row is not None and row.outcome:
            return msgspec.json.decode(row.outcome, type=CommandOutcome)
        return CommandOutcome(command_id, ok=False, text="no command with this id is known")


async def _at_once(outcome: CommandOutcome) -> CommandOutcome:
    return outcome


def wall_ms() -> int:
    """The clock of this machine, ms UTC."""
    return time.time_ns() // 1_000_000
