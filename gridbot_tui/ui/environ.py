"""What must stand in the environment before Textual is imported: it reads these once."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridbot_tui.ui.glyphs import Symbols

COERCED: Final = ("C.UTF-8", "C.utf8", "UTF-8")
"""What Python puts into LC_CTYPE by itself."""


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
    if os.environ.get("TERM") == "linux":
        return "ascii"  # the kernel's console has no braille and few other signs
    return "braille" if "UTF" in locale(os.environ).upper() else "ascii"


def locale(env: "Mapping[str, str]", began_with: Path = Path("/proc/self/environ")) -> str:
    """The locale that the operator's environment asks for; "" where it asks for none.

    Where that is C, Python writes an LC_CTYPE of UTF-8 into its own environment (PEP 538): no word of the terminal's.
    """
    ctype = env.get("LC_CTYPE", "")
    if ctype in COERCED and not _began_with(began_with, f"LC_CTYPE={ctype}"):
        ctype = ""
    return env.get("LC_ALL") or ctype or env.get("LANG") or ""


def _began_with(environment: Path, entry: str) -> bool:
    """Whether the process was started with it; True where nobody says."""
    try:
        return entry.encode() in environment.read_bytes().split(b"\0")
    except OSError:
        return True


def no_color() -> bool:
    """True where NO_COLOR asks for none (https://no-color.org: present and not empty)."""
    return bool(os.environ.get("NO_COLOR"))
