"""The bot's line to the World, as the campaign lays it: every request is judged, some are answered falsely."""

from collections.abc import Callable

from gridbot_tui.engine.events import OrderReport, Outcome
from gridbot_tui.exchange.port import Cancel, Place, Query, Reply, Request
from gridbot_tui.exchange.simulated.refusals import UNKNOWN_ORDER, Refusal
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.research.simulation.trouble import Trouble
from gridbot_tui.units import Symbol

ANSWER_AFTER = 40


class Line:
    """The ``Port`` of every life of the bot."""

    def __init__(self, world: World, trouble: Trouble, sent: Callable[[Request], None]) -> None:
        self._world = world
        self._trouble = trouble
        self._sent = sent

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """Instruments of the traded symbols."""
        return self._world.instruments

    def send(self, request: Request) -> None:
        """Let the judge see a request, then pass it on or refuse it."""
        self._sent(request)
        refusal = self._trouble.refusal(request, self._world.now)
        if refusal is None:
            self._world.send(request)
            return
        answer = self._answer(request, refusal)
        if answer is not None:
            self._world.timer(self._world.now + ANSWER_AFTER, answer)

    def _answer(self, request: Request, refusal: Refusal) -> OrderReport | Reply | None:
        at = self._world.now
        code, detail = refusal.code, refusal.detail
        if isinstance(request, Query):
            return Reply(request.request_id, at, error=f"{code}: {detail}")
        if isinstance(request, Place):
            order = request.order
            return OrderReport(at, order.symbol, order.client_id, Outcome.REFUSED, code=code, detail=detail)
        if isinstance(request, Cancel):
            outcome = Outcome.CANCEL_REFUSED if refusal is UNKNOWN_ORDER else Outcome.CANCEL_UNRESOLVED
            return OrderReport(at, request.symbol, request.client_id, outcome, code=code, detail=detail)
        return None
