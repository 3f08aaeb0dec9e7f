"""The config as a page of tables: docs/CONFIG.md."""

from typing import Final

from gridbot_tui.settings import fields
from gridbot_tui.settings.classes import WORDS, Applies
from gridbot_tui.settings.example import grouped
from gridbot_tui.settings.model import Settings

_HEAD: Final = """\
# Configuration

<!-- Written by `make docs` from the model in gridbot_tui/settings; a test compares. Do not edit by hand. -->

gridbot runs without any configuration. Every key has a default, a range and a reason; they stand below, and
`config.example.toml` is the same as a file to start from. API keys are no configuration: they live in the
system keyring (`gridbot credentials set`), and a key that looks like one is refused.

## Where a value comes from

Stronger sources last:

1. the default;
2. the file (`--config FILE`, else the profile's `config/config.toml`), TOML;
3. the environment: `GRIDBOT_` + section + `__` + key, as in `GRIDBOT_RISK__LEVERAGE_CAP=4` or
   `GRIDBOT_SYMBOLS__BTCUSDT__CAPITAL_SHARE=0.5`; lists as `BTCUSDT,ETHUSDT`;
4. the command line: `--set risk.leverage_cap=4`, and the options that stand for a key, such as `--mode`.

`gridbot config show` prints every value with its source, `gridbot config check` all that is wrong with a file
at once: file and line, what is allowed, and for an unknown key the nearest valid one. `gridbot config schema`
prints a JSON schema for editors.

## When a change takes effect

A running bot notices a changed file by itself; `gridbot reload` asks for it, `gridbot config diff` only
shows. An invalid edit changes nothing and says why. If one changed key needs a restart or a flat book,
nothing of the file is applied, and the bot says which key it was.

"""

_CLASSES: Final = {
    Applies.NOW: "taken up when the file is read",
    Applies.NEXT_DECISION: "with the next closed decision bar; the difference in orders is shown before",
    Applies.FLAT: "only while the bot holds no position and no lot",
    Applies.RESTART: "stop the bot and start it again",
}


def render() -> str:
    """The text of ``docs/CONFIG.md``."""
    parts = [_HEAD, "| class | meaning |\n|---|---|\n"]
    parts += [f"| {WORDS[kind]} | {meaning} |\n" for kind, meaning in _CLASSES.items()]
    for path, held in grouped().items():
        parts.append(_section(path, held))
    return "".join(parts)


def _section(path: fields.Path, held: list[fields.Key]) -> str:
    title = ".".join("SYMBOL" if part == fields.ANY else part for part in path)
    model, description = fields.sections(Settings)[path]
    text = " ".join((model.__doc__ or description).split())
    lines = [f"\n{'##' if len(path) == 1 else '###'} [{title}]\n\n{text}\n\n"]
    lines.append("| key | type | default | allowed | unit | changes | why |\n|---|---|---|---|---|---|---|\n")
    for key in held:
        default = "not set" if key.default is None else f"`{fields.shown(key.default)}`"
        name, applies = f"`{key.path[-1]}`", WORDS[key.applies]
        cells = (name, key.type, default, key.range, key.unit, applies, key.reason)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    if path[0] == "symbols":
        lines.append(f"\nUnder `[{title}.ladder]` any key of `[ladder]`; the others are as in `[ladder]`.\n")
    return "".join(lines)
