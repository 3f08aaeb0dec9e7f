"""The top line of every page: mode by colour and by word, state, equity, tier, leverage, age."""

from collections.abc import Sequence

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.ui import words
from gridbot_tui.ui.pane import RowPane
from gridbot_tui.ui.picture import Line, Picture
from gridbot_tui.ui.rows import Row, Span, cut, fit, width_of

STATES: dict[str, tuple[str, str]] = {
    "starting": ("◌", "accent"),
    "recovering": ("◌", "warn"),
    "running": ("●", "good"),
    "paused": ("○", "warn"),
    "reducing": ("▼", "warn"),
    "halted": ("■", "bad"),
    "flattening": ("▼", "warn"),
    "stopping": ("▼", "warn"),
    "stopped": ("■", "dim"),
    "ended": ("■", "dim"),
    "warming": ("◌", "accent"),
    "unwinding": ("▼", "warn"),
    "latched": ("■", "bad"),
    "no data": ("?", "warn"),
}
"""Sign and role of each state, of the bot and of a symbol."""

TIERS = ("good", "warn", "warn", "bad")


class Header(RowPane):
    """One row."""

    DEFAULT_CSS = "Header { height: 1; width: 1fr; }"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """The parts that fit, the most important first."""
        snapshot = picture.snapshot
        if snapshot is None:
            words_ = picture.line.value + (f": {picture.line_detail}" if picture.line_detail else " ...")
            return [((" gridbot ", "select"), (cut(f"  {words_}", width - 9), "dim"))]
        start = _who(picture, picture.latest() or snapshot)  # what it does is never that of a held display
        end = chosen(_parts(picture, snapshot), width - width_of(start) - 1)
        gap = width - width_of(start) - width_of(end)
        return [fit((*start, (" " * max(0, gap), "text"), *end), width)]


def cap_in_force(snapshot: Snapshot) -> float:
    """What entries stop at; of a bot that does not say, what no order passes."""
    return snapshot.leverage_cap if snapshot.admission_cap is None else snapshot.admission_cap


def chosen(parts: Sequence[tuple[int, Row]], room: int) -> Row:
    """The most important (lowest number) parts that fit, in the order given."""
    kept: set[int] = set()
    for at in sorted(range(len(parts)), key=lambda at: parts[at][0]):
        size = width_of(parts[at][1]) + 2
        if parts[at][1] and size <= room:
            kept.add(at)
            room -= size
    return tuple(span for at in sorted(kept) for span in (("  ", "text"), *parts[at][1]))


def mode_badge(snapshot: Snapshot) -> Span:
    """The mode, in its colour and in words."""
    return (f" {snapshot.mode.upper()} ", snapshot.mode)


def state_words(state: str, *, unheard: bool = False) -> Row:
    """Sign and word of a state; ``unheard``: of the last one known."""
    sign, role = ("?", "warn") if unheard else STATES.get(state, ("?", "warn"))
    return ((f"{sign} {state.upper()}", role),)


def _who(picture: Picture, snapshot: Snapshot) -> Row:
    view = snapshot.symbols.get(picture.symbol)
    state = "ended" if picture.ended or picture.failed else snapshot.state
    if state == "running" and view is not None and view.state not in ("running", ""):
        state = view.state
    row: list[Span] = [mode_badge(snapshot), (f" {picture.symbol or 'no symbol'} ", "strong")]
    row += state_words(state, unheard=picture.unheard)
    if picture.read_only:
        row.append((" RO", "warn"))
    elif not picture.controls:
        row.append((" VIEW", "warn"))
    if picture.frozen:
        row.append((" HELD", "warn"))
    if picture.under_way:
        row.append((f" ◌ {picture.under_way[-1]} …", "accent"))
    return tuple(row)


def _parts(picture: Picture, snapshot: Snapshot) -> list[tuple[int, Row]]:
    """What may stand at the right, in reading order, each with its importance."""
    gained = snapshot.growth  # not equity beside that of the start: what was paid in or out is no profit
    if gained is None:
        gained = words.change(snapshot.start_equity, snapshot.equity)
    sign = "" if not gained else "▲ " if gained > 0 else "▼ "
    role = "dim" if not gained else "gain" if gained > 0 else "loss"
    old = picture.prices_old
    aged = "bad" if old or picture.stale or picture.line is Line.LOST else "dim"
    worst = snapshot.worst_leverage
    cap = cap_in_force(snapshot)
    near = worst is not None and worst > cap * 0.8
    speed = _speed(snapshot)
    return [
        (0, ((words.short_money(snapshot.equity, picture.places), "strong"), (f" {snapshot.quote}", "dim"))),
        (4, ((sign + words.percent(gained, 2), role),)),
        (1, ((f"T{snapshot.tier} {words.percent(snapshot.drawdown)}", TIERS[min(snapshot.tier, 3)]),)),
        (3, ((words.times(snapshot.leverage), "text"), (f"/{words.limit(cap)}", "dim"))),
        (5, (("worst ", "dim"), (words.times(worst), "warn" if near else "text"))),
        (0 if old else 2, ((f"{'STALE' if old else 'age'} {words.span(picture.data_age()):>3}", aged),)),
        (7 if snapshot.past_until is None else 2, ((speed, "accent"),) if speed else ()),
        (6, ((_clock(picture), "dim"),)),
    ]


def _speed(snapshot: Snapshot) -> str:
    if snapshot.mode not in ("sim", "replay"):
        return ""
    if snapshot.past_until is not None:
        lived = snapshot.at - snapshot.started_at
        share = lived / max(1, lived + snapshot.past_until - snapshot.at)
        return f"past {100 * share:.0f} %, full speed"
    return "max speed" if snapshot.speed == "max" else f"{snapshot.speed}x speed"


def _clock(picture: Picture) -> str:
    now = picture.now()
    # Under virtual time seconds would only flicker.
    return words.moment(now).strip() + "Z" if picture.virtual else words.clock(now) + "Z"
