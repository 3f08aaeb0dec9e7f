"""The run itself, compiled: bars to fills to plans to orders, one symbol, one pass."""

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import njit

from gridbot_tui.research.screen import learn, orders, plans, shadows
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.strategy.ensemble import Shape

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]
else:
    Floats = Integers = Flags = Any

Triple = tuple[float, float, float]
OPEN, HIGH, LOW, CLOSE, MARK_LOW, MARK_HIGH, MARK = range(7)
WALLET, ENTRY, PEAK, AVERAGE, TIER, FALL, TRADED, HALTED, STARTED, LEFT, GAP = range(11)
ACCOUNT: Final = 11
"""Numbers of the account: wallet, value of the position at entry, peak of equity, averaged drawdown, ..."""
PASSIVE: Final = 1


@njit(cache=True)
def run(
    bars: Integers, volume: Floats, hour: Integers, features: Floats, funding: Floats, midnight: Flags, minutes: float,
    n: Numbers, shape: Shape, prior: Triple, fills: Integers, equity: Floats,
) -> tuple[int, float, float]:  # fmt: skip
    """(fills, deepest fall, traded notional). ``fills``: rows of (bar, side, ticks, steps); ``equity``: each bar's."""
    three = np.zeros((3, shadows.WIDTH))
    three[:, shadows.DAY_EQUITY] = math.nan
    three[:, shadows.BELOW], three[:, shadows.ABOVE] = -math.inf, math.inf
    scratch = np.empty((4, orders.MOST))
    belief = np.zeros(learn.WIDTH)
    learn.begin(belief, prior)
    p, steps_of = np.zeros(plans.WIDTH), np.zeros(5, dtype=np.int64)
    live = np.zeros((2, 2 * orders.MOST, orders.WIDTH), dtype=np.int64)
    slots = np.zeros((2, orders.MOST + 1, orders.WIDTH), dtype=np.int64)
    count, done = np.zeros(2, dtype=np.int64), np.zeros(orders.MOST + 1, dtype=np.int64)
    issued, met = np.zeros(1, dtype=np.int64), np.zeros((4 * orders.MOST, 4), dtype=np.int64)
    a = np.zeros(ACCOUNT)
    a[WALLET] = a[PEAK] = n.capital
    a[LEFT] = n.enter3
    pull = 1.0 - math.exp(-minutes / n.average_minutes)
    position, epoch, made, unwinding = 0, 0, 0, 0
    warm, tick, unit = False, n.tick, n.tick * n.step
    close, mark = bars[0, CLOSE], bars[0, MARK]
    touch_bid = touch_ask = close
    planned = False
    shadow_low, shadow_high = -math.inf, math.inf
    next_buy, next_sell = -1, 1 << 62
    for i in range(len(bars)):
        low, high = bars[i, LOW], bars[i, HIGH]
        happened = 0
        if planned and (low < next_buy or high > next_sell):
            happened = _meet(bars, i, volume[i], live, count, position, n, met)
        if not math.isnan(funding[i]):
            held = position
            for k in range(happened):
                held += met[k, 0] * met[k, 2]
            a[WALLET] -= held * bars[i, MARK] * unit * funding[i]
        waits = missed = False
        for k in range(happened):
            sign, price, size = met[k, 0], met[k, 1], met[k, 2]
            position = _book(a, position, sign, price, size, unit, n.maker)
            if made < len(fills):
                fills[made, 0], fills[made, 1], fills[made, 2], fills[made, 3] = i, sign, price, size
            made += 1
            _reduce(live[0 if sign > 0 else 1], count[0 if sign > 0 else 1], met[k, 3], size)
            touch_bid = touch_ask = min(close, price) if sign > 0 else max(close, price)
            unwinding, later = _converge(
                live, count, slots, done, p, steps_of, position, touch_bid, touch_ask, close, mark, epoch, n, a, 1,
                issued,
            )  # fmt: skip
            waits = waits or later
        before, close, mark = close * tick, bars[i, CLOSE], bars[i, MARK]
        price_now = close * tick
        if not math.isnan(funding[i]):  # heard of before the bar, at the close before it
            for k in range(3):
                three[k, shadows.CASH] -= three[k, shadows.POSITION] * before * funding[i]
        if low * tick < shadow_low or high * tick > shadow_high:
            for k in range(3):
                shadows.bar(three[k], high * tick, low * tick, price_now, tick, n.maker, scratch)
            shadow_low, shadow_high = shadows.quiet(three)
        row = hour[i]
        said = (0.0, 0.0, 0.0)
        decided = False
        if row >= 0 and features[row, plans.WARM] != 0.0:
            decided = warm = True
            said = plans.voted(features[row], n)
            for k in range(3):
                plans.shadow(three[k], k, features[row], said, shape, n, price_now)
                shadows.arm(three[k], price_now, tick, scratch[0], scratch[1])
            shadow_low, shadow_high = shadows.quiet(three)
        if midnight[i]:
            up, down = shadows.day(three[0], price_now, warm), shadows.day(three[1], price_now, warm)
            flat = shadows.day(three[2], price_now, warm)
            if not (math.isnan(up) or math.isnan(down) or math.isnan(flat)):
                learn.step(belief, (up, down, flat), prior, n)
        worth = a[WALLET] + position * mark * unit - a[ENTRY]
        equity[i] = worth
        changed = _tiers(a, worth, pull, n)
        if a[TIER] == 3.0:
            if position:
                sign = -1 if position > 0 else 1
                way = round(close * (1.0 + sign * n.slippage))
                size = abs(position)
                position = _book(a, position, sign, way, size, unit, n.taker)
                if made < len(fills):
                    fills[made, 0], fills[made, 1], fills[made, 2], fills[made, 3] = i, sign, way, size
                made += 1
            planned = False
            count[:] = 0
            continue
        if decided or (changed and planned):
            if not decided:
                row = _last_row(hour, i)
                said = plans.voted(features[row], n)
            weights = (belief[0], belief[1], belief[2])
            scale = 1.0 if a[TIER] == 0.0 else n.scale1 if a[TIER] == 1.0 else n.scale2
            plans.plan(p, features[row], said, weights, shape, n, scale, worth, position * n.step, price_now)
            a[GAP] = p[plans.GAP]
            epoch += 1
            planned = True
            touch_bid = touch_ask = close
            _in_steps(steps_of, p, position, n.step)
            unwinding, later = _converge(
                live, count, slots, done, p, steps_of, position, close, close, close, mark, epoch, n, a, 0, issued
            )
            waits = later
        elif unwinding:
            unwinding, _ = _converge(
                live, count, slots, done, p, steps_of, position, touch_bid, touch_ask, close, mark, epoch, n, a, 0,
                issued,
            )  # fmt: skip
        for turn in range(2):  # what a fill sent reaches the exchange after the bar has closed
            if happened:
                count[0], missed_buy = orders.refused(live[0], count[0], True, close)
                count[1], missed_sell = orders.refused(live[1], count[1], False, close)
                missed = missed or missed_buy or missed_sell
            if missed:
                touch_bid = touch_ask = close
            elif not waits or turn == 1:
                break
            unwinding, _ = _converge(  # the cancels that it asked for are through, or what was refused is looked at
                live, count, slots, done, p, steps_of, position, touch_bid, touch_ask, close, mark, epoch, n, a,
                0 if missed else 2, issued,
            )  # fmt: skip
            if missed:
                break
        if decided or changed or happened or unwinding:
            next_buy, next_sell = orders.heads(live, count)
    return made, a[FALL], a[TRADED]


