"""Leaving: cancel (focused), detach, stop with positions protected, flatten and stop."""

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.ui.dialogs.dialog import Dialog
from gridbot_tui.ui.dialogs.flatten import chosen, effect_rows
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, told
from gridbot_tui.units import Market, Mode

DETACH, PROTECT, STOP = "detach", "protect", "stop"


class LeaveDialog(Dialog):
    """Says what each way out does to orders and positions."""

    CONFIRMED = frozenset({PROTECT, STOP})
    GRAVE = False

    def __init__(self, picture: Picture, word: str = "", *, attached: bool, unapplied: bool = False) -> None:
        """``unapplied``: an edit of the config was left in this terminal."""
        self._attached = attached
        self._unapplied = unapplied
        orders = picture.controls and not picture.read_only
        self.ANSWERS = ((DETACH, "Detach", "accent"),) + (
            ((PROTECT, _keeping(picture.latest()), "warn"), (STOP, "Flatten and stop", "bad")) if orders else ()
        )
        super().__init__(picture, word)

    def heading(self) -> str:
        """The title."""
        return "Leave"

    def facts(self, picture: Picture, width: int) -> list[Row]:
        """What each answer does, behind what every one but cancel loses."""
        lost = "of the config: not applied, and lost if you leave"
        return (told(("edit     ", "warn"), lost, width) if self._unapplied else []) + self._does(picture, width)

    def _does(self, picture: Picture, width: int) -> list[Row]:
        snapshot = picture.latest()
        detach = "only this terminal closes" if self._attached else "a process without a terminal takes over"
        if snapshot is not None and snapshot.mode == Mode.REPLAY.value and not self._attached:
            detach = "a replay goes on only where it is kept (--resume)"
        if snapshot is None and not self._attached:
            begins = "the bot is still starting; a process without a terminal takes over after that"
            return told(("detach   ", "accent"), begins, width)
        if picture.ended:
            return told(("detach   ", "accent"), "the replay is over: nothing trades, nothing is left to stop", width)
        if picture.stopped is not None:
            return told(("detach   ", "accent"), "the bot has ended; only this terminal closes", width)
        if picture.failed:
            rows = told(("detach   ", "accent"), "the bot has ended, and nobody trades; this terminal closes", width)
            left = "what it had on the exchange may still be there: start it again to have it minded"
            return rows + told(("         ", "text"), left, width, "warn")
        if picture.unheard:
            unknown = f"nothing is heard of the bot, so whether it trades is unknown; {detach}"
            rows = told(("detach   ", "accent"), unknown, width)
            return rows + told(("         ", "text"), "'gridbot status' asks it again", width, "dim")
        goes_on = "trading goes on"
        cut_off = snapshot is not None and any(one.code == "link_down" for one in snapshot.blockers)
        if cut_off and not self._attached:
            goes_on = "the exchange is away: trading goes on once it is back, and no command is heard until then"
        rows = told(("detach   ", "accent"), f"{goes_on}; {detach}", width)
        rows += told(("         ", "text"), "'gridbot attach' brings the screen back", width, "dim")
        if len(self.ANSWERS) > 1:
            rows += told(("stop     ", "warn"), f"orders are cancelled; {_kept(snapshot)}", width)
            rows += told(("flatten  ", "bad"), "everything is cancelled and closed, then the bot ends:", width)
            if snapshot is not None:
                effect = effect_rows(snapshot, chosen(snapshot, ""), width - 9)
                rows += [(("         ", "text"), *row) for row in effect]
        return rows

    def signature(self, picture: Picture) -> object:
        """Which positions are held, and in which direction; their sizes may move on under a fast clock."""
        snapshot = picture.latest()
        if snapshot is None:
            return None
        return tuple(
            (name, float(view.position) > 0, float(view.position) < 0) for name, view in snapshot.symbols.items()
        )


def _keeping(snapshot: Snapshot | None) -> str:
    """The answer that keeps positions; spot has no stop to put them under."""
    return "Stop, keep coins" if _on_spot(snapshot) else "Stop protected"


def _kept(snapshot: Snapshot | None) -> str:
    """What becomes of the positions where only the orders go."""
    return "what was bought stays; no stop" if _on_spot(snapshot) else "positions stay under their stop"


def _on_spot(snapshot: Snapshot | None) -> bool:
    return snapshot is not None and snapshot.market == Market.SPOT.value
