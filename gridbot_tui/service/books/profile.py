"""A profile: mode, market, account and quote asset, as a folder with everything one bot keeps.

Profiles live under ``--home``, else ``GRIDBOT_HOME``, else the platform's state folder. A replay without
``--home`` gets a temporary one named ``replay``, so that its results do not depend on where it ran.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gridbot_tui.control.endpoint import find_socket, socket_path, somebody_listens
from gridbot_tui.service.books.lock import Holder, holder_of, is_held
from gridbot_tui.units import Market, Mode

REPLAY: Final = "replay"
"""Name of every temporary profile."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_TEMPORARY: Final = ".replay-"
_LEFTOVER_S: Final = 3600.0


class ProfileError(Exception):
    """A profile that cannot be used or told from others; one sentence. Exit code 2."""


class NoneRunning(Exception):
    """No bot runs where one is needed; one sentence. Exit code 3."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile's name and folder. Making one touches no disk; ``create`` does."""

    name: str
    folder: Path

    @property
    def database(self) -> Path:
        """What the bot remembers."""
        return self.folder / "gridbot.db"

    @property
    def market_file(self) -> Path:
        """The synthetic market that a sim profile goes on with."""
        return self.folder / "market.json"

    @property
    def exchange_database(self) -> Path:
        """The simulated exchange's own books; never read by store or engine."""
        return self.folder / "exchange.db"

    @property
    def log(self) -> Path:
        """Structured log."""
        return self.folder / "gridbot.log"

    @property
    def audit(self) -> Path:
        """Hash-chained audit trail."""
        return self.folder / "audit.jsonl"

    @property
    def lock(self) -> Path:
        """Held for life by the process that trades this profile."""
        return self.folder / "lock"

    @property
    def config(self) -> Path:
        """Folder of the profile's config files."""
        return self.folder / "config"

    @property
    def config_file(self) -> Path:
        """The config of a start without --config: written by ``gridbot init``, or by what a face applies."""
        return self.config / "config.toml"

    @property
    def kill_file(self) -> Path:
        """Its presence is the kill command: for a bot that no longer answers its socket."""
        return self.folder / "KILL"

    @property
    def socket(self) -> Path:
        """Where this profile's bot listens (see ``control.endpoint``)."""
        return socket_path(self.folder)

    @property
    def found_socket(self) -> Path:
        """Where a client finds it; the rule's first place where there is none."""
        return find_socket(self.folder) or self.socket

    @property
    def holder(self) -> Holder | None:
        """The process that trades it now, if one does and the disk says so."""
        try:
            return holder_of(self.lock)
        except OSError:
            return None

    @property
    def running(self) -> bool:
        """True while a process holds the lock, or, where the disk does not let that be seen, listens: a bot outlives
        its disk, and must be told to stop."""
        try:
            return is_held(self.lock)
        except OSError:
            return somebody_listens(self.folder)

    def create(self) -> "Profile":
        """Make the folders, private to this user. Raises ProfileError."""
        try:
            for folder in (self.folder, self.config):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise ProfileError(
                f"the profile folder {self.folder} cannot be used ({error.strerror}); name another --home"
            ) from error
        return self


def profile_name(mode: Mode, market: Market, account: str, quote: str) -> str:
    """For example ``sim-futures-main-usdt``. Raises ProfileError for an account that cannot name a folder."""
    return checked_name(f"{mode.value}-{market.value}-{account}-{quote}".lower())


def checked_name(name: str) -> str:
    """The name, if it is one. Raises ProfileError."""
    if _NAME.fullmatch(name) is None:
        raise ProfileError(f"{name!r} is no profile name: letters, digits, - and _ (at most 64, no capitals)")
    return name


def home_folder(home: Path | None) -> Path:
    """Where profiles live; not made by this. Raises ProfileError for the home of a user who is not there."""
    named = os.environ.get("GRIDBOT_HOME")
    if home is not None or named:
        wanted = home if home is not None else Path(named or "")
        try:
            return wanted.expanduser().absolute()
        except RuntimeError as error:
            raise ProfileError(f"there is no folder {wanted}: nobody knows that user's home") from error
        except FileNotFoundError as error:
            raise ProfileError(f"there is no folder {wanted}: the one that this was called from is gone") from error
    import platformdirs

    return Path(platformdirs.user_state_dir("gridbot", appauthor=False)).absolute()


