"""The exchange's side, compiled: orders taken or refused, bars against orders, stops and margin.

Mirrors ``exchange.simulated`` for one symbol and one account; what happens is written on the wire as events.
"""

import math
from typing import Final

from gridbot_tui.research.screen.book import WOULD_TAKE
from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.money import balance, cut, fee_in_base, maintenance, slipped
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import (
    ACCEPTED,
    ASKS,
    AT_PRICE,
    BIDS,
    CANCEL_IT,
    CANCELED,
    CASH,
    EXPIRED,
    FILLED_BY,
    GRID,
    KIND,
    MAKER,
    MARKET,
    NEWS,
    NOWHERE,
    NUMBER,
    ON_LADDER,
    PEG,
    PLACE,
    PRICE,
    REFUSED,
    RESTS,
    ROW,
    SIDE,
    SINGLES,
    SIZE,
    STEPS,
    STOP,
    WATCHED,
    WHAT,
    WHOSE,
    WIRE,
    XLEFT,
    Integers,
    NoRoom,
    State,
)

# Codes of refusals; only that equal ones are equal matters.
PRICE_RANGE, QUANTITY, PERCENT, LEAST, TOO_MANY, REDUCE_ONLY, WOULD_TRIGGER, POSITION, MARGIN = range(1, 10)
FORCED: Final = -1
"""Row of a fill by the exchange itself."""
NEVER: Final = 1 << 62


@inlined
def tell(w: State, what: int, row: int, price: int, steps: int, maker: int) -> None:
    """An event leaves for the engine."""
    if w.events >= WIRE:
        raise NoRoom("more events in a moment than a bar can make")
    e = w.event[w.events]
    e[WHAT], e[ROW], e[WHOSE] = what, row, w.order[row, NUMBER] if row >= 0 else 0
    e[AT_PRICE], e[STEPS], e[MAKER] = price, steps, maker
    w.events += 1


@compiled
def pay(w: State, amount: float, insured: int) -> None:
    """Money comes or goes other than by a trade: by funding, or (``insured``) by a liquidation."""
    w.xpaid += amount
    w.money[w.events] = amount
    tell(w, CASH, FORCED, 0, insured, 0)


@compiled
def serve(w: State, n: Numbers) -> None:
    """Every request that has arrived; what it causes is told afterwards."""
    many, w.requests = w.requests, 0
    for i in range(many):
        serve_one(w, n, i)
    w.unwatched = 1


@inlined
def serve_one(w: State, n: Numbers, i: int) -> None:
    """A request."""
    row = w.request[i, ROW]
    o = w.order[row]
    if o[NUMBER] != w.request[i, WHOSE]:
        tell(w, NEWS, row, 0, 0, 0)  # it has ended meanwhile: the cancel is refused, and that is news of nothing
    elif w.request[i, WHAT] == CANCEL_IT:
        if o[RESTS] == NOWHERE:
            tell(w, NEWS, row, 0, 0, 0)
        else:
            end(w, row, CANCELED)
    else:
        _place(w, n, row)


@inlined
def end(w: State, row: int, how: int) -> None:
    """An order stands no more."""
    o = w.order[row]
    if o[RESTS] == ON_LADDER:
        _expose(w, o, -o[XLEFT])
    o[RESTS] = NOWHERE
    tell(w, how, row, 0, 0, 0)


@inlined
def _place(w: State, n: Numbers, row: int) -> None:
    code = _check(w, n, row) or _admit(w, n, row)
    if code:
        tell(w, REFUSED, row, code, 0, 0)
        return
    o = w.order[row]
    w.taken += 1
    o[PLACE] = w.taken
    tell(w, ACCEPTED, row, 0, 0, 0)
    if o[KIND] == STOP:
        o[RESTS] = WATCHED
    elif o[KIND] == MARKET:
        take_market(w, n, row, slipped(w.last, o[SIDE], n))
    else:
        o[RESTS] = ON_LADDER
        _expose(w, o, o[XLEFT])
        if o[KIND] == PEG:
            _knock_out(w, n)


