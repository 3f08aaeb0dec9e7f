"""A pane as text, for the clipboard of the terminal and for a file: over SSH only one of the two may arrive."""

import os
import tempfile
from pathlib import Path
from typing import Any, Final

from textual.screen import Screen

from gridbot_tui.ui.pane import Pane, RowPane

CLIPBOARD_BYTES: Final = 74_994
"""Longest base64 text that terminals commonly take by OSC 52."""


def text_of(screen: Screen[Any]) -> str:
    """The pane with the focus, else everything that can be seen, as plain lines."""
    chosen = screen.focused if isinstance(screen.focused, Pane) else None
    panes = [chosen] if chosen else [one for one in screen.query(RowPane) if one.display and one.size.area]
    return "\n".join(line for pane in panes for line in pane.plain()) + "\n"


def fits_clipboard(text: str) -> bool:
    """True where terminals can be expected to take it."""
    return (len(text.encode()) + 2) // 3 * 4 <= CLIPBOARD_BYTES


def saved(text: str, suffix: str = ".txt") -> Path:
    """A new file of this user's with the text. Raises OSError."""
    handle, name = tempfile.mkstemp(prefix="gridbot-", suffix=suffix)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)
