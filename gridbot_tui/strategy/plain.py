"""Plain grids: a fixed range of levels, each owning its lot.

The plan is a function of the parameters, the price and the previous plan, which carries what must
survive a restart: where the range was laid, where trailing has taken it, and the equity it is sized by.
"""

import math
from itertools import pairwise
from typing import Literal

from msgspec.structs import replace

from gridbot_tui.strategy.adaptive import AccountInputs, Reason, SymbolInputs
from gridbot_tui.strategy.features import FeatureRow
from gridbot_tui.strategy.leverage import GAP_MOST, stress_gap
from gridbot_tui.strategy.params import LadderParams
from gridbot_tui.strategy.plain_params import PlainParams
from gridbot_tui.strategy.plan import GridPlan, Label, LadderKind, Votes, Weights
from gridbot_tui.strategy.votes import clip
from gridbot_tui.units import Market, Ms, Symbol, added

LEAST_TICKS = 10.0
LEAST_FEES = 12.0
LABELS: dict[str, Label] = {"long": "LONG", "short": "SHORT", "neutral": "NEUTRAL"}
NEAR = 1e-9
"""A level this close to the start, relatively, is at it: float noise, not price."""
GAP_HOURS = 72
"""Decision bars before a measured gap replaces the largest one."""
SILENT = Votes(0.0, 0.0, 0.0)


def levels(kind: LadderKind, lower: float, upper: float, count: int) -> tuple[float, ...]:
    """``count`` prices from ``lower`` to ``upper``, ascending: equal differences or equal ratios."""
    last = count - 1
    if kind == "geometric":
        step = math.log(upper / lower) / last
        inner = [lower * math.exp(step * j) for j in range(1, last)]
    else:
        inner = [lower + (upper - lower) * j / last for j in range(1, last)]
    return (lower, *inner, upper)


def least_distance(price: float, tick: float, maker_fee: float) -> float:
    """Two levels at ``price`` must be this far apart, quote: 10 ticks and 12 maker fees."""
    return max(LEAST_TICKS * tick, LEAST_FEES * maker_fee * price)


def most_levels(kind: LadderKind, lower: float, upper: float, tick: float, maker_fee: float) -> int:
    """Largest number of levels the range has room for; below 2 there is room for none."""
    # Fees bind where a step is the smallest share of price: at the top of an arithmetic grid,
    # everywhere of a geometric one. Ticks bind at the bottom of a geometric grid, where steps are smallest.
    if kind == "geometric":
        ratio = 1.0 + max(LEAST_TICKS * tick / lower, LEAST_FEES * maker_fee / (1.0 - LEAST_FEES * maker_fee))
        return int(math.log(upper / lower) / math.log(ratio) + 1e-9) + 1
    return int((upper - lower) / least_distance(upper, tick, maker_fee) + 1e-9) + 1


def too_close(grid: tuple[float, ...], tick: float, maker_fee: float) -> bool:
    """True where two neighbours are closer than ticks and fees allow."""
    return any(
        high - low < least_distance(high, tick, maker_fee) * (1 - 1e-9) for low, high in pairwise(grid)
    )


def trailed(
    kind: LadderKind, grid: tuple[float, ...], price: float, lowest: float | None, highest: float | None
) -> tuple[float, ...]:
    """The grid after following the price: whole levels, each once price is a whole step beyond the end.

    ``lowest`` and ``highest`` limit the ends; None = that end does not trail.
    """
    geometric = kind == "geometric"
    step = grid[1] / grid[0] if geometric else grid[1] - grid[0]
    while highest is not None:
        new = grid[-1] * step if geometric else grid[-1] + step
        if price < new or new > highest:
            break
        grid = (*grid[1:], new)
    while lowest is not None:
        new = grid[0] / step if geometric else grid[0] - step
        if price > new or new < lowest or new <= 0.0:
            break
        grid = (new, *grid[:-1])
    return grid


def lots_a_side(grid: tuple[float, ...], side: str, start: float) -> tuple[int, int, float]:
    """(lots that may be bought, lots that may be sold, quote needed per unit of lot).

    A long grid buys at every level but the highest, a short one sells at every level but the lowest; a
    neutral one buys below its start and sells above it, and its dearer side counts.
    """
    count = len(grid) - 1
    if side == "long":
        return count, 0, added(grid[:-1])
    if side == "short":
        return 0, count, added(grid[1:])
    below = [level for level in grid if level < start * (1.0 - NEAR)]
    above = [level for level in grid if level > start * (1.0 + NEAR)]
    return len(below), len(above), max(added(below), added(above))


