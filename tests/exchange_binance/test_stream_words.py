import gzip
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbot_tui.engine.events import Cash, CashKind, Fill, OrderReport, Outcome, PositionTold, Quote
from gridbot_tui.exchange.binance import frames
from gridbot_tui.exchange.binance.conflate import Pair, Quotes
from gridbot_tui.exchange.binance.frames import BadFrame
from gridbot_tui.exchange.binance.futures_words import FuturesWords
from gridbot_tui.exchange.binance.known_ids import KnownIds
from gridbot_tui.exchange.binance.line import Renew
from gridbot_tui.exchange.binance.market_words import MarketWords, Streams
from gridbot_tui.exchange.binance.numbers import BadNumber, Grid, Scale, money
from gridbot_tui.exchange.binance.spot_words import SpotWords
from gridbot_tui.exchange.binance.words import SETTINGS, Doubtful, Ended, Foreign, Leaving, LookAgain, WalletMoved
from gridbot_tui.market.bar import Bar
from gridbot_tui.units import MINUTE, ZERO, Market, Ms, Side
from tests.data import shared
from tests.exchange_binance.parts import instrument

FUTURES = {
    i.symbol: i
    for i in (
        instrument("BTCUSDT"), instrument("XRPUSDT", "0.0001", "1"), instrument("ETHBUSD", "0.01"),
        instrument("SOLUSDT", "0.01", "0.01"), instrument("TRXUSDT", "0.00001", "1"), instrument("ETHUSDT", "0.01"),
    )
}  # fmt: skip
SPOT = {
    i.symbol: i
    for i in (
        instrument("BTCUSDT", "0.01", "0.00001", Market.SPOT), instrument("ARBUSDT", "0.0001", "0.1", Market.SPOT),
        instrument("EOSUSDT", "0.001", "0.01", Market.SPOT),
    )
}  # fmt: skip


def ours(client_id: str) -> bool:
    return client_id.startswith("gb")


def futures(ids: KnownIds | None = None) -> FuturesWords:
    return FuturesWords(FUTURES, ours, ids or KnownIds())


def spot() -> SpotWords:
    return SpotWords(SPOT, ours, KnownIds())


def raw(frame: Any) -> bytes:
    return json.dumps(frame).encode()


def order(**fields: Any) -> dict[str, Any]:
    """An ORDER_TRADE_UPDATE as of 2026."""
    o = {
        "s": "BTCUSDT", "c": "gb0-1", "S": "BUY", "o": "LIMIT", "f": "GTX", "q": "0.010", "p": "60000", "ap": "0",
        "sp": "0", "x": "NEW", "X": "NEW", "i": 77, "l": "0", "z": "0", "L": "0", "n": "0", "N": "USDT",
        "T": 1_000, "t": 0, "b": "0", "a": "0", "m": False, "R": False, "wt": "CONTRACT_PRICE", "ot": "LIMIT",
        "ps": "BOTH", "cp": False, "rp": "0", "pP": False, "si": 0, "ss": 0, "V": "EXPIRE_MAKER", "pm": "NONE",
        "gtd": 0, "er": "0",
    }  # fmt: skip
    return {"e": "ORDER_TRADE_UPDATE", "E": 1_001, "T": 1_000, "o": {**o, **fields}}


TRADED = {"x": "TRADE", "X": "PARTIALLY_FILLED", "l": "0.004", "z": "0.004", "L": "59999.9", "n": "0.048", "t": 5,
          "m": True, "rp": "-1.25"}  # fmt: skip


def algo(**fields: Any) -> dict[str, Any]:
    o = {"caid": "gb0-stop", "aid": 9, "at": "CONDITIONAL", "o": "STOP_MARKET", "s": "BTCUSDT", "S": "SELL",
         "ps": "BOTH", "f": "GTC", "q": "0.010", "X": "NEW", "ai": "", "tp": "55000", "p": "0", "rm": ""}  # fmt: skip
    return {"e": "ALGO_UPDATE", "T": 1_000, "E": 1_001, "o": {**o, **fields}}


def report(**fields: Any) -> dict[str, Any]:
    """A spot executionReport."""
    event = {
        "e": "executionReport", "E": 1_001, "s": "BTCUSDT", "c": "gb0-1", "S": "BUY", "o": "LIMIT_MAKER", "f": "GTC",
        "q": "0.01000000", "p": "60000.00000000", "P": "0.00000000", "F": "0.00000000", "g": -1, "C": "", "x": "NEW",
        "X": "NEW", "r": "NONE", "i": 77, "l": "0.00000000", "z": "0.00000000", "L": "0.00000000", "n": "0", "N": None,
        "T": 1_000, "t": -1, "I": 3, "w": True, "m": False, "M": False, "O": 1_000, "Z": "0.0", "Y": "0.0", "Q": "0.0",
        "W": 1_000, "V": "NONE",
    }  # fmt: skip
    event |= fields
    if event["x"] == "TRADE" and "Y" not in fields:
        event["Y"] = str(Decimal(str(event["l"])) * Decimal(str(event["L"])))
    return {"subscriptionId": 0, "event": event}


# -- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "text", "whole"), [
    ("0.10", "60000.1", 600_001), ("0.10", "60000.10000000", 600_001), ("0.05", "1.15", 23), ("1", "150", 150),
    ("10", "150", 15), ("1E+1", "150.000", 15), ("0.00001000", "0.07600", 7_600), ("0.001", "0", 0),
    ("0.25", "0.75", 3), ("0.10", "6E+4", 600_000), ("0.10", "0E-8", 0), ("0.00000001", "1E-8", 1),
])  # fmt: skip
def test_a_text_is_read_as_a_whole_number_of_ticks(size: str, text: str, whole: int) -> None:
    assert Grid(Decimal(size)).read(text) == whole


