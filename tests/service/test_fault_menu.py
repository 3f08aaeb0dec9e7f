"""Each fault of the exchange's menu, met by a whole bot: nothing sent twice, nothing forgotten, nothing lost, and said.

A bot of its own lives through each of them, with the waits it has on a real exchange. After it the books must be the
exchange's within a minute, with a residual of zero; what protects must have got through; and the stop at the end must
leave nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.exchange.server.faults import ACTIONS, EVENTS, REQUESTS
from gridbot_tui.units import Market
from tests.service.wire_scene import SYMBOL, Scene, live_through

Rule = dict[str, Any]
ORDERS = {Market.FUTURES: "POST /fapi/v1/*rder*", Market.SPOT: "POST /api/v3/order"}
NEWS = {Market.FUTURES: "ORDER_TRADE_UPDATE", Market.SPOT: "executionReport"}
ANY = ""
"""Nothing need be said: an operator could not do anything about it."""
BARE_S = 25.0
"""So long a position may be without a stop where the exchange takes, or seems to take, no orders (a ban of 20 s)."""

REQUEST_FAULTS: dict[str, tuple[Rule, str]] = {
    "timeout": ({"ms": 0}, "unanswered"),
    "backend_timeout": ({}, "unanswered"),
    "unknown": ({}, "unanswered"),
    "unavailable": ({}, "Service Unavailable"),
    "internal": ({}, "Internal error"),
    "throttled": ({}, "-1008"),
    "no_code": ({}, "unanswered"),
    "html": ({"status": 502}, "unanswered"),
    "empty": ({"status": 500}, "unanswered"),
    "truncated": ({}, "unanswered"),
    "reset": ({}, "unanswered"),
    "slow": ({"ms": 12_000}, "unanswered"),
    "late": ({"ms": 12_000}, "unanswered"),
    "rate_limit": ({}, "(rate limit)"),
    "ban": ({"ms": 20_000}, "banned this address"),
    "refuse": ({"status": 400, "code": -2019, "msg": "Margin is insufficient."}, "-2019"),
}
DOUBTFUL = ("timeout", "backend_timeout", "unknown", "reset")
"""Faults that may or may not have been preceded by the order being taken."""
EVENT_FAULTS = ("drop", "duplicate", "delay", "reorder")
ACTION_FAULTS: dict[str, tuple[Rule, str]] = {
    "disconnect": ({"on": "*"}, "link_down"),
    "silence": ({"on": "*", "ms": 0}, "link_down"),
    "shutdown": ({"on": "*", "ms": 10_000}, ANY),
    "ping_stop": ({"on": "*"}, ANY),
    "expire_listen_key": ({}, "listen key expired"),
    "flood": ({"count": 2_000}, ANY),
    "skew": ({"ms": 7_000}, "clock is 7.0 s behind"),
    "maintenance": ({"ms": 20_000}, "unanswered"),
    "deleverage": ({"symbol": SYMBOL}, "deleveraging"),
    "liquidate": ({}, "liquidation"),
}
LASTS = {"slow": 12.0, "late": 12.0, "shutdown": 15.0, "ping_stop": 30.0, "silence": 30.0}
"""Seconds in which it goes on by itself."""
FUTURES_ONLY = {"expire_listen_key", "deleverage", "liquidate"}


def met(home: Path, market: Market, *rules: Rule, said: str = ANY,
        then: Callable[[Scene], Coroutine[Any, Any, None]] | None = None) -> None:  # fmt: skip
    """A bot's life with one fault in it, judged."""

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.cancels = any(rule.get("on", "").startswith("DELETE") for rule in rules)
        await scene.meet(*rules, said=said, lasts=max(LASTS.get(rule["kind"], 3.0) for rule in rules))
        if then is not None:
            await then(scene)
        if market is Market.FUTURES:
            assert bool(scene.stops()) == scene.holds()
            assert scene.bare_s <= BARE_S, f"{scene.bare_s:.1f} s without a stop"
        result = await scene.stop()
        assert (result.exit_code, scene.standing(), scene.holds()) == (0, [], False), result
        assert scene.contradictions() == []

    live_through(story, home, market=market)


def test_the_menu_is_met_whole() -> None:
    assert set(REQUEST_FAULTS) == set(REQUESTS)
    assert set(EVENT_FAULTS) == set(EVENTS)
    assert set(ACTION_FAULTS) | {"delist"} == set(ACTIONS), "delisting has a test of its own"


@pytest.mark.parametrize(
    ("kind", "executed"),
    [(kind, True) for kind in REQUEST_FAULTS] + [(kind, False) for kind in DOUBTFUL],
)
def test_a_request_that_goes_wrong_is_never_sent_twice_and_never_forgotten(
    kind: str, executed: bool, tmp_path: Path
) -> None:
    more, said = REQUEST_FAULTS[kind]
    rule = {"kind": kind, "on": ORDERS[Market.FUTURES], "times": 2, "executed": executed, **more}
    met(tmp_path, Market.FUTURES, rule, said=said)


