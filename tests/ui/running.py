"""The app on fixed pictures: no bot, no socket, no clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual import _wait
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation
from textual.pilot import Pilot

from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.command import CommandKind, CommandOutcome
from gridbot_tui.control.errors import ControlError
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.ui.app import Ended, GridApp, Look
from gridbot_tui.ui.pane import RowPane
from gridbot_tui.ui.picture import Line, Picture

# Textual's pilot takes a processor that rests for 20 ms for the end of its work; ``settled`` asks the widgets.
_wait.SLEEP_GRANULARITY = 1 / 500
_wait.SLEEP_IDLE = 1 / 1000

_PARSED: dict[tuple[object, ...], list[RuleSet]] = {}
_parse = Stylesheet._parse_rules


def _parsed_once(
    sheet: Stylesheet,
    css: str,
    read_from: CSSLocation,
    is_default_rules: bool = False,
    tie_breaker: int = 0,
    scope: str = "",
) -> list[RuleSet]:
    """Each app of the suite has the same styles, which take longer to parse than many a test to do what it is about."""
    key = (css, read_from, is_default_rules, tie_breaker, scope, frozenset(sheet._variables.items()))
    if key not in _PARSED:
        _PARSED[key] = _parse(sheet, css, read_from, is_default_rules, tie_breaker, scope)
    return _PARSED[key]


Stylesheet._parse_rules = _parsed_once  # type: ignore[assignment, method-assign]


class FakeLink:
    """Takes orders and remembers them."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, dict[str, str]]] = []
        self.answer: CommandOutcome | ControlError | None = CommandOutcome("1", True, "done")
        self.asked = 0
        self.taken = 0
        self.hold: asyncio.Event | None = None

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing to close."""

    async def command(
        self,
        kind: CommandKind,
        args: dict[str, str] | None = None,
        *,
        base_version: int | None = None,
        within: float = 0,
    ) -> CommandOutcome | None:
        self.orders.append((kind.value, dict(args or {})))
        if self.hold is not None:
            await self.hold.wait()
        if isinstance(self.answer, ControlError):
            raise self.answer
        return self.answer

    async def ask_control(self) -> None:
        self.asked += 1

    async def take_control(self) -> None:
        self.taken += 1


class Ticker:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


async def never() -> ControlClient:
    """A door that stays shut."""
    await asyncio.Event().wait()
    raise AssertionError


def an_app(
    snapshot: Snapshot | None,
    *,
    look: Look | None = None,
    controls: bool = True,
    read_only: bool = False,
    attached: bool = True,
) -> GridApp:
    """An app that has received this snapshot and nothing else."""
    picture = Picture(monotonic=Ticker())
    app = GridApp(never, look=look or Look(), picture=picture, read_only=read_only, attached=attached)
    app.link = FakeLink()  # type: ignore[assignment]
    if snapshot is not None:
        picture.receive(snapshot)
        picture.line = Line.UP
        picture.controls = controls and not read_only
    return app


@asynccontextmanager
async def shown(app: GridApp, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[Ended]]:
    """The app at this size, painted once."""
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield pilot


async def press(pilot: Pilot[Ended], *keys: str) -> None:
    """Press them, and wait until all that comes of them is painted."""
    await pilot.press(*keys)
    await settled(pilot)


async def settled(pilot: Pilot[Ended]) -> None:
    """Layout done, everything painted: every widget has handled what was sent to it, and what that sent."""
    await drained(pilot)
    flush(pilot)
    await drained(pilot)


async def drained(pilot: Pilot[Ended]) -> None:
    """Nothing is left to do, three looks in a row; Textual's own pause waits for a processor at rest instead."""
    calm = 0
    async with asyncio.timeout(60):
        while calm < 3:
            await pilot.pause(0.001)
            calm = calm + 1 if at_rest(pilot.app) else 0


def at_rest(app: App[Ended]) -> bool:
    """True where no widget has a message or a callback before it, and the screen is painted at the last size."""
    if app._exit or not app.is_running:
        return True
    screen = app.screen
    if app._resize_event is not None or screen.size != app.size or screen._callbacks:
        return False
    if screen._layout_required or screen._repaint_required or screen._dirty_widgets:
        return False
    return all(
        node._message_queue.empty() and not node._next_callbacks
        for node in (app, *screen.walk_children(with_self=True))
    )


def flush(pilot: Pilot[Ended]) -> None:
    """What the timer does."""
    assert isinstance(pilot.app, GridApp)
    pilot.app.flush()


def link_of(app: GridApp) -> FakeLink:
    """The link as what it is here."""
    assert isinstance(app.link, FakeLink)
    return app.link


def screen_text(app: GridApp) -> str:
    """Everything that can be seen on the top screen, as text."""
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def pane_text(app: GridApp, selector: str) -> str:
    """One pane as text."""
    return "\n".join(app.screen.query_one(selector, RowPane).plain())
