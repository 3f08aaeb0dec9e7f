"""Every documented answer, and every way not to answer, by what the caller must do."""

import time
from typing import Any

import aiohttp
import pytest

from gridbot_tui.exchange.binance import client
from gridbot_tui.exchange.binance.client import HttpTrouble, Unreadable
from gridbot_tui.exchange.binance.errors import (
    BinanceError,
    ClockOff,
    Refused,
    RetryLater,
    Stop,
    Unresolved,
    classify,
    is_duplicate,
)
from gridbot_tui.units import Market

UNKNOWN = "Unknown error, please check your request or try again later."
INTERNAL = "Internal error; unable to process your request. Please try again."


def answer(status: int, code: int | None = None, message: str | None = None, wait: float | None = None) -> HttpTrouble:
    return HttpTrouble(status, code, message, wait)


ORDERS: list[tuple[Exception, type[BinanceError]]] = [
    # A 4xx with a JSON code is a definite no.
    (answer(400, -2010, "Account has insufficient balance for requested action."), Refused),
    (answer(400, -2010, "Order would immediately match and take."), Refused),
    (answer(400, -5022, "the Post Only order will be rejected"), Refused),
    (answer(400, -2019, "Margin is insufficient."), Refused),
    (answer(400, -1013, "Filter failure: LOT_SIZE"), Refused),
    (answer(400, -4120, "Order type not supported for this endpoint."), Refused),
    (answer(409, -2021, "Order cancel-replace partially failed."), Refused),
    (answer(400, -4116, "ClientOrderId is duplicated."), Refused),
    # What says itself that it does not know.
    (answer(408, -1007, "Timeout waiting for response from backend server."), Unresolved),
    (answer(400, -1007, "Timeout waiting for response from backend server."), Unresolved),
    (answer(500, -1006, "An unexpected response was received from the message bus."), Unresolved),
    (answer(400, -1000, "An unknown error occurred while processing the request."), Unresolved),
    (answer(503, None, UNKNOWN), Unresolved),
    (answer(503, -1000, UNKNOWN), Unresolved),
    (answer(503, -1016, "This service is no longer available."), Unresolved),
    (answer(502), Unresolved),
    (answer(504), Unresolved),
    (answer(403), Unresolved),
    (answer(400), Unresolved),
    (answer(400, None, "something without a code"), Unresolved),
    # Certain failures of Binance's own documentation.
    (answer(503, -1000, "Service Unavailable."), RetryLater),
    (answer(503, None, "Service Unavailable."), RetryLater),
    (answer(503, -1001, INTERNAL), RetryLater),
    (answer(503, None, INTERNAL), RetryLater),
    (answer(400, -1001, INTERNAL), RetryLater),
    (answer(503, -1008, "Request throttled by system-level protection."), RetryLater),
    # Limits.
    (answer(429, -1003, "Too many requests.", 30.0), RetryLater),
    (answer(429, None, None, 5.0), RetryLater),
    (answer(429, -1015, "Too many new orders; current limit is 300.", 4.0), RetryLater),
    (answer(418, -1003, "IP banned until 1.", 120.0), Stop),
    # The clock.
    (answer(400, -1021, "Timestamp for this request is outside of the recvWindow."), ClockOff),
    (answer(400, -5028, "Timestamp for this request is outside of the ME recvWindow."), ClockOff),
    # Somebody must act.
    (answer(401, -2014, "API-key format invalid."), Stop),
    (answer(401, -2015, "Invalid API-key, IP, or permissions for action."), Stop),
    (answer(400, -1022, "Signature for this request is not valid."), Stop),
    (answer(401), Stop),
    (answer(451, 0, "Service unavailable from a restricted location."), Stop),
    (answer(451), Stop),
    (answer(400, -2010, "This action is disabled on this account."), Stop),
    # No answer, or none that can be read.
    (TimeoutError(), Unresolved),
    (aiohttp.ServerDisconnectedError(), Unresolved),
    (aiohttp.ClientOSError(104, "reset"), Unresolved),
    (ConnectionResetError(), Unresolved),
    (aiohttp.ClientPayloadError("half an answer"), Unresolved),
    (Unreadable("no JSON"), Unresolved),
    (aiohttp.ServerTimeoutError(), Unresolved),
    # Never connected: certainly not sent.
    (aiohttp.ConnectionTimeoutError(), RetryLater),
]


@pytest.mark.parametrize(("trouble", "kind"), ORDERS, ids=lambda value: str(value)[:60])
def test_what_an_answer_to_an_order_asks_of_the_caller(trouble: Exception, kind: type[BinanceError]) -> None:
    assert type(classify(trouble, "POST order", changes=True, market=Market.FUTURES)) is kind


@pytest.mark.parametrize(("code", "said", "hint"), [
    (-4061, "Order's position side does not match user's setting.", "switch Position Mode back"),
    (-4118, "ReduceOnly Order Failed. Please check your existing position and open orders.", "cancel by hand"),
])  # fmt: skip
def test_a_refusal_whose_words_do_not_say_it_says_what_to_do(code: int, said: str, hint: str) -> None:
    error = classify(answer(400, code, said), "POST order", changes=True, market=Market.FUTURES)
    assert (type(error), error.code) == (Refused, code)
    assert hint in error.detail
    assert error.detail.endswith(said)


