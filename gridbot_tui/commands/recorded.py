"""Options that every command over recorded data shares, and the request they make."""

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import JsonOption, where
from gridbot_tui.commands.output import pass_every, pass_on, span, wiped
from gridbot_tui.units import Market, Ms

if TYPE_CHECKING:
    from gridbot_tui.research.request import Request

DataOption = Annotated[
    list[str], typer.Option("--data", metavar="PATH...", help="Files, folders or globs of recorded candles.")
]
SymbolsOption = Annotated[list[str] | None, typer.Option("--symbol", metavar="S", help="Symbol; repeatable.")]
MarketOption = Annotated[Market | None, typer.Option("--market", help="Market, where paths tell none or both.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Config file.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day (UTC) to use.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Day (UTC) to stop before.")]
IntervalOption = Annotated[str | None, typer.Option("--interval", metavar="I", help="Interval of --data.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key over the config; repeatable.")
]
FundingOption = Annotated[
    float | None,
    typer.Option("--funding", metavar="RATE", help="Funding of 8 hours, fraction, where none is recorded (0.0001)."),
]
SlippageOption = Annotated[
    float | None, typer.Option("--slippage", metavar="BP", help="What a taker loses against the price, bp (2).")
]


class PlayedBy(StrEnum):
    """Who plays the runs."""

    AUTO = "auto"
    COMPILED = "compiled"
    ENGINE = "engine"


PlayedByOption = Annotated[
    PlayedBy, typer.Option("--played-by", help="Compiled code makes the engine's fills, many times as fast.")
]

SOON_S = 2.0
"""What is done sooner needs no word of how far it is."""


class Asked(Struct, frozen=True):
    """What every command over recorded data is asked for."""

    request: "Request"
    json: bool


def over_recorded_data(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of a run over recorded data before its own; it gets them understood, as ``asked``.

    What cannot be played or written ends it with one sentence.
    """

    @functools.wraps(command)
    def whole(**given: Any) -> None:
        own = {name: given.pop(name) for name in list(given) if name in mine}
        with _sentences():
            try:
                command(asked_of(**given), **own)
            finally:
                wiped()

    mine = dict(inspect.signature(command, eval_str=False).parameters)
    mine.pop("asked")
    shared = inspect.signature(asked_of).parameters
    order = (*shared.values(), *mine.values())
    hints = {one.name: one.annotation for one in order}
    whole.__signature__ = inspect.Signature([one.replace(kind=one.KEYWORD_ONLY) for one in order])  # type: ignore[attr-defined]
    whole.__annotations__ = hints
    del whole.__wrapped__  # typer would read the options of what it wraps
    return whole


def asked_of(
    ctx: typer.Context,
    data: DataOption,
    symbol: SymbolsOption = None,
    market: MarketOption = None,
    interval: IntervalOption = None,
    config: ConfigOption = None,
    sets: SetOption = None,
    frm: FromOption = None,
    to: ToOption = None,
    funding: FundingOption = None,
    slippage: SlippageOption = None,
    json: JsonOption = False,
) -> Asked:
    """The options of a run over recorded data, understood. Raises CommandFailed."""
    from gridbot_tui.research.request import Request
    from gridbot_tui.settings.load import pair
    from gridbot_tui.settings.problems import ConfigError

    at = where(ctx, json=json)
    try:
        given = tuple(pair(text) for text in sets or ())
    except (ConfigError, ValueError) as wrong:
        raise CommandFailed(str(wrong), Exit.USAGE) from wrong
    assumed = (("market.assumed_funding", funding), ("simulation.exchange.slippage_bp", slippage))
    given += tuple((key, repr(value)) for key, value in assumed if value is not None)
    request = Request(
        data=tuple(data),
        symbols=tuple(name.upper() for name in symbol or ()),
        market=market,
        interval=interval,
        config=config or at.config,
        overrides=at.overrides + given,
        frm=day(frm, "--from"),
        to=day(to, "--to"),
    )
    return Asked(request, at.json)


@contextmanager
def _sentences() -> Iterator[None]:
    """What research says of data, config and disk, as a command's end."""
    from gridbot_tui.research.ring import RingFailed
    from gridbot_tui.service.assemble import RunRefused
    from gridbot_tui.settings.problems import ConfigError

    try:
        yield
    except (RunRefused, ConfigError) as refused:
        raise CommandFailed(str(refused), Exit.USAGE) from refused
    except RingFailed as failed:
        raise CommandFailed(str(failed), Exit.FAILED) from failed


def folder_for(report: Path) -> Path:
    """The folder of a report, made before minutes are spent on what goes into it. Raises CommandFailed."""
    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise CommandFailed(f"--report {report}: the folder cannot be made ({wrong.strerror})", Exit.USAGE) from wrong
    if not os.access(report, os.W_OK):
        raise CommandFailed(f"--report {report}: the folder cannot be written to", Exit.USAGE)
    return report


@contextmanager
def writing() -> Iterator[None]:
    """Around the writing of a report."""
    try:
        yield
    except OSError as wrong:
        raise CommandFailed(f"the report could not be written: {wrong.strerror or wrong}", Exit.FAILED) from wrong


def day(text: str | None, option: str) -> Ms | None:
    """A date, or a date with a time, in UTC, as milliseconds. Raises CommandFailed."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise CommandFailed(f"{option} {text}: not a date such as 2025-01-31", Exit.USAGE) from wrong
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def progress_share(what: str = "played") -> Callable[[float, float], None]:
    """As ``progress``, of a work whose parts are of unequal length: says what share is done."""
    clock = _Clock(None)

    def tell(done: float, whole: float) -> None:
        if clock.due(done, whole):
            pass_on(f"{100 * done / whole:.0f} % {what}, about {span(clock.left(done, whole))} left")

    return tell


def progress(what: str = "runs", most: float | None = None) -> Callable[[int, int], None]:
    """Says now and then, on stderr, how far it is and how long it will take; ``most`` seconds where it ends then."""
    clock = _Clock(most)

    def tell(done: int, whole: int) -> None:
        if clock.due(done, whole):
            pass_on(f"{done} of {whole} {what}, about {span(clock.left(done, whole))} left")

    return tell


class _Clock:
    """How long what is done has taken, and when that is told again.

    It starts anew, once, where nothing is done yet: reading, compiling and waiting for another process that compiles
    are the time of no run.
    """

    def __init__(self, most: float | None) -> None:
        self._most = most
        self._began = monotonic()
        self._next_at = self._began + SOON_S
        self._said = 0.0
        self._started = False

    def due(self, done: float, whole: float) -> bool:
        """True where more is done than was told last, and it is time to tell."""
        now = monotonic()
        if not done and not self._started:
            self._started, self._began = True, now
        if done >= whole:
            wiped()
        if not (self._said < done < whole and now >= self._next_at):
            return False
        self._said, self._next_at = done, now + pass_every()
        return True

    def left(self, done: float, whole: float) -> float:
        """Seconds, as far as those for what is done tell."""
        spent = monotonic() - self._began
        left = spent / done * (whole - done)
        return left if self._most is None else max(0.0, min(left, self._most - spent))
