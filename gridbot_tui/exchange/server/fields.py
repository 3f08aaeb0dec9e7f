"""Parameters: what each may look like, and Binance's answer where it does not."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote_plus

from gridbot_tui.exchange.server.codes import Denied

Values = dict[str, Any]
"""Parameters after the check: str, int, bool or Decimal by name."""

_DECIMAL: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")
_SYMBOL: Final = re.compile(r"\w{1,20}")
_SPOT_SYMBOL: Final = re.compile(r"(?!.*[a-z])[\w\-.]{1,50}")
_SPOT_ID: Final = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_ZONE: Final = re.compile(r"([+-]?)([0-9]{1,2})(?::([0-9]{2}))?")
_DIGITS: Final = re.compile(r"[0-9]{1,20}")
_MICROS: Final = 10**14
"""A time that is larger is one in microseconds."""
SPOT_TYPES: Final = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip
CONDITIONAL_TYPES: Final = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
INTERVALS: Final = {
    "1s": 1_000, "1m": 60_000, "3m": 180_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000,
    "2h": 7_200_000, "4h": 14_400_000, "6h": 21_600_000, "8h": 28_800_000, "12h": 43_200_000, "1d": 86_400_000,
    "3d": 259_200_000, "1w": 604_800_000, "1M": 2_592_000_000,
}  # fmt: skip


def _text(name: str, text: str) -> str:
    return text


def _id(name: str, text: str) -> str:
    """A client's own id of an order, of a list or of a cancel; futures judge it with the order."""
    return text


def _spot_id(name: str, text: str) -> str:
    if _SPOT_ID.fullmatch(text) is None:
        raise Denied(-1100, name, "^[a-zA-Z0-9-_]{1,36}$")
    return text


def _symbol(name: str, text: str) -> str:
    if _SYMBOL.fullmatch(text) is None:
        raise Denied(-1100, name, "^[\\w\\-._&&[^a-z]]{1,50}$")
    return text.upper()


def _spot_symbol(name: str, text: str) -> str:
    """Spot knows capitals only."""
    if _SPOT_SYMBOL.fullmatch(text) is None:
        raise Denied(-1100, name, "^[\\w\\-._&&[^a-z]]{1,50}$")
    return text


def _decimal(name: str, text: str) -> Decimal:
    if _DECIMAL.fullmatch(text) is None:
        raise Denied(-1100, name, r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
    return Decimal(text)


def _whole(name: str, text: str) -> int:
    if _WHOLE.fullmatch(text) is None:
        raise Denied(-1102, name)
    return int(text)


def _moment(name: str, text: str) -> int:
    """A time in milliseconds."""
    return _whole(name, text)


def _spot_moment(name: str, text: str) -> int:
    """Spot takes times in microseconds, too."""
    at = _digits(name, text)
    return at // 1_000 if at > _MICROS else at


def _digits(name: str, text: str) -> int:
    """Spot names what it expected."""
    if _DIGITS.fullmatch(text) is None:
        raise Denied(-1100, name, "^[0-9]{1,20}$")
    return int(text)


def _window(name: str, text: str) -> Decimal:
    """recvWindow: up to three decimals (microseconds), at most 60,000."""
    if re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,3})?", text) is None:
        raise Denied(-1130, name)
    if Decimal(text) > 60_000:
        raise Denied(-1131)
    return Decimal(text)


def _bool(name: str, text: str) -> bool:
    lower = text.lower()
    if lower not in ("true", "false"):
        raise Denied(-1130, name)
    return lower == "true"


def _one_of(*allowed: str, code: int = -1130) -> Callable[[str, str], str]:
    def check(name: str, text: str) -> str:
        if text not in allowed:
            raise Denied(code, name) if code == -1130 else Denied(code)
        return text

    return check


def _zone(name: str, text: str) -> int:
    """``8``, ``-1:00``, ``05:45``: milliseconds east of UTC."""
    found = _ZONE.fullmatch(text)
    minutes = 60 * int(found[2]) + int(found[3] or 0) if found else 0
    if found is None or minutes > (12 if found[1] == "-" else 14) * 60 or int(found[3] or 0) > 59:
        raise Denied(-1130, name)
    return (-1 if found[1] == "-" else 1) * minutes * 60_000


def _interval(name: str, text: str) -> str:
    if text not in INTERVALS:
        raise Denied(-1120)
    return text


