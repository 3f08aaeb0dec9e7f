"""The public streams: doors, names, books that can be followed, candles that close."""

from itertools import pairwise
from typing import Any

import pytest

from tests.exchange_server.listening import Ears, listening
from tests.exchange_server.serving import Served


def moves(served: Served, *prices: int) -> None:
    for price in prices:
        served.price("BTCUSDT", price, volume=0.5)


@pytest.mark.parametrize(("path", "name", "fields"), [
    ("/ws/btcusdt@aggTrade", "aggTrade", "e E s a p q f l T m M"),
    ("/ws/btcusdt@trade", "trade", "e E s t p q T m M"),
    ("/ws/btcusdt@bookTicker", None, "u s b B a A"),
    ("/ws/btcusdt@depth@100ms", "depthUpdate", "e E s U u b a"),
    ("/ws/btcusdt@depth5", None, "lastUpdateId bids asks"),
    ("/ws/btcusdt@kline_1m", "kline", "e E s k"),
    ("/ws/btcusdt@referencePrice", "referencePrice", "e s r t"),
    ("/public/ws/btcusdt@trade", "trade", "e E T s t p q X m"),
    ("/public/ws/btcusdt@bookTicker", "bookTicker", "e u E T s ps b B a A st"),
    ("/public/ws/btcusdt@depth@100ms", "depthUpdate", "e E T s ps st U u pu b a"),
    ("/public/ws/btcusdt@depth10@500ms", "depthUpdate", "e E T s ps st U u pu b a"),
    ("/public/ws/btcusdt@depth@0ms", "depthUpdate", "e E T s ps st U u pu b a"),
    ("/public/ws/btcusdt@depth10@0ms", "depthUpdate", "e E T s ps st U u pu b a"),
    ("/market/ws/btcusdt@aggTrade", "aggTrade", "e E s a p q nq f l T m st"),
    ("/market/ws/btcusdt@markPrice@1s", "markPriceUpdate", "e E s p ap i P r T st"),
    ("/market/ws/btcusdt@kline_1m", "kline", "e E s k"),
    ("/market/ws/btcusdt_perpetual@continuousKline_1m", "continuous_kline", "e E ps ct k"),
])  # fmt: skip
def test_each_stream_has_exactly_its_fields(served: Served, path: str, name: str | None, fields: str) -> None:
    with listening(served, path) as ears:
        moves(served, 60_010, 60_020)
        frame = ears.next()
    assert set(frame) == set(fields.split())
    assert frame.get("e") == name


@pytest.mark.parametrize("path", [
    "/public/ws/btcusdt@kline_1m", "/market/ws/btcusdt@bookTicker", "/market/ws/btcusdt@depth", "/ws/BTCUSDT@aggTrade",
    "/public/ws/nopeusdt@bookTicker", "/private/ws/nonsense", "/market/ws/btcusdt@trade", "/ws/btcusdt@kline_7m",
    "/ws/btcusdt@kline_1d@+09:00", "/ws/btcusdt@kline_1d@", "/ws/btcusdt@depth@0ms",
])  # fmt: skip
def test_a_stream_at_the_wrong_door_or_of_no_known_name_connects_and_stays_silent(served: Served, path: str) -> None:
    with listening(served, path) as ears:
        moves(served, 60_010, 60_020)
        assert ears.silent()


def test_a_combined_connection_names_the_stream_of_every_frame(served: Served) -> None:
    with listening(served, "/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade") as ears:
        moves(served, 60_010)
        served.price("ETHUSDT", 3_010)
        frames = [ears.next(), ears.next()]
    assert [f["stream"] for f in frames] == ["btcusdt@aggTrade", "ethusdt@aggTrade"]
    assert [f["data"]["s"] for f in frames] == ["BTCUSDT", "ETHUSDT"]


