"""Checks of the machine: clock, keyring, disk, terminal, and what happens to the bot at logout."""

import getpass
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from gridbot_tui.commands.doctor_check import Check, fail, ok, warn
from gridbot_tui.ui import environ
from gridbot_tui.units import Mode

OLDEST_NOW_S: Final = 1_735_689_600
"""2025-01-01: a clock before this was never set."""
BEHIND_S: Final = 5.0
"""Seconds a file may have been written in the future; more, and the clock was put back."""
LITTLE: Final = 1 << 30
TOO_LITTLE: Final = 100 << 20
"""A day of logs, audit and state file is some tens of MB."""
NARROW: Final = (60, 16)
ASK_S: Final = 3.0


def clock(files: Iterable[Path], now: float | None = None) -> Check:
    """Whether the clock is set, kept, and not behind what was written."""
    now = time.time() if now is None else now
    if now < OLDEST_NOW_S:
        return fail("clock", f"it says {time.strftime('%Y-%m-%d', time.gmtime(now))}", "set it (timedatectl)")
    ahead = max((path.stat().st_mtime - now for path in files if path.exists()), default=0.0)
    if ahead > BEHIND_S:
        return fail(
            "clock",
            f"files of the profile were written {ahead:.0f} s in the future",
            "the clock was put back: keep it by NTP (timedatectl set-ntp true)",
        )
    synced = _asked("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if synced == "no":
        return warn(
            "clock",
            "set, but kept by nobody",
            "the exchange refuses orders of a clock that is off by seconds: timedatectl set-ntp true",
        )
    return ok("clock", "set and kept by NTP" if synced == "yes" else "set; nobody here says whether NTP keeps it")


def keyring(mode: Mode | None) -> Check:
    """Whether there is a keyring that may hold a key; a mode without keys needs none."""
    from gridbot_tui.commands.credentials import keyring_in_use

    name, objection = keyring_in_use()
    if not objection:
        return ok("keyring", name)
    if mode in (Mode.TESTNET, Mode.LIVE):
        return warn(
            "keyring",
            objection,
            "hand the key over by systemd or the environment; 'gridbot credentials check' says what is found",
        )
    return ok("keyring", f"{objection}; sim, replay and paper need none")


def disk(folder: Path) -> Check:
    """Room for state file, logs and audit trail."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
    try:
        free = shutil.disk_usage(there).free
        names = os.statvfs(there).f_favail
    except OSError as error:
        return fail("disk", f"{there} cannot be asked: {error.strerror}", "name another --home")
    found = f"{free / (1 << 30):.1f} GiB free at {there}"
    if free < TOO_LITTLE or 0 < names < 100:
        return fail("disk", found, "make room: with a full disk no entry is sent")
    if not os.access(there, os.W_OK | os.X_OK):
        return fail("disk", f"{there} cannot be written to", "give yourself access, or name another --home")
    return warn("disk", found, "make room before it runs out") if free < LITTLE else ok("disk", found)


def terminal(env: Mapping[str, str]) -> Check:
    """Whether the terminal app can be shown here, and how well."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return ok("terminal", "none here: --no-ui runs without one")
    term = env.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        return warn("terminal", f"TERM is {term or 'not set'}", "export TERM=xterm-256color, or run with --no-ui")
    columns, rows = shutil.get_terminal_size()
    colours = "24 bit" if env.get("COLORTERM", "") in ("truecolor", "24bit") else "256" if "256" in term else "16"
    locale = environ.locale(env)
    found = f"{term}, {columns}x{rows}, {colours} colours, locale {locale or 'not set'}"
    if columns < NARROW[0] or rows < NARROW[1]:
        return warn("terminal", found, f"make it {NARROW[0]}x{NARROW[1]} at least")
    if "UTF" not in locale.upper():
        return warn("terminal", found, "charts are drawn in ASCII: export LANG=C.UTF-8")
    return ok("terminal", found)


def logout(root: Path = Path("/")) -> Check:
    """What becomes of a bot that goes on without a terminal when its user logs out."""
    if not (root / "run/systemd/system").is_dir():
        return ok("logout", "no systemd here: nobody ends what goes on after a logout")
    user = _user()
    if (root / "var/lib/systemd/linger" / user).exists():
        return ok("logout", f"{user} lingers: the bot lives on")
    advice = f"loginctl enable-linger {user}"
    if _kills_at_logout(root):
        return warn("logout", "systemd ends everything of a user who logs out, the bot too", advice)
    return warn("logout", "a bot started from a terminal lives on, one under 'systemctl --user' ends", advice)


def _kills_at_logout(root: Path) -> bool:
    """KillUserProcesses= of logind, the last word counts; systemd's own default is no."""
    said = False
    names = [root / "usr/lib/systemd/logind.conf", root / "etc/systemd/logind.conf"]
    for folder in ("usr/lib/systemd/logind.conf.d", "etc/systemd/logind.conf.d"):
        names += sorted((root / folder).glob("*.conf"))
    for name in names:
        try:
            lines = name.read_text(errors="replace").splitlines()
        except OSError:
            continue  # not there, or not for us to read: what is said elsewhere holds
        for line in lines:
            key, _, value = line.partition("=")
            if key.strip() == "KillUserProcesses":
                said = value.strip().lower() in ("yes", "true", "1", "on")
    return said


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _asked(*command: str) -> str:
    """What a program of the system answers; "" where it does not."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=ASK_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
