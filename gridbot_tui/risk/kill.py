"""Latches: what the operator or a limit has ordered and what holds over restarts until it is lifted."""

from msgspec import Struct

from gridbot_tui.orders.model import Target, TargetStyle
from gridbot_tui.units import Symbol


class LatchState(Struct, frozen=True):
    """Everything the latches must not forget."""

    kill: bool = False
    halted: bool = False
    """Tier 3."""
    shutdown: str = ""
    """``flatten`` or ``keep`` while a graceful stop is under way."""
    paused: frozenset[Symbol] = frozenset()
    """"" = every symbol."""
    flatten: frozenset[Symbol] = frozenset()
    stopped: frozenset[Symbol] = frozenset()
    """Symbols whose resting stop fired."""


class Latches:
    """What must not be undone by a restart. ``kill`` needs no plan, no data and no config."""

    __slots__ = ("flatten", "halted", "kill", "paused", "shutdown", "stopped")

    def __init__(self, state: LatchState | None = None) -> None:
        s = state if state is not None else LatchState()
        self.kill = s.kill
        self.halted = s.halted
        self.shutdown = s.shutdown
        self.paused = set(s.paused)
        self.flatten = set(s.flatten)
        self.stopped = set(s.stopped)

    def set(self, name: str, symbol: Symbol, value: str) -> None:
        """Set (``value`` not empty) or lift a latch by name: how a ModeFact is applied.

        Names: kill, halted, shutdown (value flatten or keep), paused, flatten, stopped. A flatten leaves
        its symbol (or all) paused.
        """
        if name in ("paused", "flatten", "stopped"):
            group: set[Symbol] = getattr(self, name)
            if value:
                group.add(symbol)
                if name == "flatten":
                    self.paused.add(symbol)
            elif symbol:
                group.discard(symbol)
            else:
                group.clear()
        elif name == "shutdown":
            self.shutdown = value
        elif name in ("kill", "halted"):
            setattr(self, name, bool(value))
        else:
            raise KeyError(f"no latch is called {name!r}")

    def blocks(self, symbol: Symbol) -> str:
        """Why this symbol places no entries, the strongest reason; an empty string where it may."""
        if self.kill:
            return "kill"
        if self.shutdown:
            return "shutdown"
        if self.halted:
            return "tier3"
        for name, group in (
            ("flatten", self.flatten),
            ("stop_latched", self.stopped),
            ("paused", self.paused),
        ):
            if symbol in group or "" in group:
                return name
        return ""

    def target(self, symbol: Symbol) -> Target | None:
        """The position these latches demand of a symbol, None where they demand none."""
        if self.kill:
            return Target(0, TargetStyle.TAKER, "kill")
        if self.shutdown == "flatten":
            return Target(0, TargetStyle.TAKER, "shutdown")
        if symbol in self.flatten or "" in self.flatten:
            return Target(0, TargetStyle.TAKER, "flatten")
        if self.halted:
            return Target(0, TargetStyle.TAKER, "tier3")
        if symbol in self.stopped:
            return Target(0, TargetStyle.TAKER, "stop_latched")
        return None

    def state(self) -> LatchState:
        """Everything, to be stored."""
        return LatchState(
            self.kill,
            self.halted,
            self.shutdown,
            frozenset(self.paused),
            frozenset(self.flatten),
            frozenset(self.stopped),
        )
