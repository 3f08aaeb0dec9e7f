"""What the dead-man switch looks at: whether decisions are fresh, and whose orders rest."""

from typing import Final

from gridbot_tui.service.books.journal import Journal
from gridbot_tui.service.books.telling import Level
from gridbot_tui.service.bot import Bot
from gridbot_tui.units import Ms, Symbol

FRESH: Final[Ms] = 30_000
"""Prices older than this are no ground to keep orders standing; a reconnect takes less."""


class Watch:
    """See ``dead_man.Watched``."""

    def __init__(self, bot: Bot, journal: Journal) -> None:
        self._bot = bot
        self._journal = journal

    def fresh(self, symbol: Symbol) -> bool:
        """Recovered, the account heard, and a price of the last seconds."""
        desk = self._bot.engine.desk
        heard = all(up for source, (up, _, _) in desk.links.items() if source == "account")
        state = desk.symbols[symbol]
        return self._bot.recovered and heard and desk.now - state.mark_at <= FRESH

    def shared(self, symbol: Symbol) -> bool:
        """Whether an order that is not the bot's rests there."""
        return any(order.symbol == symbol for order in self._bot.engine.desk.foreign_orders.values())

    def say(self, level: Level, text: str) -> None:
        """Tell the operator."""
        self._journal.report(self._bot.engine.now, level, "dead_man", text)

    def doubt(self) -> None:
        """Compare with the exchange."""
        self._bot.reconcile(self._bot.engine.now)