@pytest.mark.parametrize(
    "text", ["", ".", "60000.15", "-1", "1e30", "1e-9", "NaN", "Infinity", "1,5", "١٢", "1_000", " 1", "9" * 60]
)
def test_what_is_no_multiple_is_no_number_at_all(text: str) -> None:
    with pytest.raises(BadNumber):
        Grid(Decimal("0.10")).read(text)


@given(st.integers(0, 10**12), st.sampled_from(["0.1", "0.05", "0.00000001", "1", "100", "0.25", "0.002"]))
def test_every_multiple_is_read_back_exactly(number: int, size: str) -> None:
    assert Grid(Decimal(size)).read(format(number * Decimal(size), "f")) == number


@pytest.mark.parametrize("text", ["NaN", "Infinity", "", "x", "9" * 50])
def test_money_is_finite(text: str) -> None:
    with pytest.raises(BadNumber):
        money(text)


# -- futures ----------------------------------------------------------------------------------------------------


def test_a_trade_is_a_fill_and_a_report() -> None:
    kind, at, words = futures().of(raw(order(**TRADED)))
    assert (kind, at) == ("ORDER_TRADE_UPDATE", 1_001)
    assert words == [
        Fill(1_000, "BTCUSDT", "gb0-1", "5", Side.BUY, 599_999, 4, Decimal("0.048"), "USDT", True, Decimal("-1.25")),
        OrderReport(1_000, "BTCUSDT", "gb0-1", Outcome.PARTLY_FILLED, 4, "77"),
    ]


@pytest.mark.parametrize(("state", "outcome"), [
    ("NEW", Outcome.ACCEPTED), ("PARTIALLY_FILLED", Outcome.PARTLY_FILLED), ("FILLED", Outcome.FILLED),
    ("CANCELED", Outcome.CANCELED), ("EXPIRED", Outcome.EXPIRED), ("EXPIRED_IN_MATCH", Outcome.EXPIRED),
])  # fmt: skip
def test_every_state_of_a_plain_order_has_its_word(state: str, outcome: Outcome) -> None:
    words = futures().of(raw(order(x=state, X=state)))[2]
    assert [w.outcome for w in words if isinstance(w, OrderReport)] == [outcome]


def test_a_state_nobody_knows_is_asked_about_and_never_guessed() -> None:
    words = futures().of(raw(order(X="HALF_ALIVE")))[2]
    assert [type(w) for w in words] == [LookAgain]


@pytest.mark.parametrize("gone", ["left out", "null"])
def test_a_trade_without_its_profit_is_left_to_the_list_that_has_it(gone: str) -> None:
    """Booked without, the wallet would differ from the ledger for good. One without a fee has none: Binance says so."""
    frame = order(**TRADED)
    frame["o"]["rp"] = None
    if gone == "left out":
        del frame["o"]["rp"]
    words = futures().of(raw(frame))[2]
    assert [type(w) for w in words] == [LookAgain, OrderReport]
    frame = order(**TRADED)
    del frame["o"]["n"]
    assert [type(w) for w in futures().of(raw(frame))[2]] == [LookAgain, OrderReport], "a fee of nobody knows how much"
    del frame["o"]["N"]
    assert [type(w) for w in futures().of(raw(frame))[2]] == [Fill, OrderReport]


def test_a_spot_trade_without_its_fee_is_left_to_the_list_that_has_it() -> None:
    frame = report(x="TRADE", X="FILLED", l="0.01", z="0.01", L="60000.0", t=8, n=None)
    assert [type(w) for w in spot().of(raw(frame))[2]] == [LookAgain, OrderReport]


def test_others_orders_are_announced_and_their_fills_counted_as_theirs() -> None:
    words = futures().of(raw(order(c="web_abc", **TRADED)))[2]
    assert [type(w) for w in words] == [Fill, Foreign]
    assert isinstance(words[0], Fill)
    assert not words[0].ours


@pytest.mark.parametrize(("client_id", "why"), [
    ("autoclose-1699", "liquidation"), ("adl_autoclose", "deleveraging"), ("settlement_autoclose-9", "settlement"),
])  # fmt: skip
def test_what_the_exchange_does_to_us_says_so(client_id: str, why: str) -> None:
    words = futures().of(raw(order(c=client_id, **{**TRADED, "x": "CALCULATED"}, sp=None, AP=None, V=None)))[2]
    assert [(w.forced, w.ours) for w in words if isinstance(w, Fill)] == [(why, True)]
    assert not [w for w in words if isinstance(w, OrderReport)]


def test_a_forced_trade_without_a_number_is_looked_up() -> None:
    frame = order(c="autoclose-1", **{**TRADED, "x": "CALCULATED", "t": 0})
    del frame["o"]["n"], frame["o"]["N"]
    assert [type(w) for w in futures().of(raw(frame))[2]] == [LookAgain]


def test_a_stop_is_followed_from_its_placing_to_the_fill_of_the_order_it_gave_birth_to() -> None:
    words = futures()
    born = {"c": "x-random", "i": 500, "S": "SELL", "o": "MARKET", "ot": "STOP_MARKET"}
    story = [algo(), algo(X="TRIGGERING"), algo(X="TRIGGERED", ai="500"), order(**born),
             order(**{**born, **TRADED, "X": "FILLED", "l": "0.010", "z": "0.010"}),
             algo(X="FINISHED", ai="500", aq="0.010")]  # fmt: skip
    told = [w for frame in story for w in words.of(raw(frame))[2]]
    assert [(type(w), w.client_id, getattr(w, "outcome", None)) for w in told] == [  # type: ignore[union-attr]
        (OrderReport, "gb0-stop", Outcome.ACCEPTED), (OrderReport, "gb0-stop", Outcome.TRIGGERED),
        (OrderReport, "gb0-stop", Outcome.TRIGGERED), (OrderReport, "gb0-stop", Outcome.TRIGGERED),
        (Fill, "gb0-stop", None), (OrderReport, "gb0-stop", Outcome.FILLED),
        (OrderReport, "gb0-stop", Outcome.FILLED),
    ]  # fmt: skip


