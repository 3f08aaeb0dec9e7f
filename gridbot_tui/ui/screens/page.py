"""What every page has: header, banner, key line, and the page for terminals that are too small."""

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.screen import Screen

from gridbot_tui.ui.pane import RowPane
from gridbot_tui.ui.panes.banner import Banner, banner
from gridbot_tui.ui.panes.frame import KeyLine, TooSmall
from gridbot_tui.ui.panes.header import Header
from gridbot_tui.ui.picture import Picture
from gridbot_tui.units import Symbol

if TYPE_CHECKING:
    from gridbot_tui.ui.app import GridApp


class Page(Screen[None]):
    """A full screen. Subclasses yield their widgets from ``body``; each ``RowPane`` in it is flushed."""

    AUTO_FOCUS: ClassVar[str | None] = None
    NAME = ""
    """Name in the table of pages."""
    PANES: ClassVar[tuple[type[RowPane], ...]] = ()
    """What the keys from 1 on go to; pages with one pane have nothing to do."""

    def compose(self) -> ComposeResult:
        """Header, banner, body, keys."""
        yield Header()
        yield Banner()
        yield from self.body()
        yield TooSmall()
        yield KeyLine()

    def body(self) -> ComposeResult:
        """The widgets between header and key line."""
        raise NotImplementedError

    def flush(self, picture: Picture) -> None:
        """Bring everything that can be seen up to date."""
        loud = banner(picture) is not None and not (self.has_class("-tiny") or self.has_class("-flat"))
        for line in self.query(Banner):  # none yet, or none any more, at the edges of a page's life
            line.display = loud
        for pane in self.query(RowPane):
            pane.flush(picture)

    def on_screen_resume(self) -> None:
        """Shown again: up to date at once."""
        self.call_after_refresh(self._catch_up)

    def _catch_up(self) -> None:
        picture = getattr(self.app, "picture", None)
        if isinstance(picture, Picture):
            self.flush(picture)

    @property
    def _grid(self) -> "GridApp":
        from gridbot_tui.ui.app import GridApp

        assert isinstance(self.app, GridApp)
        return self.app

    def meant(self, picture: Picture) -> Symbol:
        """The symbol that an order given on this page is about: the shown one."""
        return picture.symbol

    def jump(self, number: int) -> None:
        """Go to the pane of this number (1-8)."""
        if 1 <= number <= len(self.PANES):
            self.query_one(self.PANES[number - 1]).focus()
