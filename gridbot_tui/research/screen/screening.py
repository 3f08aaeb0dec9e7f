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
    NOTED_SYMBOL,
    NOTED_WHAT,
    NOTES_WIDTH,
    ROOM,
    SPENT,
    STATE,
)
from gridbot_tui.research.screen.tape import Tape, tape_of
from gridbot_tui.research.screen.tapes import Tapes, tapes_of
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
COUNTS = ("halts", "liquidations", "settled", "partials", "crossed", "near_most")


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
    marks: tuple[int, ...]
    """Last mark price of each symbol, ticks."""
    shadows: tuple[float, float, float]
    """Sum of the daily returns of each paper grid."""
    counts: dict[str, int]
    """Of what happened rarely: ``halts``, ``liquidations``, ``settled`` (funding), ``partials``, ``crossed``."""

    @property
    def fills(self) -> Integers:
        """Rows of (moment, place of the symbol, side, ticks, steps)."""
        filled: Integers = self.notes[self.notes[:, NOTED_WHAT] == FILL_NOTE]
        return filled[:, [NOTED_AT, NOTED_SYMBOL, NOTED_SIDE, NOTED_PRICE, NOTED_STEPS]]


class Screen:
    """One market, ready for any number of sets. ``tape.fits`` says which markets can be screened."""

    def __init__(self, prepared: Prepared) -> None:
        """Reads the market once."""
        keep_compiled()
        self.prepared = prepared
        self.symbols = tuple(prepared.market.symbols)
        self.tape: Tape | Tapes = tape_of(prepared) if len(self.symbols) == 1 else tapes_of(prepared)
        self._pulls: dict[float, Floats] = {}
        self._groups: dict[float, Integers] = {}
        self._ends: dict[Ms, Integers] = {}

    def run(
        self, settings: Settings, most_notes: int = MOST_NOTES, weights: tuple[float, float, float] | None = None
    ) -> Screened:
        """Play a set. ``most_notes``: so many are taken, the others only counted; ``weights``: fixed ones instead of
        learned ones."""
        from gridbot_tui.research.screen.shadows import TOTAL

        n = self._numbers(settings)
        if weights is not None:
            whole = sum(weights)
            for one in n:
                one["prior_up"], one["prior_down"], one["prior_neutral"] = (part / whole for part in weights)
                one["learns"] = 0
        notes, sums = np.zeros((most_notes, NOTES_WIDTH), dtype=np.int64), np.zeros((most_notes, 2))
        curve = np.zeros(len(self.tape.sampled))
        hours = np.zeros((len(curve) if most_notes else 0, HOURS_WIDTH))
        made, each, account = self._play(settings, n, (notes, sums, curve, hours))
        together = [*each, account] if account is not each[0] else each
        noted = int(account["noted"])
        kept, capital = min(noted, most_notes), float(n[0]["capital"])
        up, down, flat = (sum(float(one["three"][k, TOTAL]) for one in each) / len(each) for k in range(3))
        return Screened(
            notes=notes[:kept], sums=sums[:kept], noted=noted, made=made, hours=hours, equity=curve,
            capital=capital, final=float(account["value_now"] * capital), fall=float(account["fall"]),
            traded=float(sum(one["traded"] for one in each)), worst=float(max(one["most_worst"] for one in each)),
            held=float(account["most_held"]), marks=tuple(int(one["mark"]) for one in each), shadows=(up, down, flat),
            counts={name: int(sum(one[name] for one in together)) for name in COUNTS},
        )  # fmt: skip

    def _play(self, settings: Settings, n: Any, written: tuple[Any, ...]) -> tuple[int, list[Any], Any]:
        """(fills, each symbol's memory, the account's: that of the only symbol, or one more)."""
        t = self.tape
        if isinstance(t, Tape):
            from gridbot_tui.research.screen.loop import run

            averaged = self._averaged(t, float(n[0]["usual_pull"]))
            market = (t.bars, t.times, t.volume, t.funding, t.features, t.stretch, t.ends, t.rates, t.blocks)
            w = np.zeros(1, STATE).view(np.recarray)
            with compiling(1):
                made = run(w[0], n[0], *market, averaged, t.start, *written)
            one = w[0]
            return made, [one], one
        from gridbot_tui.research.screen.several import run_several

        known = settings.strategy.portfolio.correlation
        if known not in self._groups:
            self._groups[known] = t.groups(known)
        several = (
            t.moments, t.bars, t.when, t.volume, t.first_bar, t.happenings, t.rates, t.first_happening, t.features,
            self._groups[known],
        )  # fmt: skip
        ws: Any = np.zeros(len(n) + 1, STATE)
        room = np.zeros((ROOM, SPENT), dtype=np.int64)
        given = [ws, n, *several, t.start, *written, room]
        with compiling(len(n)):
            made = run_several(*given)
        each = [ws[i] for i in range(len(ws))]
        return made, each[:-1], each[-1]

    def _numbers(self, settings: Settings) -> Any:
        from gridbot_tui.research.screen.numbers import NUMBERS, fill

        config = self.prepared.engine_config(settings)
        capital = float(self.prepared.account(config, settings).balances[config.quote])
        n = np.zeros(len(self.symbols), NUMBERS)
        n = n.view(np.recarray) if len(self.symbols) == 1 else n
        for row, symbol in zip(n, self.symbols, strict=True):
            instrument = self.prepared.market.instruments[symbol]
            fill(row, config, instrument, capital, settings.simulation.exchange, self.prepared.market.interval)
        return n

    def score(self, settings: Settings, since: Ms) -> Score:
        """A set's score, as ``trial.score_of`` has it of the engine."""
        made, at = self.run(settings, 0), self.tape.sampled
        after = made.equity[at > since]
        capital = made.capital
        days = max(int(self.tape.times[-1]) - since, DAY) / DAY
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

    def _averaged(self, tape: Tape, pull: float) -> Floats:
        known = self._pulls.get(pull)
        if known is None:
            known = self._pulls[pull] = tape.averaged(pull)
        return known


