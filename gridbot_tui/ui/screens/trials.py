"""What a back-test on the recent past says of the running config and of an edited one, in rows. Pure."""

from collections.abc import Sequence

from gridbot_tui.control.snapshot import TrialView
from gridbot_tui.ui import words
from gridbot_tui.ui.rows import Role, Row, Span, wrapped

NAMES = {"running": "as it runs", "edited": "as edited"}


def trial_rows(trials: Sequence[TrialView], width: int) -> list[Row]:
    """A row or two a config: what it made a day, on how many days, how sure that is; then what is suggested."""
    rows: list[Row] = []
    for one in trials:
        rows += _rows(one, width)
    said = [one.suggestion for one in trials if one.suggestion]
    return rows + [row for text in said for row in wrapped(text, width, "dim")]


def _rows(one: TrialView, width: int) -> list[Row]:
    name: Span = (f"back-test {NAMES.get(one.name, one.name)}: ", "dim")
    if one.state == "playing" and one.daily is None:
        return [(name, ("being played on the recent past", "text"))]
    if one.state == "failed":
        return wrapped(f"{name[0]}{one.detail}", width, "warn")
    if one.daily is None:
        return wrapped(f"{name[0]}{one.detail}", width, "dim")
    sure = one.low is not None and one.high is not None
    span = f" [{_rate(one.low)}, {_rate(one.high)}]" if sure else ""
    sample = f" on {words.plural(one.days, 'day')}" + ("" if sure else ", too few for an interval")
    first: Row = (name, (f"{_rate(one.daily)} a day{span}", _role(one.low, one.high)), (sample, "text"))
    fills = "-" if one.fills_day is None else f"{one.fills_day:.1f}"
    rest = f"{fills} fills a day, deepest fall {words.percent(one.max_drawdown)}; {one.detail}"
    rows = [first, *[(("  ", "dim"), *row) for row in wrapped(rest, max(8, width - 2), "dim")]]
    if one.ahead is not None:
        found = f"{_rate(one.ahead)} a day [{_rate(one.ahead_low)}, {_rate(one.ahead_high)}]"
        role = _role(one.ahead_low, one.ahead_high)
        verdict = "" if role != "text" else ": no difference is shown"
        rows.append((("  ahead by ", "dim"), (found, role), (verdict, "dim")))
    return rows


def _role(low: float | None, high: float | None) -> Role:
    """Coloured only where zero is outside."""
    if low is None or high is None:
        return "text"
    return "gain" if low > 0 else "loss" if high < 0 else "text"


def _rate(value: float | None) -> str:
    """A daily return is small: two digits more than a percentage usually gets."""
    return words.percent(value, 3)
