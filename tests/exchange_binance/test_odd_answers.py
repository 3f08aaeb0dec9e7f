"""Answers that say less, more or other than they ought to: what is missing is not zero, and nothing ends the port."""

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gridbot_tui.engine.events import Outcome
from gridbot_tui.exchange.binance import account_words, order_words
from gridbot_tui.exchange.binance.calls import Futures
from gridbot_tui.exchange.binance.client import BadKey, Client, HttpTrouble, Unreadable
from gridbot_tui.exchange.binance.errors import Refused, RetryLater, Unresolved, classify
from gridbot_tui.exchange.binance.governor import Rank
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.numbers import Scale
from gridbot_tui.exchange.binance.order_words import BadAnswer
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.rest import AccountSetup
from gridbot_tui.service.venues.safety import objection
from gridbot_tui.service.venues.venue_open import account_objection
from gridbot_tui.settings.sections import SafetyParams
from gridbot_tui.units import Market, Mode, Side
from tests.exchange_binance.parts import instrument
from tests.exchange_binance.scripted import NOW, Frozen, scripted, trade
from tests.orders.samples import grid_order

SCALE = Scale(instrument("BTCUSDT"))
PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----"""
"""Of the examples of RFC 8032: signs nothing anywhere."""
ARCHIVED = "Order was canceled or expired with no executed qty over 90 days ago and has been archived."


# -- orders -------------------------------------------------------------------------------------------------


def test_an_acknowledgement_has_a_number_and_no_state() -> None:
    report = order_words.placed_report({"orderId": 5, "clientOrderId": "gb-1"}, SCALE, NOW, "gb-1")
    assert (report.outcome, report.exchange_id) == (Outcome.ACCEPTED, "5")


@pytest.mark.parametrize("row", [{}, {"code": 200, "msg": "success"}, {"orderId": None}])
def test_an_answer_to_an_order_that_names_none_is_no_acknowledgement(row: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        order_words.placed_report(row, SCALE, NOW, "gb-1")


@pytest.mark.parametrize("row", [{}, {"status": "FILLED"}, {"executedQty": "0"}, {"status": None, "executedQty": "0"}])
def test_a_state_that_leaves_out_half_of_itself_is_none(row: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        order_words.plain_report({"orderId": 5} | row, SCALE, NOW, "gb-1")


@pytest.mark.parametrize("market", Market)
async def test_a_list_of_open_orders_is_as_of_the_question_for_what_ended_meanwhile_may_be_named(
    market: Market,
) -> None:
    def late(given: Any) -> list[Any]:
        wire.clock = Later()
        return []

    class Later(Frozen):
        def now_ms(self) -> int:
            return NOW + 400

    paths = ("openOrders", "openAlgoOrders")
    rest, wire = scripted(market, dict.fromkeys(paths, late))
    listed = await rest.open_orders(["BTCUSDT"])
    assert (rest.now, listed.at) == (NOW + 400, NOW)


@pytest.mark.parametrize(("quantity", "filled", "read"), [("0.0015", "0.0009", (1, 0)), ("0.0004", "0", (1, 0)),
                                                          ("0.002", "0.001", (2, 1))])  # fmt: skip
async def test_an_order_of_a_finer_step_does_not_make_the_list_unreadable(
    quantity: str, filled: str, read: tuple[int, int]
) -> None:
    row = {"symbol": "BTCUSDT", "orderId": 5, "clientOrderId": "web_1", "side": "BUY", "type": "LIMIT",
           "price": "50000.05", "origQty": quantity, "executedQty": filled}  # fmt: skip
    stop = {"symbol": "BTCUSDT", "clientAlgoId": "web_2", "side": "SELL", "quantity": quantity, "triggerPrice": "40000"}
    rest, _ = scripted(Market.FUTURES, {"openOrders": lambda _: [row], "openAlgoOrders": lambda _: [stop]})
    plain, algo = (await rest.open_orders(["BTCUSDT"])).orders
    assert ((plain.steps, plain.filled), algo.steps) == (read, read[0])


@pytest.mark.parametrize("code", ["200", 200])
async def test_a_stop_is_cancelled_where_the_answer_says_so_or_nothing_else(code: str | int) -> None:
    answers: list[dict[str, Any]] = [{"algoId": 7, "code": code, "msg": "success"}, {"algoId": 7},
                                     {"code": -1003, "msg": "Way too many requests"}]  # fmt: skip
    rest, _ = scripted(Market.FUTURES, {"algoOrder": lambda _: answers.pop(0)})
    for _ in range(2):
        assert (await rest.cancel("BTCUSDT", "gb-1", True)).outcome is Outcome.CANCELED
    with pytest.raises(Unresolved, match="Way too many"):
        await rest.cancel("BTCUSDT", "gb-1", True)


@pytest.mark.parametrize("gone", ["commission", "realizedPnl"])
async def test_an_execution_without_its_money_is_no_execution_that_cost_nothing(gone: str) -> None:
    row = trade(1, NOW) | {gone: None}
    rest, _ = scripted(Market.FUTURES, {"userTrades": lambda _: [row]})
    rest.ids.learn("BTCUSDT", str(row["orderId"]), "gb-1")
    with pytest.raises(RetryLater, match=gone):
        await rest.fills("BTCUSDT", "", NOW)


FINE = Scale(instrument("ETHBTC", "0.00001", "0.0001", Market.SPOT))


@pytest.mark.parametrize(("told", "booked"), [
    ("0.00042152", "0.00042152"), ("0.00042153", "0.00042153"), ("0.000421521", None), (None, "0.00042152"),
    (Decimal("0.00042153"), "0.00042153"),
])  # fmt: skip
def test_a_trade_of_the_list_is_worth_what_the_exchange_has_booked_for_it(
    told: str | Decimal | None, booked: str | None
) -> None:
    row = {"id": 1, "orderId": 7, "time": NOW, "price": "0.03427000", "qty": "0.01230000", "commission": "0",
           "commissionAsset": "BTC", "isBuyer": True, "isMaker": True}  # fmt: skip
    row |= {} if told is None else {"quoteQty": told}
    fill = account_words.fill(row, FINE, "gb-1", True)
    assert fill.quote == (None if booked is None else Decimal(booked))


def test_what_several_trades_of_one_answer_were_worth_is_left_to_others_where_their_sum_does_not_say_it() -> None:
    part = {"price": "0.03427000", "qty": "0.01230000", "commission": "0", "commissionAsset": "ETH"}
    row = {"transactTime": NOW, "fills": [part | {"tradeId": 1}, part | {"tradeId": 2}]}

    def booked(total: str | Decimal, **more: Any) -> list[Decimal | None]:
        whole = {**row, "cummulativeQuoteQty": total, **more}
        return [one.quote for one in account_words.fills_of_answer(whole, FINE, "gb-1", Side.BUY)]

    assert booked("0.00084304") == [Decimal("0.00042152")] * 2
    assert booked("0.00084305") == []
    assert booked("0.00042153", fills=row["fills"][:1]) == [Decimal("0.00042153")]  # type: ignore[index]
    assert booked(Decimal("0.00084304")) == [Decimal("0.00042152")] * 2
    assert booked("0.00000000", fills=[]) == []


def test_an_end_without_a_reason_has_no_reason() -> None:
    row = {"orderId": 5, "status": "EXPIRED_IN_MATCH", "executedQty": "0.001", "expiryReason": None}
    report = order_words.plain_report(row, SCALE, NOW, "gb-1")
    assert (report.outcome, report.filled, report.detail) == (Outcome.EXPIRED, 1, "")


@pytest.mark.parametrize(
    ("status", "working", "outcomes"),
    [
        ("NEW", False, [Outcome.ACCEPTED]),
        ("NEW", True, [Outcome.TRIGGERED, Outcome.ACCEPTED]),
        ("FILLED", True, [Outcome.TRIGGERED, Outcome.FILLED]),
        ("CANCELED", False, [Outcome.CANCELED]),
        ("CANCELED", True, [Outcome.CANCELED]),
    ],
)
def test_a_spot_stop_has_fired_once_it_works_and_not_where_it_was_cancelled(
    status: str, working: bool, outcomes: list[Outcome]
) -> None:
    row = {"orderId": 5, "status": status, "executedQty": "0", "isWorking": working}
    assert [report.outcome for report in order_words.stop_report(row, SCALE, NOW, "gb-1")] == outcomes


async def test_a_spot_order_of_long_ago_that_is_archived_has_ended_without_a_fill() -> None:
    def gone(_: Any) -> Any:
        raise Refused(ARCHIVED, -2026)

    rest, _ = scripted(Market.SPOT, {"order": gone})
    (report,) = await rest.order("BTCUSDT", "gb-1", False)
    assert (report.outcome, report.filled) == (Outcome.EXPIRED, 0)


@pytest.mark.parametrize("answers", [
    [{"clientOrderId": "gb-1", "orderId": 1}],
    [{"clientOrderId": "gb-2", "orderId": 2}, {"clientOrderId": "gb-1", "orderId": 1}],
    [{"clientOrderId": "gb-1", "orderId": 1}, {"orderId": 2}],
])  # fmt: skip
async def test_answers_that_are_not_those_of_a_batchs_orders_leave_all_of_them_in_doubt(answers: list[Any]) -> None:
    rest, _ = scripted(Market.FUTURES, {"batchOrders": lambda _: answers})
    orders = [grid_order(name) for name in ("gb-1", "gb-2")]
    with pytest.raises(Unresolved, match="the answer to a batch"):
        await rest.place_batch(orders, Rank.ENTRY)


@pytest.mark.parametrize("unknown", [{}, {"liquidationPrice": "", "markPrice": ""}, {"liquidationPrice": None}])
def test_a_position_without_a_liquidation_price_or_a_mark_is_a_position_all_the_same(unknown: dict[str, Any]) -> None:
    row = {"symbol": "BTCUSDT", "positionAmt": "-0.012", "entryPrice": "60000.0"} | unknown
    found = account_words.position(row, SCALE)
    assert (found.steps, found.mark, found.liquidation_price) == (-12, None, None)


# -- settings -----------------------------------------------------------------------------------------------


async def test_a_symbol_without_settings_is_no_answer_and_ends_nothing() -> None:
    rest, _ = scripted(Market.FUTURES, {"symbolConfig": lambda _: []})
    with pytest.raises(RetryLater, match="cannot be read"):
        await rest.set_leverage("BTCUSDT", 6)


async def test_a_symbol_of_isolated_margin_is_set_to_cross_before_its_leverage_and_once_only() -> None:
    def refuse(code: int) -> Any:
        def answer(_: Any) -> Any:
            raise Refused("no", code)

        return answer

    row = {"symbol": "BTCUSDT", "leverage": 20, "marginType": "ISOLATED"}
    given = {"symbolConfig": lambda _: [row], "marginType": lambda _: {}, "leverage": lambda _: {}}
    rest, wire = scripted(Market.FUTURES, given)
    await rest.set_leverage("BTCUSDT", 6)
    assert wire.asked[1:] == [
        ("marginType", {"symbol": "BTCUSDT", "marginType": "CROSSED"}),
        ("leverage", {"symbol": "BTCUSDT", "leverage": 6}),
    ]
    rest, wire = scripted(Market.FUTURES, {**given, "marginType": refuse(-4046)})  # it is so already
    await rest.set_leverage("BTCUSDT", 6)
    assert wire.asked[-1][0] == "leverage"
    rest, wire = scripted(Market.FUTURES, {**given, "marginType": refuse(-4048)})  # not with a position
    with pytest.raises(Refused):
        await rest.set_leverage("BTCUSDT", 6)
    assert wire.asked[-1][0] == "marginType"
    row |= {"leverage": 6, "marginType": "CROSSED"}
    rest, wire = scripted(Market.FUTURES, given)
    await rest.set_leverage("BTCUSDT", 6)
    assert [path for path, _ in wire.asked] == ["symbolConfig"]


async def set_up(margin: str = "CROSSED", *, several: bool = False, **wallets: str) -> AccountSetup:
    account = {"canTrade": True, "dualSidePosition": False, "multiAssetsMargin": several}
    row = {"symbol": "BTCUSDT", "leverage": 20, "marginType": margin}
    assets = [{"asset": asset, "walletBalance": amount} for asset, amount in wallets.items()]
    rest, _ = scripted(Market.FUTURES, {"accountConfig": lambda _: account, "symbolConfig": lambda _: [row],
                                        "account": lambda _: {"assets": assets}})  # fmt: skip
    setup: AccountSetup = await rest.setup(("BTCUSDT",))
    return setup


async def test_a_margin_mode_nobody_has_heard_of_is_not_taken_for_cross() -> None:
    assert (await set_up("PORTFOLIO")).isolated == {"BTCUSDT"}


async def test_an_account_that_settles_in_credits_is_named_and_not_traded_with() -> None:
    for setup in (await set_up(USDT="0", BNFCR="12.5"), await set_up(several=True, USDC="500", BNFCR="0")):
        assert "credits trading mode (the EU's): margin, profit and fees are in BNFCR" in account_objection(setup)
    for setup in (await set_up(USDT="500"), await set_up(USDT="500", BNFCR="0"), await set_up(several=True, USDT="5")):
        assert account_objection(setup) == ""


async def test_an_exchange_without_the_call_does_not_say_what_the_key_may_do() -> None:
    def missing(_: Any) -> Any:
        raise classify(HttpTrouble(404), "GET account/apiRestrictions", changes=False, market=Market.SPOT)

    rest, _ = scripted(Market.FUTURES, {"account/apiRestrictions": missing})
    assert await rest.api_restrictions() is None
    assert "does not say" in objection(None, Mode.LIVE, Market.FUTURES, SafetyParams())
    assert objection(None, Mode.TESTNET, Market.FUTURES, SafetyParams()) == ""


def test_an_order_to_an_address_that_nothing_is_at_is_no_refusal() -> None:
    assert type(classify(HttpTrouble(404), "POST order", changes=True, market=Market.SPOT)) is Unresolved


# -- what stands between us and the exchange -------------------------------------------------------------------


@asynccontextmanager
async def answering(
    status: int, body: bytes, headers: dict[str, str], secret: str = "secret"
) -> AsyncIterator[tuple[Client, list[Any]]]:
    """A client turned on a server that answers everything so, and what that server was asked."""
    asked: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.method, request.path))
        return web.Response(status=status, body=body, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hosts = hosts_of(Mode.LIVE, f"http://127.0.0.1:{runner.addresses[0][1]}")
    client = Client(hosts, Keys("key", secret), BinanceParams(), lambda _: None)
    try:
        yield client, asked
    finally:
        await client.close()
        await runner.cleanup()


@pytest.mark.parametrize("secret", ["secret", PEM])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_nobody_sends_a_signed_request_on_to_another_place(status: int, secret: str) -> None:
    async with answering(status, b"<html>log in</html>", {"Location": "/elsewhere"}, secret) as (client, asked):
        for call in (Futures.PLACE, Futures.OPEN):
            with pytest.raises(HttpTrouble) as told:
                await client.send(Market.FUTURES, call, {"symbol": "BTCUSDT"})
            assert (told.value.status, told.value.code) == (status, None)
    assert asked == [("POST", "/fapi/v1/order"), ("GET", "/fapi/v1/openOrders")]


@pytest.mark.parametrize("body", [b"", b"<html>gateway</html>", b"[" * 5_000, b"\xff"])
async def test_a_success_that_says_nothing_is_not_taken_for_an_empty_list(body: bytes) -> None:
    async with answering(200, body, {}) as (client, _):
        with pytest.raises(Unreadable):
            await client.send(Market.FUTURES, Futures.OPEN, {"symbol": "BTCUSDT"})


async def test_a_body_that_is_not_packed_as_it_says_is_lost_like_a_broken_connection() -> None:
    async with answering(200, b"not gzip at all", {"Content-Encoding": "gzip"}) as (client, _):
        with pytest.raises(aiohttp.ClientError):
            await client.send(Market.FUTURES, Futures.OPEN, {"symbol": "BTCUSDT"})


@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_without_end_is_not_read_to_its_end(
    status: int, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridbot_tui.exchange.binance.client._LARGEST", 100_000)
    body = json.dumps(["x" * 1_000] * 1_000).encode()
    headers = {"Content-Encoding": "gzip"} if packed else {}
    async with answering(status, gzip.compress(body) if packed else body, headers) as (client, _):
        with pytest.raises(Unreadable, match="an answer of more than"):
            await client.send(Market.FUTURES, Futures.OPEN, {"symbol": "BTCUSDT"})


# -- keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("middle", ["garbage", "MIIBgTBTBgkq", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=" * 5])
async def test_a_private_key_that_is_none_is_said_without_any_of_it(middle: str) -> None:
    for kind in ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY"):
        keys = Keys("key", f"-----BEGIN {kind}-----\n{middle}\n-----END {kind}-----")
        with pytest.raises(BadKey, match="without a passphrase") as wrong:
            Client(hosts_of(Mode.LIVE), keys, BinanceParams(), lambda _: None)
        assert middle not in repr(wrong.value)
        assert wrong.value.__suppress_context__, "nor is any of it in what is printed of where it came from"