def load(symbols: int = 1) -> None:
    """Have the compiled run of one symbol, or of several, in this process: reads what was compiled before, or compiles
    (within a minute)."""
    keep_compiled()  # before anything is imported that is to be kept there
    from gridbot_tui.research.screen.numbers import NUMBERS

    rows, row, floats = np.zeros((0, 1), dtype=np.int64), np.zeros(0), np.zeros((0, 1))
    columns = np.zeros((2, 2), dtype=np.int64, order="F")  # of a market without a moment, in the same layout as any
    times = np.zeros(0, dtype=np.int64)
    if symbols > 1:
        from gridbot_tui.research.screen.several import run_several

        whole = np.zeros(symbols + 1, dtype=np.int64)
        market = (rows, columns, whole, row, whole, rows, row, whole, floats, rows)
        ws, ns, room = np.zeros(symbols + 1, STATE), np.zeros(symbols, NUMBERS), np.zeros((ROOM, SPENT), dtype=np.int64)
        given: list[Any] = [ws, ns, *market, 0, rows, floats, row, floats, room]
        with compiling(symbols):
            run_several(*given)
        return
    from gridbot_tui.research.screen.loop import run

    w, n = np.zeros(1, STATE).view(np.recarray), np.zeros(1, NUMBERS).view(np.recarray)
    with compiling(1):
        run(w[0], n[0], columns, times, row, row, floats, rows, rows, floats, rows, row, 0, rows, floats, row, floats)


def is_kept(symbols: int = 1) -> bool:
    """True where this version's run, of one symbol or of several, was compiled before, on this machine."""
    return any(keep_compiled().glob("*/several.run_several-*.nbc" if symbols > 1 else "*/loop.run-*.nbc"))


_COMPILED: set[bool] = set()
"""What this process has compiled or read: the run of one symbol (False), that of several (True)."""


def is_compiled(symbols: int = 1) -> bool:
    """True where this process has its compiled run of one symbol, or of several."""
    return (symbols > 1) in _COMPILED


def compiling_lock(symbols: int = 1) -> TextIO:
    """The file that is locked by the one process that compiles the run of one symbol, or that of several: who needs
    the one does not wait for the other."""
    folder = keep_compiled()
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / ("lock_several" if symbols > 1 else "lock")).open("w")


@contextlib.contextmanager
def compiling(symbols: int) -> Iterator[None]:
    """The first run of a process compiles, or reads what another has compiled: one process at a time does that."""
    if is_compiled(symbols):
        yield
        return
    with compiling_lock(symbols) as lock, _loops_as_they_are():
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        _COMPILED.add(symbols > 1)


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
