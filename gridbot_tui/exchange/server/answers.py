"""HTTP answers: JSON with the headers of the limits, and the odd ones a fault asks for."""

from typing import Any, Final

import msgspec

from gridbot_tui.exchange.server.faults import Rule
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.table import Endpoint
from gridbot_tui.exchange.server.web import JSON, Answer

encode = msgspec.json.Encoder().encode
HTML: Final = "text/html"
HTML_403: Final = (
    b"<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n"
    b"</body>\r\n</html>\r\n"
)
HTML_502: Final = HTML_403.replace(b"403 Forbidden", b"502 Bad Gateway")
UNKNOWN: Final = "Unknown error, please check your request or try again later."
INTERNAL: Final = "Internal error; unable to process your request. Please try again."
UNAVAILABLE: Final = "Service Unavailable."
_UNWEIGHED: Final = ("/fapi/v1/fundingRate", "/fapi/v1/fundingInfo")


def json_answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """A JSON answer."""
    return Answer(encode(body), status, headers)


def limit_headers(place: Place, row: Endpoint, ip: str, account: int | None, now: int) -> dict[str, str]:
    """X-MBX headers as of now; funding endpoints tell no weight."""
    headers: dict[str, str] = {}
    spot = row.market == "spot"
    if row.path not in _UNWEIGHED:
        used = str(place.limiter.weight_window(row.market, ip).at(now))
        headers["x-mbx-used-weight-1m"] = used
        if spot:
            headers["x-mbx-used-weight"] = used
    if row.orders and account is not None:
        short, long = place.limiter.order_windows(row.market, account)
        headers["x-mbx-order-count-10s"] = str(short.at(now))
        headers["x-mbx-order-count-1d" if spot else "x-mbx-order-count-1m"] = str(long.at(now))
    return headers


def faulty(rule: Rule, path: str, now: int, executed: bytes | None) -> Answer:
    """The answer a fault gives; ``executed`` is the true one where there is one."""
    kind = rule.kind
    if kind == "backend_timeout":
        text = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
        return json_answer({"code": -1007, "msg": text}, 408)
    if kind == "unknown":
        return json_answer({"timestamp": now, "path": path, "msg": UNKNOWN}, 503)
    if kind == "unavailable":
        return json_answer({"code": -1000, "msg": UNAVAILABLE}, 503)
    if kind == "internal":
        return json_answer({"code": -1000, "msg": INTERNAL}, 503)
    if kind == "throttled":
        text = "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please" \
               " try again."  # fmt: skip
        return json_answer({"code": -1008, "msg": text}, 503)
    if kind == "no_code":
        return json_answer({"timestamp": now, "path": path, "msg": rule.msg}, 400)
    if kind == "html":
        return Answer(HTML_403 if rule.status == 403 else HTML_502, rule.status, kind=HTML)
    if kind == "empty":
        return Answer(status=rule.status, kind="application/octet-stream")
    if kind == "truncated":
        whole = executed or b'{"orderId":1}'
        return Answer(whole[: len(whole) // 2], kind=JSON)
    if kind == "rate_limit":
        return json_answer({"code": -1003, "msg": "Too many requests."}, 429,
                           {"Retry-After": str(max(1, rule.ms // 1000))})  # fmt: skip
    return json_answer({"code": rule.code, "msg": rule.msg}, rule.status if rule.status != 502 else 400)
