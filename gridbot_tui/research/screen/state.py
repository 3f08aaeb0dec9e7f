"""One run's memory while it is under way: engine, exchange and the wire between them, as one flat record.

A record is handed from function to function as one pointer. ``STATE`` is its layout, ``State`` what a type checker
sees of it, and the constants name the columns of its tables.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
else:
    Integers = Floats = Any


class NoRoom(Exception):
    """A run has more of something than compiled code has room for: only the engine can play it."""


MOST: Final = 64
"""Slots a side: one bit each of ``resting``."""
ORDERS: Final = 160
"""Orders at once."""
WIRE: Final = 1024
"""Requests or events on their way."""

# Columns of an order. X...: as the exchange has it; a fill is there before the engine has heard of it.
PRICE, SIZE, XLEFT, LEFT, RUNG, EPOCH, SIDE, KIND, LIFE, NUMBER, PLACE, RESTS = range(12)
# KIND
GRID, PEG, MARKET, STOP = range(4)
"""A rung, a passive target at the touch, a market order towards a target, a resting stop."""
# LIFE: as the engine knows it
SENDING, STANDS, PARTLY, CANCELLING, FIRED = range(1, 6)
# Lists of orders, each in the order in which they came: a side's rungs; targets' orders and stops
BIDS, ASKS, SINGLES = range(3)
# RESTS: as the exchange knows it
NOWHERE, ON_LADDER, WATCHED = range(3)

# Columns of a slot; PRICE, SIZE and RUNG are those of an order.
SLOT_PRICE, SLOT_SIZE, SLOT_EXIT, SLOT_RUNG, SLOT_ENTRY = range(5)
# What the slots of a side that rest come to: quantity, value, farthest price, and the value that opens.
TOTAL_SIZE, TOTAL_VALUE, TOTAL_FAR, TOTAL_OPENS = range(4)

# Columns of the wire.
WHAT, ROW, WHOSE, AT_PRICE, STEPS, MAKER = range(6)
# Requests
CANCEL_IT, PLACE_IT = range(2)
# Events
FILLED_BY, ACCEPTED, NEWS, CANCELED, EXPIRED, TRIGGERED, REFUSED, CASH = range(8)
"""NEWS: of an order whose fill was told just before, or that a cancel came too late for it."""

# Columns of what is written down of a run, and what a row is: a fill, money that came or went, another tier. SIDE of a
# tier's row is the tier.
(
    NOTED_WHAT, NOTED_AT, NOTED_SIDE, NOTED_PRICE, NOTED_STEPS, NOTED_MAKER, NOTED_GRID, NOTED_RUNG, NOTED_EPOCH,
    NOTED_ORDER, NOTED_MARK, NOTED_SYMBOL,
) = range(12)  # fmt: skip
NOTES_WIDTH: Final = 12
FILL_NOTE, CASH_NOTE, TIER_NOTE = range(3)
# Columns of the hourly curve beside equity; the last three are weights.
HOUR_NOTED, HOUR_WEIGHT = range(2)
HOURS_WIDTH: Final = 4

SPENT: Final = 8192
"""Events, or requests, of all symbols on their way."""
# Rows that a run of several symbols works in: whose events and requests those are, which symbols are wanted a plan of,
# were touched, are asked what they desire, and the group that each moves with (-1 = none).
LINE, WIRE_OF, WANTED, NAMED, ASKED, GROUPED = range(6)
ROOM: Final = 6

LOTS: Final = 256
"""Lots of a plain grid at once."""
# Columns of a lot, which stand in the order of their age; the last is the how manieth it is.
LOT_PRICE, LOT_LEVEL, LOT_STEPS, LOT_ORDER, LOT_NUMBER = range(5)

# Styles of a target
PASSIVE, TAKER = range(2)

# Memory of a breaker
LOSSES, REJECTS, LIQUIDATION = range(3)

_INTS: Final = (
    # the market as the engine has heard of it, and (last, xmark) as the exchange has it
    "at", "close", "mark", "mark_at", "last", "xmark", "touch",
    # books: position in steps, cash in ticks x steps, on spot parts of base; then the exchange's own,
    # and the value of what rests there on either side and is not reduce-only
    "pos", "cash", "dust", "xpos", "xcash", "xbase", "xbuys", "xsells",
    # the plan in force
    "planned", "priced", "epoch", "lot", "origin", "upper", "lower", "levels", "warm",
    # a plain grid: whether it is laid, lots opened so far, lots there are, the position it asks for; whether paper
    # grids are alive, as ``warm`` says of the plan itself
    "laid", "opened", "lots", "goal", "alive",
    # what is to be looked at again
    "turn", "shaped_turn", "shaped_at", "dirty", "dirty_next", "repeg", "waits", "withheld", "churned", "done_with",
    # what ought to stand beside the slots, and what of it was compared last
    "target_on", "target", "style", "rank", "stop_on", "stop_side", "stop_at", "stop_size", "reduce_on", "reduce_to",
    "compared_on", "compared_target", "compared_style",
    # stops and targets' orders: 1 while there is no news of any since the last look, what that found
    "seen", "unsure",
    # tiers and latches
    "tier", "over", "absolute", "sampled_at", "marked_at", "halted_at", "stopped", "episode_over", "near_liquidation",
    # how many there are of orders, requests, events and the like
    "count", "issued", "taken", "requests", "events", "refusals", "fall_count", "fall_first", "made",
    # rows written down, and whether any are
    "noted", "noting",
    # for whom counts what is rare
    "liquidations", "partials", "crossed", "halts", "settled",
    # whether a side came to half of what the margin brackets allow
    "near_most",
    # prices between which a bar concerns nothing on the exchange, and whether they are to be found anew
    "next_buy", "next_sell", "low_watch", "high_watch", "unwatched",
    # learning
    "learn_at", "fallback_until", "hole",
    # where several symbols share the account: whether they do, which this is; that the margin is gone, and at which
    # price that is liquidated; orders of the others: how many stops, and how many of them hold a position; whether
    # the mark is too old for new risk
    "shared", "symbol", "bust", "bust_at", "stops_beside", "held_many_beside", "stale",
    # its next bar, its next happening, and how many of its events and requests are in line, and done with
    "next_bar", "next_happening", "lined", "heard", "asked", "served",
    # what was planned last, as totals of either side
    "plan_buys", "plan_bought", "plan_lowest", "plan_opens", "plan_sells", "plan_sold", "plan_highest",
)  # fmt: skip
_FLOATS: Final = (
    # money that is no price difference: fees, funding and the like, of it from liquidations; the exchange's own
    "fees", "paid", "insured", "xfees", "xpaid",
    # unit value: last, peaks, averaged fall, what is left to tier 3; as of now and as the
    # curve has it, its highest, its deepest fall
    "value", "peak", "top", "average", "left", "value_now", "high", "fall",
    "traded", "profit_peak", "exposure", "up", "down", "flat",
    # leverage: of the worst case looked at last, the highest of any order that left, the highest held
    "worst", "most_worst", "most_held",
    # the plan in force
    "centre", "spacing", "anchor", "unwind", "gap",
    # a plain grid: the price at its start, equity that sizes its lots, its lot
    "grid_start", "grid_equity", "plain_lot",
    # paper grids: their last close, and prices between which a bar concerns none
    "shadow_close", "shadow_low", "shadow_high",
    # what the other symbols of the account come to, all 0 where there are none: their worth, what is held of them,
    # its maintenance margin; worst exposure, loss and gap of what stands of them or is planned; then the exchange's
    # own view: their balance, maintenance and initial margin, on spot the quote that they leave
    "beside", "held_beside", "needs_beside", "exposed_beside", "loss_beside", "gaps_beside",
    "xbeside", "xneeds_beside", "xtaken_beside",
    # the same of this symbol alone
    "own", "own_held", "own_needs", "stands_exposed", "stands_loss", "plan_exposed", "plan_loss", "rate_now",
    # what a plan in force counts for in the caps over all symbols, quote; the same of it or of a draft as a part of
    # equity, while they are reckoned; a draft's leverage before them
    "plan_gross", "plan_bias", "plan_crash", "plan_held", "part_gross", "part_bias", "part_crash", "part_held",
    "drafted",
)  # fmt: skip
# Rows of orders are unsigned: an index that may be negative is looked at each time whether it counts from the end.
STATE: Final = np.dtype(
    [(name, np.int64) for name in _INTS]
    + [(name, np.float64) for name in _FLOATS]
    + [
        ("bar", np.int64, (8,)),
        ("plan", np.int64, (7,)),
        ("feature", np.float64, (21,)),
        ("order", np.int64, (ORDERS, 12)),
        ("live", np.uint32, (3, ORDERS)),
        ("length", np.int64, (3,)),
        ("sending", np.int64, (3,)),
        ("cancelling", np.int64, (3,)),
        ("free", np.uint32, (ORDERS,)),
        ("slot", np.int64, (2, MOST, 5)),
        ("many", np.int64, (2,)),
        ("resting", np.int64, (2,)),
        ("total", np.int64, (2, 4)),
        ("serves", np.int64, (ORDERS,)),
        ("missing", np.int64, (2, MOST)),
        ("reach", np.int64, (MOST, 3)),
        ("known", np.int64, (2,)),
        ("make", np.int64, (2, 2 * MOST)),
        ("making", np.int64, (2,)),
        ("barred", np.int64, (2,)),
        ("request", np.int64, (WIRE, 3)),
        ("event", np.int64, (WIRE, 6)),
        ("money", np.float64, (WIRE,)),
        ("churn_at", np.int64, (2, 256)),
        ("churn_rung", np.int64, (2, 256)),
        ("churn", np.int64, (2, 2)),
        ("circuit", np.int64, (3, 2, 3)),
        ("refused_at", np.int64, (256,)),
        ("open", np.int64, (3,)),
        ("fine", np.int64, (3,)),
        ("fall_at", np.int64, (256,)),
        ("fall_value", np.float64, (256,)),
        ("level", np.float64, (MOST,)),
        ("level_down", np.int64, (MOST,)),
        ("level_up", np.int64, (MOST,)),
        ("held", np.int64, (MOST,)),
        ("lotted", np.int64, (LOTS, 5)),
        ("three", np.float64, (3, 20)),
        ("belief", np.float64, (20,)),
        ("near", np.float64, (4, MOST + 2)),
    ]
)

if TYPE_CHECKING:

    class State:
        """See ``_INTS`` and ``_FLOATS``; engine's view unless it begins with x."""

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    class States:
        """One record a symbol, and the account's behind them."""

        def __getitem__(self, place: int) -> State: ...

else:
    State = States = Any
