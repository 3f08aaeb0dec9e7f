"""Where a profile's control socket is: one rule for both ends.

``control.sock`` in the profile, where its path is short enough for every platform's ``sun_path``; else a
short path named by a hash of the profile's, in the runtime folder of the session or a private one in the
temporary folder. A service may run without the session's XDG_RUNTIME_DIR that its client has, so a client
looks in all the places a server can have chosen.
"""

import hashlib
import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import Final

SOCKET_NAME: Final = "control.sock"
MAX_PATH_BYTES: Final = 100
"""macOS takes 103, Linux 107."""


def socket_path(profile: Path) -> Path:
    """Where a server of this profile listens; its folder is made, private, where it must be."""
    path = candidates(profile)[0]
    if path.parent != profile.absolute():
        _private_folder(path.parent)
    return path


def candidates(profile: Path) -> list[Path]:
    """Every path a server of this profile may have chosen, the likeliest first."""
    own = profile.absolute() / SOCKET_NAME
    if len(os.fsencode(own)) <= MAX_PATH_BYTES:
        return [own]
    name = hashlib.sha256(os.fsencode(profile.absolute().resolve())).hexdigest()[:16] + ".sock"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folders = [Path(runtime) / "gridbot"] if runtime else []
    folders.append(Path("/run/user") / str(os.getuid()) / "gridbot")
    folders.append(Path(tempfile.gettempdir()) / f"gridbot-{os.getuid()}")
    folders.append(Path("/tmp") / f"gridbot-{os.getuid()}")
    paths = dict.fromkeys(folder / name for folder in folders if folder.parent.is_dir())
    return [path for path in paths if len(os.fsencode(path)) <= MAX_PATH_BYTES] or [own]


def find_socket(profile: Path) -> Path | None:
    """The socket of this profile that is there, ours; None where there is none."""
    for path in candidates(profile):
        try:
            found = path.stat()
        except OSError:
            continue
        if stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid():
            return path
    return None


def somebody_listens(profile: Path) -> bool:
    """Whether a process is at the other end of this profile's socket, be it one that does not answer."""
    path = find_socket(profile)
    if path is None:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
        knock.setblocking(False)
        try:
            knock.connect(str(path))
        except BlockingIOError:  # so many wait already that it takes no more
            return True
        except OSError:
            return False
    return True


def _private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OSError(f"{folder} is not a folder of this user; remove it or set XDG_RUNTIME_DIR")
    folder.chmod(0o700)
