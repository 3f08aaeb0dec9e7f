"""Breakers at work: what trips them, what they say, and when they close. They stop new risk, never an exit."""

from typing import Final

from gridbot_tui.engine.actions import BreakerFact
from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.events import Health, OrderReport, Outcome
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.model import OrderState
from gridbot_tui.risk.breakers import BY_NAME, Tripped
from gridbot_tui.risk.vitals import Vitals
from gridbot_tui.units import Ms, Symbol

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_CANCEL_UNRESOLVED, _REFUSED, _UNRESOLVED = Outcome.CANCEL_UNRESOLVED, Outcome.REFUSED, Outcome.UNRESOLVED
_ORDER_SENDING = OrderState.SENDING

WOULD_TAKE: Final = -5022
"""The code of a post-only refusal on futures; on spot its words tell: its code says several things."""


def trip(desk: Desk, name: str, detail: str, symbol: Symbol = "") -> None:
    """The condition of a breaker holds."""
    rule = BY_NAME[name]
    opened = desk.breakers.trip(name, desk.now, detail, symbol)
    desk.blockers.hold(symbol, rule.code, desk.now, detail, rule.clears_when)
    if opened:
        desk.emit(BreakerFact(desk.now, name, symbol, rule.level.value, detail, desk.now))
        _touch(desk, symbol)


def fine(desk: Desk, name: str, symbol: Symbol = "") -> None:
    """It does not hold now; the breaker closes once that has lasted."""
    if desk.breakers.fine(name, desk.now, symbol):
        _closed(desk, name, symbol)


def reset(desk: Desk) -> list[str]:
    """The operator closes every breaker; those whose condition holds open again. Their names."""
    found = [(one.name, one.symbol) for one in desk.breakers.tripped()]
    for name, symbol in found:
        desk.breakers.reset(name, symbol)
        _closed(desk, name, symbol)
    return [name for name, _ in found]


def recall(desk: Desk, fact: BreakerFact) -> None:
    """Replay a fact of the journal."""
    rule = BY_NAME.get(fact.name)
    if rule is None:
        return  # of a version that knew another breaker
    if fact.since is None:
        desk.breakers.reset(fact.name, fact.symbol)
        desk.blockers.clear(fact.symbol, rule.code)
    else:
        desk.breakers.trip(fact.name, fact.since, fact.detail, fact.symbol)
        desk.blockers.hold(fact.symbol, rule.code, fact.since, fact.detail, rule.clears_when)


def restored(desk: Desk, tripped: tuple[Tripped, ...]) -> None:
    """Exactly these are open, as a snapshot has them."""
    known = tuple(one for one in tripped if one.name in BY_NAME)
    desk.breakers = type(desk.breakers)(known)


def afresh(desk: Desk) -> None:
    """A life begins: the disk took writes at its start and the exchange answered, whatever the last life saw."""
    for name in ("disk", "silence"):
        if desk.breakers.reset(name):
            _closed(desk, name, "")
        desk.blockers.clear("", BY_NAME[name].code)


def review(desk: Desk) -> None:
    """Close what has long been fine; called at every tick and bar while anything is open."""
    for one in desk.breakers.tripped():
        if not _holds(desk, one):
            fine(desk, one.name, one.symbol)


def _holds(desk: Desk, one: Tripped) -> bool:
    """True where the condition goes on; some are told by others: their blockers, the shell."""
    if one.name in ("disk", "silence", "liquidation"):
        return desk.blockers.holds(one.symbol, BY_NAME[one.name].code)
    if one.name == "errors":
        return one.symbol in desk.vitals.answers.held(desk.now)
    if one.name == "latency":
        return one.symbol in desk.vitals.speed.held(desk.now)
    return False  # told as they happen: the hold alone keeps them open, as long again for each that still trips it


# -- what trips them ------------------------------------------------------------------------------------------


def answered(desk: Desk, live: LiveOrder, before: OrderState | None, event: OrderReport) -> None:
    """News of an order of ours: an answer or none, and how long it took."""
    if desk.phase != "trading" or live.sent_at < desk.started_at:
        return  # asked about by another life
    bad = event.outcome in (_UNRESOLVED, _CANCEL_UNRESOLVED)
    if not bad and before is not _ORDER_SENDING:
        return
    _answer(desk, event.symbol, bad)
    if before is _ORDER_SENDING and desk.config.times_orders:
        _took(desk, event.symbol, desk.now - live.sent_at)
    if event.outcome is _REFUSED and not (event.passing or _would_take(event)):
        count = desk.vitals.refused(event.symbol, desk.now)
        if count >= desk.config.risk.breaker_rejects:
            trip(desk, "rejects", f"{count} orders refused in ten minutes, the last with {event.code}", event.symbol)


def health(desk: Desk, event: Health) -> None:
    """What the shell has measured of itself and of the line."""
    limit = desk.config.risk.breaker_loop_lag_ms
    if event.loop_lag is not None and event.loop_lag >= limit:
        trip(desk, "loop_lag", f"the process stood still for {event.loop_lag / 1000:.1f} s")
    if event.latency is not None:
        _took(desk, "", event.latency)
    for symbol, took in event.trips:
        _took(desk, symbol, took)
    if event.answered is not None:
        _answer(desk, "", not event.answered)


def clock(desk: Desk, at: Ms) -> None:
    """A tick of the shell's clock; ``desk.now`` is the latest time anything has told."""
    behind = desk.now - at
    if behind >= desk.config.risk.breaker_clock_ms:
        trip(desk, "clock", f"the clock stands {behind / 1000:.1f} s behind what was told before")


def forget_losses(desk: Desk) -> None:
    """The operator measures the drawdown anew."""
    desk.vitals.falls = Vitals().falls
    if desk.breakers.reset("losses"):
        _closed(desk, "losses", "")


def losses(desk: Desk) -> None:
    """On decision bars: how fast the unit value falls."""
    fall = desk.vitals.falls.fall(desk.now, float(desk.ledger.capital.nav))
    if fall >= desk.config.risk.breaker_loss:
        trip(desk, "losses", f"the account has lost {100 * fall:.1f} % within an hour")


def _answer(desk: Desk, symbol: Symbol, bad: bool) -> None:
    desk.vitals.answers.add(symbol, desk.now, bad)
    if bad:
        for place in desk.vitals.answers.held(desk.now):
            trip(desk, "errors", "half of all requests of a minute have no answer", place)


def _took(desk: Desk, symbol: Symbol, latency: Ms) -> None:
    slow = latency >= desk.config.risk.breaker_latency_ms
    desk.vitals.speed.add(symbol, desk.now, slow)
    if slow:
        for place in desk.vitals.speed.held(desk.now):
            trip(desk, "latency", f"half of a minute's answers take {latency / 1000:.1f} s or the like", place)


def _would_take(event: OrderReport) -> bool:
    return event.code == WOULD_TAKE or "immediately match" in event.detail.lower()


def _closed(desk: Desk, name: str, symbol: Symbol) -> None:
    rule = BY_NAME[name]
    desk.blockers.clear(symbol, rule.code)
    desk.emit(BreakerFact(desk.now, name, symbol, rule.level.value, "", None))
    _touch(desk, symbol)


def _touch(desk: Desk, symbol: Symbol) -> None:
    for name in (symbol,) if symbol in desk.symbols else tuple(desk.symbols):
        desk.symbols[name].shaped = None  # whatever was wanted at this very moment, it is asked again
        desk.dirty.add(name)
