"""The sources of a config (file, environment, command line) over its defaults; pydantic-settings merges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from gridbot_tui.settings.lines import Place

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(slots=True)
class Layer:
    """What one source says: nested values, and the words that name the place of each."""

    name: str
    """The source as a whole, in a message."""
    values: dict[str, Any] = field(default_factory=dict)
    leaves: dict[Place, str] = field(default_factory=dict)
    """Words for the place of each value."""
    parts: dict[Place, str] = field(default_factory=dict)
    """Words for the place of headers and of elements of lists, where they have one of their own."""

    def put(self, path: Place, value: Any, place: str) -> None:
        """Set one leaf; a table that a name inside it is put into keeps its other names."""
        table = self.keep(path[:-1])
        table[str(path[-1])] = value
        self.leaves[path] = place

    def keep(self, path: Place) -> dict[str, Any]:
        """The table at ``path``, made where there is none yet."""
        table = self.values
        for name in path:
            inner = table.get(str(name))
            if not isinstance(inner, dict):
                inner = table[str(name)] = {}
            table = inner
        return table

    def place_of(self, path: Place) -> str | None:
        """The words for ``path`` itself, the leaf around it, or something below it; None if nothing is."""
        if path in self.parts:
            return self.parts[path]
        for end in range(len(path), 0, -1):
            if path[:end] in self.leaves:
                return self.leaves[path[:end]]
        return next((place for leaf, place in self.leaves.items() if leaf[: len(path)] == path), None)


class _LayerSource(PydanticBaseSettingsSource):
    """Hands a layer that was read before to pydantic-settings."""

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return dict(self._values)


class _Layered(BaseSettings):
    """Takes its layers from the caller (``layers``, strongest first) and looks nowhere else."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """One source a layer; the environment is one of them, read where its faults can be named."""
        assert isinstance(init_settings, InitSettingsSource)
        return tuple(_LayerSource(settings_cls, values) for values in init_settings.init_kwargs["layers"])


@cache
def _merging(model: type[BaseModel]) -> type[BaseSettings]:
    return type(f"Layered{model.__name__}", (_Layered, model), {"__module__": __name__})


def merged(model: type[ModelT], layers: Sequence[Layer]) -> ModelT:
    """The model with the values of ``layers`` (strongest last) over its defaults.

    :raises pydantic.ValidationError: with every value that does not fit
    """
    settings = _merging(model)(layers=tuple(layer.values for layer in reversed(layers)))
    return model(**{name: getattr(settings, name) for name in model.model_fields})
