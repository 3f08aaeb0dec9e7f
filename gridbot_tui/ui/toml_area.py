"""A text area that shows TOML: comments dim, sections and keys told apart, in the palette in force."""

import re
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from gridbot_tui.ui import theme
from gridbot_tui.ui.in_order import Area

_SECTION = re.compile(r"^\s*\[.*\]\s*(#.*)?$")
_KEY = re.compile(r"^\s*(#\s*)?[A-Za-z0-9_\"'.-]+\s*=")


class TomlArea(Area):
    """Plain editing: no blinking, no mouse needed, ``ctrl+z`` and ``ctrl+y`` undo and redo."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "undo", "Undo", show=False, id="editor.undo"),
        Binding("ctrl+y", "redo", "Redo", show=False, id="editor.redo"),
    ]
    DEFAULT_CSS = """
    TomlArea { border: none; padding: 0; background: $background; color: $foreground; }
    TomlArea:focus { border: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", soft_wrap=False, show_line_numbers=True, tab_behavior="focus", read_only=True, id=id)
        self.cursor_blink = False  # a blink is bytes on the wire for nothing

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Letters never leave the editor, also while nothing may be typed: no ``p`` on this page pauses the bot."""
        return (character is not None and character.isprintable()) or key in ("enter", "space")

    def get_line(self, line_index: int) -> Text:
        """The line, coloured by what it is."""
        line = super().get_line(line_index)
        plain = line.plain
        palette = theme.palette(getattr(self.app, "palette_name", "dark"))
        if plain.lstrip().startswith("#"):
            line.stylize(palette["dim"])
        elif _SECTION.match(plain):
            line.stylize(palette["accent"])
        elif match := _KEY.match(plain):
            line.stylize(palette["strong"], match.end())
            at = comment_at(plain)
            if at is not None:
                line.stylize(palette["dim"], at)
        return line


def comment_at(line: str) -> int | None:
    """Where a comment begins behind a value; a ``#`` in quotes is none."""
    quote = ""
    for at, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#":
            return at
    return None
