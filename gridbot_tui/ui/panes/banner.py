"""The one loud line of every page: what is not as it should be, the gravest of it, whatever else the page shows."""

from collections.abc import Sequence
from typing import Final

from gridbot_tui.control.snapshot import BlockerView, Snapshot
from gridbot_tui.ui import words
from gridbot_tui.ui.pane import RowPane
from gridbot_tui.ui.panes.blockers import GRAVE, few
from gridbot_tui.ui.picture import Line, Picture
from gridbot_tui.ui.rows import Row, left
from gridbot_tui.units import Ms

TRADES: Final = ("running", "reducing")
"""States in which nothing is held back that the operator would not expect."""
LATCHES: Final = frozenset({"kill", "tier3", "absolute_drawdown"})
"""Codes of a halted bot: the state says so."""
FORCED_FOR: Final[Ms] = 600_000
"""How long it is said that the exchange has closed something."""


class Banner(RowPane):
    """One loud line while something is not as it should be; gone otherwise."""

    DEFAULT_CSS = "Banner { height: 1; width: 1fr; display: none; }"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """The line, over the whole width."""
        said = banner(picture)
        return [((left(f" {said[0]}", width), said[1]),)] if said else []


def banner(picture: Picture) -> tuple[str, str] | None:
    """What must be said above everything: (sentence, role). Of the newest snapshot, also while the display is held."""
    snapshot = picture.latest()
    silence = words.span(picture.silence())
    if picture.ended:
        return "■ ENDED: the recorded market ends here, and the replay with it; ^q leaves", "banner"
    if (last := picture.stopped) is not None:
        return f"■ STOPPED: {last.detail}", "banner" if last.ok else "alarm"
    if picture.failed:
        why = picture.line_detail.removeprefix("the bot has ended").removeprefix(": ")
        return f"■ BOT ENDED {silence} ago, nobody trades{': ' if why else ''}{why}", "alarm"
    if picture.line is Line.LOST:
        seen = f" {silence}, orders unverified" if snapshot is not None else ""
        return f"⚠ DISCONNECTED{seen}: {picture.line_detail or 'no connection'}", "alarm"
    if snapshot is None:
        return None
    if picture.stale:
        return f"⚠ STALE: the bot has said nothing for {silence}; nothing here is current", "alarm"
    if snapshot.shutdown is not None:
        done = snapshot.shutdown
        at = done.stages.index(done.stage) + 1 if done.stage in done.stages else 0
        return f"▼ {done.stage.upper()} {at}/{len(done.stages)}: {done.detail}", "banner"
    if grave := _grave(snapshot, picture.present()):
        return grave, "alarm"
    if forced := _forced(picture):
        return forced, "alarm"
    if picture.frozen:
        does = "trading goes on" if snapshot.state in TRADES else f"the bot is {snapshot.state}"
        held = words.span(picture.shown_for())
        return f"○ DISPLAY HELD {held}: {does}; space shows the present again", "banner"
    if tripped := _tripped(snapshot, picture.present()):
        return tripped, "banner"
    if snapshot.state == "paused":
        return "○ PAUSED: entries are withdrawn, exits stay; p resumes", "banner"
    if snapshot.state == "recovering":
        return "◌ RECOVERING: comparing the books with the exchange", "banner"
    return None


def _grave(snapshot: Snapshot, now: Ms) -> str:
    """What wants the operator now, the gravest with its detail and the rest by name; "" where nothing does.

    A latch hides nothing: what was killed while the exchange is away still holds what it held.
    """
    latch = "■ KILLED" if snapshot.state == "halted" or snapshot.tier >= 3 else ""
    if latch and not any(one.code == "kill" for one in snapshot.blockers):
        latch = "■ HALTED"
    found: dict[str, list[BlockerView]] = {}
    for one in snapshot.blockers:
        if one.code in GRAVE and not (latch and one.code in LATCHES):
            found.setdefault(one.code, []).append(one)
    if not found:
        return f"{latch}: no new entries; press w for why" if latch else ""
    first = next(iter(found.values()))
    names = [_called(code, same) for code, same in found.items()]
    names[0] += f" {words.span(now - min(one.since for one in first))}"
    head = " + ".join([latch, *names] if latch else [f"⚠ {names[0]}", *names[1:]])
    if "link_down" in found:
        return f"{head}, orders unverified: {first[0].detail}"
    return f"{head}: {first[0].detail}; press w for why"


def _forced(picture: Picture) -> str:
    """What the exchange has closed of late, and the bot goes on after; "" where it has closed nothing."""
    one = picture.log.forced
    ago = None if one is None else picture.present() - one.at
    if one is None or ago is None or ago > FORCED_FOR:
        return ""
    return f"⚠ {one.code.upper()} {one.symbol} {words.span(ago)} ago: {one.text}; press l for the log"


def _called(code: str, same: Sequence[BlockerView]) -> str:
    """A reason by its name, and whom it concerns: one of the account concerns all, whatever symbols it is said of."""
    if code == "link_down":
        return "EXCHANGE DISCONNECTED"
    whom = few(" ".join(one.symbol for one in same)) if all(one.symbol for one in same) else ""
    return f"{code.replace('_', ' ').upper()} {whom}".rstrip()


def _tripped(snapshot: Snapshot, now: Ms) -> str:
    """An open breaker of the whole account: nothing new is placed until it closes."""
    one = next((one for one in snapshot.breakers if one.state == "open" and not one.symbol), None)
    if one is None:
        return ""
    lasts = "" if one.since is None else f" {words.span(now - one.since)}"
    return f"○ BREAKER {one.name.upper()}{lasts}, no new entries: {one.reason}"
