"""Hot reload: a new config text is validated whole, shown as a difference, applied as one version, or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

from gridbot_tui.control.command import Command, CommandKind, CommandOutcome
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.preview import SymbolDifference
from gridbot_tui.service.assemble import Plan, RunRefused, engine_config
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.journal import Journal
from gridbot_tui.settings import diff as differences
from gridbot_tui.settings.edit import apply_text
from gridbot_tui.settings.load import Loaded, load_text, read
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreUnavailable
from gridbot_tui.units import Ms


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
    ) -> None:
        self._on_applied = on_applied
        self._plan = plan
        self._engine = engine
        self._bot = bot
        self._store = store
        self._journal = journal
        self._config = config
        self.loaded: Loaded[Settings] = plan.loaded
        self.last_error = ""
        """Why the last edit of the file was not applied; "" when it was."""

    @property
    def version(self) -> int:
        """Version of the config in force."""
        return self._config.version

    def remember_start(self, at: Ms) -> None:
        """Write down the config this run starts with, as a new version where it differs from the last."""
        known = self._store.configs(limit=1)
        if known and known[0].text == self._identity_text():
            version = known[0].version
        else:
            version = (known[0].version if known else 0) + 1
            self._store.add_config(version, at, self._identity_text(), self._source())
        self._config = engine_config(
            self.loaded.settings, version, self._plan.mode, self._engine.desk.instruments
        )
        self._engine.desk.config = self._config

    def command(self, command: Command, now: Ms) -> CommandOutcome:
        """Carry out RELOAD or APPLY, or only say what it would change."""
        if command.base_version is not None and command.base_version != self.version:
            text = f"the config is at version {self.version}, the edit was made on version {command.base_version}"
            return CommandOutcome(command.id, ok=False, text=f"{text}: look at the new one first")
        preview = command.args.get("preview") == "true"
        path = self.loaded.path
        if command.kind is CommandKind.APPLY:
            text = command.args.get("text", "")
        elif path is None:
            return CommandOutcome(
                command.id, ok=False, text="there is no config file to reload: start with --config FILE"
            )
        else:
            try:
                text = read(path)
            except ConfigError as wrong:
                return CommandOutcome(command.id, ok=False, text=str(wrong))
        if command.kind is CommandKind.APPLY and path is not None and not preview:
            ok, words, detail = self._write_and_apply(path, text, now)
        else:
            ok, words, detail = self.offer(text, now, preview=preview)
        return CommandOutcome(command.id, ok, words, detail)

    def _write_and_apply(self, path: Path, text: str, now: Ms) -> tuple[bool, str, dict[str, str]]:
        """The file first: a version in force that the next start would not find is none."""
        ok, words, detail = self.offer(text, now, preview=True)
        if not ok:
            return ok, words, detail
        try:
            apply_text(path, text)
        except OSError as error:
            return False, f"nothing changed: {path} cannot be written ({error.strerror})", {}
        return self.offer(text, now, preview=False)

    def offer(self, text: str, now: Ms, *, preview: bool) -> tuple[bool, str, dict[str, str]]:
        """Validate a text and apply it as the next version (not with ``preview``); an invalid one changes nothing."""
        ok, words, detail = self._judged(text, now, preview=preview)
        if not preview:
            self.last_error = "" if ok else words
        return ok, words, detail

    def _judged(self, text: str, now: Ms, *, preview: bool) -> tuple[bool, str, dict[str, str]]:
        try:
            loaded = load_text(text, self.loaded.path, os.environ, self._plan.options.overrides)
        except ConfigError as wrong:
            return False, f"nothing changed: {wrong}", {}
        changes = differences.diff(self.loaded.settings, loaded.settings)
        if not changes:
            if not preview:
                self.loaded = loaded
            return True, "nothing changes: the values are the same", {}
        refusal = differences.refusal(changes, flat=self._flat())
        if refusal:
            return False, refusal, {"changes": _lines(changes)}
        try:
            config = engine_config(
                loaded.settings, self.version + 1, self._plan.mode, self._engine.desk.instruments
            )
            effect = self._engine.difference(config)
        except (ValueError, RunRefused) as wrong:
            return False, f"nothing changed: {wrong}", {}
        detail = {"changes": _lines(changes), "desired": "\n".join(_words(one) for one in effect)}
        if preview:
            return True, f"would change {len(changes)} keys", detail
        try:
            self._apply(loaded, config, now, detail)
        except StoreUnavailable as error:
            return False, f"nothing changed: {error}", {}
        return True, f"config version {config.version}: {len(changes)} keys changed", detail

    async def watch_file(self) -> None:
        """Apply the file whenever it changes on disk; what is wrong with an edit is said and nothing changes."""
        path = self.loaded.path
        if path is None:
            return
        from watchfiles import awatch

        # Folders, not the file: editors and deployments put another file in its place, also behind a link.
        folders = dict.fromkeys((path.absolute().parent, path.resolve().parent))
        try:
            async for _ in awatch(*folders, recursive=False, debounce=400, step=50):
                self._look_at_file(path)
        except (OSError, RuntimeError) as error:
            text = f"{path} is watched no more ({error}); 'gridbot reload' still reads it"
            self._journal.report(self._engine.now, "warning", "reload", text)

    def _look_at_file(self, path: Path) -> None:
        try:
            text = read(path)
        except ConfigError as wrong:
            self._say_once(str(wrong))
            return
        if text == self.loaded.text:
            self.last_error = ""
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
        before = self.loaded.settings
        self.loaded, self._config = loaded, config
        self._bot.reconfigure(config)
        self._on_applied(before, loaded.settings)

    def _flat(self) -> bool:
        return not self._engine.open_positions() and not self._engine.standing()

    def _identity_text(self) -> str:
        return self.loaded.text

    def _source(self) -> str:
        return str(self.loaded.path) if self.loaded.path is not None else "defaults"


def _lines(changes: tuple[differences.Change, ...]) -> str:
    return "\n".join(str(change) for change in changes)


def _words(one: SymbolDifference) -> str:
    text = f"{one.symbol}: cancel {one.cancel}, create {one.create}, keep {one.keep}"
    if one.spacing_before is not None and one.spacing_after is not None:
        text += f", spacing {100 * one.spacing_before:.2f} % -> {100 * one.spacing_after:.2f} %"
    if one.leverage_before is not None and one.leverage_after is not None:
        text += f", leverage {one.leverage_before:.2f} -> {one.leverage_after:.2f}"
    return text + (f", then {one.target}" if one.target else "")
