"""Finds the key of an account: systemd credentials, then the environment, then the keyring.

What was handed to this very process wins over what lies about; a source that has half of a key is an error
and not passed over, because trading on with another key than was meant is worse than not starting.
"""

import os
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from gridbot_tui.credentials.backend import Backend, system_backend
from gridbot_tui.credentials.errors import ALTERNATIVES, CredentialError, Malformed, NoKeyring, NotFound
from gridbot_tui.credentials.model import Credential, Owner, checked
from gridbot_tui.credentials.vault import KeyringVault

ENV_KEY: Final = "GRIDBOT_API_KEY"
ENV_SECRET: Final = "GRIDBOT_API_SECRET"
FILE_KEY: Final = "gridbot-api-key"
FILE_SECRET: Final = "gridbot-api-secret"
SYSTEMD: Final = "CREDENTIALS_DIRECTORY"
_LARGEST: Final = 16_384
"""Bytes of a credential file that are read: a 4096-bit RSA key takes 3.3 kB."""
SLOW_S: Final = 5.0
"""A keyring that has not answered by then is waiting for somebody."""


class Look(NamedTuple):
    """What one source has to say."""

    source: str
    credential: Credential | None
    trouble: str
    """Why it has none, "" where it simply holds nothing."""


Finder = Callable[[], Credential | None]
Say = Callable[[str], None]


def resolve(
    owner: Owner,
    env: Mapping[str, str] | None = None,
    backend: Callable[[], Backend] = system_backend,
    say: Say = lambda text: None,
) -> Credential:
    """The credential of an account. ``say`` is told, in another thread, while a keyring keeps one waiting.

    Raises:
        NotFound: no source has one.
        CredentialError: a source has something that cannot be used.
    """
    trouble = ""
    for name, find in _finders(owner, os.environ if env is None else env, backend, say):
        try:
            found = find()
        except NoKeyring as error:
            trouble = f" ({name}: {str(error).partition(';')[0]})"
            continue
        if found is not None:
            return found
    raise NotFound(
        f"there is no API key for {owner.name}{trouble}: 'gridbot credentials set' stores one in the system "
        f"keyring; {ALTERNATIVES}"
    )


def look(
    owner: Owner,
    env: Mapping[str, str] | None = None,
    backend: Callable[[], Backend] = system_backend,
    say: Say = lambda text: None,
) -> list[Look]:
    """What every source has, strongest first: for ``gridbot credentials check``. ``say`` as of ``resolve``."""
    found: list[Look] = []
    for name, find in _finders(owner, os.environ if env is None else env, backend, say):
        try:
            found.append(Look(name, find(), ""))
        except CredentialError as error:
            found.append(Look(name, None, str(error)))
    return found


def _finders(
    owner: Owner, env: Mapping[str, str], backend: Callable[[], Backend], say: Say
) -> tuple[tuple[str, Finder], ...]:
    return (
        ("systemd", lambda: from_systemd(env)),
        ("environment", lambda: from_environment(env)),
        ("keyring", lambda: _in_the_keyring(owner, backend, say)),
    )


def _in_the_keyring(owner: Owner, backend: Callable[[], Backend], say: Say) -> Credential | None:
    """A locked one asks for its password on a desktop, for as long as it takes: at an SSH session, or under systemd,
    nobody sees that."""
    waited = f"the keyring has not answered for {SLOW_S:g} s, and is waited for: it may ask for its password elsewhere"
    telling = threading.Timer(SLOW_S, say, (f"{waited}; {ALTERNATIVES}",))
    telling.daemon = True
    telling.start()
    try:
        return KeyringVault(backend()).find(owner)
    finally:
        telling.cancel()


def from_environment(env: Mapping[str, str]) -> Credential | None:
    """``GRIDBOT_API_KEY`` and ``GRIDBOT_API_SECRET``; None where neither is set."""
    return _pair(env.get(ENV_KEY, ""), env.get(ENV_SECRET, ""), "the environment", (ENV_KEY, ENV_SECRET))


def from_systemd(env: Mapping[str, str]) -> Credential | None:
    """The files that systemd's LoadCredential= made; None where it made none of ours."""
    folder = env.get(SYSTEMD, "")
    if not folder:
        return None
    key, secret = (credential_file(Path(folder) / name) for name in (FILE_KEY, FILE_SECRET))
    return _pair(key, secret, "systemd", (FILE_KEY, FILE_SECRET))


def _pair(key: str, secret: str, source: str, names: tuple[str, str]) -> Credential | None:
    if not key and not secret:
        return None
    if not key or not secret:
        there, missing = names if key else names[::-1]
        raise Malformed(f"{source} has {there} and no {missing}: give both or neither")
    return checked(key, secret, source)


def credential_file(path: Path) -> str:
    """What a file that systemd made says; "" where it made none.

    Raises:
        Malformed: it cannot be read, or everybody can read it.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                raise Malformed(f"the credential {path.name} can be read by everybody on this machine: chmod 400 it")
            return file.read(_LARGEST).decode("utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"the credential {path.name} cannot be read: {type(error).__name__}") from None
