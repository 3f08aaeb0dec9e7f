"""Frames and errors as they were recorded on the real exchange, field by field against what the server sends."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.exchange.server.codes import CODES
from tests.data import shared
from tests.exchange_server.listening import Ears, listening, spot_user_stream, user_stream
from tests.exchange_server.serving import Served

pytestmark = pytest.mark.data

GONE = {
    "ma",  # margin asset of a position: absent from Binance's own models since June 2026
    "st",  # OTOCO strategy of orders before the algo service; elsewhere the contract class
    "avgPrice", "cumQuote",  # of order answers until July 2026
}  # fmt: skip
KINDS = {bool: "bool", int: "int", str: "str", float: "number", type(None): "null"}


def shape(value: Any, path: str = "") -> dict[str, str]:
    """Path of every leaf with its type; a list is as its first element."""
    if isinstance(value, dict):
        return {k: t for name, item in value.items() for k, t in shape(item, f"{path}.{name}").items()}
    if isinstance(value, list):
        return shape(value[0], f"{path}[]") if value else {}
    return {path: KINDS[type(value)]}


def differences(recorded: Any, sent: Any) -> dict[str, tuple[str, str | None]]:
    """Fields of a recording that the server does not send, or as another type. null fits anything."""
    there = shape(sent)
    found = {}
    for path, kind in shape(recorded).items():
        own = there.get(path)
        if path.rpartition(".")[2] not in GONE and own != kind and "null" not in (own, kind):
            found[path] = (kind, own)
    return found


def recordings(path: str) -> list[Any]:
    return [json.loads(line) for line in shared(path).read_text().splitlines()]


def life(served: Served, ears: Ears, prefix: str, quantity: str) -> list[Any]:
    """The events of orders that rest, are cancelled, fill as maker and as taker; with a deposit at the end."""
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity}
    first = served.good("POST", prefix, price="59000", **order)
    served.good("DELETE", prefix, symbol="BTCUSDT", orderId=first["orderId"])
    served.good("POST", prefix, price="59500", **order)
    served.price("BTCUSDT", 59_400)
    served.good("POST", prefix, symbol="BTCUSDT", side="SELL", type="MARKET", quantity=quantity)
    market = "spot" if "api/v3" in prefix else "futures"
    served.control("deposit", key="key", market=market, asset="USDT", amount="1")
    return ears.rest()


def fits(recorded: Any, sent: list[Any]) -> list[dict[str, Any]]:
    """The differences to every frame of its kind; one without any is enough."""
    found = [differences(recorded, frame) for frame in sent if frame["e"] == recorded["e"]]
    return [] if {} in found else found or [{"nothing": recorded["e"]}]


def test_futures_user_frames_have_the_recorded_fields_and_types(served: Served) -> None:
    rows = [r["raw"] for r in recordings("samples/user_data/futures_real_frames.jsonl") if r["kind"] == "ws"]
    with user_stream(served) as ears:
        sent = life(served, ears, "/fapi/v1/order", "0.1")
    assert {row["e"] for row in rows} <= {frame["e"] for frame in sent}
    assert [(row, found) for row in rows if (found := fits(row, sent))] == []


def test_spot_user_frames_have_the_recorded_fields_and_types(served: Served) -> None:
    rows = [r["raw"] for r in recordings("samples/user_data/spot_real_frames.jsonl")]
    rows = [row.get("data", row) for row in rows]
    with spot_user_stream(served) as ears:
        sent = [frame["event"] for frame in life(served, ears, "/api/v3/order", "0.01")]
    assert [(row, found) for row in rows if (found := fits(row, sent))] == []
    newest = [row for row in rows if row["e"] == "executionReport" and "V" in row]
    assert {frozenset(row) for row in newest} == {frozenset(f) for f in sent if f["e"] == "executionReport"}


def test_futures_order_answers_have_the_recorded_fields(served: Served) -> None:
    rows = [r["raw"] for r in recordings("samples/user_data/futures_real_frames.jsonl") if r["kind"] != "ws"]
    sent = served.good("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
                       quantity="0.1", price="59000")  # fmt: skip
    assert rows
    assert [differences(row, sent) for row in rows] == [{}] * len(rows)


@pytest.mark.parametrize(("file", "paths"), [
    ("spot_btcusdt_20240808.gz", ["/ws/btcusdt@depth@100ms", "/ws/btcusdt@bookTicker", "/ws/btcusdt@trade"]),
    ("usdm_btcusdt_20240808.gz", ["/public/ws/btcusdt@depth@100ms", "/public/ws/btcusdt@bookTicker"]),
])  # fmt: skip
def test_market_frames_have_the_recorded_fields_and_types(served: Served, file: str, paths: list[str]) -> None:
    recorded = dict(_first_of_each(shared(f"samples/l2_raw/{file}")))
    for path in paths:
        stream = path.rpartition("/")[2].partition("@")[2].partition("@")[0]
        frames: list[dict[str, Any]] = []
        with listening(served, path) as ears:
            for look in range(200):  # books are told every 100 ms, of whatever the machine came to meanwhile
                served.price("BTCUSDT", 60_010 + 90 * (look % 2))
                frames = [f for f in ears.rest(0.05) if stream != "depth" or (f["b"] and f["a"])]
                if frames:
                    break
        assert frames, path
        assert differences(recorded[stream], frames[0]) == {}, path


def _first_of_each(path: Path) -> Iterator[tuple[str, Any]]:
    """(kind of stream, frame) of the first full frame of each stream."""
    seen = set()
    with gzip.open(path, "rt") as lines:
        for _, line in zip(range(3_000), lines, strict=False):
            frame = json.loads(line.split(" ", 1)[1])
            kind = frame.get("stream", "").partition("@")[2].partition("@")[0]
            data = frame.get("data", {})
            if kind and kind not in seen and (kind != "depth" or (data["b"] and data["a"])):
                seen.add(kind)
                yield kind, data


def test_recorded_errors_have_a_row_with_their_words() -> None:
    for row in recordings("samples/errors/binance_errors_seen.jsonl"):
        raws = row["raw"] if isinstance(row["raw"], list) else [row["raw"]]
        for raw in raws:
            if "code" not in raw:
                continue
            code = CODES[raw["code"]]
            assert code.market in ("both", {"um": "futures", "both": "both"}.get(row["market"], "spot"))
            parts = code.text.split("{}")
            if raw["code"] != -1021:  # two messages for one code
                assert raw["msg"].startswith(parts[0]), raw
                assert raw["msg"].endswith(parts[-1]), raw


@pytest.mark.parametrize(("file", "target", "extras"), [
    ("spot_mainnet_2024-09-08.json.gz", "/api/v3/exchangeInfo", {"ICEBERG_PARTS", "TRAILING_DELTA"}),
    ("um_testnet_2025-12-24.json.gz", "/fapi/v1/exchangeInfo", {"POSITION_RISK_CONTROL"}),
])  # fmt: skip
def test_exchange_info_has_the_recorded_fields_and_types(
    served: Served, file: str, target: str, extras: set[str]
) -> None:
    recorded = json.loads(gzip.decompress(shared(f"samples/exchange_info/{file}").read_bytes()))
    sent = served.call("GET", target)[1]
    one = next(s for s in recorded["symbols"] if s["symbol"] == "BTCUSDT")
    own = next(s for s in sent["symbols"] if s["symbol"] == "BTCUSDT")
    filters = {f["filterType"]: f for f in own.pop("filters")}
    for item in one.pop("filters"):
        if item["filterType"] not in extras:
            assert differences(item, filters[item["filterType"]]) == {}
    absent = {name for name in shape(one) if name not in shape(own)}
    assert absent <= {".maxMoveOrderLimit", ".permissionSets[]", ".underlyingSubType[]"}, absent
    recorded.pop("symbols")
    assert differences(recorded, sent) == {}
