"""The config: its text with comments kept, judged as it is typed; shown as a difference before it is applied."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple
from weakref import WeakKeyDictionary

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Input, TextArea

from gridbot_tui.control.command import CommandKind, CommandOutcome
from gridbot_tui.ui import checking, words
from gridbot_tui.ui.checking import Fault
from gridbot_tui.ui.in_order import Field
from gridbot_tui.ui.pane import RowPane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, justify, wrapped
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.ui.toml_area import TomlArea

if TYPE_CHECKING:
    from textual.app import App


PAUSE_S: Final = 0.3
"""Typing rests for so long before the text is judged."""


class InForce(NamedTuple):
    """A config as the bot has it: another text of the same values is no other version, and still another edit."""

    version: int
    text: str


class Draft(Struct):
    """An edit that was not applied: leaving the page loses nothing."""

    text: str
    began: "InForce"
    """What it began on."""


_DRAFTS: "WeakKeyDictionary[App[object], Draft]" = WeakKeyDictionary()


def has_draft(app: "App[object]") -> bool:
    """True where an edit was made in this app and not applied."""
    return app in _DRAFTS


class ConfigStatus(RowPane):
    """One row: which version, edited or not, whether it holds."""

    DEFAULT_CSS = "ConfigStatus { height: 1; width: 1fr; }"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Version and state at the left, verdict at the right."""
        page = self.screen
        assert isinstance(page, ConfigPage)
        in_force = picture.snapshot.config_version if picture.snapshot else None
        start: Row = ((" Config ", "title"), (f"version {words.UNKNOWN if in_force is None else in_force}", "strong"))
        if not page.may_edit():
            start = (*start, ("  read only", "warn"))
        elif page.edited:
            start = (*start, ("  ● edited", "accent"))
        if in_force is not None and page.base is not None and page.base != in_force and not page.ahead:
            start = (*start, (f"  began on version {page.base}", "warn"))
        return [justify(start, page.verdict(), width)]


class FaultsPane(RowPane):
    """What does not hold, or what the bot answered."""

    DEFAULT_CSS = "FaultsPane { height: 4; width: 1fr; }"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """A rule, then the faults that fit; without any, the answer or a hint."""
        page = self.screen
        assert isinstance(page, ConfigPage)
        rows: list[Row] = [(("─" * width, "frame"),)]
        for fault in page.faults:
            where = "" if fault.line is None else f"line {fault.line}: "
            rows += wrapped(where + fault.text, width, "bad")
        if not page.faults:
            rows += wrapped(page.said, width, "warn") if page.said else [((page.hint(), "dim"),)]
        if len(rows) > height:
            rows = [*rows[: height - 1], ((f"and {len(rows) - height + 1} lines more", "dim"),)]
        return rows


