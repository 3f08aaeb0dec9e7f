"""Four palettes: dark, light, colour-blind, ansi-16. Painters name roles; here they become colours.

Every meaning also has a word or a sign, so a palette may map two roles to one colour, or (NO_COLOR) all of
them to none.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from rich.style import Style
from textual.theme import Theme

Palette = Mapping[str, Style]

_DARK: Final = {
    "text": "#c9d1d9",
    "dim": "#8b949e",
    "faint": "#3d444d",
    "title": "bold #e6edf3",
    "strong": "bold #f0f6fc",
    "accent": "#58a6ff",
    "frame": "#3d444d",
    "focus": "#58a6ff",
    "key": "bold #58a6ff",
    "off": "#6e7681",
    "buy": "#3fb950",
    "sell": "#f47067",
    "gain": "#3fb950",
    "loss": "#f47067",
    "up": "#3fb950",
    "down": "#f47067",
    "neutral": "#a5a2ff",
    "good": "#3fb950",
    "warn": "#e3b341",
    "bad": "bold #ff7b72",
    "price": "bold #f0f6fc",
    "select": "bold #f0f6fc on #1f3a5f",
    "banner": "bold #0d1117 on #e3b341",
    "alarm": "bold #ffffff on #b62324",
    "sim": "bold #0d1117 on #58a6ff",
    "replay": "bold #0d1117 on #a5a2ff",
    "paper": "bold #0d1117 on #39c5cf",
    "testnet": "bold #0d1117 on #e3b341",
    "live": "bold #ffffff on #da3633",
}
_LIGHT: Final = {
    **_DARK,
    "text": "#24292f",
    "dim": "#57606a",
    "faint": "#c3c9d0",
    "title": "bold #1f2328",
    "strong": "bold #010409",
    "accent": "#0550ae",
    "frame": "#afb8c1",
    "focus": "#0550ae",
    "key": "bold #0550ae",
    "off": "#8c959f",
    "buy": "#116329",
    "sell": "#b31d28",
    "gain": "#116329",
    "loss": "#b31d28",
    "up": "#116329",
    "down": "#b31d28",
    "neutral": "#6639ba",
    "good": "#116329",
    "warn": "#8a5a00",
    "bad": "bold #cf222e",
    "price": "bold #010409",
    "select": "bold #010409 on #b6d7ff",
    "banner": "bold #1f2328 on #f2cc60",
    "alarm": "bold #ffffff on #cf222e",
    "sim": "bold #ffffff on #0969da",
    "replay": "bold #ffffff on #8250df",
    "paper": "bold #ffffff on #0a7d87",
    "testnet": "bold #1f2328 on #f2cc60",
}
# Blue and orange are told apart by all common kinds of colour blindness (Okabe and Ito's set).
_COLOUR_BLIND: Final = {
    **_DARK,
    "buy": "#56b4e9",
    "sell": "#e69f00",
    "gain": "#56b4e9",
    "loss": "#e69f00",
    "up": "#56b4e9",
    "down": "#e69f00",
    "neutral": "#cccccc",
    "good": "#56b4e9",
    "warn": "#f0e442",
    "bad": "bold #ffb000",
    "accent": "#cc79a7",
    "focus": "#cc79a7",
    "key": "bold #cc79a7",
    "alarm": "bold #000000 on #e69f00",
    "banner": "bold #000000 on #f0e442",
    "sim": "bold #000000 on #56b4e9",
    "replay": "bold #000000 on #cccccc",
    "paper": "bold #000000 on #009e73",
    "testnet": "bold #000000 on #f0e442",
    "live": "bold #000000 on #d55e00",
}
_ANSI: Final = {
    "text": "default",
    "dim": "dim",
    "faint": "dim",
    "title": "bold",
    "strong": "bold",
    "accent": "cyan",
    "frame": "dim",
    "focus": "cyan",
    "key": "bold cyan",
    "off": "dim",
    "buy": "green",
    "sell": "red",
    "gain": "green",
    "loss": "red",
    "up": "green",
    "down": "red",
    "neutral": "magenta",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "price": "bold",
    "select": "reverse",
    "banner": "bold reverse yellow",
    "alarm": "bold reverse red",
    "sim": "bold reverse blue",
    "replay": "bold reverse magenta",
    "paper": "bold reverse cyan",
    "testnet": "bold reverse yellow",
    "live": "bold reverse red",
}

_CHROME: Final[dict[str, Any]] = {
    "primary": "#58a6ff",
    "background": "#0d1117",
    "surface": "#161b22",
    "panel": "#21262d",
}

THEMES: Final = (
    Theme("dark", foreground="#c9d1d9", warning="#e3b341", error="#f85149", success="#3fb950", **_CHROME),
    Theme(
        "light",
        primary="#0550ae",
        foreground="#24292f",
        background="#ffffff",
        surface="#f6f8fa",
        panel="#eaeef2",
        warning="#8a5a00",
        error="#cf222e",
        success="#116329",
        dark=False,
    ),
    Theme(
        "colour-blind",
        **{**_CHROME, "primary": "#cc79a7"},
        foreground="#c9d1d9",
        warning="#f0e442",
        error="#e69f00",
        success="#56b4e9",
    ),
    Theme(
        "ansi-16",
        primary="ansi_cyan",
        secondary="ansi_cyan",
        warning="ansi_yellow",
        error="ansi_red",
        success="ansi_green",
        accent="ansi_cyan",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables={
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_white",
            "border-blurred": "ansi_black",
            "block-cursor-foreground": "ansi_black",
            "block-cursor-background": "ansi_white",
            "input-cursor-background": "ansi_black",
            "input-cursor-foreground": "ansi_bright_white",
            "input-cursor-text-style": "none",
            "input-selection-background": "ansi_bright_blue",
            "input-selection-foreground": "ansi_black",
            "screen-selection-background": "ansi_bright_blue",
            "screen-selection-foreground": "ansi_black",
        },
        ansi=True,
    ),
)
NAMES: Final = tuple(theme.name for theme in THEMES)
AUTO: Final = "auto"
"""As the terminal's background asks for."""
_PALETTES: Final = {"dark": _DARK, "light": _LIGHT, "colour-blind": _COLOUR_BLIND, "ansi-16": _ANSI}
_ALIASES: Final = {"textual-dark": "dark", "textual-light": "light", "ansi-dark": "ansi-16", "ansi": "ansi-16"}


def known(name: str, *, light: bool = False) -> str:
    """The theme of that name, an alias of one, or ``dark``; of ``auto`` what can be read on a ``light`` background."""
    if name == AUTO and light:
        return "light"
    name = _ALIASES.get(name, name)
    return name if name in NAMES else "dark"


@lru_cache
def palette(name: str) -> Palette:
    """Role to style. ``none`` keeps weight and inversion and drops every colour."""
    if name == "none":
        return {role: _colourless(Style.parse(text)) for role, text in _ANSI.items()}
    return {role: Style.parse(text) for role, text in _PALETTES[known(name)].items()}


def _colourless(style: Style) -> Style:
    return Style(bold=style.bold, dim=style.dim, reverse=style.reverse)
