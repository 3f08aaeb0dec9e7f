"""The WebSocket APIs: ws-api of spot with its user stream, ws-fapi of futures."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import WSCloseCode, web

from gridbot_tui.exchange.server import info
from gridbot_tui.exchange.server.accounts import Account
from gridbot_tui.exchange.server.answers import INTERNAL, UNAVAILABLE, UNKNOWN
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.faults import Rule
from gridbot_tui.exchange.server.fields import Spec, check
from gridbot_tui.exchange.server.gate import Signed, admit, run, window
from gridbot_tui.exchange.server.link import Link
from gridbot_tui.exchange.server.micro import in_micros
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.streams import Hub, Listener
from gridbot_tui.exchange.server.table import WS_API, Endpoint

Json = dict[str, Any]
decode = msgspec.json.Decoder(float_hook=str).decode
"""Numbers with a point stay as they were sent: that is what was signed, and 0.00001 is no 1e-5."""
OWN_METHODS = {
    "spot": ("session.logon", "session.status", "session.logout", "session.subscriptions",
             "userDataStream.subscribe", "userDataStream.subscribe.signature", "userDataStream.unsubscribe"),
    "futures": ("session.logon", "session.status", "session.logout", "userDataStream.start", "userDataStream.ping",
                "userDataStream.stop"),
}  # fmt: skip
"""Methods that are the connection's own, and no endpoint of REST."""
BANNED = 418
_PROOF = Spec("timestamp!")


