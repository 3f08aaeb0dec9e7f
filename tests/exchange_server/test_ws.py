"""WebSocket as any client may speak it: pieces, pings, ids of every kind, compression asked for, too many streams."""

import json
from typing import Any

import pytest
from websockets.sync.client import connect

from gridbot_tui.exchange.server.settings import LinkOptions
from tests.exchange_server.listening import listening
from tests.exchange_server.serving import PATIENCE_S, Served, serving


@pytest.mark.parametrize("number", [1, 0, -7, "a text", None, 9_007_199_254_740_991])
@pytest.mark.parametrize("path", ["/ws", "/market/stream", "/ws-api/v3", "/ws-fapi/v1"])
def test_an_id_of_any_kind_comes_back_as_it_was(served: Served, path: str, number: Any) -> None:
    with listening(served, path) as ears:
        ears.socket.send(json.dumps({"id": number, "method": "LIST_SUBSCRIPTIONS"}))
        assert ears.next()["id"] == number


def test_a_command_may_come_in_fragments_and_as_bytes(served: Served) -> None:
    with listening(served, "/ws") as ears:
        ears.socket.send(iter(['{"method": "SUBSC', 'RIBE", "params": ["btcusdt@aggTra', 'de"], "id": 1}']))
        assert ears.next() == {"result": None, "id": 1}
        ears.socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 2}).encode())
        assert ears.next() == {"result": ["btcusdt@aggTrade"], "id": 2}


def test_the_bare_address_takes_commands_too(served: Served) -> None:
    with listening(served, "/") as ears:
        assert ears.ask(method="SUBSCRIBE", params=["btcusdt@aggTrade"], id=1) == {"result": None, "id": 1}
        served.price("BTCUSDT", 60_100)
        assert ears.next()["e"] == "aggTrade"


def test_pings_are_answered_and_pongs_nobody_asked_for_are_taken(served: Served) -> None:
    with listening(served, "/ws") as ears:
        ears.socket.pong(b"by the way")
        assert ears.socket.ping(b"there?").wait(PATIENCE_S)


@pytest.mark.parametrize("compression", ["deflate", None])
def test_a_client_may_ask_for_compression_and_gets_none(served: Served, compression: str | None) -> None:
    with connect(served.ws + "/ws/btcusdt@aggTrade", proxy=None, compression=compression) as socket:
        served.price("BTCUSDT", 60_100)
        assert json.loads(socket.recv(PATIENCE_S))["e"] == "aggTrade"
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


def test_one_connection_has_so_many_streams_and_no_more() -> None:
    with serving(link=LinkOptions(streams=3)) as served, listening(served, "/market/ws") as ears:
        names = [f"btcusdt@kline_{i}" for i in ("1m", "3m", "5m", "15m")]
        assert ears.ask(method="SUBSCRIBE", params=names[:3], id=1)["result"] is None
        assert ears.ask(method="SUBSCRIBE", params=names[3:], id=2)["error"]["code"] == 2
        ears.ask(method="UNSUBSCRIBE", params=names[:1], id=3)
        assert ears.ask(method="SUBSCRIBE", params=names[3:], id=4)["result"] is None


def test_a_connection_turns_combined_when_it_is_told_to(served: Served) -> None:
    with listening(served, "/ws/btcusdt@aggTrade") as ears:
        assert ears.ask(method="SET_PROPERTY", params=["combined", True], id=1) == {"result": None, "id": 1}
        served.price("BTCUSDT", 60_100)
        assert ears.next()["stream"] == "btcusdt@aggTrade"
        assert ears.ask(method="SET_PROPERTY", params=["combined", "yes"], id=2)["code"] == 1
        assert ears.ask(method="GET_PROPERTY", params=["colour"], id=3)["code"] == 0
