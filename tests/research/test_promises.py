"""The promises hold on windows nobody chose; the tool that looks at many finds what is broken."""

from array import array

import msgspec
import pytest

from gridbot_tui.research.halts import Halt
from gridbot_tui.research.outcome import Outcome, outcome_of, ring_of
from gridbot_tui.research.request import Request, prepare
from gridbot_tui.units import DAY
from tests.data import shared
from tests.research.markets import prepared, series
from tests.research.ugly import KINDS, ugly
from tests.tools.check_promises import broken, spans, windows


def played() -> Outcome:
    one = prepared(series("ETHUSDT", 16, seed=91, sigma_hour=0.013))
    ring = ring_of(one)
    ring.run()
    return outcome_of("strategy", ring, one)


def test_every_kind_of_breach_is_named() -> None:
    made = played()
    assert broken(made) == []
    halt = Halt(at=1, equity=8_000.0, exposure=1.0, gap=0.1, costs=0.001, beyond=0.2, bound=0.1)
    bad = {
        "liquidations": 1,
        "residual": "0.01",
        "max_leverage": 5.1,
        "max_leverage_observed": 6.2,
        "final_equity": None,
    }
    found = broken(msgspec.structs.replace(made, figures={**made.figures, **bad}, halts=(halt,)))
    assert len(found) == 6
    assert "1 liquidations" in found
    figures = {**made.figures, "max_drawdown": -0.3}
    low = [0.8 * value if 300 <= index < 302 else value for index, value in enumerate(made.equity)]
    fell = msgspec.structs.replace(made, figures=figures, equity=array("d", low))
    assert broken(fell) == ["drawdown 0.3000 and no halt"]
    dip = [0.8 * value if index == 300 else value for index, value in enumerate(made.equity)]
    assert broken(msgspec.structs.replace(made, figures=figures, equity=array("d", dip))) == []


@pytest.mark.data
def test_windows_are_of_every_kind_and_inside_what_is_recorded() -> None:
    root = shared("um").parent
    found = list(windows(root, 40, 5))
    assert {one.interval for one in found} == {"1m", "3m", "5m", "15m", "1h"}
    assert any(len(one.data) > 1 for one in found)
    assert all(one.to - one.frm >= 14 * DAY for one in found)
    assert {market for market, _ in spans(root)} == {"um", "spot"}


@pytest.mark.data
@pytest.mark.parametrize("seed", [11, 12])
def test_a_window_nobody_chose_keeps_the_promises(seed: int) -> None:
    root = shared("um").parent
    one = next(w for w in windows(root, 20, seed) if w.interval in ("1m", "3m") and len(w.data) == 1)
    it = prepare(Request(one.data, interval=one.interval, frm=one.frm, to=min(one.to, one.frm + 24 * DAY)))
    ring = ring_of(it)
    ring.run()
    assert broken(outcome_of("strategy", ring, it)) == []


@pytest.mark.parametrize("index", range(len(KINDS) + 1), ids=[*(kind.__name__ for kind in KINDS), "crowd"])
def test_an_ugly_market_breaks_no_promise(index: int) -> None:
    _, one = ugly(index, 5)
    ring = ring_of(one)
    ring.run()
    assert broken(outcome_of("strategy", ring, one)) == []
