"""The breakers for a face: open ones with their reason, closed ones by name, all with what resets them."""

from gridbot_tui.control.snapshot import BreakerView
from gridbot_tui.engine.desk import Desk
from gridbot_tui.risk.breakers import BY_NAME, RULES


def breakers_of(desk: Desk) -> tuple[BreakerView, ...]:
    """Open ones first, the gravest first; then those that are closed."""
    tripped = desk.breakers.tripped()
    opened = {one.name for one in tripped}
    shown = [
        BreakerView(rule.name, rule.level.value, "open", one.symbol, one.since, one.detail, rule.clears_when)
        for one in tripped
        for rule in (BY_NAME[one.name],)
    ]
    shown += [
        BreakerView(rule.name, rule.level.value, "closed", "", None, "", rule.clears_when)
        for rule in RULES
        if rule.name not in opened
    ]
    return tuple(shown)
