"""What went wrong, by what the caller must do.

BinanceError
├── Refused      a definite no: it did not happen; decide anew
├── Unresolved   nobody knows whether it happened: ask until known
├── RetryLater   it did not happen; the same may be sent again after a while
│   └── NotThere     a question to an address that nothing is at
├── ClockOff     it did not happen: our time is not the exchange's; set the clock, send again
└── Stop         nothing will be served until somebody acts: keys, permissions, ban, account
"""

from typing import Final

import aiohttp

from gridbot_tui.exchange.binance.client import HttpTrouble, Unreadable
from gridbot_tui.units import Market


class BinanceError(Exception):
    """Base. ``code`` is the exchange's, 0 where it gave none; ``detail`` is a sentence."""

    def __init__(self, detail: str, code: int = 0) -> None:
        super().__init__(f"{code}: {detail}" if code else detail)
        self.detail: Final = detail
        self.code: Final = code


class Refused(BinanceError):
    """A definite no."""


class Unresolved(BinanceError):
    """May or may not have happened. ``sent_at``: monotonic seconds when it left, where that is known."""

    sent_at: float | None = None


class RetryLater(BinanceError):
    """Certainly not done, and worth another try after ``after_s``. ``closed``: nothing else may be sent before, for
    that reason; "" = it may."""

    def __init__(self, detail: str, code: int = 0, after_s: float = 0.0, *, closed: str = "") -> None:
        super().__init__(detail, code)
        self.after_s: Final = after_s
        self.closed: Final = closed


class NotThere(RetryLater):
    """A question to an address that nothing is at: a gateway in between, or an environment without that call."""


class ClockOff(BinanceError):
    """Our timestamp was outside the exchange's window."""


class Stop(BinanceError):
    """Needs a human, or a long wait (``wait_s`` of a ban)."""

    def __init__(self, detail: str, code: int = 0, wait_s: float | None = None) -> None:
        super().__init__(detail, code)
        self.wait_s: Final = wait_s


# -- what an answer, or its absence, means ------------------------------------------------------------------

STOPS: Final = {
    -1002: "the exchange says that this key may not do this",
    -1022: "the secret does not belong to the key (the signature was refused)",
    -2014: "the exchange does not know such a key: its form is wrong",
    -2015: "the key is wrong, may not be used from this address, or lacks a permission",
    -2017: "the key is locked on this account",
}
"""Codes after which nothing will be served until somebody acts, in words."""
_HINTS: Final = {
    -4061: "the account is in hedge mode, and gridbot trades one-way: switch Position Mode back. ",
    -4118: "other reduce-only orders take up the position: cancel by hand those that are not the bot's. ",
}
"""Of refusals whose own words do not say what to do. Nothing on the stream tells that Position Mode was switched."""
UNLISTED: Final = -1121
_CLOSED: Final = frozenset((-4108, -4140, -4141))
"""Futures, of a symbol that is not traded for now, or takes nothing new: a session that is over, a halt, a settlement.
Spot says the same in words, under the code of its filters."""
_DISABLED: Final = ("this action is disabled on this account", "this account may not place or cancel orders")
_UNKNOWN_CODES: Final = frozenset((-1000, -1001, -1006, -1007))
"""4xx or 5xx, these say themselves that nobody knows."""
_CLOCK: Final = frozenset((-1021, -5028))
_CERTAIN: Final = ("service unavailable", "internal error; unable to process your request")
"""503 with these words, or -1001 and -1008, were certainly not carried out: Binance's documentation of futures. Of
spot it says that no 5xx is a failure; sent again, an order that did fill meanwhile would fill once more."""
_FIREWALL_S: Final = 3.0
_LIMIT_S: Final = 10.0
_BAN_S: Final = 120.0
"""Binance's shortest ban, where it does not say how long."""
CUT_OFF_S: Final = 1.0
"""A Retry-After is whole seconds, and the last one may be cut off: whoever is back within it is turned away again."""
_LONGEST_BAN_S: Final = 3 * 86_400.0
_LONGEST_LIMIT_S: Final = 600.0
"""Its longest ban, and twice its longest interval of requests: a proxy's nonsense must not shut a bot for good, and
where it was none after all, the next answer says it again."""


