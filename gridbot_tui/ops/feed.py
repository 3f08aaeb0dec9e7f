"""The event feed: what happened, in words an operator would use, the latest few hundred lines."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import singledispatch

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.engine.actions import (
    AdoptFact,
    BreakerFact,
    CashFact,
    DecisionFact,
    Fact,
    FillFact,
    IntentFact,
    ModeFact,
    OrderFact,
    PlanFact,
    StartFact,
    WeightsFact,
)
from gridbot_tui.engine.events import CashKind, Outcome
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.churn import POST_ONLY_REFUSED
from gridbot_tui.orders.model import NewOrder, Purpose
from gridbot_tui.strategy.plan import GridPlan, Votes
from gridbot_tui.units import Side, Steps, Symbol, Ticks

Instruments = Mapping[Symbol, Instrument]

KEPT = 500
_SIDES = {Side.BUY: "buy", Side.SELL: "sell"}
_REPORTS = {
    Outcome.REFUSED: ("warning", "refused"),
    Outcome.EXPIRED: ("info", "expired"),
    Outcome.TRIGGERED: ("warning", "triggered"),
    Outcome.UNRESOLVED: ("warning", "unresolved: it may stand, being asked for"),
    Outcome.ABSENT: ("warning", "proved absent"),
    Outcome.CANCEL_UNRESOLVED: ("warning", "cancel unanswered: being asked for"),
}


class Feed:
    """A bounded ring of event lines, oldest first."""

    def __init__(self, kept: int = KEPT) -> None:
        """Keep the latest ``kept`` lines."""
        self._lines: deque[EventView] = deque(maxlen=kept)
        self._plans: dict[Symbol, GridPlan] = {}
        self.listener: Callable[[EventView], None] | None = None
        """Hears every line from here on, as it is said; it must neither block nor raise."""

    def add(self, fact: Fact, instruments: Instruments) -> EventView | None:
        """Add and return the line of a fact, if it is news to an operator; a plan against the last."""
        if isinstance(fact, PlanFact):
            before = self._plans.get(fact.plan.symbol)
            self._plans[fact.plan.symbol] = fact.plan
            found: EventView | None = _plan(fact, before)
        else:
            found = line(fact, instruments)
        if found is not None:
            self.say(found)
        return found

    def take(self, facts: Sequence[Fact], instruments: Instruments) -> tuple[EventView, ...]:
        """Add the lines of some facts, in order, and return them."""
        found = (self.add(fact, instruments) for fact in facts)
        return tuple(each for each in found if each is not None)

    def say(self, event: EventView) -> None:
        """Add a line, also one that comes from no fact (a connection, a command)."""
        self._lines.append(event)
        if self.listener is not None:
            self.listener(event)

    def lines(self, limit: int | None = None) -> tuple[EventView, ...]:
        """The latest lines, oldest first."""
        if limit is None or limit >= len(self._lines):
            return tuple(self._lines)
        return tuple(self._lines[index] for index in range(len(self._lines) - limit, len(self._lines)))


def line(fact: Fact, instruments: Instruments) -> EventView | None:
    """The line of one fact; None for what would only be noise (equity points, acknowledgements, cancels).

    A symbol whose instrument is not known is given in ticks and steps, said so.
    """
    return _line(fact, instruments)


@singledispatch
def _line(fact: Fact, _: Instruments) -> EventView | None:
    return None


@_line.register
def _(fact: FillFact, instruments: Instruments) -> EventView:
    fill = fact.fill
    parts = [_trade(fill.symbol, fill.side, fill.steps, fill.price, instruments)]
    known = instruments.get(fill.symbol)
    unit = "" if known is not None and fill.fee_asset == known.quote else f" {fill.fee_asset}"
    parts.append(f"fee {number(fill.fee)}{unit}")
    if fact.cycles:
        parts.append(f"{_plural(fact.cycles, 'cycle')} closed, grid {signed(fact.grid_profit)}")
    if fill.forced:
        parts.append(f"forced by the exchange: {fill.forced}")
    elif not fill.ours:
        parts.append("not an order of ours: external lot")
    level = "error" if fill.forced else "info" if fill.ours else "warning"
    return EventView(fill.at, level, "fill", fill.symbol, "  ".join(parts))


@_line.register
def _(fact: IntentFact, instruments: Instruments) -> EventView:
    return EventView(fact.at, "info", "sent", fact.order.symbol, describe(fact.order, instruments))


@_line.register
def _(fact: AdoptFact, instruments: Instruments) -> EventView:
    order = fact.adopted.order
    why = "so another hand has changed it" if fact.adopted.changed else "found on the exchange, no record here"
    text = f"{describe(order, instruments)}  {why}"
    return EventView(fact.at, "warning", "adopted", order.symbol, text)


@_line.register
def _(fact: OrderFact, _: Instruments) -> EventView | None:
    report = fact.report
    said = _REPORTS.get(report.outcome)
    if said is None:
        return None
    if report.code == POST_ONLY_REFUSED or "immediately match" in report.detail.lower():
        text = f"{report.client_id} would have taken: priced anew"
        return EventView(fact.at, "info", "order", report.symbol, text)
    if report.never_left:
        return EventView(fact.at, "info", "order", report.symbol, f"{report.client_id} {report.detail}")
    level, word = said
    code = f" ({report.code})" if report.code else ""
    detail = f": {report.detail}" if report.detail else ""
    return EventView(fact.at, level, "order", report.symbol, f"{report.client_id} {word}{code}{detail}")


@_line.register
def _(fact: CashFact, _: Instruments) -> EventView:
    cash = fact.cash
    words = {CashKind.FUNDING: "funding received" if cash.amount >= 0 else "funding paid"}
    word = words.get(cash.cash_kind, str(cash.cash_kind))
    level = "info" if cash.cash_kind in (CashKind.FUNDING, CashKind.TRANSFER) else "warning"
    return EventView(
        cash.at, level, str(cash.cash_kind), cash.symbol, f"{word} {signed(cash.amount)} {cash.asset}"
    )


@_line.register
def _(fact: PlanFact, _: Instruments) -> EventView:
    return _plan(fact, None)


@_line.register
def _(fact: WeightsFact, _: Instruments) -> EventView:
    weights = fact.weights
    text = f"UP {weights.up:.2f}  DOWN {weights.down:.2f}  NEUTRAL {weights.neutral:.2f}  ({fact.cause})"
    return EventView(fact.at, "info", "weights", "", text)


@_line.register
def _(fact: ModeFact, _: Instruments) -> EventView:
    name = fact.name.replace("_", " ")
    if not fact.value:
        text = f"{name} cleared"
    elif fact.name == "stopped":  # the value is when, as a number
        text = "latched: its resting stop fired"
    else:
        text = name if fact.value in ("1", "true", "on") else f"{name}: {fact.value}"
    return EventView(fact.at, "warning", "mode", fact.symbol, text)


@_line.register
def _(fact: BreakerFact, _: Instruments) -> EventView:
    code, where = fact.name.replace("_", " "), f"{fact.level} breaker"
    if fact.since is None:
        return EventView(fact.at, "info", "breaker", fact.symbol, f"{where} {code} closed: new risk may be taken again")
    return EventView(fact.at, "warning", "breaker", fact.symbol, f"{where} {code} open: {fact.detail}")


@_line.register
def _(fact: StartFact, _: Instruments) -> EventView:
    held = ", ".join(f"{number(amount)} {asset}" for asset, amount in sorted(fact.balances.items()))
    lot = "" if fact.capital is None else f", {number(fact.capital)} of it allotted"
    return EventView(fact.at, "info", "start", "", f"the ledger begins with {held or 'nothing'}{lot}")


@_line.register
def _(fact: DecisionFact, _: Instruments) -> EventView | None:
    if fact.level == "debug":
        return None
    return EventView(fact.at, fact.level, fact.code, fact.symbol, fact.detail)


def describe(order: NewOrder, instruments: Instruments) -> str:
    """An order in words: ``sell 0.026 @ 62 192``."""
    if order.trigger is not None:
        known = instruments.get(order.symbol)
        trigger = number(known.price(order.trigger)) if known else f"{order.trigger} ticks"
        size = (
            "the whole position"
            if order.close_position
            else _quantity(order.symbol, order.steps, instruments)
        )
        return f"stop: {_SIDES[order.side]} {size} at mark {trigger}"
    text = _trade(order.symbol, order.side, order.steps, order.price, instruments)
    if order.purpose is Purpose.GRID:
        return text
    return f"{text}  {'reduce-only' if order.reduce_only else order.purpose}"


def number(value: Decimal) -> str:
    """A decimal in full, thousands apart, without trailing zeros: ``60 000``, ``0.312``."""
    plain = f"{value:f}"
    whole, _, rest = plain.partition(".")
    rest = rest.rstrip("0")
    sign, digits = ("−", whole[1:]) if whole.startswith("-") else ("", whole)
    grouped = f"{int(digits):,}".replace(",", " ")
    if grouped == "0" and not rest:
        return "0"
    return f"{sign}{grouped}.{rest}" if rest else f"{sign}{grouped}"


def signed(value: Decimal) -> str:
    """A decimal with its sign."""
    return f"+{number(value)}" if value > 0 else number(value)


def _quantity(symbol: Symbol, steps: Steps, instruments: Instruments) -> str:
    known = instruments.get(symbol)
    return number(known.quantity(steps)) if known else f"{steps} steps"


def _trade(symbol: Symbol, side: Side, steps: Steps, price: Ticks | None, instruments: Instruments) -> str:
    known = instruments.get(symbol)
    if price is None:
        where = "at market"
    else:
        where = f"@ {number(known.price(price))}" if known else f"@ {price} ticks"
    return f"{_SIDES[side]} {_quantity(symbol, steps, instruments)} {where}"


def _plan(fact: PlanFact, before: GridPlan | None) -> EventView:
    """``epoch 41 → 42: centre −0.3 s, UP .44 → .50``: only what changed visibly."""
    plan = fact.plan
    if before is None:
        return EventView(fact.at, "info", "plan", plan.symbol, f"epoch {plan.epoch}: {_whole_plan(plan)}")
    changes: list[str] = []
    if plan.centre is not None and before.centre is not None and plan.spacing:
        moved = (plan.centre - before.centre) / plan.spacing
        if abs(moved) >= 0.05:
            changes.append(f"centre {_float(moved, '+.1f')} s")
    if (
        plan.spacing is not None
        and before.spacing is not None
        and _differs(plan.spacing, before.spacing, 1e-4)
    ):
        changes.append(f"spacing {before.spacing:.2%} → {plan.spacing:.2%}")
    if plan.label != before.label:
        changes.append(f"{before.label} → {plan.label}")
    elif _differs(plan.bias, before.bias, 0.005):
        changes.append(f"bias {_float(before.bias, '+.2f')} → {_float(plan.bias, '+.2f')}")
    changes += _votes(before.votes, plan.votes)
    if _differs(plan.leverage, before.leverage, 0.005):
        changes.append(f"leverage {before.leverage:.2f}x → {plan.leverage:.2f}x")
    text = ", ".join(changes) or "no visible change"
    return EventView(fact.at, "info", "plan", plan.symbol, f"epoch {before.epoch} → {plan.epoch}: {text}")


def _whole_plan(plan: GridPlan) -> str:
    spacing = "no spacing yet" if plan.spacing is None else f"spacing {plan.spacing:.2%}"
    lots = "no rungs" if plan.lot == 0 else f"{plan.levels} rungs a side"
    return f"{plan.label}, bias {_float(plan.bias, '+.2f')}, {spacing}, {lots}, leverage {plan.leverage:.2f}x"


def _votes(before: Votes, now: Votes) -> list[str]:
    pairs = (
        ("UP", before.up, now.up),
        ("DOWN", before.down, now.down),
        ("NEUTRAL", before.neutral, now.neutral),
    )
    return [f"{name} {old:.2f} → {new:.2f}" for name, old, new in pairs if _differs(old, new, 0.01)]


def _differs(a: float, b: float, least: float) -> bool:
    return abs(a - b) >= least


def _float(value: float, spec: str) -> str:
    return format(value, spec).replace("-", "−")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