def test_a_fill_that_overtakes_the_news_of_its_stop_is_doubtful_at_first() -> None:
    words = futures()
    born = {**TRADED, "c": "x-random", "i": 500, "ot": "STOP_MARKET", "o": "MARKET"}
    told = words.of(raw(order(**born)))[2]
    assert isinstance(told[0], Doubtful)
    assert words.client_of("BTCUSDT", 500) is None
    words.of(raw(algo(X="TRIGGERED", ai="500")))
    assert words.client_of("BTCUSDT", 500) == "gb0-stop"


@pytest.mark.parametrize("fee", [{"n": None, "N": None}, {"n": "0.1", "N": "USDT"}])
def test_a_forced_fill_without_its_fee_is_left_to_the_list_that_has_it(fee: dict[str, Any]) -> None:
    told = futures().of(raw(order(c="adl_autoclose", **{**TRADED, **fee})))[2]
    assert [type(w) for w in told] == [LookAgain if fee["n"] is None else Fill]


@pytest.mark.parametrize(("state", "executed", "outcomes"), [
    ("CANCELED", None, ["canceled"]), ("EXPIRED", None, ["expired"]), ("REJECTED", None, ["expired"]),
    ("FINISHED", "0.010", ["filled"]), ("FINISHED", "0.004", ["expired"]),
])  # fmt: skip
def test_every_end_of_a_conditional_order_has_its_word(state: str, executed: str | None, outcomes: list[str]) -> None:
    """One that is rejected had been taken: as a refusal of what rests it would contradict, and be believed to stand."""
    told = futures().of(raw(algo(X=state, **({"aq": executed} if executed else {}))))[2]
    assert [w.outcome for w in told if isinstance(w, OrderReport)] == outcomes


@pytest.mark.parametrize("state", ["REJECTED", "EXPIRED"])
def test_the_end_of_a_conditional_order_says_whether_it_had_fired(state: str) -> None:
    told = futures().of(raw(algo(X=state, tt=1_999)))[2]
    assert [w.outcome for w in told if isinstance(w, OrderReport)] == ["triggered", "expired"]


def test_fields_that_say_nothing_may_be_empty_or_of_another_kind() -> None:
    """What Binance does itself carries nulls, and what is not needed must not cost a fill."""
    told = futures().of(raw(order(**TRADED, ps=None, ot=None, o=None, er=0, q=None)))[2]
    assert [type(w) for w in told] == [Fill, OrderReport]
    expired = futures().of(raw(order(x="EXPIRED", X="EXPIRED", er=11)))[2]
    assert [w.detail for w in expired if isinstance(w, OrderReport)] == ["post-only would have taken"]
    words = futures()
    assert [type(w) for w in words.of(raw(algo(X="TRIGGERED", ai=500)))[2]] == [OrderReport]
    assert words.client_of("BTCUSDT", 500) == "gb0-stop"
    words.of(raw(algo(ai=0)))
    assert words.client_of("BTCUSDT", 0) is None
    news = {"m": "ADJUSTMENT", "B": [{"a": "USDT", "bc": None}], "P": None}
    account = {"e": "ACCOUNT_UPDATE", "E": 1, "T": 1, "a": news}
    assert [type(w) for w in futures().of(raw(account))[2]] == [LookAgain]


@pytest.mark.parametrize("state", ["FINISHED", "SOMETHING"])
def test_an_end_that_says_too_little_is_looked_up(state: str) -> None:
    assert [type(w) for w in futures().of(raw(algo(X=state)))[2]] == [LookAgain]


def test_money_that_came_or_went_is_told_with_its_reason_and_a_fill_s_own_is_not() -> None:
    def update(reason: str, change: str, **more: Any) -> dict[str, Any]:
        rows = [{"a": "USDT", "wb": "100", "cw": "100", "bc": change}]
        return {"e": "ACCOUNT_UPDATE", "E": 2_001, "T": 2_000, "a": {"m": reason, "B": rows, "P": [], **more}}

    assert futures().of(raw(update("ORDER", "0")))[2] == []
    assert futures().of(raw(update("FUNDING_FEE", "-0.5", S="BTCUSDT")))[2] == [
        WalletMoved(2_000, "USDT", Decimal("-0.5"), "FUNDING_FEE")
    ]
    assert [type(w) for w in futures().of(raw(update("MARGIN_TYPE_CHANGE", "0")))[2]] == [LookAgain]


@pytest.mark.parametrize(("frame", "said"), [
    ({"e": "ACCOUNT_CONFIG_UPDATE", "E": 5, "T": 5, "ai": {"j": True}}, "multi-assets mode was switched on"),
    ({"e": "ACCOUNT_CONFIG_UPDATE", "E": 5, "T": 5, "ai": {"d": True}}, "the account is in hedge mode"),
    ({"e": "ACCOUNT_CONFIG_UPDATE", "E": 5, "T": 5, "ai": {"d": False}}, ""),
    ({"e": "ACCOUNT_CONFIG_UPDATE", "E": 5, "T": 5, "ai": {"f": True}}, ""),
    ({"e": "ACCOUNT_CONFIG_UPDATE", "E": 5, "T": 5, "ac": {"s": "BTCUSDT", "l": 25}}, ""),
    ({"e": "ACCOUNT_UPDATE", "E": 5, "T": 5, "a": {"m": "MARGIN_TYPE_CHANGE", "B": [], "P": [
        {"s": "BTCUSDT", "pa": "0", "mt": "isolated", "ps": "BOTH"}]}}, "BTCUSDT is isolated"),
    ({"e": "ACCOUNT_UPDATE", "E": 5, "T": 5, "a": {"m": "MARGIN_TYPE_CHANGE", "P": [{"s": "BTCUSDT", "mt": None}]}},
     "margin mode of a symbol was changed"),
    ({"e": "ACCOUNT_UPDATE", "E": 5, "T": 5, "a": {"m": "MARGIN_TYPE_CHANGE"}}, "margin mode of a symbol was changed"),
])  # fmt: skip
def test_another_hand_at_the_settings_that_risk_is_counted_by_is_told_aloud(frame: Any, said: str) -> None:
    (word,) = [one for one in futures().of(raw(frame))[2] if not isinstance(one, PositionTold)]
    assert isinstance(word, LookAgain)
    assert word.code == (SETTINGS if said else "")
    assert said in word.reason