def classify(trouble: Exception, what: str, *, changes: bool, market: Market) -> BinanceError:
    """What the caller must do about ``trouble``.

    ``what`` names the request in words. ``changes``: carried out twice or not at all would matter (orders,
    cancels, leverage), so a lost answer is Unresolved; where it would not, it is RetryLater.
    """
    if isinstance(trouble, HttpTrouble):
        return _answered(trouble, what, changes, market)
    lost = Unresolved if changes else RetryLater
    if isinstance(trouble, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return RetryLater(f"{what}: no connection ({_words(trouble)})")
    if isinstance(trouble, TimeoutError):
        return lost(f"{what}: no answer in time")
    if isinstance(trouble, Unreadable):
        return lost(f"{what}: {trouble}")
    return lost(f"{what}: the connection broke ({_words(trouble)})")


def _answered(said: HttpTrouble, what: str, changes: bool, market: Market) -> BinanceError:
    code, status = said.code or 0, said.status
    words = said.message or f"HTTP {status} without a reason"
    detail = f"{what}: {words}"
    if status == 418:
        wait = told_wait(status, said.retry_after) or _BAN_S
        return Stop(f"the exchange has banned this address for {wait:.0f} s: {words}", code, wait_s=wait)
    if code == -1015:
        return RetryLater(detail, code, said.retry_after or _LIMIT_S)
    if status == 429 or code == -1003:
        return RetryLater(detail, code, told_wait(status, said.retry_after) or _LIMIT_S, closed="rate limit")
    if code in _CLOCK:
        return ClockOff(detail, code)
    if status == 451:
        return Stop(f"the exchange does not serve the place that this address is in ({detail})", code)
    if code in STOPS or status == 401:
        return Stop(f"{STOPS.get(code, 'the exchange does not accept this key')} ({detail})", code)
    if any(text in words.lower() for text in _DISABLED):
        return Stop(f"the account is disabled ({detail})", code)
    if _certainly_not_done(status, code, words, market):
        return RetryLater(detail, code)
    doubtful = status >= 500 or status == 408 or said.code is None or code in _UNKNOWN_CODES
    if not doubtful:
        return Refused(_HINTS.get(code, "") + words, code)
    if changes:
        return Unresolved(f"{detail} (HTTP {status})", code)
    if status == 403:
        return RetryLater(f"{detail} (HTTP 403, a firewall)", code, _FIREWALL_S, closed="firewall")
    kind = NotThere if status in (404, 405) and said.code is None else RetryLater
    return kind(f"{detail} (HTTP {status})", code)


def told_wait(status: int, seconds: float | None) -> float:
    """What a Retry-After asks for, as far as Binance ever would; 0 where it says nothing."""
    return min(seconds or 0.0, _LONGEST_BAN_S if status == 418 else _LONGEST_LIMIT_S)


def _certainly_not_done(status: int, code: int, words: str, market: Market) -> bool:
    if market is Market.SPOT:
        return code == -1008 and status < 500
    return code in (-1001, -1008) or (status == 503 and any(words.lower().startswith(text) for text in _CERTAIN))


def _words(trouble: Exception) -> str:
    return str(trouble) or type(trouble).__name__


def is_duplicate(refusal: Refused) -> bool:
    """True where an order was refused because one with its id is open: an earlier sending was carried out."""
    return refusal.code == -4116 or (refusal.code == -2010 and "duplicate order" in refusal.detail.lower())


def archived(refusal: Refused) -> bool:
    """True where spot says that an order ended unexecuted so long ago that it tells no more of it."""
    return refusal.code == -2026


def market_closed(refusal: Refused) -> bool:
    """True where an order was refused as the market is closed for now: contracts with sessions are so every night."""
    return refusal.code in _CLOSED or "market is closed" in refusal.detail.lower()


def denies(refusal: Refused) -> bool:
    """True where a question about an order was answered with "there is none"."""
    return refusal.code == -2013 or "order does not exist" in refusal.detail.lower()


def unlisted(refusal: Refused) -> bool:
    """True where the exchange says that it knows no such symbol; of one that was traded see ``taken_off``."""
    return refusal.code == UNLISTED
