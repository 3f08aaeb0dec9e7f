"""The back-test beside a running bot: reads a question on stdin, answers on stdout, ends with its parent.

``python -m gridbot_tui.research.lookback``; ``service.lookback_job`` starts it. It runs at the lowest priority,
knows no key, sends no order, and asks an exchange only for public candles.
"""

import os
import sys
import threading
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.control.snapshot import TrialView
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.recorded import RecordedMarket
from gridbot_tui.research import intervals, sensitivity
from gridbot_tui.research.intervals import FEWEST, Interval
from gridbot_tui.research.lookback_market import LookbackFailed, market_of
from gridbot_tui.research.metrics import YEAR_DAYS, Daily, mean
from gridbot_tui.research.outcome import outcome_of, ring_of
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.ring import RingFailed
from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.service.beside.lookback import Ask, Told
from gridbot_tui.settings.load import load_text
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.units import DAY, HOUR, MINUTE, Ms

KEYS = (
    "strategy.leverage.base",
    "ladder.spacing_trend",
    "ladder.spacing_neutral",
    "ladder.plain.leverage",
    "ladder.plain.levels",
)
"""What a suggestion may change, one at a time, lowered and raised: how much, and how far apart."""
NICE = 19
ENOUGH = 1_000_000
"""Bars of all symbols above which no suggestion is looked for: it would take minutes."""

Failures = (ConfigError, DataError, LookbackFailed, RingFailed, RunRefused, ValueError, OSError)


class Played(Struct, frozen=True):
    """One config on the recent past."""

    daily: Daily
    fills: int
    fall: float


def answers(ask: Ask) -> Iterator[Told]:
    """What is known, more each time. What cannot be played is an answer as well."""
    try:
        configs = [load_text(text, None, os.environ, ask.overrides).settings for text in ask.texts]
        yield from _answers(ask, configs)
    except Failures as failed:
        why = " ".join(str(failed).split())
        yield Told(tuple(replace(one, state="failed", detail=why) for one in ask.begun))


def _answers(ask: Ask, configs: Sequence[Settings]) -> Iterator[Told]:
    running = configs[0]
    warm = running.strategy.warmup_hours * HOUR
    market = market_of(ask.past, ask.past.end - ask.days * DAY - warm, running)
    since = market.start - market.start % HOUR + warm
    words = _words(market)
    if market.end - since < DAY:
        there = (market.end - market.start) / DAY
        short = f"{words}: {there:.1f} days are there, the warm-up takes {warm // DAY}, nothing is left to judge"
        yield Told(tuple(replace(one, state="done", detail=short) for one in ask.begun))
        return
    begun = [replace(one, detail=words) for one in ask.begun]
    recent = Prepared(running, market, ask.past.symbols)
    own = _play(recent, running, since)
    told = [_view(begun[0], own)]
    yield Told((*told, *begun[1:]))
    for other, view in zip(configs[1:], begun[1:], strict=True):
        made = _play(recent, other, since)
        told.append(_against(_view(view, made), own, made))
    yield Told(tuple(told))
    if len(told) == 1 and market.bars_total <= ENOUGH:
        yield Told((replace(told[0], suggestion=_suggestion(recent, own, since)),))


def _words(market: RecordedMarket) -> str:
    symbols = market.symbols
    named = ", ".join(symbols) if len(symbols) <= 3 else f"{len(symbols)} symbols"
    holes = sum(note.code in ("hole", "episode") for note in market.notes)
    return f"{named}, {market.interval // MINUTE} min bars" + (f", {holes} holes" if holes else "")


def _play(recent: Prepared, settings: Settings, since: Ms) -> Played:
    """A config on the recent days; a symbol that they lack keeps its share of the capital, as in the bot."""
    prepared = replace(recent, settings=settings)
    ring = ring_of(prepared, start_after=prepared.late(since))
    ring.run()
    made = outcome_of("", ring, prepared)
    return Played(made.daily(since), len(made.marks), min(ring.engine.desk.ledger.capital.max_drawdown, 0.0))


def _view(begun: TrialView, made: Played) -> TrialView:
    returns = made.daily.returns
    whole = 1.0
    for value in returns:
        whole *= 1.0 + value
    found = _a_day(intervals.mean_interval(returns))
    days = len(returns)
    return replace(
        begun,
        state="done",
        days=days,
        daily=mean(returns) if days else None,
        low=None if found is None else found.low,
        high=None if found is None else found.high,
        net_return=whole - 1.0,
        fills_day=made.fills / days if days else None,
        max_drawdown=made.fall,
    )


def _against(view: TrialView, own: Played, other: Played) -> TrialView:
    gap = _gap(own, other)
    return view if gap is None else replace(view, ahead=gap.value, ahead_low=gap.low, ahead_high=gap.high)


def _gap(own: Played, other: Played) -> Interval | None:
    """What another config made a day beyond ours, on the days both have."""
    mine = dict(zip(own.daily.days, own.daily.returns, strict=True))
    both = [value - mine[day] for day, value in zip(other.daily.days, other.daily.returns, strict=True) if day in mine]
    return _a_day(intervals.mean_interval(both))


def _a_day(yearly: Interval | None) -> Interval | None:
    if yearly is None:
        return None
    return Interval(yearly.value / YEAR_DAYS, yearly.low / YEAR_DAYS, yearly.high / YEAR_DAYS)


def _suggestion(recent: Prepared, own: Played, since: Ms) -> str:
    """The best of a few changes of one parameter, and whether it is shown to be any better."""
    if len(own.daily.returns) < FEWEST:
        return f"no change is suggested: {len(own.daily.returns)} days are too few to compare on, {FEWEST} are needed"
    kind = next(iter(recent.market.instruments.values())).market
    found: list[tuple[Interval, sensitivity.Change]] = []
    for change in sensitivity.changes(recent.settings, kind, KEYS):
        try:
            made = _play(recent, sensitivity.with_value(recent.settings, change.key, change.after), since)
        except (RingFailed, ValueError):
            continue  # a value that does not fit this market is no suggestion
        gap = _gap(own, made)
        if gap is not None:
            found.append((gap, change))
    return _best(found)


def _best(found: Sequence[tuple[Interval, sensitivity.Change]]) -> str:
    if not found:
        return "no change is suggested: none could be compared"
    gap, change = max(found, key=lambda one: one[0].value)
    tried = f"of {len(found)} changes of one parameter"
    named = f"{change.key} {change.before:g} to {change.after:g}"
    told = f"{100 * gap.value:+.3f} % a day [{100 * gap.low:+.3f} %, {100 * gap.high:+.3f} %]"
    if gap.low > 0:
        return f"{named} would have made {told} more, the best {tried}: chosen afterwards, so expect less"
    return f"no change is suggested: {tried} the best, {named}, made {told}, which shows no difference"


def _end_with_parent() -> None:
    """The parent holds the other end of stdin and never writes twice: its end is ours."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def main() -> int:
    """Answer one question."""
    os.nice(NICE)
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(sys.stdin.fileno(), 1 << 16)
        if not piece:
            return 2
        line += piece
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for told in answers(msgspec.json.decode(line, type=Ask)):
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
