"""How connections live and end: listen keys, pings, twenty-four hours, floods, slow readers."""

import asyncio
import contextlib
import gc
import json
import socket
import threading
from collections.abc import Iterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from websockets.exceptions import ConnectionClosed

from gridbot_tui.exchange.server import link as link_module
from gridbot_tui.exchange.server.build import build
from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.limits import Limiter
from gridbot_tui.exchange.server.link import Link
from gridbot_tui.exchange.server.settings import LimitOptions, LinkOptions, ServeOptions
from gridbot_tui.exchange.server.table import REST, Call
from gridbot_tui.units import MINUTE, Market
from tests.exchange_server.listening import listening, user_stream
from tests.exchange_server.serving import PATIENCE_S, Served, serving

SHORT = LinkOptions(spot_ping=300, spot_pong=900, futures_ping=300, futures_pong=900, queue=50)
LISTEN = (b"GET /ws/btcusdt@avgPrice HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")  # fmt: skip
"""A client that answers no pings."""


@pytest.fixture(scope="module")
def hasty() -> Iterator[Served]:
    """An exchange that pings every third of a second."""
    with serving(link=SHORT, limits=1.0) as served:
        yield served


def test_a_connection_is_told_of_its_end_and_then_ended() -> None:
    day = 86_400_000
    with serving(link=LinkOptions(notice=600_000)) as served, listening(served, "/ws/btcusdt@avgPrice") as raw, \
            listening(served, "/stream?streams=a") as combined, listening(served, "/ws-api/v3") as api, \
            listening(served, "/market/ws/a") as futures:  # fmt: skip
        served.jump(day - 300_000)
        assert raw.until(lambda f: f["e"] == "serverShutdown")
        told = combined.next()
        assert (told["stream"], told["data"]["e"]) == ("!serverShutdown", "serverShutdown")
        assert api.next()["event"]["e"] == "serverShutdown"
        served.jump(300_000)
        assert futures.closed() == 1001, "without a word before"
        assert raw.closed() == combined.closed() == api.closed() == 1001


def test_however_fast_the_exchanges_time_runs_a_client_has_its_own_to_prolong_a_key_or_a_countdown() -> None:
    wall = [1_795_262_400_000_000]
    place = build((Market.FUTURES,), ServeOptions(), symbols=("BTCUSDT",), clock=Clock(60.0, lambda: wall[0]))
    place.floors["futures"].hold(True, place.clock.now())
    account = place.by_key("key")
    key = place.listen_key(account, place.clock.now())
    countdown = REST["POST", "/fapi/v1/countdownCancelAll"].handler
    countdown(Call(place, {"symbol": "BTCUSDT", "countdownTime": 120_000}, place.clock.now(), account, ""))
    stands = []
    for minutes in (1, 2, 56, 2):
        wall[0] += minutes * 60_000_000
        place.advance()
        stands.append((account.listen_key is key, "BTCUSDT" in account.countdowns))
    assert stands == [(True, True), (True, False), (True, False), (False, False)]


def test_a_client_that_has_gone_before_it_is_answered_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    with serving(Market.FUTURES) as served:
        busy = threading.Event()
        served.loop.call_soon_threadsafe(busy.wait, 60)
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as line:
            line.sendall(b"GET /market/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                         b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")  # fmt: skip
        busy.set()
        for _ in range(20):
            served.call("GET", "/fapi/v1/ping")
    assert caplog.records == []


def test_a_client_that_answers_no_pings_is_cut_off(hasty: Served) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=60) as line:
        line.sendall(LISTEN)
        heard = b""
        while chunk := line.recv(65_536):
            heard += chunk
            if b"\x88\x02\x03\xf0" in heard:  # close, 1008
                break
    assert b"\x89" in heard, "pinged"
    assert b"\x88\x02\x03\xf0" in heard


