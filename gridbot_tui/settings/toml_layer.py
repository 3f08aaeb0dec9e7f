"""Reads a TOML text into a layer.

What does not fit the shape of the model (unknown keys, credentials, a table where a number belongs) is left
out of the layer and told as a problem, so that the rest is still checked in the same pass.
"""

import math
import re
import tomllib
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

from gridbot_tui.settings import fields
from gridbot_tui.settings.layers import Layer
from gridbot_tui.settings.lines import Place, nearest, spans
from gridbot_tui.settings.names import dotted, is_secret, secret_text, unknown
from gridbot_tui.settings.problems import Problem, described

_LINE: Final = re.compile(r"\(at line (\d+), column \d+\)")


def from_text(model: type[BaseModel], text: str, name: str, problems: list[Problem]) -> Layer:
    """The layer of a TOML text; ``name`` is how messages call the file."""
    try:
        data = tomllib.loads(text)
        found = spans(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(_syntax(str(error), text, name))
        return Layer(name)
    except (ValueError, RecursionError):
        # tomllib lets these through for absurd numbers and absurd nesting.
        problems.append(
            Problem(name, "", "is not valid TOML: a number too long or brackets nested too deeply")
        )
        return Layer(name)

    def place(path: Place) -> str:
        span = nearest(found, path)
        return name if span is None else f"{name} line {span.first}"

    layer = Layer(name)
    _take_table(model, model, data, (), place, layer, problems)
    layer.parts = {path: place(path) for path in found if path not in layer.leaves}
    return layer


def _syntax(message: str, text: str, name: str) -> Problem:
    match = _LINE.search(message)
    line = int(match.group(1)) if match else text.count("\n") + 1
    reason = _LINE.sub("", message).replace("(at end of document)", "at the end of the file").strip()
    return Problem(f"{name} line {line}", "", f"is not valid TOML: {reason}")


def _take_table(
    root: type[BaseModel],
    model: type[BaseModel],
    data: dict[str, Any],
    path: Place,
    place: Callable[[Place], str],
    layer: Layer,
    problems: list[Problem],
) -> None:
    """Take over what of ``data`` fits ``model``, which stands at ``path``."""
    for name, value in data.items():
        here = (*path, name)
        key = dotted(here)
        field = model.model_fields.get(name)
        if is_secret(name):
            problems.append(Problem(place(here), key, secret_text(key)))
        elif field is None:
            problems.append(unknown(root, here, place(here)))
        elif (inner := fields.model_in(field.annotation)) is not None:
            if isinstance(value, dict):
                layer.keep(here)
                _take_table(root, inner, value, here, place, layer, problems)
            else:
                problems.append(Problem(place(here), key, _want_table(key, value)))
        elif (named := fields.named_models(field.annotation)) is not None:
            _take_named(root, named, value, here, place, layer, problems)
        else:
            wrong = _wrong_kind(key, field.annotation, value)
            if wrong:
                problems.append(Problem(place(here), key, wrong))
            else:
                layer.put(here, value, place(here))


def _take_named(
    root: type[BaseModel],
    named: type[BaseModel],
    value: Any,
    path: Place,
    place: Callable[[Place], str],
    layer: Layer,
    problems: list[Problem],
) -> None:
    """Take over a table of tables whose names the operator chose, such as [symbols.BTCUSDT]."""
    tables = value if isinstance(value, dict) else {"": value}
    for name, table in tables.items():
        here = (*path, name) if name else path
        if isinstance(table, dict):
            layer.keep(here)
            _take_table(root, named, table, here, place, layer, problems)
        else:
            problems.append(Problem(place(here), dotted(here), _want_table(dotted(here), table)))


def _want_table(key: str, value: Any) -> str:
    return f"{key} is a section, written as [{key}] with keys below it; found {described(value)}"


def _wrong_kind(key: str, annotation: Any, value: Any) -> str:
    """What is wrong with the kind of a value that pydantic would kindly convert; empty if nothing is."""
    bare, _ = fields.unwrap(annotation)
    if isinstance(value, float) and not math.isfinite(value):
        return f"{key} wants a finite number, found {value}"
    if bare in (int, float, Decimal) and isinstance(value, bool | str):
        hint = "; take the quotes off" if isinstance(value, str) and is_number(value) else ""
        return f"{key} wants a number, found {described(value)}{hint}"
    if bare is bool and not isinstance(value, bool):
        return f"{key} wants true or false, found {described(value)}"
    if get_origin(bare) in (tuple, list):
        inner = [arg for arg in get_args(bare) if arg is not Ellipsis]
        if not isinstance(value, list):
            return f"{key} wants a list in brackets, found {described(value)}"
        wrong = [_wrong_kind(f"{key}[{i}]", inner[0], item) for i, item in enumerate(value)] if inner else []
        return next((text for text in wrong if text), "")
    return ""


def is_number(text: str) -> bool:
    """Whether ``text`` reads as a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
