"""Which alarms are sent, and when: a pure decision over what holds and what was said, with time given from outside.

An alarm is told when it begins, again where it goes on or comes back, and once when it is over. Flapping is counted
instead of told, messages are limited by the hour, and what does not fit is gathered into the next one: nothing that
was an alarm is lost without a word.
"""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.engine.blockers import Blocker
from gridbot_tui.ops.alarms import LEVELS, OF_BLOCKER, OF_EVENT, AlarmLevel, Kind, rank
from gridbot_tui.ops.params import AlertParams
from gridbot_tui.ops.redact import redact
from gridbot_tui.units import HOUR, Ms, Symbol

HOUR_S: Final = 3_600.0
MOST_LINES: Final = 60
"""Lines that wait for the next message; older ones beyond are counted."""
SHOWN_LINES: Final = 20
LONGEST: Final = 400
"""Characters of a line: an address may be a text message."""

_Key = tuple[str, Symbol]


class Message(Struct, frozen=True):
    """What an address is to be told."""

    level: AlarmLevel
    title: str
    body: str
    at: Ms
    """Engine time of the newest line in it."""


class Remembered(Struct, frozen=True):
    """What the next process must know, so that a bot that dies again and again does not tell of it each time."""

    told: tuple[tuple[str, Symbol, float], ...]
    """(code, symbol, seconds since it was last told of)."""
    sent: tuple[float, ...]
    """Seconds since each message of this hour, oldest first."""
    lines: tuple["Line", ...] = ()
    """What no message has had room for yet."""


class Line(Struct, frozen=True):
    """One alarm in words."""

    level: AlarmLevel
    name: str
    text: str
    at: Ms


class _Told:
    """What was told of one alarm."""

    __slots__ = ("at", "kind", "open", "sent", "text", "times")

    def __init__(self, kind: Kind, at: Ms, sent: float, text: str) -> None:
        self.kind = kind
        self.at = at
        """Engine time of its beginning."""
        self.sent = sent
        """When it was last told of."""
        self.text = text
        self.open = True
        self.times = 0
        """How often it came since then, untold."""


