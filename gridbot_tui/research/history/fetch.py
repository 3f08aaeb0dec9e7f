"""One HTTP GET with patience: refusals by rate are waited for, broken answers asked again, the rest said plainly."""

import json
import threading
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
USED: Final = "X-MBX-USED-WEIGHT-1M"
BUSY: Final = (418, 429, 500, 502, 503, 504)
"""Answers that are worth another try."""


class FetchFailed(Exception):
    """Nothing came; the message is one sentence."""


class Missing(FetchFailed):
    """The server has no such file."""


class Damaged(FetchFailed):
    """A file of the server's is not what it should be; others may be."""


Sleep = Callable[[float], None]


class Budget:
    """What an address may still ask of an exchange this minute: shared by the threads of a download.

    The exchange counts everything that comes from here, a trading bot's requests too, and says how much it was.
    """

    def __init__(self, most: int) -> None:
        """``most``: weight of a minute, everybody's together, beyond which this one waits for the next."""
        self._most = most
        self._lock = threading.Lock()
        self._used, self._minute = 0, 0

    def wait(self, sleep: Sleep = time.sleep, clock: Callable[[], float] = time.time) -> None:
        """Return once there is some left."""
        while True:
            now = clock()
            with self._lock:
                if int(now // 60) != self._minute or self._used < self._most:
                    return
            sleep(60.0 - now % 60.0 + 0.1)

    def told(self, used: str | None, clock: Callable[[], float] = time.time) -> None:
        """What an answer said of the minute it was given in."""
        if used is None or not used.isdecimal():
            return
        minute = int(clock() // 60)
        with self._lock:
            # Answers overtake each other: of one minute the highest is the latest.
            self._used = max(self._used, int(used)) if minute == self._minute else int(used)
            self._minute = minute


def get(url: str, sleep: Sleep = time.sleep, budget: Budget | None = None) -> bytes:
    """The body of an answer; ``budget``: where the server counts what is asked of it.

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
        if budget is not None:
            budget.wait(sleep)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                body: bytes = answer.read()
                if budget is not None:
                    budget.told(answer.headers.get(USED))
                return body
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise Missing(f"{url}: there is no such file") from None
            said = f"{error.code} {error.reason}"
            if error.code not in BUSY:
                raise FetchFailed(f"{url}: {_refusal(error)}") from None
            wait = _told(error.headers.get("Retry-After")) or wait
            if wait > LONGEST_WAIT_S:  # a ban, which asking on would lengthen, for a bot that trades from here as well
                told = f"{said}, and to ask again in {wait:.0f} s"
                raise FetchFailed(f"{url}: {told}; the same command goes on where it stopped") from None
        except (urllib.error.URLError, HTTPException, OSError) as error:
            said = str(getattr(error, "reason", "") or error) or type(error).__name__
        except ValueError as error:
            raise FetchFailed(f"{url}: {error}") from None
        if attempt + 1 < TRIES:
            sleep(wait)
    raise FetchFailed(f"{url}: no answer after {TRIES} tries ({said}); the same command goes on where it stopped")


def get_json(url: str, params: dict[str, object], sleep: Sleep = time.sleep, budget: Budget | None = None) -> Any:
    """The decoded body of a JSON answer. Raises FetchFailed, Missing."""
    whole = f"{url}?{urlencode(params)}"
    try:
        return json.loads(get(whole, sleep, budget))
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
