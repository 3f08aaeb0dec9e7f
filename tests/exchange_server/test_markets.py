"""What a market can be made of: as many invented symbols as are asked for, a document's own, recorded trades."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gridbot_tui.exchange.server.build import build
from gridbot_tui.exchange.server.clock import Clock
from gridbot_tui.exchange.server.coins import worth_of
from gridbot_tui.exchange.server.fields import check
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.settings import ServeOptions
from gridbot_tui.exchange.server.table import REST, Call
from gridbot_tui.market.errors import DataError
from gridbot_tui.units import HOUR, MINUTE, Market
from tests.data import shared

NOON = 1_795_262_400_000
SPOT, FUTURES = (Market.SPOT,), (Market.FUTURES,)


def opened(markets: tuple[Market, ...], history: int = HOUR, **options: Any) -> Place:
    return build(markets, ServeOptions(), history=history, clock=Clock(wall=lambda: NOON * 1_000), **options)


def ask(place: Place, path: str, **params: str) -> Any:
    row = REST["GET", path]
    return row.handler(Call(place, check(row.spec, params, False), place.clock.now(), None, ""))


@pytest.mark.parametrize(("markets", "path"), [(SPOT, "/api/v3"), (FUTURES, "/fapi/v1")])
def test_a_market_has_as_many_invented_symbols_as_are_asked_for(markets: tuple[Market, ...], path: str) -> None:
    place = opened(markets, count=50)
    symbols = ask(place, f"{path}/exchangeInfo")["symbols"]
    assert len({s["symbol"] for s in symbols}) == 50
    prices = {row["symbol"]: float(row["price"]) for row in ask(place, f"{path}/ticker/price")}
    for row in symbols:
        filters = {f["filterType"]: f for f in row["filters"]}
        assert prices[row["symbol"]] >= 100 * float(filters["PRICE_FILTER"]["tickSize"])
        assert prices[row["symbol"]] * float(filters["LOT_SIZE"]["stepSize"]) < 200
        assert prices[row["symbol"]] < float(filters["PRICE_FILTER"]["maxPrice"])


def test_more_symbols_than_are_known_and_names_nobody_knows_are_refused() -> None:
    with pytest.raises(DataError, match="--exchange-info"):
        opened(FUTURES, count=400)
    with pytest.raises(DataError, match="NOPEUSDT"):
        opened(FUTURES, symbols=("NOPEUSDT",))


@pytest.mark.parametrize(("symbol", "tick", "step", "least"), [
    ("ETHBTC", "0.00001000", "0.00010000", "0.00010000"), ("XRPBTC", "0.00000001", "0.10000000", "0.00010000"),
    ("SOLETH", "0.00001000", "0.00100000", "0.00250000"), ("BTCEUR", "1.00000000", "0.00010000", "5.00000000"),
])  # fmt: skip
def test_a_spot_pair_that_is_named_may_be_quoted_in_another_coin(
    symbol: str, tick: str, step: str, least: str
) -> None:
    place = opened(SPOT, symbols=(symbol, "BTCUSDT"))
    (row,) = (one for one in ask(place, "/api/v3/exchangeInfo")["symbols"] if one["symbol"] == symbol)
    filters = {one["filterType"]: one for one in row["filters"]}
    told = filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"], filters["NOTIONAL"]["minNotional"]
    assert told == (tick, step, least)
    prices = {one["symbol"]: float(one["price"]) for one in ask(place, "/api/v3/ticker/price")}
    base, quote = worth_of(row["baseAsset"]), worth_of(row["quoteAsset"])
    assert base is not None
    assert quote is not None
    assert prices[symbol] == pytest.approx(base / quote, rel=0.3)
    account = place.accounts["key"].spot
    assert account is not None
    assert float(account.account.spendable(row["quoteAsset"])) * quote == pytest.approx(10_000, rel=0.01)
    assert account.account.spendable("USDT") == 10_000
    levels = ask(place, "/api/v3/depth", symbol=symbol, limit="5")["bids"]
    assert 1_000 < sum(float(price) * float(steps) * quote for price, steps in levels) < 1_000_000
    with pytest.raises(DataError, match=symbol):
        opened(FUTURES, symbols=(symbol,))


@pytest.mark.data
def test_a_document_of_binance_s_own_gives_pairs_of_any_quote_by_their_names() -> None:
    path = shared("samples/exchange_info/spot_mainnet_2024-09-08.json.gz")
    place = opened(SPOT, symbols=("ETHBTC", "BTCEUR"), exchange_info=path)
    found = {row["symbol"]: row for row in ask(place, "/api/v3/exchangeInfo")["symbols"]}
    assert {name: (row["baseAsset"], row["quoteAsset"]) for name, row in found.items()} == {
        "ETHBTC": ("ETH", "BTC"), "BTCEUR": ("BTC", "EUR"),
    }  # fmt: skip
    assert found["BTCEUR"]["filters"][0]["tickSize"] == "0.01000000"


@pytest.mark.data
def test_a_document_of_binance_s_own_gives_symbols_with_its_filters() -> None:
    path = shared("samples/exchange_info/um_testnet_2025-12-24.json.gz")
    told = {row["symbol"]: row for row in json.loads(gzip.decompress(path.read_bytes()))["symbols"]}
    place = opened(FUTURES, symbols=("BTCUSDT", "ARUSDT", "1INCHUSDT"), exchange_info=path)
    for row in ask(place, "/fapi/v1/exchangeInfo")["symbols"]:
        own = {f["filterType"]: f for f in row["filters"]}
        theirs = {f["filterType"]: f for f in told[row["symbol"]]["filters"]}
        for name, field in (("PRICE_FILTER", "tickSize"), ("LOT_SIZE", "stepSize")):
            assert float(own[name][field]) == float(theirs[name][field])


def test_a_client_that_has_been_away_for_half_an_hour_pages_through_all_that_was_traded() -> None:
    """At four trades a second: what is kept begins before it went."""
    place = opened(FUTURES, symbols=("BTCUSDT", "ETHUSDT"))
    tape = place.tape("futures", "BTCUSDT")
    first = tape.next_trade_id
    for n in range(7_200):
        tape.move(NOON + n * 250, tape.last + n % 3 - 1, tape.mark, 10)
    heard: list[int] = []
    while page := ask(place, "/fapi/v1/aggTrades", symbol="BTCUSDT", limit="1000",
                      fromId=str(heard[-1] + 1 if heard else first)):  # fmt: skip
        heard += [row["a"] for row in page]
    assert heard == list(range(first, first + 7_200))
    (oldest,) = ask(place, "/fapi/v1/aggTrades", symbol="BTCUSDT", startTime=str(NOON), limit="1")
    assert oldest["a"] == first


@pytest.mark.parametrize(("markets", "path"), [(SPOT, "/api/v3"), (FUTURES, "/fapi/v1")])
def test_trades_and_candles_of_just_before_the_exchange_opened_are_told_and_agree(
    markets: tuple[Market, ...], path: str
) -> None:
    place = opened(markets, symbols=("BTCUSDT",))
    now = place.clock.now()
    trades = ask(place, f"{path}/aggTrades", symbol="BTCUSDT", limit="1000")
    assert len(trades) == 1_000
    assert now - trades[0]["T"] < 5 * MINUTE
    minutes = ask(place, f"{path}/klines", symbol="BTCUSDT", interval="1m", limit="20")
    for opens, first, high, low, last, volume, closes, _, count, *_ in minutes[:-1]:
        own = ask(place, f"{path}/aggTrades", symbol="BTCUSDT", startTime=str(opens), endTime=str(closes), limit="1000")
        prices = [float(one["p"]) for one in own]
        assert (prices[0], max(prices), min(prices), prices[-1]) == (float(first), float(high), float(low), float(last))
        assert len(own) == count
        assert sum(float(one["q"]) for one in own) == pytest.approx(float(volume))
    if markets == SPOT:
        seconds = ask(place, f"{path}/klines", symbol="BTCUSDT", interval="1s", limit="1000")
        assert [row[0] for row in seconds] == list(range(seconds[0][0], seconds[0][0] + 1_000_000, 1_000))


def test_of_each_of_many_symbols_as_many_trades_are_kept_as_one_answer_holds() -> None:
    place = opened(FUTURES, count=60)
    assert {tape.trades.maxlen for tape in place.floor("futures").tapes.values()} == {1_000}


def test_filters_that_only_some_symbols_have_stand_behind_those_of_all(tmp_path: Path) -> None:
    """Clients take the first for that of the price, the second for that of the lot."""
    place = opened(SPOT, symbols=("BTCUSDT",))
    told = ask(place, "/api/v3/exchangeInfo")
    told["symbols"][0]["filters"].append({"filterType": "MAX_POSITION", "maxPosition": "5.00000000"})
    path = tmp_path / "spot.json"
    path.write_text(json.dumps(told))
    (row,) = ask(opened(SPOT, symbols=("BTCUSDT",), exchange_info=path), "/api/v3/exchangeInfo")["symbols"]
    names = [one["filterType"] for one in row["filters"]]
    assert (names[0], names[1], names[-1]) == ("PRICE_FILTER", "LOT_SIZE", "MAX_POSITION")


def trades(tmp_path: Path, folder: str, name: str, form: str) -> tuple[Path, list[tuple[int, float, float, bool]]]:
    """A file of trades, one every twenty seconds for ten hours, and what is in it."""
    begin = 1_700_000_000_000 // HOUR * HOUR
    rows = [(begin + 20_000 * n, 60_000.0 + n % 7, 0.001 * (1 + n % 11), n % 13 == 0) for n in range(1_800)]
    frame = pl.DataFrame({
        "agg_trade_id": range(len(rows)), "price": [r[1] for r in rows], "quantity": [r[2] for r in rows],
        "first_trade_id": range(len(rows)), "last_trade_id": range(len(rows)), "transact_time": [r[0] for r in rows],
        "is_buyer_maker": [r[3] for r in rows],
    })  # fmt: skip
    path = tmp_path / folder / name
    path.parent.mkdir(parents=True)
    if form == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, include_header=form == "head")
    return path, rows


@pytest.mark.parametrize(("folder", "name", "form"), [
    ("um/BTCUSDT/aggtrades", "2023-11-14.parquet", "parquet"), ("data", "BTCUSDT-aggTrades-2023-11-14.csv", "head"),
    ("data", "BTCUSDT-aggTrades-2023-11-14.csv", "bare"),
])  # fmt: skip
def test_recorded_trades_are_played_one_by_one_as_they_were(tmp_path: Path, folder: str, name: str, form: str) -> None:
    path, rows = trades(tmp_path, folder, name, form)
    place = opened(FUTURES, data=[str(path if form != "parquet" else path.parent)])
    tape = place.floors["futures"].tapes["BTCUSDT"]
    assert not tape.trades, "what has been is known as candles"
    place.clock.jump(20 * MINUTE - 1_000)
    place.advance()
    heard = [(t.price, t.steps, not t.taker_buys) for t in tape.trades]
    every = [(round(p * 10), round(q * 1000), sold) for _, p, q, sold in rows]
    first = next(n for n in range(len(every)) if every[n : n + len(heard)] == heard)
    assert len(heard) == 60
    gaps = {b.at - a.at for a, b in zip(tape.trades, list(tape.trades)[1:], strict=False)}
    assert gaps == {20_000}
    assert first > 100, "some of it lies in the past"
    candle = ask(place, "/fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit="3")[0]
    assert (candle[8], float(candle[5]) > 0) == (3, True)


def test_a_resting_order_fills_by_a_recorded_trade_beyond_it(tmp_path: Path) -> None:
    path, _ = trades(tmp_path, "um/BTCUSDT/aggtrades", "x.parquet", "parquet")
    place = opened(FUTURES, data=[str(path)])
    account = place.by_key("key")
    post = REST["POST", "/fapi/v1/order"]
    sent = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "60000.5",
            "quantity": "0.003"}  # fmt: skip
    while place.floors["futures"].tapes["BTCUSDT"].last < 600_020:
        place.clock.jump(20_000)
        place.advance()
    post.handler(Call(place, check(post.spec, sent, False), place.clock.now(), account, ""))
    place.clock.jump(5 * MINUTE)
    place.advance()
    assert account.futures is not None
    fills = account.futures.history.trades["BTCUSDT"]
    assert [t.price for t in fills] == [600_005] * len(fills)
    assert sum(t.steps for t in fills) == 3
    assert all(t.maker for t in fills)


LINE = "1,60000.0,0.1,1,1,1700000000000,true\n"


@pytest.mark.parametrize(("text", "told"), [
    ("a,b\n1,2\n", "price, quantity"), ("1,2,3\n", "3 columns"), ("", "read"),
    *((LINE.replace(good, bad), "that is none") for good, bad in (
        ("60000.0", "NaN"), ("60000.0", "1e400"), ("0.1", "inf"), ("60000.0", "0"), ("1700000000000", "-5"))),
])  # fmt: skip
def test_a_file_that_holds_no_trades_is_refused_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "BTCUSDT-trades-2024-01-01.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        opened(FUTURES, data=[str(path)])


def test_a_packed_file_of_trades_that_is_damaged_is_refused_in_a_sentence(tmp_path: Path) -> None:
    whole = gzip.compress((LINE * 4_000).encode())
    broken = bytearray(whole)
    broken[15] ^= 0xFF
    for number, raw in enumerate((whole[: len(whole) // 2], bytes(broken), b"")):
        path = tmp_path / f"BTCUSDT-aggTrades-2025-01-0{number + 1}.csv.gz"
        path.write_bytes(raw)
        with pytest.raises(DataError, match="cannot be read"):
            opened(FUTURES, data=[str(path)])
    empty = tmp_path / "BTCUSDT-aggTrades-2025-01-09.zip"
    with zipfile.ZipFile(empty, "w"):
        pass
    with pytest.raises(DataError, match="0 CSV files"):
        opened(FUTURES, data=[str(empty)])


def test_data_of_one_market_say_which_one_can_be_served(tmp_path: Path) -> None:
    path, _ = trades(tmp_path, "um/BTCUSDT/aggtrades", "x.parquet", "parquet")
    with pytest.raises(DataError, match="nothing of spot: serve --market futures, or"):
        opened(SPOT + FUTURES, data=[str(path)])