class Watch:
    """Decides for one bot. Every call says what time it is: ``at`` the engine's (ms), ``clock`` of the wall (s)."""

    def __init__(self, params: AlertParams, bot: str) -> None:
        """``bot``: how it is called in a title."""
        self.params = params
        self._bot = bot
        self._told: dict[_Key, _Told] = {}
        self._lines: deque[Line] = deque()
        self._lost = 0
        self._sent: deque[float] = deque()
        self.held_back = 0
        """Alarms that were only counted so far."""

    # -- over a restart --------------------------------------------------------------------------------------

    def memory(self, clock: float) -> Remembered:
        """What was told, and how long ago."""
        told = tuple((*key, clock - one.sent) for key, one in sorted(self._told.items()))
        return Remembered(told, tuple(clock - at for at in self._sent), tuple(self._lines))

    def recall(self, before: Remembered, ago: float, clock: float) -> None:
        """Go on from what the process before this one remembered ``ago`` seconds ago; before anything else."""
        for code, symbol, since in before.told:
            kind = OF_BLOCKER.get(code) or OF_EVENT.get(code)
            if kind is not None and since + ago < self.params.quiet_minutes * 60.0:
                told = self._told[code, symbol] = _Told(kind, 0, clock - since - ago, "")
                told.open = False
        self._sent.extend(clock - since - ago for since in before.sent if since + ago < HOUR_S)
        later, self._lines = self._lines, deque()
        for line in (*before.lines, *later):
            self._put(line)

    # -- what comes in ---------------------------------------------------------------------------------------

    def look(self, standing: Iterable[Blocker], at: Ms, clock: float) -> Message | None:
        """What holds now, complete; the message that is due, if any."""
        found = {(one.code, one.symbol): (kind, one) for one in standing if (kind := self._kind(one, at)) is not None}
        for key in sorted(found, key=lambda key: (rank(key[0]), key)):
            self._holds(key, *found[key], clock)
        for key, told in self._told.items():
            if key[0] in OF_EVENT:
                self._again(key, told, at, clock)
            elif told.open and key not in found:
                self._over(key, told, at)
        self._forget(clock)
        return self._message(clock)

    def hear(self, view: EventView, clock: float) -> None:
        """Something was said; what it leads to comes with the next look."""
        code = "forced" if view.code == "fill" and view.level == "error" else view.code
        kind = OF_EVENT.get(code)
        if kind is None or LEVELS.get(_level(view.level), 0) < LEVELS[kind.level] or not self._wanted(kind):
            return
        told = self._told.get((code, view.symbol))
        if told is not None and clock - told.sent < self.params.quiet_minutes * 60.0:
            told.times += 1
            told.text = view.text
            self.held_back += 1
            return
        self._told[code, view.symbol] = _Told(kind, view.at, clock, view.text)
        self._say(kind, view.symbol, view.text, view.at)

    def _kind(self, one: Blocker, at: Ms) -> Kind | None:
        """The alarm a blocker is by now; None for none."""
        kind = OF_BLOCKER.get(one.code)
        if kind is None or not self._wanted(kind):
            return None
        young = kind.settles and at - one.since < self.params.disconnected_s * 1000
        return None if young else kind

    def _wanted(self, kind: Kind) -> bool:
        return LEVELS[kind.level] >= LEVELS[self.params.level] and kind.name not in self.params.mute

    # -- one alarm -------------------------------------------------------------------------------------------

    def _holds(self, key: _Key, kind: Kind, one: Blocker, clock: float) -> None:
        told = self._told.get(key)
        quiet, repeat = self.params.quiet_minutes * 60.0, self.params.repeat_minutes * 60.0
        if told is None or (not told.open and clock - told.sent >= quiet):
            self._told[key] = _Told(kind, one.since, clock, one.detail)
            self._say(kind, one.symbol, f"{one.detail}; clears {one.clears_when}", one.since, one.code)
            return
        told.text = one.detail
        if not told.open:
            told.open, told.times, told.at = True, told.times + 1, one.since
            self.held_back += 1
        since = clock - told.sent
        if told.times and since >= quiet:
            self._say(kind, one.symbol, f"again ({_times(told.times)}): {one.detail}", one.since, one.code)
        elif repeat and since >= repeat:
            self._say(kind, one.symbol, f"still, since {moment(told.at)}: {one.detail}", one.since, one.code)
        else:
            return
        told.times, told.sent = 0, clock

    def _over(self, key: _Key, told: _Told, at: Ms) -> None:
        told.open = False
        # One that nobody wants to hear of any more is not over: the config was changed while it held.
        if self.params.resolved and not told.times and self._wanted(told.kind):
            code, symbol = key
            lasted = f"after {_span(at - told.at)}: {told.text}"
            self._put(Line("info", told.kind.name, _worded("OVER", told.kind, code, symbol, lasted), at))

    def _again(self, key: _Key, told: _Told, at: Ms, clock: float) -> None:
        """An event that was said again while it was quiet."""
        if told.times and clock - told.sent >= self.params.quiet_minutes * 60.0:
            self._say(told.kind, key[1], f"{_times(told.times)} more, the last: {told.text}", at)
            told.times, told.sent = 0, clock

    def _forget(self, clock: float) -> None:
        """What is over and long told needs no memory; nothing grows with the days."""
        keep = max(self.params.quiet_minutes * 60.0, HOUR_S)
        old = [
            key
            for key, told in self._told.items()
            if (not told.open or key[0] in OF_EVENT) and not told.times and clock - told.sent >= keep
        ]
        for key in old:
            del self._told[key]

    # -- what goes out ---------------------------------------------------------------------------------------

    def _say(self, kind: Kind, symbol: Symbol, text: str, at: Ms, code: str = "") -> None:
        self._put(Line(kind.level, kind.name, _worded(kind.level.upper(), kind, code, symbol, text), at))

    def _put(self, line: Line) -> None:
        if len(self._lines) >= MOST_LINES:
            least = min(self._lines, key=lambda one: (LEVELS[one.level], one.at))
            self._lines.remove(least)
            self._lost += 1
        self._lines.append(line)

    def _message(self, clock: float) -> Message | None:
        """All that waits as one message, if this hour has room for it."""
        while self._sent and clock - self._sent[0] >= HOUR_S:
            self._sent.popleft()
        if not self._lines:
            return None
        level = max((line.level for line in self._lines), key=LEVELS.__getitem__)
        room = self.params.per_hour if level == "error" else self.params.per_hour * 3 // 4
        if len(self._sent) >= room:
            return None
        self._sent.append(clock)
        lines = sorted(self._lines, key=lambda line: -LEVELS[line.level])
        self._lines.clear()
        more = max(0, len(lines) - SHOWN_LINES) + self._lost
        self._lost = 0
        names = list(dict.fromkeys(line.name for line in lines))
        head = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        body = "\n".join(line.text for line in lines[:SHOWN_LINES]) + (f"\nand {more} more" if more else "")
        return Message(level, f"gridbot {self._bot}: {head}", redact(body), max(line.at for line in lines))


def _level(level: str) -> AlarmLevel:
    return "error" if level == "error" else "warning" if level == "warning" else "info"


def _worded(head: str, kind: Kind, code: str, symbol: Symbol, text: str) -> str:
    name = kind.name if code in ("", kind.name) else f"{kind.name} ({code})"
    where = f"{symbol} " if symbol else ""
    line = f"{head} {where}{name}: {' '.join(text.split())}"
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def moment(at: Ms) -> str:
    """Engine time as it is told to people."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(ms: Ms) -> str:
    if ms >= 2 * HOUR:
        return f"{ms / HOUR:.0f} h"
    return f"{ms / 60_000:.0f} min" if ms >= 120_000 else f"{max(0, ms) / 1000:.0f} s"
