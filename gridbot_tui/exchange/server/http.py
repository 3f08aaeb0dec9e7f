"""HTTP in: one dispatcher over the table of endpoints."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from gridbot_tui.exchange.server import (  # noqa: F401  (importing them fills the table)
    futures_account,
    futures_algo,
    futures_public,
    futures_trade,
    spot_account,
    spot_lists,
    spot_public,
    spot_trade,
)
from gridbot_tui.exchange.server.answers import HTML, HTML_403, encode, faulty, json_answer, limit_headers
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.faults import Rule
from gridbot_tui.exchange.server.fields import merge
from gridbot_tui.exchange.server.gate import Signed, admit, run
from gridbot_tui.exchange.server.micro import in_micros
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.table import REST, Endpoint
from gridbot_tui.exchange.server.web import RESET, Answer, Request
from gridbot_tui.units import Ms

_FOREVER: Final = 600.0


class Rest:
    """Answers REST requests."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def __call__(self, request: Request) -> Answer | Coroutine[Any, Any, Answer]:
        """One request, faults included."""
        method, path = request.method, request.path
        row = REST.get((method, path))
        if row is None or (row.market not in self._place.floors and path not in _ALWAYS):
            return self._nowhere(request)
        faults = self._place.faults
        if faults.active:
            rule = faults.request(f"{method} {path}")
            if rule is not None:
                return self._with_fault(rule, request, row)
        return self._answer(request, row)

    def _nowhere(self, request: Request) -> Answer | Coroutine[Any, Any, Answer]:
        """An address or a method that is not served; HEAD is GET without its body, OPTIONS asks what there is."""
        path = request.path
        known = [row for row in REST.values() if row.path == path and row.market in self._place.floors]
        if request.method == "HEAD" and ("GET", path) in REST:
            asked = Request("GET", path, request.query, request.headers, request.body, request.ip)
            return self(asked)
        allowed = ", ".join(sorted({row.method for row in known if row.method != "WS"}))
        if request.method == "OPTIONS" and known:
            return Answer(b"", 204, {"Allow": allowed, "Access-Control-Allow-Origin": "*",
                                     "Access-Control-Allow-Methods": allowed,
                                     "Access-Control-Allow-Headers": "X-MBX-APIKEY, Content-Type"})  # fmt: skip
        told = {"code": -5000, "msg": f"Path {path}, Method {request.method} is invalid"}
        return json_answer(told, 405 if known else 404, {"Allow": allowed} if known else None)

    def _answer(self, request: Request, row: Endpoint, arrived: Ms | None = None) -> Answer:
        """Admit, run, write. ``arrived`` where the request has waited since."""
        place, account, ip = self._place, None, request.ip
        key = request.headers.get("x-mbx-apikey")
        query = request.query
        now = place.clock.now()
        try:
            body = request.body.decode()
            if "elect%20" in query and "select%20" in query.lower():  # a firewall stands before the real one
                return Answer(HTML_403, 403, kind=HTML)
            if "x-mbx-sbe" in request.headers and "sbe" in request.headers.get("accept", ""):
                raise Denied(-1154)
            raw = merge(query, body)
            call = admit(place, row, raw, key, _signed(query, body, raw), ip, arrived)
            account = call._account
            answer = run(row, call)
            if "x-mbx-time-unit" in request.headers and row.market == "spot":
                answer = _in_units(request.headers["x-mbx-time-unit"], answer)
            return Answer(encode(answer), 200, limit_headers(place, row, ip, account.number if account else None, now))
        except Denied as why:
            known = place.accounts.get(key or "")
            headers = limit_headers(place, row, ip, known.number if known else None, now)
            return json_answer(why.body(), why.status, {**headers, **why.headers})
        except UnicodeDecodeError:
            return json_answer(Denied(-1100, "body", "UTF-8").body(), 400)

    async def _with_fault(self, rule: Rule, request: Request, row: Endpoint) -> Answer:
        kind = rule.kind
        if kind == "throttled" and _exempt(row, f"{request.query}&{request.body.decode(errors='replace')}"):
            return self._answer(request, row)
        if kind == "slow":
            arrived = self._place.clock.now()
            await asyncio.sleep(rule.ms / 1000)
            return self._answer(request, row, arrived)
        executes = kind in ("late", "truncated") or (
            rule.executed and kind in ("timeout", "backend_timeout", "unknown", "reset")
        )
        true = self._answer(request, row) if executes else None
        if kind == "late":
            assert true is not None
            await asyncio.sleep(rule.ms / 1000)
            return true
        if kind == "timeout":
            await asyncio.sleep(_FOREVER)
        if kind in ("reset", "timeout"):
            return RESET
        now = self._place.clock.now()
        if kind == "ban":
            self._place.limiter.ban(request.ip, rule.ms or 120_000, now)
            return self._answer(request, row)
        return faulty(rule, row.path, now, true.body if true is not None else None)


def _in_units(unit: str, answer: Any) -> Any:
    """Times in the unit that was asked for; -1130 for one that does not exist."""
    wanted = unit.upper()
    if wanted not in ("MICROSECOND", "MILLISECOND"):
        raise Denied(-1130, "X-MBX-TIME-UNIT")
    return in_micros(answer) if wanted == "MICROSECOND" else answer


_ALWAYS: Final = frozenset((
    "/api/v3/ping", "/api/v3/time", "/api/v3/exchangeInfo", "/fapi/v1/ping", "/fapi/v1/time", "/fapi/v1/exchangeInfo",
    "/dapi/v1/ping", "/dapi/v1/time", "/dapi/v1/exchangeInfo", "/eapi/v1/exchangeInfo",
    "/sapi/v1/account/apiRestrictions", "/sapi/v1/system/status", "/sapi/v1/capital/config/getall",
    "/sapi/v1/margin/allPairs", "/sapi/v1/margin/isolated/allPairs",
))  # fmt: skip
"""Served with either market: clients ask the spot time of a futures exchange, and load every market there is."""


def _exempt(row: Endpoint, sent: str) -> bool:
    """What system protection lets through."""
    return row.method == "DELETE" or "reduceOnly=true" in sent or "closePosition=true" in sent


def _signed(query: str, body: str, raw: Mapping[str, str]) -> Signed | None:
    """The payload without its signature: query, then body, nothing between them."""
    signature = raw.get("signature")
    if signature is None:
        return None
    return Signed((_without(query) + _without(body)).encode(), signature)


def _without(raw: str) -> str:
    at = raw.find("signature=")
    if at < 0 or (at > 0 and raw[at - 1] != "&"):
        return raw
    end = raw.find("&", at)
    before = raw[: max(0, at - 1)]
    if end < 0:
        return before
    rest = raw[end + 1 :]
    return f"{before}&{rest}" if before else rest