def named(home: Path | None, name: str) -> Profile:
    """The profile of this name under this home. Raises ProfileError for what is no name."""
    return Profile(checked_name(name), home_folder(home) / name)


@contextmanager
def temporary(home: Path | None = None) -> Iterator[Profile]:
    """A fresh profile named ``replay``, gone afterwards; under the home where that can be written, so that
    ``gridbot status`` finds it. Leftovers of killed runs are swept up."""
    base = _writable(home_folder(home))
    _sweep(base)
    outer = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=base))
    try:
        yield Profile(REPLAY, outer / REPLAY).create()
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def profiles(home: Path | None) -> list[Profile]:
    """Every profile that has ever run here, temporary ones of now included, in name order."""
    base = home_folder(home)
    locks = [*base.glob("*/lock"), *base.glob(f"{_TEMPORARY}*/{REPLAY}/lock")]
    found = [Profile(lock.parent.name, lock.parent) for lock in locks]
    return sorted(found, key=lambda profile: (profile.name, profile.folder))


def running_profiles(home: Path | None) -> list[Profile]:
    """The profiles that a process trades now."""
    return [profile for profile in profiles(home) if profile.running]


def find_running(home: Path | None, name: str | None) -> Profile:
    """The named profile, else the only one running.

    Raises:
        NoneRunning: the named one is not running, or none is.
        ProfileError: several are, or this user may not look where one could be.
    """
    found = running_profiles(home)
    if name is not None:
        checked_name(name)
        found = [profile for profile in found if profile.name == name]
    if not found:
        _refuse_shut(home_folder(home), name)
        which = "no bot is running" if name is None else f"profile {name} is not running"
        raise NoneRunning(f"{which} under {home_folder(home)}")
    if len(found) > 1:
        raise ProfileError(f"several bots are running, name one with --profile: {_listed(found)}")
    return found[0]


def find_existing(home: Path | None, name: str | None) -> Profile:
    """A profile to read from, running or not: the named one, the only one running, or the only one there is.

    Raises ProfileError where there is none, or no telling which.
    """
    if name is not None:
        profile = named(home, name)
        if not os.path.isdir(profile.folder):
            running = [one for one in running_profiles(home) if one.name == name]
            if len(running) != 1:
                _refuse_shut(home_folder(home), name)
                raise ProfileError(f"there is no profile {name} under {home_folder(home)}")
            return running[0]
        return profile
    found = running_profiles(home) or profiles(home)
    if not found:
        _refuse_shut(home_folder(home), None)
        raise ProfileError(f"there is no profile under {home_folder(home)}")
    if len(found) > 1:
        raise ProfileError(f"there are several profiles, name one with --profile: {_listed(found)}")
    return found[0]


def _refuse_shut(base: Path, name: str | None) -> None:
    """Raise ProfileError where the home, or a profile in it, is shut to this user: who looks there sees none, and one
    may run all the same."""
    inside = [base / name] if name is not None else [one for one in base.glob("*") if _NAME.fullmatch(one.name)]
    for folder in (base, *sorted(inside)):
        try:
            os.listdir(folder)
            (folder / "lock").stat()
        except PermissionError as error:
            raise ProfileError(
                f"{folder} is shut to this user, and whether a bot runs there cannot be told: "
                f"call gridbot as the user that runs it"
            ) from error
        except OSError:
            continue


def _listed(found: list[Profile]) -> str:
    words = []
    for profile in found:
        holder = profile.holder
        words.append(f"{profile.name} (process {holder.pid})" if holder is not None else profile.name)
    return ", ".join(words)


def _writable(base: Path) -> Path | None:
    """The folder, made if need be; None (the temporary folder) where it cannot be written."""
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return base if os.access(base, os.W_OK | os.X_OK) else None


def _sweep(base: Path | None) -> None:
    """Remove temporary profiles that nobody runs any more. An hour old, so that none is caught being born."""
    if base is None:
        return
    for outer in base.glob(f"{_TEMPORARY}*"):
        try:
            old = time.time() - outer.stat().st_mtime > _LEFTOVER_S
        except OSError:
            continue
        if old and not is_held(outer / REPLAY / "lock"):
            shutil.rmtree(outer, ignore_errors=True)