@pytest.mark.parametrize("kind", EVENT_FAULTS)
def test_news_that_get_lost_doubled_or_late_leave_the_same_books(kind: str, tmp_path: Path) -> None:
    rule = {"kind": kind, "on": NEWS[Market.FUTURES], "times": 3, "ms": 2_000, "count": 2}
    met(tmp_path, Market.FUTURES, rule)


@pytest.mark.parametrize("kind", list(ACTION_FAULTS))
def test_what_befalls_the_exchange_is_lived_through(kind: str, tmp_path: Path) -> None:
    more, said = ACTION_FAULTS[kind]
    met(tmp_path, Market.FUTURES, {"kind": kind, "times": 1, **more}, said=said)


def test_refusals_open_a_circuit_with_the_reason_and_what_protects_still_leaves(tmp_path: Path) -> None:
    """The exchange refuses every plain order; the position that is there keeps its stop, and can be closed."""
    more, said = REQUEST_FAULTS["refuse"]
    refuse = {"kind": "refuse", "on": "POST /fapi/v1/order", "times": 0, **more}

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.stir()
        await scene.until(lambda _: scene.holds() and bool(scene.stops()), "a position with its stop")
        scene.served.faults(refuse)
        refused = scene.served.app.place.faults.injected
        for _ in range(10):
            scene.stir()
            await asyncio.sleep(2.0)
        picture = await scene.until(lambda p: any(one.code == "circuit_open" for one in p.blockers), "the circuit")
        assert any("-2019" in one.detail for one in picture.blockers)
        assert refused["refuse"] <= 12, "held back, but for a probe a minute"
        assert scene.saw(said)
        assert bool(scene.stops()) == scene.holds()
        scene.served.faults()
        await scene.agreed(seconds=300.0)
        assert (await scene.stop()).exit_code == 0
        assert (scene.standing(), scene.holds(), scene.contradictions()) == ([], False, [])

    live_through(story, tmp_path)


def test_a_leverage_that_cannot_be_set_is_said(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        rule = {"kind": "refuse", "on": "POST /fapi/v1/leverage", "status": 400, "code": -4161,
                "msg": "Leverage reduction is not supported in Isolated Margin Mode with open positions."}  # fmt: skip
        scene.served.faults(rule)
        await scene.start()
        await scene.trading()
        assert scene.saw(f"account: {SYMBOL}: leverage 6x on cross margin could not be set on Binance (-4161: Leverage")
        assert (await scene.stop()).exit_code == 0

    live_through(story, tmp_path)


def test_a_leverage_that_the_key_may_not_set_is_not_asked_for_again_and_again(tmp_path: Path) -> None:
    """Nothing but a person puts that right."""

    async def story(scene: Scene) -> None:
        rule = {"kind": "refuse", "on": "POST /fapi/v1/leverage", "status": 401, "code": -2015, "times": 1,
                "msg": "Invalid API-key, IP, or permissions for action."}  # fmt: skip
        scene.served.faults(rule)
        await scene.start()
        await asyncio.sleep(75)
        assert scene.saw("what is set there stays until the next start")
        assert not scene.saw("on cross margin is set on Binance now")

    live_through(story, tmp_path)


def test_a_leverage_that_an_outage_kept_from_being_set_is_set_as_soon_as_it_can_be(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        def leverage() -> int:
            return int(scene.served.signed("GET", "/fapi/v1/symbolConfig", symbol=SYMBOL)[1][0]["leverage"])

        usual = leverage()
        scene.served.faults({"kind": "unavailable", "on": "POST /fapi/v1/leverage", "times": 6})
        await scene.start()
        await scene.trading()
        await asyncio.sleep(10)
        assert scene.saw("leverage 6x on cross margin could not be set on Binance")
        assert scene.saw("what is set there stays for now, this is tried again")
        assert leverage() == usual != 6
        await asyncio.sleep(75)
        assert scene.saw(f"{SYMBOL}: leverage 6x on cross margin is set on Binance now")
        assert leverage() == 6
        assert (await scene.stop()).exit_code == 0

    live_through(story, tmp_path)


def test_a_delisted_symbol_is_settled_booked_and_left(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.stir()
        await scene.until(lambda _: scene.holds(), "a position")
        scene.served.control("act", kind="delist", symbol=SYMBOL)
        await scene.until(lambda _: scene.saw("forced by the exchange: settlement"), "it is said")
        await scene.until(lambda p: any("-4140" in one.detail for one in p.blockers), "why nothing is sent any more")
        await scene.agreed(entries=False)
        assert (scene.holds(), scene.standing()) == (False, [])
        result = await scene.stop()
        assert (result.exit_code, scene.contradictions()) == (0, []), result

    live_through(story, tmp_path)
