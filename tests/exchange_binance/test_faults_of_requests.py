"""Every fault of the served exchange's menu on every kind of request: no duplicate, nothing lost, the right word."""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from gridbot_tui.engine.events import LinkChanged, OrderReport, Outcome
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.port import (
    AskAccount,
    AskBars,
    AskCash,
    AskFills,
    AskFunding,
    AskOpenOrders,
    AskOrder,
    Cancel,
    Place,
    Query,
    Request,
)
from gridbot_tui.orders.model import NewOrder, Purpose
from gridbot_tui.units import Market, Side
from tests.exchange_binance.adapter import Trader, trading
from tests.exchange_server.serving import Served, serving


@pytest.fixture
def served(exchange: Served) -> Iterator[Served]:
    """The file's exchange, without orders after the test; no test here leaves a position."""
    yield exchange
    exchange.faults()
    exchange.good("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    exchange.good("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")
    exchange.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")


IMPATIENT = BinanceParams(request_timeout_ms=300)
"""Only where an answer never comes: what is asked again may be late on a busy machine without harm."""


class Fault(NamedTuple):
    """A rule, and what it does to a request that changes something."""

    rule: dict[str, Any]
    done: bool
    """Carried out although the answer does not say so, or once it is sent again."""
    told: bool = False
    """The answer to the request itself is final."""

    @property
    def name(self) -> str:
        return "-".join(str(value) for value in self.rule.values())


LOST = [
    Fault({"kind": kind, "executed": done}, done)
    for kind in ("timeout", "backend_timeout", "unknown", "reset")
    for done in (True, False)
]
ODD = [
    Fault({"kind": "truncated"}, True),
    Fault({"kind": "no_code"}, False),
    Fault({"kind": "html", "status": 403}, False),
    Fault({"kind": "html", "status": 502}, False),
    Fault({"kind": "empty", "status": 502}, False),
    Fault({"kind": "refuse", "status": 400, "code": -1000}, False),
    Fault({"kind": "refuse", "status": 500, "code": -1006}, False),
]
CERTAIN = [
    Fault({"kind": "unavailable"}, True, told=True),
    Fault({"kind": "internal"}, True, told=True),
    Fault({"kind": "throttled"}, True, told=True),
    Fault({"kind": "refuse", "status": 400, "code": -1021}, True, told=True),
    Fault({"kind": "refuse", "status": 400, "code": -5028}, True, told=True),
    Fault({"kind": "slow", "ms": 30}, True, told=True),
    Fault({"kind": "late", "ms": 30}, True, told=True),
]
EVERY = [*LOST, *ODD, *CERTAIN]
SORTS = [*LOST[4:], ODD[0], ODD[3], CERTAIN[0], CERTAIN[3]]
FEW = pytest.mark.parametrize("fault", SORTS, ids=lambda fault: fault.name)
"""One of each sort: what they mean is decided in one place, whatever the request."""


def _on(market: Market, fault: Fault) -> Fault:
    """For futures alone Binance says which of its own troubles are certain failures."""
    unsure = market is Market.SPOT and fault.rule["kind"] in ("unavailable", "internal", "throttled")
    return fault._replace(done=False, told=False) if unsure else fault


def _params(fault: Fault) -> BinanceParams:
    return IMPATIENT if fault.rule["kind"] == "timeout" else BinanceParams()


async def _fate(trader: Trader, order: NewOrder, conditional: bool = False) -> OrderReport:
    found = (await trader.ask(lambda n: AskOrder(n, order.symbol, order.client_id, conditional))).order
    assert found is not None
    return found


STOP: dict[str, Any] = {"side": Side.SELL, "trigger": 50_000, "purpose": Purpose.STOP, "reduce_only": True}
PLACES = [
    *(pytest.param(Market.SPOT, "POST /api/v3/order", {}, one, id=f"spot-{one.name}") for one in EVERY),
    *(pytest.param(Market.FUTURES, "POST /fapi/v1/order", {}, one, id=f"futures-{one.name}") for one in EVERY),
    *(pytest.param(Market.FUTURES, "POST /fapi/v1/algoOrder", STOP, one, id=f"stop-{one.name}") for one in SORTS),
]


@pytest.mark.parametrize(("market", "path", "shape", "fault"), PLACES)
async def test_a_new_order_is_neither_doubled_nor_forgotten(
    served: Served, market: Market, path: str, shape: dict[str, Any], fault: Fault
) -> None:
    fault = _on(market, fault)
    async with trading(served, market, params=_params(fault)) as trader:
        served.faults({**fault.rule, "on": path})
        order = trader.order(**shape)
        trader.port.send(Place(order))
        first = await trader.report(order.client_id)
        expected = Outcome.ACCEPTED if fault.told else Outcome.UNRESOLVED
        assert first.outcome is expected
        stop = bool(shape)
        last = await _fate(trader, order, stop)
        assert last.outcome is (Outcome.ACCEPTED if fault.done else Outcome.ABSENT)
        there = [order.client_id] if fault.done else []
        if stop:
            assert [row["clientAlgoId"] for row in served.good("GET", "/fapi/v1/openAlgoOrders")] == there
        else:
            assert trader.standing() == there
            assert trader.all_orders().count(order.client_id) == len(there)


@FEW
async def test_a_batch_shares_one_fate_and_each_order_is_told(served: Served, fault: Fault) -> None:
    async with trading(served, Market.FUTURES, params=_params(fault)) as trader:
        served.faults({**fault.rule, "on": "POST /fapi/v1/batchOrders"})
        orders = [trader.order(price=50_000 + n, quantity="0.002", rung=n) for n in range(3)]
        for order in orders:
            trader.port.send(Place(order))
        told = {(await trader.report(order.client_id)).outcome for order in orders}
        assert told == {Outcome.ACCEPTED if fault.told else Outcome.UNRESOLVED}
        fates = {(await _fate(trader, order)).outcome for order in orders}
        assert fates == {Outcome.ACCEPTED if fault.done else Outcome.ABSENT}
        assert sorted(trader.standing()) == (sorted(order.client_id for order in orders) if fault.done else [])


CANCELS = [
    pytest.param(Market.SPOT, "DELETE /api/v3/order", {}, id="spot"),
    pytest.param(Market.FUTURES, "DELETE /fapi/v1/order", {}, id="futures"),
    pytest.param(Market.FUTURES, "DELETE /fapi/v1/algoOrder", STOP, id="stop"),
]


@FEW
@pytest.mark.parametrize(("market", "path", "shape"), CANCELS)
async def test_a_cancel_whose_answer_is_lost_is_asked_about(
    served: Served, market: Market, path: str, shape: dict[str, Any], fault: Fault
) -> None:
    fault = _on(market, fault)
    async with trading(served, market, params=_params(fault)) as trader:
        order = trader.order(**shape)
        trader.port.send(Place(order))
        await trader.report(order.client_id, Outcome.ACCEPTED)
        served.faults({**fault.rule, "on": path})
        trader.port.send(Cancel("BTCUSDT", order.client_id, conditional=bool(shape)))
        ends = (Outcome.CANCELED, Outcome.CANCEL_UNRESOLVED, Outcome.CANCEL_REFUSED)
        first = await trader.report(order.client_id, *ends)
        # A cancel whose connection broke is repeated by the HTTP client itself: that does no harm.
        again = fault.rule["kind"] == "reset"
        expected = Outcome.CANCEL_REFUSED if fault.done else Outcome.CANCELED
        assert first.outcome is (expected if again else Outcome.CANCELED if fault.told else Outcome.CANCEL_UNRESOLVED)
        last = await _fate(trader, order, bool(shape))
        assert last.outcome is (Outcome.CANCELED if fault.done or again else Outcome.ACCEPTED)


# -- questions ----------------------------------------------------------------------------------------------

QUESTIONS = {
    "account": (AskAccount, "GET /*/account"),
    "positions": (AskAccount, "GET /*/positionRisk"),
    "open orders": (AskOpenOrders, "GET /*/openOrders"),
    "open stops": (AskOpenOrders, "GET /*/openAlgoOrders"),
    "fills": (lambda n: AskFills(n, "BTCUSDT", "0", 0), "GET /*Trades"),
    "cash": (lambda n: AskCash(n, 1 << 40), "GET /*/income"),
    "bars": (lambda n: AskBars(n, "BTCUSDT", 1 << 40), "GET /*/klines"),
    "funding": (lambda n: AskFunding(n, 1 << 40), "GET /*/fundingRate"),
}


@pytest.mark.parametrize("market", [Market.SPOT, Market.FUTURES])
@FEW
async def test_a_question_is_asked_again_until_it_is_answered(served: Served, market: Market, fault: Fault) -> None:
    async with trading(served, market, params=_params(fault)) as trader:
        order = trader.order()
        trader.port.send(Place(order))
        await trader.report(order.client_id, Outcome.ACCEPTED)
        since = trader.clock.now_ms() - 120_000
        for make, path in QUESTIONS.values():
            served.faults({**fault.rule, "on": path})

            def query(n: int, make: Any = make) -> Query:
                asked: Query = make(n)
                return asked if not hasattr(asked, "since") else type(asked)(**_fields(asked) | {"since": since})

            replies = [await trader.ask(query)]
            while replies[-1].error:
                assert len(replies) < 4, replies
                replies.append(await trader.ask(query))
        served.faults()
        assert trader.standing() == [order.client_id]


def _fields(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in request.__struct_fields__}


# -- limits ---------------------------------------------------------------------------------------------------


async def test_after_a_429_entries_wait_while_a_stop_and_a_cancel_go_through(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        resting = trader.order(price=55_000)
        trader.port.send(Place(resting))
        await trader.report(resting.client_id, Outcome.ACCEPTED)
        served.faults({"kind": "rate_limit", "on": "POST /fapi/v1/order", "ms": 200_000})
        entry, stop = trader.order(rung=2), trader.order(Side.SELL, trigger=50_000, purpose=Purpose.STOP)
        trader.port.send(Place(entry))
        refused = await trader.report(entry.client_id)
        assert (refused.outcome, refused.code) == (Outcome.REFUSED, -1003)
        waiting = trader.order(rung=3)
        trader.port.send(Place(waiting))
        trader.port.send(Place(stop))
        trader.port.send(Cancel("BTCUSDT", resting.client_id))
        assert (await trader.report(stop.client_id)).outcome is Outcome.ACCEPTED
        await trader.report(resting.client_id, Outcome.CANCELED)
        assert trader.reports(waiting.client_id) == []
        assert trader.port.health.closed_until is not None
        gone = (await trader.ask(lambda n: AskOrder(n, "BTCUSDT", waiting.client_id))).order
        assert gone is not None
        assert gone.outcome is Outcome.ABSENT
        assert trader.standing() == []
        served.good("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")


async def test_a_stop_that_meets_a_429_is_sent_again(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        served.faults({"kind": "rate_limit", "on": "POST /fapi/v1/algoOrder"})
        stop = trader.order(Side.SELL, trigger=50_000, purpose=Purpose.STOP)
        trader.port.send(Place(stop))
        assert (await trader.report(stop.client_id)).outcome is Outcome.ACCEPTED


async def test_a_ban_is_said_once_and_nothing_is_sent_until_it_ends(served: Served) -> None:
    async with trading(served, Market.FUTURES) as trader:
        served.faults({"kind": "ban", "on": "POST /fapi/v1/order", "ms": 600_000})
        order = trader.order()
        trader.port.send(Place(order))
        refused = await trader.report(order.client_id)
        assert refused.outcome is Outcome.REFUSED
        assert "banned" in refused.detail
        downs = [one for one in trader.heard if isinstance(one, LinkChanged)]
        assert [(one.source, one.up) for one in downs] == [("orders", False)]
        assert trader.port.health.closed_until is not None
        stop = trader.order(Side.SELL, trigger=50_000, purpose=Purpose.STOP)
        trader.port.send(Place(stop))
        served.control("pardon")
        served.faults()
        assert served.good("GET", "/fapi/v1/openAlgoOrders") == []


async def test_a_flood_earns_no_429_and_a_stop_still_finds_room() -> None:
    """The exchange's limits are a fiftieth of the true ones: 48 of weight a minute, 6 orders in ten seconds."""
    with serving(Market.FUTURES, limits=0.02) as tight:
        async with trading(tight, Market.FUTURES, pardoned=False) as trader:
            for rung in range(60):
                trader.port.send(Place(trader.order(price=50_000 + rung, quantity="0.002", rung=rung)))
                trader.port.send(AskBars(10_000 + rung, "BTCUSDT", trader.clock.now_ms() - 120_000))
            stop = trader.order(Side.SELL, trigger=50_000, purpose=Purpose.STOP)
            trader.port.send(Place(stop))
            assert (await trader.report(stop.client_id)).outcome is Outcome.ACCEPTED
            for _ in range(50):
                await asyncio.sleep(0.002)
            limiter = tight.app.place.limiter
            assert tight.inside(lambda: sum(window.refused for window in limiter._weights.values())) == 0
            assert trader.port.health.last_error == ""
            assert trader.port.health.queued > 0
