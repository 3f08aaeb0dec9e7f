"""Structured logs: JSON lines to a rotating file, human lines to a terminal, secrets hidden in both.

structlog is loaded by ``configure`` or the first ``get_logger``, not by importing this module: it brings
asyncio and rich along, and a command that only asks a running bot needs neither.
"""

import logging
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.ops.beside import Beside, write_past_locks
from gridbot_tui.ops.redact import redact, redact_value
from gridbot_tui.ops.rotate import RotatingFile
from gridbot_tui.units import Ms

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

MAX_BYTES: Final = 10 << 20
FILES_KEPT: Final = 5
MOST_SHOWN: Final = 500
"""Lines that wait for a terminal that is held; the file has them all."""
REPEATS_S: Final = 60.0
"""A library's line that comes again within this is counted only,"""
MOST_SAID: Final = 100
"""of so many different ones."""
LET_GO_S: Final = 5.0
"""The end of a run waits so long for the disk,"""
SHOWN_S: Final = 0.5
"""and so long for the terminal."""
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_COLOURS: Final = {"debug": "2", "warning": "33", "error": "31", "critical": "1;31"}
_HEAD: Final = ("at", "wall", "level", "room", "event")

EventDict = MutableMapping[str, Any]


class _Sink:
    """Where every line ends: the file, the terminal, or nowhere."""

    def __init__(self) -> None:
        self.file: RotatingFile | None = None
        self.terminal: TextIO | None = None
        self.terminal_level = 20
        self.beside: Beside | None = None
        """Writes to the file instead of the caller; None: the caller waits for the disk."""
        self.beside_terminal: Beside | None = None
        """The same for the terminal, which may be held while the disk is not."""
        self.lost = 0
        """Lines of files that found no place in the queue, or that an earlier file did not take."""
        self.engine_time: Callable[[], Ms | None] = _no_time

    def put(self, **event: Any) -> None:
        """Write one event that went through the processors."""
        if self.file is not None:
            line = msgspec.json.encode(
                {**{key: event[key] for key in _HEAD if key in event}, **event}, enc_hook=repr
            )
            if not _done(self.beside, partial(self.file.write, redact(line.decode()).encode() + b"\n")):
                self.lost += 1
        if self.terminal is not None and _LEVELS[event["level"]] >= self.terminal_level:
            _done(self.beside_terminal, partial(self._show, dict(event)))  # the file has what it does not show

    def _show(self, event: EventDict) -> None:
        terminal = self.terminal
        if terminal is None:
            return
        try:
            write_past_locks(terminal, redact(_human(event, colour=terminal.isatty())) + "\n")
        except (OSError, ValueError):
            self.terminal = None  # it has gone (a closed pipe, a lost session); the file goes on

    debug = info = warning = error = critical = exception = msg = put


def _done(beside: Beside | None, job: Callable[[], None]) -> bool:
    """Do it, or have it done; False where too many jobs wait already."""
    if beside is not None:
        return beside.put(job)
    job()
    return True


def _no_time() -> Ms | None:
    return None


_sink: Final = _Sink()
_bridge: "_Bridge | None" = None


def configure(
    *,
    file: Path | None = None,
    terminal: TextIO | None = None,
    level: str = "info",
    terminal_level: str | None = None,
    engine_time: Callable[[], Ms | None] | None = None,
    max_bytes: int = MAX_BYTES,
    files_kept: int = FILES_KEPT,
    beside: bool = False,
) -> None:
    """Set up logging; may be called again, the latest call holds.

    Args:
        file: JSON lines go here, rotated by size.
        terminal: human lines go here, usually ``sys.stderr``; None while a screen is painted.
        level: least severe level that is logged at all.
        terminal_level: least severe level on the terminal, by default the same.
        engine_time: the engine's time, put as ``at`` on every line that has none of its own. In virtual
            modes everything of a line but ``wall`` is then the same in every run.
        max_bytes: size at which the file is rotated.
        files_kept: how many rotated files are kept.
        beside: threads write the lines: in real time nobody waits for a disk or a terminal.
    """
    import structlog

    close()
    least = _LEVELS[level]
    _sink.file = None if file is None else RotatingFile(file, max_bytes=max_bytes, count=files_kept)
    _sink.terminal = terminal
    if beside:
        _sink.beside = None if file is None else Beside("log")
        _sink.beside_terminal = None if terminal is None else Beside("log terminal", MOST_SHOWN)
    _sink.terminal_level = _LEVELS[terminal_level or level]
    _sink.engine_time = engine_time or _no_time
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _stamp,
            structlog.processors.format_exc_info,  # a plain traceback: it never prints locals
            _hide,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_sink_of,
        cache_logger_on_first_use=False,  # so that a second configure reaches loggers made before
    )
    _bridge_from_stdlib(max(least, logging.WARNING))


