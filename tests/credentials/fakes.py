"""Keyring backends as they are met: a good one, and the ways others are bad."""

from keyring.backends import fail, null
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
OTHER = "A" * 64
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\n-----END PRIVATE KEY-----"


class Memory:
    """Keeps what it is given, as a system keyring does."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


class Forgetful(Memory):
    """Says it has stored, and has not."""

    def set_password(self, service: str, username: str, password: str) -> None:
        return


class Garbling(Memory):
    """Gives back something else for a secret."""

    def get_password(self, service: str, username: str) -> str | None:
        found = super().get_password(service, username)
        return found[:-1] if found and username.endswith("secret") else found


class Locked(Memory):
    """Is there and is locked."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")


class BusIsGone(Exception):
    """As SecretStorage's and jeepney's own errors, which keyring lets through: of no kind that it names."""


class Unheard(Memory):
    """Its desktop's bus has died."""

    def get_password(self, service: str, username: str) -> str | None:
        raise BusIsGone("the name has no owner")


class Bytes(Memory):
    """Gives back what is no text."""

    def get_password(self, service: str, username: str) -> str | None:
        return b"0123456789abcdef"  # type: ignore[return-value]


class Telling(Memory):
    """Repeats the secret in its error."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError(f"can't store {password}")


class Stubborn(Memory):
    """Does not forget."""

    def delete_password(self, service: str, username: str) -> None:
        return


class PlaintextKeyring(Memory):
    """Named as the one of keyrings.alt."""


PlaintextKeyring.__module__ = "keyrings.alt.file"


class Chain:
    """keyring's chainer: the best first, then whatever takes it."""

    def __init__(self, *links: object) -> None:
        self.backends = links


NOWHERE: object = fail.Keyring()  # type: ignore[no-untyped-call]
"""What keyring gives where no secret service runs."""
NULL: object = null.Keyring()  # type: ignore[no-untyped-call]
"""What PYTHON_KEYRING_BACKEND may choose."""
