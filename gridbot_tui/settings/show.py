"""The config in effect, each value with where it comes from."""

from typing import Any

from msgspec import Struct

from gridbot_tui.settings import fields
from gridbot_tui.settings.diff import values
from gridbot_tui.settings.load import Loaded
from gridbot_tui.settings.model import Settings

DEFAULT = "default"


class Effective(Struct, frozen=True):
    """One key in effect."""

    path: str
    value: Any
    source: str
    """``default``, ``config.toml line 12``, the environment variable, or ``--set`` with the name."""


def effective(loaded: Loaded[Settings]) -> tuple[Effective, ...]:
    """Every key, in the order of the model. A symbol's ladder shows only what its own section names."""
    found = []
    for path, value in values(loaded.settings).items():
        source = next(
            (loaded.places[path[:end]] for end in range(len(path), 0, -1) if path[:end] in loaded.places),
            None,
        )
        if source is None:
            below = [words for leaf, words in loaded.places.items() if leaf[: len(path)] == path]
            source = below[-1] if below else DEFAULT
        if source == DEFAULT and path[0] == "symbols" and len(path) > 2:
            continue
        found.append(Effective(".".join(path), value, source))
    return tuple(found)


def render(loaded: Loaded[Settings], only_changed: bool = False) -> str:
    """One line a key, ``section.key = value`` and its source; ``only_changed`` leaves out the defaults."""
    shown = [item for item in effective(loaded) if not only_changed or _is_changed(item)]
    left = [f"{item.path} = {fields.shown(item.value)}" for item in shown]
    width = min(max(map(len, left), default=0), 60)
    return "".join(f"{text:<{width}}  # {item.source}\n" for text, item in zip(left, shown, strict=True))


def document(loaded: Loaded[Settings]) -> dict[str, Any]:
    """The same for ``--json``: values as TOML would hold them (decimals as strings)."""
    keys = {
        item.path: {"value": plain(item.value), "source": item.source, "class": _class(item.path)}
        for item in effective(loaded)
    }
    path = None if loaded.path is None else str(loaded.path)
    return {"path": path, "version": loaded.version_hash, "keys": keys}


def _is_changed(item: Effective) -> bool:
    key = fields.find(Settings, item.path.split("."))
    return key is None or fields.ANY in key.path or item.value != key.default


def _class(path: str) -> str:
    key = fields.find(Settings, path.split("."))
    return "" if key is None else str(key.applies)


def plain(value: Any) -> Any:
    """A value as JSON has it: lists and tables as such, decimals and names of choices as strings."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return str(value)