@njit(cache=True)
def _meet(
    bars: Integers, i: int, volume: float, live: Integers, count: Integers, position: int, n: Numbers, met: Integers
) -> int:
    """What a bar fills, in the exchange's order, into ``met``: rows of (sign, ticks, steps, number of the order).

    The orders are left as they are: who sent them hears of one fill after the other.
    """
    low, high = bars[i, LOW], bars[i, HIGH]
    buy_first = position > 0 or (position == 0 and bars[i, OPEN] - low <= high - bars[i, OPEN])
    budget = int(volume * n.volume_share / n.step) if n.volume_share > 0.0 else 1 << 62
    happened = 0
    for turn in range(2):
        side = 0 if buy_first == (turn == 0) else 1
        sign = 1 if side == 0 else -1
        taken = happened
        while budget > 0 and happened < len(met):
            best = -1
            for j in range(count[side]):
                used = False
                for k in range(taken, happened):
                    used = used or met[k, 3] == live[side, j, orders.NUMBER]
                if used or live[side, j, orders.STEPS] <= 0:
                    continue
                ahead = live[side, j, orders.PRICE] - (live[side, best, orders.PRICE] if best >= 0 else 0)
                if best < 0 or ahead * sign > 0:
                    best = j
            if best < 0:
                break
            price = live[side, best, orders.PRICE]
            if price <= low if side == 0 else price >= high:
                break
            size = min(live[side, best, orders.STEPS], budget)
            if live[side, best, orders.RUNG] == orders.TARGET:
                size = min(size, abs(position))
            if size <= 0:
                break
            met[happened, 0], met[happened, 1], met[happened, 2] = sign, price, size
            met[happened, 3] = live[side, best, orders.NUMBER]
            happened += 1
            budget -= size
            position += sign * size
            if size < live[side, best, orders.STEPS]:
                break
    return happened


