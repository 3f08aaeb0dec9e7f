"""The actions that give orders to the bot, as a mixin of the app: ask, re-check, send once, report."""

from typing import TYPE_CHECKING, Any

from gridbot_tui.control.command import CommandKind, CommandOutcome
from gridbot_tui.control.errors import ControlError
from gridbot_tui.control.messages import ControlAsked
from gridbot_tui.ui.link import Link
from gridbot_tui.ui.picture import Line, Picture
from gridbot_tui.ui.preflight import is_live
from gridbot_tui.units import Symbol

if TYPE_CHECKING:
    from textual.app import App

    Base = App[Any]
else:
    Base = object

SPEEDS = ("1", "2", "5", "10", "20", "30", "60", "120", "240", "600", "1800", "max")
READS = "this terminal only reads (--read-only): open one without it to control the bot"


class OrderActions(Base):
    """What changes the bot. Every order ends in a sentence on the screen and in the events."""

    picture: Picture
    link: Link

    def may_order(self) -> bool:
        """True where this terminal may give orders now."""
        picture = self.picture
        return picture.controls and not picture.read_only and picture.line is Line.UP

    def refuse_order(self, key: str) -> None:
        """Say why no order can be given, once for a key that is held down; ``key`` asks for control."""
        if self.picture.read_only:
            why = READS
        elif self.picture.line is not Line.UP:
            why = "the bot is not connected: no order was given"
        else:
            snapshot = self.picture.latest()
            who = (snapshot.controller if snapshot is not None else "") or "nobody"
            why = f"no order was given: {who} controls the bot, and {key} asks for it"
        if not any(toast.message == why for toast in self._notifications):
            self.tell("info", why)

    def order(self, kind: CommandKind, args: dict[str, str] | None = None, *, base_version: int | None = None) -> None:
        """Send an order in the background; its outcome is reported when it comes."""
        self.run_worker(
            self.give(kind, args or {}, base_version=base_version), name=f"order {kind.value}", exit_on_error=False
        )

    async def give(
        self, kind: CommandKind, args: dict[str, str], *, base_version: int | None = None, quiet: bool = False
    ) -> CommandOutcome | None:
        """Send an order and report what became of it; None where nothing did."""
        name = " ".join([kind.value, *args.get("symbol", "").split()])
        self.picture.under_way = (*self.picture.under_way, name)
        self.echo()
        try:
            outcome = await self.link.command(kind, args, base_version=base_version)
        except ControlError as error:
            self.tell("error", f"{name}: {error}", args.get("symbol", ""))
            return None
        finally:
            left = list(self.picture.under_way)
            left.remove(name)
            self.picture.under_way = tuple(left)
        if outcome is None:
            return None  # the same order is under way: a second press changes nothing
        if not outcome.ok:
            self.tell("error", f"{name} failed: {outcome.text}", args.get("symbol", ""))
        elif not quiet:
            said = outcome.text or "done"
            # Most outcomes begin with the order's own name.
            told = said if said.startswith(kind.value) else f"{name}: {said}"
            self.tell("info", told, args.get("symbol", ""))
        return outcome

    def echo(self) -> None:
        """Show at once that something was taken."""
        raise NotImplementedError

    def meant(self) -> Symbol:
        """The symbol that an order given now is about."""
        raise NotImplementedError

    def tell(self, level: str, text: str, symbol: str = "") -> None:
        """Say something to the operator: a line among the events and, but for a mere note, a toast."""
        self.picture.note(level, text, symbol)
        if level == "note":
            return
        severity = {"info": "information", "warning": "warning", "error": "error"}[level]
        self.notify(text, severity=severity, timeout=6 if level == "info" else 12, markup=False)  # type: ignore[arg-type]

    # -- the keys -----------------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Pause everything, or resume what is paused; reversible, so there is no dialog."""
        snapshot = self.picture.latest()
        if snapshot is None:
            return
        symbol = self.meant()
        view = snapshot.symbols.get(symbol)
        if snapshot.state == "paused":
            self.order(CommandKind.RESUME)
        elif view is not None and view.state == "paused":
            self.order(CommandKind.RESUME, {"symbol": symbol})
        else:
            self.order(CommandKind.PAUSE)

    def action_flatten(self) -> None:
        """Close one symbol, after showing what that does."""
        self._flatten(self.meant())

    def action_flatten_all(self) -> None:
        """Close every symbol, after showing what that does."""
        self._flatten("")

    def _flatten(self, symbol: str) -> None:
        from gridbot_tui.ui.dialogs.flatten import FlattenDialog

        def done(answer: str | None) -> None:
            if answer:
                self.order(CommandKind.FLATTEN, {"symbol": symbol} if symbol else {})

        _ = self.push_screen(FlattenDialog(self.picture, symbol, self._word(symbol or "ALL")), done)

    def action_kill(self) -> None:
        """Cancel and close everything and latch, after a typed word in every mode."""
        from gridbot_tui.ui.dialogs.flatten import KillDialog

        def done(answer: str | None) -> None:
            if answer:
                self.order(CommandKind.KILL)

        _ = self.push_screen(KillDialog(self.picture, "KILL"), done)

    def action_edit(self) -> None:
        """Edit the config, or leave the edit."""
        self.call_later(self.run_action, "page('config')")

    def action_reload(self) -> None:
        """Read the config file again, after showing what would change."""
        self.run_worker(self._reload(), name="reload", exit_on_error=False)

    async def _reload(self) -> None:
        from gridbot_tui.ui.dialogs.change import ChangeDialog

        outcome = await self.give(CommandKind.RELOAD, {"preview": "true"}, quiet=True)
        snapshot = self.picture.latest()
        if outcome is None or not outcome.ok or snapshot is None:
            return
        if not outcome.detail:
            self.tell("info", outcome.text)
            return
        version = snapshot.config_version

        def done(answer: str | None) -> None:
            if answer:
                self.order(CommandKind.RELOAD, base_version=version)

        _ = self.push_screen(ChangeDialog(self.picture, outcome, version), done)

    def action_reset(self, what: str) -> None:
        """Lift a latch."""
        args = {"what": what}
        if what == "stop":
            args["symbol"] = self.meant()
        self.order(CommandKind.RESET, args)

    def action_slower(self) -> None:
        """The next lower speed."""
        self._speed(-1)

    def action_faster(self) -> None:
        """The next higher speed."""
        self._speed(1)

    def _speed(self, step: int) -> None:
        snapshot = self.picture.latest()
        if snapshot is not None:
            self.order(CommandKind.SPEED, {"speed": next_speed(snapshot.speed, step)})

    # -- who controls -------------------------------------------------------------------------------------------

    def action_control(self) -> None:
        """Ask for control; where another has it, a dialog follows that both see."""
        if self.picture.read_only:
            self.tell("info", READS)
            return
        self.run_worker(self._ask_control(), name="ask control", exit_on_error=False)

    async def _ask_control(self) -> None:
        try:
            await self.link.ask_control()
        except ControlError as error:
            self.tell("error", str(error))

    def control_asked(self, asked: ControlAsked) -> None:
        """Somebody asked for control: this terminal, or another while this one has it."""
        if not asked.yours:
            self.tell("warning", f"{asked.asker} asks for control and may take it within {asked.expires_s:.0f} s")
            return
        from gridbot_tui.ui.dialogs.control import ControlDialog

        def done(answer: str | None) -> None:
            if answer:
                self.run_worker(self.link.take_control(), name="take control", exit_on_error=False)

        _ = self.push_screen(ControlDialog(self.picture, asked.holder), done)

    def _word(self, word: str) -> str:
        """What must be typed: only real money asks for it."""
        snapshot = self.picture.latest()
        return word if snapshot is not None and is_live(snapshot.mode) else ""


def next_speed(speed: str, step: int) -> str:
    """The neighbour of a speed on the ladder of speeds."""
    if speed == "max":
        at = len(SPEEDS) - 1
        return SPEEDS[max(0, at + min(step, 0))]
    try:
        now = float(speed)
    except ValueError:
        return "1"
    steps = [float(one) for one in SPEEDS[:-1]]
    if step > 0:
        return next((name for name, value in zip(SPEEDS, steps, strict=False) if value > now), "max")
    return next((name for name, value in zip(SPEEDS[-2::-1], steps[::-1], strict=False) if value < now), "1")
