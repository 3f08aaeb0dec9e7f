"""Every action of the app in one table: keys, palette and help are made from it, and can't drift apart.

The ids are what ``[ui] keymap`` names. ``orders`` marks what changes the bot: it is inert (and dim) under
``--read-only`` and while another terminal controls.
"""

from typing import Final, NamedTuple

from textual.binding import Binding

from gridbot_tui.ui.pages import PAGES


class Action(NamedTuple):
    """One thing the operator can do."""

    id: str
    key: str
    action: str
    label: str
    """One or two words, for the key line."""
    help: str
    group: str
    orders: bool = False
    shown: bool = False
    """In the key line, where there is room."""
    priority: bool = False

    @property
    def binding(self) -> Binding:
        """As Textual wants it."""
        return Binding(
            self.key,
            self.action,
            self.label,
            show=self.shown,
            tooltip=self.help,
            id=self.id,
            priority=self.priority,
            system=False,
        )


TRADE, LOOK, APP = "Trading", "Looking", "The app"

ACTIONS: Final[tuple[Action, ...]] = (
    Action("pause", "p", "pause", "pause", "Pause or resume: entries are withdrawn, exits stay", TRADE, True, True),
    Action(
        "flatten",
        "f",
        "flatten",
        "flatten",
        "Close the shown or marked symbol by market and pause it",
        TRADE,
        True,
        True,
    ),
    Action("flatten_all", "", "flatten_all", "flatten all", "Close every symbol by market and pause", TRADE, True),
    Action("edit", "e", "edit", "edit", "Edit the config and apply it", TRADE, True, True),
    Action("reload", "r", "reload", "reload", "Read the config file again, after showing what changes", TRADE, True),
    Action("kill", "K", "kill", "kill", "Cancel everything, close everything, latch", TRADE, True),
    Action("slower", "left_square_bracket", "slower", "slower", "The next lower speed (sim and replay)", TRADE, True),
    Action("faster", "right_square_bracket", "faster", "faster", "The next higher speed (sim and replay)", TRADE, True),
    Action(
        "reset_drawdown",
        "",
        "reset('drawdown')",
        "reset drawdown",
        "Measure drawdown anew from now; lifts tier 3",
        TRADE,
        True,
    ),
    Action("reset_kill", "", "reset('kill')", "reset kill", "Lift the latch of the kill", TRADE, True),
    Action(
        "reset_stop",
        "",
        "reset('stop')",
        "reset stop",
        "Lift the shown or marked symbol's latch of its stop",
        TRADE,
        True,
    ),
    Action("reset_breakers", "", "reset('breakers')", "reset breakers", "Close all open breakers", TRADE, True),
    Action("control", "t", "control", "control", "Ask for control where another terminal has it", TRADE),
    Action("symbol", "s", "symbol", "symbol", "Choose the symbol that is shown", LOOK, False, True),
    Action("next_symbol", "n", "step_symbol(1)", "next symbol", "Show the next symbol", LOOK),
    Action("previous_symbol", "N", "step_symbol(-1)", "previous symbol", "Show the symbol before", LOOK),
    Action("home", "escape", "home", "dashboard", "Back to the dashboard", LOOK),
    Action("step_back", "comma", "step(-1)", "back", "A recorded session: the picture before", LOOK),
    Action("step_on", "full_stop", "step(1)", "on", "A recorded session: the next picture", LOOK),
    Action("freeze", "space", "freeze", "hold display", "Hold the display; trading goes on", LOOK),
    Action("theme", "T", "theme", "theme", "Next colour theme", APP),
    Action("symbols", "", "symbols", "symbol set", "Next symbol set: braille, block, ASCII", APP),
    Action("copy", "C", "copy", "copy", "Copy the pane with the focus, or the page, as text", APP),
    Action("screenshot", "", "screenshot", "screenshot", "Save the screen as SVG", APP),
    Action("palette", "ctrl+p", "command_palette", "palette", "Every action by name", APP, False, True, True),
    Action("leave", "ctrl+q", "leave", "leave", "Leave: detach, stop, or flatten and stop", APP, False, True, True),
    *(Action(one.name, one.key, f"page('{one.name}')", one.label, one.help, LOOK, shown=one.shown) for one in PAGES),
    *(Action(f"pane_{at}", str(at), f"jump({at})", f"pane {at}", f"Go to pane {at}", LOOK) for at in range(1, 9)),
)
BY_ID: Final = {one.id: one for one in ACTIONS}


def bindings() -> list[Binding]:
    """The bindings of the app."""
    return [one.binding for one in ACTIONS if one.key]


def name_of(action: str) -> str:
    """The method an action string calls: ``page('why')`` is ``page``."""
    return action.partition("(")[0]


ORDERING: Final = frozenset(name_of(one.action) for one in ACTIONS if one.orders)
"""Action names that give orders to the bot."""

SIGNS: Final = {
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "space": "space",
    "slash": "/",
    "left": "←",
    "right": "→",
    "comma": ",",
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}
"""Keys as they are written on paper."""
