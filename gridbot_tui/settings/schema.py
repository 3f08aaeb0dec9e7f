"""The config as a JSON schema, for editors that check TOML while it is written."""

from typing import Any

from gridbot_tui.settings.model import Settings


def json_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of the config file; ``unit`` and ``applies`` stand beside the standard words."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}
