"""What stands around the panes: tab line, key line, the summary of small terminals, too small."""

from collections.abc import Sequence
from typing import Final

from textual import events

from gridbot_tui.ui import lines, words
from gridbot_tui.ui.pane import RowPane
from gridbot_tui.ui.panes.banner import TRADES, banner
from gridbot_tui.ui.panes.header import TIERS, cap_in_force, chosen, mode_badge, state_words
from gridbot_tui.ui.panes.profit import residual
from gridbot_tui.ui.panes.systems import SYSTEMS, getattr_at
from gridbot_tui.ui.picture import Line, Picture
from gridbot_tui.ui.rows import Row, centred, cut, fit, joined, justify, width_of, wrapped

WITH_BARS: Final = 70
"""Columns that votes and weights take with bars of three cells."""


class Summary(RowPane):
    """Three lines on votes, bias and risk, where there is no room for panes."""

    DEFAULT_CSS = "Summary { height: 3; width: 1fr; }"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Votes; plan; risk."""
        view, snapshot = picture.view, picture.snapshot
        if view is None or snapshot is None:
            return []
        bar = min(8, max(3, (width - 63) // 3)) if width >= WITH_BARS else 0
        votes: list[Row] = []
        for sign, name, role in SYSTEMS:
            vote = (
                None
                if view.votes is None
                else getattr_at((0, view.votes.up, view.votes.down, view.votes.neutral), role)
            )
            weight = (
                None
                if view.weights is None
                else getattr_at((0, view.weights.up, view.weights.down, view.weights.neutral), role)
            )
            votes.append(
                (
                    (f"{sign} {name[:4]} ", role),
                    (f"{words.ratio(vote)} ", "strong"),
                    *lines.meter(vote, bar, role),
                    (f"{' ' * (bar > 0)}w {words.ratio(weight)}", "dim"),
                )
            )
        bias = f"{words.ratio(view.bias, 2, signed=True)} {(view.label or '-').upper()}"
        plan = (
            (0, (("bias ", "dim"), (bias, "strong"))),
            (2, (("spacing ", "dim"), (words.percent(view.spacing, 2, signed=False), "text"))),
            (1, (("position ", "dim"), (f"{words.size(view.position)} {view.base}", "text"))),
            (3, (("open ", "dim"), (str(view.open_orders), "text"))),
        )
        worst = f"{words.times(snapshot.worst_leverage)}/{words.limit(cap_in_force(snapshot))}"
        risk = (
            (0, (("worst ", "dim"), (worst, "text"))),
            (3, (("liq ", "dim"), (words.grouped(view.liquidation_price), "text"))),
            (1, residual(snapshot)),
            (2, ((words.plural(len(picture.blockers), "blocker"), "warn" if picture.blockers else "dim"),)),
        )
        # Whole parts: half a number is another one.
        return [joined(votes, "   "), *(chosen(parts, width + 2)[1:] for parts in (plan, risk))]


class Tabs(RowPane):
    """Names of the panes with their numbers, the shown one marked."""

    DEFAULT_CSS = "Tabs { height: 1; width: 1fr; }"

    def __init__(self, names: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.names = names
        self.at = 0

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """``1 Ladder  2 Chart``."""
        row = [(text, "select" if at == self.at else "dim") for at, text in enumerate(self._labels(width))]
        return [fit(row, width)]

    def _labels(self, width: int) -> list[str]:
        """The names whole, else as many letters of each as leave room for all of them."""
        labels: list[str] = []
        for letters in range(max(map(len, self.names)), 0, -1):
            labels = [f" {number} {name[:letters]} " for number, name in enumerate(self.names, 1)]
            if sum(map(len, labels)) <= width:
                break
        return labels

    def on_click(self, event: events.Click) -> None:
        """Show the pane of that name, where the app takes the mouse."""
        end = 0
        for number, label in enumerate(self._labels(self.size.width), 1):
            end += len(label)
            if event.x < end:
                self.call_later(self.app.run_action, f"jump({number})")
                return


class KeyLine(RowPane):
    """The keys that matter, as many as fit; made from the bindings."""

    DEFAULT_CSS = "KeyLine { height: 1; width: 1fr; }"

    _made_for: tuple[object, ...] = ()
    _made: Sequence[Row] = ()

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Key and word; dim where the action may not be used now. Made anew only where that may be another."""
        may = (picture.controls, picture.read_only, picture.line, picture.virtual)
        made_for = (*may, width, self.app.screen, self.app.focused, getattr(self.app, "keymap_in_force", None))
        if made_for != self._made_for:
            self._made_for, self._made = made_for, self._line(width)
        return self._made

    def _line(self, width: int) -> Sequence[Row]:
        parts: dict[str, Row] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show:
                key = self.app.get_key_display(binding)
                roles = ("key", "dim") if active.enabled else ("off", "off")
                parts[binding.id or binding.key] = ((f" {key}", roles[0]), (f" {binding.description} ", roles[1]))
        ends = tuple(span for name in ("palette", "leave") for span in parts.pop(name, ()))
        room = width - width_of(ends) - 1
        ranked = sorted(parts, key=lambda name: RANKS.index(name) if name in RANKS else 0.5)
        chosen: set[str] = set()
        for name in ranked:
            if width_of(parts[name]) <= room:
                chosen.add(name)
                room -= width_of(parts[name])
        placed = sorted(
            (name for name in parts if name in chosen), key=lambda name: KEYS.index(name) if name in KEYS else -1
        )
        row = tuple(span for name in placed for span in parts[name])
        return [justify(row, ends, width)]


KEYS = ("pause", "flatten", "edit", "whatif", "why", "symbol", "help")
"""Order of the key line; a page's own keys stand before."""
RANKS = ("help", "pause", "flatten", "edit", "why", "whatif", "symbol")
"""Who stays where there is little room, the first longest."""


class TooSmall(RowPane):
    """Below 60x16: what is needed, and that pause and flatten still work."""

    DEFAULT_CSS = "TooSmall { height: 1fr; width: 1fr; display: none; }"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """The one page of a very small terminal."""
        size = self.app.size
        rows: list[Row] = []
        snapshot, does = picture.snapshot, ""
        if snapshot is not None:
            state = "ended" if picture.failed else (picture.latest() or snapshot).state
            rows.append(fit((mode_badge(snapshot), (" ", "text"), *state_words(state, unheard=picture.unheard)), width))
            does = "trading goes on; " if picture.line is Line.UP and state in TRADES else ""
            rows.append(((words.short_money(snapshot.equity, picture.places), "strong"), (f" {snapshot.quote}", "dim")))
            rows.append(((f"T{snapshot.tier} {words.percent(snapshot.drawdown)}", TIERS[min(snapshot.tier, 3)]),))
        said = banner(picture)
        if said:
            rows.append(((cut(said[0], width), said[1]),))
        if picture.notes:
            rows += wrapped(picture.notes[-1].text, width, "accent")[:2]
        rows += wrapped(f"too small: need 60x16, have {size.width}x{size.height}", width, "warn")
        rows += wrapped(f"{does}p pauses, f flattens, ^q leaves", width, "dim")
        return [centred(row, width) for row in rows[:height]]
