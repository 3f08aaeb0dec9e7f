"""Hosts, keys, signatures, circuits, ranks, lanes, differences, known ids: each by itself."""

import asyncio
import hmac
import pickle
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from gridbot_tui.exchange.binance.circuit import Circuits
from gridbot_tui.exchange.binance.client import Client, form
from gridbot_tui.exchange.binance.differences import SETTLED, Differences
from gridbot_tui.exchange.binance.governor import Rank
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.known_ids import KEPT, KnownIds
from gridbot_tui.exchange.binance.lane import Lane
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.ranking import Ranking
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import Market, Mode, Side

# -- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["gb-1", "0.00000001", "-1.5", "a~b_c", "", "a b", "a&b=c", "100%", "é", "币安", "a+b", "a\n", "/"]
)
def test_parameters_stand_in_an_address_as_the_library_would_write_them(text: str) -> None:
    params = {"symbol": text, "quantity": 5, "reduceOnly": "true"}
    assert form(params) == urlencode(params)


# -- hosts and keys -----------------------------------------------------------------------------------------


def test_live_and_paper_go_to_mainnet_and_testnet_to_the_testnets() -> None:
    assert hosts_of(Mode.LIVE) == hosts_of(Mode.PAPER)
    assert hosts_of(Mode.LIVE).rest(Market.FUTURES) == "https://fapi.binance.com/fapi"
    testnet = hosts_of(Mode.TESTNET)
    assert "api.binance.com" not in testnet.rest(Market.SPOT)
    assert testnet.sapi is None


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.TESTNET, Mode.PAPER])
def test_one_address_points_any_mode_at_a_server(mode: Mode) -> None:
    hosts = hosts_of(mode, "http://127.0.0.1:9000/")
    assert hosts.rest(Market.SPOT) == "http://127.0.0.1:9000/api"
    assert hosts.spot_ws_api == "ws://127.0.0.1:9000/ws-api/v3"
    assert hosts.futures_private == "ws://127.0.0.1:9000/private"
    assert hosts_of(mode, "https://box").futures_market == "wss://box/market"


@pytest.mark.parametrize("text", ["127.0.0.1:9000", "ftp://x", "http://", "http://host/path", "http://host?x=1"])
def test_an_address_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"exchange.base_url.*http://127.0.0.1:9000"):
        hosts_of(Mode.PAPER, text)


def test_keys_show_themselves_nowhere() -> None:
    keys = Keys("k" * 64, "s" * 64)
    assert "k" * 8 not in f"{keys!r} {keys}"
    assert "s" * 8 not in f"{keys!r} {keys}"
    with pytest.raises(TypeError):
        pickle.dumps(keys)


def test_a_private_key_is_told_from_a_secret_whatever_stands_around_it() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\r\nabc\r\n-----END PRIVATE KEY-----\r\n\n"
    keys = Keys("key", pem)
    assert keys.hmac_secret() is None
    assert keys.private_key() == "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
    assert not Keys("key", "").there


# -- circuits -----------------------------------------------------------------------------------------------


def test_three_identical_refusals_open_a_circuit_and_one_may_try_later() -> None:
    circuits, key = Circuits(BinanceParams(circuit_ms=1_000)), ("BTCUSDT", "grid buy order")
    assert [circuits.refused(key, -2019, "Margin", now) for now in (0, 1, 2)] == [False, False, True]
    held = circuits.holds(key, 500)
    assert held is not None
    assert (held.code, held.detail, held.since, held.until) == (-2019, "Margin", 0, 1_002)
    assert circuits.holds(("ETHUSDT", "grid buy order"), 500) is None
    assert circuits.holds(key, 1_002) is None
    assert circuits.refused(key, -2019, "Margin", 1_003)
    assert circuits.holds(key, 1_500) is not None
    circuits.passed(key)
    assert circuits.holds(key, 1_501) is None
    assert circuits.standing() == ()


def test_another_refusal_begins_to_count_anew() -> None:
    circuits, key = Circuits(BinanceParams()), ("BTCUSDT", "AskFills")
    for code in (-1, -1, -2, -1, -1):
        assert not circuits.refused(key, code, "", 0)


# -- ranks and lanes -------------------------------------------------------------------------------------------


def order(client_id: str, *, rung: int = 1, purpose: Purpose = Purpose.GRID, reduce_only: bool = False) -> NewOrder:
    return NewOrder(client_id, "BTCUSDT", Side.BUY, OrderKind.LIMIT, 1, 1, purpose, 0, True, reduce_only, rung=rung)


