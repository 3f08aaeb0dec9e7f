"""Photographs the screens from fixed snapshots: ``python -m tests.tools.make_screenshots [folder]``.

The pictures in ``screenshots/`` are made by this and nothing else; a row of ``SHOTS`` is a picture.
"""

import asyncio
import re
import sys
from pathlib import Path
from typing import NamedTuple

from gridbot_tui.control.command import CommandOutcome
from gridbot_tui.ui.app import Look
from gridbot_tui.ui.dialogs.change import ChangeDialog
from tests.ui import fixtures
from tests.ui.running import an_app, press, settled, shown


class Shot(NamedTuple):
    """A picture: which state, how big, after which keys, in which theme."""

    name: str
    fixture: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    theme: str = "dark"
    change: bool = False
    """With the difference of a config change over it, as the bot answers one."""


CHANGE = CommandOutcome(
    "1",
    True,
    "would change 2 keys",
    {
        "changes": "ladder.spacing_floor: 0.004 -> 0.006 (at the next decision)\n"
        "risk.leverage_cap: 5.0 -> 4.0 (at once)",
        "desired": "BTCUSDT: cancel 4, create 4, keep 2, spacing 2.84 % -> 3.10 %\nETHUSDT: cancel 1, create 0, keep 1",
        "what_if": "BTCUSDT buys filled: margin 812.00 -> 640.00, 1.12x -> 0.83x, -2.9 % at 53938.0, T0, "
        "liquidation 24880.0",
    },
)
SHOTS = (
    Shot("dashboard", "normal", (120, 40)),
    Shot("dashboard-wide", "normal", (200, 60)),
    Shot("dashboard-small", "normal", (80, 24)),
    Shot("dashboard-light", "normal", (120, 40), theme="light"),
    Shot("what-if", "normal", (100, 34), ("x",)),
    Shot("config-diff", "normal", (100, 30), change=True),
    Shot("learning", "normal", (120, 32), ("L",)),
    Shot("why", "normal", (100, 22), ("w",)),
    Shot("portfolio", "six_symbols", (140, 18), ("a",)),
    Shot("flatten", "live", (100, 30), ("f",)),
)

_FONTS = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)


async def take(shot: Shot) -> str:
    """The picture as SVG, without the addresses of web fonts that viewers would not load anyway."""
    app = an_app(fixtures.ALL[shot.fixture](), look=Look(theme=shot.theme))
    async with shown(app, shot.size) as pilot:
        for key in shot.keys:
            await press(pilot, key)
        if shot.change:
            _ = app.push_screen(ChangeDialog(app.picture, CHANGE, 3))
            await settled(pilot)
        svg = app.export_screenshot(title="gridbot")
    svg = _FONTS.sub("", svg).replace("Fira Code", "Fira Code, DejaVu Sans Mono, Menlo, Consolas")
    return re.sub(r"terminal-\d+", "terminal", svg)


def main(folder: Path) -> None:
    """All of them."""
    folder.mkdir(exist_ok=True)
    for shot in SHOTS:
        path = folder / f"{shot.name}.svg"
        path.write_text(asyncio.run(take(shot)), encoding="utf-8")
        print(f"{path}  {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "screenshots")