@pytest.mark.parametrize(("trouble", "kind"), ORDERS, ids=lambda value: str(value)[:60])
def test_a_question_is_never_unresolved_but_asked_again(trouble: Exception, kind: type[BinanceError]) -> None:
    expected = RetryLater if kind is Unresolved else kind
    assert type(classify(trouble, "GET order", changes=False, market=Market.FUTURES)) is expected


@pytest.mark.parametrize(
    "trouble",
    [
        answer(503, -1000, "Service Unavailable."),
        answer(503, None, "Service Unavailable."),
        answer(503, -1001, INTERNAL),
        answer(400, -1001, INTERNAL),
        answer(503, -1008, "Server is currently overloaded with other requests."),
    ],
)
def test_on_spot_no_server_error_says_that_an_order_was_not_taken(trouble: HttpTrouble) -> None:
    """Binance documents those failures for futures alone; a market order sent again would fill twice."""
    assert type(classify(trouble, "POST order", changes=True, market=Market.SPOT)) is Unresolved
    assert type(classify(trouble, "GET order", changes=False, market=Market.SPOT)) is RetryLater


def test_a_refusal_keeps_the_exchanges_code_and_words() -> None:
    error = classify(answer(400, -2019, "Margin is insufficient."), "POST order", changes=True, market=Market.FUTURES)
    assert (error.code, error.detail) == (-2019, "Margin is insufficient.")


@pytest.mark.parametrize(
    ("trouble", "closed", "wait"),
    [
        (answer(429, -1003, "Too many requests.", 30.0), "rate limit", 30.0),
        (answer(429), "rate limit", 10.0),
        (answer(429, -1003, "Too many requests.", 99_999_999_999.0), "rate limit", 600.0),
        (answer(429, -1003, "Too many requests.", float("inf")), "rate limit", 600.0),
        (answer(429, -1015, "Too many new orders", 4.0), "", 4.0),
        (answer(403), "firewall", 3.0),
        (answer(503, -1008, "throttled"), "", 0.0),
    ],
)
def test_a_limit_says_how_long_and_for_whom(trouble: HttpTrouble, closed: str, wait: float) -> None:
    error = classify(trouble, "GET klines", changes=False, market=Market.FUTURES)
    assert isinstance(error, RetryLater)
    assert (error.closed, error.after_s) == (closed, wait)


def test_a_ban_without_its_length_lasts_as_long_as_the_shortest() -> None:
    error = classify(answer(418), "GET klines", changes=False, market=Market.FUTURES)
    assert isinstance(error, Stop)
    assert error.wait_s == 120.0


def test_a_ban_lasts_no_longer_than_the_longest() -> None:
    error = classify(answer(418, -1003, "banned", 1e12), "GET klines", changes=False, market=Market.FUTURES)
    assert isinstance(error, Stop)
    assert error.wait_s == 3 * 86_400.0


def test_a_ban_whose_end_is_only_in_its_words_lasts_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_789_999_400.0)
    said = b'{"code":-1003,"msg":"Way too many requests; IP(1.2.3.4) banned until 1790000000000. Please use streams."}'
    error = classify(client._trouble(418, {}, said), "GET klines", changes=False, market=Market.FUTURES)
    assert isinstance(error, Stop)
    assert error.wait_s == 600.0
    assert client._trouble(418, {"Retry-After": "60"}, said).retry_after == 60.0


@pytest.mark.parametrize(
    ("refusal", "is_one"),
    [
        (Refused("ClientOrderId is duplicated.", -4116), True),
        (Refused("Duplicate order sent.", -2010), True),
        (Refused("Account has insufficient balance for requested action.", -2010), False),
    ],
)
def test_a_duplicate_means_that_the_first_sending_was_carried_out(refusal: Refused, is_one: bool) -> None:
    assert is_duplicate(refusal) is is_one


BODIES: list[tuple[bytes, Any]] = [
    (b'{"code":-2011,"msg":"Unknown order sent."}', (-2011, "Unknown order sent.")),
    (b'{"timestamp":1,"path":"/fapi","msg":"Unknown error"}', (None, "Unknown error")),
    (b'{"code":"-1","msg":7}', (None, None)),
    (b'{"code":true,"msg":"x"}', (None, "x")),
    (b"[1,2]", (None, None)),
    (b"<html>403</html>", (None, None)),
    (b"", (None, None)),
    (b"\xff\xfe", (None, None)),
]


@pytest.mark.parametrize(("raw", "expected"), BODIES)
def test_any_body_of_an_error_is_read_without_an_exception(raw: bytes, expected: Any) -> None:
    from gridbot_tui.exchange.binance.client import _trouble

    found = _trouble(400, {"Retry-After": "soon"}, raw)
    assert (found.code, found.message) == expected
    assert found.retry_after is None
