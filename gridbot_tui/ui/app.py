"""The terminal app. Events touch only the picture; one flush, four times a second, paints what has changed."""

import asyncio
import gc
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct
from rich.text import Text
from textual import events
from textual.actions import ActionParseResult
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from gridbot_tui.control.command import CommandKind
from gridbot_tui.ui import beforehand, environ, glyphs, hangup, theme
from gridbot_tui.ui.actions import ACTIONS, ORDERING, SIGNS, bindings, name_of
from gridbot_tui.ui.ahead import TypedAhead
from gridbot_tui.ui.driver import TerminalDriver
from gridbot_tui.ui.glyphs import Symbols
from gridbot_tui.ui.link import Door, Link
from gridbot_tui.ui.orders import OrderActions
from gridbot_tui.ui.pages import BY_NAME
from gridbot_tui.ui.pane import RowPane
from gridbot_tui.ui.panes.header import Header
from gridbot_tui.ui.picture import Line, Picture
from gridbot_tui.ui.screens.dashboard import DashboardPage
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.ui.typed import Background
from gridbot_tui.units import Symbol

BEHIND_S = 0.012
"""From the echo of a key to the panes: longer than the echo takes, shorter than can be seen."""
HALF = 0.5
"""A background brighter than that is a light one."""


class Look(Struct, frozen=True):
    """How the app shall look and listen; the launcher reads it from the config."""

    theme: str = theme.AUTO
    symbols: Symbols = "braille"
    refresh_hz: float = 4.0
    keymap: dict[str, str] = {}
    no_color: bool = False

    @classmethod
    def in_config(cls, text: str) -> "Look":
        """What a config's own [ui] says, and what holds where it says nothing. The bot has judged the text already."""
        import tomllib

        said = tomllib.loads(text).get("ui", {})
        known = {name: said[name] for name in ("theme", "refresh_hz", "keymap") if name in said}
        return cls(**known, symbols=environ.symbols(said.get("symbols", "auto")))


class Ended(Struct, frozen=True):
    """How the app was left."""

    how: str
    """detached, stopped, hangup, terminated or crashed; of a bot in another process also unheard, where nobody says
    whether it trades, and over, where it does not."""
    code: int = 0


