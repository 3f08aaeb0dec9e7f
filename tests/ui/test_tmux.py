"""The same program where operators have it: in a tmux that is split, resized, attached twice and killed."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.terminal import ROOT, SMALL, bot_ended, command, wait
from tests.ui.test_terminal import holder, runs_headless, status

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


class Tmux:
    """A tmux server of its own."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self._env = {name: text for name, text in os.environ.items() if name not in ("TMUX", "NO_COLOR")}

    def __call__(self, *words: str) -> str:
        """Run a command of tmux's; what it printed."""
        done = subprocess.run(["tmux", "-S", self._socket, "-f", "/dev/null", *words], capture_output=True, text=True,
                              env={**self._env, "LANG": "C.UTF-8"}, cwd=ROOT, check=True)  # fmt: skip
        return done.stdout

    def open(self, name: str, *words: str, size: tuple[int, int] = (120, 40), shell: str = "{}; sleep 60") -> None:
        """gridbot in a session of this name."""
        line = shlex.join([sys.executable, "-m", "gridbot_tui", *words])
        self("new-session", "-d", "-s", name, "-x", str(size[0]), "-y", str(size[1]), shell.replace("{}", line))

    def screen(self, name: str) -> list[str]:
        """What is to be seen."""
        return self("capture-pane", "-p", "-t", name).splitlines()

    def wait_for(self, name: str, text: str) -> None:
        """Until this is to be seen."""
        wait(lambda: any(text in line for line in self.screen(name)), f"{text!r} in {name}")

    def type(self, name: str, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self("send-keys", "-t", name, *keys)


@pytest.fixture
def tmux(short: Path) -> Iterator[Tmux]:
    one = Tmux(short)
    try:
        yield one
    finally:
        try:
            one("kill-server")
        except subprocess.CalledProcessError:
            pass  # its last session is gone, and it with it


def test_a_tmux_killed_in_the_middle_of_a_flatten_leaves_it_to_be_carried_on_and_attached_to_twice(
    tmux: Tmux, tmp_path: Path
) -> None:
    with bot_ended(tmp_path):
        tmux.open("keep", "--version")  # the server outlives the session that is killed
        tmux.open("own", "--home", str(tmp_path), *SMALL, "--speed", "30")
        tmux.wait_for("own", "resting")
        wait(lambda: not list(tmp_path.rglob("warming")), "end of the 15 days before")
        pid = holder(tmp_path)
        tmux.type("own", "f")
        tmux.wait_for("own", "by market")
        tmux.type("own", "Tab", "Enter")

        def confirmed() -> bool:
            # An order that filled under the dialog is told instead of passed over: confirmed again, as it asks for.
            if any("it has changed" in line for line in tmux.screen("own")):
                tmux.type("own", "Enter")
            return any("flatten" in trail.read_text() for trail in tmp_path.rglob("audit.jsonl"))

        wait(confirmed, "flatten in the audit trail")
        tmux("kill-session", "-t", "own")
        wait(lambda: runs_headless(tmp_path, pid), "bot without a terminal")

        def flat() -> bool:
            symbol = status(tmp_path)["symbols"]["BTCUSDT"]  # type: ignore[index]
            return float(symbol["position"]) == 0 and symbol["open_orders"] == 0

        wait(flat, "flat position")
        tmux.open("first", "attach", "--home", str(tmp_path))
        tmux.wait_for("first", "PAUSED")
        tmux.open("second", "attach", "--home", str(tmp_path), size=(80, 24))
        tmux.wait_for("second", "VIEW")
        for at in range(40):
            tmux("resize-window", "-t", "first", "-x", str(40 + 4 * at), "-y", str(12 + at))
        tmux("resize-window", "-t", "first", "-x", "80", "-y", "24")
        tmux.type("first", "w")
        tmux.wait_for("first", "Why")
        assert max(map(len, tmux.screen("first"))) <= 80
        tmux.type("first", "Escape")
        tmux.wait_for("first", "Ladder")  # Escape and the next key are not one
        tmux.type("first", "p")
        tmux.wait_for("second", "RUNNING")
        assert command(tmp_path, "stop").returncode == 0


def test_a_bot_whose_parent_keeps_the_hang_up_to_itself_still_trades_on_without_a_terminal(
    tmux: Tmux, tmp_path: Path
) -> None:
    with bot_ended(tmp_path):
        # As make is: the kernel tells the session's leader, which waits for its child and says nothing.
        deaf = "trap '' HUP; {}; echo > " + shlex.quote(str(tmp_path)) + "/ended-$$"
        tmux.open("keep", "--version")
        tmux.open("own", "--home", str(tmp_path), *SMALL, "--speed", "30", shell=deaf)
        tmux.wait_for("own", "resting")
        pid = holder(tmp_path)
        tmux.open("watch", "attach", "--home", str(tmp_path), shell=deaf)
        tmux.wait_for("watch", "VIEW")
        tmux("kill-session", "-t", "own")
        tmux("kill-session", "-t", "watch")
        wait(lambda: runs_headless(tmp_path, pid), "bot without a terminal")
        wait(lambda: len(list(tmp_path.glob("ended-*"))) == 2, "end of both programs")


def test_a_process_that_goes_on_in_the_background_trades_and_leaves_the_shell_its_terminal(
    tmux: Tmux, tmp_path: Path
) -> None:
    with bot_ended(tmp_path):
        tmux.open("own", shell="bash --norc -i")
        words = (sys.executable, "-m", "gridbot_tui", "--home", str(tmp_path), *SMALL, "--speed", "600")
        tmux.type("own", shlex.join(words), "Enter")
        tmux.wait_for("own", "resting")
        pid = holder(tmp_path)
        os.kill(pid, signal.SIGSTOP)
        tmux.wait_for("own", "Stopped")
        os.kill(pid, signal.SIGCONT)
        before = float(status(tmp_path)["uptime_s"])  # type: ignore[arg-type]
        tmux.type("own", "C-u", "echo keys are the $((40+2)) of the shell", "Enter")
        tmux.wait_for("own", "keys are the 42 of the shell")
        wait(lambda: float(status(tmp_path)["uptime_s"]) > before + 600, "life")  # type: ignore[arg-type]
        tmux.type("own", "C-u", "fg", "Enter")
        wait(lambda: not any("of the shell" in line for line in tmux.screen("own")), "screen of the app")
        tmux.type("own", "w")
        tmux.wait_for("own", "Why")
