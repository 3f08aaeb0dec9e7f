"""Which keyring backend may hold a secret: a real one of the system, never one that writes plain text.

keyring chooses by priority, and without a word: where no secret service runs and ``keyrings.alt`` is
installed, that is a file in base64; under ``PYTHON_KEYRING_BACKEND=...null.Keyring`` it stores nothing and
reports success.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Protocol

from gridbot_tui.credentials.errors import KeyringTrouble, NoKeyring


class Backend(Protocol):
    """As much of ``keyring.backend.KeyringBackend`` as is used."""

    def get_password(self, service: str, username: str) -> str | None:
        """The stored text; None where there is none."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a text."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""
        ...


class Verdict(NamedTuple):
    """What is thought of a backend."""

    name: str
    objection: str
    """Why it may hold no secret; "" where it may."""


_REFUSED: Final = (
    ("keyring.backends.fail", "no keyring service runs here"),
    ("keyring.backends.null", "the keyring backend 'null' stores nothing and says it did"),
    ("keyrings.alt.file", "its keyring is a file, which is plain text or asks for a password under the app"),
    ("keyrings.alt", "keyrings.alt keeps secrets in files of its own, which is no system keyring"),
)


def judge(backend: object) -> Verdict:
    """Whether a backend may hold a secret."""
    kind = type(backend)
    name = f"{kind.__module__}.{kind.__qualname__}"
    for prefix, why in _REFUSED:
        if kind.__module__.startswith(prefix):
            return Verdict(name, why)
    if any(word in name.lower() for word in ("plaintext", "uncrypted", "unencrypted")):
        return Verdict(name, "this keyring writes plain text")
    return Verdict(name, "")


def usable(backend: object) -> Any:
    """The backend itself, or the first of a chain that may hold a secret.

    A chain is never used as a whole: it would fall through to a plain file without a word.

    Raises:
        NoKeyring: there is none.
    """
    links: Iterable[object] = getattr(backend, "backends", None) or (backend,)
    objections: list[str] = []
    for one in links:
        verdict = judge(one)
        if not verdict.objection:
            return one
        objections.append(f"{verdict.objection} ({verdict.name})")
    raise NoKeyring("; ".join(dict.fromkeys(objections)) or "no keyring service runs here")


def system_backend() -> Any:
    """The system's keyring.

    Raises:
        NoKeyring: there is none that may hold a secret.
        KeyringTrouble: the one that was asked for by name cannot be loaded.
    """
    return usable(chosen())


def chosen() -> object:
    """The backend that keyring goes by, judged by nobody yet.

    Raises:
        KeyringTrouble: the one that was asked for by name cannot be loaded.
    """
    import keyring

    try:
        return keyring.get_keyring()
    except Exception as error:  # whatever a package does that is named there
        why = f"the keyring that PYTHON_KEYRING_BACKEND or keyringrc.cfg names cannot be loaded ({error})"
        raise KeyringTrouble(why) from error
