"""HTTP/1.1 as a protocol of its own: a request in, an answer out, nothing between.

A general web server costs more a request than the exchange behind it. What stands here knows keep-alive, pipelining
(answers in order), bodies of a known length and in chunks, ``Expect``, HEAD, and gzip for long answers. A WebSocket
handshake is handed on, connection and all, to aiohttp.
"""

import asyncio
import gzip
from collections.abc import Callable, Coroutine
from email.utils import formatdate
from http import HTTPStatus
from time import monotonic, time
from typing import Any, Final

MOST_HEAD: Final = 32_768
MOST_BODY: Final = 2_097_152
IDLE_S: Final = 75.0
"""How long a connection without requests is kept."""
HEADS_KEPT: Final = 500
GZIP_FROM: Final = 4_096
"""Bytes from which an answer is worth compressing."""
JSON: Final = "application/json;charset=UTF-8"
_REASONS: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_REASONS[418] = "HTTP/1.1 418 I'm a teapot\r\n"


class Request:
    """One request as it came."""

    __slots__ = ("body", "headers", "ip", "method", "path", "query")

    def __init__(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes, ip: str) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        """By lower-case name; of a name sent twice the last."""
        self.body = body
        self.ip = ip


class Answer:
    """What is answered. ``status`` 0: nothing is, and the connection is reset."""

    __slots__ = ("body", "headers", "kind", "status")

    def __init__(self, body: bytes = b"", status: int = 200, headers: dict[str, str] | None = None,
                 kind: str = JSON) -> None:  # fmt: skip
        self.body = body
        self.status = status
        self.headers = headers or {}
        self.kind = kind


RESET: Final = Answer(status=0)
Handler = Callable[[Request], Answer | Coroutine[Any, Any, Answer]]
"""Answers at once, or later."""