@njit(cache=True)
def _reduce(side: Integers, count: int, number: int, size: int) -> None:
    """A fill is heard: less of its order is left."""
    for j in range(count):
        if side[j, orders.NUMBER] == number:
            side[j, orders.STEPS] -= size


@njit(cache=True)
def _last_row(hour: Integers, i: int) -> int:
    while hour[i] < 0:
        i -= 1
    return int(hour[i])


@njit(cache=True)
def _book(a: Floats, position: int, sign: int, price: int, size: int, unit: float, fee: float) -> int:
    """A fill in the account: what it closes is realised at the average entry; the new position."""
    value = price * size * unit
    a[TRADED] += value
    a[WALLET] -= value * fee
    if position * sign >= 0:
        a[ENTRY] += sign * value
        return position + sign * size
    closing = min(size, abs(position))
    entry = a[ENTRY] * (closing / abs(position))
    a[WALLET] += -sign * closing * price * unit - entry
    a[ENTRY] -= entry
    if size > closing:
        a[ENTRY] = sign * (size - closing) * price * unit
    return position + sign * size


@njit(cache=True)
def _tiers(a: Floats, worth: float, pull: float, n: Numbers) -> bool:
    """Drawdown tiers of the account at a mark, the average moved by ``pull``; True where the tier changed."""
    a[PEAK] = max(a[PEAK], worth)
    a[LEFT] = max(0.0, 1.0 - (1.0 - n.enter3) * a[PEAK] / worth) if worth > 0.0 else 0.0
    raw = 1.0 - worth / a[PEAK]
    a[FALL] = max(a[FALL], raw)
    if a[STARTED] == 0.0:
        a[AVERAGE], a[STARTED] = raw, 1.0
    else:
        a[AVERAGE] += pull * (raw - a[AVERAGE])
    before = a[TIER]
    if before == 3.0:
        return False
    a[HALTED] = a[HALTED] + 1.0 if raw >= n.enter3 - 1e-12 else 0.0
    if a[HALTED] >= 2.0:
        a[TIER] = 3.0
        return True
    score = min(raw, a[AVERAGE])
    tier = before
    if score >= n.enter2 - 1e-12:
        tier = 2.0
    elif score >= n.enter1 - 1e-12:
        tier = max(tier, 1.0)
    if tier == 2.0 and score < n.leave2:
        tier = 1.0
    if tier == 1.0 and score < n.leave1:
        tier = 0.0
    a[TIER] = tier
    return bool(tier != before)


@njit(cache=True)
def _in_steps(out: Integers, p: Floats, position: int, step: float) -> None:
    """Lot, origin, bounds and levels of a plan in steps, rounded towards zero."""
    out[0], out[1] = int(p[plans.LOT] / step + 1e-9), position
    out[2], out[3], out[4] = int(p[plans.UPPER] / step), int(p[plans.LOWER] / step), int(p[plans.LEVELS])


