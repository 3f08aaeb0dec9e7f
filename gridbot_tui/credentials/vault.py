"""Keys in the keyring: written, read back, and only then said to be there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gridbot_tui.credentials.backend import Backend, judge
from gridbot_tui.credentials.errors import KeyringTrouble
from gridbot_tui.credentials.model import Credential, Owner, checked

SERVICE: Final = "gridbot"
_KEY, _SECRET = "api-key", "api-secret"


class KeyringVault:
    """One backend, as credentials of accounts."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def name(self) -> str:
        """The backend, in words."""
        return judge(self._backend).name

    def put(self, owner: Owner, credential: Credential) -> None:
        """Store, and read back. On any difference what was stored is taken out again.

        Raises:
            KeyringTrouble: the keyring refused, or gave back something else.
        """
        parts = ((_KEY, credential.key.reveal()), (_SECRET, credential.secret.reveal()))
        former = [(part, self._get(_entry(owner, part))) for part, _ in parts]
        try:
            for part, value in parts:
                self._set(_entry(owner, part), value)
            for part, value in parts:
                if self._get(_entry(owner, part)) != value:
                    raise KeyringTrouble(f"{self.name} did not give back what it was given: the key was not stored")
        except KeyringTrouble:
            self._put_back(owner, former)
            raise

    def find(self, owner: Owner) -> Credential | None:
        """What is stored for an account; None where nothing is.

        Raises:
            KeyringTrouble: locked or broken, or half of it is missing.
            Malformed: what is stored is no key.
        """
        key, secret = self._get(_entry(owner, _KEY)), self._get(_entry(owner, _SECRET))
        if key is None and secret is None:
            return None
        if key is None or secret is None:
            missing = "the API key" if key is None else "the secret"
            raise KeyringTrouble(f"the keyring holds only half of {owner.name}: {missing} is missing, set it again")
        return checked(key, secret, f"the keyring ({self.name})")

    def delete(self, owner: Owner) -> bool:
        """Forget an account's key; False where there was none.

        Raises:
            KeyringTrouble: it is still there afterwards.
        """
        found = False
        for part in (_KEY, _SECRET):
            if self._get(_entry(owner, part)) is not None:
                found = True
                self._forget(_entry(owner, part))
                if self._get(_entry(owner, part)) is not None:
                    raise KeyringTrouble(f"{self.name} still has the key of {owner.name} after it was deleted")
        return found

    # -- single texts, of no account ---------------------------------------------------------------------------

    def text(self, name: str) -> str | None:
        """A stored text; None where there is none.

        Raises:
            KeyringTrouble: locked or broken.
        """
        return self._get(name)

    def put_text(self, name: str, value: str) -> None:
        """Store a text; the caller reads it back.

        Raises:
            KeyringTrouble: the keyring refused.
        """
        self._set(name, value)

    def forget_text(self, name: str) -> bool:
        """Forget a text; False where there was none.

        Raises:
            KeyringTrouble: it is still there afterwards.
        """
        if self._get(name) is None:
            return False
        self._forget(name)
        if self._get(name) is not None:
            raise KeyringTrouble(f"{self.name} still has {name} after it was deleted")
        return True

    # -- one entry ---------------------------------------------------------------------------------------------

    def _put_back(self, owner: Owner, former: list[tuple[str, str | None]]) -> None:
        for part, value in former:
            try:
                if value is not None:
                    self._set(_entry(owner, part), value)
                elif self._get(_entry(owner, part)) is not None:
                    self._forget(_entry(owner, part))
            except KeyringTrouble:
                continue  # the first trouble is what the operator is told

    def _get(self, entry: str) -> str | None:
        with self._told():
            value: object = self._backend.get_password(SERVICE, entry)
        if value is None or isinstance(value, str):
            return value
        raise KeyringTrouble(f"the keyring {self.name} failed: it gave back no text but {type(value).__name__}")

    def _set(self, entry: str, value: str) -> None:
        with self._told():
            self._backend.set_password(SERVICE, entry, value)

    def _forget(self, entry: str) -> None:
        with self._told():
            self._backend.delete_password(SERVICE, entry)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - keyring's own errors, and those of the bus that its backend asks
            raise self._trouble(error) from None

    def _trouble(self, error: Exception) -> KeyringTrouble:
        from keyring.errors import KeyringLocked

        from gridbot_tui.ops.redact import redact

        if isinstance(error, KeyringLocked):
            return KeyringTrouble(f"the keyring is locked ({self.name}): unlock it and try again")
        # Without the cause: a backend's exception may hold what it was given.
        return KeyringTrouble(f"the keyring {self.name} failed: {type(error).__name__}: {redact(str(error))}")


def _entry(owner: Owner, part: str) -> str:
    return f"{owner.name}/{part}"
