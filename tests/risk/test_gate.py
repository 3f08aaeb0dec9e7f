"""The leverage gate and the gap budget."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.desired import desired
from gridbot_tui.orders.model import OrderKind, OrderState, Purpose, Slot, SlotState
from gridbot_tui.risk.exposure import Portfolio, SymbolExposure
from gridbot_tui.risk.gate import GAP_BUDGET, LEVERAGE_CAP, LEVERAGE_HARD, STALE_MARK, Gate, only_closes, strays
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.units import Side
from tests.orders.samples import AT_60000, BTC, PARAMS, SPOT, grid_order, walk_plan

RISK = RiskParams()
GATE = Gate(RISK)
MARK = 600_000


def exposure(position: int = 0, mark: int | None = MARK, gap: float | None = 0.001, **rest: object) -> SymbolExposure:
    return SymbolExposure(BTC, position, mark, gap=gap, **rest)  # type: ignore[arg-type]


def view(equity: float = 10_000.0, left: float = 0.15, **symbols: SymbolExposure) -> Portfolio:
    return Portfolio(equity, left, symbols)


@st.composite
def slots(draw: st.DrawFn, symbol: str = "BTCUSDT") -> tuple[Slot, ...]:
    made = []
    for side in Side:
        price = draw(st.integers(590_000, 600_000)) if side is Side.BUY else draw(st.integers(600_000, 610_000))
        for rung in range(draw(st.integers(0, 8))):
            steps = draw(st.integers(1, 400))
            state = draw(st.sampled_from([SlotState.RESTING, SlotState.RESTING, SlotState.WAITING]))
            made.append(Slot(symbol, 1, rung, side, price, steps, entry=True, state=state))
            price -= side * draw(st.integers(1_000, 30_000))
    return tuple(made)


def with_exits(found: tuple[Slot, ...], position: int) -> tuple[Slot, ...]:
    """Mark what closes the position as exits, as a ladder does."""
    left = {Side.SELL: max(0, position), Side.BUY: max(0, -position)}
    out = []
    for slot in found:
        part = min(left[slot.side], slot.steps)
        left[slot.side] -= part
        out.append(msgspec.structs.replace(slot, exit_steps=part, entry=part < slot.steps))
    return tuple(out)


def fill_all(position: int, equity: float, found: tuple[Slot, ...], side: Side) -> float:
    """Leverage at the farthest price once every resting slot of a side has filled: no formula, just a walk."""
    far = MARK
    for slot in found:
        if slot.side is side and slot.state is SlotState.RESTING:
            far = slot.price
            position += side * slot.steps
            equity -= side * slot.steps * slot.price * BTC.unit_f
    equity += position * far * BTC.unit_f
    return abs(position) * far * BTC.unit_f / equity if equity > 0 else float("inf")


@settings(max_examples=100)
@given(slots(), st.integers(-800, 800), st.floats(1_000.0, 50_000.0))
def test_admitted_entries_can_never_pass_the_cap_nor_cause_trimming_at_their_own_prices(
    found: tuple[Slot, ...], position: int, equity: float
) -> None:
    found = with_exits(found, position)
    admitted = GATE.admit(view(equity, 5.0, BTCUSDT=exposure(position)), {"BTCUSDT": found})["BTCUSDT"]
    if any(slot.entry and slot.state is SlotState.RESTING for slot in admitted):
        # Cash as if the position had been bought at the mark.
        cash = equity - position * MARK * BTC.unit_f
        for side in Side:
            ordered = tuple(sorted(admitted, key=lambda slot: abs(slot.price - MARK)))
            assert fill_all(position, cash, ordered, side) <= RISK.leverage_cap < RISK.leverage_trim
    for before, after in zip(found, admitted, strict=True):
        assert after.state is before.state or after.state is SlotState.BLOCKED
        assert after.state is not SlotState.BLOCKED or (before.entry and after.reason)
        assert (after.steps, after.price) == (before.steps, before.price) or after.steps == before.exit_steps


@given(slots(), st.integers(-800, 800), st.floats(100.0, 50_000.0))
def test_exits_are_never_withheld(found: tuple[Slot, ...], position: int, equity: float) -> None:
    found = with_exits(found, position)
    admitted = GATE.admit(view(equity, 0.0, BTCUSDT=exposure(position)), {"BTCUSDT": found})["BTCUSDT"]

    def closing(some: tuple[Slot, ...]) -> int:
        return sum(slot.exit_steps for slot in some if slot.state is SlotState.RESTING)

    dust = sum(slot.exit_steps for slot in found if slot.exit_steps * slot.price * BTC.unit_f < 50)
    assert closing(admitted) >= closing(found) - dust


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(300_000, 900_000), st.integers(1, 600)), max_size=12))
@example([(Side.BUY, 433_334, 600), (Side.SELL, 300_000, 100)])  # a dear way out is a way out
def test_one_by_one_nothing_that_opens_ever_leaves_and_could_pass_the_cap(orders: list[tuple[Side, int, int]]) -> None:
    portfolio = view(10_000.0, 5.0, BTCUSDT=exposure(100), ETHUSDT=exposure(-50))
    for side, price, steps in orders:
        order = grid_order(side=side, price=price, steps=steps)
        closes = only_closes(order, portfolio.symbols["BTCUSDT"])
        if GATE.final_check(order, portfolio) is None:
            portfolio.add(order)
            assert closes or portfolio.worst() <= RISK.leverage_cap
    assert portfolio.worst_of("BTCUSDT") <= portfolio.worst() + 1e-12


def test_the_worst_case_counts_the_position_and_everything_that_may_still_fill_at_its_price() -> None:
    one = exposure(100)  # 0.1 BTC = 6,000
    one.push(Side.BUY, 590_000, 50)  # 2,950
    one.push(Side.BUY, 500_000, 50)  # 2,500
    portfolio = view(10_000.0, BTCUSDT=one)
    loss = 0.1 * 10_000 + 0.05 * 9_000  # marked to 50,000
    assert list(one.case()) == pytest.approx([11_450.0, loss])
    assert portfolio.worst() == pytest.approx(11_450.0 / (10_000.0 - loss))
    assert portfolio.observed() == pytest.approx(0.6)


def test_sells_are_counted_at_the_farthest_price_where_a_short_is_dearest() -> None:
    one = exposure(0)
    one.push(Side.SELL, 610_000, 50)
    one.push(Side.SELL, 700_000, 50)
    assert list(one.case()) == pytest.approx([7_000.0, 0.05 * 9_000])


def test_sells_that_close_first_open_only_the_rest() -> None:
    one = exposure(60)
    one.push(Side.SELL, 610_000, 50)
    one.push(Side.SELL, 700_000, 50)
    assert one.side_case(Side.SELL)[0] == pytest.approx(0.04 * 70_000)
    short = exposure(-60)
    short.push(Side.BUY, 590_000, 50)
    short.push(Side.BUY, 500_000, 50)
    assert short.side_case(Side.BUY)[0] == pytest.approx(0.04 * 50_000)


def test_a_short_counts_as_much_as_a_long_of_its_size() -> None:
    for position in (100, -100):
        assert exposure(position).held() == 6_000.0
        assert view(BTCUSDT=exposure(position)).worst_of("BTCUSDT") == 0.6
        assert view(BTCUSDT=exposure(position)).exposure() == 6_000.0
        assert view(BTCUSDT=exposure(position)).observed() == 0.6


def test_symbols_add_up_without_netting() -> None:
    portfolio = view(10_000.0, BTCUSDT=exposure(100), ETHUSDT=exposure(-100))
    assert portfolio.worst() == pytest.approx(1.2)


def test_the_farthest_entries_are_withheld_first_across_symbols() -> None:
    near = Slot("BTCUSDT", 1, 1, Side.BUY, 590_000, 400, entry=True, state=SlotState.RESTING)
    far = msgspec.structs.replace(near, rung=2, price=500_000)
    farther = msgspec.structs.replace(near, symbol="ETHUSDT", rung=2, price=400_000)
    portfolio = view(10_000.0, 5.0, BTCUSDT=exposure(), ETHUSDT=exposure())
    admitted = GATE.admit(portfolio, {"BTCUSDT": (near, far), "ETHUSDT": (farther,)})
    assert admitted["ETHUSDT"][0].reason == LEVERAGE_CAP or admitted["ETHUSDT"][0].reason == LEVERAGE_HARD
    assert admitted["BTCUSDT"][0].state is SlotState.RESTING


def test_the_walk_is_far_below_the_cap_and_inside_the_gap_budget() -> None:
    wish = desired(walk_plan(), BTC, 0, AT_60000, PARAMS)
    portfolio = view(10_000.0, 0.15, BTCUSDT=exposure(gap=0.31))
    admitted = GATE.admit(portfolio, {"BTCUSDT": wish.resting})
    assert admitted["BTCUSDT"] == wish.resting
    tight = GATE.admit(view(10_000.0, 0.05, BTCUSDT=exposure(gap=0.31)), {"BTCUSDT": wish.resting})["BTCUSDT"]
    assert [slot.reason for slot in tight] == ["", "", "", GAP_BUDGET, ""]


def test_the_gap_budget_trims_nothing() -> None:
    portfolio = view(10_000.0, 0.0, BTCUSDT=exposure(150, gap=0.7))
    assert GATE.trim(portfolio) == {}
    assert GATE.final_check(grid_order(side=Side.SELL, price=620_000, steps=150), portfolio) is None
    assert GATE.final_check(grid_order(steps=10), portfolio) == GAP_BUDGET


def test_an_unknown_gap_counts_as_the_largest() -> None:
    assert view(BTCUSDT=exposure(100, gap=None)).gap_cost(0.7) == pytest.approx(4_200.0)


def test_drift_beyond_the_trim_level_is_trimmed_to_the_cap_towards_flat() -> None:
    assert GATE.trim(view(10_000.0, BTCUSDT=exposure(916))) == {}
    trimmed = GATE.trim(view(10_000.0, BTCUSDT=exposure(500), ETHUSDT=exposure(-450)))
    assert {name: abs(steps) for name, steps in trimmed.items()} == {"BTCUSDT": 438, "ETHUSDT": 394}
    assert trimmed["ETHUSDT"] < 0
    assert GATE.trim(view(0.0, BTCUSDT=exposure(5))) == {"BTCUSDT": 0}
    assert GATE.trim(view(10_000.0, BTCUSDT=exposure(916, mark=None))) == {}


def test_the_hard_limit_refuses_always() -> None:
    portfolio = view(10_000.0, 50.0, BTCUSDT=exposure(950))
    assert GATE.final_check(grid_order(steps=60, price=599_000), portfolio) == LEVERAGE_HARD


def test_orders_that_only_protect_or_close_are_never_blocked() -> None:
    portfolio = Portfolio(1.0, 0.0, {"BTCUSDT": exposure(100, fresh=False)}, blocked="disk")
    sell = grid_order(side=Side.SELL, price=620_000, steps=60)
    assert GATE.final_check(sell, portfolio) is None
    portfolio.add(sell)
    assert GATE.final_check(sell, portfolio) == "disk"  # the second could turn the position
    for order in (
        grid_order(reduce_only=True),
        grid_order(purpose=Purpose.STOP, kind=OrderKind.STOP_MARKET, price=None, trigger=500_000),
        grid_order(purpose=Purpose.TARGET, kind=OrderKind.MARKET, side=Side.SELL, price=None, steps=100),
    ):
        assert GATE.final_check(order, portfolio) is None


def test_a_stale_or_missing_mark_admits_no_entry_and_keeps_exits() -> None:
    stale = view(BTCUSDT=exposure(26, fresh=False))
    assert GATE.final_check(grid_order(steps=1), stale) == STALE_MARK
    wish = desired(walk_plan(), BTC, 26, AT_60000, PARAMS).resting
    admitted = GATE.admit(stale, {"BTCUSDT": wish})["BTCUSDT"]
    assert {slot.side for slot in admitted if slot.state is SlotState.RESTING} == {Side.SELL}
    unknown = view(BTCUSDT=exposure(0), ETHUSDT=exposure(5, mark=None))
    admitted = GATE.admit(unknown, {"BTCUSDT": wish})["BTCUSDT"]
    assert {slot.reason for slot in admitted if slot.entry} == {"mark_unknown"}
    # The last look at a single order says the same, also of a symbol that the account does not know.
    assert GATE.final_check(grid_order(steps=1), view(BTCUSDT=exposure(0, mark=None))) == "mark_unknown"
    assert GATE.final_check(grid_order(steps=1), view(ETHUSDT=exposure())) == "unknown_symbol"


def test_an_entry_that_also_closes_keeps_the_part_that_closes() -> None:
    wish = Slot("BTCUSDT", 1, 0, Side.SELL, 620_000, 100, entry=True, state=SlotState.RESTING, exit_steps=40)
    (kept,) = GATE.admit(view(10.0, BTCUSDT=exposure(40)), {"BTCUSDT": (wish,)})["BTCUSDT"]
    assert (kept.steps, kept.entry, kept.state) == (40, False, SlotState.RESTING)


def test_an_order_of_unknown_fate_is_counted_by_the_gate() -> None:
    lost = LiveOrder(grid_order(steps=800, rung=9), OrderState.UNRESOLVED, 0)
    wish = (Slot("BTCUSDT", 1, 1, Side.BUY, 590_000, 100, entry=True, state=SlotState.RESTING),)
    found = strays([lost], wish)
    assert found == [lost]
    portfolio = view(10_000.0, 5.0, BTCUSDT=exposure())
    assert GATE.admit(portfolio, {"BTCUSDT": wish}, {"BTCUSDT": found})["BTCUSDT"][0].state is SlotState.BLOCKED
    assert GATE.admit(portfolio, {"BTCUSDT": wish})["BTCUSDT"] == wish
    assert portfolio.worst() == 0.0  # asking changes nothing
    # A slot that is withheld counts nothing itself: the order that may stand in its place is counted beside it.
    withheld = Slot("BTCUSDT", lost.epoch, 9, Side.BUY, 590_000, 800, entry=True, state=SlotState.BLOCKED)
    assert strays([lost], (withheld,)) == [lost]
    assert strays([lost], (msgspec.structs.replace(withheld, state=SlotState.RESTING),)) == []


def test_spot_may_hold_its_equity_and_no_more() -> None:
    gate = Gate(RISK, spot=True)
    one = SymbolExposure(SPOT, 100, MARK, gap=0.001)
    portfolio = view(10_000.0, 5.0, BTCUSDT=one)
    assert gate.final_check(grid_order(price=500_000, steps=79), portfolio) is None
    assert gate.final_check(grid_order(price=500_000, steps=81), portfolio) is not None
    assert gate.trim(view(5_000.0, BTCUSDT=one)) == {}


def test_a_cap_below_one_holds_on_spot_too() -> None:
    gate = Gate(RiskParams(leverage_cap=0.3), spot=True)
    portfolio = view(10_000.0, 5.0, BTCUSDT=SymbolExposure(SPOT, 0, MARK, gap=0.001))
    assert gate.final_check(grid_order(price=500_000, steps=59), portfolio) is None
    assert gate.final_check(grid_order(price=500_000, steps=61), portfolio) == LEVERAGE_CAP


@pytest.mark.parametrize("equity", [0.0, -5.0])
def test_without_equity_every_entry_is_refused(equity: float) -> None:
    assert GATE.final_check(grid_order(steps=1), view(equity, BTCUSDT=exposure())) == LEVERAGE_HARD


NAMES = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
sent = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(Side), st.integers(500_000, 700_000), st.integers(1, 300)),
    max_size=12,
)


@given(sent, st.lists(st.integers(-400, 400), min_size=3, max_size=3), st.sampled_from([None, 0.001, 0.4]))
def test_the_sums_that_are_kept_are_what_would_be_counted_anew(
    orders: list[tuple[str, Side, int, int]], held: list[int], gap: float | None
) -> None:
    portfolio = Portfolio(10_000.0, 0.15, {name: exposure(one) for name, one in zip(NAMES, held, strict=True)})
    portfolio.symbols["ETHUSDT"].gap = gap
    for name, side, price, steps in orders:
        order = msgspec.structs.replace(grid_order(side=side, price=price, steps=steps), symbol=name)
        before = {each: (list(one.buys), list(one.sells), one.case()) for each, one in portfolio.symbols.items()}
        GATE.final_check(order, portfolio)
        assert before == {each: (one.buys, one.sells, one.case()) for each, one in portfolio.symbols.items()}
        portfolio.add(order)
        fresh = {
            each: SymbolExposure(BTC, one.position, one.mark, gap=one.gap) for each, one in portfolio.symbols.items()
        }
        for each, one in portfolio.symbols.items():
            fresh[each].replace(list(one.buys), list(one.sells))
        anew = Portfolio(10_000.0, 0.15, fresh)
        assert portfolio.worst(name) == pytest.approx(anew.worst(), rel=1e-12)
        assert portfolio.gap_cost(0.7, name) == pytest.approx(anew.gap_cost(0.7), rel=1e-12)


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=30))
def test_an_order_that_is_followed_counts_as_if_all_were_counted_anew(news: list[tuple[Side, int, int]]) -> None:
    one, live = exposure(120), {}
    for side, number, left in news:
        client_id = f"{side.name}{number}"
        if client_id not in live:
            order = grid_order(side=side, price=MARK - side * 10_000 * (number // 2), steps=40, client_id=client_id)
            live[client_id] = LiveOrder(order, OrderState.RESTING, 0)
        live[client_id].remaining = 10 * left
        one.case()
        one.follow(live[client_id])
        anew = exposure(120, orders=live.values())
        assert (sorted(one.buys), sorted(one.sells)) == (sorted(anew.buys), sorted(anew.sells))
        assert one.case() == anew.case()
