"""Loads what is opened later while the files are still those that the app began with.

Pages and dialogs are no part of the first paint. An upgrade under an open app replaces their files: the first flatten
or the first look at a page would then end it, or be of another version than the rest.
"""

import asyncio
from importlib import import_module
from typing import Final

from gridbot_tui.ui.pages import PAGES
from gridbot_tui.ui.picture import Picture

LOOK_S: Final = 1.0
"""Between two looks whether there is time for it: the first paint and the first snapshot come before."""
LOOKS: Final = 30
"""After so many it begins in any case."""
DIALOGS: Final = ("change", "control", "flatten", "learning", "leave", "palette", "symbol")
MODULES: Final = (
    *(f"gridbot_tui.ui.dialogs.{name}" for name in DIALOGS),
    *(page.where.partition(":")[0] for page in PAGES),
    "gridbot_tui.ui.copying",
    "gridbot_tui.ui.keymap",
    "textual.scrollbar",
    "textual.system_commands",
    "plotext",
)
"""The gravest first. Not the settings room (14 MiB): an edit that can't be judged here is judged by the bot."""


async def load(picture: Picture) -> None:
    """All of it, in a thread and one after the other; a sim that lives through its past has the processor first."""
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_S)
        if picture.snapshot is not None and picture.snapshot.past_until is None:
            break
    for module in MODULES:
        _ = await asyncio.to_thread(import_module, module)