def test_a_position_of_a_traded_symbol_is_told_as_it_is_now_and_no_leg_of_hedge_mode() -> None:
    rows = [{"s": "BTCUSDT", "pa": "-0.012", "ps": "BOTH"}, {"s": "XYZUSDT", "pa": "1", "ps": "BOTH"},
            {"s": "BTCUSDT", "pa": "0.5", "ps": "LONG"}, {"s": "BTCUSDT"}]  # fmt: skip
    frame = {"e": "ACCOUNT_UPDATE", "E": 6, "T": 5, "a": {"m": "ORDER", "B": [], "P": rows}}
    assert futures().of(raw(frame))[2] == [PositionTold(5, "BTCUSDT", -12)]


@pytest.mark.parametrize(("symbol", "leverage", "loud"), [
    ("BTCUSDT", 6, False), ("BTCUSDT", 1, True), ("BTCUSDT", 25, True), ("SOLUSDT", 25, False)])  # fmt: skip
def test_another_leverage_than_the_bot_has_set_is_told_aloud(symbol: str, leverage: int, loud: bool) -> None:
    words = FuturesWords(FUTURES, ours, KnownIds(), {"BTCUSDT": 6})
    frame = {"e": "ACCOUNT_CONFIG_UPDATE", "E": 5, "T": 5, "ac": {"s": symbol, "l": leverage}}
    (word,) = words.of(raw(frame))[2]
    assert isinstance(word, LookAgain)
    assert (word.code == SETTINGS, "set it back to 6x" in word.reason) == (loud, loud)


@pytest.mark.parametrize(("frame", "word"), [
    ({"e": "listenKeyExpired", "E": 5, "listenKey": "x"}, Ended),
    ({"e": "listenKeyExpired", "E": "5"}, Ended),
    ({"e": "serverShutdown", "E": 5}, Leaving),
    ({"e": "MARGIN_CALL", "E": 5, "cw": "1", "p": []}, LookAgain),
    ({"e": "ACCOUNT_CONFIG_UPDATE", "E": 5, "T": 5, "ac": {"s": "BTCUSDT", "l": 25}}, LookAgain),
    ({"e": "ACCOUNT_CONFIG_UPDATE", "E": 5, "T": 5, "ai": {"j": True}}, LookAgain),
    (order(ps="LONG"), LookAgain),
])  # fmt: skip
def test_what_is_said_about_the_stream_and_the_account_is_understood(frame: Any, word: type) -> None:
    assert [type(w) for w in futures().of(raw(frame))[2]] == [word]
    assert [type(w) for w in futures().of(raw({"stream": "key", "data": frame}))[2]] == [word], "combined as well"


@pytest.mark.parametrize("frame", [
    {"e": "TRADE_LITE", "E": 1, "T": 1, "s": "BTCUSDT", "q": "1", "p": "0", "m": False, "c": "gb0-1", "S": "BUY",
     "L": "1", "l": "1", "t": 5, "i": 7},
    {"e": "SOMETHING_NEW_OF_2027", "E": 1, "o": {"s": 5}},
])  # fmt: skip
def test_what_is_not_for_us_is_passed_over(frame: Any) -> None:
    assert futures().of(raw(frame))[2] == []


@pytest.mark.parametrize("change", [
    {"L": "59999.95"}, {"l": "0.0004"}, {"L": "0"}, {"l": "-1"}, {"n": "NaN"}, {"S": "LONG"}, {"t": "five"},
    {"L": None}, {"z": "x"}, {"rp": "1e400000000"}, {"T": None},
])  # fmt: skip
def test_a_trade_that_cannot_be_true_is_a_bad_frame_and_no_fill(change: dict[str, Any]) -> None:
    with pytest.raises(BadFrame):
        futures().of(raw(order(**{**TRADED, **change})))


@pytest.mark.parametrize("symbol", ["DOGEUSDT", "DOGEUSDC", "BTCUSD_PERP"])
def test_a_trade_in_a_symbol_the_bot_does_not_trade_sends_for_its_money(symbol: str) -> None:
    words = futures().of(raw(order(s=symbol, c="web_1", **TRADED)))[2]
    foreign, fill, moved = words
    assert isinstance(fill, Fill)
    assert (fill.steps, fill.fee, fill.realised, fill.ours) == (0, ZERO, ZERO, False), "in which asset is not told"
    assert isinstance(moved, WalletMoved)
    assert (moved.asset, moved.amount) == ("USDT", Decimal("-0.048"))
    assert foreign == Foreign(symbol, "web_1")


def test_an_order_in_a_symbol_the_bot_does_not_trade_is_nobodys_business_until_it_trades() -> None:
    for state in ("NEW", "CANCELED", "EXPIRED"):
        assert futures().of(raw(order(s="DOGEUSDT", c="web_1", x=state, X=state)))[2] == []
        assert spot().of(raw(report(s="DOGEUSDT", c="web_1", x=state, X=state)))[2] == []