class ConfigPage(Page):
    """Text, verdict, find."""

    NAME = "config"
    AUTO_FOCUS: ClassVar[str | None] = "TomlArea"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "apply", "preview, apply", priority=True, id="config.apply"),
        Binding("ctrl+f", "find", "find", priority=True, id="config.find"),
        Binding("ctrl+g", "find_next", "Find next", show=False, priority=True, id="config.find_next"),
        Binding("ctrl+n", "next_fault", "next fault", priority=True, id="config.next_fault"),
        Binding("ctrl+o", "revert", "as in force", priority=True, id="config.revert"),
        Binding("escape", "back", "back", priority=True, id="config.back"),
    ]
    DEFAULT_CSS = "ConfigPage #find { display: none; height: 1; background: $surface; }"

    def __init__(self) -> None:
        super().__init__()
        self._began: InForce | None = None
        """What the edit began on; None: whatever is in force."""
        self.faults: list[Fault] = []
        self.said = ""
        """What the bot answered last."""
        self.checked: str | None = None
        """The text that ``faults`` is about."""
        self.ahead = False
        """True until a picture has come of what was applied here."""
        self._loaded = ""
        self.area = TomlArea(id="text")
        """The editor."""
        self._ready = False
        """True once there is a text."""
        self._timer: Timer | None = None
        self._warned_of: InForce | None = None

    def body(self) -> ComposeResult:
        """Status, text, find, faults."""
        with Vertical(id="body"):
            yield ConfigStatus()
            yield self.area
            yield Field(placeholder="find; enter and ctrl+g go on, escape closes", id="find", compact=True)
            yield FaultsPane()

    # -- what the panes show ----------------------------------------------------------------------------------

    @property
    def edited(self) -> bool:
        """True where the text is not the one that was loaded."""
        return self.area.text != self._loaded

    @property
    def base(self) -> int | None:
        """Config version the edit began on."""
        return None if self._began is None else self._began.version

    def may_edit(self) -> bool:
        """True where this terminal may give orders."""
        return self._grid.may_order()

    def verdict(self) -> Row:
        """Whether the text holds, as far as it has been judged."""
        if self.checked is None:
            return (("reading ", "dim"),)
        if self.checked != self.area.text:
            return (("… ", "dim"),)
        if self.faults:
            return ((f"✗ {words.plural(len(self.faults), 'fault')} ", "bad"),)
        return (("✓ holds ", "good"),)

    def hint(self) -> str:
        """What to do here."""
        if not self.may_edit():
            return "read only: another terminal controls the bot, or this one was started with --read-only"
        return "^s shows what would change, then asks; esc leaves and keeps the edit"

    # -- life -------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Load the text in force, or the edit that was left."""
        self.run_worker(self._load(), name="config", exit_on_error=False)

    async def _load(self, *, fresh: bool = False) -> None:
        snapshot = self._grid.picture.latest()
        if snapshot is None:
            self.said = "nothing is known of the bot yet; come back when it is connected"
            return
        text = snapshot.config_text or await asyncio.to_thread(checking.example)
        draft = None if fresh else _DRAFTS.get(self.app)
        self.area.load_text(text)
        self._loaded = self.area.text  # as the editor has it, which makes line ends of two kinds one
        self._began = draft.began if draft else InForce(snapshot.config_version, snapshot.config_text)
        if draft:
            self.area.load_text(draft.text)
        self.said = "this edit was left here, and is not applied" if draft else ""
        if not snapshot.config_text and draft is None:
            self.said = "the bot runs without a config file; this is every key with its default"
        self._warned_of, self._ready = None, True
        self._look_again()
        await self._check()

    def flush(self, picture: Picture) -> None:
        """The panes, and whether the text may be edited."""
        if self.area.is_mounted:
            self.area.read_only = not (self.may_edit() and self._ready)
        latest = picture.latest()
        if latest is not None and self._began is not None and latest.config_version >= self._began.version:
            self.ahead = False
        super().flush(picture)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Judge the text once typing rests."""
        snapshot = self._grid.picture.latest()
        if snapshot is not None and self.edited:
            now = InForce(snapshot.config_version, snapshot.config_text)
            _DRAFTS[self.app] = Draft(self.area.text, self._began or now)
        else:
            _DRAFTS.pop(self.app, None)
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE_S, self._rested)
        self._look_again()

    def _rested(self) -> None:
        self.run_worker(self._check(), name="config check", exit_on_error=False, exclusive=True, group="check")

    async def _check(self) -> None:
        text = self.area.text
        faults = await asyncio.to_thread(checking.faults_of, text)
        if text == self.area.text:
            self.faults, self.checked = faults, text
            self._look_again()

    def _look_again(self) -> None:
        self.flush(self._grid.picture)

    # -- applying ---------------------------------------------------------------------------------------------

    def action_apply(self) -> None:
        """Preview, ask, apply."""
        if not self.may_edit():
            self.notify("this terminal may not change the config", severity="warning", timeout=6)
            return
        self.run_worker(self._apply(), name="apply", exit_on_error=False, exclusive=True, group="apply")

    async def _apply(self) -> None:
        from gridbot_tui.ui.dialogs.change import ChangeDialog

        app, text = self._grid, self.area.text
        if self.checked != text:
            await self._check()
        if self.faults:
            self.action_next_fault()
            return
        version = self._version()
        if version is None:
            return
        args = {"text": text, "preview": "true"}
        preview = await app.give(CommandKind.APPLY, args, base_version=version, quiet=True)
        if preview is None or not preview.ok:
            self._answered(preview)
            return
        if text == self._loaded:
            self._answered(CommandOutcome("", True, "nothing was edited: the text is the one in force"))
            return

        def done(answer: str | None) -> None:
            if answer:
                self.run_worker(self._confirmed(text, version), name="apply", exit_on_error=False)

        _ = app.push_screen(ChangeDialog(app.picture, preview, version), done)

    async def _confirmed(self, text: str, version: int) -> None:
        outcome = await self._grid.give(CommandKind.APPLY, {"text": text}, base_version=version)
        if outcome is not None and outcome.ok:
            self._loaded = text
            # What is typed from here on is an edit of this text, whether or not a picture has shown it yet.
            self._began = InForce(version + ("changes" in outcome.detail), text)
            self.ahead = True
            _DRAFTS.pop(self.app, None)
        self._answered(outcome)

    def _version(self) -> int | None:
        """The version the edit is made on; another config that is in force by now is told once before it counts."""
        snapshot = self._grid.picture.latest()
        if snapshot is None:
            return None
        now = InForce(snapshot.config_version, snapshot.config_text)
        if self._began is not None and self.ahead and now.version < self._began.version:
            return self._began.version  # applied here just now: the picture is from before
        if self._began is None or now in (self._began, self._warned_of):
            self._began = now
            return now.version
        self._warned_of = now
        if now.version == self._began.version:
            self.said = (
                "the file was edited meanwhile, its values are the same: ^o shows it and drops this edit, "
                "^s again puts this edit in its place"
            )
        else:
            self.said = (
                f"version {now.version} came into force meanwhile, this edit began on {self._began.version}: "
                f"^o shows version {now.version} and drops the edit, ^s again compares the edit with it"
            )
        self._look_again()
        return None

    def _answered(self, outcome: CommandOutcome | None) -> None:
        self.said = "" if outcome is None else outcome.text
        self._look_again()

    # -- looking ----------------------------------------------------------------------------------------------

    def action_revert(self) -> None:
        """Drop the edit: the text in force, fresh from the bot. Undo brings nothing back, so it is said."""
        if self.edited:
            self.notify("the edit was dropped: this is the text in force", timeout=6)
        _DRAFTS.pop(self.app, None)
        self.run_worker(self._load(fresh=True), name="config", exit_on_error=False)

    def action_next_fault(self) -> None:
        """Put the cursor on the next line with a fault."""
        found = sorted({fault.line for fault in self.faults if fault.line is not None})
        if found:
            row = self.area.cursor_location[0] + 1
            self._go(next((line for line in found if line > row), found[0]) - 1, 0)

    def action_find(self) -> None:
        """Type what is sought."""
        field = self.query_one("#find", Input)
        field.display = True
        field.focus()

    def action_find_next(self) -> None:
        """The next place, round the end."""
        wanted = self.query_one("#find", Input).value.casefold()
        lines = self.area.text.casefold().splitlines()
        if not wanted or not lines:
            return
        row, column = self.area.cursor_location
        for distance in range(len(lines) + 1):
            at = (row + distance) % len(lines)
            start = lines[at].find(wanted, column + 1 if distance == 0 else 0)
            if start >= 0:
                self._go(at, start)
                self.said = ""
                return
        self.said = f"{wanted!r} stands nowhere"
        self._look_again()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the first place, and back to the text."""
        self.area.focus()
        self.action_find_next()

    def action_back(self) -> None:
        """Close the find field first, then the page; an edit stays."""
        field = self.query_one("#find", Input)
        if field.display:
            field.display = False
            self.area.focus()
            return
        if self.edited:
            self.notify("the edit is kept and not applied: e shows it again", timeout=6)
        self._grid.action_home()

    def _go(self, row: int, column: int) -> None:
        self.area.move_cursor((row, column), center=True)
        self._look_again()
