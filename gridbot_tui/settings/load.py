"""Loads a config from its sources, or says everything that is wrong with it at once."""

import hashlib
import json
import stat
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Generic

from msgspec import Struct
from pydantic import BaseModel, ValidationError

from gridbot_tui.settings.layers import Layer, ModelT, merged
from gridbot_tui.settings.lines import Place
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError, Problem
from gridbot_tui.settings.toml_layer import from_text
from gridbot_tui.settings.verdict import problems_of
from gridbot_tui.settings.word_layer import ENV_PREFIX, from_environment, from_pairs

MOST_BYTES = 1_000_000
"""Of a config file; what is longer is a recording, or a device without an end."""

Overrides = Mapping[str, str] | Iterable[tuple[str, str]]


class Loaded(Struct, Generic[ModelT], frozen=True):
    """A config that holds."""

    settings: ModelT
    text: str
    """The file as read; empty without a file."""
    path: Path | None
    version_hash: str
    """Of the effective values: two texts that mean the same share it, whatever their comments."""
    places: dict[Place, str]
    """What named each value that is not a default (strongest source): file and line, variable or option."""


def load(path: Path | None, env: Mapping[str, str], overrides: Overrides = ()) -> Loaded[Settings]:
    """Read ``path`` (None: no file) under the environment and ``--set`` pairs, strongest last.

    :raises ConfigError: with every problem found, one sentence each
    """
    return load_text("" if path is None else read(path), path, env, overrides)


def load_text(
    text: str, path: Path | None, env: Mapping[str, str], overrides: Overrides = ()
) -> Loaded[Settings]:
    """As ``load``, for the text that ``path`` has or might get.

    :raises ConfigError: with every problem found, one sentence each
    """
    return load_model(Settings, text, path, env, overrides)


def load_model(
    model: type[ModelT], text: str, path: Path | None, env: Mapping[str, str], overrides: Overrides = ()
) -> Loaded[ModelT]:
    """As ``load_text``, for any model of sections."""
    pairs = list(overrides.items()) if isinstance(overrides, Mapping) else list(overrides)
    problems: list[Problem] = []
    file = from_text(model, text, "config" if path is None else path.name, problems)
    layers = (file, from_environment(model, env, problems), from_pairs(model, pairs, problems))
    settings = _validated(model, layers, problems)
    if problems or settings is None:
        raise ConfigError(_in_order(problems))
    places = {place: words for layer in layers for place, words in layer.leaves.items()}
    return Loaded(settings, text, path, version_hash(settings), places)


def read(path: Path) -> str:
    """The text of a config file.

    :raises ConfigError: if it can't be read
    """
    try:
        if stat.S_ISFIFO(path.stat().st_mode):
            # The next look at it would find nothing, or wait for ever: the defaults would be in force unseen.
            text = "is a pipe, which gives its text once; a config is read again and again: name a file"
            raise ConfigError([Problem(str(path), "", text)])
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            text = f"has more than {MOST_BYTES // 1_000_000} MB, which no config has: name another file"
            raise ConfigError([Problem(str(path), "", text)])
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        text = "there is no such file; 'gridbot init' writes one, and gridbot also runs without any"
    except IsADirectoryError:
        text = "is a folder; name the file in it"
    except OSError as error:
        text = f"can't be read: {error.strerror or error}"
    except UnicodeDecodeError as error:
        text = f"is not UTF-8 text (byte {error.start})"
    raise ConfigError([Problem(str(path), "", text)])


def pair(text: str) -> tuple[str, str]:
    """``section.key=value`` of the command line, taken apart.

    :raises ConfigError: without an equals sign or a name
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError([Problem("--set", "", "wants section.key=value, as in --set risk.leverage_cap=4")])
    return name.strip(), value


def version_hash(settings: BaseModel) -> str:
    """16 hex digits over the values in use, the same for equal configs on every machine."""
    canonical = json.dumps(settings.model_dump(), sort_keys=True, separators=(",", ":"), default=_canonical)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _canonical(value: object) -> str:
    """0.10 and 0.1 are the same fee."""
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Without repetitions: the file's by line, then the environment's, then the command line's."""

    def rank(problem: Problem) -> tuple[int, int]:
        source = 2 if problem.where.startswith("--set") else 1 if problem.where.startswith(ENV_PREFIX) else 0
        line = problem.where.rpartition(" line ")[2]
        return source, int(line) if line.isdecimal() else 0

    return sorted(dict.fromkeys(problems), key=rank)


def _validated(model: type[ModelT], layers: tuple[Layer, ...], problems: list[Problem]) -> ModelT | None:
    """The merged model; None with problems added if it does not hold."""
    if layers[0].values and any(layer.values for layer in layers[1:]):
        # A value of the file that a stronger source hides must hold too: tomorrow it may not be hidden.
        try:
            merged(model, layers[:1])
        except ValidationError as error:
            problems += problems_of(model, error, layers[:1], keys_only=True)
    try:
        return merged(model, layers)
    except ValidationError as error:
        problems += problems_of(model, error, layers)
        return None