def plan(
    symbol: Symbol,
    at: Ms,
    now: SymbolInputs,
    account: AccountInputs,
    weights: Weights,
    ladder: LadderParams,
    market: Market,
    previous: GridPlan | None,
) -> GridPlan:
    """The plain plan of one symbol. Its epoch rises only when the grid, a lot or an exit price changes.

    A range whose levels would be too close gets no grid; the reason ``levels_too_close`` names how many
    levels it has room for. There is no confidence, no vote and no unwinding: a level keeps its lot. The
    stress gap is the largest one until it is ``measured``.
    """
    params = ladder.plain
    before = previous if previous is not None and _same_grid(previous, ladder) else None
    grid, origin, start = _grid(params, ladder.kind, now.price, before)
    multiple = account.drawdown_multiplier * (
        min(params.leverage, 1.0) if market is Market.SPOT else params.leverage
    )
    anew = params.reinvest or before is None or before.grid_equity <= 0.0  # laid while nothing was left: by what came
    sized_by = max(now.equity if anew or before is None else before.grid_equity, 0.0)
    bought, sold, cost = lots_a_side(grid, params.side, start)
    lot = multiple * sized_by / cost if cost > 0.0 else 0.0
    reasons = _reasons(grid, lot, sized_by, now, account, ladder.kind)
    if too_close(grid, now.tick, now.maker_fee):
        grid, lot = (), 0.0
    passed = _passed(grid, params.side, start) if params.initial_inventory else 0
    neutral = params.side == "neutral"
    new = GridPlan(
        symbol=symbol,
        epoch=1,
        at=at,
        kind=ladder.kind,
        price=now.price,
        position=now.position,
        equity=now.equity,
        votes=SILENT,
        weights=weights,
        bias=0.0,
        label=LABELS[params.side],
        confidence=1.0,
        leverage=multiple,
        lot=lot,
        target=passed * lot,
        upper=bought * lot,
        lower=-sold * lot,
        levels=len(grid),
        skew=1.0,
        centre=math.log(start),
        spacing=math.log(grid[-1] / grid[-2]) if grid else None,
        unwind=None if lot > 0.0 else 0.0,
        gap=GAP_MOST,
        reasons=reasons,
        grid=grid,
        grid_side=params.side,
        stop_price=params.stop,
        take_profit_price=None if neutral else params.take_profit,
        stop_above=params.stop_above if neutral else None,
        grid_origin=origin,
        grid_equity=sized_by,
    )
    return _numbered(new, previous)


def measured(made: GridPlan, row: FeatureRow) -> GridPlan:
    """The plan with the volatility and stress gap of its symbol."""
    return replace(made, sigma_hour=row.sigma_hour, gap=stress_gap(row.sigma_hour, row.sigma_fast))


def _reasons(
    grid: tuple[float, ...],
    lot: float,
    sized_by: float,
    now: SymbolInputs,
    account: AccountInputs,
    kind: LadderKind,
) -> tuple[Reason, ...]:
    """What bound the plan, as (code, value)."""
    found: list[Reason] = []
    if account.drawdown_multiplier < 1.0:
        found.append(("drawdown_multiplier", account.drawdown_multiplier))
    if too_close(grid, now.tick, now.maker_fee):
        room = most_levels(kind, grid[0], grid[-1], now.tick, now.maker_fee)
        found.append(("levels_too_close", float(room)))
    elif 0.0 < lot < now.min_lot:
        found.append(("lot_below_minimum", sized_by * now.min_lot / lot))
    return tuple(found)


def _same_grid(previous: GridPlan, ladder: LadderParams) -> bool:
    """True where the previous plan is an earlier state of the grid that is configured now."""
    p = ladder.plain
    if previous.kind != ladder.kind or previous.grid_side != p.side or len(previous.grid) != p.levels:
        return False
    return p.lower is None or previous.grid_origin == (p.lower, p.upper)


def _grid(
    params: PlainParams, kind: LadderKind, price: float, before: GridPlan | None
) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """(levels, range as first laid, start price that parts a neutral grid)."""
    if before is None or before.centre is None:
        low = params.lower if params.lower is not None else price * (1.0 - params.range_below)
        high = params.upper if params.upper is not None else price * (1.0 + params.range_above)
        return levels(kind, low, high, params.levels), (low, high), clip(price, low, high)
    low, high = before.grid_origin
    lowest = highest = None
    if params.trailing_down:
        lowest = (
            params.trail_down_to if params.trail_down_to is not None else low * (1.0 - params.trail_limit)
        )
    if params.trailing_up:
        highest = params.trail_up_to if params.trail_up_to is not None else high * (1.0 + params.trail_limit)
    grid = trailed(kind, before.grid, price, lowest, highest)
    start = math.exp(before.centre)
    if grid != before.grid:
        # A neutral grid's parting price travels with its range.
        moved = grid[0] / before.grid[0] if kind == "geometric" else grid[0] - before.grid[0]
        start = start * moved if kind == "geometric" else start + moved
    return grid, before.grid_origin, start


def _passed(grid: tuple[float, ...], side: Literal["long", "short", "neutral"], start: float) -> int:
    """Signed lots whose exits lie beyond the start: what a grid laid earlier would hold.

    A level at the start itself is not beyond it, whatever the plan before made of its last digit.
    """
    if side == "long":
        return sum(level > start * (1.0 + NEAR) for level in grid)
    return -sum(level < start * (1.0 - NEAR) for level in grid) if side == "short" else 0


def _numbered(new: GridPlan, previous: GridPlan | None) -> GridPlan:
    """The plan with its epoch: the previous one's where nothing a ladder is built from has changed."""
    if previous is None:
        return new
    same = (
        previous.kind == new.kind
        and previous.grid == new.grid
        and previous.lot == new.lot
        and previous.grid_side == new.grid_side
        and previous.stop_price == new.stop_price
        and previous.stop_above == new.stop_above
        and previous.take_profit_price == new.take_profit_price
    )
    return replace(new, epoch=previous.epoch if same else previous.epoch + 1)
