"""Checks of a profile: its files, its process, its state file, its audit trail, its config."""

import os
import stat
from pathlib import Path

from gridbot_tui.commands.doctor_check import Check, fail, ok, warn
from gridbot_tui.commands.options import Where
from gridbot_tui.control import ask
from gridbot_tui.control.endpoint import find_socket
from gridbot_tui.control.errors import ControlError
from gridbot_tui.service.books.profile import Profile

ANSWER_S = 5.0
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WRITE = stat.S_IWGRP | stat.S_IWOTH


def config(where: Where, profile: Profile | None) -> Check:
    """Whether the config that a start would read, and the environment, hold."""
    from gridbot_tui.settings.load import load
    from gridbot_tui.settings.problems import ConfigError

    path = where.config
    if path is None and profile is not None and profile.config_file.is_file():
        path = profile.config_file
    if path is None and profile is None:  # none has run yet: init may have written one already
        path = _first_config(where)
    name = "the defaults" if path is None else str(path)
    try:
        load(path, os.environ, where.overrides)
    except ConfigError as error:
        file = "" if path is None else f" {path}"
        return fail("config", "; ".join(str(error).splitlines()), f"'gridbot config check{file}' names file and line")
    return ok("config", f"{name} and the environment hold")


def _first_config(where: Where) -> Path | None:
    """The file that the first start would take, if there is one."""
    from gridbot_tui.service.assemble import RunRefused, own_file
    from gridbot_tui.service.options import RunOptions

    try:
        return own_file(RunOptions(home=where.home, overrides=where.overrides))
    except RunRefused:
        return None


def permissions(profile: Profile, *, repair: bool) -> Check:
    """That nobody else can read or write what the profile keeps."""
    open_to_others: list[Path] = []
    for path in (profile.folder, *sorted(profile.folder.rglob("*"))):
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue  # a running bot's WAL comes and goes
        if found.st_uid != os.getuid():
            return fail("permissions", f"{path} belongs to another user", f"chown it to yourself: {path}")
        if found.st_mode & _OTHERS and not stat.S_ISLNK(found.st_mode):
            # Inside a folder that only its owner enters, a file's own mode lets nobody in.
            inside = path != profile.folder and not profile.folder.stat().st_mode & _OTHERS
            if not inside or found.st_mode & _WRITE:
                open_to_others.append(path)
    if not open_to_others:
        return ok("permissions", "only you can read and write the profile")
    if repair:
        for path in open_to_others:
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_OTHERS)
        return ok("permissions", f"{len(open_to_others)} files were open to others", repaired=True)
    writable = any(path.lstat().st_mode & _WRITE for path in open_to_others)
    found_text = f"{len(open_to_others)} files are open to others, such as {open_to_others[0]}"
    judge = fail if writable else warn
    return judge("permissions", found_text, "'gridbot doctor --repair' takes their access away")


def process(profile: Profile, *, repair: bool) -> Check:
    """That a bot that runs answers, and one that does not has left nothing that looks like it."""
    if profile.running:
        holder = profile.holder
        who = f"process {holder.pid}" if holder is not None else "a process"
        try:
            status = ask.ask_status(profile.found_socket, ANSWER_S)
        except ControlError as error:
            return fail(
                "process",
                f"{who} holds the profile and does not answer: {error}",
                f"touch {profile.kill_file} to cancel and close; kill -9 it if nothing comes of that, "
                "and start again: a restart recovers",
            )
        return ok("process", f"{who} runs and answers, state {status['state']}")
    if profile.kill_file.exists():
        return warn("process", "not running; a file KILL waits", "the next start kills: remove it if that is over")
    left = find_socket(profile.folder)
    if left is None:
        return ok("process", "not running")
    if repair:
        left.unlink(missing_ok=True)
        return ok("process", "not running; the socket of a dead one was removed", repaired=True)
    return warn("process", f"not running; {left} was left by one that died", "nothing: the next start replaces it")


def database(profile: Profile) -> Check:
    """The whole state file, read and checked by SQLite."""
    from gridbot_tui.store.errors import StoreError
    from gridbot_tui.store.reader import reading

    if not profile.database.exists():
        return warn("database", "there is none yet", "nothing: the first run makes it")
    try:
        with reading(profile.database) as reader:
            reader.check()
            size, identity = reader.size(), reader.identity
            unfinished = len(reader.commands(open_only=True))
            behind = reader.behind()
    except StoreError as error:
        return fail("database", str(error), "nothing was changed; the sentence names the way out")
    found = f"{size / (1 << 20):.1f} MiB in order, of {identity or 'nobody'}"
    if behind and not profile.running:
        found += f"; {behind} facts of a bot that was killed are in its journal only, the next start brings them up"
    if unfinished and not profile.running:
        what = "1 command is" if unfinished == 1 else f"{unfinished} commands are"
        return ok("database", f"{found}; {what} unfinished: a shutdown or a flatten is carried on by the next start")
    return ok("database", found)


def audit(profile: Profile) -> Check:
    """That no line of the audit trail was changed, taken out or cut off."""
    from gridbot_tui.commands.export_rows import audit_anchor
    from gridbot_tui.ops.verify import files_of, verify
    from gridbot_tui.store.errors import StoreError

    try:
        if not files_of(profile.audit):
            return warn("audit", "there is no trail yet", "nothing: the first run begins it")
        found = verify(profile.audit, audit_anchor(profile.database))
    except StoreError as error:
        return warn("audit", f"its end cannot be compared: {error}", "see to the database first")
    except (OSError, ValueError) as error:
        return fail("audit", f"it cannot be read: {error}", "look at the file's access and at the disk")
    if found.ok:
        return ok("audit", found.detail.rstrip("."))
    return fail("audit", found.detail.rstrip("."), "keep a copy; find out who or what changed it before you trade on")
