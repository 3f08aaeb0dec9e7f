"""Hot reload: a new config text is validated whole, shown as a difference, applied as one version, or not at all."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from gridbot_tui.control.command import Command, CommandKind, CommandOutcome
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import BarsClosed
from gridbot_tui.service.assemble import Plan, RunRefused, engine_config
from gridbot_tui.service.books.journal import Journal
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.operator import effects
from gridbot_tui.service.operator.trial import Trial, objection_to
from gridbot_tui.settings import diff as differences
from gridbot_tui.settings import fields
from gridbot_tui.settings.edit import apply_text
from gridbot_tui.settings.load import Loaded, load_text, read
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreError
from gridbot_tui.units import Market, Ms

WRONG_INPUT: Final = {"exit_code": "2"}
"""What a command ends with where the config itself, or what the command names, is wrong."""
REST_S: Final = 0.5
"""A file that nobody has touched for so long is whole: longer than a slow line needs between two packets of it."""


class Reloader:
    """Owns the config in force, its version and its text."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        bot: Bot,
        store: Store,
        journal: Journal,
        config: EngineConfig,
        on_applied: Callable[[Settings, Settings], None],
        make_config: Callable[[Settings, int], EngineConfig] | None = None,
        kept: Path | None = None,
    ) -> None:
        """Nothing is read or written yet.

        Args:
            make_config: the engine's view of a config version; without it that of a simulated account.
            kept: where a bot without a config file keeps one that a face applies; None: nowhere.
        """
        self._kept = kept
        self._file: Path | None = plan.loaded.path
        """The file of the config in force; None: the bot runs without."""
        self._on_applied = on_applied
        self._make = make_config or self._simulated
        self._plan = plan
        self._engine = engine
        self._bot = bot
        self._store = store
        self._journal = journal
        known = store.configs(limit=1)  # what is applied before the start is done counts on from there, too
        self._config = replace(config, version=known[0].version) if known else config
        self.loaded: Loaded[Settings] = plan.loaded
        self.last_error = ""
        """Why the last edit of the file was not applied; "" when it was."""
        self.on_preview: Callable[[Loaded[Settings]], str] = lambda loaded: ""
        """Told of every edited config that is previewed; what a back-test knows of it, in words."""
        self._started = asyncio.Event()
        self._trial: Trial | None = None
        self._before: Loaded[Settings] = plan.loaded
        """What goes in force again where the config on trial fails."""

    @property
    def version(self) -> int:
        """Version of the config in force."""
        return self._config.version

    def remember_start(self, at: Ms) -> None:
        """Write down the config this run starts with, as a new version where it differs from the last."""
        known = self._store.configs(limit=1)
        if known and known[0].text == self.loaded.text:
            version = known[0].version
        else:
            version = (known[0].version if known else 0) + 1
            self._store.add_config(version, at, self.loaded.text, self._source())
        self._config = self._make(self.loaded.settings, version)
        self._engine.desk.config = self._config
        self._started.set()

    def command(self, command: Command, now: Ms) -> CommandOutcome:
        """Carry out RELOAD or APPLY, or only say what it would change."""
        if command.base_version is not None and command.base_version != self.version:
            text = f"the config is at version {self.version}, the edit was made on version {command.base_version}"
            return CommandOutcome(command.id, ok=False, text=f"{text}: look at the new one first")
        preview = command.args.get("preview") == "true"
        path = self._file
        if command.kind is CommandKind.APPLY:
            text = command.args.get("text", "")
        elif (path := self._found()) is None:
            where = "" if self._kept is None else f" (nor {self._kept})"
            return CommandOutcome(command.id, ok=False, text=f"there is no config file to reload{where}")
        else:
            try:
                text = read(path)
            except ConfigError as wrong:
                return CommandOutcome(command.id, ok=False, text=str(wrong), detail=WRONG_INPUT)
        to = path or self._kept
        if command.kind is CommandKind.APPLY and to is not None and not preview:
            passed_over = self._passed_over(to)
            ok, words, detail = self._write_and_apply(to, text, now)
            if ok and passed_over:
                words += f"; {passed_over} is kept as {to.name}.bak1"
            if ok and path is None:
                words += f"; kept in {to}: the next start without --config takes it"
        else:
            ok, words, detail = self.offer(text, now, preview=preview)
            if ok and to is not None and command.kind is CommandKind.APPLY and (passed_over := self._passed_over(to)):
                detail |= {"file": f"{passed_over} would be kept as {to.name}.bak1"}
            if ok and "changes" in detail and to is None and not preview:
                words += "; there is no config file, so it lasts until this run ends"
        return CommandOutcome(command.id, ok, words, detail)

    def _found(self) -> Path | None:
        """The config file: the one in force, else one that appeared where a start would look; None: there is none."""
        if self._file is None and self._kept is not None and self._kept.is_file():
            self._file = self._kept
        return self._file

    def _passed_over(self, path: Path) -> str:
        """What applying another text would replace unseen: an edit of the file that was refused or not yet read."""
        try:
            same = read(path) == self.loaded.text
        except ConfigError:
            same = not path.exists()
        return "" if same else f"what {path} holds by now and is not in force"

    def _write_and_apply(self, path: Path, text: str, now: Ms) -> tuple[bool, str, dict[str, str]]:
        """The file first: a version in force that the next start would not find is none."""
        ok, words, detail = self.offer(text, now, preview=True)
        if not ok:
            return ok, words, detail
        former = self._file
        try:
            backup = apply_text(path, text)
        except OSError as error:
            return False, f"nothing changed: {path} cannot be written ({error.strerror})", {}
        self._file = path
        ok, words, detail = self.offer(text, now, preview=False)
        if not ok:  # nor must the next start find what is not in force
            self._file = former
            if not _taken_back(path.resolve(), backup):
                words += f"; {path} holds the refused text"
        return ok, words, detail

    def offer(self, text: str, now: Ms, *, preview: bool) -> tuple[bool, str, dict[str, str]]:
        """Validate a text and apply it as the next version (not with ``preview``); an invalid one changes nothing."""
        ok, words, detail = self._judged(text, now, preview=preview)
        if not preview:
            self.last_error = "" if ok else words
        return ok, words, detail

    def _judged(self, text: str, now: Ms, *, preview: bool) -> tuple[bool, str, dict[str, str]]:
        try:
            loaded = load_text(text, self._file, os.environ, self._plan.options.overrides)
        except ConfigError as wrong:
            return False, f"nothing changed: {wrong}", dict(WRONG_INPUT)
        changes = differences.diff(self.loaded.settings, loaded.settings)
        stays = self._stays(loaded)
        if not changes:
            if not preview:
                self.loaded = loaded
            words = "; ".join([f"nothing changes: config version {self.version} has these values", *stays])
            return True, words, {"not in force": "; ".join(stays)} if stays else {}
        refusal = differences.refusal(changes, flat=self._flat())
        if refusal:
            return False, refusal, {"changes": _lines(changes)}
        try:
            config = self._make(loaded.settings, self.version + 1)
            effect = self._engine.difference(config)
            broken = objection_to(self._engine, config)
        except (ValueError, RunRefused) as wrong:
            return False, f"nothing changed: {wrong}", {}
        except Exception as error:  # noqa: BLE001 - on copies only: whatever fails there must not stop trading
            return False, f"nothing changed: under it no decision is possible ({type(error).__name__}: {error})", {}
        detail = {"changes": _lines(changes), **effects.detail(effect, spot=config.market is Market.SPOT)}
        detail |= {"not in force": "; ".join(stays)} if stays else {}
        if broken:
            return False, f"nothing changed, for it would break a promise at once: {broken}", detail
        if preview:
            known = self.on_preview(loaded)
            detail |= {"back-test": known} if known else {}
            return True, f"would change {_keys(len(changes))}", detail
        if self._journal.failing:  # no trade waits for a disk that hangs, but an edit would, and all trades with it
            return False, f"nothing changed: {self._journal.failing}", {}
        try:
            self._apply(loaded, config, now, detail)
        except StoreError as error:
            return False, f"nothing changed: {error}", {}
        words = "; ".join([f"config version {config.version}: {_keys(len(changes))} changed", *stays])
        return True, words, detail

    def _stays(self, loaded: Loaded[Settings]) -> list[str]:
        """The keys that the text changes in vain: environment or command line of the bot stand over them."""
        try:
            before, wanted = (load_text(text, None, {}).settings for text in (self.loaded.text, loaded.text))
        except ConfigError:  # a text that holds only under them does not say what it wants alone
            return []
        held = differences.values(loaded.settings)
        places = [(change, tuple(change.path.split("."))) for change in differences.diff(before, wanted)]
        return [
            f"{change.path} stays {fields.shown(held[place])}: {loaded.places[place]} stands over the file"
            for change, place in places
            if place in loaded.places and place in held and held[place] != change.new
        ]

    async def watch_file(self) -> None:
        """Apply the file whenever it changes on disk; what is wrong with an edit is said and nothing changes."""
        path = self._file or self._kept
        if path is None:
            return
        await self._started.wait()
        from watchfiles import awatch  # not before the bot has begun: most run without a file

        try:
            while True:
                await _at_rest(path)
                folders = _folders(path)
                self._look_at_file(path)  # it may have been edited while the start waited, or nobody watched
                async for _ in awatch(*folders, recursive=False, debounce=400, step=50):
                    await _at_rest(path)
                    self._look_at_file(path)
                    if _folders(path) != folders:  # a link took its place, or leads elsewhere now
                        break
        except (OSError, RuntimeError) as error:
            text = f"{path} is watched no more ({error}); 'gridbot reload' still reads it"
            self._journal.report(self._engine.now, "warning", "reload", text)

    def _look_at_file(self, path: Path) -> None:
        if self._found() is None:  # the bot runs without, and nobody has written one yet
            return
        try:
            text = read(path)
        except ConfigError as wrong:
            self._say_once(str(wrong))
            return
        if text == self.loaded.text:
            self.last_error = ""
            return
        if not text.strip():  # an editor at work, or an accident: it would put every default in force
            self._say_once(f"{path} is empty; 'gridbot reload' puts the defaults in force")
            return
        before = self.last_error
        ok, words, detail = self.offer(text, self._engine.now, preview=False)
        if ok or self.last_error != before:
            self._journal.operator(self._engine.now, "reload", {"ok": ok, "text": words, **detail})
            self._journal.report(self._engine.now, "info" if ok else "warning", "reload", words)

    def _say_once(self, trouble: str) -> None:
        words = f"nothing changed: {trouble}"
        if words != self.last_error:
            self.last_error = words
            self._journal.report(self._engine.now, "warning", "reload", words)

    def _apply(self, loaded: Loaded[Settings], config: EngineConfig, now: Ms, detail: dict[str, str]) -> None:
        self._store.add_config(config.version, now, loaded.text, self._source())
        self._journal.operator(now, "config", {"version": config.version, **detail})
        if self._trial is None:  # else the one before is on trial itself
            self._before = self.loaded
        self._put_in_force(loaded, config)
        self._trial = Trial(self._engine, now)
        self._bot.rehearse = self._rehearse

    def _put_in_force(self, loaded: Loaded[Settings], config: EngineConfig) -> None:
        former = self.loaded.settings
        self.loaded, self._config = loaded, config
        self._bot.reconfigure(config)
        self._on_applied(former, loaded.settings)

    # -- on trial -----------------------------------------------------------------------------------------------

    def _rehearse(self, event: BarsClosed) -> None:
        """Before the first decision under a new config: would it break a promise, the old one decides."""
        trial = self._trial
        if trial is None:
            self._bot.rehearse = None
            return
        broken = trial.objection(event)
        if trial.over:
            self._trial = self._bot.rehearse = None
        if broken:
            self._roll_back(broken, event.at)

    def _roll_back(self, broken: str, now: Ms) -> None:
        bad, old = self.loaded, self._before
        config = self._make(old.settings, self.version + 1)
        words = f"config version {self.version} was taken back before its first decision: {broken}"
        words += f"; version {config.version} is the one before it"
        path = self._file
        if path is not None:
            back = self._file_put_back(path, bad, old)
            words += f"; {path} " + (
                "is as before, the refused text beside it" if back else "still holds what was refused"
            )
        try:
            self._store.add_config(config.version, now, old.text, self._source())
        except StoreError as error:
            words += f" (not yet on disk: {error})"
        self._journal.operator(now, "config", {"version": config.version, "rolled_back": words})
        self._put_in_force(old, config)
        self.last_error = words
        self._journal.report(now, "error", "config", words)

    def _file_put_back(self, path: Path, bad: Loaded[Settings], old: Loaded[Settings]) -> bool:
        """Put the former text back, the bad one goes to the backup; False where the file still holds it."""
        try:
            if read(path) == bad.text:
                apply_text(path, old.text)
                if old.path is None:  # there was none before it
                    path.unlink()
                    self._file = None
        except (ConfigError, OSError):
            return False
        return True

    def _simulated(self, settings: Settings, version: int) -> EngineConfig:
        return engine_config(settings, version, self._plan.mode, self._engine.desk.instruments)

    def _flat(self) -> bool:
        return not self._engine.open_positions() and not self._engine.standing()

    def _source(self) -> str:
        return str(self.loaded.path) if self.loaded.path is not None else "defaults"


def _folders(path: Path) -> list[Path]:
    """What to watch: not the file, for editors and deployments put another in its place, also behind a link."""
    return list(dict.fromkeys((path.absolute().parent, path.resolve().parent)))


async def _at_rest(path: Path) -> None:
    """Wait while the file is being written: the first half of one often holds, with defaults for the limits behind."""
    state = None
    while (now := _state(path)) != state:
        state = now
        await asyncio.sleep(REST_S)


def _state(path: Path) -> tuple[int, ...]:
    """What a write to a file changes; nothing where there is no file, which may be one that is just replaced."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns


def _taken_back(path: Path, backup: Path | None) -> bool:
    """Undo ``apply_text``; False where the file cannot be written any more."""
    try:
        if backup is None:
            path.unlink()
        else:
            backup.replace(path)
    except OSError:
        return False
    return True


def _lines(changes: tuple[differences.Change, ...]) -> str:
    return "\n".join(str(change) for change in changes)


def _keys(count: int) -> str:
    return "1 key" if count == 1 else f"{count} keys"