def test_a_liquidation_in_a_symbol_the_bot_does_not_trade_is_none_of_its_own() -> None:
    words = futures().of(raw(order(s="BTCUSD_PERP", c="autoclose-1", **TRADED | {"x": "CALCULATED", "N": None})))[2]
    assert [type(word) for word in words] == [Foreign, Fill]
    assert [word.forced for word in words if isinstance(word, Fill)] == [""]


# -- spot -------------------------------------------------------------------------------------------------------


def test_a_spot_trade_is_a_fill_with_the_fee_as_it_was_taken() -> None:
    event = report(
        x="TRADE", X="FILLED", l="0.01000000", z="0.01000000", L="59999.99", n="0.00001", N="BTC", t=8, m=True
    )
    assert spot().of(raw(event))[2] == [
        Fill(1_000, "BTCUSDT", "gb0-1", "8", Side.BUY, 5_999_999, 1_000, Decimal("0.00001"), "BTC", True, ZERO),
        OrderReport(1_000, "BTCUSDT", "gb0-1", Outcome.FILLED, 1_000, "77"),
    ]


def test_a_spot_trade_is_worth_what_the_exchange_has_booked_for_it() -> None:
    pair = instrument("ETHBTC", "0.00001", "0.0001", Market.SPOT)
    words = SpotWords({"ETHBTC": pair}, ours, KnownIds())
    trade = {"s": "ETHBTC", "x": "TRADE", "X": "FILLED", "l": "0.0123", "z": "0.0123", "L": "0.03427", "t": 8}
    for told, booked in (("0.00042152", "0.00042152"), ("0.00042153", "0.00042153"), ("0.000421521", None)):
        fill = words.of(raw(report(**trade, n="0", N="BTC", Y=told)))[2][0]
        assert isinstance(fill, Fill)
        assert fill.quote == (None if booked is None else Decimal(booked))
    silent = report(**trade, n="0", N="BTC")
    del silent["event"]["Y"]
    (fill, _) = words.of(raw(silent))[2]
    assert isinstance(fill, Fill)
    assert fill.quote == Decimal("0.00042152"), "it keeps eight decimals"


def test_a_cancel_is_told_under_the_order_s_own_id() -> None:
    told = spot().of(raw(report(x="CANCELED", X="CANCELED", c="cancel-request", C="gb0-1")))[2]
    assert [(w.client_id, w.outcome) for w in told if isinstance(w, OrderReport)] == [("gb0-1", Outcome.CANCELED)]


def test_a_spot_stop_that_starts_to_work_has_triggered() -> None:
    waiting, working = (report(o="STOP_LOSS_LIMIT", w=w) for w in (False, True))
    told = [w for event in (waiting, working) for w in spot().of(raw(event))[2]]
    assert [w.outcome for w in told if isinstance(w, OrderReport)] == [Outcome.ACCEPTED, Outcome.TRIGGERED]


def test_a_deposit_is_cash_with_an_id_of_its_own() -> None:
    event = {"e": "balanceUpdate", "E": 5, "a": "USDT", "d": "-3.50", "T": 4}
    assert spot().of(raw({"subscriptionId": 0, "event": event}))[2] == [
        Cash(4, CashKind.TRANSFER, "USDT", Decimal("-3.50"), "balance-4-USDT--3.50")
    ]


@pytest.mark.parametrize(("frame", "word"), [
    ({"event": {"e": "serverShutdown", "E": 5}}, Leaving),
    ({"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": 5}}, Ended),
    ({"subscriptionId": 0, "event": {"e": "externalLockUpdate", "E": 5, "a": "BTC", "d": "1", "T": 4}}, LookAgain),
])  # fmt: skip
def test_what_is_said_about_the_spot_stream_is_understood(frame: Any, word: type) -> None:
    assert [type(w) for w in spot().of(raw(frame))[2]] == [word]


# -- frames as recorded -----------------------------------------------------------------------------------------


def recorded(path: str) -> list[Any]:
    rows = [json.loads(line) for line in shared(f"samples/user_data/{path}").read_text().splitlines()]
    return [row["raw"] for row in rows if row["kind"] == "ws"]


@pytest.mark.data
def test_every_recorded_futures_user_frame_is_read() -> None:
    words = FuturesWords(FUTURES, lambda _: True, KnownIds())
    told = [w for frame in recorded("futures_real_frames.jsonl") for w in words.of(raw(frame))[2]]
    kinds = Counter(type(w).__name__ for w in told)
    assert kinds == {"OrderReport": 11, "Fill": 5, "WalletMoved": 1, "LookAgain": 3, "PositionTold": 4}, told
    rebate = next(w for w in told if isinstance(w, Fill) and w.symbol == "ETHBUSD" and w.maker)
    assert rebate.fee == Decimal("-0.00074625")


@pytest.mark.data
def test_every_recorded_spot_user_frame_is_read() -> None:
    words = SpotWords(SPOT, lambda _: True, KnownIds())
    frames_ = [frame.get("data", frame) for frame in recorded("spot_real_frames.jsonl")]
    told = [w for frame in frames_ for w in words.of(raw(frame))[2]]
    kinds = Counter(type(w).__name__ for w in told)
    assert kinds == {"OrderReport": 5, "Fill": 2}, told
    assert {w.fee_asset for w in told if isinstance(w, Fill)} == {"BNB"}


