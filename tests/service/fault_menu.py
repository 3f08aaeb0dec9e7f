"""Each fault of the exchange's menu, met by a whole bot: nothing sent twice, nothing forgotten, nothing lost, and said.

One bot lives through all of them, one after the other; after each its books must be the exchange's, with a residual
of zero, every link up again, and the stop of its position never kept from the exchange.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from gridbot_tui.control.command import CommandKind
from gridbot_tui.exchange.server.faults import ACTIONS, EVENTS, REQUESTS
from gridbot_tui.units import Market
from tests.e2e.served import RICH, SYMBOL, Books, at_home
from tests.exchange_server.serving import Served, serving
from tests.service.wire_rig import HURRY, Rig, quick_ticks

SWING = 0.012
"""Between two prices so far apart lie rungs: a step from one to the other fills some and makes others."""
ORDERS = "POST /fapi/v1/*rder*"
EVENT = "ORDER_TRADE_UPDATE"
ANY = ""
"""Nothing need be said: an operator could not do anything about it."""


class Scene:
    """The exchange, the bot, and where the price stands."""

    def __init__(self, served: Served, rig: Rig, price: float) -> None:
        self.served = served
        self.rig = rig
        self._price = price
        self._high = True

    def stir(self) -> None:
        """Make something happen: rungs fill, others are made."""
        self._high = not self._high
        self.served.price(SYMBOL, round(self._price * (1 + SWING / 2 if self._high else 1 - SWING / 2), 1))

    def meet(self, *rules: dict[str, Any]) -> None:
        """The faults, trading under them until they have struck, and the calm after."""
        self.rig.forget_trouble()
        self.rig.order(CommandKind.PAUSE)
        self.rig.agreed(entries=False)
        self.rig.seen.clear()
        faults = self.served.app.place.faults
        before = sum(faults.injected.values())
        self.served.faults(*rules)
        self.rig.order(CommandKind.RESUME)
        for number in range(30):
            self.stir()
            self._look(0.1)
            if number >= 2 and sum(faults.injected.values()) > before:
                break
        assert sum(faults.injected.values()) > before, "the fault never struck"
        self.served.faults()
        self.served.control("pardon")
        self.rig.agreed()

    def heard_of(self, word: str) -> None:
        """What the operator must have been able to read."""
        self.rig.wait_for(lambda _: self.rig.saw(word), f"{word!r} in {sorted(self.rig.seen)}")

    def _look(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.rig.look()
            time.sleep(0.01)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    home = tmp_path_factory.mktemp("h")
    with (
        serving(Market.FUTURES, symbols=(SYMBOL,), accounts=(RICH,), speed=float(HURRY)) as served,
        quick_ticks(),
    ):
        price = at_home(served)
        with Rig(served, home) as rig:
            rig.trading()
            yield Scene(served, rig, price)
            result = rig.stop()
            assert result is not None
            assert (result.exit_code, Books(served).standing, Books(served).positions) == (0, set(), {}), result


REQUEST_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "timeout": ({"ms": 0}, "unanswered"),
    "backend_timeout": ({}, "unanswered"),
    "unknown": ({}, "unanswered"),
    "unavailable": ({}, ANY),
    "internal": ({}, ANY),
    "throttled": ({}, ANY),
    "no_code": ({}, "unanswered"),
    "html": ({"status": 502}, "unanswered"),
    "empty": ({"status": 500}, "unanswered"),
    "truncated": ({}, "unanswered"),
    "reset": ({}, "unanswered"),
    "slow": ({"ms": 1_000}, ANY),
    "late": ({"ms": 1_000}, ANY),
    "rate_limit": ({"ms": 1_000}, "requests: "),
    "ban": ({"ms": 2_000}, "requests"),
    "refuse": ({"status": 400, "code": -2019, "msg": "Margin is insufficient."}, "-2019"),
}


def test_the_menu_is_met_whole() -> None:
    assert set(REQUEST_FAULTS) == set(REQUESTS)
    assert set(EVENTS) == {"drop", "duplicate", "delay", "reorder"}
    assert set(ACTION_FAULTS) | {"delist"} == set(ACTIONS), "delisting has a test of its own"


DOUBTFUL = ("timeout", "backend_timeout", "unknown", "reset")
"""Faults that may or may not have been preceded by the order being taken."""


@pytest.mark.parametrize(
    ("kind", "executed"),
    [(kind, True) for kind in REQUEST_FAULTS if kind != "refuse"] + [(kind, False) for kind in DOUBTFUL],
)
def test_a_request_that_goes_wrong_is_never_sent_twice_and_never_forgotten(
    kind: str, executed: bool, scene: Scene
) -> None:
    more, said = REQUEST_FAULTS[kind]
    scene.meet({"kind": kind, "on": ORDERS, "times": 2, "executed": executed, **more})
    scene.heard_of(said)


@pytest.mark.parametrize("kind", ["drop", "duplicate", "delay", "reorder"])
def test_news_that_get_lost_doubled_or_late_leave_the_same_books(kind: str, scene: Scene) -> None:
    scene.meet({"kind": kind, "on": EVENT, "times": 3, "ms": 300, "count": 2})


ACTION_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "disconnect": ({"on": "*"}, "link_down"),
    "silence": ({"on": "*", "ms": 0}, "link_down"),
    "shutdown": ({"on": "*", "ms": 1_500}, ANY),
    "ping_stop": ({"on": "*"}, ANY),
    "expire_listen_key": ({}, ANY),
    "flood": ({"count": 2_000}, ANY),
    "skew": ({"ms": 7_000}, ANY),
    "maintenance": ({"ms": 200}, ANY),
    "deleverage": ({"symbol": SYMBOL}, "deleveraging"),
    "liquidate": ({}, "liquidation"),
}


@pytest.mark.parametrize("kind", list(ACTION_FAULTS))
def test_what_befalls_the_exchange_is_lived_through(kind: str, scene: Scene) -> None:
    more, said = ACTION_FAULTS[kind]
    scene.meet({"kind": kind, "times": 1, **more})
    if kind == "skew":
        scene.served.app.place.clock.skew = 0
        scene.rig.agreed()
    scene.heard_of(said)


def test_refusals_open_a_circuit_with_the_reason_and_the_stop_is_not_kept_from_the_exchange(scene: Scene) -> None:
    """The last of all: what was refused so often is not tried again for a while."""
    more, said = REQUEST_FAULTS["refuse"]
    scene.meet({"kind": "refuse", "on": ORDERS, "times": 4, **more})
    scene.heard_of(said)
    books = Books(scene.served)
    assert bool(books.stops) == bool(books.positions)
