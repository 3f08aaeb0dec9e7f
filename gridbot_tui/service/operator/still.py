"""Pictures of a bot that does not run: its engine, restored from a copy of its state file. Nothing is decided."""

import sqlite3
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, cast

from msgspec.structs import replace

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.engine.actions import BreakerFact, DecisionFact, Fact, FillFact, ModeFact, PlanFact
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.feed import Feed
from gridbot_tui.service.assemble import Plan, RunRefused, engine_config
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.books.restore import restore_engine
from gridbot_tui.service.operator.picture import Picture, Recent
from gridbot_tui.service.options import RunOptions
from gridbot_tui.settings.load import load_text
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.store import database
from gridbot_tui.store.core import Store, last_of
from gridbot_tui.store.reader import reading
from gridbot_tui.units import Ms, Symbol

TELLING: Final = (FillFact, PlanFact, DecisionFact, ModeFact, BreakerFact)
"""Facts after which a bot stands otherwise than before."""
TAIL_FACTS: Final = 500
"""Facts before a moment of which its event feed tells."""


class Kept(NamedTuple):
    """A copy of a state file, opened, and what an engine of it is made with."""

    store: Store
    plan: Plan
    config: EngineConfig
    instruments: dict[Symbol, Instrument]

    def engine(self) -> Engine:
        """One that knows nothing yet."""
        return Engine(self.config, self.instruments)


@contextmanager
def _copied(profile: Profile) -> Iterator[Kept]:
    """The state file is copied and the copy is read, so a damaged or a running one is left as it is.

    Raises:
        StoreError: the state file cannot be read.
        ValueError: it says too little, or a config that this gridbot refuses.
    """
    with tempfile.TemporaryDirectory(prefix="gridbot-") as folder, reading(profile.database) as reader:
        copy = Path(folder) / profile.database.name
        source = sqlite3.connect(f"{profile.database.resolve().as_uri()}?mode=ro", uri=True)
        try:
            database.backup(source, copy)
        finally:
            source.close()
        identity, configs = reader.identity, reader.configs(limit=1)
        instruments = last_of(reader.instruments())
        if identity is None or not instruments:
            raise ValueError("the state file does not say what was traded: the bot never got going")
        store = Store.open(copy, durable=False, identity=identity)
        try:
            version, text = (configs[0].version, configs[0].text) if configs else (0, "")
            loaded = load_text(text, None, {}, ())
            config = engine_config(loaded.settings, version, identity.mode, instruments)
            plan = Plan(RunOptions(), loaded, identity.mode, identity.market, "0")
            yield Kept(store, plan, config, instruments)
        except (ConfigError, RunRefused) as error:
            raise ValueError(f"its config cannot be read again: {error}") from error
        finally:
            store.close()


def still_picture(profile: Profile) -> Snapshot:
    """How the bot stood at the last thing it wrote; its prices are of then, its state is ``stopped``.

    Raises:
        StoreError: the state file cannot be read.
        ValueError: it says too little, or a config that this gridbot refuses.
    """
    with _copied(profile) as kept:
        engine = kept.engine()
        restore_engine(engine, kept.store)
        return _taken(kept, profile.name, engine, Recent(kept.store), Recent.tail(kept.store))


def still_session(profile: Profile, most: int) -> list[Snapshot]:
    """The last of what the bot lived through, replayed from its oldest kept snapshot: at most ``most`` pictures.

    The facts of the journal are applied one by one, as a start does it; a picture is taken after what tells
    something (a fill, a plan, a decision), evenly over the whole where there is more of that than wanted.

    Raises:
        StoreError: the state file cannot be read.
        ValueError: it says too little, or a config that this gridbot refuses.
    """
    with _copied(profile) as kept:
        restored = kept.store.load()
        if restored is None:
            return []
        known = {saved.seq: saved.blob for saved in restored.states if _readable(kept, saved.blob)}
        if not known:
            return []
        first = min(known)
        return list(_played(kept, profile.name, first, known, restored.facts_after(first), most))


def _readable(kept: Kept, blob: bytes) -> bool:
    try:
        kept.engine().restore(blob)
    except ValueError:
        return False  # of another version
    return True


def _played(
    kept: Kept, name: str, seq: int, states: Mapping[int, bytes], facts: list[Fact], most: int
) -> Iterator[Snapshot]:
    """``states``: the engine's snapshots by the journal entry they were made after; each puts prices right again."""
    engine = kept.engine()
    engine.restore(states[seq])
    telling = [at for at, fact in enumerate(facts) if isinstance(fact, TELLING)]
    wanted = set(telling if len(telling) <= most else [telling[n * len(telling) // most] for n in range(most)])
    wanted.add(len(facts) - 1)
    recent = Recent(cast("Store", _Before(kept.store, seq, engine.now)))
    told: deque[Fact] = deque(kept.store.facts_until(seq, TAIL_FACTS), TAIL_FACTS)
    for at, fact in enumerate(facts):
        engine.apply(fact)
        _price(engine, fact)
        if seq + at + 1 in states:
            engine.restore(states[seq + at + 1])
        recent.take([fact])
        told.append(fact)
        if at in wanted:
            engine.desk.phase = "trading"  # what happened then, happened to a bot that ran
            yield _taken(kept, name, engine, recent, list(told), ran=True)


def _price(engine: Engine, fact: Fact) -> None:
    """Prices are no facts; plans and fills tell them."""
    desk = engine.desk
    if isinstance(fact, FillFact):
        symbol, ticks = fact.fill.symbol, fact.fill.price
    elif isinstance(fact, PlanFact):
        symbol = fact.plan.symbol
        ticks = round(fact.plan.price / desk.instruments[symbol].tick_f) if symbol in desk.symbols else 0
    else:
        return
    state = desk.symbols.get(symbol)
    if state is not None and ticks > 0:
        state.close = state.mark = ticks
        state.mark_at = fact.at
        desk.ledger.mark(symbol, ticks)


class _Before:
    """A state file as it was when a snapshot was written: what ``Recent`` reads of one."""

    def __init__(self, store: Store, seq: int, at: Ms) -> None:
        self._store = store
        self._at = at
        self.last_seq = seq

    def facts_until(self, seq: int, most: int) -> list[Fact]:
        """The last facts up to one."""
        return self._store.facts_until(seq, most)

    def equity(self, since: Ms = 0, max_points: int = 500) -> list[Any]:
        """The points of the equity curve up to then."""
        return [row for row in self._store.equity(since, max_points) if row.at <= self._at]

    def each_cash(self, since: Ms = 0) -> Iterator[Any]:
        """Wallet changes up to then."""
        return self._store.each_cash(since, self._at + 1)


def _taken(
    kept: Kept, name: str, engine: Engine, recent: Recent, told: Sequence[Fact], *, ran: bool = False
) -> Snapshot:
    """What a running bot's picture shows, with stand-ins for what only a running one has; ``ran``: it did, then."""
    feed = Feed()
    feed.take(told, engine.desk.instruments)
    ended: Any = SimpleNamespace(report=None if ran else True, shutdown=None)
    runner: Any = SimpleNamespace(pace=SimpleNamespace(label="0", racing_to=None), data_ended=True)
    reloader: Any = SimpleNamespace(version=kept.config.version, loaded=kept.plan.loaded)
    nobody: Any = lambda: (0, "")  # noqa: E731
    picture = Picture(kept.plan, name, engine, ended, feed, recent, runner, reloader, nobody)
    return replace(picture.snapshot(), links=(), uptime_s=0.0)