def text_of(value: Any) -> str:
    """A JSON value as it goes into the signed payload."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def signed_payload(params: dict[str, str]) -> bytes:
    """Parameters sorted by name, joined as they are."""
    return "&".join(f"{k}={v}" for k, v in sorted(params.items()) if k != "signature").encode()


def _exempt(method: str, params: Json) -> bool:
    """What system protection lets through."""
    return method.lower().endswith(("cancel", "cancelall")) or any(
        text_of(params.get(name)) == "true" for name in ("reduceOnly", "closePosition")
    )


class ApiLink:
    """One connection to a WebSocket API."""

    def __init__(self, hub: Hub, place: Place, market: str, link: Link, ip: str) -> None:
        self.hub = hub
        self.place = place
        self.market = market
        self.link = link
        self.ip = ip
        self.session: Account | None = None
        self.session_since = 0
        self.since = place.clock.now()
        self.users: dict[int, Listener] = {}
        self._next_subscription = 0
        self._late: set[asyncio.Task[None]] = set()
        self.return_limits = True
        self._usual_limits = "true"

    def show_limits(self, shown: str) -> None:
        """Whether answers carry rateLimits where the request does not say: ``true`` or ``false``."""
        self._usual_limits = shown

    # -- requests -----------------------------------------------------------------------------------------

    def on_text(self, text: str) -> None:
        """One request."""
        number = None
        try:
            message = decode(text)
            number = message.get("id")
            method, params = message["method"], message.get("params") or {}
            if not isinstance(method, str) or not isinstance(params, dict):
                raise TypeError(method)
        except (msgspec.DecodeError, AttributeError, KeyError, TypeError):
            denied = Denied(-1000, msg="JSON request is invalid: expected an object with id, method and params.")
            self.link.send(self._error(number, denied, None))
            return
        rule = self.place.faults.request(f"ws {method}")
        if rule is not None:
            task = asyncio.ensure_future(self._with_fault(rule, number, method, params))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return
        self._say(self._answer(number, method, params))

    def _say(self, answer: Json) -> None:
        self.link.send(answer)
        if answer["status"] == BANNED:
            self.link.close(WSCloseCode.POLICY_VIOLATION)

    def _answer(self, number: Any, method: str, params: Json) -> Json:
        row = WS_API.get((self.market, method))
        raw = {name: text_of(value) for name, value in params.items() if value is not None}
        payload = signed_payload(raw)
        self.return_limits = raw.pop("returnRateLimits", self._usual_limits) != "false"
        asker = self.place.accounts.get(raw["apiKey"]) if "apiKey" in raw else self.session
        try:
            if method in OWN_METHODS[self.market]:
                result = self._own(method, raw, payload)
            elif row is None:
                raise Denied(-1020, msg=f"Unknown method '{method}'.")
            else:
                result = self._table(row, raw, payload)
        except Denied as why:
            return self._error(number, why, row, asker)
        answer: Json = {"id": number, "status": 200, "result": in_micros(result) if self.link.micros else result}
        if self.return_limits and not method.startswith("session."):
            answer["rateLimits"] = self._limits(row, asker)
        return answer

    def _table(self, row: Endpoint, raw: dict[str, str], payload: bytes) -> Any:
        key = raw.get("apiKey")
        session = self.session if key is None else None
        if row.security == "SIGNED" and session is not None:
            call = self._admit_session(row, raw, session)
        else:
            signature = raw.get("signature")
            signed = None if signature is None else Signed(payload, signature)
            call = admit(self.place, row, raw, key, signed, self.ip)
        return run(row, call)

    def _admit_session(self, row: Endpoint, raw: dict[str, str], account: Account) -> Any:
        """A logged-on connection needs a timestamp and no signature."""
        from msgspec.structs import replace

        raw.setdefault("timestamp", str(self.place.clock.now()))
        keyed = replace(row, security="KEY")
        call = admit(self.place, keyed, raw, account.key, None, self.ip)
        window(self.place, raw, call.values, call.now)
        return call

    async def _with_fault(self, rule: Rule, number: Any, method: str, params: Json) -> None:
        """Do to a request what a rule says."""
        kind = rule.kind
        if kind == "throttled" and _exempt(method, params):
            self._say(self._answer(number, method, params))
            return
        if kind == "slow":
            await asyncio.sleep(rule.ms / 1000)
        lost = kind in ("timeout", "backend_timeout", "unknown", "reset")
        executes = kind in ("late", "slow", "truncated") or (rule.executed and lost)
        answer = self._answer(number, method, params) if executes else None
        if kind == "late":
            await asyncio.sleep(rule.ms / 1000)
        if kind in ("late", "slow"):
            self.link.send(answer)
        elif kind == "truncated":
            whole = msgspec.json.encode(answer)
            self.link.send_bytes(whole[: len(whole) // 2])
        elif kind == "reset":
            self.link.abort()
        elif kind == "ban":
            self.place.limiter.ban(self.ip, rule.ms or 120_000, self.place.clock.now())
            self._say(self._answer(number, method, params))
        elif kind != "timeout":
            headers = {"Retry-After": str(max(1, rule.ms // 1000))} if kind == "rate_limit" else None
            status, code, text = {
                "backend_timeout": (408, -1007, "Timeout waiting for response from backend server."),
                "unknown": (503, -1000, UNKNOWN),
                "unavailable": (503, -1000, UNAVAILABLE),
                "internal": (503, -1000, INTERNAL),
                "throttled": (503, -1008, "Request throttled by system-level protection."),
                "rate_limit": (429, -1003, "Too many requests."),
            }.get(kind, (rule.status if kind == "refuse" and rule.status != 502 else 400, rule.code, rule.msg))
            why = Denied(-1000, msg=text, status=status, headers=headers)
            self.link.send(self._error(number, why, None, code=code))

    def _error(self, number: Any, why: Denied, row: Endpoint | None, asker: Account | None = None,
               code: int | None = None) -> Json:  # fmt: skip
        body = why.body()
        if code is not None:
            body["code"] = code
        if "Retry-After" in why.headers:  # there are no headers here: the moment stands beside the code
            now = self.place.clock.told()
            body["data"] = {"serverTime": now, "retryAfter": now + int(why.headers["Retry-After"]) * 1000}
        answer: Json = {"id": number, "status": why.status, "error": body}
        if self.return_limits:
            answer["rateLimits"] = self._limits(row, asker)
        return answer

    def _limits(self, row: Endpoint | None, asker: Account | None) -> list[Json]:
        """What has been used: the weight, and the orders where the method counts as one."""
        place, now = self.place, self.place.clock.now()
        rows = info.spot_limits(place.limiter) if self.market == "spot" else info.futures_limits(place.limiter)
        found = [rows[0] | {"count": place.limiter.weight_window(self.market, self.ip).at(now)}]
        if row is not None and row.orders and asker is not None:
            windows = place.limiter.order_windows(self.market, asker.number)
            orders = [r for r in rows if r["rateLimitType"] == "ORDERS"]
            if self.market == "futures":
                orders.reverse()
            found += [r | {"count": w.at(now)} for r, w in zip(orders, windows, strict=True)]
        return found

    # -- the connection's own methods ---------------------------------------------------------------------

    def _own(self, method: str, raw: dict[str, str], payload: bytes) -> Json:
        self.place.limiter.admit(self.market, self.ip, 2, self.place.clock.now())
        if method.startswith("session."):
            return self._session(method, raw, payload)
        if self.market == "futures":
            return self._listen_key(method, raw)
        if method == "userDataStream.unsubscribe":
            return self._unsubscribe(raw)
        if method == "userDataStream.subscribe":
            if self.session is None:
                raise Denied(-2015, msg="The session is not authenticated: use session.logon.")
            return self._subscribe(self.session)
        return self._subscribe(self._proved(raw, payload))

    def _proved(self, raw: dict[str, str], payload: bytes) -> Account:
        """Whose signed request it is."""
        account = self.place.by_key(raw.get("apiKey"))
        signature = raw.get("signature")
        if signature is None:
            raise Denied(-1102, "signature")
        if not account.secret.verify(payload, signature):
            raise Denied(-1022)
        window(self.place, raw, check(_PROOF, raw, False), self.place.clock.now())
        return account

    def _session(self, method: str, raw: dict[str, str], payload: bytes) -> Json:
        if method == "session.subscriptions":
            return [{"subscriptionId": n} for n in self.users]  # type: ignore[return-value]
        if method == "session.logon":
            asker = self._proved(raw, payload)
            if asker.secret.kind != "ED25519":
                raise Denied(-4056, asker.secret.kind)
            self.session = asker
            self.session_since = self.place.clock.now()
        elif method == "session.logout":
            for number, listener in list(self.users.items()):
                if listener.account is self.session:
                    self._end(number)
            self.session = None
        return {
            "apiKey": self.session.key if self.session else None,
            "authorizedSince": self.session_since if self.session else None, "connectedSince": self.since,
            "returnRateLimits": True, "serverTime": self.place.clock.told(), "userDataStream": bool(self.users),
        }  # fmt: skip

    def _subscribe(self, account: Account) -> Json:
        """One subscription an account on one connection."""
        if any(listener.account is account for listener in self.users.values()):
            raise Denied(-2035)
        number = self._next_subscription
        self._next_subscription += 1

        self.users[number] = Listener(self.hub, account, "spot", lambda frame: self._tell(number, frame))
        return {"subscriptionId": number}

    def _tell(self, number: int, frame: Json) -> None:
        """An event of one subscription."""
        self.link.send({"subscriptionId": number, "event": in_micros(frame) if self.link.micros else frame})

    def _end(self, number: int) -> None:
        """End a subscription: it is told, and hears no more."""
        self.users.pop(number).stop()
        self._tell(number, {"e": "eventStreamTerminated", "E": self.place.clock.told()})

    def _unsubscribe(self, raw: dict[str, str]) -> Json:
        wanted = list(self.users)
        if "subscriptionId" in raw:
            if not raw["subscriptionId"].isdecimal():
                raise Denied(-1130, "subscriptionId")
            wanted = [number for number in wanted if str(number) == raw["subscriptionId"]]
            if not wanted:
                raise Denied(-2036)
        for number in wanted:
            self._end(number)
        return {}

    def _listen_key(self, method: str, raw: dict[str, str]) -> Json:
        account = self.place.by_key(raw.get("apiKey"))
        now = self.place.clock.now()
        if method == "userDataStream.start":
            return {"listenKey": self.place.listen_key(account, now).text}
        if account.listen_key is None:
            raise Denied(-1125)
        if method == "userDataStream.ping":
            return {"listenKey": self.place.listen_key(account, now).text}
        self.place.close_listen_key(account)
        return {}

    def gone(self) -> None:
        """The connection has ended; nobody remembers its subscriptions."""
        for listener in self.users.values():
            listener.stop()
        self.users.clear()
        for task in self._late:
            task.cancel()


class WsApi:
    """Serves connections to both APIs."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.links: set[ApiLink] = set()

    async def serve(self, request: web.BaseRequest, market: str, query: str) -> web.StreamResponse:
        """One connection, for at most twenty-four hours."""
        place = self.hub.place
        link = Link(request.path, market, False, place.clock, place.options.link, False)
        link.micros = dict(parse_qsl(query)).get("timeUnit", "").upper() == "MICROSECOND"
        api = ApiLink(self.hub, place, market, link, request.remote or "")
        api.show_limits(dict(parse_qsl(query)).get("returnRateLimits", "true"))
        place.limiter.weight_window(market, api.ip).add(place.clock.now(), 2 if market == "spot" else 5)
        self.links.add(api)
        life = asyncio.create_task(self._live(api), name=f"life {market} api")
        try:
            return await link.serve(request, api.on_text)
        finally:
            life.cancel()
            api.gone()
            self.links.discard(api)
            await asyncio.gather(life, return_exceptions=True)

    async def _live(self, api: ApiLink) -> None:
        clock, options = self.hub.place.clock, self.hub.place.options.link
        born = clock.now()
        await clock.reach(born + options.life - options.notice)
        self.say_shutdown(api)
        await clock.reach(born + options.life)
        api.link.close(1001)

    def say_shutdown(self, api: ApiLink) -> None:
        """serverShutdown, on spot."""
        if api.market == "spot":
            api.link.send({"event": {"e": "serverShutdown", "E": self.hub.place.clock.now()}})
