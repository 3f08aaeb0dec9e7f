"""A set's score by the screen."""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from msgspec import Struct

from gridbot_tui.research.metrics import daily, sharpe
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.screen.state import STATE
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
MOST_FILLS = 200_000
COUNTS = ("halts", "liquidations", "settled", "partials", "crossed")


class Screened(Struct):
    """What one run of the screen came to."""

    fills: Integers
    """Rows of (moment, side, ticks, steps)."""
    made: int
    """How many there were."""
    equity: Floats
    """At each full hour; the times are ``Tape.sampled``."""
    final: float
    """Equity at the end."""
    fall: float
    traded: float
    counts: dict[str, int]
    """Of what happened rarely: ``halts``, ``liquidations``, ``settled`` (funding), ``partials``, ``crossed``."""


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

    def run(self, settings: Settings, most_fills: int = MOST_FILLS) -> Screened:
        """Play a set. ``most_fills``: so many are written down, the others only counted."""
        from gridbot_tui.research.screen.loop import run

        n, w = self._numbers(settings), np.zeros(1, STATE).view(np.recarray)
        t = self.tape
        fills, curve = np.zeros((most_fills, 4), dtype=np.int64), np.zeros(len(t.sampled))
        averaged = self._averaged(float(n[0]["usual_pull"]))
        market = (t.bars, t.plan, t.volume, t.funding, t.features, t.stretch, t.ends, t.rates, t.blocks)
        with compiling():
            made = run(w[0], n[0], *market, averaged, t.start, fills, curve)
        one = w[0]
        counts = {name: int(one[name]) for name in COUNTS}
        final = float(one["value_now"] * n[0]["capital"])
        kept = fills[: min(made, most_fills)]
        return Screened(kept, made, curve, final, float(one["fall"]), float(one["traded"]), counts)

    def _numbers(self, settings: Settings) -> Any:
        from gridbot_tui.research.screen.numbers import NUMBERS, fill

        config = self.prepared.engine_config(settings)
        instrument = self.prepared.market.instruments[self._symbol]
        capital = self.capital(settings)
        n = np.zeros(1, NUMBERS).view(np.recarray)
        fill(n[0], config, instrument, capital, settings.simulation.exchange, self.prepared.market.interval)
        return n

    def score(self, settings: Settings, since: Ms) -> Score:
        """A set's score, as ``trial.score_of`` has it of the engine."""
        made, at = self.run(settings, 0), self.tape.sampled
        after = made.equity[at > since]
        capital = self.capital(settings)
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

    def capital(self, settings: Settings) -> float:
        """What the account begins with, quote."""
        config = self.prepared.engine_config(settings)
        return float(self.prepared.account(config, settings).balances[config.quote])

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
    with compiling_lock() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        _COMPILED.append(lock.name)


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