class Heard:
    """Market news, collected."""

    def __init__(self, *pairs: Pair) -> None:
        self.now = 0.0
        self.quotes: list[Quote] = []
        self.bars: list[Bar] = []
        self.wishes: list[Any] = []
        self.streams = Streams(lambda _: None)
        self.told = Quotes(self.quotes.append, 0.25, self)
        words = MarketWords(MINUTE, "1m", self.told, self)
        for pair in pairs:
            name = pair.symbol.lower()
            self.streams.add(f"{name}@bookTicker", self.told.book, pair)
            self.streams.add(f"{name}@markPrice@1s", words.mark, pair)
            self.streams.add(f"{name}@kline_1m", words.kline, pair)

    def hear(self, frame: bytes) -> None:
        """One frame, read at once where it would only be read when its turn has come."""
        self.wishes.append(self.streams.heard(frame, self.now))

    def settle(self, after: float = 0.3) -> int:
        """Time passes; how many of the frames that waited could not be read."""
        self.now += after
        return len(self.told.flush())

    def now_ms(self) -> Ms:
        return int(self.now * 1000)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")

    def on_bar(self, pair: Pair, bar: Bar) -> None:
        self.bars.append(bar)

    def on_mark(self, pair: Pair, at: Ms, mark: int, funding_at: Ms) -> None:
        """Not looked at here."""


def lines(file: str) -> Iterator[bytes]:
    with gzip.open(shared(f"samples/l2_raw/{file}"), "rb") as rows:
        for row in rows:
            yield row.split(b" ", 1)[1].strip()


@pytest.mark.data
@pytest.mark.parametrize(("file", "market", "tick", "books"), [
    ("spot_btcusdt_20240808.gz", Market.SPOT, "0.01", 28_040),
    ("usdm_btcusdt_20240808.gz", Market.FUTURES, "0.10", 66_089),
    ("usdm_ethusdt_20240808.gz", Market.FUTURES, "0.01", 53_992),
])  # fmt: skip
def test_every_recorded_best_price_is_read(file: str, market: Market, tick: str, books: int) -> None:
    name = file.split("_")[1].upper()
    pair = Pair(instrument(name, tick, "0.001", market))
    heard, count, last = Heard(pair), 0, b""
    for line in lines(file):
        if b"@bookTicker" in line[:40]:
            heard.now += 0.01
            heard.hear(line)
            count, last = count + 1, line
            assert heard.settle(0.0) == 0
    assert count == books
    assert heard.settle() == 0
    final = json.loads(last)["data"]
    assert (pair.bid, pair.ask) == (pair.scale.price(final["b"]), pair.scale.price(final["a"]))
    assert len(heard.quotes) == pytest.approx(books * 0.01 / 0.25, rel=0.05), "four a second at most"
    assert all(q.bid is not None and q.ask is not None and q.bid < q.ask for q in heard.quotes)


# -- market frames ----------------------------------------------------------------------------------------------


def book(update: int, bid: str, ask: str, **more: Any) -> bytes:
    data = {"e": "bookTicker", "u": update, "s": "BTCUSDT", "b": bid, "B": "1", "a": ask, "A": "1", "T": 1, "E": 1}
    return raw({"stream": "btcusdt@bookTicker", "data": {**data, **more}}).replace(b", ", b",").replace(b": ", b":")


def kline(**fields: Any) -> bytes:
    k = {"t": 120_000, "T": 179_999, "s": "BTCUSDT", "i": "1m", "f": 1, "L": 2, "o": "100.0", "c": "101.0",
         "h": "102.0", "l": "99.0", "v": "12.5", "n": 3, "x": True, "q": "1", "V": "1", "Q": "1", "B": "0"}  # fmt: skip
    data = {"e": "kline", "E": 180_001, "s": "BTCUSDT", "k": {**k, **fields}}
    return raw({"stream": "btcusdt@kline_1m", "data": data})


def one() -> tuple[Heard, Pair]:
    pair = Pair(instrument("BTCUSDT"))
    return Heard(pair), pair


def test_of_many_prices_in_a_moment_the_first_is_told_at_once_and_the_last_a_little_later() -> None:
    heard, _ = one()
    for n in range(1, 50):
        heard.hear(book(n, "60000.0", f"600{n:02}.0"))
    assert len(heard.quotes) == 1
    heard.settle()
    assert [q.ask for q in heard.quotes] == [600_010, 600_490]


def test_a_price_from_before_the_last_one_is_passed_over() -> None:
    heard, pair = one()
    for n in (10, 9, 10, 8):
        heard.now += 1
        heard.hear(book(n, "60000.0", f"600{n:02}.0"))
    assert (len(heard.quotes), pair.ask) == (1, 600_100)
    heard.now += 10
    heard.hear(book(3, "60000.0", "60003.0"))
    heard.settle()
    assert pair.ask == 600_030, "after a while a lower number is a new count"


def test_a_mark_price_is_told_only_when_there_was_one() -> None:
    heard, _ = one()
    mark = {"e": "markPriceUpdate", "E": 5_000, "s": "BTCUSDT", "p": "60001.23456789", "ap": "1", "i": "1", "P": "1",
            "r": "0.0001", "T": 28_800_000, "st": 1}  # fmt: skip
    heard.hear(raw({"stream": "btcusdt@markPrice@1s", "data": mark}))
    heard.now = 1
    heard.hear(book(1, "60000.0", "60000.1"))
    assert [(q.mark, q.bid) for q in heard.quotes] == [(600_012, None), (None, 600_000)]


@pytest.mark.parametrize("odd", [{"p": "0.00000000", "T": 0}, {"p": "", "T": 0}, {"p": None, "T": None}, {}])
def test_a_mark_of_nothing_is_no_mark_and_no_reason_to_give_up_a_connection(odd: dict[str, Any]) -> None:
    heard, pair = one()
    mark = {"e": "markPriceUpdate", "E": 5_000, "s": "BTCUSDT", "r": "0.00000000", **odd}
    heard.hear(raw({"stream": "btcusdt@markPrice@1s", "data": mark}))
    assert (heard.quotes, pair.mark) == ([], None)


