"""A set's score by the screen."""

import contextlib
import fcntl
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from msgspec import Struct

from gridbot_tui.research.metrics import daily, sharpe
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.screen.state import (
    FILL_NOTE,
    HOURS_WIDTH,
    NOTED_AT,
    NOTED_PRICE,
    NOTED_SIDE,
    NOTED_STEPS,
    NOTED_WHAT,
    NOTES_WIDTH,
    STATE,
)
from gridbot_tui.research.screen.tape import Tape, tape_of
from gridbot_tui.research.trial import Score
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import DAY, Ms

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
else:
    Integers = Floats = Any
MOST_NOTES = 200_000
COUNTS = ("halts", "liquidations", "settled", "partials", "crossed")


class Screened(Struct):
    """What one run of the screen came to."""

    notes: Integers
    """See ``NOTED_WHAT``: fills, money, tiers, in order."""
    sums: Floats
    """(unit value, its peak) beside each of them that is a change of tier."""
    noted: int
    """How many there were: more than ``notes`` holds where it was too small."""
    made: int
    """How many fills there were."""
    hours: Floats
    """See ``HOUR_NOTED``: beside ``equity``, where notes are taken."""
    equity: Floats
    """At each full hour; the times are ``Tape.sampled``."""
    capital: float
    """What the account began with."""
    final: float
    """Equity at the end."""
    fall: float
    traded: float
    worst: float
    """Highest leverage of a worst case that an order left with, where notes are taken."""
    held: float
    """Highest leverage at a mark."""
    mark: int
    """Last mark price, ticks."""
    shadows: tuple[float, float, float]
    """Sum of the daily returns of each paper grid."""
    counts: dict[str, int]
    """Of what happened rarely: ``halts``, ``liquidations``, ``settled`` (funding), ``partials``, ``crossed``."""

    @property
    def fills(self) -> Integers:
        """Rows of (moment, side, ticks, steps)."""
        filled: Integers = self.notes[self.notes[:, NOTED_WHAT] == FILL_NOTE]
        return filled[:, [NOTED_AT, NOTED_SIDE, NOTED_PRICE, NOTED_STEPS]]


