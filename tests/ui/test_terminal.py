"""The real program on a real pty: start, hang-up, handover, signals, storms, a terminal that does not read."""

import errno
import io
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gridbot_tui.control import ask
from gridbot_tui.control.errors import ControlError
from gridbot_tui.service.books.profile import named
from gridbot_tui.ui.driver import WHERE, Writer
from gridbot_tui.ui.typed import ASKS_BACKGROUND
from tests.service.living import NAME
from tests.ui.terminal import PATIENCE_S, ROOT, SMALL, Terminal, bot_ended, command, wait

pytestmark = pytest.mark.slow

ALTERNATE_OFF = "\x1b[?1049l"
ALTERNATE_ON = "\x1b[?1049h"
RUNNING = "RUNNING"
READ = "\x1b[1;1R"
"""What a terminal answers to WHERE."""


def status(home: Path) -> dict[str, object]:
    """Asked from here: a process for each look would take more of the processor than the bot."""
    return ask.ask_status(named(home, NAME).found_socket, 60.0)


def controller(home: Path) -> str:
    return ask.ask_snapshot(named(home, NAME).found_socket, 60.0).controller


def holder(home: Path) -> int:
    for lock in home.rglob("lock"):
        try:
            return int(json.loads(lock.read_text())["pid"])
        except (ValueError, KeyError):
            pass
    return 0


def runs_headless(home: Path, but: int) -> bool:
    pid = holder(home)
    if pid in (0, but) or not Path(f"/proc/{pid}").exists():
        return False
    try:
        return bool(status(home))
    except ControlError:
        return False


def test_a_terminal_that_says_that_its_background_is_light_gets_signs_that_can_be_read_there(tmp_path: Path) -> None:
    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL)
        terminal.wait_for(ASKS_BACKGROUND)
        terminal.send("\x1b]11;rgb:ffff/ffff/ffff\x1b\\")
        terminal.wait_for("38;2;1;4;9")  # what stands out in the light theme
        assert "Flatten" not in terminal.text  # no letter of the answer was a key
        terminal.hang_up()


def test_the_first_screen_has_a_working_ladder_and_leaving_hands_over(tmp_path: Path) -> None:
    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL)
        terminal.wait_for("Ladder")
        terminal.wait_for(RUNNING)
        wait(lambda: "resting" in terminal.text, "resting order")
        terminal.send("\x11")
        terminal.wait_for("Detach")
        terminal.send("\x1b[C\r")
        assert terminal.wait() == 0
        assert ALTERNATE_OFF in terminal.text
        assert "trading goes on" in terminal.text
        wait(lambda: runs_headless(tmp_path, terminal.pid), "bot without a terminal")
        attached = Terminal("attach", "--home", str(tmp_path))
        attached.wait_for("BTCUSDT")
        attached.wait_for("resting")
        second = Terminal("attach", "--home", str(tmp_path))
        second.wait_for("VIEW")
        attached.signal(signal.SIGTERM)
        assert attached.wait() == 128 + signal.SIGTERM
        assert ALTERNATE_OFF in attached.text
        wait(lambda: not controller(tmp_path), "control that is given back")
        second.send("t")
        second.wait_for("this terminal controls the bot")
        second.hang_up()
        assert second.wait() == 128 + signal.SIGHUP
        assert runs_headless(tmp_path, terminal.pid)
        assert command(tmp_path, "stop").returncode == 0


def test_a_hang_up_hands_over_without_touching_an_order(tmp_path: Path) -> None:
    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL)
        wait(lambda: "resting" in terminal.text, "resting order")
        terminal.hang_up()
        wait(lambda: runs_headless(tmp_path, terminal.pid), "bot without a terminal")
        terminal.wait()
        after = status(tmp_path)
        assert after["state"] in ("running", "recovering")
        assert after["residual"] == "0"
        assert after["symbols"]["BTCUSDT"]["open_orders"] > 0  # type: ignore[index]


def test_a_hang_up_in_the_middle_of_a_flatten_is_carried_on(tmp_path: Path) -> None:
    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL, "--speed", "30")
        wait(lambda: "resting" in terminal.text, "resting order")
        # While it lives through its past the numbers move too fast for what was shown to be what is confirmed.
        wait(lambda: not list(tmp_path.rglob("warming")), "end of the 15 days before")
        terminal.send("f")
        terminal.wait_for("by market")
        terminal.send("\t\r")
        terminal.hang_up()
        wait(lambda: runs_headless(tmp_path, terminal.pid), "bot without a terminal")
        terminal.wait()

        def flat() -> bool:
            symbol = status(tmp_path)["symbols"]["BTCUSDT"]  # type: ignore[index]
            return float(symbol["position"]) == 0 and symbol["open_orders"] == 0

        # The confirmation and the hang-up race on purpose: either it was never given, or it is carried on.
        audit = command(tmp_path, "export", "audit", "--format", "json")
        assert audit.returncode == 0, audit.stderr
        if "flatten" in audit.stdout:
            wait(flat, "flat position")


def test_a_closed_terminal_kills_nothing_where_sighup_comes_twice(tmp_path: Path) -> None:
    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL)
        terminal.wait_for(RUNNING)
        terminal.signal(signal.SIGHUP)
        for _ in range(20):
            time.sleep(0.02)
            try:
                terminal.signal(signal.SIGHUP)
            except ProcessLookupError:
                break
        assert terminal.wait() >= 0
        wait(lambda: runs_headless(tmp_path, terminal.pid), "bot without a terminal")


