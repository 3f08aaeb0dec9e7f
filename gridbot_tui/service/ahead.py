"""Skipping ahead in virtual time: bars in which nothing can happen are passed over in one step.

What the engine has to say of a bar is in ``engine.quiet``; here the exchange's own orders and watched prices
join it, so that engine and exchange are left as those bars one by one would leave them.
"""

from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.quiet import Columns, Quiet
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.run import Run
from gridbot_tui.market.source import Foreseen
from gridbot_tui.service.dialogs.dialog import Dialogs
from gridbot_tui.units import Ms, Symbol


class Ahead:
    """Looks ahead in one World's market for one engine."""

    def __init__(self, engine: Engine, world: World, source: Foreseen, dialogs: Dialogs) -> None:
        """``source`` is the World's own; while a dialog waits for answers nothing is passed over."""
        self._engine = engine
        self._world = world
        self._source = source
        self._dialogs = dialogs
        self._quiet = Quiet(engine.desk)

    def skip(self, until: Ms | None = None) -> int:
        """Pass over the bars that come next and concern nobody, up to a time; how many bars those were."""
        world, quiet = self._world, self._quiet
        if not world.plain or self._dialogs.busy or not quiet.idle():
            return 0
        at, interval = world.now, self._source.interval
        limit = quiet.last_bar(at)
        if limit - at < interval:
            return 0  # the next bar ends the hour
        count, runs = self._source.ahead(at, limit if until is None else min(limit, until))
        if not count or not all(quiet.ready(name, at, name in runs) for name in self._engine.symbols):
            return 0
        for symbol, run in runs.items():
            count = self._undisturbed(symbol, run, count)
            if not count:
                return 0
        count = quiet.mark({symbol: run.mark[:count] for symbol, run in runs.items()}, at, interval)
        if not count:
            return 0
        for symbol, run in runs.items():
            quiet.pass_over(symbol, _columns(run, count), at, interval)
        closes = {symbol: (run.close[count - 1], run.mark[count - 1]) for symbol, run in runs.items()}
        world.skip(at + count * interval, closes)
        return count * len(runs)

    def _undisturbed(self, symbol: Symbol, run: Run, count: int) -> int:
        """How many of the first ``count`` bars touch neither an order, nor a watched price, nor a shadow."""
        venue = self._world.exchange.venues[symbol]
        below, above = self._quiet.bounds(symbol)
        tick = venue.instrument.tick_f
        low, high, mark_low, mark_high = run.low, run.high, run.mark_low, run.mark_high
        if count < len(low):
            low, high, mark_low, mark_high = low[:count], high[:count], mark_low[:count], mark_high[:count]
        buy, sell = venue.next_buy, venue.next_sell
        watch_low, watch_high = venue.mark_low_watch, venue.mark_high_watch
        lowest, highest = min(low), max(high)
        if (
            lowest >= buy
            and highest <= sell
            and lowest * tick >= below
            and highest * tick <= above
            and (lowest if mark_low is low else min(mark_low)) > watch_low
            and (highest if mark_high is high else max(mark_high)) < watch_high
        ):
            return count
        for i in range(count):
            if (
                low[i] < buy
                or high[i] > sell
                or low[i] * tick < below
                or high[i] * tick > above
                or mark_low[i] <= watch_low
                or mark_high[i] >= watch_high
            ):
                return i
        return count


def _columns(run: Run, count: int) -> Columns:
    if count == len(run.close):
        return Columns(run.open, run.high, run.low, run.close, run.volume, run.mark)
    return Columns(
        run.open[:count],
        run.high[:count],
        run.low[:count],
        run.close[:count],
        run.volume[:count],
        run.mark[:count],
    )
