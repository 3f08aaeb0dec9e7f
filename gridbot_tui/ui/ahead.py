"""Keys that come before a page is there, or after the app has gone, as a mixin of the app."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual import events
from textual.actions import ActionParseResult
from textual.dom import DOMNode

from gridbot_tui.ui.screens.page import Page

if TYPE_CHECKING:
    from textual.app import App

    Base = App[Any]
else:
    Base = object


class TypedAhead(Base):
    """What is typed over a slow line comes in bursts: it is carried out in order, or not at all."""

    async def on_event(self, event: events.Event) -> None:
        """Nothing that is typed, pasted or moved counts once the app leaves: there may be no screen left to take it."""
        if self._exit and isinstance(event, (events.InputEvent, events.Paste, events.Resize)):
            return
        await super().on_event(event)

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Carry out an action; one for a page that has only just been opened waits for its widgets."""
        page = self.screen
        if isinstance(page, Page) and not page.is_mounted:
            _ = page.call_later(self.call_later, self.run_action, action, default_namespace, namespaces)
            return True
        return await super().run_action(action, default_namespace, namespaces)