class Logger:
    """Lines of one room: ``log.info("fill booked", symbol=..., at=...)``. Loads nothing until it is used."""

    __slots__ = ("_bound", "_values")

    def __init__(self, room: str, **values: object) -> None:
        """``values`` are put on every line."""
        self._values: dict[str, object] = {"room": room, **values}
        self._bound: FilteringBoundLogger | None = None

    def bind(self, **values: object) -> "Logger":
        """The same logger with more values on every line."""
        bound = Logger("")
        bound._values = {**self._values, **values}
        return bound

    def debug(self, event: str, **values: object) -> None:
        """What only a developer wants to know."""
        self._structlog().debug(event, **values)

    def info(self, event: str, **values: object) -> None:
        """The ordinary course of things."""
        self._structlog().info(event, **values)

    def warning(self, event: str, **values: object) -> None:
        """Something to look at."""
        self._structlog().warning(event, **values)

    def error(self, event: str, **values: object) -> None:
        """Something is not done that ought to be."""
        self._structlog().error(event, **values)

    def exception(self, event: str, **values: object) -> None:
        """An error with the traceback of the exception being handled, without locals."""
        self._structlog().error(event, exc_info=True, **values)

    def line(self, view: EventView) -> None:
        """A line of the event feed, with the time it has there."""
        values = {"symbol": view.symbol} if view.symbol else {}
        log = self._structlog()
        getattr(log, view.level)(view.text, code=view.code, at=view.at, **values)

    def _structlog(self) -> "FilteringBoundLogger":
        if self._bound is None:
            import structlog

            if not structlog.is_configured():
                configure()
            self._bound = structlog.get_logger(**self._values)
        return self._bound


def get_logger(room: str) -> Logger:
    """The logger of a room."""
    return Logger(room)


def close() -> None:
    """Close the file; later lines go nowhere until ``configure`` is called again."""
    written = True
    if _sink.beside is not None:
        written = _sink.beside.close(LET_GO_S)
    if _sink.beside_terminal is not None:
        _sink.beside_terminal.close(SHOWN_S)
    if _sink.file is not None:
        _sink.lost += _sink.file.lost
        if written:  # a thread that hangs in a write keeps its file
            _sink.file.close()
    _sink.file = _sink.terminal = _sink.beside = _sink.beside_terminal = None


def lost_lines() -> int:
    """Lines that the disk did not take, of every file since the process began."""
    return _sink.lost + (_sink.file.lost if _sink.file is not None else 0)


def _sink_of(*_: object) -> _Sink:
    return _sink


def _stamp(_: object, __: str, event: EventDict) -> EventDict:
    at = event.get("at")
    if at is None:
        at = _sink.engine_time()
    if isinstance(at, int):
        event["at"] = _iso(at)
    event["wall"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _hide(_: object, __: str, event: EventDict) -> EventDict:
    hidden = redact_value(event)
    assert isinstance(hidden, dict)
    return hidden


def _iso(at: Ms) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _human(event: EventDict, *, colour: bool) -> str:
    """``14:03:19 warning service  what happened  key=value``; a traceback below it."""
    time = str(event.get("at") or event["wall"])
    level = event["level"]
    rest = "  ".join(f"{key}={value}" for key, value in event.items() if key not in (*_HEAD, "exception"))
    line = f"{time[:10]} {time[11:19]} {level:<7} {event.get('room', '-')}: {event.get('event', '')}"
    line = f"{line}  {rest}" if rest else line
    if "exception" in event:
        line = f"{line}\n{event['exception']}"
    code = _COLOURS.get(level)
    return f"\x1b[{code}m{line}\x1b[0m" if colour and code else line


class _Bridge(logging.Handler):
    """Lines of libraries that use the standard logging, through the same processors.

    One that repeats itself is counted: without a free descriptor asyncio has a traceback for each of the hundred
    connections a second that it cannot take.
    """

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[tuple[str, str], tuple[float, int]] = {}
        """When a line was last written, and how often it came since."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on."""
        import structlog

        key = record.name, record.getMessage()
        at, more = self.said.get(key, (-REPEATS_S, 0))
        if 0 <= record.created - at < REPEATS_S:
            self.said[key] = at, more + 1
            return
        if len(self.said) >= MOST_SAID:
            self.said.clear()
        self.said[key] = record.created, 0
        counted = {"times_more": more} if more else {}
        name = logging.getLevelName(record.levelno).lower()
        logger = structlog.get_logger(room=record.name)
        known = name if name in _LEVELS else "warning"
        getattr(logger, known)(key[1], exc_info=record.exc_info, **counted)


def _bridge_from_stdlib(level: int) -> None:
    global _bridge
    root = logging.getLogger()
    if _bridge is None:
        _bridge = _Bridge()
        root.addHandler(_bridge)
        logging.raiseExceptions = False  # it would print over the screen
    _bridge.said.clear()  # what another file was told this one has not
    root.setLevel(level)
