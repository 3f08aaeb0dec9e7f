"""Fields that take keys in the order they were typed.

A letter reaches a field directly, but a key that is bound (backspace, end, delete) is carried out only once it has
bubbled through every queue above. Typed by hand nobody notices; where a slow line brings a burst of keys at once
the letters overtake, and `⌫⌫⌫0.8` deletes what it has just written.
"""

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, TextArea


def actions_of(bindings: Iterable[BindingType]) -> dict[str, str]:
    """Key to action."""
    found: dict[str, str] = {}
    for one in bindings:
        keys, action = (one.key, one.action) if isinstance(one, Binding) else (one[0], one[1])
        found.update({key.strip(): action for key in keys.split(",")})
    return found


async def in_order(field: Widget, own: dict[str, str], event: events.Key) -> None:
    """Carry out a field's own bound key before its own handler sees it, and before the key bubbles."""
    action = own.get(event.key)
    if action is None:
        return
    event.stop()
    event.prevent_default()
    await field.run_action(action)


class Field(Input):
    """A line to type into."""

    OWN_KEYS: ClassVar[dict[str, str]] = actions_of(Input.BINDINGS)

    async def on_key(self, event: events.Key) -> None:
        """At once, in order."""
        await in_order(self, self.OWN_KEYS, event)


class Area(TextArea):
    """A text to type into."""

    OWN_KEYS: ClassVar[dict[str, str]] = actions_of(TextArea.BINDINGS)

    async def on_key(self, event: events.Key) -> None:
        """At once, in order."""
        await in_order(self, self.OWN_KEYS, event)
