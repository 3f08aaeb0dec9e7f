"""An upgrade replaces the package under an open app: what was never opened yet opens all the same."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import asyncio, sys
from pathlib import Path

import gridbot_tui
from gridbot_tui.control.command import CommandOutcome
from gridbot_tui.control.messages import ControlAsked
from gridbot_tui.ui import environ
from gridbot_tui.ui.pages import PAGES

environ.prepare()
from tests.ui import fixtures
from tests.ui.running import an_app, link_of, press, settled, shown

PACKAGE = Path(gridbot_tui.__file__).parent

class Moved:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("gridbot_tui", "textual", "plotext") and name not in JUDGES:
            missing.append(name)

JUDGES = ("gridbot_tui.settings", "gridbot_tui.settings.load", "gridbot_tui.settings.problems")
missing = []

async def main():
    app = an_app(fixtures.normal())
    async with shown(app, (80, 24)) as pilot:
        loading = next(one for one in app.workers if one.name == "loading of pages")
        await loading.wait()
        PACKAGE.rename(PACKAGE.with_name("moved"))
        sys.meta_path.insert(0, Moved())
        for key in "2345678":
            await press(pilot, key)
        for page in PAGES:
            app.action_page(page.name)
            await settled(pilot)
            assert app.screen.NAME == page.name
            app.action_home()
            await settled(pilot)
        link_of(app).answer = CommandOutcome("1", True, "what would change", {"keys": []})
        app.action_page("learning")
        await press(pilot, "F", "escape", "escape")
        for key in ("f", "K", "s", "ctrl+q", "ctrl+p", "r"):
            await press(pilot, key, "escape")
        await press(pilot, "ctrl+p", *"why", "enter", "escape")
        app.control_asked(ControlAsked("me", "another", True, 30.0))
        await press(pilot, "escape", "C", "T", "ctrl+c")
        app.action_screenshot()
        app._take_keys({"pause": "z"})
        await press(pilot, "z")
        assert app.is_running
    print("missing", *missing)

asyncio.run(main())
"""


def test_what_was_never_opened_opens_after_the_package_was_moved_away(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "gridbot_tui", tmp_path / "gridbot_tui")
    script = tmp_path / "open.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]), "XDG_STATE_HOME": str(tmp_path)},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == ["missing"]
