"""What can go wrong with credentials, by what the operator must do. No message ever holds a value.

CredentialError
├── NoKeyring         there is no keyring that may hold a secret: use an alternative
├── KeyringTrouble    the keyring is there and does not do as told: unlock or repair it
├── Malformed         what was found or typed cannot be an API key: give another
└── NotFound          nowhere is a key: set one
"""

ALTERNATIVES = (
    "without one, hand the key over by systemd (LoadCredential=gridbot-api-key:... and gridbot-api-secret:...) "
    "or by the environment (GRIDBOT_API_KEY and GRIDBOT_API_SECRET)"
)
"""The ways besides a keyring, in a sentence's second half."""


class CredentialError(Exception):
    """Base; the text is one sentence for the operator."""


class NoKeyring(CredentialError):
    """There is no keyring here that may hold a secret."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}; nothing was stored: {ALTERNATIVES}")


class KeyringTrouble(CredentialError):
    """The keyring refuses, is locked, or does not give back what it was given."""


class Malformed(CredentialError):
    """This cannot be an API key or its secret."""


class NotFound(CredentialError):
    """No source has a key for the account."""
