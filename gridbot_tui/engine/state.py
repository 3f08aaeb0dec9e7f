"""The engine's snapshot, and the replay of facts on top of it: together they rebuild the engine exactly."""

from collections import deque
from collections.abc import Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.engine import breaking, on_orders, on_truth
from gridbot_tui.engine.actions import (
    AdoptFact,
    BreakerFact,
    CancelFact,
    CashFact,
    DrawdownFact,
    EquityFact,
    Fact,
    FillFact,
    HeldFact,
    IntentFact,
    ModeFact,
    OrderFact,
    PlanFact,
    PriceFact,
    ServeFact,
    StartFact,
    Touch,
)
from gridbot_tui.engine.blockers import Blocker
from gridbot_tui.engine.desk import VOTE_HISTORY, Desk, SymbolDesk
from gridbot_tui.engine.regrid import Regrid, moved
from gridbot_tui.ledger.ledger import Ledger
from gridbot_tui.ledger.state import LedgerState
from gridbot_tui.market.aggregate import HourBuilder, HourState
from gridbot_tui.orders.book import BookState, OrderBook, OrderRecord
from gridbot_tui.orders.ids import IdFactory, IdState
from gridbot_tui.orders.reconcile import Reconciler
from gridbot_tui.risk.breakers import Tripped
from gridbot_tui.risk.kill import Latches, LatchState
from gridbot_tui.risk.tiers import DrawdownTiers, TierState
from gridbot_tui.strategy.facade import StrategyState
from gridbot_tui.strategy.plan import GridPlan
from gridbot_tui.units import Ms, Symbol, Ticks

STATE_VERSION = 1


class SymbolState(Struct, frozen=True):
    """One ``SymbolDesk``."""

    hour: HourState
    close: Ticks | None
    bid: Ticks | None
    ask: Ticks | None
    mark: Ticks | None
    mark_at: Ms
    bar_at: Ms
    next_open: Ms
    plan: GridPlan | None
    touch: tuple[Ticks, Ticks] | None
    episode_over: bool
    profit_peak: float
    funding_rate: float | None
    next_funding_at: Ms | None
    bars: list[tuple[Ms, Ticks, Ticks, Ticks, Ticks]]
    votes: list[tuple[Ms, float, float, float]]
    funding_at: Ms = 0


class EngineState(Struct, frozen=True):
    """Everything the engine is, but for its configuration."""

    version: int
    now: Ms
    day: int | None
    symbols: dict[Symbol, SymbolState]
    strategy: StrategyState
    ledger: LedgerState
    orders: BookState
    ids: IdState
    tiers: TierState
    latches: LatchState
    blockers: list[Blocker]
    started: bool
    ledger_at: Ms
    last_cash_at: Ms
    equity_fact_at: Ms
    max_worst: float
    max_observed: float
    fills_checked: dict[Symbol, str] = {}
    breakers: tuple[Tripped, ...] = ()


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(EngineState)


def encode(desk: Desk) -> bytes:
    """The desk as bytes."""
    state = EngineState(
        version=STATE_VERSION,
        now=desk.now,
        day=desk.day,
        symbols={name: _symbol_state(s) for name, s in desk.symbols.items()},
        strategy=desk.strategy.state(),
        ledger=desk.ledger.state(),
        orders=desk.orders.state(),
        ids=desk.ids.state(),
        tiers=desk.tiers.state(),
        latches=desk.latches.state(),
        blockers=desk.blockers.ranked(),
        started=desk.started,
        ledger_at=desk.ledger_at,
        last_cash_at=desk.last_cash_at,
        equity_fact_at=desk.equity_fact_at,
        max_worst=desk.max_worst,
        max_observed=desk.max_observed,
        fills_checked=dict(desk.fills_checked),
        breakers=desk.breakers.state(),
    )
    return _ENCODER.encode(state)


def decode_into(desk: Desk, blob: bytes) -> None:
    """Put a desk into an encoded state. Symbols no longer configured are dropped, new ones start cold.

    Where the exchange has changed a tick size or step since, everything is put into the new one.

    Raises ValueError for bytes that are no state or one of another version.
    """
    try:
        state = _DECODER.decode(blob)
    except msgspec.DecodeError as wrong:
        raise ValueError(f"not a state of the engine: {wrong}") from wrong
    if state.version != STATE_VERSION:
        raise ValueError(f"a state of version {state.version}, this engine writes {STATE_VERSION}")
    desk.now = state.now
    desk.day = state.day
    desk.strategy.restore(state.strategy)
    config = desk.config
    desk.ledger = Ledger.restore(config.market, config.quote, desk.instruments, state.ledger)
    desk.ids = IdFactory(config.bot, config.account, state.ids)
    was = {name: book.instrument for name, book in state.ledger.books.items() if book.instrument is not None}
    grids = {name: Regrid(was[name], desk.instruments[name]) for name in moved(was, desk.instruments)}
    desk.orders = OrderBook.restore(desk.ids, _regridded(state.orders, grids))
    desk.reconciler = Reconciler(config.orders, desk.ids)
    desk.tiers = DrawdownTiers(config.risk, state.tiers)
    desk.peak_written, desk.base_written = desk.tiers.peak, desk.ledger.capital.base_equity
    desk.latches = Latches(state.latches)
    desk.started = state.started
    desk.ledger_at, desk.last_cash_at = state.ledger_at, state.last_cash_at
    here = {"", *desk.symbols}  # of a symbol that this run goes without nobody could ever clear one
    desk.blockers.restore([one for one in state.blockers if one.symbol in here])
    breaking.restored(desk, tuple(one for one in state.breakers if one.symbol in here))
    desk.equity_fact_at = state.equity_fact_at
    desk.max_worst = state.max_worst
    desk.max_observed = state.max_observed
    desk.fills_checked = dict(state.fills_checked)
    for name, saved in state.symbols.items():
        symbol = desk.symbols.get(name)
        if symbol is not None:
            _restore_symbol(symbol, saved, grids.get(name))


