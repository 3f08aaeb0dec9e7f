"""An API key with what signs for it, as this room needs them; shown nowhere."""

from typing import NoReturn

HIDDEN = "[hidden]"


class Keys:
    """A key and its HMAC secret or PEM private key. Without either: public calls only."""

    __slots__ = ("_key", "_secret")

    def __init__(self, key: str = "", secret: str = "") -> None:
        self._key = key.strip()
        # python-binance tells Ed25519 from RSA by length: nothing around the PEM may count.
        self._secret = secret.strip().replace("\r\n", "\n")

    @property
    def there(self) -> bool:
        """Whether requests can be signed."""
        return bool(self._key and self._secret)

    def key(self) -> str:
        """The API key itself, for the request header."""
        return self._key

    def hmac_secret(self) -> str | None:
        """The secret of an HMAC key; None for a private key."""
        return None if self._is_pem or not self._secret else self._secret

    def private_key(self) -> str | None:
        """The PEM of an Ed25519 or RSA key; None for an HMAC secret."""
        return self._secret if self._is_pem else None

    @property
    def _is_pem(self) -> bool:
        return "PRIVATE KEY" in self._secret

    def __repr__(self) -> str:
        return f"Keys({HIDDEN})"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not stored or sent")
