"""While the exchange takes no requests: why nothing is sent, as a reason like any other."""

from collections.abc import Sequence
from typing import Final

from gridbot_tui.control.snapshot import LinkView
from gridbot_tui.engine.blockers import Blocker
from gridbot_tui.service.venues.links_view import REQUESTS
from gridbot_tui.units import Ms

REQUESTS_SHUT: Final = "requests_shut"


class ShutRequests:
    """The one blocker that is none of the engine's, which hears of no request that waits; remembers since when."""

    def __init__(self) -> None:
        self._since: Ms | None = None

    def blocker(self, links: Sequence[LinkView], now: Ms) -> Blocker | None:
        """As the link of the requests is now; None while they are taken."""
        shut = next((one.detail for one in links if one.name == REQUESTS and not one.up), None)
        self._since = None if shut is None else self._since or now
        if shut is None or self._since is None:
            return None
        return Blocker(REQUESTS_SHUT, "", self._since, shut.partition("; ")[0], "when the exchange takes them again")