@inlined
def _check(w: State, n: Numbers, row: int) -> int:
    """Every refusal that needs no look at the funds, in the order in which Binance gives them; 0 for none."""
    o = w.order[row]
    kind, side, price, steps = o[KIND], o[SIDE], o[PRICE], o[SIZE]
    closes = kind != GRID and not n.spot
    reference = w.last if n.spot else w.xmark
    limit = kind <= PEG
    if kind != MARKET and (price < max(1, n.min_price) or price > n.max_price):
        return PRICE_RANGE
    if steps < max(1, n.min_steps) or steps > (n.max_steps if limit else n.market_max_steps):
        return QUANTITY
    at = price if limit else slipped(w.last, side, n)
    if (limit or (kind == MARKET and not n.spot)) and (
        at > reference * n.percent_up if side > 0 else at < reference * n.percent_down
    ):
        return PERCENT
    if not closes and (price if kind != MARKET else reference) * steps < n.least_value:
        return LEAST
    if w.count + w.stops_beside > (n.max_stops if kind == STOP else n.max_orders) and _too_many(w, n, kind):
        return TOO_MANY
    if closes and kind != STOP and w.xpos * side >= 0:
        return REDUCE_ONLY
    if limit and (price > w.last if side > 0 else price < w.last):
        return WOULD_TAKE
    if kind == STOP and (w.xmark >= price if side > 0 else w.xmark <= price):
        return WOULD_TRIGGER
    return 0


@compiled
def _too_many(w: State, n: Numbers, kind: int) -> bool:
    found = w.stops_beside if kind == STOP else 0
    for listed in range(3):
        for i in range(w.length[listed]):
            rests = w.order[w.live[listed, i], RESTS]
            found += rests == (WATCHED if kind == STOP else ON_LADDER)
    return bool(found >= (n.max_stops if kind == STOP else n.max_orders))


@inlined
def _admit(w: State, n: Numbers, row: int) -> int:
    """What the funds say; 0 for yes."""
    o = w.order[row]
    price = o[PRICE] if o[KIND] != MARKET else slipped(w.last, o[SIDE], n)
    if n.spot:
        return 0 if _free(w, n, o[SIDE]) >= (price * o[SIZE] if o[SIDE] > 0 else o[SIZE] * n.step_units) else MARGIN
    if o[KIND] != GRID:
        return 0
    buys, sells = w.xbuys, w.xsells
    now = exposure(w, buys, sells)
    added = price * o[SIZE]
    grown = exposure(w, buys + added, sells) if o[SIDE] > 0 else exposure(w, buys, sells + added)
    if grown <= now:
        return 0
    if 2 * grown > n.most_value:
        w.near_most = 1
    if grown > n.most_value:
        return POSITION
    free = balance(w, n, w.xmark) - w.xtaken_beside - n.unit * now / n.leverage
    return 0 if free >= n.unit * (grown - now) / n.leverage - 1e-9 else MARGIN


@inlined
def exposure(w: State, buys: int, sells: int) -> int:
    """Ticks x steps that initial margin is taken on."""
    held = w.xpos * w.xmark
    return int(max(abs(held + buys), abs(held - sells)))


@inlined
def _expose(w: State, o: Integers, steps: int) -> None:
    """More (or less) of a resting order counts for the initial margin."""
    if o[KIND] == GRID:
        if o[SIDE] > 0:
            w.xbuys += o[PRICE] * steps
        else:
            w.xsells += o[PRICE] * steps


@compiled
def _free(w: State, n: Numbers, side: int) -> int:
    """Spot: what is not held by resting orders; ticks x steps of quote for a buy, parts of base for a sell."""
    held = 0
    for listed in (BIDS if side > 0 else ASKS, SINGLES):
        for i in range(w.length[listed]):
            o = w.order[w.live[listed, i]]
            if o[RESTS] == ON_LADDER and o[SIDE] == side:
                held += o[PRICE] * o[XLEFT] if side > 0 else o[XLEFT] * n.step_units
    if side > 0:
        return int(math.floor((n.capital + w.xbeside - w.xfees) / n.unit + 1e-6) + w.xcash - held)
    return int(w.xbase - held)


@compiled
def take_market(w: State, n: Numbers, row: int, price: int) -> None:
    """Execute a taker in full; a reduce-only one at most to flat, the rest of it expires."""
    o = w.order[row]
    steps = o[XLEFT]
    if not n.spot:
        steps = min(steps, abs(w.xpos)) if w.xpos * o[SIDE] < 0 else 0
    if steps:
        execute(w, n, row, price, steps, 0)
    if o[XLEFT] > 0:
        end(w, row, EXPIRED)