class Screen:
    """One market, ready for any number of sets. ``tape.fits`` says which markets can be screened."""

    def __init__(self, prepared: Prepared) -> None:
        """Reads the market once."""
        keep_compiled()
        self.prepared = prepared
        self.tape: Tape = tape_of(prepared)
        (self._symbol,) = prepared.market.symbols
        self._pulls: dict[float, Floats] = {}
        self._ends: dict[Ms, Integers] = {}

    def run(
        self, settings: Settings, most_notes: int = MOST_NOTES, weights: tuple[float, float, float] | None = None
    ) -> Screened:
        """Play a set. ``most_notes``: so many are taken, the others only counted; ``weights``: fixed ones instead of
        learned ones."""
        from gridbot_tui.research.screen.loop import run

        n, w = self._numbers(settings), np.zeros(1, STATE).view(np.recarray)
        if weights is not None:
            whole = sum(weights)
            n[0]["prior_up"], n[0]["prior_down"], n[0]["prior_neutral"] = (one / whole for one in weights)
            n[0]["learns"] = 0
        t = self.tape
        notes, sums = np.zeros((most_notes, NOTES_WIDTH), dtype=np.int64), np.zeros((most_notes, 2))
        curve = np.zeros(len(t.sampled))
        hours = np.zeros((len(curve) if most_notes else 0, HOURS_WIDTH))
        averaged = self._averaged(float(n[0]["usual_pull"]))
        market = (t.bars, t.plan, t.volume, t.funding, t.features, t.stretch, t.ends, t.rates, t.blocks)
        with compiling():
            made = run(w[0], n[0], *market, averaged, t.start, notes, sums, curve, hours)
        one = w[0]
        counts = {name: int(one[name]) for name in COUNTS}
        final = float(one["value_now"] * n[0]["capital"])
        from gridbot_tui.research.screen.shadows import TOTAL

        kept, noted = min(int(one["noted"]), most_notes), int(one["noted"])
        totals = tuple(one["three"][:, TOTAL].tolist())
        return Screened(
            notes=notes[:kept], sums=sums[:kept], noted=noted, made=made, hours=hours, equity=curve,
            capital=float(n[0]["capital"]), final=final,
            fall=float(one["fall"]), traded=float(one["traded"]), worst=float(one["most_worst"]),
            held=float(one["most_held"]), mark=int(one["mark"]), shadows=totals, counts=counts,
        )  # fmt: skip

    def _numbers(self, settings: Settings) -> Any:
        from gridbot_tui.research.screen.numbers import NUMBERS, fill

        config = self.prepared.engine_config(settings)
        instrument = self.prepared.market.instruments[self._symbol]
        capital = float(self.prepared.account(config, settings).balances[config.quote])
        n = np.zeros(1, NUMBERS).view(np.recarray)
        fill(n[0], config, instrument, capital, settings.simulation.exchange, self.prepared.market.interval)
        return n

    def score(self, settings: Settings, since: Ms) -> Score:
        """A set's score, as ``trial.score_of`` has it of the engine."""
        made, at = self.run(settings, 0), self.tape.sampled
        after = made.equity[at > since]
        capital = made.capital
        days = max(int(self.tape.plan[-1, 0]) - since, DAY) / DAY
        ends = self._days(since)
        returns = daily(at[ends].tolist(), made.equity[ends].tolist(), capital, since).returns
        return Score(
            net_return=made.final / capital - 1.0,
            drawdown=made.fall,
            turnover=made.traded / (float(after.mean()) if len(after) else capital) / days,
            sharpe=sharpe(returns),
            fills=made.made,
        )

    def _days(self, since: Ms) -> Integers:
        """Places of the curve that ``metrics.daily`` asks for: the last of each day, and the last up to ``since``."""
        known = self._ends.get(since)
        if known is None:
            at = self.tape.sampled
            day = np.where(at <= since, -1, (at - 1) // DAY)
            last = np.append(day[1:] != day[:-1], True) if len(day) else np.zeros(0, dtype=np.bool_)
            known = self._ends[since] = np.flatnonzero(last)
        return known

    def _averaged(self, pull: float) -> Floats:
        known = self._pulls.get(pull)
        if known is None:
            known = self._pulls[pull] = self.tape.averaged(pull)
        return known


def load() -> None:
    """Have the compiled run in this process: reads what was compiled before, or compiles (within a minute)."""
    keep_compiled()  # before anything is imported that is to be kept there
    from gridbot_tui.research.screen.loop import run
    from gridbot_tui.research.screen.numbers import NUMBERS

    w, n = np.zeros(1, STATE).view(np.recarray), np.zeros(1, NUMBERS).view(np.recarray)
    rows, row, floats = np.zeros((0, 1), dtype=np.int64), np.zeros(0), np.zeros((0, 1))
    columns = np.zeros((2, 2), dtype=np.int64, order="F")  # of a market without a moment, in the same layout as any
    with compiling():
        run(w[0], n[0], columns, rows, row, row, floats, rows, rows, floats, rows, row, 0, rows, floats, row, floats)


def is_kept() -> bool:
    """True where this version's run was compiled before, on this machine."""
    return any(keep_compiled().glob("*/loop.run-*.nbc"))


_COMPILED: list[str] = []
"""Where this process keeps what is compiled, once that is done."""


def is_compiled() -> bool:
    """True where this process has its compiled run."""
    return bool(_COMPILED)


def compiling_lock() -> TextIO:
    """The file that is locked by the one process that compiles."""
    folder = keep_compiled()
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / "lock").open("w")


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """The first run of a process compiles, or reads what another has compiled: one process at a time does that."""
    if _COMPILED:
        yield
        return
    with compiling_lock() as lock, _loops_as_they_are():
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        _COMPILED.append(lock.name)


@contextlib.contextmanager
def _loops_as_they_are() -> Iterator[None]:
    """Nothing here goes round often enough for vectors to pay; without them it compiles and runs faster."""
    from numba import config

    usual: Any = config
    before, usual.LOOP_VECTORIZE = usual.LOOP_VECTORIZE, 0
    try:
        yield
    finally:
        usual.LOOP_VECTORIZE = before


@functools.cache
def keep_compiled() -> Path:
    """Keep what is compiled beside others of the same sources (numba looks at one file only, we compile several), in
    the folder that is returned."""
    import numba
    from platformdirs import user_cache_path

    import gridbot_tui.strategy

    folders = (Path(__file__).parent, Path(gridbot_tui.strategy.__file__).parent)
    sources = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    mark = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    cache = user_cache_path("gridbot") / "screen" / mark
    numba.config.CACHE_DIR = str(cache)  # type: ignore[attr-defined]  # numba fills its config as it is imported
    return cache