class Web:
    """All HTTP connections of a server. ``sockets`` makes the protocol that takes over at a WebSocket handshake."""

    def __init__(self, handler: Handler, sockets: Callable[[], Any]) -> None:
        self.handler = handler
        self.sockets = sockets
        self.connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        """Answers that take their time; they are carried out even where the asker has gone."""
        self.heads: dict[bytes, dict[str, str]] = {}
        """Headers as they were read: a client sends the same ones again and again. Never changed."""
        self._date = (0, "")

    def __call__(self) -> "Connection":
        """A protocol for a new connection."""
        return Connection(self)

    def date(self) -> str:
        """The Date header, made once a second."""
        now = int(time())
        if self._date[0] != now:
            self._date = (now, f"Date: {formatdate(now, usegmt=True)}\r\n")
        return self._date[1]

    def sweep(self) -> None:
        """Close what has been idle too long."""
        limit = monotonic() - IDLE_S
        for connection in [c for c in self.connections if c.idle_since < limit and not c.busy]:
            connection.close()

    async def stop(self) -> None:
        """End every connection and every answer that is still to come."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for connection in list(self.connections):
            connection.close()


class Connection(asyncio.Protocol):
    """One connection, its requests answered one after the other."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._transport: asyncio.Transport
        self._buffer = b""
        self._ip = ""
        self._continued = False
        self.busy = False
        self._full = False
        """More has been written than the other side reads."""
        self.idle_since = monotonic()

    # -- asyncio's side -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        self._transport = transport  # type: ignore[assignment]  # a stream has no other
        peer = transport.get_extra_info("peername")
        self._ip = peer[0] if peer else ""
        self._web.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side has gone."""
        self._web.connections.discard(self)

    def pause_writing(self) -> None:
        """Who does not read its answers asks no more, and gets no answer to what it has asked."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._full = False
        self._transport.resume_reading()
        if not self.busy:
            self._work()

    def data_received(self, data: bytes) -> None:
        """Some of a request, or several."""
        self._buffer = self._buffer + data if self._buffer else data
        if not self.busy:
            self._work()
        elif len(self._buffer) > MOST_BODY:
            self._transport.abort()

    def close(self) -> None:
        """End the connection after what has been written, if it is read."""
        if self._full:
            self._transport.abort()
        else:
            self._transport.close()

    # -- requests -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Answer whatever has arrived whole."""
        self.idle_since = monotonic()
        while self._buffer and not self.busy and not self._full:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MOST_HEAD:
                    self._refuse(431)
                return
            if not self._one(end):
                return

    def _one(self, end: int) -> bool:
        """One request whose head ends at ``end``; False where the rest of it has still to come."""
        buffer = self._buffer
        cut = buffer.find(b"\r\n", 0, end + 2)
        words = buffer[:cut].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return self._refuse(400)
        headers = self._headers(buffer[cut + 2 : end])
        if "upgrade" in headers and headers["upgrade"].lower() == "websocket":
            self._hand_over()
            return False
        try:
            found = self._body(headers, end + 4)
        except ValueError:
            return self._refuse(400)
        if found is None:
            return False
        body, self._buffer = found
        self._continued = False
        target = words[1].decode("latin-1")
        if not target.startswith("/"):  # the form proxies are sent: with the host
            target = "/" + target.partition("://")[2].partition("/")[2]
        path, _, query = target.partition("?")
        request = Request(words[0].decode("latin-1"), path, query, headers, body, self._ip)
        lasts = words[2] == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
        answer = self._web.handler(request)
        if isinstance(answer, Answer):
            self._write(request, answer, lasts)
        else:
            self.busy = True
            task = asyncio.ensure_future(self._later(request, answer, lasts))
            self._web.tasks.add(task)
            task.add_done_callback(self._web.tasks.discard)
        return lasts

    def _headers(self, raw: bytes) -> dict[str, str]:
        heads = self._web.heads
        known = heads.get(raw)
        if known is not None:
            return known
        found: dict[str, str] = {}
        for line in raw.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            found[name.lower()] = value.strip()
        if len(heads) >= HEADS_KEPT:
            heads.clear()
        heads[raw] = found
        return found

    def _body(self, headers: dict[str, str], start: int) -> tuple[bytes, bytes] | None:
        """(body, what follows it), or None while it is not all there. ValueError for one that is none."""
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks(start)
        length = int(headers.get("content-length") or 0)
        if not 0 <= length <= MOST_BODY:
            raise ValueError(length)
        if len(self._buffer) < start + length:
            self._continue(headers)
            return None
        return self._buffer[start : start + length], self._buffer[start + length :]

    def _chunks(self, at: int) -> tuple[bytes, bytes] | None:
        body = b""
        while True:
            line = self._buffer.find(b"\r\n", at)
            if line < 0:
                return None
            length = int(self._buffer[at:line].partition(b";")[0], 16)
            if length < 0 or len(body) + length > MOST_BODY:
                raise ValueError(length)
            if len(self._buffer) < line + 2 + length + 2:
                return None
            body += self._buffer[line + 2 : line + 2 + length]
            at = line + 2 + length + 2
            if not length:
                return body, self._buffer[at:]

    def _continue(self, headers: dict[str, str]) -> None:
        if headers.get("expect", "").lower() == "100-continue" and not self._continued:
            self._continued = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _hand_over(self) -> None:
        """From here on the connection speaks WebSocket."""
        self._web.connections.discard(self)
        protocol, data, self._buffer = self._web.sockets(), self._buffer, b""
        protocol.connection_made(self._transport)
        self._transport.set_protocol(protocol)
        protocol.data_received(data)

    # -- answers ------------------------------------------------------------------------------------------

    async def _later(self, request: Request, coming: Coroutine[Any, Any, Answer], lasts: bool) -> None:
        try:
            answer = await coming
        except Exception:
            self._transport.abort()  # a defect: who waits for the answer is told that none comes
            raise
        self.busy = False
        if self._transport.is_closing():
            return
        self._write(request, answer, lasts)
        if lasts:
            self._work()

    def _refuse(self, status: int) -> bool:
        """What this is is no request that can be answered."""
        self._buffer = b""
        head = f"{_REASONS[status]}Content-Length: 0\r\nConnection: close\r\n\r\n"
        self._transport.write(head.encode())
        self._transport.close()
        return False

    def _write(self, request: Request, answer: Answer, lasts: bool) -> None:
        if not answer.status:
            self._transport.abort()
            return
        body, headers = answer.body, answer.headers
        if len(body) >= GZIP_FROM and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1)
            headers = {**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        head = (_REASONS.get(answer.status) or f"HTTP/1.1 {answer.status} \r\n") + self._web.date()
        head += f"Content-Type: {answer.kind}\r\nContent-Length: {len(body)}\r\n"
        for name, value in headers.items():
            head += f"{name}: {value}\r\n"
        head += "\r\n" if lasts else "Connection: close\r\n\r\n"
        raw = head.encode("latin-1")
        self._transport.write(raw if request.method == "HEAD" else raw + body)
        if not lasts:
            self._buffer = b""
            self._transport.close()
