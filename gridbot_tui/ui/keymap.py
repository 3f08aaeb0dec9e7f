"""What is wrong with the operator's own keys, in words: Textual takes any, and says nothing of one that never comes."""

import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key

from gridbot_tui.ui.actions import ACTIONS, BY_ID

MODIFIERS: Final = ("ctrl", "shift", "alt", "super", "hyper", "meta")
_NAMED: Final = frozenset({*(key.value for key in Keys), *KEY_NAME_REPLACEMENTS.values()})


def objections(keymap: Mapping[str, str]) -> list[str]:
    """One sentence for each entry that does not do what it seems to."""
    found = []
    for name, text in keymap.items():
        if name not in BY_ID and "." not in name:  # those with a point are of pages that may not be loaded yet
            near = get_close_matches(name, BY_ID, 1, 0.6)
            found.append(f"{name} is no action" + (f"; the nearest is {near[0]}" if near else ""))
        elif not text.strip():
            found.append(f"{name} is given no key and keeps its own; the palette has every action without one")
        found += [f"{key} of {name} is no key" for key in keys_of(text) if not _is_key(key)]
    return [f"ui.keymap: {one}" for one in found] + _shared(keymap)


def keys_of(text: str) -> list[str]:
    """``p,space`` taken apart, characters by their names."""
    keys = [one.strip() for one in text.split(",")]
    return [_character_to_key(one) if len(one) == 1 else one for one in keys if one]


def _shared(keymap: Mapping[str, str]) -> list[str]:
    """Keys of several actions, of which only one gets them."""
    whose: dict[str, list[str]] = {}
    for one in ACTIONS:
        for key in keys_of(keymap.get(one.id) or one.key):
            whose.setdefault(key, []).append(one.id)
    return [
        f"ui.keymap: {key} is the key of {' and '.join(names)}: only one of them gets it"
        for key, names in whose.items()
        if len(names) > 1 and any(keymap.get(name) for name in names)
    ]


def _is_key(key: str) -> bool:
    *before, name = key.split("+")
    if any(one not in MODIFIERS for one in before):
        return False
    if len(name) == 1 or name in _NAMED:
        return True
    try:
        return bool(unicodedata.lookup(name.replace("_", " ")))
    except KeyError:
        return False
