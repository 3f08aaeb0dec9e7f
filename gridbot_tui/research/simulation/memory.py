"""What a long run costs: memory of the bot's own objects, rows and bytes of its files, hour by hour.

Resident memory says little here: the simulated exchange and the judge remember everything for ever in the same
process. So the objects that are reached from one life of the bot are measured, and nothing beyond its port.
"""

import gc
import sys
from collections import deque
from collections.abc import Callable, Iterable
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.ledger.buckets import Buckets
from gridbot_tui.ledger.seen import Seen
from gridbot_tui.ops.log import Logger
from gridbot_tui.research.simulation.line import Line
from gridbot_tui.research.simulation.market import RoughMarket
from gridbot_tui.units import HOUR, Ms

if TYPE_CHECKING:
    from gridbot_tui.research.simulation.simulation import Simulation

_BEYOND: Final = (World, Line, RoughMarket, Logger, ModuleType, FunctionType, type)
"""What belongs to the world, or to the program itself."""
_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


class Sample(Struct, frozen=True):
    """One look."""

    hour: float
    """Virtual hours since the start."""
    objects: int
    """Bytes of everything the bot's life holds."""
    open: int
    """Of them without the windows and tables that have a bound of their own: these fill for days, and then no more."""
    rows: dict[str, int]
    """Rows of the state file's tables."""
    bytes: dict[str, int]
    """Sizes of the files in the profile's folder."""


class Gauge:
    """Looks once a virtual hour."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._next: Ms = 0

    def look(self, sim: "Simulation") -> None:
        """Take a sample where one is due and a bot runs."""
        now, process = sim.world.now, sim.process
        if now < self._next or process is None or not process.bot.recovered:
            return
        self._next = now + HOUR
        roots = (process.engine, process.bot, process.journal.inner, process.reloader)
        db, folder = process.store.connection, process.store.path.parent
        rows = {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in db.execute(_TABLES)}
        self.samples.append(
            Sample(
                hour=(now - sim.scenario.start) / HOUR,
                objects=size_of(roots, beyond=sim),
                open=size_of(roots, beyond=sim, bounded=False),
                rows=rows,
                bytes={path.name: path.stat().st_size for path in folder.iterdir()},
            )
        )


def slope(
    samples: Iterable[Sample], after: float = 0.0, size: Callable[[Sample], int] = lambda one: one.objects
) -> float | None:
    """Bytes an hour, by least squares over the samples after an hour; None for fewer than two."""
    points = [(one.hour, float(size(one))) for one in samples if one.hour >= after]
    if len(points) < 2:
        return None
    middle = sum(x for x, _ in points) / len(points)
    level = sum(y for _, y in points) / len(points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * (y - level) for x, y in points) / spread if spread else None


def size_of(roots: Iterable[object], beyond: object = None, *, bounded: bool = True) -> int:
    """Bytes of all objects that can be reached from some, without what is beyond them.

    ``bounded=False``: nor what is in a container that never holds more than so many.
    """
    seen = {id(beyond)}
    todo: list[Any] = list(roots)
    total = 0
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, MethodType):
            todo.append(one.__self__)
            continue
        if isinstance(one, _BEYOND) or (not bounded and _has_bound(one)):
            continue
        total += sys.getsizeof(one)
        todo.extend(gc.get_referents(one))
    return total


def _has_bound(one: object) -> bool:
    return isinstance(one, Buckets | Seen) or (isinstance(one, deque) and one.maxlen is not None)
