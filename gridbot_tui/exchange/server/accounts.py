"""Accounts: keys, desks of both markets, and who listens to them."""

import hashlib
import hmac
from base64 import b64decode
from typing import Any, Protocol

from msgspec import Struct

from gridbot_tui.exchange.server.algo import AlgoService
from gridbot_tui.exchange.server.desk import Desk
from gridbot_tui.units import Ms, Symbol


class KeyConfig(Struct, frozen=True):
    """One API key. ``secret`` is the HMAC secret, or the public key in PEM where it begins with ``-----BEGIN``."""

    key: str
    secret: str
    balances: dict[str, str] = {}
    """Asset to amount, of each market; empty = the server's default."""

    def checked(self) -> "KeyConfig":
        """Itself; ValueError where the public key cannot be read."""
        Secret(self.secret)
        return self


class Secret:
    """Verifies signatures of one key: HMAC-SHA256 in hex, or Ed25519 or RSA in base64."""

    def __init__(self, secret: str) -> None:
        self._hmac: Any = None
        self._public: Any = None
        self.kind = "HMAC_SHA256"
        """As Binance calls it; or RSA, ED25519."""
        if secret.startswith("-----BEGIN"):
            from Crypto.PublicKey import ECC, RSA

            self._public = RSA.import_key(secret) if "RSA" in secret else _public(secret, ECC, RSA)
            self.kind = "RSA" if isinstance(self._public, RSA.RsaKey) else "ED25519"
        else:
            self._hmac = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    def verify(self, payload: bytes, signature: str) -> bool:
        """Whether the signature is this key's over the payload."""
        if self._hmac is not None:
            mac = self._hmac.copy()
            mac.update(payload)
            return hmac.compare_digest(mac.hexdigest().encode(), signature.lower().encode(errors="replace"))
        try:
            raw = b64decode(signature, validate=True)
        except ValueError:  # no base64, or no ASCII
            return False
        return self._asymmetric(payload, raw)

    def _asymmetric(self, payload: bytes, raw: bytes) -> bool:
        from Crypto.Hash import SHA256
        from Crypto.PublicKey.RSA import RsaKey
        from Crypto.Signature import eddsa, pkcs1_15

        try:
            if isinstance(self._public, RsaKey):
                pkcs1_15.new(self._public).verify(SHA256.new(payload), raw)
            else:
                eddsa.new(self._public, "rfc8032").verify(payload, raw)
        except ValueError:
            return False
        return True


def _public(secret: str, ecc: Any, rsa: Any) -> Any:
    """Either kind of public key in PEM."""
    try:
        return ecc.import_key(secret)
    except ValueError:
        return rsa.import_key(secret)


class ListenKey:
    """A futures user stream's key; lives an hour after it was last asked for."""

    __slots__ = ("expires_at", "text")

    def __init__(self, text: str, expires_at: Ms) -> None:
        self.text = text
        self.expires_at = expires_at


class UserListener(Protocol):
    """Whoever hears the events of an account."""

    market: str

    def __call__(self, market: str, frame: dict[str, Any], now: Ms) -> None:
        """One event."""
        ...


class Account:
    """One owner. Both desks may be missing where their market is not served."""

    def __init__(self, number: int, config: KeyConfig) -> None:
        self.number = number
        self.config = config
        self.key = config.key
        self.secret = Secret(config.secret)
        self.spot: Desk | None = None
        self.futures: Desk | None = None
        self.algo: AlgoService | None = None
        self.listen_key: ListenKey | None = None
        self.countdowns: dict[Symbol, Ms] = {}
        """Symbol to the moment at which its orders are cancelled."""
        self.listeners: list[UserListener] = []
        """Called with market, frame and time for every user event."""

    def uid(self) -> int:
        """A number like Binance's."""
        return 354_937_868 + self.number

    def alias(self) -> str:
        """The futures account's alias."""
        return "SgsR" + f"{self.number:04d}"
