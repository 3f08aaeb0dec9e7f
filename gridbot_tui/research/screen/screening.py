"""A set's score by the screen."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from gridbot_tui.research.metrics import daily, sharpe
from gridbot_tui.research.request import Prepared
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


class Screened(Struct):
    """What one run of the screen came to."""

    fills: Integers
    """Rows of (bar, side, ticks, steps)."""
    equity: Floats
    """At each bar."""
    fall: float
    traded: float


class Screen:
    """One market, ready for any number of sets."""

    def __init__(self, prepared: Prepared) -> None:
        """Reads the market once; ``tape.fits`` says which markets can be screened."""
        keep_compiled()
        self.prepared = prepared
        self.tape: Tape = tape_of(prepared)
        (self._symbol,) = prepared.market.symbols
        self._fills = np.zeros((MOST_FILLS, 4), dtype=np.int64)
        self._equity = np.zeros(len(self.tape.bars))

    def run(self, settings: Settings) -> Screened:
        """Play a set."""
        from gridbot_tui.research.screen.loop import run
        from gridbot_tui.research.screen.numbers import numbers, shape_and_prior

        config = self.prepared.engine_config(settings)
        instrument = self.prepared.market.instruments[self._symbol]
        exchange = settings.simulation.exchange
        slippage = 1e-4 * (exchange.slippage_bp + exchange.half_spread_bp)
        capital = float(self.prepared.account(config, settings).balances[config.quote])
        n = numbers(config, instrument, capital, slippage, float(exchange.volume_share))
        shape, prior = shape_and_prior(config)
        t = self.tape
        made, fall, traded = run(
            t.bars, t.volume, t.hour, t.features, t.funding, t.midnight, t.minutes, n, shape, prior,
            self._fills, self._equity,
        )  # fmt: skip
        return Screened(self._fills[: min(made, MOST_FILLS)].copy(), self._equity, float(fall), float(traded))

    def score(self, settings: Settings, since: Ms) -> Score:
        """A set's score, as ``trial.score_of`` has it of the engine."""
        made = self.run(settings)
        series = self.prepared.market.series[self._symbol]
        at = series.times + self.prepared.market.interval
        first = int(at.searchsorted(since, "right"))
        capital = float(made.equity[0])
        after = made.equity[first:]
        days = max(int(at[-1]) - since, DAY) / DAY
        hourly = at % 3_600_000 == 0
        returns = daily(at[hourly].tolist(), made.equity[hourly].tolist(), capital, since).returns
        return Score(
            net_return=float(made.equity[-1]) / capital - 1.0,
            drawdown=made.fall,
            turnover=made.traded / (float(after.mean()) if len(after) else capital) / days,
            sharpe=sharpe(returns),
            fills=len(made.fills),
        )


def keep_compiled() -> None:
    """Keep what is compiled beside others of the same sources: numba looks at one file only, we compile several."""
    import numba
    from platformdirs import user_cache_path

    import gridbot_tui.strategy

    folders = (Path(__file__).parent, Path(gridbot_tui.strategy.__file__).parent)
    sources = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    mark = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    cache = str(user_cache_path("gridbot") / "screen" / mark)
    numba.config.CACHE_DIR = cache  # type: ignore[attr-defined]  # numba fills its config as it is imported