class GridApp(OrderActions, TypedAhead, App[Ended]):
    """The console of one running bot, in this process or attached."""

    TITLE = "gridbot"
    ALLOW_SELECT: ClassVar[bool] = False
    """Textual's own selecting finds no text in rows: it would copy the names of widgets, and ^c would say nothing."""
    CSS_PATH = Path(__file__).with_name("gridbot.tcss")
    BINDINGS: ClassVar[list[Any]] = bindings()
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-short"), (32, "-tall"), (50, "-high")]  # noqa: RUF012

    def __init__(
        self,
        door: Door,
        *,
        look: Look | None = None,
        picture: Picture | None = None,
        read_only: bool = False,
        attached: bool = True,
        step: Callable[[int], str] | None = None,
        waits_for: Callable[[], str] = lambda: "",
    ) -> None:
        """``step``: goes to another picture of a recorded session, None where a bot runs. ``waits_for``: what the start
        of the bot in this process waits for, in a sentence."""
        self.look = look or Look(no_color=environ.no_color())
        super().__init__(ansi_color=True if self.look.no_color else None)
        self.picture = picture or Picture()
        self.picture.read_only = read_only
        self.attached = attached
        self.step = step
        self._waits_for = waits_for
        self.symbols: Symbols = self.look.symbols
        self.link = Link(door, self.picture, self.tell, self.control_asked, again=attached, first=self._paint)
        self._early_signal = 0
        """A signal that came before the app was running."""
        self._leaving = ""
        self._behind: Timer | None = None
        """Paints what a key has changed beside the top line."""
        self._ui_loop: asyncio.AbstractEventLoop | None = None
        self._bound_for = (False, Line.CONNECTING, False)
        self._config_version: int | None = None
        self._config_text = ""
        self._flushing: Timer | None = None
        for one in theme.THEMES:
            self.register_theme(one)
        self._light = False
        """The terminal has said that its background is light."""
        self._theme_wished = self.look.theme
        self.theme = "ansi-16" if self.look.no_color else theme.known(self.look.theme)

    @property
    def palette_name(self) -> str:
        """The palette in force; no colours at all under NO_COLOR."""
        return "none" if self.look.no_color else self.theme

    # -- life ---------------------------------------------------------------------------------------------------

    def get_driver_class(self) -> type[Driver]:
        """Ours in place of Textual's for a terminal."""
        found = super().get_driver_class()
        return TerminalDriver if found is LinuxDriver else found

    def get_default_screen(self) -> Screen[Any]:
        """The dashboard is the first page."""
        return DashboardPage()

    def on_mount(self) -> None:
        """Take the signals, connect, begin to paint."""
        self.set_class(self.symbols == "ascii", "-ascii")
        if self.look.keymap:
            self._take_keys(self.look.keymap)
        self.call_after_refresh(_collect_again)
        self.run_worker(self._run_link(), name="link", exit_on_error=False)
        self.run_worker(beforehand.load(self.picture), name="loading of pages", exit_on_error=False)
        self._flush_often(self.look.refresh_hz)
        number = None if self.is_headless else hangup.terminal()
        if number is not None:
            self.set_interval(hangup.FEEL_S, lambda: self._feel_for(number))
        self._ui_loop = asyncio.get_running_loop()
        if self._early_signal:
            self._signalled(self._early_signal)

    async def on_unmount(self) -> None:
        """Hang up."""
        await self.link.close()

    async def _run_link(self) -> None:
        await self.link.run()
        # The bot in this process has ended. Where that was asked for the app ends with it; else (a replay at
        # the end of its data) the last picture stays until the operator leaves.
        if self._leaving or self.picture.snapshot is None:
            self.exit(Ended(self._leaving or "stopped"))

    def flush(self) -> None:
        """Paint what has changed, on the pages that can be seen.

        A slow line gets fewer pictures and none that is old: what waits in line arrives with the ages of then, and a
        key's answer behind all of it.
        """
        if getattr(self._driver, "behind", False):
            return
        self._paint()

    def _paint(self) -> None:
        may = (self.may_order(), self.picture.line, self.picture.virtual)
        if may != self._bound_for:
            self._bound_for = may
            self.refresh_bindings()
        if self.picture.line is Line.CONNECTING:
            self.picture.line_detail = self._waits_for()
        self._follow_config()
        with self.batch_update():
            for screen in self.screen_stack[-2:]:
                # One that was just pushed stands in the stack before its widgets are there; it paints itself then.
                if screen.is_mounted and (flush := getattr(screen, "flush", None)):
                    flush(self.picture)

    def _follow_config(self) -> None:
        """Look as another version of the config says, from when it is in force."""
        snapshot = self.picture.latest()
        if snapshot is None or snapshot.config_version == self._config_version:
            return
        known, self._config_version = self._config_version is not None, snapshot.config_version
        before, self._config_text = self._config_text, snapshot.config_text
        if not known:
            return
        # Only what the edit has changed: the operator may have chosen another theme by a key meanwhile.
        was, wanted = Look.in_config(before), Look.in_config(snapshot.config_text)
        if wanted.theme != was.theme:
            self._theme_wished = wanted.theme
            self.action_set_theme(theme.known(wanted.theme, light=self._light))
        if wanted.symbols != was.symbols:
            self.action_set_symbols(wanted.symbols)
        if wanted.refresh_hz != was.refresh_hz:
            self._flush_often(wanted.refresh_hz)
        if wanted.keymap != was.keymap:
            self._take_keys(wanted.keymap)

    def _flush_often(self, hz: float) -> None:
        if self._flushing is not None:
            self._flushing.stop()
        self._flushing = self.set_interval(1 / hz, self.flush)

    def _take_keys(self, keymap: dict[str, str]) -> None:
        from gridbot_tui.ui.keymap import objections

        self.set_keymap(keymap)
        for sentence in objections(keymap):
            self.tell("warning", sentence)

    def on_background(self, event: Background) -> None:
        """The terminal says what it draws on: light signs cannot be read on a light one."""
        before = theme.known(self._theme_wished, light=self._light)
        self._light = event.bright > HALF
        wanted = theme.known(self._theme_wished, light=self._light)
        if self.theme == before != wanted:  # not where the operator has chosen another by a key
            self.action_set_theme(wanted)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A task of the app has failed: say so, the app goes on."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            self.tell("error", f"{event.worker.name} failed: {type(error).__name__}: {error}")

    def from_signal(self, number: int) -> None:
        """Take a signal; safe to call from its handler."""
        loop = self._ui_loop
        if loop is None:
            self._early_signal = number
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._signalled, number)

    def _feel_for(self, terminal: int) -> None:
        """A terminal that is gone is a hang-up, whether or not anybody sent the signal.

        The kernel tells only the session's leader. Where that is a ``make`` that waits for us, nobody passes it on.
        """
        if hangup.gone(terminal):
            self._signalled(signal.SIGHUP)

    def _signalled(self, number: int) -> None:
        if number == signal.SIGHUP:
            self.exit(Ended("hangup", 128 + number), return_code=128 + number)
        elif self.attached:
            self.exit(Ended("terminated", 128 + number), return_code=128 + number)
        else:
            self._leaving = "terminated"  # the bot shuts down in order; its end is the app's

    def _fatal_error(self) -> None:
        """Leave after an unhandled exception: Textual's own version prints the locals, and with them secrets."""
        self.bell()
        self._exit_renderables.append(Text(without_locals(sys.exc_info()[1])))
        self._close_messages_no_wait()

    # -- bindings -----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Orders are dim and inert where this terminal may give none."""
        if not self._offered(action):
            return False
        return self._may(action, self.screen)

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Carry out an action; a key for an order that may not be given here is told why."""
        done = await super().run_action(action, default_namespace, namespaces)
        name = action[1] if isinstance(action, tuple) else name_of(action).rpartition(".")[2]
        if not done and name in ORDERING and not self.may_order() and isinstance(self.screen, Page):
            self.refuse_order(self.get_key_display(next(one for one in self.BINDINGS if one.id == "control")))
        return done

    def _offered(self, action: str) -> bool:
        """False for what this kind of session has not: a speed in real time."""
        return self.picture.virtual or action not in ("slower", "faster")

    def _may(self, action: str, screen: Screen[Any]) -> bool | None:
        if action in ORDERING and not self.may_order():
            return None
        return isinstance(screen, Page) or action not in _NOT_OVER_DIALOGS

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of the table, with or without a key, that ``screen`` (under the palette) allows."""
        for one in ACTIONS:
            name = one.action.partition("(")[0]
            if name in ("command_palette", "jump") or (name == "step" and self.step is None):
                continue
            if not self._offered(name) or self._may(name, screen) is not True:
                continue
            yield SystemCommand(one.label, one.help, _Runner(self, one.action))
        for name in theme.NAMES:
            yield SystemCommand(f"theme {name}", "Colours", _Runner(self, f"set_theme('{name}')"))
        for symbols in glyphs.SETS:
            yield SystemCommand(
                f"symbols {symbols}", "Signs for graphs and frames", _Runner(self, f"set_symbols('{symbols}')")
            )

    @property
    def keymap_in_force(self) -> dict[str, str]:
        """Ids of actions with the keys that the config gives them."""
        return dict(self._keymap)

    def get_key_display(self, binding: Binding) -> str:
        """Keys as they are written on paper."""
        key = self._keymap.get(binding.id or "", "").split(",")[0]
        if not key and binding.key_display:
            return binding.key_display
        key = key or binding.key.split(",")[0]
        return SIGNS.get(key, key.replace("ctrl+", "^"))

    # -- looking ------------------------------------------------------------------------------------------------

    def action_page(self, name: str) -> None:
        """Open a page over the dashboard, or close it where it is open."""
        screen = self.screen
        if not isinstance(screen, Page):
            return
        if name == screen.NAME:
            self.action_home()
            return
        module, _, kind = BY_NAME[name].where.partition(":")
        page = getattr(import_module(module), kind)()
        self._turn(self.switch_screen(page) if len(self.screen_stack) > 1 else self.push_screen(page))

    def action_home(self) -> None:
        """Back to the dashboard."""
        if len(self.screen_stack) > 1 and isinstance(self.screen, Page):
            self._turn(self.pop_screen())

    def _turn(self, turned: Awaitable[object]) -> None:
        """Paint once when a page has come or gone, not at every step of it: a whole screen each time."""

        async def turn() -> None:
            with self.batch_update():
                await turned

        self.run_worker(turn(), name="turning", exit_on_error=False)

    def action_jump(self, number: int) -> None:
        """Go to a pane by its number."""
        if isinstance(self.screen, Page):
            self.screen.jump(number)

    def action_command_palette(self) -> None:
        """Every action by name."""
        from gridbot_tui.ui.dialogs.palette import Palette

        if self.use_command_palette and not Palette.is_open(self):
            _ = self.push_screen(Palette(placeholder="type to filter"))

    def action_symbol(self) -> None:
        """Choose the symbol that is shown."""
        from gridbot_tui.ui.dialogs.symbol import SymbolDialog

        _ = self.push_screen(SymbolDialog(self.picture), lambda name: self.show_symbol(name or ""))

    def show_symbol(self, name: str) -> None:
        """Show another symbol."""
        snapshot = self.picture.snapshot
        if snapshot is not None and name in snapshot.symbols:
            self.picture.symbol = name
            self.echo()

    def action_step_symbol(self, step: int) -> None:
        """Show the next symbol, or the one before."""
        names = list(self.picture.snapshot.symbols) if self.picture.snapshot else []
        if names:
            at = names.index(self.picture.symbol) if self.picture.symbol in names else 0
            self.show_symbol(names[(at + step) % len(names)])

    def echo(self) -> None:
        """Show at once in the top line that a key was taken; the panes, which take longer, come right behind.

        Right behind is a timer: what is to be called after a refresh may be called before it.
        """
        for header in self.screen.query(Header):
            header.flush(self.picture)
        if self._behind is None:
            self._behind = self.set_timer(BEHIND_S, self._follow)

    def meant(self) -> Symbol:
        """What the page says that is on top, under dialogs."""
        page = next((one for one in reversed(self.screen_stack) if isinstance(one, Page)), None)
        return self.picture.symbol if page is None else page.meant(self.picture)

    def _follow(self) -> None:
        self._behind = None
        self.flush()

    def action_step(self, by: int) -> None:
        """Another picture of a recorded session."""
        if self.step is None:
            self.tell("info", "only the session of a support bundle has steps: this bot runs")
        else:
            self.tell("info", self.step(by))

    def action_freeze(self) -> None:
        """Hold the display, or let it go on."""
        self.picture.freeze(not self.picture.frozen)
        self.echo()

    def action_copy(self) -> None:
        """What is seen, to the terminal's clipboard (OSC 52) and into a file."""
        from gridbot_tui.ui import copying

        text = copying.text_of(self.screen)
        try:
            where = f"copied, and written to {copying.saved(text)}"
        except OSError as error:
            where = f"copied, but written nowhere: {error.strerror}"
        if copying.fits_clipboard(text):
            self.copy_to_clipboard(text)
        else:
            where = where.replace("copied", "too long for the clipboard", 1)
        self.tell("info", where)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """The screen as SVG in a file; Textual's own wants a folder for downloads, which a server has not."""
        from gridbot_tui.ui import copying

        try:
            self.tell("info", f"the screen is in {copying.saved(self.export_screenshot(), '.svg')}")
        except OSError as error:
            self.tell("error", f"no screenshot was written: {error.strerror}")

    def action_theme(self) -> None:
        """The next theme."""
        names = theme.NAMES
        at = names.index(self.theme) if self.theme in names else -1
        self.action_set_theme(names[(at + 1) % len(names)])

    def action_set_theme(self, name: str) -> None:
        """A theme by name; NO_COLOR wins."""
        if not self.look.no_color:
            self.theme = name

    def action_symbols(self) -> None:
        """The next symbol set."""
        self.action_set_symbols(glyphs.SETS[(glyphs.SETS.index(self.symbols) + 1) % len(glyphs.SETS)])

    def action_set_symbols(self, name: Symbols) -> None:
        """A symbol set by name."""
        self.symbols = name
        self.set_class(name == "ascii", "-ascii")
        for screen in self.screen_stack:
            for pane in screen.query(RowPane):
                pane.look_again()
        self.flush()

    def on_resize(self, event: events.Resize) -> None:
        """Everything anew once the layout has settled."""
        self.call_after_refresh(self.flush)

    # -- leaving ------------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Ask how."""
        from gridbot_tui.ui.dialogs.leave import LeaveDialog
        from gridbot_tui.ui.screens.config import has_draft

        if isinstance(self.screen, LeaveDialog):
            return
        word, unapplied = self._word("STOP"), has_draft(self)
        _ = self.push_screen(LeaveDialog(self.picture, word, attached=self.attached, unapplied=unapplied), self._left)

    async def action_quit(self) -> None:
        """There is one way out, and it asks."""
        self.action_leave()

    def action_help_quit(self) -> None:
        """Ctrl+C, which ends other programs: it ends nothing here, and says what does."""
        key = next((self.get_key_display(one) for one in self.BINDINGS if one.id == "leave"), "")
        self.tell("info", f"ctrl+c ends nothing here: {key} leaves, and asks how")

    def _left(self, answer: str | None) -> None:
        if answer == "detach":
            self.exit(Ended(self._detached()))
        elif answer in ("protect", "stop"):
            self._leaving = "stopped"
            self.run_worker(self._stop(keep=answer == "protect"), name="stop", exit_on_error=False)

    def _detached(self) -> str:
        if self.attached and self.picture.unheard:
            return "unheard"
        over = self.picture.stopped is not None or self.picture.ended
        return "over" if self.attached and over else "detached"

    async def _stop(self, *, keep: bool) -> None:
        outcome = await self.give(CommandKind.STOP, {"keep_positions": "true" if keep else "false"})
        if outcome is not None and outcome.ok and self.attached:
            self.exit(Ended("stopped"))
        elif outcome is None or not outcome.ok:
            self._leaving = "" if self.picture.line is Line.UP else self._leaving


def _collect_again() -> None:
    """After the first paint. What stands by then stays: collections that leave it out are too short to be felt."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def without_locals(error: BaseException | None) -> str:
    """A traceback with files and lines, without one value of a local variable."""
    if error is None:
        return "the terminal app ended after an error"
    return "".join(traceback.format_exception(error)).rstrip()


class _Runner:
    """Runs an action of the app from the palette."""

    def __init__(self, app: GridApp, action: str) -> None:
        self._app = app
        self._action = action

    async def __call__(self) -> None:
        await self._app.run_action(self._action)


_NOT_OVER_DIALOGS = frozenset({"page", "home", "jump", "symbol", "step_symbol", "freeze", *ORDERING, "control"})
