"""What the engine makes of news, compiled: ``engine.on_orders`` and the ledger's part of it."""

from gridbot_tui.research.screen.book import accepted, forget, live, refused
from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.fixed import filled
from gridbot_tui.research.screen.money import cut, fee_in_base
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.reconcile import converge
from gridbot_tui.research.screen.state import (
    ACCEPTED,
    ASKS,
    AT_PRICE,
    BIDS,
    CANCELED,
    CANCELLING,
    CASH,
    CASH_NOTE,
    EPOCH,
    FILL_NOTE,
    FILLED_BY,
    FIRED,
    GRID,
    KIND,
    LEFT,
    LIFE,
    MAKER,
    NEWS,
    NOTED_AT,
    NOTED_EPOCH,
    NOTED_GRID,
    NOTED_MAKER,
    NOTED_MARK,
    NOTED_ORDER,
    NOTED_PRICE,
    NOTED_RUNG,
    NOTED_SIDE,
    NOTED_STEPS,
    NOTED_SYMBOL,
    NOTED_WHAT,
    NUMBER,
    PARTLY,
    REFUSED,
    ROW,
    RUNG,
    SENDING,
    SIDE,
    SINGLES,
    STANDS,
    STEPS,
    TRIGGERED,
    WHAT,
    WHOSE,
    Integers,
    State,
)


@compiled
def listen(w: State, n: Numbers, notes: Integers, moment: int) -> None:
    """Handle everything that the exchange has told, in order. ``notes``: see ``NOTED_WHAT``."""
    many, w.events = w.events, 0
    for i in range(many):
        hear(w, n, notes, moment, i)
        if w.dirty:
            converge(w, n)
        if w.dirty:
            converge(w, n)


@inlined
def hear(w: State, n: Numbers, notes: Integers, moment: int, i: int) -> None:
    """Take in one of the events."""
    e = w.event[i]
    what, row = e[WHAT], e[ROW]
    if what == CASH:
        w.paid += w.money[i]
        w.insured += w.money[i] if e[STEPS] else 0.0
        w.turn += w.dirty
        if w.noting:
            _note_cash(w, notes, e[STEPS], moment)
    elif what == FILLED_BY:
        _fill(w, n, row, e, notes, moment)
        w.turn += 1
    elif w.order[row, NUMBER] != e[WHOSE] or what == NEWS:
        w.turn += 1
    else:
        _report(w, n, row, what, e[AT_PRICE])


@compiled
def _fill(w: State, n: Numbers, row: int, e: Integers, notes: Integers, moment: int) -> None:
    """Book one execution; the ladder follows from the position it leaves. Without an order it was forced."""
    price, steps, maker, side = e[AT_PRICE], e[STEPS], e[MAKER], 1
    if row < 0:
        side, steps = (1, steps) if steps > 0 else (-1, -steps)
    else:
        side = w.order[row, SIDE]
    if n.plain:
        level, grid, order = (w.order[row, RUNG], w.order[row, KIND] == GRID, e[WHOSE]) if row >= 0 else (0, False, -1)
        fee = cut(price * steps * n.unit * (n.maker if maker else n.taker))
        filled(w, n, side, price, steps, fee, level, grid, order)
    book(w, n, side, price, steps, maker)
    if w.noting:
        _note_fill(w, notes, row, e, side, steps, moment)
    w.made += 1
    w.touch = w.close
    if maker:
        w.touch = min(w.close, price) if side > 0 else max(w.close, price)
    w.dirty = 1
    if row < 0 or w.order[row, NUMBER] != e[WHOSE]:
        return
    o = w.order[row]
    o[LEFT] -= steps
    if o[LEFT] <= 0:
        forget(w, row)
    elif o[LIFE] == STANDS or o[LIFE] == SENDING:
        live(w, row, PARTLY)


