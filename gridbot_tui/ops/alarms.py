"""Which of all that is said is an alarm, what it is called, how grave it is, and whether it may mend itself first."""

from typing import Final, Literal

from msgspec import Struct

from gridbot_tui.engine.blockers import SEVERITY
from gridbot_tui.ops.params import AlarmName
from gridbot_tui.risk.breakers import RULES

AlarmLevel = Literal["info", "warning", "error"]
LEVELS: Final[dict[AlarmLevel, int]] = {"info": 0, "warning": 1, "error": 2}


class Kind(Struct, frozen=True):
    """One alarm: what raises it."""

    name: AlarmName
    level: AlarmLevel
    blockers: tuple[str, ...] = ()
    """It holds while one of these does, a symbol each."""
    events: tuple[str, ...] = ()
    """It happened when one of these was said."""
    settles: bool = False
    """Such a blocker often goes by itself: it is an alarm after ``alerts.disconnected_s``."""


_OWN: Final = ("store_unavailable", "link_down", "liquidation_near")
"""Codes of breakers that are alarms of their own."""

KINDS: Final = (
    Kind("kill", "error", blockers=("kill",)),
    Kind("halt", "error", blockers=("tier3", "absolute_drawdown")),
    Kind("stopped_out", "error", blockers=("stop_triggered",)),
    Kind("liquidation", "error", blockers=("liquidation_near",), events=("forced", "margin_call")),
    Kind("unprotected", "error", blockers=("unprotected",)),
    Kind("books", "error", blockers=("residual", "position_unknown"), events=("contradiction",)),
    Kind("second_bot", "error", blockers=("second_bot",)),
    Kind(
        "foreign",
        "warning",
        blockers=("foreign_position",),
        events=(
            "foreign_order",
            "foreign_fill",
            "external_fill",
            "cancelled_elsewhere",
            "changed_elsewhere",
            "settings_changed",
        ),
    ),
    Kind("disk", "error", blockers=("store_unavailable",), events=("not_written", "audit")),
    Kind("disconnected", "error", blockers=("link_down",), settles=True),
    Kind("disconnected", "warning", blockers=("requests_shut",), settles=True),
    Kind(
        "stale",
        "warning",
        blockers=("stale_mark", "mark_unknown", "equity_unknown", "no_data", "unresolved"),
        settles=True,
    ),
    Kind("breaker", "warning", blockers=tuple(rule.code for rule in RULES if rule.code not in _OWN)),
    Kind("refused", "warning", blockers=("circuit_open", "leverage_hard"), events=("listing",)),
    Kind("tier", "warning", blockers=("tier1", "tier2")),
    Kind("trim", "warning", events=("leverage_trim",)),
    Kind("dead_man", "warning", events=("dead_man",)),
    Kind("failed", "error", events=("defect", "recovery_failed", "not_started")),
    Kind("stop", "error", events=("not_flat",)),
    Kind("stop", "info", events=("stopped",)),
    Kind("restart", "warning", events=("unclean_start",)),
    Kind("restart", "info", events=("started",)),
)
"""Every alarm; a name may stand for several levels."""

ROUTINE: Final = frozenset(
    {
        "leverage_cap",
        "gap_budget",
        "stop_budget",
        "one_side",
        "paused",
        "flattening",
        "stopping",
        "no_equity",
        "lot_below_minimum",
        "base_locked",
        "position_limit",
        "levels_too_close",
        "no_room",
        "filtered",
        "out_of_range",
        "beyond_exit",
        "order_limit",
        "price_filter",
        "dust",
        "warming",
        "unwinding",
        "churn",
        "no_votes",
        "neutral_silent",
    }
)
"""Blockers that are the ordinary course of things, or were asked for: ``gridbot why`` tells of them."""

OF_BLOCKER: Final = {code: kind for kind in KINDS for code in kind.blockers}
OF_EVENT: Final = {code: kind for kind in KINDS for code in kind.events}


def rank(code: str) -> int:
    """How grave a blocker is among others; the gravest is 0."""
    return SEVERITY.get(code, len(SEVERITY))
