"""The example config: every key with its default and its reason.

What the repository shows and ``gridbot init`` writes.
"""

import textwrap
from typing import Final

from gridbot_tui.settings import fields
from gridbot_tui.settings.classes import WORDS
from gridbot_tui.settings.model import Settings

_WIDTH: Final = 110
_RULE: Final = "# " + "-" * (_WIDTH - 2)
_SYMBOL: Final = "BTCUSDT"

_HEAD: Final = """\
gridbot's configuration, complete: every key stands here with its default. A key may be left out; an empty
file is valid. Unknown keys and values out of range are refused with their line.

Stronger than this file: an environment variable such as GRIDBOT_RISK__LEVERAGE_CAP=4, and stronger still the
command line: --set risk.leverage_cap=4. A running bot takes up a changed file at once (gridbot reload says
what would change); if one changed key needs a restart or a flat book, nothing of the file is applied.
docs/CONFIG.md has the same as tables.

API keys never stand here: 'gridbot credentials set' puts them into the system keyring.
"""

_INSTEAD_OF_NONE: Final = {
    "capital": "10000",
    "capital_share": "0.25",
    "stop_beyond": "0.05",
    "take_profit_beyond": "0.05",
    "lower": "50000",
    "upper": "70000",
    "stop": "48000",
    "stop_above": "72000",
    "take_profit": "72000",
    "trail_up_to": "80000",
    "trail_down_to": "45000",
    "exchange_info": '"exchangeInfo.json"',
    "leverage_brackets": '"leverageBracket.json"',
}
"""What the commented line of a key without a default shows."""


def render() -> str:
    """The text of ``config.example.toml``: valid, and equal to the defaults."""
    parts = ["".join(_comment(paragraph) + "#\n" for paragraph in _HEAD.split("\n\n")).removesuffix("#\n")]
    for path, held in grouped().items():
        parts.append(_section(path, held))
    return "\n".join(parts)


def grouped() -> dict[fields.Path, list[fields.Key]]:
    """The keys by their table, in the order of the model; without a symbol's ladder, which is as [ladder]."""
    groups: dict[fields.Path, list[fields.Key]] = {}
    for key in fields.keys(Settings):
        if key.path[:3] != ("symbols", fields.ANY, "ladder"):
            groups.setdefault(key.path[:-1], []).append(key)
    return groups


def _section(path: fields.Path, held: list[fields.Key]) -> str:
    named = fields.ANY in path
    off = "# " if named else ""
    title = ".".join(_SYMBOL if part == fields.ANY else part for part in path)
    model, description = fields.sections(Settings)[path]
    text = " ".join((model.__doc__ or description).split())
    lines = [f"{_RULE}\n" if len(path) == 1 else "", _comment(text), f"{off}[{title}]\n"]
    for key in held:
        lines += [
            "\n" if not named else "#\n",
            _comment(key.reason),
            _comment(facts(key)),
            _assignment(key, off),
        ]
    if path[0] == "symbols":
        lines += [
            "#\n",
            _comment(
                f"Any key of [ladder] for this symbol alone, such as ladder.kind or [{title}.ladder.plain]."
            ),
        ]
    return "".join(lines)


def _assignment(key: fields.Key, off: str) -> str:
    name = key.path[-1]
    if key.default is None:
        return f"# {name} = {_INSTEAD_OF_NONE.get(name, '')}".rstrip() + "\n"
    return f"{off}{name} = {fields.shown(key.default)}\n"


def facts(key: fields.Key) -> str:
    """Type, range, unit and class in a line."""
    allowed = f": {key.range}" if key.range else ""
    unit = f" {key.unit}" if key.unit else ""
    return f"({key.type}{allowed}{unit}; changes {WORDS[key.applies]})"


def _comment(text: str) -> str:
    lines = textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)
