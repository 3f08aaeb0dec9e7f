"""Reads the environment and the command line into layers: there every value is a word."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, get_origin

from pydantic import BaseModel

from gridbot_tui.settings import fields
from gridbot_tui.settings.layers import Layer
from gridbot_tui.settings.names import dotted, is_secret, secret_text, unknown
from gridbot_tui.settings.problems import Problem, described
from gridbot_tui.settings.toml_layer import is_number

ENV_PREFIX: Final = "GRIDBOT_"
ENV_DELIMITER: Final = "__"


def of_keys(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that name keys of a config."""
    return {name: env[name] for name in sorted(env) if name.startswith(ENV_PREFIX) and ENV_DELIMITER in name}


def from_environment(model: type[BaseModel], env: Mapping[str, str], problems: list[Problem]) -> Layer:
    """The layer of ``GRIDBOT_SECTION__KEY`` variables.

    Names without ``__`` belong to others (``GRIDBOT_HOME``), unless they are a key but for that.
    """
    layer = Layer("the environment")
    for variable in sorted(env):
        if not variable.startswith(ENV_PREFIX):
            continue
        rest, shown = variable[len(ENV_PREFIX) :], _shown(variable)
        if ENV_DELIMITER not in rest:
            if rest.lower() in model.model_fields:
                text = f"names a whole section; name one key, as in {shown}__KEY"
                problems.append(Problem(shown, rest.lower(), text))
            elif (meant := _by_single_signs(model).get(rest.upper())) is not None:
                # A limit that somebody believes to have set.
                right = ENV_PREFIX + ENV_DELIMITER.join(meant).upper()
                text = f"is read by nobody: two _ stand between section and key, as in {right}"
                problems.append(Problem(shown, dotted(meant), text))
            continue
        _take_words(model, rest.split(ENV_DELIMITER), env[variable], shown, layer, problems)
    return layer


@cache
def _by_single_signs(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """The keys by their names as they would be with a single _ between the words."""
    return {"_".join(path).upper(): path for path in fields.keys_by_path(model) if fields.ANY not in path}


def from_pairs(model: type[BaseModel], pairs: Iterable[tuple[str, str]], problems: list[Problem]) -> Layer:
    """The layer of ``--set section.key=value`` pairs; the last of two for one key counts."""
    layer = Layer("--set")
    for name, value in pairs:
        _take_words(model, name.split("."), value, f"--set {_shown(name)}", layer, problems)
    return layer


def _shown(name: str) -> str:
    """A name as a message may repeat it: on one line, and not endless."""
    return name if name.isprintable() and len(name) <= 80 else "..."


def _take_words(
    model: type[BaseModel], words: list[str], value: str, place: str, layer: Layer, problems: list[Problem]
) -> None:
    if any(is_secret(word) for word in words):
        problems.append(Problem(place, "", secret_text("a credential")))
        return
    path = _resolve(model, words)
    if path is None:
        problems.append(unknown(model, tuple(word.lower() for word in words), place))
        return
    key = fields.find(model, path)
    assert key is not None
    name = dotted(path)
    parsed, wrong = _parse(key, value, inside=len(path) > len(key.path))
    if wrong:
        problems.append(Problem(place, name, f"{name} {wrong}"))
    else:
        layer.put(path, parsed, place)


def _resolve(model: type[BaseModel], words: list[str]) -> tuple[str, ...] | None:
    """The path that ``words`` name, in any case; None where there is no such key."""
    path: tuple[str, ...] = ()
    at: type[BaseModel] = model
    rest = list(words)
    while rest:
        name = rest.pop(0).lower()
        field = at.model_fields.get(name)
        if field is None:
            return None
        path = (*path, name)
        inner, named = fields.model_in(field.annotation), fields.named_models(field.annotation)
        if named is not None and rest:
            path = (*path, rest.pop(0).upper())
            inner = named
        if inner is None:
            table = get_origin(fields.unwrap(field.annotation)[0]) is dict
            return (
                (*path, ".".join(rest).lower())
                if rest and table
                else path
                if not rest and named is None
                else None
            )
        at = inner
    return None


def _parse(key: fields.Key, value: str, inside: bool) -> tuple[Any, str]:
    """A word as the value of ``key`` (or of a name ``inside`` its table), and what is wrong with it."""
    text = value.strip()
    if not text.isprintable() or len(text) > 10_000:
        return None, "holds signs that can't be printed, or too many"
    if inside:
        return text, ""
    if key.optional and text.lower() in ("", "none", "null"):
        return None, ""
    if key.type.startswith("list"):
        return (
            _toml(text)
            if text.startswith("[")
            else ([part.strip() for part in text.split(",") if part.strip()], "")
        )
    if key.type.startswith("table"):
        return _toml(text) if text.startswith("{") else (None, 'wants a table, as in { name = "value" }')
    if key.type in ("number", "decimal number", "whole number") and not is_number(text):
        return None, f"wants a {key.type}, found {described(text)}"
    return text, ""


def _toml(text: str) -> tuple[Any, str]:
    try:
        return tomllib.loads(f"value = {text}")["value"], ""
    except (ValueError, RecursionError):
        return None, "is not a valid list or table"
