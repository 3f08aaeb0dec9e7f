"""What must stand in the environment before Textual is imported: it reads these once."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridbot_tui.ui.glyphs import Symbols

def prepare() -> None:
    """Set Textual's switches, where the operator has not set them."""
    # The flush is what limits painting; Textual's own limit of frames would only hold up keys: at its 60 a
    # second, what a key changes waits up to 17 ms for the frame after the last one.
    os.environ.setdefault("TEXTUAL_FPS", "250")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")


def symbols(wanted: str = "auto") -> "Symbols":
    """The symbol set: as wanted, else braille where the locale is UTF-8, else ASCII."""
    if wanted == "braille":
        return "braille"
    if wanted in ("block", "ascii"):
        return "block" if wanted == "block" else "ascii"
    text = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    if os.environ.get("TERM") == "linux":
        return "ascii"  # the kernel's console has no braille and few other signs
    plain = text.upper() in ("C", "POSIX") or ("UTF" not in text.upper() and "." in text)
    return "ascii" if plain else "braille"


def no_color() -> bool:
    """True where NO_COLOR asks for none (https://no-color.org: present and not empty)."""
    return bool(os.environ.get("NO_COLOR"))