@njit(cache=True)
def _converge(
    live: Integers, count: Integers, slots: Integers, done: Integers, p: Floats, plan: Integers, position: int,
    bid: int, ask: int, close: int, mark: int, epoch: int, n: Numbers, a: Floats, fresh: int, issued: Integers,
) -> tuple[int, bool]:  # fmt: skip
    """Make the orders of both sides what is wanted: (1 while a passive target is being worked, creates wait).

    ``fresh``: 1 for what a fill asks for while the bar is not closed yet, 2 for what its cancels set free.
    """
    limit = n.min_notional / (n.tick * n.step)
    target, passive, waits = position, 0, False
    if not math.isnan(p[plans.UNWIND]):
        bound = int(p[plans.UNWIND] / n.step)
        if (position > 0 and bound < position) or (position < 0 and bound > position):
            target = max(bound, 0) if position > 0 else min(bound, 0)
            passive = PASSIVE
    many_buys = many_sells = 0
    if p[plans.PRICED] != 0.0:
        for side in range(2):
            buy = side == 0
            if passive and (position < 0) == buy:
                continue
            entries = a[TIER] != 2.0 or position == 0 or (position < 0) == buy
            many = orders.wanted(
                slots[side], buy, position, bid if buy else ask, plan, p[plans.ANCHOR], p[plans.SPACING], n.skew,
                n.tick, limit, n.min_steps, n.depth, entries,
            )  # fmt: skip
            many_buys, many_sells = (many, many_sells) if buy else (many_buys, many)
        many_buys, many_sells = _admit(slots, many_buys, many_sells, position, mark, n, a)
    near = n.near * p[plans.SPACING]
    for side in range(2):
        if passive and (position < 0) == (side == 0):
            live[side, 0, orders.PRICE], live[side, 0, orders.STEPS] = close, abs(position - target)
            live[side, 0, orders.RUNG], live[side, 0, orders.EPOCH] = orders.TARGET, epoch
            live[side, 0, orders.EXIT], live[side, 0, orders.FRESH] = 0, 1 if fresh else 0
            issued[0] += 1
            live[side, 0, orders.NUMBER] = issued[0]
            count[side] = 1
        else:
            many = many_buys if side == 0 else many_sells
            count[side], later = orders.settle(
                live[side], count[side], slots[side], many, epoch, near, n.quantity, done, int(fresh == 1), issued
            )
            waits = waits or later
            if fresh == 2:
                live[side, : count[side], orders.FRESH] = 1
    return passive, waits


@njit(cache=True)
def _admit(
    slots: Integers, buys: int, sells: int, position: int, mark: int, n: Numbers, a: Floats
) -> tuple[int, int]:
    """The gate: entries withheld, the farthest first, until the worst case fits cap and gap budget."""
    unit = n.tick * n.step
    equity = a[WALLET] + position * mark * unit - a[ENTRY]
    for _ in range(2 * orders.MOST):
        bought, falls = orders.side_case(slots[0], buys, True, position, mark)
        sold, rises = orders.side_case(slots[1], sells, False, position, mark)
        exposure = max(abs(position) * mark, bought, sold) * unit
        left = equity - max(0, -falls, -rises) * unit
        fits = exposure <= n.limit * (1.0 - 1e-9) * left
        fits = fits and exposure * a[GAP] <= max(0.0, equity) * (a[LEFT] + n.reserve) * (1.0 - 1e-9)
        if fits:
            break
        buy_at, buy_gap = orders.farthest_entry(slots[0], buys, mark)
        sell_at, sell_gap = orders.farthest_entry(slots[1], sells, mark)
        if buy_at < 0 and sell_at < 0:
            break
        if buy_at >= 0 and sell_at >= 0:
            drop_buy = bought > sold or (bought == sold and buy_gap >= sell_gap)
        else:
            drop_buy = buy_at >= 0
        if drop_buy:
            buys = orders.withhold(slots[0], buys, buy_at)
        else:
            sells = orders.withhold(slots[1], sells, sell_at)
    return buys, sells
