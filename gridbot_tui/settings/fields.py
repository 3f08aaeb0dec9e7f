"""The model seen as keys: every leaf of it with its type, range, unit, class and reason."""

import json
import re
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gridbot_tui.settings.classes import Applies, class_of

ANY = "*"
"""Stands in a path for the name of a symbol."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One leaf of the config model."""

    path: Path
    """Names from the root, ``*`` where the operator chooses the name."""
    type: str
    """In words: number, whole number, text, true or false, list of text, ..."""
    optional: bool
    default: Any
    low: float | Decimal | None
    high: float | Decimal | None
    open_low: bool
    """True where ``low`` itself is not allowed."""
    open_high: bool
    choices: tuple[str, ...]
    """Of the key itself, or of each entry of its list."""
    entries: tuple[int, int] | None
    """Least and most entries of its list; None where any number will do, and for what is no list."""
    pattern: str
    unit: str
    applies: Applies
    reason: str

    @property
    def name(self) -> str:
        """Dotted, as ``--set`` takes it."""
        return ".".join(self.path)

    @property
    def range(self) -> str:
        """The allowed values in words; empty where any value of the type will do."""
        if self.choices:
            return ", ".join(self.choices)
        if self.entries:
            return "{} to {} entries".format(*self.entries)
        if self.pattern:
            return f"matches {self.pattern}"
        low = "" if self.low is None else f"{'above' if self.open_low else 'from'} {number(self.low)}"
        high = "" if self.high is None else f"{'below' if self.open_high else 'to'} {number(self.high)}"
        return " ".join(part for part in (low, high) if part)


def number(value: float | Decimal) -> str:
    """A bound the way a person writes it: 0.25, 6, 1000000."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def shown(value: Any) -> str:
    """A value as TOML writes it; ``none`` for one that is not set."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return shown(value.value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        inner = ", ".join(f"{_name(name)} = {shown(item)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, tuple | list | set | frozenset):
        return f"[{', '.join(shown(item) for item in value)}]"
    if isinstance(value, Decimal):
        return number(value)
    return repr(value)


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def keys(model: type[BaseModel]) -> tuple[Key, ...]:
    """Every leaf below ``model``, in the order of the model."""
    return tuple(_walk(model, (), (), None))


@cache
def keys_by_path(model: type[BaseModel]) -> dict[Path, Key]:
    """``keys`` by their path."""
    return {key.path: key for key in keys(model)}


def find(model: type[BaseModel], path: Sequence[str | int]) -> Key | None:
    """The key a concrete path (a symbol's name, an index in it) lies in; None for a section or nothing."""
    at = model
    pattern: Path = ()
    rest = [str(part) for part in path]
    while rest:
        name = rest.pop(0)
        field = at.model_fields.get(name)
        if field is None:
            return None
        pattern = (*pattern, name)
        inner, named = model_in(field.annotation), named_models(field.annotation)
        if named is not None and rest:
            rest.pop(0)
            pattern, inner = (*pattern, ANY), named
        if inner is None:
            return keys_by_path(model).get(pattern)
        at = inner
    return None


def sections(model: type[BaseModel]) -> dict[Path, tuple[type[BaseModel], str]]:
    """Every table of the model by its path, with its class and the description of the field that holds it."""
    found: dict[Path, tuple[type[BaseModel], str]] = {}

    def visit(at: type[BaseModel], path: Path) -> None:
        for name, field in at.model_fields.items():
            inner, named = model_in(field.annotation), named_models(field.annotation)
            here = (*path, name) if inner is not None else (*path, name, ANY)
            below = inner or named
            if below is not None:
                found[here] = (below, " ".join((field.description or "").split()))
                visit(below, here)

    visit(model, ())
    return found


def unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """An annotation without ``None`` and ``Annotated``, and the metadata met on the way."""
    found: list[Any] = []
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *extra = get_args(annotation)
            found += extra
        elif origin in (Union, types.UnionType):
            inner = [arg for arg in get_args(annotation) if arg is not type(None)]
            if len(inner) != 1:
                return annotation, found
            annotation = inner[0]
        else:
            return annotation, found


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model an annotation is, holds by name or is a list of; None for a leaf."""
    bare, _ = unwrap(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return bare
    return None


def named_models(annotation: Any) -> type[BaseModel] | None:
    """The model of a table whose names the operator chooses (``dict[str, Model]``)."""
    bare, _ = unwrap(annotation)
    return model_in(get_args(bare)[1]) if get_origin(bare) is dict else None


def _walk(
    model: type[BaseModel], path: Path, extras: tuple[Any, ...], defaults: BaseModel | None
) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        here = (*path, name)
        seen = (*extras, field.json_schema_extra)
        default = (
            field.get_default(call_default_factory=True) if defaults is None else getattr(defaults, name)
        )
        inner, named = model_in(field.annotation), named_models(field.annotation)
        if inner is not None:
            yield from _walk(inner, here, seen, default if isinstance(default, BaseModel) else None)
        elif named is not None:
            yield from _walk(named, (*here, ANY), seen, None)
        else:
            yield _key(here, field, seen, default)


def _key(path: Path, field: FieldInfo, extras: tuple[Any, ...], default: Any) -> Key:
    bare, nested = unwrap(field.annotation)
    constraints = [*_flat(nested), *field.metadata]
    low, high, open_low, open_high, pattern = _bounds(constraints)
    return Key(
        path=path,
        type=_type_in_words(bare),
        optional=type(None) in get_args(field.annotation),
        default=default,
        low=low,
        high=high,
        open_low=open_low,
        open_high=open_high,
        choices=_choices(bare) or _choices(_entry(bare)),
        entries=_lengths(constraints) if get_origin(bare) is tuple else None,
        pattern=pattern,
        unit=_unit(path[-1], field.json_schema_extra),
        applies=class_of(path, extras),
        reason=" ".join((field.description or "").split()),
    )


_UNITS = {
    "ms": "ms",
    "s": "s",
    "minutes": "minutes",
    "hours": "hours",
    "days": "days",
    "percent": "%",
    "bp": "bp",
}


def _unit(name: str, extra: Any) -> str:
    """What the field says, else the end of its name; units of another kind are in the reason."""
    if isinstance(extra, dict) and "unit" in extra:
        return str(extra["unit"])
    return _UNITS.get(name.rpartition("_")[2], "") if "_" in name else ""


def _flat(metadata: list[Any]) -> list[Any]:
    """Metadata with the constraints that a nested ``Field`` holds taken out of it."""
    return [c for m in metadata for c in (m.metadata if isinstance(m, FieldInfo) else [m])]


def _bounds(metadata: list[Any]) -> tuple[Any, Any, bool, bool, str]:
    low: Any = None
    high: Any = None
    open_low = open_high = False
    pattern = ""
    for item in metadata:
        for part in item if isinstance(item, annotated_types.GroupedMetadata) else [item]:
            if isinstance(part, annotated_types.Ge):
                low = part.ge
            elif isinstance(part, annotated_types.Gt):
                low, open_low = part.gt, True
            elif isinstance(part, annotated_types.Le):
                high = part.le
            elif isinstance(part, annotated_types.Lt):
                high, open_high = part.lt, True
        pattern = getattr(item, "pattern", None) or pattern
    return low, high, open_low, open_high, str(pattern)


def _choices(bare: Any) -> tuple[str, ...]:
    if get_origin(bare) is Literal:
        return tuple(str(arg) for arg in get_args(bare))
    if isinstance(bare, type) and issubclass(bare, Enum):
        return tuple(str(member.value) for member in bare)
    return ()


def _entry(bare: Any) -> Any:
    """What a list holds; None for what is no list."""
    args = get_args(bare)
    return unwrap(args[0])[0] if get_origin(bare) in (tuple, list, frozenset, set) and args else None


def _lengths(metadata: list[Any]) -> tuple[int, int] | None:
    grouped = annotated_types.GroupedMetadata
    parts = [one for item in metadata for one in (item if isinstance(item, grouped) else [item])]
    least = [one.min_length for one in parts if isinstance(one, annotated_types.MinLen)]
    most = [one.max_length for one in parts if isinstance(one, annotated_types.MaxLen)]
    return (least[0], most[0]) if least and most else None


_WORDS = {bool: "true or false", int: "whole number", float: "number", Decimal: "decimal number", str: "text"}


def _type_in_words(bare: Any) -> str:
    if _choices(bare):
        return "choice"
    origin, args = get_origin(bare), get_args(bare)
    if origin in (tuple, list, frozenset, set):
        inner = [arg for arg in args if arg is not Ellipsis]
        words = list(dict.fromkeys(_type_in_words(unwrap(arg)[0]) for arg in inner))
        size = "" if Ellipsis in args or origin is not tuple else f"{len(inner)} "
        return f"list of {size}{' and '.join(words)}"
    if origin is dict:
        return f"table of {_type_in_words(unwrap(args[1])[0])}"
    return _WORDS.get(bare, getattr(bare, "__name__", str(bare)).lower())
