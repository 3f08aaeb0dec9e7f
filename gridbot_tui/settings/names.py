"""Names of keys: how they are written, which may never stand in a config, and which one was meant."""

import difflib
import re
from collections.abc import Iterable
from typing import Final

from pydantic import BaseModel

from gridbot_tui.settings import fields
from gridbot_tui.settings.lines import Place
from gridbot_tui.settings.problems import Problem


def dotted(path: Place) -> str:
    """``bot.symbols[1]``: a path as an operator writes it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


_SECRET: Final = re.compile(
    r"(^|_)(api_?keys?|key_?id|secrets?|secret_?key|passwords?|passwd|passphrase|tokens?|private_?key|credentials?)($|_)"
)


def is_secret(name: str) -> bool:
    """Whether a key of this name would hold a credential."""
    return _SECRET.search(re.sub(r"[^a-z0-9]+", "_", name.lower())) is not None


def secret_text(name: str) -> str:
    """The sentence for a credential in the config."""
    return (
        f"{name} does not belong in a config: keys live in the system keyring, 'gridbot credentials set' "
        "puts them there; take it out, and replace the key on Binance if this was a real one"
    )


def nearest_text(name: str, candidates: Iterable[str]) -> str:
    """A hint at the candidate most like ``name`` as a whole, else by its last part; empty if none is."""
    known = list(candidates)
    last = name.rpartition(".")[2]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not close:
        by_last = {candidate.rpartition(".")[2]: candidate for candidate in reversed(known)}
        close = [by_last[found] for found in difflib.get_close_matches(last, by_last, n=1, cutoff=0.75)]
    return f"; the nearest valid key is {close[0]}" if close else ""


_GONE: Final = {
    "risk.symbol_stop_loss": "nothing read it; strategy.leverage.stop_drawdown is what sets a symbol's stop",
    "risk.symbol_stop_volatility": "nothing read it; strategy.leverage.stop_volatility is what sets a symbol's stop",
}
"""Keys of older versions, and what came of them."""


def unknown(model: type[BaseModel], path: Place, where: str) -> Problem:
    """The problem of a key that the model does not have, with the nearest one that it has."""
    name = dotted(path)
    if name in _GONE:
        return Problem(where, name, f"{name} is no key of gridbot any more: {_GONE[name]}; take the line out")
    patterns = [key.path for key in fields.keys_by_path(model).values()]
    known = [_with_names_of(path, pattern) for pattern in patterns if _comparable(path, pattern)]
    if len(path) == 1:
        known = [*model.model_fields, *known]
    shown = name if len(name) <= 80 and name.isprintable() else "a name of no use"
    return Problem(where, shown, f"{shown} is not a key of gridbot{nearest_text(name, known)}")


def _comparable(path: Place, pattern: fields.Path) -> bool:
    """False for a key with the operator's own names where the path has no place for them."""
    return fields.ANY not in pattern or path[0] == pattern[0] or len(path) == len(pattern)


def _with_names_of(path: Place, pattern: fields.Path) -> str:
    """A key's dotted pattern with the operator's own names, such as a symbol's, in their places."""
    parts = [str(path[i]) if part == fields.ANY and i < len(path) else part for i, part in enumerate(pattern)]
    return ".".join(parts)
