"""One run follows another in the same process: what the exchange has changed of its symbols is taken up.

A run counts in the ticks and steps, and goes by the limits and margin brackets, that it took in as it began. Where
they have changed, the exchange is opened a second time beside the run that trades, and a copy of the engine is put into
what is listed now. Where nothing speaks against it the run ends without touching an order, as at a handover, and the
next one recovers from its books. Orders rest meanwhile, stops too; the profile stays locked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.service.venues.venue import Venue

Open = Callable[[], Awaitable[Venue]]
LOOK_S: Final = 1.0
PATIENCE_S: Final = 60.0
"""So long a command that is under way is waited for: whoever gave it loses the line to this run."""
KEPT: Final = "what Binance has changed is not taken up, and the bot goes by what was before: "


class Renewal:
    """Opens a venue for the next run and tells this one to leave. ``run`` ends by being cancelled."""

    def __init__(
        self,
        again: Open | None,
        objection: Callable[[Venue], str],
        may_leave: Callable[[bool], bool],
        leave: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """``again``: opens another venue; None: no run follows this one. ``objection``: why none can go on with it, ""
        where one can. ``may_leave``: whether nothing is under way that this run has to end itself; where it is
        pressing, but for commands."""
        self._open = again
        self._objection = objection
        self._may_leave = may_leave
        self._leave = leave
        self._say = say
        self._wanted = asyncio.Event()
        self._said = ""
        self.venue: Venue | None = None
        """Open, looked over and silent: the next run's."""

    def want(self) -> None:
        """Something is not as this run has taken it in."""
        if self._open is not None:
            self._wanted.set()

    async def run(self) -> None:
        """Begin anew when that is wanted and nothing speaks against it."""
        while self.venue is None:
            await self._wanted.wait()
            assert self._open is not None
            self._wanted.clear()
            try:
                why = await self._prepared(self._open)
            except RunRefused as refused:
                why = str(refused)
            except Exception as error:  # noqa: BLE001 - beside a run that trades: whatever fails here must not end it
                why = f"a defect of gridbot ({type(error).__name__}: {error})"
            if why:
                self._keep(why)
        self._leave()
        await asyncio.Event().wait()  # the run ends, and this with it

    def take(self) -> Venue | None:
        """What was opened, once."""
        venue, self.venue = self.venue, None
        return venue

    async def _prepared(self, again: Open) -> str:
        """Have the next run's venue, and be at a moment to leave; why not, in words."""
        venue = await again()
        try:
            if why := self._objection(venue):
                return why
            await self._moment()
            self.venue = venue
        finally:
            if self.venue is None:
                await venue.close()
        return ""

    async def _moment(self) -> None:
        """Until the run may leave."""
        now = asyncio.get_running_loop().time
        until = now() + PATIENCE_S
        while not self._may_leave(now() >= until):  # noqa: ASYNC110 - of many things, none of which tells
            await asyncio.sleep(LOOK_S)

    def _keep(self, why: str) -> None:
        if why != self._said:
            self._said = why
            self._say(KEPT + why)
