"""Three sets of symbols: braille, block, ASCII. Painters write the rich signs; what cannot be shown is replaced."""

from typing import Final, Literal

Symbols = Literal["braille", "block", "ascii"]
SETS: Final[tuple[Symbols, ...]] = ("braille", "block", "ascii")

BARS: Final = "▁▂▃▄▅▆▇█"

_ASCII: Final = {
    **dict(zip("─━═│┃┆╭╮╰╯├┤┬┴┼┌┐└┘▕▏", "--=||:" + "+" * 13 + "[]", strict=True)),
    **dict(zip(BARS, "_.-=+*%#", strict=True)),
    **dict(zip("░▒▓■□▪▫┈", ".:##_+..", strict=True)),
    **dict(zip("▲▼◆●○◐◌►◄▶◀✓✗✚⚠", "^v*oo%.><><vx+!", strict=True)),
    **dict(zip("−–—·…→←↑↓±×≈≤≥σμΔ∞‹›’“”↔", '---.~><^v~x~<>smd8<>\'""=', strict=True)),
}
_TABLE: Final = str.maketrans(_ASCII)


def to_ascii(text: str) -> str:
    """The same text, cell for cell, in ASCII as far as it is ours; a wide character becomes two ``?``."""
    if text.isascii():
        return text
    text = text.translate(_TABLE)
    if text.isascii():
        return text
    from rich.cells import cell_len

    return "".join(char if char.isascii() else "?" * max(0, cell_len(char)) for char in text)
