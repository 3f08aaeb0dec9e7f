"""The app's line to the bot: reads snapshots and news into the picture, gives orders, connects again.

The same code serves the bot in this process (over a socket pair) and one attached to: a ``Door`` opens
either.
"""

import asyncio
from collections.abc import Awaitable, Callable

from gridbot_tui.control.client import ControlClient, News
from gridbot_tui.control.command import CommandKind, CommandOutcome
from gridbot_tui.control.errors import ConnectionLost, ControlError, NotRunning, ProtocolError, Refused
from gridbot_tui.control.messages import Announcement, ControlAsked, ControlChanged, Refusal
from gridbot_tui.ui.picture import Line, Picture

Door = Callable[[], Awaitable[ControlClient]]
"""Opens a connection to the bot; raises ControlError."""
Told = Callable[[str, str], None]
"""(level, sentence) to be shown to the operator."""
Asked = Callable[[ControlAsked], None]

RETRY_S = (0.5, 1.0, 2.0, 5.0)
HERE_S = 0.05
"""Until a bot of this process is asked again: when it has ended, the app is not to wait for it."""


class Link:
    """Owns the connection. ``run`` is the one task; it ends with the app, or with the bot of this process."""

    def __init__(
        self,
        door: Door,
        picture: Picture,
        tell: Told,
        asked: Asked,
        *,
        again: bool = True,
        first: Callable[[], None] = lambda: None,
    ) -> None:
        """``again``: a bot that does not run may come back, as another process."""
        self._door = door
        self._picture = picture
        self._tell = tell
        self._asked = asked
        self._again = again
        self._first = first
        """Called with the first snapshot of a connection: it is not to wait for the next flush."""
        self._client: ControlClient | None = None
        self._in_flight: set[str] = set()

    async def run(self) -> None:
        """Stay connected for as long as there may be a bot: one in this process drops who reads nothing, too."""
        tries = 0
        while True:
            try:
                client = await self._door()
            except ControlError as error:
                self._lost(str(error))
                if not self._again and isinstance(error, NotRunning):
                    self._picture.gone = True
                    return
            else:
                tries = 0
                await self._serve(client)
            await asyncio.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)] if self._again or tries else HERE_S)
            tries += 1

    async def close(self) -> None:
        """Hang up."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def command(
        self,
        kind: CommandKind,
        args: dict[str, str] | None = None,
        *,
        base_version: int | None = None,
        within: float = 120.0,
    ) -> CommandOutcome | None:
        """Give an order and wait for its outcome. None: the same order is still under way, nothing was sent.

        Raises ControlError in words for the operator.
        """
        client = self._client
        if client is None:
            raise NotRunning("there is no connection to the bot: nothing was sent")
        # One of a kind for a symbol at a time: a key that repeats over a slow line orders once.
        key = f"{kind.value} {sorted((args or {}).items())}"
        if key in self._in_flight:
            return None
        self._in_flight.add(key)
        try:
            return await client.command(kind, args, base_version=base_version, within=within)
        finally:
            self._in_flight.discard(key)

    @property
    def busy(self) -> bool:
        """True while an order is under way."""
        return bool(self._in_flight)

    async def ask_control(self) -> None:
        """Ask to give orders; the answer comes as news. Raises ControlError."""
        if self._client is None:
            raise NotRunning("there is no connection to the bot: nobody was asked")
        await self._client.ask_control()

    async def take_control(self) -> None:
        """Confirm the take-over asked for."""
        if self._client is not None:
            await self._client.take_control()

    # -- inside -----------------------------------------------------------------------------------------------

    async def _serve(self, client: ControlClient) -> None:
        self._client = client
        self._picture.controls = client.controls
        news = asyncio.create_task(self._read_news(client), name="ui news")
        try:
            if not self._picture.read_only:
                # Before the first snapshot: an order key is not to be inert on a screen that shows a ladder.
                await client.ask_control(if_free=True)
            first = True
            async for snapshot in client.snapshots():
                self._picture.line, self._picture.line_detail = Line.UP, ""
                self._picture.receive(snapshot)
                if first:
                    self._first()
                first = False
        except (ConnectionLost, ProtocolError, Refused) as error:
            self._lost(str(error))
        finally:
            self._client = None
            self._picture.controls = False
            news.cancel()
            await asyncio.wait([news])
            await client.close()

    async def _read_news(self, client: ControlClient) -> None:
        try:
            async for item in client.news():
                self._take(item)
        except ControlError:
            return  # the reader of snapshots says so

    def _take(self, item: News) -> None:
        if isinstance(item, ControlChanged):
            before, self._picture.controls = self._picture.controls, item.yours
            if item.yours and not before:
                self._tell("note", "this terminal controls the bot")
            elif before and not item.yours:
                self._tell("warning", f"{item.controller or 'nobody'} controls the bot now; this terminal only reads")
        elif isinstance(item, ControlAsked):
            self._asked(item)
        elif isinstance(item, Announcement):
            what = "ordered" if item.ok else "was refused"
            self._tell("info", f"{item.peer} {what}: {item.kind}{f' ({item.text})' if item.text else ''}")
        elif isinstance(item, Refusal):
            self._tell("error", item.text)

    def _lost(self, why: str) -> None:
        self._picture.line, self._picture.line_detail = Line.LOST, why