def test_spot_is_worth_the_middle_of_its_best_prices() -> None:
    pair = Pair(instrument("BTCUSDT", "0.01", "0.00001", Market.SPOT))
    heard = Heard(pair)
    frame = {"u": 7, "s": "BTCUSDT", "b": "60000.00000000", "B": "1.0", "a": "60000.10000000", "A": "1.0"}
    heard.hear(raw({"stream": "btcusdt@bookTicker", "data": frame}))
    assert [(q.bid, q.ask, q.mark) for q in heard.quotes] == [(6_000_000, 6_000_010, 6_000_005)]


def test_only_a_closed_candle_is_a_bar() -> None:
    heard, _ = one()
    heard.hear(kline(x=False, c="101.5"))
    heard.hear(kline())
    assert heard.bars == [Bar(120_000, MINUTE, 1_000, 1_020, 990, 1_010, 12.5, 1_020, 990, 1_010)]
    assert heard.quotes[0].last == 1_015


@pytest.mark.parametrize("frame", [
    book(1, "60000.1", "60000.0"), book(1, "60000.05", "60000.01"), book(1, "", "1"),
    book(1, "-0.05", "1"), book(1, "1", "2", s="ETHUSDT"),
    kline(h="98.0"), kline(v="-1"), kline(v="nan"), kline(i="5m"), kline(t=120_001), kline(o="0"), kline(c="-1"),
    kline(t=60_000_000),
    b'{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":[1.5],"a":"2"}}',
    b'{"stream":"btcusdt@bookTicker","data":[]}', b'{"stream":"btcusdt@bookTicker","da', b"", b"null", b"[]",
    b"\xff\xfe",
    b'{"stream":"dogeusdt@bookTicker","data":{"e":"bookTicker"}}', b'{"stream":"btcusdt@bookTicker', b"[" * 5_000,
])  # fmt: skip
def test_a_frame_that_cannot_be_true_changes_nothing(frame: bytes) -> None:
    heard, pair = one()
    with pytest.raises(BadFrame):
        heard.hear(frame)
    heard.settle()
    assert (heard.quotes, heard.bars, pair.bid, pair.last) == ([], [], None, None)


def test_prices_finer_than_our_tick_are_told_on_it() -> None:
    heard, pair = one()
    heard.hear(book(1, "60000.04", "60000.06"))
    assert (pair.bid, pair.ask) == (600_000, 600_001), "rounded away from each other"
    heard.hear(kline(o="100.04", h="102.06", l="98.96", c="101.06"))
    assert [(bar.open, bar.high, bar.low, bar.close) for bar in heard.bars] == [(1_000, 1_021, 990, 1_011)]


def test_fields_in_another_order_mean_the_same() -> None:
    heard, pair = one()
    frame = json.loads(book(1, "60000.0", "60000.1"))
    heard.hear(raw({"data": frame["data"], "stream": frame["stream"]}))
    assert pair.bid == 600_000


def test_a_bad_frame_that_waited_its_turn_is_counted_then_and_the_next_is_taken() -> None:
    heard, pair = one()
    heard.hear(book(1, "60000.0", "60000.1"))
    heard.hear(book(999, "60000.0", "nonsense"))
    assert heard.settle() == 1
    heard.hear(book(2, "60001.0", "60001.1"))
    heard.settle()
    assert (pair.bid, len(heard.quotes)) == (600_010, 2)


def test_one_frame_from_the_far_future_silences_nothing_for_long() -> None:
    heard, pair = one()

    def mark(at: Ms, price: str) -> bytes:
        data = {"e": "markPriceUpdate", "E": at, "s": "BTCUSDT", "p": price, "T": 10**17}
        return raw({"stream": "btcusdt@markPrice@1s", "data": data})

    heard.hear(mark(10**17, "60000.0"))
    heard.hear(kline(x=False, c="101.5").replace(b"180001", b"99999999999999999"))
    heard.hear(book(10**17, "60000.0", "60000.1"))
    heard.settle()
    heard.now += 6
    heard.hear(mark(1_000, "61000.0"))
    heard.hear(kline(x=False, c="101.6"))
    heard.hear(book(7, "61000.0", "61000.1"))
    heard.settle()
    assert (pair.mark, pair.last, pair.bid) == (610_000, 1_016, 610_000)
    assert pair.funding_at == 0


@given(st.permutations(range(1, 12)), st.booleans())
@settings(max_examples=60, deadline=None)
def test_of_frames_in_any_order_the_newest_is_told(order_: list[int], number_first: bool) -> None:
    heard, pair = one()
    for n in order_:  # 9 comes before 10 in numbers, and after it in the alphabet
        frame = book(n, "60000.0", f"600{n:02}.0")
        if not number_first:
            frame = frame.replace(b'"u":%d,' % n, b"").replace(b'"A":', b'"u":%d,"A":' % n)
        heard.hear(frame)
    heard.settle()
    assert pair.ask == 600_110


@pytest.mark.parametrize("frame", [
    {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 5}}, {"e": "serverShutdown", "E": 5},
])  # fmt: skip
def test_an_announced_shutdown_is_heard(frame: Any) -> None:
    heard, _ = one()
    heard.hear(raw(frame))
    assert isinstance(heard.wishes[0], Renew)


# -- anything at all --------------------------------------------------------------------------------------------

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12)
    | st.sampled_from(["BTCUSDT", "ORDER_TRADE_UPDATE", "executionReport", "1m", "60000.1", "NEW", "TRADE", "BUY"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=6),
    max_leaves=12,
)  # fmt: skip
WHOLE = [order(**TRADED), algo(X="TRIGGERED", ai="5"), report(x="TRADE", X="FILLED", l="0.01", z="0.01", L="1.0", t=8),
         json.loads(book(1, "60000.0", "60000.1")), json.loads(kline()),
         {"e": "ACCOUNT_UPDATE", "E": 1, "T": 1, "a": {"m": "FUNDING_FEE", "B": [{"a": "USDT", "wb": "1", "bc": "2"}]}},
         {"event": {"e": "balanceUpdate", "E": 5, "a": "USDT", "d": "-3.50", "T": 4}}]  # fmt: skip


