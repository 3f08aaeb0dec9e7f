"""The pages of the app: one row each. Keys, palette, help and loading are made from this table."""

from typing import Final, NamedTuple


class PageSpec(NamedTuple):
    """One page: a full screen beside the dashboard, loaded when first opened."""

    name: str
    key: str
    label: str
    help: str
    where: str
    """``module:Class`` of a ``screens.page.Page``."""
    shown: bool = False
    """In the key line, where there is room."""


PAGES: Final[tuple[PageSpec, ...]] = (
    PageSpec("whatif", "x", "what-if", "If every level fills", "gridbot_tui.ui.screens.whatif:WhatIfPage", True),
    PageSpec("why", "w", "why", "Why something is not done", "gridbot_tui.ui.screens.why:WhyPage", True),
    PageSpec(
        "portfolio",
        "a",
        "all symbols",
        "All symbols: sort, filter, open one",
        "gridbot_tui.ui.screens.portfolio:PortfolioPage",
    ),
    PageSpec("orders", "o", "orders", "Orders that stand, and the fills", "gridbot_tui.ui.screens.orders:OrdersPage"),
    PageSpec(
        "decisions",
        "d",
        "decisions",
        "What was known, what was decided, which rule",
        "gridbot_tui.ui.screens.decisions:DecisionsPage",
    ),
    PageSpec(
        "learning",
        "L",
        "learning",
        "What was learned: timeline, evidence, freeze, reset, roll back",
        "gridbot_tui.ui.screens.learning:LearningPage",
    ),
    PageSpec("log", "l", "log", "Everything that happened: filter, search", "gridbot_tui.ui.screens.log:LogPage"),
    PageSpec(
        "connections",
        "c",
        "connections",
        "Ages, reconnects, latency, request budget",
        "gridbot_tui.ui.screens.connections:ConnectionsPage",
    ),
    PageSpec(
        "config", "", "config", "The config in force; edit and apply it", "gridbot_tui.ui.screens.config:ConfigPage"
    ),
    PageSpec("help", "question_mark", "help", "All keys", "gridbot_tui.ui.screens.help:HelpPage", True),
)
BY_NAME: Final = {page.name: page for page in PAGES}
