"""What changes between two configs, when each change takes effect, and whether they may be applied at all."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from pydantic import BaseModel

from gridbot_tui.settings import fields
from gridbot_tui.settings.classes import WORDS, Applies
from gridbot_tui.settings.model import Settings

Values = dict[tuple[str, ...], Any]


class Change(Struct, frozen=True):
    """One key whose effective value changes."""

    path: str
    """Dotted name."""
    old: Any
    new: Any
    applies: Applies
    unit: str

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"{self.path}: {fields.shown(self.old)} -> {fields.shown(self.new)}{unit} ({WORDS[self.applies]})"
        )


def diff(old: Settings, new: Settings) -> tuple[Change, ...]:
    """Every key that differs, in the order of the model.

    A symbol's ladder is compared as it is in effect, and told only where it does not just follow [ladder].
    """
    names = list(dict.fromkeys([*old.symbols, *new.symbols]))
    before, after = values(old, names), values(new, names)
    found = []
    for path in dict.fromkeys([*before, *after]):
        pair = before.get(path), after.get(path)
        common = path[2:] if path[0] == "symbols" and path[2:3] == ("ladder",) else None
        follows = common is not None and pair == (before.get(common), after.get(common))
        if pair[0] == pair[1] or follows:
            continue
        key = fields.find(Settings, path)
        assert key is not None
        found.append(Change(".".join(path), *pair, key.applies, key.unit))
    return tuple(found)


def blocking(changes: Iterable[Change], *, flat: bool) -> tuple[Change, ...]:
    """The changes that a running bot can't take; ``flat`` = it holds no position and no lot."""
    heavy = (Applies.RESTART,) if flat else (Applies.RESTART, Applies.FLAT)
    return tuple(change for change in changes if change.applies in heavy)


def refusal(changes: Sequence[Change], *, flat: bool) -> str:
    """Why nothing of the changes is applied, in one sentence; empty where all can be."""
    blocked = blocking(changes, flat=flat)
    if not blocked:
        return ""
    parts = [
        f"{', '.join(names)} can change only {WORDS[kind]}"
        for kind in (Applies.RESTART, Applies.FLAT)
        if (names := [change.path for change in blocked if change.applies is kind])
    ]
    return f"{'; '.join(parts)}: nothing was applied"


def values(settings: Settings, symbols: Sequence[str] = ()) -> Values:
    """Every effective leaf by its path; ``symbols`` have a section even where the config names none."""
    found: Values = dict(_leaves(settings.model_copy(update={"symbols": {}}), ()))
    for name in dict.fromkeys([*settings.symbols, *symbols]):
        own = settings.symbols.get(name)
        found["symbols", name, "capital_share"] = None if own is None else own.capital_share
        ladder = settings.ladder if own is None or own.ladder is None else own.ladder
        found.update(_leaves(ladder, ("symbols", name, "ladder")))
    return found


def _leaves(model: BaseModel, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, (*path, name))
        elif fields.named_models(field.annotation) is not None:
            for own, inner in value.items():
                yield from _leaves(inner, (*path, name, own))
        else:
            yield (*path, name), value
