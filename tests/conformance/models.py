"""Whether an answer of Binance's own SDK fits its model: nothing left over, nothing missing."""

from typing import Any


def misfits(value: Any, optional: frozenset[str] = frozenset(), path: str = "") -> list[str]:
    """Paths of fields that the model does not know, and of those it has and nobody sent.

    Args:
        value: a model of the SDK, or a list or dict of them.
        optional: names of fields that need not be sent.
        path: where in the answer this is.
    """
    from pydantic import BaseModel

    if isinstance(value, list):
        return [found for n, item in enumerate(value) for found in misfits(item, optional, f"{path}[{n}]")]
    if isinstance(value, dict):
        return [found for name, item in value.items() for found in misfits(item, optional, f"{path}.{name}")]
    if not isinstance(value, BaseModel):
        return []
    if "actual_instance" in type(value).model_fields:  # one of several models
        return misfits(getattr(value, "actual_instance"), optional, path)  # noqa: B009 (no static attribute)
    found = [f"{path}.{name} is unknown" for name in getattr(value, "additional_properties", None) or {}]
    for name, field in type(value).model_fields.items():
        if name == "additional_properties":
            continue
        alias = field.alias or name
        item = getattr(value, name)
        if item is None:
            if alias not in optional:
                found.append(f"{path}.{alias} is missing")
        else:
            found += misfits(item, optional, f"{path}.{alias}")
    return found
