"""HTTP in: one dispatcher over the table of endpoints."""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from gridbot_tui.exchange.server import (  # noqa: F401  (importing them fills the table)
    futures_account,
    futures_algo,
    futures_public,
    futures_trade,
    spot_account,
    spot_public,
    spot_trade,
)
from gridbot_tui.exchange.server.answers import HTML_403, encode, faulty, json_answer, limit_headers
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.faults import Rule
from gridbot_tui.exchange.server.fields import merge
from gridbot_tui.exchange.server.gate import Signed, admit, run
from gridbot_tui.exchange.server.micro import in_micros
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.table import REST, Endpoint

_FOREVER: Final = 600.0


class Rest:
    """Answers REST requests."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request, faults included."""
        target = request.raw_path if hasattr(request, "raw_path") else request.path_qs
        path, _, query = target.partition("?")
        row = REST.get((request.method, path))
        body = (await request.text()) if request.body_exists else ""
        ip = request.remote or ""
        if row is None or (row.market not in self._place.floors and not _always(row.path)):
            known = any(path == known_path for _, known_path in REST)
            page = web.Response(status=405 if known else 404, body=b"<html><body>not found</body></html>",
                                content_type="text/html")  # fmt: skip
            return page
        rule = self._place.faults.request(f"{request.method} {path}")
        if rule is None:
            return self._answer(request, row, query, body, ip)
        return await self._with_fault(rule, request, row, query, body, ip)

    def _answer(self, request: web.BaseRequest, row: Endpoint, query: str, body: str, ip: str) -> web.Response:
        """Admit, run, write."""
        place, account = self._place, None
        key = request.headers.get("X-MBX-APIKEY")
        try:
            if "select%20" in query.lower():  # a firewall stands before the real one
                return web.Response(status=403, body=HTML_403, content_type="text/html")
            raw = merge(query, body)
            call = admit(place, row, raw, key, _signed(query, body, raw), ip)
            account = call._account
            answer = run(row, call)
            if request.headers.get("X-MBX-TIME-UNIT", "").upper() == "MICROSECOND" and row.market == "spot":
                answer = in_micros(answer)
            headers = limit_headers(place, row, ip, account.number if account else None)
            return web.Response(body=encode(answer), headers=headers)
        except Denied as why:
            known = place.accounts.get(key or "")
            headers = limit_headers(place, row, ip, known.number if known else None)
            return json_answer(why.body(), why.status, {**headers, **why.headers})

    async def _with_fault(self, rule: Rule, request: web.BaseRequest, row: Endpoint, query: str, body: str,
                          ip: str) -> web.StreamResponse:  # fmt: skip
        kind = rule.kind
        if kind == "throttled" and _exempt(row, query + "&" + body):
            return self._answer(request, row, query, body, ip)
        if kind == "slow":
            await asyncio.sleep(rule.ms / 1000)
            return self._answer(request, row, query, body, ip)
        executes = kind in ("late", "truncated") or (
            rule.executed and kind in ("timeout", "backend_timeout", "unknown", "reset")
        )
        true = self._answer(request, row, query, body, ip) if executes else None
        if kind == "late":
            assert true is not None
            await asyncio.sleep(rule.ms / 1000)
            return true
        if kind == "timeout":
            await asyncio.sleep(_FOREVER)
        if kind in ("reset", "timeout"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        now = self._place.clock.now()
        if kind == "ban":
            self._place.limiter.ban(ip, rule.ms or 120_000, now)
            return self._answer(request, row, query, body, ip)
        whole = true.body if true is not None else None
        return faulty(rule, row.path, now, whole if isinstance(whole, bytes) else None)


def _always(path: str) -> bool:
    """python-binance asks the spot time of a futures exchange too."""
    return path in ("/api/v3/ping", "/api/v3/time", "/sapi/v1/account/apiRestrictions", "/sapi/v1/system/status")


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
