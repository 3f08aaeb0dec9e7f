"""Facts for the store's tests: any fact at all, and a few typical ones."""

import enum
import types
import typing
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from gridbot_tui.engine import actions as a
from gridbot_tui.engine.events import Cash, CashKind, Fill, OrderReport, Outcome
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.store.core import Store
from gridbot_tui.store.identity import Identity
from gridbot_tui.strategy.plan import GridPlan, Votes, Weights
from gridbot_tui.units import Market, Mode, Side

ME = Identity(Mode.SIM, Market.FUTURES, "acc1", "USDT")
BTC = "BTCUSDT"
T0 = 1_700_000_000_000

_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(max_size=30),
    D: st.decimals(allow_nan=False, allow_infinity=False),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind is type(None):
        return st.none()
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(any_of, args))
    if origin is dict:
        return st.dictionaries(any_of(args[0]), any_of(args[1]), max_size=3)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return st.lists(any_of(args[0]), max_size=3).map(tuple)
        return st.tuples(*map(any_of, args))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(list(kind))
    hints = typing.get_type_hints(kind)
    return st.builds(
        kind, **{field.name: any_of(hints[field.name]) for field in msgspec.structs.fields(kind)}
    )


def store(folder: Path, *, durable: bool = False) -> Store:
    return Store.open(folder / "gridbot.db", durable=durable, identity=ME)


def order(number: int, **changes: Any) -> NewOrder:
    base = NewOrder(
        f"gb-{number}", BTC, Side.BUY, OrderKind.LIMIT, 26, 600_000, Purpose.GRID, T0, post_only=True
    )
    return msgspec.structs.replace(base, **changes)


def intent(number: int) -> a.IntentFact:
    return a.IntentFact(T0 + number, order(number))


def report(number: int, outcome: Outcome, **more: Any) -> a.OrderFact:
    return a.OrderFact(T0 + number, OrderReport(T0 + number, BTC, f"gb-{number}", outcome, **more))


def fill(number: int, steps: int = 26, trade: int | None = None) -> a.FillFact:
    trade_id = str(number if trade is None else trade)
    event = Fill(
        T0 + number, BTC, f"gb-{number}", trade_id, Side.BUY, 600_000, steps, D("0.312"), "USDT", True, D("0")
    )
    return a.FillFact(T0 + number, event, D("1.50"), 1, (number,))


def cash(number: int, amount: str = "-1.36") -> a.CashFact:
    event = Cash(T0 + number, CashKind.FUNDING, "USDT", D(amount), f"f{number}", BTC)
    return a.CashFact(T0 + number, event)


def equity(at: int, value: str = "10000") -> a.EquityFact:
    return a.EquityFact(at, D(value), D(value), D("1"), -0.01, 0, 0.5, D("0"))


def decision(number: int, code: str = "withheld") -> a.DecisionFact:
    return a.DecisionFact(T0 + number, BTC, code, "worst case 5.1x is over the cap 5.0x")


def plan(epoch: int, **changes: Any) -> a.PlanFact:
    base = GridPlan(
        BTC, epoch, T0, "adaptive", 60_000.0, 0.0, 10_000.0, Votes(0.5, 0.0, 0.33), Weights(0.3, 0.1, 0.6),
        0.45, "LONG", 0.85, 0.44, 0.026, 0.033, 0.11, -0.044, 12, 0.5,
        centre=11.0, spacing=0.0284, anchor=11.0,
    )  # fmt: skip
    return a.PlanFact(T0 + epoch, msgspec.structs.replace(base, **changes))


def weights(number: int) -> a.WeightsFact:
    return a.WeightsFact(T0 + number, Weights(0.3, 0.1, 0.6), "daily", (("up", 0.01), ("down", -0.02)))