def test_streams_are_joined_left_and_listed_by_commands(served: Served) -> None:
    with listening(served, "/market/stream") as ears:
        assert ears.ask(method="SUBSCRIBE", params=["btcusdt@aggTrade", "nothing"], id=1) == {"result": None, "id": 1}
        assert ears.ask(method="LIST_SUBSCRIPTIONS", id=2)["result"] == ["btcusdt@aggTrade", "nothing"]
        moves(served, 60_010)
        assert ears.next()["stream"] == "btcusdt@aggTrade"
        assert ears.ask(method="GET_PROPERTY", params=["combined"], id=3)["result"] is True
        ears.ask(method="UNSUBSCRIBE", params=["btcusdt@aggTrade"], id=4)
        moves(served, 60_020)
        assert ears.silent()
        assert ears.ask(method="SHOUT", id=5)["error"]["code"] == 2
        ears.socket.send("{not json")
        assert "error" in ears.next()


class LocalBook:
    """The book a client keeps by Binance's own recipe."""

    def __init__(self, snapshot: Any) -> None:
        self.last = snapshot["lastUpdateId"]
        self.sides = [dict(snapshot[name]) for name in ("bids", "asks")]
        self.applied = 0

    def apply(self, frame: Any) -> None:
        for side, name in zip(self.sides, ("b", "a"), strict=True):
            for price, quantity in frame[name]:
                if float(quantity):
                    side[price] = quantity
                else:
                    side.pop(price, None)
        self.last = frame["u"]
        self.applied += 1

    def is_like(self, snapshot: Any) -> bool:
        return self.sides == [dict(snapshot[name]) for name in ("bids", "asks")]


def follow(served: Served, ears: Ears, rest: str, futures: bool) -> LocalBook:
    """Follow a moving book from a snapshot taken in the middle."""
    buffered = []
    for step in range(4):
        moves(served, 60_000 + 7 * step)
        served.jump(150)
        buffered.append(ears.next())
    book = LocalBook(served.call("GET", rest)[1])
    for step in range(8):
        moves(served, 60_100 - 13 * step)
        served.jump(150)
        buffered.append(ears.next())
    previous = None
    for frame in buffered:
        if frame["u"] < book.last or (not futures and frame["u"] <= book.last):
            continue
        if previous is None:
            assert frame["U"] <= book.last + 1 <= frame["u"] + 1
        elif futures:
            assert frame["pu"] == previous
        else:
            assert frame["U"] == previous + 1
        previous = frame["u"]
        book.apply(frame)
    return book


@pytest.mark.parametrize(("path", "rest", "futures"), [
    ("/ws/btcusdt@depth@100ms", "/api/v3/depth?symbol=BTCUSDT&limit=1000", False),
    ("/public/ws/btcusdt@depth@100ms", "/fapi/v1/depth?symbol=BTCUSDT&limit=1000", True),
])  # fmt: skip
def test_a_local_book_follows_without_a_gap_and_ends_equal_to_a_fresh_snapshot(served: Served, path: str, rest: str,
                                                                               futures: bool) -> None:  # fmt: skip
    with listening(served, path) as ears:
        book = follow(served, ears, rest, futures)
        for _ in range(30):
            snapshot = served.call("GET", rest)[1]
            if book.last >= snapshot["lastUpdateId"]:
                break
            frame = ears.next()
            if frame["u"] > book.last:
                book.apply(frame)
        assert book.applied >= 8
        assert book.is_like(snapshot)


