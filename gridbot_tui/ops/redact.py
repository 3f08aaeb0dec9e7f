"""Secrets stay secret: nothing named like one, and no registered value, leaves in a line or a file."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote

HIDDEN: Final = "[hidden]"

SHORTEST: Final = 6
"""Values shorter than this are not registered: hiding them would shred ordinary text."""

_NAMES: Final = re.compile(
    r"secret|passw|passphrase|token|api_?key|apikey|private_?key|signature|credential|authori[sz]ation|listen_?key|cookie",
    re.IGNORECASE,
)
# As they stand in a URL, a header dump or a repr, whether registered or not.
_INLINE: Final = re.compile(
    r"(?i)(signature|listenKey|apiKey|X-MBX-APIKEY)(['\"]?\s*[=:]\s*['\"]?)([A-Za-z0-9%+/=_-]{6,})"
)
# What an address may hold: of a database, of a server behind another one.
_USER: Final = re.compile(r"(://[^\s:/@'\"]*:)[^\s/@'\"]+(?=@)")
_QUERY: Final = re.compile(r"(?i)([?&][\w.-]*(?:secret|passw|token)[\w.-]*=)[^&#\s'\"]+")
_PEM: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_NUMBERS: Final = frozenset({int, float, bool, type(None)})
_secrets: set[str] = set()
_pattern: re.Pattern[str] | None = None


def register_secret(value: str) -> None:
    """Hide this value from now on wherever ``redact`` looks, also quoted for a URL or for JSON."""
    global _pattern
    parts = [value, *value.splitlines()]
    for part in (each.strip() for each in parts):
        if len(part) >= SHORTEST and not part.startswith("-----"):
            _secrets.update((part, quote(part, safe=""), json.dumps(part)[1:-1]))
    longest_first = sorted(_secrets, key=lambda each: (-len(each), each))
    _pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def forget_secrets() -> None:
    """Forget every registered value (a new login, a test)."""
    global _pattern
    _secrets.clear()
    _pattern = None


def redact(text: str) -> str:
    """The text without registered secrets, request signatures, API keys, private keys and passwords of addresses."""
    if _pattern is not None:
        text = _pattern.sub(HIDDEN, text)
    if "PRIVATE KEY" in text:
        text = _PEM.sub(HIDDEN, text)
    if "=" in text or ":" in text:  # what the pattern needs; most words of a log line have neither
        text = _INLINE.sub(rf"\1\2{HIDDEN}", text)
        if "://" in text or "?" in text:
            text = _QUERY.sub(rf"\1{HIDDEN}", _USER.sub(rf"\1{HIDDEN}", text))
    return text


# Lower case; every text that a rule above can change holds one of them.
_WORDS: Final = (
    b"secret", b"passw", b"passphrase", b"token", b"api_key", b"apikey", b"private", b"signature", b"credential",
    b"authori", b"listen", b"cookie", b"://",
)  # fmt: skip


def surely_clean(line: bytes) -> bool:
    """True where ``redact_value`` would leave what this JSON line says as it is. False where it might not."""
    if _pattern is not None:
        return False
    lower = line.lower()
    return not any(word in lower for word in _WORDS)


@lru_cache(maxsize=1024)
def _names_secret(key: str) -> bool:
    return _NAMES.search(key) is not None


def redact_value(value: object) -> object:
    """A copy of plain data (dict, list, tuple, str, ...) with whatever is named like a secret hidden."""
    if isinstance(value, str):
        return redact(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {
            key: HIDDEN
            if each and isinstance(key, str) and _names_secret(key)
            else each
            if type(each) in _NUMBERS
            else redact_value(each)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(each) for each in value]
    if isinstance(value, bytes):
        return redact(value.decode("utf-8", "replace"))
    return value
