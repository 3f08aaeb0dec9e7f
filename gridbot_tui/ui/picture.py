"""What the app knows: the latest snapshot, when it came, how the line to the bot is. Events touch only this.

Ages advance by the app's own clock, so a bot that has gone silent grows old on the screen instead of
standing still.
"""

import time
from collections.abc import Callable
from enum import Enum

from msgspec.structs import replace

from gridbot_tui.control.snapshot import BlockerView, EventView, ShutdownView, Snapshot, SymbolView
from gridbot_tui.ui import words
from gridbot_tui.ui.logbook import LogBook
from gridbot_tui.units import Mode, Ms, Symbol

STALE_AFTER: Ms = 3_000
"""A running bot speaks four times a second; after three seconds of silence nothing here is current."""
OLD_AFTER: Ms = 10_000
"""Prices come several times a second; of what is older than this is said that it is."""

Clock = Callable[[], Ms]


class Line(Enum):
    """How the connection to the bot stands."""

    CONNECTING = "connecting"
    UP = "connected"
    LOST = "disconnected"


class Picture:
    """The app's whole state of knowledge; painters read it, the link writes it."""

    def __init__(self, monotonic: Clock | None = None) -> None:
        self.snapshot: Snapshot | None = None
        self.line = Line.CONNECTING
        self.line_detail = ""
        self.gone = False
        """True where the bot was one of this process and its run is over: no line to it can come back."""
        self.symbol: Symbol = ""
        """The symbol that is shown."""
        self.controls = False
        """True while this connection may give orders."""
        self.read_only = False
        self.frozen = False
        """The display is held; trading is not."""
        self.notes: list[EventView] = []
        """What this app itself has to say (outcomes of orders), newest last."""
        self.under_way: tuple[str, ...] = ()
        """Orders of this terminal that were sent and whose outcome has not come."""
        self.log = LogBook()
        """What the bot had to say for as long as this app has listened."""
        self._held: Snapshot | None = None
        self._monotonic = monotonic or _monotonic_ms
        self._received_at: Ms | None = None
        self._shown_at: Ms | None = None
        """When the snapshot came that is shown: a held display grows old."""
        self.version = 0
        """Rises with every change; what is memoised is memoised on it."""

    def receive(self, snapshot: Snapshot) -> None:
        """Take a new snapshot."""
        self._received_at = self._monotonic()
        self._held = snapshot
        if self.notes and not self.notes[-1].at:
            # Said before anything was known, not even the time: now it is.
            self.notes = [one if one.at else replace(one, at=snapshot.at) for one in self.notes]
        self.log.take(snapshot.events)
        if not self.frozen:
            self._show(snapshot)

    def freeze(self, frozen: bool) -> None:
        """Hold the display, or let it go on with the newest."""
        self.frozen = frozen
        if not frozen and self._held is not None:
            self._show(self._held)

    def latest(self) -> Snapshot | None:
        """The newest snapshot, shown or not: what orders are checked against."""
        return self._held

    @property
    def ended(self) -> bool:
        """True where a replay has come to the end of its data: nothing is lost, there is no more."""
        snapshot = self._held
        if self.line is not Line.LOST or snapshot is None or snapshot.mode != "replay":
            return False
        return any(link.name == "market" and not link.up for link in snapshot.links)

    @property
    def stopped(self) -> ShutdownView | None:
        """How the bot said that it ended, where it did so before the line went down."""
        snapshot = self._held
        if self.line is not Line.LOST or snapshot is None or snapshot.shutdown is None:
            return None
        return None if snapshot.shutdown.ok is None else snapshot.shutdown

    def note(self, level: str, text: str, symbol: Symbol = "", at: Ms | None = None) -> None:
        """Add a line of this app's own to the events."""
        when = at if at is not None else (self._held.at if self._held else 0)
        self.notes = [*self.notes[-49:], EventView(when, level, "you", symbol, text)]
        self.version += 1

    @property
    def places(self) -> int:
        """Decimals that amounts of the quote asset are shown with."""
        return 2 if self.snapshot is None else words.places(self.snapshot.start_equity)

    @property
    def view(self) -> SymbolView | None:
        """The symbol that is shown."""
        return None if self.snapshot is None else self.snapshot.symbols.get(self.symbol)

    @property
    def blockers(self) -> tuple[BlockerView, ...]:
        """Named reasons why something is not done, most severe first."""
        return () if self.snapshot is None else self.snapshot.blockers

    def silence(self) -> Ms | None:
        """Since the bot last spoke, by this app's clock; None where it never did."""
        return None if self._received_at is None else max(0, self._monotonic() - self._received_at)

    def shown_for(self) -> Ms | None:
        """Since what is shown came: longer than the silence while the display is held."""
        return None if self._shown_at is None else max(0, self._monotonic() - self._shown_at)

    def now(self) -> Ms:
        """The bot's own time, carried on by this app's clock while it is silent or held (real-time modes)."""
        if self.snapshot is None:
            return 0
        if self.virtual:
            return self.snapshot.at
        return self.snapshot.at + (self.shown_for() or 0)

    def present(self) -> Ms:
        """The same, of the newest snapshot, shown or not."""
        if self._held is None:
            return 0
        return self._held.at if self.virtual else self._held.at + (self.silence() or 0)

    def grown(self, age: Ms | None) -> Ms | None:
        """An age of the snapshot, as old as it is by now."""
        return None if age is None else age + (self.shown_for() or 0)

    def age_of(self, source: str) -> Ms | None:
        """How long a source of the bot's has been silent by now; under virtual time the picture's own age."""
        if self.snapshot is None or self.virtual or source not in self.snapshot.ages:
            return self.shown_for()
        return self.grown(self.snapshot.ages[source])

    def data_age(self) -> Ms | None:
        """How old the prices on the screen are. Under virtual time the picture's own age counts."""
        view = self.view
        if view is None or self.virtual:
            return self.shown_for()
        return self.grown(view.age_ms)

    @property
    def prices_old(self) -> bool:
        """True where the prices on the screen are too old to be taken for those of now; a replay's end has no now."""
        age = self.data_age()
        return age is not None and age > OLD_AFTER and not self.ended

    @property
    def virtual(self) -> bool:
        """True where the simulated world owns the clock."""
        return self.snapshot is not None and self.snapshot.mode in (Mode.SIM.value, Mode.REPLAY.value)

    @property
    def stale(self) -> bool:
        """True once the bot has been silent for too long to be believed."""
        silence = self.silence()
        return silence is not None and silence > STALE_AFTER

    @property
    def idle(self) -> str:
        """Why no orders of the symbol on the screen stand, and where more is told."""
        if self.stopped is not None:
            return "the bot has stopped"
        if self.failed:
            return "the bot has ended"
        latest = self.latest()
        if latest is not None and latest.state in ("starting", "recovering"):
            return f"the bot is {latest.state}"  # nothing is decided of its symbols yet
        view = self.view
        return f"{view.state}, press w for why" if view is not None else ""

    @property
    def failed(self) -> bool:
        """True where the bot of this process has ended unasked: nobody trades, and what stood may stand still."""
        return self.gone and not self.ended and self.stopped is None

    @property
    def unheard(self) -> bool:
        """True where nobody says what the bot does now: it was lost, or is silent, and did not say that it ended."""
        return (self.stale or self.line is Line.LOST) and not (self.ended or self.gone) and self.stopped is None

    def _show(self, snapshot: Snapshot) -> None:
        self.snapshot, self._shown_at = snapshot, self._received_at
        if self.symbol not in snapshot.symbols:
            self.symbol = next(iter(snapshot.symbols), "")
        self.version += 1


def _monotonic_ms() -> Ms:
    return time.monotonic_ns() // 1_000_000