def test_ctrl_z_stops_nothing_and_sigterm_is_the_graceful_shutdown_that_restores_the_terminal(tmp_path: Path) -> None:
    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL)
        wait(lambda: "resting" in terminal.text, "resting order")
        terminal.send("\x1a")
        time.sleep(0.5)
        with open(f"/proc/{terminal.pid}/stat") as stat:
            assert stat.read().rpartition(")")[2].split()[0] != "T"
        terminal.signal(signal.SIGTERM)
        assert terminal.wait() == 0
        assert ALTERNATE_OFF in terminal.text
        assert "\x1b[?1003h" not in terminal.text  # the mouse is off
        assert command(tmp_path, "status").returncode == 3


def test_a_stopped_process_that_goes_on_takes_the_terminal_again_and_reads_every_key_once(tmp_path: Path) -> None:
    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL)
        terminal.wait_for("Ladder")
        terminal.wait_for(RUNNING)
        terminal.signal(signal.SIGTSTP)
        threads = Path(f"/proc/{terminal.pid}/task")
        before = len(list(threads.iterdir()))
        times = 12
        for _ in range(times):  # a thread comes with every terminal that is taken, and must go with it
            painted = terminal.text.count(ALTERNATE_ON)
            terminal.signal(signal.SIGCONT)
            wait(lambda seen=painted: terminal.text.count(ALTERNATE_ON) > seen, "terminal taken again")  # type: ignore[misc]
        # Some more may stand by then: whoever loads pages that are not open yet, and whoever waits for work.
        wait(lambda: len(list(threads.iterdir())) < before + times, "end of the former threads")
        seen = terminal.text.count("Why")
        terminal.send("w")
        wait(lambda: terminal.text.count("Why") > seen, "page of the key")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait() == 0


def test_a_storm_of_resizes_ends_in_a_screen_of_the_last_size(tmp_path: Path) -> None:
    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL)
        terminal.wait_for(RUNNING)
        for at in range(60):
            terminal.resize(30 + at * 3, 10 + at)
            time.sleep(0.01)
        terminal.resize(80, 24)
        time.sleep(1.0)
        mark = len(terminal.output)
        terminal.send("w")
        wait(lambda: "Why" in bytes(terminal.output[mark:]).decode(errors="replace"), "page")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait() == 0


def test_a_terminal_that_reads_nothing_holds_up_no_trading(tmp_path: Path) -> None:
    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL, "--speed", "600")
        terminal.wait_for(RUNNING)
        terminal.reading.clear()
        before = float(status(tmp_path)["uptime_s"])  # type: ignore[arg-type]
        wait(lambda: float(status(tmp_path)["uptime_s"]) > before + 1_500, "life of 25 minutes")  # type: ignore[arg-type]
        terminal.reading.set()
        terminal.signal(signal.SIGTERM)
        assert terminal.wait() == 0


def test_a_terminal_far_behind_gets_no_picture_before_it_has_read_the_last_one(tmp_path: Path) -> None:
    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL, "--speed", "600")
        terminal.wait_for(RUNNING)
        terminal.send(READ)  # it is one that answers; there is always a question more

        def lives(seconds: float) -> None:
            before = float(status(tmp_path)["uptime_s"])  # type: ignore[arg-type]
            wait(lambda: float(status(tmp_path)["uptime_s"]) > before + seconds, "life")  # type: ignore[arg-type]

        lives(600)
        painted = len(terminal.output)
        lives(1_500)
        assert len(terminal.output) == painted
        terminal.send("p")
        terminal.wait_for("◌ pause")  # a key is answered all the same
        painted = len(terminal.output)
        terminal.send(READ * terminal.text.count(WHERE))
        wait(lambda: len(terminal.output) > painted, "picture")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait() == 0


def test_a_terminal_that_goes_while_it_reads_nothing_leaves_nobody_waiting() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    def paint() -> None:
        for _ in range(100):
            writer.write("row")
        writer.stop()

    writer = Writer(Gone())
    writer.start()
    painting = threading.Thread(target=paint, daemon=True)
    painting.start()
    painting.join(PATIENCE_S)
    assert not painting.is_alive()


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_can_draw_nothing_gets_one_sentence(tmp_path: Path, term: str) -> None:
    terminal = Terminal("--home", str(tmp_path), env={"TERM": term})
    assert terminal.wait() == 2
    assert "--no-ui" in terminal.text
    assert "\x1b[?1049h" not in terminal.text


def test_no_terminal_at_all_gets_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gridbot_tui", "--home", str(tmp_path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--no-ui" in done.stderr


def test_no_color_sends_no_colour(tmp_path: Path) -> None:
    import re

    with bot_ended(tmp_path):
        terminal = Terminal("--home", str(tmp_path), *SMALL, env={"NO_COLOR": "1"})
        terminal.wait_for(RUNNING)
        terminal.wait_for("resting")
        terminal.signal(signal.SIGTERM)
        terminal.wait()
        codes = {code for group in re.findall(r"\x1b\[([0-9;]*)m", terminal.text) for code in group.split(";")}
        assert not codes & {"38", "48"}
        assert not {code for code in codes if code.isdigit() and (30 <= int(code) <= 37 or 90 <= int(code) <= 107)}
