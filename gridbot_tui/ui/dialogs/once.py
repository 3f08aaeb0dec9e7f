"""Screens over a page that close once, however fast keys come."""

from typing import Any

from textual.await_complete import AwaitComplete
from textual.screen import Screen


class Once(Screen[Any]):
    """Closes when it is on top, and so once. A key that was behind the closing one still arrives here: Textual
    (8.2.8) would call back a second time, and close whatever is on top by then."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close with this result, unless something else is on top."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

