"""The longer menu, ``make faults``: spot as well; faults on cancels, on stops alone, on questions; several at once."""

from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.units import Market
from tests.service.test_fault_menu import (
    ACTION_FAULTS,
    DOUBTFUL,
    EVENT_FAULTS,
    FUTURES_ONLY,
    NEWS,
    ORDERS,
    REQUEST_FAULTS,
    met,
)

BOTH = (Market.FUTURES, Market.SPOT)
CANCELS = {Market.FUTURES: "DELETE /fapi/v1/*rder", Market.SPOT: "DELETE /api/v3/order"}
QUESTIONS = {Market.FUTURES: "GET /fapi/*", Market.SPOT: "GET /api/v3/*"}
NOT_ASKED_TWICE = {"refuse", "no_code"}
"""A question or a cancel that is refused is answered."""


def _rule(kind: str, on: str, times: int, executed: bool = True) -> dict[str, Any]:
    more, _ = REQUEST_FAULTS[kind]
    return {"kind": kind, "on": on, "times": times, "executed": executed, **more}


@pytest.mark.parametrize("kind", [kind for kind in REQUEST_FAULTS if kind != "throttled"])
def test_spot_orders_that_go_wrong(kind: str, tmp_path: Path) -> None:
    met(tmp_path, Market.SPOT, _rule(kind, ORDERS[Market.SPOT], 2), said=REQUEST_FAULTS[kind][1])


@pytest.mark.parametrize("kind", DOUBTFUL)
def test_spot_orders_that_never_arrive(kind: str, tmp_path: Path) -> None:
    met(tmp_path, Market.SPOT, _rule(kind, ORDERS[Market.SPOT], 2, executed=False))


@pytest.mark.parametrize("kind", EVENT_FAULTS)
def test_spot_news_that_go_wrong(kind: str, tmp_path: Path) -> None:
    met(tmp_path, Market.SPOT, {"kind": kind, "on": NEWS[Market.SPOT], "times": 3, "ms": 2_000, "count": 2})


@pytest.mark.parametrize("kind", [kind for kind in ACTION_FAULTS if kind not in FUTURES_ONLY])
def test_what_befalls_a_spot_exchange(kind: str, tmp_path: Path) -> None:
    more, said = ACTION_FAULTS[kind]
    met(tmp_path, Market.SPOT, {"kind": kind, "times": 1, **more}, said=said)


@pytest.mark.parametrize("market", BOTH)
@pytest.mark.parametrize("kind", [kind for kind in REQUEST_FAULTS if kind not in ("throttled", *NOT_ASKED_TWICE)])
def test_cancels_that_go_wrong(kind: str, market: Market, tmp_path: Path) -> None:
    met(tmp_path, market, _rule(kind, CANCELS[market], 2))


@pytest.mark.parametrize("kind", [kind for kind in REQUEST_FAULTS if kind != "refuse"])
def test_stops_that_go_wrong(kind: str, tmp_path: Path) -> None:
    met(tmp_path, Market.FUTURES, _rule(kind, "POST /fapi/v1/algoOrder", 2))


@pytest.mark.parametrize("market", BOTH)
@pytest.mark.parametrize("kind", [kind for kind in REQUEST_FAULTS if kind not in ("throttled", *NOT_ASKED_TWICE)])
def test_questions_that_go_wrong_while_orders_do(kind: str, market: Market, tmp_path: Path) -> None:
    met(tmp_path, market, _rule("timeout", ORDERS[market], 1), _rule(kind, QUESTIONS[market], 4))


@pytest.mark.parametrize("market", BOTH)
@pytest.mark.parametrize("kind", EVENT_FAULTS)
def test_news_that_go_wrong_while_the_line_breaks_and_orders_hang(kind: str, market: Market, tmp_path: Path) -> None:
    met(
        tmp_path, market,
        _rule("reset", ORDERS[market], 2),
        {"kind": kind, "on": NEWS[market], "times": 4, "ms": 2_000, "count": 2},
        {"kind": "disconnect", "on": "*", "times": 1, "from_ms": 1_500},
    )  # fmt: skip
