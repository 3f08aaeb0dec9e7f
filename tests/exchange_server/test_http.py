"""HTTP as any client may speak it: methods, bodies in pieces, several requests at once, compression, hand-over."""

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.exchange_server.serving import PATIENCE_S, Served


class Line:
    """A bare connection."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.buffer = b""

    def say(self, *parts: str) -> None:
        for part in parts:
            self.line.sendall(part.encode())

    def _more(self) -> bool:
        chunk = self.line.recv(65_536)
        self.buffer += chunk
        return bool(chunk)

    def hear(self, *, body: bool = True) -> tuple[int, dict[str, str], bytes]:
        """The next answer."""
        while b"\r\n\r\n" not in self.buffer:
            assert self._more(), "the connection was closed"
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0)) if body else 0
        while len(self.buffer) < length:
            assert self._more(), "the body was cut"
        found, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(first.split()[1]), headers, found

    def closed(self) -> bool:
        return not self._more()


@contextmanager
def line_to(served: Served) -> Iterator[Line]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_S) as line:
        yield Line(line)


GET = "GET /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_connection_is_kept_and_answers_come_in_the_order_of_the_requests(served: Served) -> None:
    with line_to(served) as line:
        line.say(GET + "GET /fapi/v1/time HTTP/1.1\r\nhost: x\r\n\r\n" + "GET /api/v3/nothing HTTP/1.1\r\n\r\n" + GET)
        assert [line.hear()[0] for _ in range(4)] == [200, 200, 404, 200]
        line.say("GET /api/v3/ping HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert line.hear()[1]["connection"] == "close"
        assert line.closed()


def test_what_comes_behind_a_slow_request_waits_for_it(served: Served) -> None:
    served.faults({"kind": "slow", "on": "GET /api/v3/ping", "ms": 60})
    with line_to(served) as line:
        line.say("GET /api/v3/ping HTTP/1.1\r\n\r\n" + GET)
        assert line.hear()[2] == b"{}"
        assert b"serverTime" in line.hear()[2]
    served.faults()


@pytest.mark.parametrize("pieces", [
    ("POST /fapi/v1/listenKey HTTP/1.1\r\nX-MBX-APIKEY: key\r\nContent-Le", "ngth: 3\r\n\r", "\na=", "1"),
    ("POST /fapi/v1/listenKey HTTP/1.1\r\nx-mbx-apikey: key\r\nTransfer-Encoding: chunked\r\n\r\n",
     "1\r\na\r\n2;x\r\n=", "1\r\n0\r\n\r\n"),
    ("POST http://x/fapi/v1/listenKey HTTP/1.1\r\nX-Mbx-Apikey:key\r\n\r\n",),
])  # fmt: skip
def test_a_request_may_come_in_pieces_and_in_chunks(served: Served, pieces: tuple[str, ...]) -> None:
    with line_to(served) as line:
        line.say(*pieces)
        status, _, body = line.hear()
        assert (status, set(json.loads(body))) == (200, {"listenKey"})
        line.say(GET)
        assert line.hear()[0] == 200


def test_a_client_that_asks_before_it_sends_a_body_is_told_to_go_on(served: Served) -> None:
    with line_to(served) as line:
        line.say("POST /fapi/v1/listenKey HTTP/1.1\r\nX-MBX-APIKEY: key\r\nContent-Length: 3\r\n"
                 "Expect: 100-continue\r\n\r\n")  # fmt: skip
        assert line.hear()[0] == 100
        line.say("a=1")
        assert line.hear()[0] == 200


@pytest.mark.parametrize(
    "words",
    [
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "GET /api/v3/time\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(served: Served, words: str) -> None:
    with line_to(served) as line:
        line.say(words)
        assert line.hear()[0] == 400
        assert line.closed()


def test_head_has_the_headers_of_get_and_options_names_the_methods(served: Served) -> None:
    with line_to(served) as line:
        line.say("HEAD /api/v3/exchangeInfo HTTP/1.1\r\n\r\n")
        status, headers, _ = line.hear(body=False)
        assert (status, int(headers["content-length"]) > 100) == (200, True)
        line.say("OPTIONS /api/v3/order HTTP/1.1\r\n\r\n")
        status, headers, _ = line.hear()
        assert (status, headers["allow"]) == (204, "DELETE, GET, POST")


def test_long_answers_are_compressed_for_who_can_read_them(served: Served) -> None:
    target = "GET /fapi/v1/klines?symbol=BTCUSDT&interval=1h&limit=100 HTTP/1.1\r\n"
    with line_to(served) as line:
        line.say(target + "\r\n" + target + "Accept-Encoding: gzip, deflate, br\r\n\r\n")
        _, plain_headers, plain = line.hear()
        _, headers, packed = line.hear()
    assert "content-encoding" not in plain_headers
    assert headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed)) == json.loads(plain)


def test_an_unknown_address_and_a_wrong_method_say_so_in_json(served: Served) -> None:
    def told(method: str, path: str) -> tuple[int, Any]:
        status, answer = served.call(method, path)
        return status, answer["code"]

    assert told("GET", "/api/v9/time") == (404, -5000)
    assert told("POST", "/api/v3/time") == (405, -5000)
    assert told("PATCH", "/fapi/v1/order") == (405, -5000)
    assert told("GET", "/") == (404, -5000)


def test_answers_are_dated_and_say_what_they_are(served: Served) -> None:
    with line_to(served) as line:
        line.say(GET)
        headers = line.hear()[1]
    assert headers["content-type"] == "application/json;charset=UTF-8"
    assert headers["date"].endswith("GMT")
    assert int(headers["x-mbx-used-weight-1m"]) >= 1


def test_microseconds_are_told_to_spot_clients_that_ask_for_them(served: Served) -> None:
    with line_to(served) as line:
        for unit, long in (("MICROSECOND", True), ("millisecond", False)):
            line.say(f"GET /api/v3/time HTTP/1.1\r\nx-mbx-time-unit: {unit}\r\n\r\n")
            assert (json.loads(line.hear()[2])["serverTime"] > 10**15) is long
        line.say("GET /api/v3/time HTTP/1.1\r\nX-MBX-TIME-UNIT: fortnight\r\n\r\n")
        assert json.loads(line.hear()[2])["code"] == -1130


def test_a_client_that_wants_binary_answers_is_told_that_there_are_none(served: Served) -> None:
    with line_to(served) as line:
        line.say("GET /api/v3/time HTTP/1.1\r\nAccept: application/sbe\r\nX-MBX-SBE: 3:0\r\n\r\n")
        status, _, body = line.hear()
    assert (status, json.loads(body)["code"]) == (400, -1154)


def test_a_websocket_begins_on_a_connection_that_has_asked_before(served: Served) -> None:
    with line_to(served) as line:
        line.say(GET)
        assert line.hear()[0] == 200
        line.say("GET /ws/btcusdt@aggTrade HTTP/1.1\r\nHost: x\r\nupgrade: WebSocket\r\n"
                 "connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")  # fmt: skip
        assert line.hear(body=False)[0] == 101
        served.price("BTCUSDT", 60_100)
        while b"aggTrade" not in line.buffer:
            assert line._more()


@pytest.mark.parametrize("length", ["-10;aaaaaaaa", "-5", "x"])
def test_a_piece_of_a_length_that_is_none_is_refused_and_holds_nobody_up(served: Served, length: str) -> None:
    with line_to(served) as line:
        line.say("POST /api/v3/order HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + f"{length}\r\n\r\n")
        assert line.hear()[0] == 400
        assert line.closed()
    assert served.call("GET", "/api/v3/ping")[0] == 200


def test_who_does_not_read_gets_no_more_answers_until_it_does(served: Served) -> None:
    asked = 100
    with line_to(served) as line:
        line.line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 200_000)
        served.app.place.limiter.pardon()
        line.say("GET /fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1000 HTTP/1.1\r\n\r\n" * asked)
        assert served.call("GET", "/fapi/v1/time")[0] == 200
        used = served.app.place.limiter.weight_window("futures", "127.0.0.1")
        assert used.count < 5 * asked
        assert [line.hear()[0] for _ in range(asked)] == [200] * asked


def test_a_number_longer_than_any_is_refused_as_a_short_one_is(served: Served) -> None:
    for limit in ("9" * 5_000, "9" * 30):
        assert served.call("GET", f"/api/v3/depth?symbol=BTCUSDT&limit={limit}")[1]["code"] == -1100


def test_who_waits_for_an_answer_that_fails_is_told_that_none_comes(served: Served) -> None:
    async def fails() -> Any:
        raise RuntimeError("a defect")

    web = served.app._web
    before, web.handler = web.handler, lambda request: fails()
    try:
        with line_to(served) as line:
            line.say(GET)
            try:
                assert line.closed()
            except ConnectionResetError:
                pass
    finally:
        web.handler = before