def test_however_fast_the_exchanges_time_runs_a_client_has_a_real_minute_to_answer_a_ping() -> None:
    with serving(Market.SPOT, speed=5_000.0) as served, \
            socket.create_connection(("127.0.0.1", served.port), timeout=60) as line:  # fmt: skip
        line.sendall(LISTEN)
        heard = b""
        while heard.count(b'"avgPrice"') < 50:  # an hour of the exchange's
            chunk = line.recv(65_536)
            assert chunk, "cut off"
            heard += chunk


async def test_pings_of_a_client_that_has_gone_meanwhile_are_no_errors() -> None:
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context))
    ended = asyncio.Event()

    async def served(request: web.Request) -> web.StreamResponse:
        try:
            return await Link("one", "spot", False, Clock(), LinkOptions(), False).serve(request, lambda text: None)
        finally:
            ended.set()

    app = web.Application()
    app.router.add_get("/", served)
    async with TestServer(app) as server, ClientSession() as client:
        there = await client.ws_connect(server.make_url("/"))
        for _ in range(20):
            await there.ping(b"there?")
        assert there._conn is not None
        assert there._conn.transport is not None
        there._conn.transport.abort()
        await asyncio.wait_for(ended.wait(), PATIENCE_S)
        await asyncio.sleep(0)
        gc.collect()
    assert not errors


def test_a_client_that_talks_too_much_is_cut_off(hasty: Served) -> None:
    with listening(hasty, "/ws") as ears:
        with contextlib.suppress(ConnectionClosed):  # it may be cut off before it has said it all
            for number in range(12):
                ears.socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        assert ears.closed() == 1008


