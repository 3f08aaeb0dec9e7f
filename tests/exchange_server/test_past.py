"""What an exchange knows of the time before it opened, whatever time of day that is."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gridbot_tui.exchange.server import http as _fills_the_table  # noqa: F401
from gridbot_tui.exchange.server.build import build
from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.fields import INTERVALS, check
from gridbot_tui.exchange.server.micro import in_micros
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.settings import ServeOptions
from gridbot_tui.exchange.server.table import REST, Call
from gridbot_tui.exchange.server.topics import futures_topic
from gridbot_tui.units import DAY, HOUR, MINUTE, Market

NOON = 1_795_219_200_000 + 12 * HOUR
"""A day of November 2026."""


def opened(at: int, market: Market = Market.FUTURES, **options: Any) -> Place:
    clock = Clock(wall=lambda: at * 1_000)
    return build((market,), ServeOptions(), symbols=("BTCUSDT",), history=6 * HOUR, clock=clock, **options)


def ask(place: Place, path: str, **params: str) -> Any:
    row = REST["GET", path]
    return row.handler(Call(place, check(row.spec, params, False), place.clock.now(), None, ""))


@pytest.mark.parametrize("at", [h * HOUR + s * 1_000 for h in (0, 8, 16) for s in (-1, 0, 1, 30)] + [NOON % DAY])
def test_months_of_settlements_are_known_at_every_time_of_day(at: int) -> None:
    now = NOON // DAY * DAY + DAY + at
    rows = ask(opened(now), "/fapi/v1/fundingRate", symbol="BTCUSDT", limit="1000")
    times = [row["fundingTime"] for row in rows]
    assert len(rows) >= 500
    assert {b - a for a, b in pairwise(times)} == {8 * HOUR}
    assert 0 <= now - times[-1] < 8 * HOUR + MINUTE
    assert all(float(row["markPrice"]) > 0 for row in rows)


@pytest.mark.parametrize("interval", ["1m", "15m", "1h", "1d"])
def test_fifteen_hundred_candles_of_every_interval_join_without_a_hole(interval: str) -> None:
    rows = ask(opened(NOON), "/fapi/v1/klines", symbol="BTCUSDT", interval=interval, limit="1500")
    assert len(rows) == 1500
    assert {b[0] - a[0] for a, b in pairwise(rows)} == {INTERVALS[interval]}
    assert rows[-1][0] <= NOON <= rows[-1][6]
    assert all(
        float(r[3]) <= min(float(r[1]), float(r[4])) <= max(float(r[1]), float(r[4])) <= float(r[2]) for r in rows
    )


@pytest.mark.parametrize(("interval", "zone", "east"), [
    ("1d", "8", 8 * HOUR), ("1d", "05:45", 345 * MINUTE), ("1w", "-1:00", -HOUR), ("1M", "+14", 14 * HOUR),
    ("4h", "-5:45", -345 * MINUTE),
])  # fmt: skip
def test_candles_of_another_time_zone_begin_with_its_days(interval: str, zone: str, east: int) -> None:
    place = opened(NOON, Market.SPOT)

    def candles(length: str, limit: str = "1000", **more: str) -> list[Any]:
        return list(ask(place, "/api/v3/klines", symbol="BTCUSDT", interval=length, limit=limit, **more))

    first, second, _ = candles(interval, "3", timeZone=zone)
    there = datetime.fromtimestamp((first[0] + east) / 1_000, UTC)
    assert (there.minute, there.hour % 4) == (0, 0)
    assert interval == "4h" or there.hour == 0
    assert interval != "1w" or there.weekday() == 0
    assert interval != "1M" or there.day == 1
    assert first[6] + 1 == second[0]
    parts = candles("15m", startTime=str(first[0]), endTime=str(min(first[6], first[0] + DAY - 1)))
    assert first[1] == parts[0][1]
    if interval in ("1d", "4h"):
        assert float(first[2]) == max(float(part[2]) for part in parts)
        assert first[4] == parts[-1][4]
        assert float(first[5]) == pytest.approx(sum(float(part[5]) for part in parts), rel=1e-3)
    assert candles(interval, "1", timeZone=zone, startTime=str(first[0])) == [first]


@pytest.mark.parametrize("zone", ["15", "-12:01", "14:01", "5:60", "x", "UTC", "1.5", "٣"])
def test_a_time_zone_that_there_is_not_is_refused(zone: str) -> None:
    with pytest.raises(Denied, match="-1130"):
        ask(opened(NOON, Market.SPOT), "/api/v3/klines", symbol="BTCUSDT", interval="1d", timeZone=zone)


def test_the_candles_of_all_intervals_tell_the_same_past() -> None:
    place, day = opened(NOON), NOON // DAY * DAY - 3 * DAY

    def candles(interval: str) -> list[Any]:
        return list(ask(place, "/fapi/v1/klines", symbol="BTCUSDT", interval=interval, startTime=str(day),
                        endTime=str(day + DAY - 1), limit="1500"))  # fmt: skip

    (whole,) = candles("1d")
    for interval in ("1m", "5m", "1h", "4h"):
        parts = candles(interval)
        assert len(parts) == DAY // INTERVALS[interval]
        assert (parts[0][1], parts[-1][4]) == (whole[1], whole[4])
        assert max(float(p[2]) for p in parts) == float(whole[2])
        assert min(float(p[3]) for p in parts) == float(whole[3])


def test_months_are_known_by_their_own_length() -> None:
    rows = ask(opened(NOON), "/fapi/v1/klines", symbol="BTCUSDT", interval="1M", limit="12")
    assert {(b[0] - a[0]) // DAY for a, b in pairwise(rows)} <= {28, 29, 30, 31}


def test_before_a_recording_funding_is_a_stated_constant_and_candles_are_what_was_recorded(tmp_path: Path) -> None:
    bars = 4_000
    times = [1_700_000_000_000 // HOUR * HOUR + n * MINUTE for n in range(bars)]
    price = [60_000.0 + n for n in range(bars)]
    frame = pl.DataFrame({"open_time": times, "open": price, "high": price, "low": price, "close": price,
                          "volume": [10.0] * bars})  # fmt: skip
    folder = tmp_path / "um" / "BTCUSDT" / "1m"
    folder.mkdir(parents=True)
    frame.write_parquet(folder / "some.parquet")
    clock = Clock(wall=lambda: NOON * 1_000)
    place = build((Market.FUTURES,), ServeOptions(), data=[str(folder)], clock=clock)
    funding = ask(place, "/fapi/v1/fundingRate", symbol="BTCUSDT", limit="1000")
    assert len(funding) > 500
    assert {row["fundingRate"] for row in funding} == {"0.00010000"}
    candles = ask(place, "/fapi/v1/klines", symbol="BTCUSDT", interval="1m", startTime="0", limit="1500")
    assert float(candles[0][1]) == 60_000, "nothing before the first recorded one"
    assert {float(b[1]) - float(a[1]) for a, b in pairwise(candles)} == {1.0}


@pytest.mark.parametrize("volume", [0.007, 0.5])
def test_a_quiet_recorded_minute_is_played_with_all_that_was_traded_in_it(tmp_path: Path, volume: float) -> None:
    bars = 3_000
    times = [1_700_000_000_000 // HOUR * HOUR + n * MINUTE for n in range(bars)]
    price = [60_000.0 + n for n in range(bars)]
    frame = pl.DataFrame({"open_time": times, "open": price, "high": price, "low": price, "close": price,
                          "volume": [volume] * bars})  # fmt: skip
    folder = tmp_path / "um" / "BTCUSDT" / "1m"
    folder.mkdir(parents=True)
    frame.write_parquet(folder / "some.parquet")
    wall = [NOON * 1_000]
    place = build((Market.FUTURES,), ServeOptions(), data=[str(folder)], clock=Clock(wall=lambda: wall[0]))
    wall[0] += 10 * MINUTE * 1_000
    place.advance()
    live = ask(place, "/fapi/v1/klines", symbol="BTCUSDT", interval="1m", startTime=str(NOON))
    assert sum(float(row[5]) for row in live) == pytest.approx(10 * volume, abs=0.002)


@pytest.mark.parametrize("path", ["/fapi/v1/klines", "/fapi/v1/markPriceKlines"])
@pytest.mark.parametrize("interval", ["5m", "1h", "1d", "1M"])
def test_a_candle_is_the_same_whichever_way_it_is_asked_for(path: str, interval: str) -> None:
    place = opened(NOON)
    latest = ask(place, path, symbol="BTCUSDT", interval=interval, limit="8")
    opens = [row[0] for row in latest]
    assert len(opens) == 8
    for begin, end in ((2, 5), (3, 3), (4, 6)):
        for late in (0, 1, 60_000):  # the end may lie anywhere in the last candle
            asked = {"symbol": "BTCUSDT", "interval": interval, "startTime": str(opens[begin])}
            found = ask(place, path, **asked, endTime=str(opens[end] + late))
            assert found == latest[begin : end + 1]
    for end in range(3, 8):
        found = ask(place, path, symbol="BTCUSDT", interval=interval, endTime=str(opens[end]), limit="3")
        assert found == latest[end - 2 : end + 1]


def test_as_many_months_as_are_asked_for_come_whichever_way() -> None:
    place = opened(NOON)
    whole = ask(place, "/fapi/v1/klines", symbol="BTCUSDT", interval="1M", limit="50")
    found = ask(place, "/fapi/v1/klines", symbol="BTCUSDT", interval="1M", startTime=str(whole[0][0]), limit="50")
    assert len(found) == 50
    assert found == whole


def test_mark_price_candles_are_made_of_the_mark_price_and_reach_back_as_far_as_the_others() -> None:
    place = opened(NOON)
    tape = place.floor("futures").tapes["BTCUSDT"]
    for mark in (70_000_0, 50_000_0, 61_234_5):
        tape.move(NOON, tape.last, mark, 0)
    rows = ask(place, "/fapi/v1/markPriceKlines", symbol="BTCUSDT", interval="1h", limit="1000")
    assert len(rows) == 1000
    assert {b[0] - a[0] for a, b in pairwise(rows)} == {HOUR}
    assert [float(price) for price in rows[-1][2:5]] == [70_000, 50_000, 61_234.5]
    premium = ask(place, "/fapi/v1/premiumIndex", symbol="BTCUSDT")
    assert float(premium["markPrice"]) == 61_234.5
    assert any(float(row[2]) > float(row[3]) for row in rows[:-1])


def test_statistics_of_any_span_agree_with_its_candles() -> None:
    place = opened(NOON, Market.SPOT)
    hours = ask(place, "/api/v3/klines", symbol="BTCUSDT", interval="1h", limit="25")
    for path, since, more in (
        ("/api/v3/ticker", NOON - 4 * HOUR, {"windowSize": "4h"}),
        ("/api/v3/ticker/tradingDay", NOON - 12 * HOUR, {}),
        ("/api/v3/ticker/tradingDay", NOON - 20 * HOUR, {"timeZone": "8"}),
        ("/api/v3/ticker/tradingDay", NOON - 4 * HOUR, {"timeZone": "-8"}),
    ):
        told = ask(place, path, symbol="BTCUSDT", **more)
        span = [row for row in hours if row[0] >= since]
        assert told["openTime"] == since
        assert (told["openPrice"], told["lastPrice"]) == (span[0][1], span[-1][4])
        assert float(told["highPrice"]) == max(float(row[2]) for row in span)
        assert told["count"] == sum(row[8] for row in span)
        assert "priceChange" in told
        assert "bidPrice" not in told
        assert "priceChange" not in ask(place, path, symbol="BTCUSDT", type="MINI", **more)
    for wrong in ("0m", "60m", "24h", "8d", "1w", "x"):
        with pytest.raises(Denied, match="-1130"):
            ask(place, "/api/v3/ticker", symbol="BTCUSDT", windowSize=wrong)
    with pytest.raises(Denied, match="-1102"):
        ask(place, "/api/v3/ticker")


@pytest.mark.parametrize(("path", "params", "weight"), [
    ("/api/v3/ticker/24hr", {}, 80), ("/api/v3/ticker/24hr", {"symbol": "BTCUSDT"}, 2),
    ("/api/v3/ticker/24hr", {"symbols": '["BTCUSDT","ETHUSDT"]'}, 2),
    ("/api/v3/ticker/24hr", {"symbols": ",".join("x" * 21)}, 40),
    ("/api/v3/ticker", {"symbols": '["BTCUSDT","ETHUSDT"]'}, 8), ("/api/v3/ticker", {"symbols": "," * 99}, 200),
])  # fmt: skip
def test_statistics_weigh_by_how_many_symbols_are_named(path: str, params: dict[str, str], weight: int) -> None:
    weigh = REST["GET", path].weight
    assert not isinstance(weigh, int)
    assert weigh(params) == weight


def test_only_symbols_of_the_status_that_was_asked_for_are_told() -> None:
    place = opened(NOON, Market.SPOT)
    for path in ("/api/v3/ticker/price", "/api/v3/ticker/24hr", "/api/v3/ticker/bookTicker"):
        assert [row["symbol"] for row in ask(place, path, symbolStatus="TRADING")] == ["BTCUSDT"]
        assert ask(place, path, symbolStatus="HALT") == []
        assert ask(place, path, symbols='["BTCUSDT"]', symbolStatus="HALT") == []
        with pytest.raises(Denied, match="-1220"):
            ask(place, path, symbol="BTCUSDT", symbolStatus="HALT")
        with pytest.raises(Denied, match="-1130"):
            ask(place, path, symbolStatus="ASLEEP")
    assert ask(place, "/api/v3/exchangeInfo", symbolStatus="BREAK")["symbols"] == []


def test_a_candle_in_microseconds_ends_with_its_last_one() -> None:
    candle = {"t": NOON, "T": NOON + MINUTE - 1, "o": "1", "f": 7}
    told = in_micros({"e": "kline", "E": NOON, "k": candle})
    assert told == {"e": "kline", "E": NOON * 1000, "k": candle | {"t": NOON * 1000, "T": (NOON + MINUTE) * 1000 - 1}}


def test_futures_have_no_candles_of_a_second() -> None:
    for path in ("/fapi/v1/klines", "/fapi/v1/markPriceKlines"):
        with pytest.raises(Denied, match="-1120"):
            ask(opened(NOON), path, symbol="BTCUSDT", interval="1s")
    assert futures_topic("btcusdt_perpetual@continuousKline_1s") is None
    assert futures_topic("btcusdt@kline_1s") is None
    assert futures_topic("btcusdt_perpetual@continuousKline_1m") is not None
