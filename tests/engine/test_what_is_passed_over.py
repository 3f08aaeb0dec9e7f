"""A comparison leaves out the parts in which it would find nothing: held against comparing everything, always."""

import pytest

from gridbot_tui.engine import converge
from gridbot_tui.engine.actions import Action, CancelOrder, PlaceOrder
from gridbot_tui.engine.desk import Desk
from gridbot_tui.orders.reconcile import ALL, Convergence, Reconciler
from gridbot_tui.units import Market
from tests.simulation.market import RandomMarket, Weather
from tests.simulation.rig import Rig

WEATHER = Weather(sigma_hour=0.015, jumps_a_day=1.0, jump=0.05)


def lived(seed: int, market: Market, symbols: int) -> list[Action]:
    """What an engine sends in half a day."""
    source = RandomMarket(seed, symbols, market=market, days=0.6, weather=WEATHER)
    rig = Rig(source, market=market, check=False, seed=seed)
    sent: list[Action] = []
    handle = rig.engine.handle

    def heard(event: object) -> list[Action]:
        actions = handle(event)  # type: ignore[arg-type]
        sent.extend(action for action in actions if type(action) in (PlaceOrder, CancelOrder))
        return actions

    rig.engine.handle = heard  # type: ignore[method-assign]
    rig.run()
    return sent


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every symbol touched is compared in all parts; the parts it would have left out are counted."""
    spared: list[int] = []
    original, reconcile = converge.converge, Reconciler.reconcile

    def whole(desk: Desk) -> None:
        for name in desk.dirty:
            state = desk.symbols[name]
            spared.append(ALL & ~state.open)
            state.open = ALL
        original(desk)

    def all_parts(self: Reconciler, *args: object, **kwargs: object) -> Convergence:
        kwargs["parts"] = ALL
        return reconcile(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(converge, "converge", whole)
    monkeypatch.setattr(Reconciler, "reconcile", all_parts)
    return spared


@pytest.mark.parametrize(
    ("seed", "market", "symbols"), [(1, Market.FUTURES, 1), (2, Market.FUTURES, 3), (3, Market.SPOT, 2)]
)
def test_what_is_left_out_would_have_sent_nothing(
    seed: int, market: Market, symbols: int, request: pytest.FixtureRequest
) -> None:
    short = lived(seed, market, symbols)
    spared: list[int] = request.getfixturevalue("everything")
    long = lived(seed, market, symbols)
    assert len(short) > 40
    assert sum(map(bool, spared)) > 20  # there was something to leave out
    assert short == long
