"""Markets and configs on which the screen must do what the engine does: each brings out something that is rare."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.market.recorded import Series
from gridbot_tui.research.outcome import Outcome, outcome_of, ring_of
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.screen.screening import Screen
from gridbot_tui.research.screen.settled import outcome
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms
from tests.research.markets import prepared, series

Fill = tuple[int, int, int, int, int]
"""(time, place of the symbol, side, ticks, steps)."""
Keys = dict[str, str]
QUARTER: Ms = 15 * MINUTE
COINS = Market.SPOT
TIGHT: Keys = {"ladder__spacing_trend": "1.0", "ladder__spacing_neutral": "0.5", "ladder__spacing_floor": "0.0015"}
SPOT: Keys = {
    "ladder__spot_spacing_trend": "1",
    "ladder__spot_spacing_neutral": "0.5",
    "ladder__spot_spacing_floor": "0.003",
}
CHURN: Keys = {"orders__churn_creates": "3", "orders__churn_repeats": "1"}
LARGE: Keys = {
    "strategy__leverage__base": "1.0",
    "strategy__ensemble__gain": "4.0",
    "strategy__portfolio__gross": "5",
    "strategy__portfolio__net": "5",
    "strategy__portfolio__crash": "0.5",
    "risk__gap_reserve": "0.5",
}
PATIENT: Keys = {
    "risk__tier1_enter": "0.49",
    "risk__tier1_leave": "0.3",
    "risk__tier2_enter": "0.59",
    "risk__tier2_leave": "0.5",
    "risk__tier3_enter": "0.85",
    "risk__absolute_halt": "0.95",
    "risk__breaker_loss": "0.9",
}
"""No halt before nearly all is lost."""
BOLD: Keys = {
    **LARGE,
    "strategy__leverage__reference_volatility": "3.0",
    "strategy__ensemble__prior__up": "0.8",
    "strategy__ensemble__prior__down": "0.1",
    "strategy__ensemble__prior__neutral": "0.1",
    **PATIENT,
}
"""As much on one side as the limits of a config can be made to allow."""
LASTING: Keys = {**TIGHT, **PATIENT}


class Case(Struct, frozen=True):
    """One market with its config."""

    name: str
    make: Callable[[], Series | tuple[Series, ...]]
    """The only series, or those of several symbols on one account."""
    interval: Ms
    keys: Keys

    def ready(self) -> Prepared:
        """Ready to be played."""
        made = self.make()
        return prepared(*(made if isinstance(made, tuple) else (made,)), interval=self.interval, **self.keys)


class Agreement(Struct, frozen=True):
    """What engine and screen made of one market."""

    engine: list[Fill]
    screen: list[Fill]
    equity: float
    """The engine's."""
    screened: float
    counts: dict[str, int]
    apart: tuple[str, ...]
    """What of the two outcomes is not the same to the last digit."""

    @property
    def alike(self) -> int:
        """How many fills both have, in the same order, before they part."""
        count = 0
        for ours, theirs in zip(self.engine, self.screen, strict=False):
            if ours != theirs:
                break
            count += 1
        return count

    @property
    def holds(self) -> bool:
        """The same fills in the same order, equity to 1e-6 (of 1 where all is lost); all the same in the books."""
        same = self.alike == len(self.engine) == len(self.screen)
        return same and not self.apart and abs(self.screened - self.equity) <= 1e-6 * max(abs(self.equity), 1.0)


class Played(Struct, frozen=True):
    """What the engine made of one market."""

    fills: list[Fill]
    equity: float
    told: dict[str, Any]


def told(made: Outcome) -> dict[str, Any]:
    """All of an outcome but what only the engine knows, as plain things that can be compared and kept."""
    known = msgspec.structs.replace(made, codes={}, reasons=())
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(known, enc_hook=list))
    return found