def test_a_listen_key_is_kept_by_asking_and_its_death_is_the_last_word(served: Served) -> None:
    with user_stream(served) as ears:
        key = served.call("PUT", "/fapi/v1/listenKey")[1]["listenKey"]
        served.jump(50 * 60_000)
        assert served.call("PUT", "/fapi/v1/listenKey")[1] == {"listenKey": key}
        served.jump(61 * 60_000)
        told = ears.until(lambda f: f["e"] == "listenKeyExpired")[-1]
        assert told["listenKey"] == key
        assert served.call("PUT", "/fapi/v1/listenKey")[1]["code"] == -1125
        fresh = served.call("POST", "/fapi/v1/listenKey")[1]["listenKey"]
        assert fresh != key
        served.good("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=12)
        assert ears.silent(), "a connection with a dead key hears nothing more"
    with listening(served, f"/private/ws?listenKey={key}") as old:
        served.good("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=20)
        assert old.silent()


def test_user_streams_come_by_path_by_query_by_command_and_wrapped(served: Served) -> None:
    key = served.call("POST", "/fapi/v1/listenKey")[1]["listenKey"]
    paths = (f"/private/ws/{key}", f"/private/stream?listenKey={key}&events=ACCOUNT_CONFIG_UPDATE", "/private/stream")
    with listening(served, paths[0]) as one, listening(served, paths[1]) as two, listening(served, paths[2]) as three:
        three.ask(method="SUBSCRIBE", params=[key], id=1)
        served.good("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=13)
        assert one.next()["ac"]["l"] == 13
        for wrapped in (two.next(), three.next()):
            assert (wrapped["stream"], wrapped["data"]["ac"]["l"]) == (key, 13)
    served.good("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=20)


def test_a_reader_that_lags_too_far_is_closed_and_holds_nobody_up() -> None:
    path = "/market/ws/btcusdt@aggTrade"
    with serving(link=LinkOptions(queue=200)) as served, listening(served, path, max_queue=1) as slow:
        for _ in range(30):
            served.control("act", kind="flood", count=2_000)
        assert served.call("GET", "/fapi/v1/time")[0] == 200
        assert slow.closed() in (1006, 1008)


def test_a_reader_that_reads_nothing_more_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "GRACE_S", 0.1)
    key = "Host: x\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    hello = f"GET /market/ws/btcusdt@aggTrade HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n"
    with serving(link=LinkOptions(queue=200)) as served, socket.create_connection(("127.0.0.1", served.port)) as deaf:
        deaf.sendall(hello.encode())
        assert deaf.recv(12) == b"HTTP/1.1 101"
        for _ in range(200):
            served.control("act", kind="flood", count=1_000)
            if not served.inside(lambda: len(served.app.hub.links)):
                return
    raise AssertionError("it is still held")


NOON = 12 * 3_600_000 + 2_000
"""Two seconds into a minute: no count starts anew while a test counts."""


def test_rate_limits_answer_429_with_headers_and_then_418() -> None:
    with serving(limits=0.01, at=NOON) as served:
        for _ in range(70):
            status, answer = served.call("GET", "/api/v3/time")
            if status != 200:
                break
        assert (status, answer["code"]) == (429, -1003)
        assert "current limit is 60 request weight per 1 MINUTE." in answer["msg"]
        assert 1 <= int(served.headers["retry-after"]) <= 60
        for _ in range(30):
            status, answer = served.call("GET", "/api/v3/time")
        assert (status, answer["code"]) == (418, -1003)
        assert int(served.headers["retry-after"]) > 60
        assert "banned until" in answer["msg"]


def test_a_refusal_now_and_then_is_no_ban() -> None:
    """Only who goes on through the refusals of one interval is shut out."""
    limiter = Limiter(LimitOptions(spot_weight=10))
    for minute in range(5 * Limiter.STRIKES):
        limiter.admit("spot", "here", 10, minute * MINUTE)
        with pytest.raises(Denied) as refused:
            limiter.admit("spot", "here", 1, minute * MINUTE)
        assert refused.value.status == 429
    for _ in range(Limiter.STRIKES):
        with pytest.raises(Denied) as refused:
            limiter.admit("spot", "here", 1, minute * MINUTE)
    assert refused.value.status == 418


def test_orders_are_counted_and_a_fill_gives_a_spot_count_back() -> None:
    with serving(limits=1.0, at=NOON) as served:
        order = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.001"}
        served.good("POST", "/api/v3/order", type="LIMIT", timeInForce="GTC", price="59000", **order)
        resting = int(served.headers["x-mbx-order-count-1d"])
        served.good("POST", "/api/v3/order", type="MARKET", **order)
        assert int(served.headers["x-mbx-order-count-1d"]) == resting
        weight = int(served.headers["x-mbx-used-weight-1m"])
        served.good("POST", "/api/v3/order", type="MARKET", **order)
        assert int(served.headers["x-mbx-used-weight-1m"]) == weight, "a good order weighs nothing"
        served.signed("POST", "/api/v3/order", type="MARKET", **{**order, "quantity": "900"})
        assert int(served.headers["x-mbx-used-weight-1m"]) == weight + 1
        served.good("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
        assert served.headers["x-mbx-order-count-1m"] == "1"
        assert "x-mbx-used-weight-1m" in served.headers


def test_the_first_fill_gives_the_count_back_whenever_it_comes_and_a_list_counts_twice() -> None:
    with serving(Market.SPOT, limits=1.0, at=NOON) as served:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.002"}
        for price in (59_000, 58_000):
            served.good("POST", "/api/v3/order", price=price, **order)
        served.price("BTCUSDT", 58_500, volume=0.001)  # a part of the first
        served.price("BTCUSDT", 58_400, volume=0.001)  # the rest of it
        served.good("POST", "/api/v3/order", price=50_000, **order)
        assert [served.headers[f"x-mbx-order-count-{name}"] for name in ("10s", "1d")] == ["2", "2"]
        served.good("POST", "/api/v3/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.1",
                    aboveType="LIMIT_MAKER", abovePrice="70000", belowType="STOP_LOSS",
                    belowStopPrice="50000")  # fmt: skip
        assert [served.headers[f"x-mbx-order-count-{name}"] for name in ("10s", "1d")] == ["4", "4"]


def test_too_many_orders_are_refused_with_1015() -> None:
    with serving(limits=0.01, at=NOON) as served:
        codes = [served.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
                 for _ in range(5)]  # fmt: skip
    assert [status for status, _ in codes] == [200, 200, 200, 429, 429]
    assert codes[-1][1]["code"] == -1015