def _regridded(orders: BookState, grids: Mapping[Symbol, Regrid]) -> BookState:
    def told(record: OrderRecord) -> OrderRecord:
        grid = grids.get(record.order.symbol)
        return record if grid is None else grid.order(record)

    return BookState(tuple(map(told, orders.live)), tuple(map(told, orders.ended))) if grids else orders


def apply(desk: Desk, fact: Fact) -> None:
    """Replay one fact that was written after the snapshot."""
    desk.now = max(desk.now, fact.at)
    match fact:
        case StartFact(at=at, balances=balances, capital=capital):
            on_truth.begin(desk, at, balances, capital)
        case HeldFact(at=at, symbol=symbol, steps=steps, price=price, cost=cost):
            desk.ledger.hold(at, symbol, steps, price, cost)
        case IntentFact(order=order, worst=worst):
            desk.orders.intend(order)
            desk.max_worst = max(desk.max_worst, worst)
        case ServeFact(slots=slots):
            desk.orders.recall_slots(slots)
        case CancelFact(client_id=client_id, at=at):
            desk.orders.cancelling(client_id, at)
        case OrderFact(report=report, touch=touch):
            desk.orders.apply(report)
            _go_by(desk, report.symbol, touch)
        case FillFact(fill=fill, touch=touch, rung=rung, epoch=epoch):
            on_orders.apply_fill(desk, fill, rung, epoch)
            _go_by(desk, fill.symbol, touch)
        case CashFact(cash=cash):
            desk.ledger.cash(cash)
        case PriceFact(asset=asset, price=price):
            desk.ledger.set_asset_price(asset, price)
        case AdoptFact(adopted=adopted):
            on_orders.adopted(desk, adopted)
        case PlanFact(plan=plan, touch=touch, profit_peak=profit_peak):
            if plan.symbol in desk.symbols:
                desk.symbols[plan.symbol].plan = plan
                desk.symbols[plan.symbol].profit_peak = profit_peak
                _go_by(desk, plan.symbol, touch)
        case EquityFact(at=at, equity=equity, nav=nav, leverage=leverage, max_leverage=most):
            desk.max_observed = max(desk.max_observed, leverage, most)
            desk.ledger.capital.mark(at, equity)
            desk.tiers.remember(at, float(nav))
            desk.equity_fact_at = at
        case DrawdownFact(tiers=tiers, fund=fund, owed=owed):
            desk.tiers = DrawdownTiers(desk.config.risk, tiers)
            desk.ledger.recall_fund(fund, owed)
            desk.peak_written, desk.base_written = tiers.peak, fund.base_equity
        case BreakerFact():
            breaking.recall(desk, fact)
        case ModeFact(name=name, symbol=symbol, value=value):
            _apply_mode(desk, name, symbol, value)
        case _:
            return


def _go_by(desk: Desk, symbol: Symbol, touch: Touch | None) -> None:
    if touch is not None and symbol in desk.symbols:
        desk.symbols[symbol].touch = touch


def _apply_mode(desk: Desk, name: str, symbol: Symbol, value: str) -> None:
    if name == "learning_frozen":
        (desk.strategy.freeze if value else desk.strategy.thaw)()
    elif name not in ("tier", "episode_over"):  # the one is a DrawdownFact too, a snapshot follows the other
        desk.latches.set(name, symbol, value)
        desk.say_latches()


def _symbol_state(state: SymbolDesk) -> SymbolState:
    return SymbolState(
        hour=state.hour.state(),
        close=state.close,
        bid=state.bid,
        ask=state.ask,
        mark=state.mark,
        mark_at=state.mark_at,
        bar_at=state.bar_at,
        next_open=state.next_open,
        plan=state.plan,
        touch=state.touch,
        episode_over=state.episode_over,
        profit_peak=state.profit_peak,
        funding_rate=state.funding_rate,
        next_funding_at=state.next_funding_at,
        bars=list(state.bars),
        votes=list(state.votes),
        funding_at=state.funding_at,
    )


def _restore_symbol(state: SymbolDesk, saved: SymbolState, grid: Regrid | None) -> None:
    if grid is not None:
        saved = replace(
            saved,
            hour=grid.hour(saved.hour),
            **{name: grid.known(getattr(saved, name)) for name in ("close", "bid", "ask", "mark")},
            touch=None if saved.touch is None else (grid.ticks(saved.touch[0]), grid.ticks(saved.touch[1])),
            bars=[(at, *map(grid.ticks, prices)) for at, *prices in saved.bars],
        )
    state.hour = HourBuilder(saved.hour)
    state.close, state.bid, state.ask = saved.close, saved.bid, saved.ask
    state.mark, state.mark_at = saved.mark, saved.mark_at
    state.bar_at, state.next_open = saved.bar_at, saved.next_open
    state.plan, state.touch = saved.plan, saved.touch
    state.episode_over = saved.episode_over
    state.profit_peak = saved.profit_peak
    state.funding_at = saved.funding_at
    state.funding_rate, state.next_funding_at = saved.funding_rate, saved.next_funding_at
    state.bars = deque(saved.bars, maxlen=state.bars.maxlen)
    state.votes = deque(saved.votes, maxlen=VOTE_HISTORY)
