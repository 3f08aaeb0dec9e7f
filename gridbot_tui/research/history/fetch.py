"""One HTTP GET with patience: refusals by rate are waited for, broken answers asked again, the rest said plainly."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlencode

TRIES: Final = 4
LONGEST_WAIT_S: Final = 120.0
TIMEOUT_S: Final = 30.0
BUSY: Final = (418, 429, 500, 502, 503, 504)
"""Answers that are worth another try."""


class FetchFailed(Exception):
    """Nothing came; the message is one sentence."""


class Missing(FetchFailed):
    """The server has no such file."""


Sleep = Callable[[float], None]


def get(url: str, sleep: Sleep = time.sleep) -> bytes:
    """The body of an answer.

    Raises:
        Missing: 404.
        FetchFailed: no connection, a refusal, or nothing whole after several tries.
    """
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "gridbot"})
    except ValueError as error:
        raise FetchFailed(str(error)) from None
    said = ""
    for attempt in range(TRIES):
        wait = float(2**attempt)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise Missing(f"{url}: there is no such file") from None
            said = f"{error.code} {error.reason}"
            if error.code not in BUSY:
                raise FetchFailed(f"{url}: {_refusal(error)}") from None
            wait = _told(error.headers.get("Retry-After")) or wait
        except (urllib.error.URLError, HTTPException, OSError) as error:
            said = str(getattr(error, "reason", "") or error) or type(error).__name__
        except ValueError as error:
            raise FetchFailed(f"{url}: {error}") from None
        if attempt + 1 < TRIES:
            sleep(min(wait, LONGEST_WAIT_S))
    raise FetchFailed(f"{url}: no answer after {TRIES} tries ({said}); the same command goes on where it stopped")


def get_json(url: str, params: dict[str, object], sleep: Sleep = time.sleep) -> Any:
    """The decoded body of a JSON answer. Raises FetchFailed, Missing."""
    whole = f"{url}?{urlencode(params)}"
    try:
        return json.loads(get(whole, sleep))
    except ValueError as error:
        raise FetchFailed(f"{whole}: the answer is no JSON ({error})") from None


def _refusal(error: urllib.error.HTTPError) -> str:
    """What the exchange says about a request it does not take."""
    try:
        told = json.loads(error.read()[:2_000])
        return f"{error.code}, {told['code']}: {told['msg']}"
    except (ValueError, KeyError, TypeError, OSError):
        return f"{error.code} {error.reason}"


def _told(header: str | None) -> float | None:
    """Seconds of a Retry-After header; a date there is not worth understanding."""
    return float(header) if header is not None and header.isdecimal() else None
