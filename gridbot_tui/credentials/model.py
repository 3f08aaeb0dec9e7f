"""A secret that does not show itself, the credential of an account, and what may be one."""

import re
from typing import Final, NamedTuple, NoReturn

from gridbot_tui.credentials.errors import Malformed
from gridbot_tui.ops.redact import register_secret
from gridbot_tui.units import Market, Mode

HIDDEN: Final = "[hidden]"
_KEY: Final = re.compile(r"[A-Za-z0-9]{16,128}")
_HMAC: Final = re.compile(r"[A-Za-z0-9+/=_-]{16,256}")
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n.+\n-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class Secret:
    """A text that only ``reveal`` gives out: not print, not repr, not a log line, not pickle.

    Made one, it is registered to be hidden wherever ``ops.redact`` looks.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        register_secret(value)

    def reveal(self) -> str:
        """The text itself: for signing and for the keyring, nothing else."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not stored or sent")


class Owner(NamedTuple):
    """Whose key: testnet and live have their own, and so have the two markets' testnets."""

    mode: Mode
    market: Market
    account: str

    @property
    def name(self) -> str:
        """``live-futures-main``: the user name in the keyring."""
        return f"{self.mode.value}-{self.market.value}-{self.account}"


class Credential(NamedTuple):
    """An API key with what signs for it."""

    key: Secret
    secret: Secret
    source: str
    """Where it came from, in words."""

    @property
    def signs_with(self) -> str:
        """``secret`` (HMAC) or ``private key`` (Ed25519 or RSA, PEM)."""
        return "private key" if "PRIVATE KEY" in self.secret.reveal() else "secret"


def checked(key: str, secret: str, source: str) -> Credential:
    """The credential, if it can be one.

    Raises:
        Malformed: it cannot; the message says which part, never what it was.
    """
    key, secret = key.strip(), secret.strip().replace("\r\n", "\n")
    for text in (key, secret):
        register_secret(text)
    if not _KEY.fullmatch(key):
        raise Malformed(f"the API key from {source} is not one: 16 to 128 letters and digits, found {_seen(key)}")
    if not (_HMAC.fullmatch(secret) or _PEM.fullmatch(secret)):
        raise Malformed(
            f"the secret from {source} is not one: neither 16 to 256 letters and digits nor a PEM private key, "
            f"found {_seen(secret)}"
        )
    return Credential(Secret(key), Secret(secret), source)


def _seen(text: str) -> str:
    return f"{len(text)} characters" if text else "nothing"
