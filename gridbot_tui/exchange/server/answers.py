"""HTTP answers: JSON with the headers of the limits, and the odd ones a fault asks for."""

from typing import Any, Final

import msgspec
from aiohttp import web

from gridbot_tui.exchange.server.faults import Rule
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.table import Endpoint

encode = msgspec.json.Encoder().encode
JSON: Final = "application/json;charset=UTF-8"
HTML_403: Final = (
    b"<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n"
    b"</body>\r\n</html>\r\n"
)
HTML_502: Final = HTML_403.replace(b"403 Forbidden", b"502 Bad Gateway")
UNKNOWN: Final = "Unknown error, please check your request or try again later."
INTERNAL: Final = "Internal error; unable to process your request. Please try again."
UNAVAILABLE: Final = "Service Unavailable."


def json_answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(body=encode(body), status=status, headers={"Content-Type": JSON, **(headers or {})})


def limit_headers(place: Place, row: Endpoint, ip: str, account: int | None) -> dict[str, str]:
    """X-MBX headers as of now; funding endpoints tell no weight."""
    now = place.clock.now()
    headers = {"Content-Type": JSON}
    if row.path not in ("/fapi/v1/fundingRate", "/fapi/v1/fundingInfo"):
        used = str(place.limiter.weight_window(row.market, ip).at(now))
        headers["X-MBX-USED-WEIGHT-1M"] = used
        if row.market == "spot":
            headers["X-MBX-USED-WEIGHT"] = used
    if row.orders and account is not None:
        short, long = place.limiter.order_windows(row.market, account)
        headers["X-MBX-ORDER-COUNT-10S"] = str(short.at(now))
        headers["X-MBX-ORDER-COUNT-1D" if row.market == "spot" else "X-MBX-ORDER-COUNT-1M"] = str(long.at(now))
    return headers


def faulty(rule: Rule, path: str, now: int, executed: bytes | None) -> web.Response:
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
        page = HTML_403 if rule.status == 403 else HTML_502
        return web.Response(body=page, status=rule.status, content_type="text/html")
    if kind == "empty":
        return web.Response(body=b"", status=rule.status)
    if kind == "truncated":
        whole = executed or b'{"orderId":1}'
        return web.Response(body=whole[: len(whole) // 2], headers={"Content-Type": JSON})
    if kind == "rate_limit":
        return json_answer({"code": -1003, "msg": "Too many requests."}, 429,
                           {"Retry-After": str(max(1, rule.ms // 1000))})  # fmt: skip
    return json_answer({"code": rule.code, "msg": rule.msg}, rule.status if rule.status != 502 else 400)
