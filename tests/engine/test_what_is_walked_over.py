"""News of one order looks at one symbol again: held against a walk over all of them, after every event."""

import pytest

from gridbot_tui.engine import invariants
from gridbot_tui.engine.actions import Action
from gridbot_tui.engine.events import Quote
from gridbot_tui.engine.walk import Walk, walk
from gridbot_tui.units import Market
from tests.simulation.market import RandomMarket, Weather
from tests.simulation.rig import Rig

WALKED = next(one for one in invariants.INVARIANTS if one.name == "walk_is_current")
WEATHER = Weather(sigma_hour=0.02, jumps_a_day=2.0, jump=0.05)


def found(known: Walk) -> tuple[object, ...]:
    """All that is read of a walk."""
    both = (known.symbols, known.planned)
    cases = [(name, one.position, one.mark, one.fresh, one.case()) for each in both for name, one in each.items()]
    return cases, list(known.maintenance.items())


@pytest.mark.parametrize(("seed", "market", "symbols"), [(5, Market.FUTURES, 3), (6, Market.SPOT, 2)])
def test_what_is_kept_of_a_walk_is_what_another_would_find(seed: int, market: Market, symbols: int) -> None:
    source = RandomMarket(seed, symbols, market=market, days=0.5, weather=WEATHER)
    rig = Rig(source, market=market, check=False, seed=seed)
    desk, handle = rig.engine.desk, rig.engine.handle
    held = narrow = quoted = 0

    def heard(event: object) -> list[Action]:
        nonlocal held, narrow, quoted
        actions = handle(event)  # type: ignore[arg-type]
        assert not list(WALKED.check(desk))
        kept = desk.walked
        state = next(iter(desk.symbols.values()))
        if state.mark is not None and len(actions) % 2:  # news of prices between; only a mark changes what is looked at
            actions += handle(Quote(desk.now, state.symbol, bid=state.mark - 1, ask=state.mark + 1))
            actions += handle(Quote(desk.now, state.symbol, mark=state.mark + 1))
            quoted += kept is not None and desk.walked is kept
            assert not list(WALKED.check(desk))
        known = desk.walked
        if known is None:
            return actions
        narrow += len(known.symbols) > len(desk.stirred)
        held += bool(known.maintenance)
        desk.narrow = True
        short = found(walk(desk))
        desk.narrow = False
        assert short == found(walk(desk))
        desk.walked = known
        return actions

    rig.engine.handle = heard  # type: ignore[method-assign]
    rig.run()
    assert narrow > 20
    assert quoted > 20
    assert market is Market.SPOT or held > 20
