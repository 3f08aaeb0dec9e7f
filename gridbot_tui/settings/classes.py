"""When a changed key takes effect.

What needs a flat book or a restart is never applied to a running bot in part.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final


class Applies(StrEnum):
    """The classes of keys, from the lightest to the heaviest."""

    NOW = "now"
    """At once."""
    NEXT_DECISION = "next_decision"
    """With the next closed decision bar."""
    FLAT = "flat"
    """Only while the bot holds no position and no lot."""
    RESTART = "restart"
    """Only by stopping the bot and starting it again."""


WORDS: Final[Mapping[Applies, str]] = {
    Applies.NOW: "at once",
    Applies.NEXT_DECISION: "at the next decision",
    Applies.FLAT: "on a flat book",
    Applies.RESTART: "after a restart",
}

_SECTIONS: Final[Mapping[str, Applies]] = {
    "bot": Applies.RESTART,
    "symbols": Applies.NEXT_DECISION,
    "strategy": Applies.NEXT_DECISION,
    "ladder": Applies.NEXT_DECISION,
    "orders": Applies.NOW,
    "risk": Applies.NOW,
    "market": Applies.RESTART,
    "exchange": Applies.RESTART,
    "safety": Applies.RESTART,
    "simulation": Applies.RESTART,
    "store": Applies.NOW,
    "logs": Applies.NOW,
    "alerts": Applies.NOW,
    "metrics": Applies.NOW,
    "ui": Applies.NOW,
    "service": Applies.RESTART,
}
"""The class of a key whose own field says nothing, by its section."""

_KEYS: Final[Mapping[tuple[str, ...], Applies]] = {
    # A lot of a plain grid belongs to a level, one of the adaptive ladder to its entry price: neither can
    # exit by the other's rule.
    ("ladder", "kind"): Applies.FLAT,
    ("symbols", "*", "ladder", "kind"): Applies.FLAT,
    # The exchange's own ceiling, set once a symbol when the bot starts.
    ("risk", "leverage_hard"): Applies.RESTART,
}
"""Single keys that differ from their section, where the room's params should not know of reloads."""


def class_of(path: Sequence[str | int], extras: Sequence[Any]) -> Applies:
    """The class of the key at ``path`` (``*`` for a symbol); ``extras``: what the fields on its way say.

    The ``applies`` nearest to the key decides, then this module's exceptions, then the section.
    """
    for extra in reversed(extras):
        if isinstance(extra, dict) and "applies" in extra:
            return Applies(extra["applies"])
    known = _KEYS.get(tuple(str(part) for part in path))
    return known if known is not None else _SECTIONS.get(str(path[0]), Applies.RESTART)