_LEGS: Final = ("above", "below", "working", "pending", "pendingAbove", "pendingBelow")
"""What the parameters of the orders of a list begin with."""
_KINDS: Final[dict[str, Callable[[str, str], Any]]] = {
    "symbol": _symbol,
    "pair": _symbol,
    "side": _one_of("BUY", "SELL", code=-1117),
    "timeInForce": _one_of("GTC", "IOC", "FOK", "GTX", "GTD", "RPI", code=-1115),
    "newOrderRespType": _one_of("ACK", "RESULT", "FULL"),
    "positionSide": _one_of("BOTH", "LONG", "SHORT", code=-4060),
    "workingType": _one_of("MARK_PRICE", "CONTRACT_PRICE"),
    "marginType": _one_of("ISOLATED", "CROSSED"),
    "algoType": _one_of("CONDITIONAL"),
    "contractType": _one_of("PERPETUAL", "CURRENT_QUARTER", "NEXT_QUARTER", "TRADIFI_PERPETUAL"),
    "cancelReplaceMode": _one_of("STOP_ON_FAILURE", "ALLOW_FAILURE"),
    "symbolStatus": _one_of("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY"),
    "cancelRestrictions": _one_of("ONLY_NEW", "ONLY_PARTIALLY_FILLED"),
    "orderRateLimitExceededMode": _one_of("DO_NOTHING", "CANCEL_ONLY"),
    "selfTradePreventionMode": _one_of("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"),
    "priceMatch": _one_of("NONE", "OPPONENT", "OPPONENT_5", "OPPONENT_10", "OPPONENT_20", "QUEUE", "QUEUE_5",
                          "QUEUE_10", "QUEUE_20"),
    "interval": _interval,
    "period": _one_of("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d"),
    "recvWindow": _window,
    "timeZone": _zone,
    **dict.fromkeys(("price", "quantity", "quoteOrderQty", "stopPrice", "triggerPrice", "activatePrice",
                     "activationPrice", "amount", "callbackRate", "icebergQty", "newQty", "stopLimitPrice",
                     "limitIcebergQty", "stopIcebergQty", "workingQuantity", "pendingQuantity",
                     *(leg + word for leg in _LEGS for word in ("Price", "StopPrice", "IcebergQty"))), _decimal),
    **dict.fromkeys(("startTime", "endTime"), _moment),
    **dict.fromkeys(("newClientOrderId", "cancelNewClientOrderId", "listClientOrderId", "limitClientOrderId",
                     "stopClientOrderId", *(f"{leg}ClientOrderId" for leg in _LEGS)), _id),
    **dict.fromkeys(("orderId", "fromId", "limit", "timestamp", "trailingDelta", "strategyId", "strategyType",
                     "algoId", "algoid", "goodTillDate", "countdownTime", "leverage", "modifyId", "page",
                     "cancelOrderId", "orderListId", "fromExecutionId", "limitStrategyId", "limitStrategyType",
                     "stopStrategyId", "stopStrategyType",
                     *(leg + word for leg in _LEGS for word in ("TrailingDelta", "StrategyId", "StrategyType"))),
                    _whole),
    **dict.fromkeys(("workingSide", "pendingSide"), _one_of("BUY", "SELL", code=-1117)),
    **dict.fromkeys(("stopLimitTimeInForce", *(f"{leg}TimeInForce" for leg in _LEGS)),
                    _one_of("GTC", "IOC", "FOK", code=-1115)),
    **dict.fromkeys(("reduceOnly", "closePosition", "priceProtect", "dualSidePosition", "multiAssetsMargin", "feeBurn",
                     "spotBNBBurn", "interestBNBBurn", "computeCommissionRates", "omitZeroBalances",
                     "showPermissionSets"), _bool),
}  # fmt: skip


def split_pairs(raw: str) -> list[tuple[str, str]]:
    """``a=1&b=2`` decoded; a name without a value has the empty one."""
    pairs = []
    for part in raw.split("&"):
        if part:
            name, _, value = part.partition("=")
            if "%" in value or "+" in value:
                value = unquote_plus(value)
            pairs.append((unquote_plus(name) if "%" in name else name, value))
    return pairs


def merge(query: str, body: str) -> dict[str, str]:
    """Parameters of both places by name; the query wins. -1101 for a name twice in one place."""
    found: dict[str, str] = {}
    for raw in (query, body):
        seen: dict[str, str] = {}
        for name, value in split_pairs(raw):
            if name in seen:
                raise Denied(-1101, name)
            seen[name] = value
        for name, value in seen.items():
            found.setdefault(name, value)
    return found


_SPOT_KINDS: Final[dict[Callable[[str, str], Any], Callable[[str, str], Any]]] = {
    _symbol: _spot_symbol, _whole: _digits, _moment: _spot_moment, _id: _spot_id,
}  # fmt: skip
"""What spot reads more strictly than futures."""
_SPOT_NAMES: Final = {"workingType": _text}
"""What is another thing on spot: there it is the type of a list's first order."""


class Spec:
    """Which parameters a call takes: ``"symbol! side! price"``, ``!`` = mandatory, ``*`` = and any others unread.

    ``spot``: of that market.
    """

    __slots__ = ("any", "kinds", "mandatory", "names")

    def __init__(self, text: str, *, spot: bool = False) -> None:
        self.any = text.endswith("*")
        words = text.rstrip("* ").split()
        self.names = tuple(word.rstrip("!") for word in words)
        self.mandatory = tuple(word[:-1] for word in words if word.endswith("!"))
        kinds = {name: _KINDS.get(name, _text) for name in (*self.names, "timestamp", "recvWindow")}
        if spot:
            kinds = {name: _SPOT_NAMES.get(name) or _SPOT_KINDS.get(kind, kind) for name, kind in kinds.items()}
        self.kinds = kinds
        """How each is read."""


_ALWAYS: Final = frozenset(("signature", "timestamp", "recvWindow", "apiKey"))


def check(spec: Spec, raw: Mapping[str, str], strict: bool) -> Values:
    """Parse what was sent. ``strict``: a parameter the call does not know is -1104, as on spot.

    Raises:
        Denied: -1100 -1102 -1104 -1105 -1115..-1121 -1130 -1131.
    """
    values: Values = {}
    kinds = spec.kinds
    unread = 0
    for name, text in raw.items():
        kind = kinds.get(name)
        if kind is not None:
            if text == "":
                raise Denied(-1102 if name in spec.mandatory else -1105, name)
            values[name] = kind(name, text)
        elif name not in _ALWAYS:
            unread += 1
    for name in spec.mandatory:
        if name not in values:
            raise Denied(-1102, name)
    if unread and strict and not spec.any:
        raise Denied(-1104, len(raw) - unread, len(raw))
    return values
