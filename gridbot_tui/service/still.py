"""The picture of a bot that does not run: its engine, restored from a copy of its state file. Nothing is decided."""

import sqlite3
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from msgspec.structs import replace

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.engine.core import Engine
from gridbot_tui.ops.feed import Feed
from gridbot_tui.service.assemble import Plan, RunRefused, engine_config
from gridbot_tui.service.options import RunOptions
from gridbot_tui.service.picture import Picture, Recent
from gridbot_tui.service.profile import Profile
from gridbot_tui.service.restore import restore_engine
from gridbot_tui.settings.load import load_text
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.store import database
from gridbot_tui.store.core import Store, last_of
from gridbot_tui.store.reader import reading
from gridbot_tui.units import Ms

_LATEST: Ms = 1 << 62


def still_picture(profile: Profile) -> Snapshot:
    """How the bot stood at the last thing it wrote; its prices are of then, its state is ``stopped``.

    The state file is copied and the copy is read, so a damaged or a running one is left as it is.

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
        instruments = last_of(reader.instruments(), _LATEST)
        if identity is None or not instruments:
            raise ValueError("the state file does not say what was traded: the bot never got going")
        store = Store.open(copy, durable=False, identity=identity)
        try:
            version, text = (configs[0].version, configs[0].text) if configs else (0, "")
            loaded = load_text(text, None, {}, ())
            config = engine_config(loaded.settings, version, identity.mode, instruments)
            engine = Engine(config, instruments)
            restore_engine(engine, store)
            plan = Plan(RunOptions(), loaded, identity.mode, identity.market, "0")
            return _taken(plan, profile.name, engine, store, version)
        except (ConfigError, RunRefused) as error:
            raise ValueError(f"its config cannot be read again: {error}") from error
        finally:
            store.close()


def _taken(plan: Plan, name: str, engine: Engine, store: Store, version: int) -> Snapshot:
    """What a running bot's picture shows, with stand-ins for what only a running one has."""
    feed = Feed()
    feed.take(Recent.tail(store), engine.desk.instruments)
    ended: Any = SimpleNamespace(report=True, shutdown=None)
    runner: Any = SimpleNamespace(pace=SimpleNamespace(label="0"), data_ended=True)
    reloader: Any = SimpleNamespace(version=version, loaded=plan.loaded)
    picture = Picture(plan, name, engine, ended, feed, Recent(store), runner, reloader, cast("Any", lambda: (0, "")))
    return replace(picture.snapshot(), links=(), uptime_s=0.0)