@compiled
def _note_fill(w: State, notes: Integers, row: int, e: Integers, side: int, steps: int, moment: int) -> None:
    """Write a fill down, with what the ledger asks of its order."""
    if w.noted < len(notes):
        f = notes[w.noted]
        f[NOTED_WHAT], f[NOTED_AT], f[NOTED_SIDE], f[NOTED_PRICE], f[NOTED_STEPS] = (
            FILL_NOTE, moment, side, e[AT_PRICE], steps)  # fmt: skip
        f[NOTED_MAKER], f[NOTED_MARK], f[NOTED_ORDER], f[NOTED_SYMBOL] = e[MAKER], w.mark, -1, w.symbol
        if row >= 0:  # of an order that has ended meanwhile the ledger knows no more than its number
            o = w.order[row]
            f[NOTED_ORDER] = e[WHOSE]
            f[NOTED_GRID], f[NOTED_RUNG], f[NOTED_EPOCH] = o[KIND] == GRID, o[RUNG], o[EPOCH]
    w.noted += 1


@compiled
def _note_cash(w: State, notes: Integers, insured: int, moment: int) -> None:
    """Write down that money came or went; ``insured``: by a liquidation. How much it was follows from the books."""
    if w.noted < len(notes):
        f = notes[w.noted]
        f[NOTED_WHAT], f[NOTED_AT], f[NOTED_SIDE], f[NOTED_PRICE], f[NOTED_MARK] = (
            CASH_NOTE, moment, insured, w.xmark, w.mark)  # fmt: skip
        f[NOTED_SYMBOL] = w.symbol
    w.noted += 1


@compiled
def book(w: State, n: Numbers, side: int, price: int, steps: int, maker: int) -> None:
    """A fill in the engine's ledger."""
    value = price * steps * n.unit
    w.traded += value
    w.cash -= side * price * steps
    if not n.spot:
        w.fees += cut(value * (n.maker if maker else n.taker))
        w.pos += side * steps
        return
    if side < 0:
        w.fees += cut(value * (n.maker if maker else n.taker))
        excess = max(0, steps - w.pos)
        w.pos -= steps
        w.pos += excess
    else:
        _bought(w, n, price, steps, maker)
    if w.dust < 0:  # a base fee took more than the dust: lots give whole steps for it
        part = min((-w.dust + n.step_units - 1) // n.step_units, w.pos)
        w.pos -= part
        w.dust += part * n.step_units


@compiled
def _bought(w: State, n: Numbers, price: int, steps: int, maker: int) -> None:
    """Spot: a lot is what arrived net of its fee; the fractions of a step are dust."""
    w.dust -= fee_in_base(steps * n.step_units, n.maker_units if maker else n.taker_units)
    lost = 0
    if w.dust < 0:
        lost = min((-w.dust + n.step_units - 1) // n.step_units, steps)
    w.dust += lost * n.step_units
    whole = w.dust // n.step_units if w.dust > 0 else 0
    w.dust -= whole * n.step_units
    w.pos += steps - lost + whole


@inlined
def _report(w: State, n: Numbers, row: int, what: int, code: int) -> None:
    """News of an order that stands or may stand."""
    o = w.order[row]
    kind, sign, before = o[KIND], o[SIDE], o[LIFE]
    if what == ACCEPTED:
        if before == SENDING:
            live(w, row, STANDS)
        else:
            w.turn += 1
        accepted(w, kind, sign)
        if kind == GRID and w.done_with and w.shaped_turn == w.turn and w.shaped_at == w.at and not w.dirty_next:
            return  # another look would find what the last one left
        if not (
            kind == GRID and not w.withheld and not w.waits and w.sending[BIDS] + w.sending[ASKS] + w.sending[SINGLES]
        ):
            w.dirty = 1
        return
    if what == TRIGGERED:
        live(w, row, FIRED)
        w.turn += 2
        w.stopped = w.dirty = 1
        return
    if what != CANCELED or before != CANCELLING:
        w.turn += 1
    if what == REFUSED:
        w.touch = w.close
        refused(w, n, kind, sign, code)
    forget(w, row)
    if not (what == CANCELED and kind == GRID and not w.withheld and w.cancelling[BIDS if sign > 0 else ASKS]):
        w.dirty = 1
