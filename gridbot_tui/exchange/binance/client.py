"""python-binance's AsyncClient with our addresses, and an ear for every answer's status and headers."""

import hmac
import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import msgspec
from binance import AsyncClient
from yarl import URL

from gridbot_tui.exchange.binance.calls import Call
from gridbot_tui.exchange.binance.hosts import Hosts
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.resolver import Resolver
from gridbot_tui.units import Market, Ms

_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_CONNECTIONS: Final = 48
_BANNED: Final = re.compile(r"banned until (\d{13})\b")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]*\Z").match
"""Of texts that stay as they are in an address."""
_IDLE_S: Final = 25.0
"""A connection idle for longer is not used again: the exchange closes them without a word, and an order sent
into a closed one would have to be asked about."""
_LARGEST: Final = 32 << 20
"""Of an answer, bytes unpacked: more than Binance says of all its pairs at once. Several at a time of what does not end
would take a small machine's memory."""
_REDIRECTS: Final = False
"""Binance sends nobody elsewhere. Who does (a proxy, a hotel's network) is not to see the key and what it signed, and a
POST would arrive there as a GET."""


class HttpTrouble(Exception):
    """An answer that is no success, as it came: ``code`` and ``message`` None where the body had none."""

    def __init__(
        self, status: int, code: int | None = None, message: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(f"HTTP {status}, {code}: {message}")
        self.status: Final = status
        self.code: Final = code
        self.message: Final = message
        self.retry_after: Final = retry_after


class BadKey(ValueError):
    """A private key that is none, in a sentence without any of it."""


class Unreadable(Exception):
    """A success whose body cannot be read."""


class Client(AsyncClient):  # type: ignore[misc]  # the library has no types
    """One market's (and ``/sapi``'s) REST client. Made inside a running loop; ``close`` ends it.

    The library's ``create`` is not used: it asks the spot market for its time, also for futures. Its two
    WebSocket APIs are dropped: nothing here uses them, and one of them is never closed by it.
    """

    def __init__(
        self, hosts: Hosts, keys: Keys, params: BinanceParams, heard: Callable[[Mapping[str, str]], None]
    ) -> None:
        connector = aiohttp.TCPConnector(
            limit=_CONNECTIONS, keepalive_timeout=_IDLE_S, ttl_dns_cache=60, resolver=Resolver()
        )
        try:
            super().__init__(
                api_key=keys.key() or None,
                api_secret=keys.hmac_secret(),
                private_key=keys.private_key(),
                session_params={"connector": connector},
                requests_params={"allow_redirects": _REDIRECTS},
            )
        except (ValueError, TypeError, IndexError):
            # What it says may hold parts of the key.
            raise BadKey("the private key cannot be read: it must be an Ed25519 or RSA key as PEM (PKCS#8), "
                         "without a passphrase") from None  # fmt: skip
        self.API_URL = hosts.spot_rest
        self.FUTURES_URL = hosts.futures_rest
        self.MARGIN_API_URL = hosts.sapi or ""
        self.REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=params.request_timeout_ms / 1000)
        self.REQUEST_RECVWINDOW = params.recv_window_ms
        self.ws_api = None
        self.ws_future = None
        self._heard = heard
        secret = None if self.PRIVATE_KEY is not None else keys.hmac_secret()
        self._keyed = hmac.new(secret.encode(), digestmod="sha256") if secret else None
        """What signs, with the secret worked in: a copy of it is ready at once."""
        self._addresses: dict[Call, str] = {}

    async def close(self) -> None:
        """Close every connection."""
        await self.session.close()

    def set_offset(self, offset: Ms) -> None:
        """How far the exchange's clock is ahead of the machine's."""
        self.timestamp_offset = offset

    async def send(self, market: Market, call: Call, params: Mapping[str, Any], *, encoded: bool = False) -> Any:
        """One request. ``encoded``: the values are percent-encoded already, and signed so.

        Raises:
            HttpTrouble, Unreadable, aiohttp.ClientError, TimeoutError.
        """
        if call.signed and self._keyed is not None and not encoded:
            return await self._send_signed(market, call, params, self._keyed.copy())
        # The library changes what it is given, and sends a body even where nothing is in it.
        given: dict[str, Any] = {"data": dict(params)} if params or call.signed else {}
        if encoded:
            given["force_params"] = True
        if call.sapi:
            return await self._request_margin_api(call.method, call.path, call.signed, **given)
        if market is Market.SPOT:
            return await self._request_api(call.method, call.path, call.signed, **given)
        return await self._request_futures_api(call.method, call.path, call.signed, call.version, **given)

    async def _send_signed(self, market: Market, call: Call, params: Mapping[str, Any], signing: hmac.HMAC) -> Any:
        """A request that an HMAC secret signs, without the library's own way there.

        That looks over the parameters five times and gives them to aiohttp as a body, which a task of its own would
        write after whatever else waits for the loop; in the address, where Binance takes them as well, they leave
        in the turn that made them. Not so a batch (``encoded``): it is too long for an address.
        """
        url = URL(f"{self._address(market, call)}?{self._signed(params, signing)}", encoded=True)
        headers = None if call.method == "get" else _FORM
        async with self.session.request(
            call.method, url, headers=headers, timeout=self.REQUEST_TIMEOUT, allow_redirects=_REDIRECTS
        ) as response:
            return await self._handle_response(response)

    def _address(self, market: Market, call: Call) -> str:
        """Where a signed call goes; put together once."""
        known = self._addresses.get(call)
        if known is None:
            if call.sapi:
                known = self._create_margin_api_uri(call.path)
            elif market is Market.SPOT:
                known = self._create_api_uri(call.path, signed=True)
            else:
                known = self._create_futures_api_uri(call.path, call.version)
            self._addresses[call] = known
        return known

    def _signed(self, params: Mapping[str, Any], signing: hmac.HMAC) -> str:
        """The parameters as they are sent, and signed exactly so: percent-encoded, the signature last."""
        now = int(time.time() * 1000 + self.timestamp_offset)
        words = form({**params, "recvWindow": self.REQUEST_RECVWINDOW, "timestamp": now})
        signing.update(words.encode())
        return f"{words}&signature={signing.hexdigest()}"

    def sign_ws(self, params: dict[str, Any]) -> dict[str, Any]:
        """A spot WebSocket API request's parameters with key, timestamp and signature."""
        return dict(self._sign_ws_params(dict(params), self._generate_ws_api_signature))

    async def _handle_response(self, response: aiohttp.ClientResponse) -> Any:
        """Sees every answer on its own, where the library keeps only the last one's headers."""
        raw = await _body(response)
        self._heard(response.headers)
        if 200 <= response.status < 300:
            try:
                return _decode(raw)  # nothing at all is no empty list either
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise Unreadable(f"an answer of {len(raw)} bytes that is no JSON") from None
        raise _trouble(response.status, response.headers, raw)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """All of an answer, which is in one piece mostly."""
    pieces, size, told = list[bytes](), 0, response.content_length or 0
    while max(size, told) <= _LARGEST:
        piece = await response.content.readany()
        if not piece:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    response.close()
    raise Unreadable(f"an answer of more than {_LARGEST >> 20} MiB")


def form(params: Mapping[str, Any]) -> str:
    """As ``urlencode``, which looks at every text on its own: an order has none that needs it."""
    texts = {name: str(value) for name, value in params.items()}
    if _PLAIN("".join(texts.values())) is None:
        return urlencode(texts)
    return "&".join([f"{name}={value}" for name, value in texts.items()])


def _trouble(status: int, headers: Mapping[str, str], raw: bytes) -> HttpTrouble:
    """What an unsuccessful answer says, whatever its body looks like."""
    code: int | None = None
    message: str | None = None
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    if isinstance(body, dict):
        given, text = body.get("code"), body.get("msg")
        code = given if isinstance(given, int) and not isinstance(given, bool) else None
        message = text if isinstance(text, str) else None
    wait = _seconds(headers.get("Retry-After"))
    return HttpTrouble(status, code, message, _banned_for(message) if wait is None else wait)


def _banned_for(message: str | None) -> float | None:
    """Seconds until the end of a ban that only the words tell: "IP banned until 1554984107000"."""
    until = _BANNED.search(message or "")
    return max(0.0, int(until[1]) / 1000 - time.time()) if until else None


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
