"""Where alerts go: apprise URLs, which hold tokens and passwords and are therefore secrets like API keys.

They are looked for as the keys are: what systemd or the environment handed to this process, then the keyring. They
are not of one account: whoever is to be told is told of every bot of this user.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

from gridbot_tui.credentials.backend import Backend, system_backend
from gridbot_tui.credentials.errors import CredentialError, KeyringTrouble, Malformed, NoKeyring
from gridbot_tui.credentials.model import Secret
from gridbot_tui.credentials.sources import SYSTEMD, credential_file
from gridbot_tui.credentials.vault import KeyringVault
from gridbot_tui.ops.redact import register_secret

ENV_URLS: Final = "GRIDBOT_ALERT_URLS"
FILE_URLS: Final = "gridbot-alert-urls"
MOST: Final = 16
"""Addresses: each has a thread and a queue of its own."""
_URL: Final = re.compile(r"[a-z][a-z0-9+._-]{0,30}://\S{1,4000}", re.IGNORECASE)
_BETWEEN: Final = re.compile(r",*\s+|,+(?=[a-z][a-z0-9+._-]{0,30}://)|,+$", re.IGNORECASE)
"""Between two addresses. A comma, too, where another address follows it: taken for a part of the first, the second
would never be told of anything, and nobody would know."""
_LONG: Final = 8
"""A part of an address that is as long may be a token; shorter ones are words such as ``notify``."""
_WORD: Final = re.compile(r"[a-z]{1,15}")
"""And so are these, such as ``webhooks``: hidden, they would be missing from ordinary lines."""
_PARTS: Final = re.compile(r"[/?&=@:#]+")


class Address(NamedTuple):
    """One place to send to."""

    name: str
    """``tgram 1``: its kind and its number, the only words that are ever shown."""
    url: Secret


class Found(NamedTuple):
    """What was found."""

    addresses: tuple[Address, ...]
    source: str
    """In words; "" where there is none."""
    trouble: str
    """Why a source could not be asked or used; "" = none had trouble."""


def find(env: Mapping[str, str] | None = None, backend: Callable[[], Backend] = system_backend) -> Found:
    """The addresses of the strongest source that has some. Never raises: a bot trades without alerts, too."""
    trouble = ""
    for source, look in _finders(os.environ if env is None else env, backend):
        try:
            addresses = parse(look(), source)
        except NoKeyring:
            continue  # a machine without one keeps its addresses elsewhere
        except CredentialError as error:
            trouble = f"{source}: {error}"
            continue
        if addresses:
            return Found(addresses, source, trouble)
    return Found((), "", trouble)


def hide_known(
    env: Mapping[str, str] | None = None, backend: Callable[[], Backend] = system_backend
) -> list[str]:
    """Have every address that can be found hidden, whichever would be used; what could not be asked."""
    trouble = []
    for source, look in _finders(os.environ if env is None else env, backend):
        try:
            for word in _words(look()):
                hide(word)
        except NoKeyring:
            continue
        except CredentialError as error:
            trouble.append(f"{source}: {error}")
    return trouble


def _finders(
    env: Mapping[str, str], backend: Callable[[], Backend]
) -> tuple[tuple[str, Callable[[], str]], ...]:
    return (
        ("systemd", lambda: _from_systemd(env)),
        ("the environment", lambda: env.get(ENV_URLS, "")),
        ("the keyring", lambda: KeyringVault(backend()).text(FILE_URLS) or ""),
    )


def parse(text: str, source: str) -> tuple[Address, ...]:
    """The addresses in a text, a word each or between commas, hidden from now on; lines that begin with # are remarks.

    Raises:
        Malformed: one of the words is no URL, or there are too many.
    """
    words = _words(text)
    for word in words:
        hide(word)
    if len(words) > MOST:
        raise Malformed(f"{source} has {len(words)} alert addresses, at most {MOST} are taken")
    found = []
    for number, word in enumerate(words, 1):
        if _URL.fullmatch(word) is None:
            raise Malformed(
                f"alert address {number} from {source} is no URL such as tgram://TOKEN/CHAT or json://HOST/PATH "
                f"({len(word)} characters); one a line, see the apprise documentation for what there is"
            )
        found.append(Address(f"{word.partition('://')[0].lower()} {number}", Secret(word)))
    return tuple(found)


def _words(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [word for line in lines for word in _BETWEEN.split(line) if word]


def hide(url: str) -> None:
    """Have an address and whatever in it may be a token hidden from every log line."""
    register_secret(url)
    rest = url.partition("://")[2]
    account, _, behind = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")
    for part in account.split(":"):
        register_secret(part)
        register_secret(unquote(part))
    parts = _PARTS.split(rest)
    host = behind.partition(":")[0]
    if host in parts and ("." in host or host == "localhost"):
        parts.remove(host)  # of most other services the token stands where a host does
    for part in parts:
        if len(part) >= _LONG and _WORD.fullmatch(part) is None:
            register_secret(part)
            register_secret(unquote(part))


def store(addresses: Iterable[Address], backend: Callable[[], Backend] = system_backend) -> str:
    """Put addresses into the keyring in place of those there, and read them back; the keyring's name.

    Raises:
        CredentialError: no keyring, or it did not keep them.
    """
    vault = KeyringVault(backend())
    text = "\n".join(one.url.reveal() for one in addresses)
    vault.put_text(FILE_URLS, text)
    if vault.text(FILE_URLS) != text:
        raise KeyringTrouble(f"{vault.name} did not give back what it was given: the addresses were not stored")
    return vault.name


def delete(backend: Callable[[], Backend] = system_backend) -> bool:
    """Forget the addresses in the keyring; False where there were none.

    Raises:
        CredentialError: no keyring, or they are still there.
    """
    return KeyringVault(backend()).forget_text(FILE_URLS)


def _from_systemd(env: Mapping[str, str]) -> str:
    folder = env.get(SYSTEMD, "")
    return credential_file(Path(folder) / FILE_URLS) if folder else ""
