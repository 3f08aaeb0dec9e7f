"""Turns what pydantic found into sentences that name the place, the value and what is allowed."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gridbot_tui.settings import fields
from gridbot_tui.settings.layers import Layer
from gridbot_tui.settings.lines import Place
from gridbot_tui.settings.names import dotted, nearest_text, unknown
from gridbot_tui.settings.problems import Problem, described

_RANGE: Final = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
_CHOICE: Final = ("literal_error", "enum")


def problems_of(
    model: type[BaseModel], error: ValidationError, layers: Sequence[Layer], keys_only: bool = False
) -> list[Problem]:
    """One problem an error; with ``keys_only`` those of single keys, not of contradictions."""
    return list(_problems(model, error, layers, keys_only))


def _problems(
    model: type[BaseModel], error: ValidationError, layers: Sequence[Layer], keys_only: bool
) -> Iterator[Problem]:
    details = error.errors(include_url=False)
    for detail in details:
        path = tuple(part for part in detail["loc"] if part != "[key]")
        if detail["type"] == "too_short" and any(one["loc"][: len(path)] == path != one["loc"] for one in details):
            continue  # elements that were refused for themselves were not counted
        key = fields.find(model, path)
        if key is None and keys_only:
            continue
        where = _where(layers, path)
        if where is None:
            # Inherited by a symbol's own section from the common one, which is judged by itself.
            continue
        if detail["type"] == "extra_forbidden":
            yield unknown(model, path, where)
            continue
        indices = tuple(part for part in path[len(key.path) :] if isinstance(part, int)) if key else ()
        name = dotted((*path[: len(key.path)], *indices)) if key else dotted(path)
        yield Problem(where, name, _sentence(name, key, detail, element=bool(indices)))


def _where(layers: Sequence[Layer], path: Place) -> str | None:
    """The strongest source that says something at ``path``; None where none does."""
    if not path:
        return next((layer.name for layer in reversed(layers) if layer.leaves), "config")
    return next((place for layer in reversed(layers) if (place := layer.place_of(path)) is not None), None)


def _sentence(name: str, key: fields.Key | None, detail: ErrorDetails, *, element: bool) -> str:
    kind, value = detail["type"], detail["input"]
    if key is None:
        return f"{name}: {_said(detail)}" if name else _said(detail)
    if kind in _RANGE or kind in _CHOICE or kind == "string_pattern_mismatch":
        hint = nearest_text(str(value), key.choices).replace("valid key", "one") if kind in _CHOICE else ""
        found = f"{name} = {described(value)}"
        return (
            f"{found} is {'out of range' if kind in _RANGE else 'not allowed'}; {_allowed(key, detail)}{hint}"
        )
    if kind.endswith(("_type", "_parsing", "_from_float")):
        kind = key.type.removeprefix("list of ") if element else key.type
        return f"{name} wants a {kind}, found {described(value)}"
    if kind in ("too_short", "too_long"):
        most = "max_length" in detail["ctx"]
        limit, found = detail["ctx"]["max_length" if most else "min_length"], detail["ctx"]["actual_length"]
        return f"{name} wants {'at most' if most else 'at least'} {limit} in its list, found {found}"
    return f"{name} = {described(value)} is not allowed: {_said(detail)}"


def _allowed(key: fields.Key, detail: ErrorDetails) -> str:
    """The range in words and the default; pydantic's own words where the range is that of an element."""
    if not key.range:
        return _said(detail)
    unit = f" {key.unit}" if key.unit else ""
    default = "" if key.default is None else f", default {fields.shown(key.default)}"
    return f"allowed: {'one of ' if key.choices else ''}{key.range}{unit}{default}"


def _said(detail: ErrorDetails) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    if "error" in context:
        return str(context["error"])
    text = detail["msg"]
    return text[:1].lower() + text[1:]