def by_engine(one: Prepared) -> Played:
    """Play one market with the engine."""
    ring = ring_of(one)
    ring.run()
    place = {symbol: i for i, symbol in enumerate(one.market.symbols)}
    fills = [(f.at, place[f.fill.symbol], int(f.fill.side), f.fill.price, f.fill.steps) for f in ring.tape.fills]
    made = told(outcome_of("strategy", ring, one))
    return Played(fills, float(ring.engine.desk.ledger.equity_quick() or 0), made)


def compare(one: Prepared, engine: Played | None = None) -> Agreement:
    """Play one market with both, or with the screen alone where the engine has played it."""
    engine = engine or by_engine(one)
    screen = Screen(one)
    made = screen.run(one.settings)
    at = screen.tape.times
    own = [(int(at[row]), place, side, price, steps) for row, place, side, price, steps in made.fills.tolist()]
    settled = told(outcome("strategy", screen))
    apart = tuple(name for name in settled if settled[name] != engine.told[name])
    return Agreement(engine.fills, own, engine.equity, made.final, made.counts, apart)


def fallen(one: Series, days: tuple[float, ...], drop: float) -> Series:
    """The same, but between two bars on each of these days the price falls by ``drop`` (rises where negative)."""
    every = int(one.times[1] - one.times[0])
    factor = np.ones(len(one.times))
    for day in days:
        factor[int(day * DAY // every) :] *= 1.0 - drop

    def moved(column: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.rint(column * factor).astype(np.int64)

    marks = None if one.mark is None else (moved(one.mark[0]), moved(one.mark[1]), moved(one.mark[2]))
    opened, high, low, close = (moved(column) for column in (one.open, one.high, one.low, one.close))
    return replace(one, open=opened, high=high, low=low, close=close, mark=marks)


def thin(one: Series, volume: float) -> Series:
    """The same with so little traded in each bar that orders fill piece by piece."""
    return replace(one, volume=np.full(len(one.times), volume))


def swung(one: Series, far: float) -> Series:
    """The same with long wicks: every bar trades this part of its price beyond both ends, and whole ladders with it."""
    high, low = np.rint(one.high * (1.0 + far)), np.rint(one.low * (1.0 - far))
    return replace(one, high=high.astype(np.int64), low=low.astype(np.int64))


def bold(seed: int, symbol: str = "ETHUSDT") -> Series:
    """A steady rise, then most of the price is gone between two bars."""
    walk = series(symbol, 24, seed=seed, sigma_hour=0.005, drift_day=0.012, interval=QUARTER, marks=seed % 2 == 0)
    return fallen(walk, (19.0 + 0.3 * (seed % 5),), 0.7)


CASES: tuple[Case, ...] = (
    Case("lively", lambda: series("ETHUSDT", 25, seed=3, sigma_hour=0.011, interval=QUARTER), QUARTER, {}),
    Case("tight", lambda: series("ETHUSDT", 30, seed=4, sigma_hour=0.011, interval=QUARTER), QUARTER, TIGHT),
    Case("5 minutes", lambda: series("BTCUSDT", 20, seed=7, sigma_hour=0.01, marks=True), 5 * MINUTE, TIGHT),
    Case("hours", lambda: series("SOLUSDT", 60, seed=6, sigma_hour=0.015, interval=HOUR), HOUR, TIGHT),
    Case(
        "thin",
        lambda: thin(series("ETHUSDT", 22, seed=11, sigma_hour=0.011, interval=QUARTER), 1.0),
        QUARTER,
        TIGHT,
    ),
    Case(
        "thin minutes",
        lambda: thin(series("SOLUSDT", 19, seed=12, sigma_hour=0.012, interval=MINUTE), 12.0),
        MINUTE,
        TIGHT,
    ),
    Case(
        "outages and episodes",
        lambda: series(
            "ETHUSDT", 36, seed=13, sigma_hour=0.012, holes=((16.3, 0.5), (17.7, 0.9), (18.0, 3.0), (34.5, 1.0))
        ),
        5 * MINUTE,
        TIGHT,
    ),
    Case(
        "spot",
        lambda: series("BTCUSDT", 40, seed=16, sigma_hour=0.012, interval=QUARTER, market=COINS, holes=((20, 9),)),
        QUARTER,
        {**SPOT, **LARGE},
    ),
    Case(
        "thin spot that falls",
        lambda: thin(
            series("SOLUSDT", 40, seed=17, sigma_hour=0.015, drift_day=-0.03, interval=QUARTER, market=COINS), 9.0
        ),
        QUARTER,
        {**SPOT, **LARGE, "risk__leverage_cap": "0.3"},
    ),
    Case(
        "too little money",
        lambda: series("BTCUSDT", 30, seed=18, sigma_hour=0.012, interval=QUARTER),
        QUARTER,
        {**TIGHT, "bot__capital": "900"},
    ),
    Case(
        "too little money on spot",
        lambda: series("BTCUSDT", 30, seed=19, sigma_hour=0.012, interval=QUARTER, market=COINS),
        QUARTER,
        {**SPOT, "bot__capital": "60"},
    ),
    Case(
        "halts that end",
        lambda: series("SOLUSDT", 60, seed=20, sigma_hour=0.02, drift_day=-0.03, interval=QUARTER),
        QUARTER,
        {**TIGHT, **LARGE, "risk__auto_rearm": "true", "risk__auto_rearm_days": "2"},
    ),
    Case(
        "a fall that halts",
        lambda: series("SOLUSDT", 40, seed=5, sigma_hour=0.02, drift_day=-0.05, interval=QUARTER),
        QUARTER,
        LARGE,
    ),
    Case(
        "a gap that fires the stop",
        lambda: fallen(series("SOLUSDT", 40, seed=10, sigma_hour=0.012, interval=QUARTER), (22, 35.3), 0.3),
        QUARTER,
        {},
    ),
    Case(
        "few rungs, churn",
        lambda: series("ETHUSDT", 25, seed=21, sigma_hour=0.013, interval=5 * MINUTE),
        5 * MINUTE,
        {**TIGHT, **CHURN, "ladder__skew": "0.75", "orders__depth": "3"},
    ),
    Case(
        "no hysteresis",
        lambda: series("ETHUSDT", 25, seed=22, sigma_hour=0.013, interval=QUARTER, marks=True),
        QUARTER,
        {**TIGHT, "ladder__skew": "1.25", "orders__price_tolerance": "0.0", "orders__quantity_tolerance": "0.0"},
    ),
    Case(
        "eager learning",
        lambda: series("SOLUSDT", 60, seed=23, sigma_hour=0.012, interval=HOUR),
        HOUR,
        {
            "strategy__learning__rate": "0.1",
            "strategy__learning__skip_days": "5",
            "strategy__learning__bet": "0.3",
            "strategy__learning__evidence_limit": "5",
        },
    ),
    Case(
        "long wicks, thin",
        lambda: thin(swung(series("SOLUSDT", 15.4, seed=41, sigma_hour=0.006, interval=MINUTE), 0.02), 30.0),
        MINUTE,
        LASTING,
    ),
    Case(
        "long wicks on thin spot",
        lambda: thin(
            swung(series("SOLUSDT", 16, seed=42, sigma_hour=0.006, interval=MINUTE, market=COINS), 0.03), 60.0
        ),
        MINUTE,
        {**SPOT, **LARGE, **PATIENT},
    ),
    Case(
        "long wicks with mark prices",
        lambda: swung(series("BTCUSDT", 19, seed=43, sigma_hour=0.007, marks=True), 0.02),
        5 * MINUTE,
        LASTING,
    ),
    *(Case(f"liquidated {seed}", lambda seed=seed: bold(seed), QUARTER, BOLD) for seed in (30, 31, 32, 33)),  # type: ignore[misc]
)


def _several(*symbols: str, seed: int, days: float = 30, **given: Any) -> tuple[Series, ...]:
    """Walks of their own, on one account."""
    return tuple(series(symbol, days, seed=seed + i, **given) for i, symbol in enumerate(symbols))


def _holed() -> tuple[Series, ...]:
    """Outages and episodes, each at its own time; one begins late and ends early."""
    first = ((16.3, 0.5), (17.7, 0.9), (18.0, 3.0), (34.5, 1.0))
    second = ((16.3, 0.7), (20.01, 2.0), (25.51, 0.9), (30.02, 30.0))
    return (
        series("BTCUSDT", 24, seed=15, sigma_hour=0.011, holes=((0.0, 60.0),)),
        series("ETHUSDT", 36, seed=13, sigma_hour=0.012, holes=first),
        series("SOLUSDT", 36, seed=14, sigma_hour=0.012, holes=second),
    )


ALL = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
TWO = ("ETHUSDT", "SOLUSDT")
SEVERAL: tuple[Case, ...] = (
    Case("three", lambda: _several(*ALL, seed=3, days=22, sigma_hour=0.012, interval=QUARTER), QUARTER, TIGHT),
    Case(
        "that move together",
        lambda: (
            *(series(one, 34, seed=3, sigma_hour=0.012, interval=QUARTER) for one in ALL[:2]),
            series("SOLUSDT", 34, seed=5, sigma_hour=0.011, interval=QUARTER),
        ),
        QUARTER,
        {**TIGHT, **LARGE},
    ),
    Case(
        "with halts that end",
        lambda: _several(*ALL, seed=20, days=60, sigma_hour=0.02, drift_day=-0.03, interval=QUARTER),
        QUARTER,
        {**TIGHT, **LARGE, "risk__auto_rearm": "true", "risk__auto_rearm_days": "2"},
    ),
    Case(
        "in minutes, with mark prices",
        lambda: _several(*TWO, seed=31, days=17, sigma_hour=0.011, interval=MINUTE, marks=True),
        MINUTE,
        TIGHT,
    ),
    Case(
        "in thin markets",
        lambda: (
            thin(series("ETHUSDT", 22, seed=11, sigma_hour=0.011, interval=QUARTER), 1.0),
            thin(series("BTCUSDT", 22, seed=12, sigma_hour=0.011, interval=QUARTER), 0.05),
        ),
        QUARTER,
        TIGHT,
    ),
    Case("with holes of their own", _holed, 5 * MINUTE, TIGHT),
    Case(
        "on spot",
        lambda: _several(*ALL, seed=16, days=40, sigma_hour=0.012, interval=QUARTER, market=COINS, holes=((20, 9),)),
        QUARTER,
        {**SPOT, **LARGE},
    ),
    Case(
        "one of which gaps and fires its stop",
        lambda: (
            fallen(series("SOLUSDT", 40, seed=10, sigma_hour=0.012, interval=QUARTER), (22, 35.3), 0.3),
            series("ETHUSDT", 40, seed=12, sigma_hour=0.012, interval=QUARTER),
        ),
        QUARTER,
        {},
    ),
    Case(
        "past the trim level",
        lambda: _several(*ALL, seed=50, days=28, sigma_hour=0.015, interval=QUARTER),
        QUARTER,
        {**TIGHT, **LARGE, "risk__leverage_cap": "1.2", "risk__leverage_trim": "1.3", "risk__leverage_hard": "1.5"},
    ),
    Case(
        "as plain grids",
        lambda: _several(*TWO, seed=60, days=20, sigma_hour=0.012, interval=QUARTER),
        QUARTER,
        {"ladder__kind": "geometric", "ladder__plain__side": "long"},
    ),
    *(
        Case(
            f"liquidated together {seed}",
            lambda seed=seed: (bold(seed), bold(seed + 10, "SOLUSDT")),  # type: ignore[misc]
            QUARTER,
            BOLD,
        )
        for seed in (30, 31)
    ),
)
"""Several symbols on one account, and what an account adds: shared margin, caps, tiers, halts and liquidations."""
