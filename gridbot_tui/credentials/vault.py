"""Keys in the keyring: written, read back, and only then said to be there."""

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
        former = [(part, self._get(owner, part)) for part, _ in parts]
        try:
            for part, value in parts:
                self._set(owner, part, value)
            for part, value in parts:
                if self._get(owner, part) != value:
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
        key, secret = self._get(owner, _KEY), self._get(owner, _SECRET)
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
            if self._get(owner, part) is not None:
                found = True
                self._forget(owner, part)
                if self._get(owner, part) is not None:
                    raise KeyringTrouble(f"{self.name} still has the key of {owner.name} after it was deleted")
        return found

    def _put_back(self, owner: Owner, former: list[tuple[str, str | None]]) -> None:
        for part, value in former:
            try:
                if value is not None:
                    self._set(owner, part, value)
                elif self._get(owner, part) is not None:
                    self._forget(owner, part)
            except KeyringTrouble:
                continue  # the first trouble is what the operator is told

    def _get(self, owner: Owner, part: str) -> str | None:
        from keyring.errors import KeyringError

        try:
            return self._backend.get_password(SERVICE, f"{owner.name}/{part}")
        except (KeyringError, OSError, RuntimeError) as error:
            raise self._trouble(error) from None

    def _set(self, owner: Owner, part: str, value: str) -> None:
        from keyring.errors import KeyringError

        try:
            self._backend.set_password(SERVICE, f"{owner.name}/{part}", value)
        except (KeyringError, OSError, RuntimeError) as error:
            raise self._trouble(error) from None

    def _forget(self, owner: Owner, part: str) -> None:
        from keyring.errors import KeyringError

        try:
            self._backend.delete_password(SERVICE, f"{owner.name}/{part}")
        except (KeyringError, OSError, RuntimeError) as error:
            raise self._trouble(error) from None

    def _trouble(self, error: Exception) -> KeyringTrouble:
        from keyring.errors import KeyringLocked

        from gridbot_tui.ops.redact import redact

        if isinstance(error, KeyringLocked):
            return KeyringTrouble(f"the keyring is locked ({self.name}): unlock it and try again")
        # Without the cause: a backend's exception may hold what it was given.
        return KeyringTrouble(f"the keyring {self.name} failed: {type(error).__name__}: {redact(str(error))}")