def test_an_entry_at_a_rung_whose_order_we_cancelled_only_moves_it() -> None:
    ranking = Ranking()
    assert ranking.of(order("a")) is Rank.ENTRY
    ranking.placed(order("a"))
    ranking.cancelled("a")
    assert ranking.of(order("b", rung=2)) is Rank.ENTRY
    assert ranking.of(order("c")) is Rank.REPRICE
    assert ranking.of(order("d")) is Rank.ENTRY


def test_what_reduces_or_works_a_target_protects() -> None:
    ranking = Ranking()
    assert ranking.of(order("a", purpose=Purpose.TARGET)) is Rank.PROTECT
    assert ranking.of(order("b", reduce_only=True)) is Rank.PROTECT


async def test_what_is_laid_into_a_lane_is_taken_in_its_turn() -> None:
    lane: Lane[int] = Lane()
    taker = asyncio.create_task(lane.filled())
    await asyncio.sleep(0)
    lane.lay(1)
    await asyncio.sleep(0)
    assert not taker.done()
    lane.put(2)
    await taker
    assert lane.take(2) == [1, 2]
    again = asyncio.create_task(lane.filled())
    await asyncio.sleep(0)
    lane.lay(3)
    lane.wake()
    await again
    assert lane.take() == [3]


async def test_a_lane_gives_out_in_order_and_lets_one_be_withdrawn() -> None:
    lane: Lane[int] = Lane()
    for number in range(5):
        lane.put(number)
    assert lane.withdraw(lambda one: one == 2) == 2
    assert lane.withdraw(lambda one: one == 2) is None
    assert lane.take(3) == [0, 1, 3]
    await lane.filled()
    assert lane.take(9) == [4]
    assert lane.take() == []
    assert len(lane) == 0


# -- signatures -------------------------------------------------------------------------------------------------


async def test_what_is_signed_is_what_is_sent_to_the_last_character() -> None:
    client = Client(hosts_of(Mode.LIVE), Keys("key", "secret"), BinanceParams(), lambda _: None)
    try:
        assert client._keyed is not None
        for _ in range(2):  # the secret is worked in once
            sent = client._signed({"symbol": "币安USDT", "quantity": "0.01"}, client._keyed.copy())
            words, _, signature = sent.rpartition("&signature=")
            assert signature == hmac.digest(b"secret", words.encode(), "sha256").hex()
            assert words.startswith("symbol=%E5%B8%81%E5%AE%89USDT&quantity=0.01&recvWindow=")
    finally:
        await client.close()


# -- memory ---------------------------------------------------------------------------------------------------


def test_known_ids_are_bounded_and_never_change_hands() -> None:
    ids = KnownIds()
    ids.learn("BTCUSDT", "1", "a")
    ids.learn("BTCUSDT", "1", "b")
    assert ids.client_id("BTCUSDT", "1") == "a"
    assert ids.client_id("ETHUSDT", "1") is None
    for number in range(KEPT):
        ids.learn("ETHUSDT", str(number), "x")
    assert ids.client_id("BTCUSDT", "1") is None


# -- differences --------------------------------------------------------------------------------------------


def test_a_deposit_nobody_heard_of_is_told_once_it_has_stood_over_two_looks() -> None:
    differences = Differences()
    booked = {"USDT": Decimal(100), "BTC": Decimal(1)}
    actual = {"USDT": Decimal("112.5"), "BTC": Decimal(1), "ETH": Decimal(2)}
    assert differences.look(actual, booked, 1_000) == []
    assert differences.look(actual, booked, 1_000 + SETTLED - 1) == []
    found = differences.look(actual, booked, 1_000 + SETTLED)
    assert [(one.asset, one.amount, one.cash_kind) for one in found] == [
        ("ETH", Decimal(2), "transfer"),
        ("USDT", Decimal("12.5"), "transfer"),
    ]
    assert differences.look(actual, {**actual}, 9_000) == []


def test_a_difference_that_still_moves_or_goes_is_no_deposit() -> None:
    differences = Differences()
    booked = {"USDT": Decimal(100)}
    assert differences.look({"USDT": Decimal(90)}, booked, 0) == []
    assert differences.look({"USDT": Decimal(80)}, booked, 10_000) == []
    assert differences.look({"USDT": Decimal(100)}, booked, 20_000) == []
    assert differences.look({"USDT": Decimal(80)}, booked, 30_000) == []