@compiled
def settle(w: State, n: Numbers, side: int, price: int, steps: int, maker: int) -> None:
    """One trade in the exchange's account."""
    w.xcash -= side * price * steps
    if n.spot and side > 0:
        whole = steps * n.step_units
        w.xbase += whole - fee_in_base(whole, n.maker_units if maker else n.taker_units)
    else:
        w.xfees += cut(price * steps * n.unit * (n.maker if maker else n.taker))
        w.xbase -= steps * n.step_units if n.spot else 0
    if not n.spot:
        w.xpos += side * steps


@compiled
def execute(w: State, n: Numbers, row: int, price: int, steps: int, maker: int) -> None:
    """One trade: account, order, news; then whatever the new position knocks out."""
    o = w.order[row]
    settle(w, n, o[SIDE], price, steps, maker)
    if o[RESTS] == ON_LADDER:
        _expose(w, o, -steps)
    o[XLEFT] -= steps
    if o[XLEFT] <= 0:
        o[RESTS] = NOWHERE
    elif maker:
        w.partials += 1
    tell(w, FILLED_BY, row, price, steps, maker)
    tell(w, NEWS, row, 0, 0, 0)
    if not n.spot:
        _insure(w, n)
        _knock_out(w, n)


@compiled
def _insure(w: State, n: Numbers) -> None:
    """A flat account owes nothing."""
    if w.xpos == 0 and w.held_many_beside == 0:
        owed = balance(w, n, 0)
        if owed < 0.0:
            pay(w, -owed, 1)


@compiled
def _knock_out(w: State, n: Numbers) -> None:
    """Resting reduce-only orders that have nothing left to reduce expire; there is one at most."""
    for i in range(w.length[SINGLES]):
        row = w.live[SINGLES, i]
        o = w.order[row]
        if o[KIND] == PEG and o[RESTS] == ON_LADDER and not n.spot and w.xpos * o[SIDE] >= 0:
            end(w, row, EXPIRED)


@inlined
def best(w: State, side: int) -> int:
    """The resting order of a side that is first in line; -1 for none."""
    found, price, place = -1, 0, 0
    for listed in (BIDS if side > 0 else ASKS, SINGLES):
        for i in range(w.length[listed]):
            row = w.live[listed, i]
            o = w.order[row]
            if o[RESTS] == ON_LADDER and o[SIDE] == side:
                ahead = (o[PRICE] - price) * side
                if found < 0 or ahead > 0 or (ahead == 0 and o[PLACE] < place):
                    found, price, place = row, o[PRICE], o[PLACE]
    return found


@compiled
def watch(w: State, n: Numbers) -> None:
    """The prices between which a bar concerns no order, no stop and no margin: found when the next bar is there."""
    w.unwatched = 0
    buy, sell, low, high = -1, NEVER, -1, NEVER
    for i in range(w.length[BIDS]):
        o = w.order[w.live[BIDS, i]]
        buy = max(buy, o[PRICE] if o[RESTS] == ON_LADDER else buy)
    for i in range(w.length[ASKS]):
        o = w.order[w.live[ASKS, i]]
        sell = min(sell, o[PRICE] if o[RESTS] == ON_LADDER else sell)
    for i in range(w.length[SINGLES]):
        o = w.order[w.live[SINGLES, i]]
        if o[RESTS] == ON_LADDER:
            if o[SIDE] > 0:
                buy = max(buy, o[PRICE])
            else:
                sell = min(sell, o[PRICE])
        elif o[RESTS] == WATCHED:
            if o[SIDE] < 0:
                low = max(low, o[PRICE])
            else:
                high = min(high, o[PRICE])
    w.next_buy, w.next_sell = buy, sell
    if w.xpos and not n.spot:
        low, high = _band(w, n, low, high)
    w.low_watch, w.high_watch = low, high


@compiled
def _band(w: State, n: Numbers, low: int, high: int) -> tuple[int, int]:
    """Marks up to which the margin cannot matter: a loss of less than the room, at the dearest rate on the way."""
    notional = abs(w.xpos) * w.xmark * n.unit
    room = (balance(w, n, w.xmark) - maintenance(n, notional) - w.xneeds_beside) / (1 + w.held_many_beside)
    if room <= 0.0:
        return NEVER, high
    slope = 1.0
    for i in range(n.brackets):
        slope = 1.0 + n.bracket[i, 1]
        if 2.0 * notional <= n.bracket[i, 0]:
            break
    move = 0.999 * room / (n.unit * abs(w.xpos) * slope)
    if w.xpos > 0:
        return max(low, int(w.xmark - min(move, 1e15))), high
    return low, min(high, int(w.xmark + min(move, w.xmark)))