def mutated(frame: Any, path: list[int], value: Any) -> Any:
    """The frame with one leaf or branch replaced."""
    if not isinstance(frame, dict | list) or not frame or not path:
        return value
    keys = list(frame) if isinstance(frame, dict) else list(range(len(frame)))
    key = keys[path[0] % len(keys)]
    copy = dict(frame) if isinstance(frame, dict) else list(frame)
    copy[key] = mutated(frame[key], path[1:], value)
    return copy


def all_readers(data: bytes) -> list[Any]:
    """Everything any reader makes of it; only BadFrame may come out."""
    heard, _ = one()
    told: list[Any] = []
    for words in (futures(), spot()):
        try:
            told += words.of(data)[2]
        except BadFrame:
            pass
    try:
        heard.hear(data)
    except BadFrame:
        pass
    heard.settle()
    try:
        frames.answer(data)
    except frames.READING:
        pass
    return told + heard.quotes + heard.bars


def is_sane(event: Any) -> bool:
    if isinstance(event, Fill):
        known = event.symbol in FUTURES
        return event.fee.is_finite() and event.realised.is_finite() and (not known or (event.price > 0 < event.steps))
    if isinstance(event, Bar):
        return 0 < event.low <= min(event.open, event.close) <= max(event.open, event.close) <= event.high
    if isinstance(event, Quote):
        return all(p is None or p > 0 for p in (event.bid, event.ask, event.last, event.mark))
    if isinstance(event, Cash):
        return event.amount.is_finite() and event.amount != 0
    return not isinstance(event, OrderReport) or event.filled >= 0


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60) | json_values.map(lambda v: json.dumps(v).encode()))
def test_no_bytes_whatever_make_more_than_a_bad_frame(data: bytes) -> None:
    assert all(is_sane(event) for event in all_readers(data))


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 40), min_size=1, max_size=4), json_values)
def test_a_true_frame_with_one_thing_changed_makes_no_impossible_event(frame: Any, path: list[int], value: Any) -> None:
    assert all(is_sane(event) for event in all_readers(json.dumps(mutated(frame, path, value)).encode()))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(WHOLE), st.integers(1, 400))
def test_a_frame_cut_short_is_a_bad_frame(frame: Any, length: int) -> None:
    whole = json.dumps(frame).encode()
    assert all_readers(whole[: min(length, len(whole) - 1)]) == []


def test_a_mark_need_not_lie_on_the_grid_and_must_be_above_zero() -> None:
    scale = Scale(instrument("BTCUSDT"))
    assert scale.near("60000.04") == 600_000
    for text in ("0", "-1", "NaN"):
        with pytest.raises(BadNumber):
            scale.near(text)


def test_a_spot_trade_elsewhere_is_money_that_came_and_went() -> None:
    trade = report(s="DOGEUSDT", c="web", x="TRADE", l="100.0", z="100.0", L="0.2", Y="20.0", n="0.1", N="DOGE", t=9)
    told = [w for w in spot().of(raw(trade))[2] if isinstance(w, Cash)]
    assert [(c.asset, c.amount) for c in told] == [
        ("DOGE", Decimal(100)),
        ("USDT", Decimal(-20)),
        ("DOGE", Decimal("-0.1")),
    ]
    assert len({c.cash_id for c in told}) == 3


def bare(value: Any) -> Any:
    """Amounts as JSON numbers, counts and times with a point."""
    if isinstance(value, dict):
        return {name: bare(one) for name, one in value.items()}
    if isinstance(value, list):
        return [bare(one) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    try:
        return float(value)
    except ValueError:
        return value


@pytest.mark.parametrize(
    "frame",
    [
        order(),
        order(x="TRADE", X="PARTIALLY_FILLED", l="0.004", z="0.004", L="60000.10", n="0.0024", t=9, rp="1.25"),
        {"e": "ACCOUNT_UPDATE", "E": 9, "T": 8, "a": {"m": "FUNDING_FEE", "B": [{"a": "USDT", "bc": "-0.5"}]}},
        {"e": "ALGO_UPDATE", "E": 9, "T": 8, "o": {"caid": "gb0-2", "s": "BTCUSDT", "X": "TRIGGERED", "aid": 5,
                                                   "q": "0.01", "ai": "77", "aq": "0", "tt": 8}},
    ],
)  # fmt: skip
def test_who_writes_amounts_as_numbers_and_counts_with_a_point_is_understood_all_the_same(frame: Any) -> None:
    assert futures().of(raw(bare(frame))) == futures().of(raw(frame))


def test_best_prices_and_marks_written_as_numbers_are_prices() -> None:
    book = frames.book_ticker(b'{"stream":"x","data":{"u":7.0,"s":"BTCUSDT","b":60000.1,"a":60000.2,"E":1}}').data
    mark = frames.mark_price(b'{"stream":"x","data":{"E":1,"s":"BTCUSDT","p":6.00001e4,"T":2}}').data
    assert (book.u, book.b, book.a, mark.p, mark.T) == (7, "60000.1", "60000.2", "60000.1", 2)


@pytest.mark.parametrize("number", [b"1e999999999", b"1e-99999", b"9" * 400])
def test_a_number_that_is_none_is_a_bad_frame(number: bytes) -> None:
    with pytest.raises(frames.READING):
        frames.book_ticker(b'{"stream":"x","data":{"u":7,"s":"BTCUSDT","b":' + number + b',"a":60000.2,"E":1}}')