def test_a_candle_is_told_once_more_when_it_has_closed_and_rest_knows_the_same(served: Served) -> None:
    with listening(served, "/market/ws/btcusdt@kline_1m") as ears:
        moves(served, 60_010, 60_030, 60_005)
        served.jump(60_000)
        closed = ears.until(lambda f: f["k"]["x"])[-1]["k"]
        assert closed["T"] == closed["t"] + 59_999
        rows = served.call("GET", f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime={closed['t']}&limit=1")[1]
    assert [closed[name] for name in ["t", "o", "h", "l", "c", "v"]] == rows[0][:6]
    assert (closed["q"], closed["n"]) == (rows[0][7], rows[0][8])


@pytest.mark.parametrize("path", ["/ws/btcusdt@kline_1m", "/ws/btcusdt@kline_1s", "/market/ws/btcusdt@kline_1m"])
def test_each_candle_that_closed_in_a_leap_of_time_is_told_once(served: Served, path: str) -> None:
    length = 1_000 if path.endswith("1s") else 60_000
    with listening(served, path) as ears:
        moves(served, 60_010)
        first = ears.next()["k"]["t"]
        served.jump(4 * length)
        moves(served, 60_020)
        heard = [frame["k"] for frame in ears.until(lambda f: f["k"]["t"] >= first + 4 * length)]
    closed = [candle["t"] for candle in heard if candle["x"]]
    assert closed == [first + n * length for n in range(len(closed))]
    assert len(closed) >= 4


def test_a_day_of_candles_begins_at_midnight_of_the_time_zone_that_a_stream_names(served: Served) -> None:
    with listening(served, "/stream?streams=btcusdt@kline_1d/btcusdt@kline_1d@+08:00") as ears:
        moves(served, 60_010)
        frames = {frame["stream"]: frame["data"]["k"]["t"] for frame in (ears.next(), ears.next())}
    hours = {name: at % 86_400_000 // 3_600_000 for name, at in frames.items()}
    assert hours == {"btcusdt@kline_1d": 0, "btcusdt@kline_1d@+08:00": 16}


@pytest.mark.parametrize("interval", ["1m", "5m", "1h", "4h"])
@pytest.mark.parametrize("path", ["/api/v3/klines", "/fapi/v1/klines"])
def test_candles_over_rest_are_whole_contiguous_and_made_of_shorter_ones(
    served: Served, path: str, interval: str
) -> None:
    rows = served.call("GET", f"{path}?symbol=BTCUSDT&interval={interval}&limit=5")[1]
    length = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000, "4h": 14_400_000}[interval]
    assert all(len(row) == 12 and row[0] % length == 0 and row[6] == row[0] + length - 1 for row in rows)
    assert [b[0] - a[0] for a, b in pairwise(rows)] == [length] * (len(rows) - 1)
    if interval != "1m" and len(rows) > 1:
        target = f"{path}?symbol=BTCUSDT&interval=1m&startTime={rows[-2][0]}&endTime={rows[-2][6]}&limit=1000"
        minutes = served.call("GET", target)[1]
        assert max(float(row[2]) for row in minutes) == float(rows[-2][2])
        assert minutes[0][1] == rows[-2][1]
        assert minutes[-1][4] == rows[-2][4]


def test_candles_from_a_time_are_the_first_ones_and_without_it_the_last(served: Served) -> None:
    every = served.call("GET", "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=100")[1]
    target = f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime={every[10][0]}&limit=3"
    assert [row[0] for row in served.call("GET", target)[1]] == [row[0] for row in every[10:13]]
    ending = f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&endTime={every[10][0]}&limit=3"
    assert [row[0] for row in served.call("GET", ending)[1]] == [row[0] for row in every[8:11]]


def test_a_microsecond_connection_tells_microseconds(served: Served) -> None:
    with listening(served, "/ws/btcusdt@trade?timeUnit=MICROSECOND") as ears:
        moves(served, 60_010)
        assert ears.next()["T"] > 10**15


def test_nothing_is_kept_of_streams_that_nobody_listens_to_any_more(served: Served) -> None:
    hub = served.app.hub
    with listening(served, "/ws") as ears:
        for number in range(20):
            name = f"nosuch{number}@trade"
            ears.ask(method="SUBSCRIBE", params=[name], id=1)
            ears.ask(method="UNSUBSCRIBE", params=[name], id=2)
        assert served.inside(lambda: [name for _, name in hub._joined if name.startswith("nosuch")]) == []


def test_the_public_sees_what_an_account_trades(served: Served) -> None:
    with listening(served, "/market/ws/btcusdt@aggTrade") as ears:
        served.good("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.123")
        frame = ears.next()
    trade = served.good("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")[-1]
    assert (frame["q"], frame["m"], frame["a"]) == ("0.123", False, trade["id"])


def test_small_tickers_of_all_come_under_the_name_that_says_how_often_too(served: Served) -> None:
    with listening(served, "/ws/!miniTicker@arr@1000ms") as ears:
        assert {row["s"] for row in ears.next()} == {"BTCUSDT", "ETHUSDT"}
