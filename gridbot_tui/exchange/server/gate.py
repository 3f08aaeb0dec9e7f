"""Admits a request: key, limits, parameters, signature, time window; then runs its handler."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gridbot_tui.exchange.server.accounts import Account
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.fields import Values, check
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.table import Call, Endpoint
from gridbot_tui.units import Ms

DEFAULT_WINDOW = Decimal(5000)
_FUNDING = ("/fapi/v1/fundingRate", "/fapi/v1/fundingInfo")


class Signed:
    """What a signature is over, and the signature."""

    __slots__ = ("payload", "signature")

    def __init__(self, payload: bytes, signature: str) -> None:
        self.payload = payload
        self.signature = signature


def admit(place: Place, row: Endpoint, raw: Mapping[str, str], key: str | None, signed: Signed | None, ip: str,
          arrived: Ms | None = None) -> Call:  # fmt: skip
    """Everything that comes before the handler, in Binance's order.

    ``arrived``: when the request came, if it has waited since: an order that was in time then and is not any more
    is refused by the engine (futures: -5028).

    Raises:
        Denied: and then nothing happened, but weight is counted.
    """
    now = place.now()
    strict = row.market == "spot"
    if place.maintenance and row.path != "/sapi/v1/system/status":
        raise Denied(-1016, msg="System maintenance. Please try again later.")
    weight = row.weight if isinstance(row.weight, int) else None
    if row.market in place.floors or not place.floors:
        funding = row.path in _FUNDING
        if weight is None:
            weight = row.weight(_lenient(row, raw))  # type: ignore[operator]
        place.limiter.admit(row.market, ip, weight, now, funding=funding)
    account = None
    if row.security != "NONE":
        account = place.by_key(key)
    values = check(row.spec, raw, strict)
    if row.security == "SIGNED":
        assert account is not None
        _verify(account, signed)
        if arrived is None or row.market == "spot":
            window(place, raw, values, now)
        else:
            window(place, raw, values, arrived)
            _still_in_time(place, values, now)
    if row.orders:
        assert account is not None
        place.limiter.admit_orders(row.market, account.number, row.orders, now)
    return Call(place, values, now, account, ip)


def _lenient(row: Endpoint, raw: Mapping[str, str]) -> Values:
    """Enough of the parameters to weigh a request before they are checked."""
    values: Values = dict(raw)
    limit = values.pop("limit", None)
    if isinstance(limit, str) and limit.isdecimal() and len(limit) < 20:
        values["limit"] = int(limit)
    return values


def _verify(account: Account, signed: Signed | None) -> None:
    if signed is None or not signed.signature:
        raise Denied(-1102, "signature")
    if not account.secret.verify(signed.payload, signed.signature):
        raise Denied(-1022)


def window(place: Place, raw: Mapping[str, str], values: Values, now: Ms) -> None:
    """-1021 for a timestamp outside the window.

    A client may sign with the exchange's time or, where that runs at another speed than the wall's, with its own.
    """
    stamp = values.get("timestamp")
    if stamp is None:
        raise Denied(-1102, "timestamp")
    if stamp > 10**15:
        stamp //= 1000  # microseconds
    length = values.get("recvWindow", DEFAULT_WINDOW)
    told = now + place.clock.skew
    if _inside(stamp, told, length):
        return
    speed = place.clock.speed
    if speed != 1 and (_inside(stamp, place.clock.wall_ms(), length) or _inside(stamp, told, length * int(speed + 1))):
        return
    if stamp >= told + 1000:
        raise Denied(-1021, msg="Timestamp for this request was 1000ms ahead of the server's time.")
    raise Denied(-1021)


def _still_in_time(place: Place, values: Values, now: Ms) -> None:
    if now + place.clock.skew - values["timestamp"] > values.get("recvWindow", DEFAULT_WINDOW):
        raise Denied(-5028)


def _inside(stamp: int, now: Ms, length: Decimal) -> bool:
    return stamp < now + 1000 and now - stamp <= length


def run(row: Endpoint, call: Call) -> Any:
    """The handler, and what it caused told to whoever listens.

    The refused weigh as the table says; the accepted as the handler says.
    """
    account = call._account
    try:
        answer = row.handler(call)
    finally:
        if account is not None:
            call.place.flush(account)
    if call.weight is not None and isinstance(row.weight, int) and call.weight != row.weight:
        call.place.limiter.weight_window(row.market, call.ip).add(call.now, call.weight - row.weight)
    return answer
