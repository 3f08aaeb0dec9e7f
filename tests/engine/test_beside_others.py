"""What others do on the account, and a reset in the middle of it: each was once got wrong."""

from decimal import Decimal

import pytest

from gridbot_tui.engine import exposure, walk
from gridbot_tui.engine.actions import Action, CancelOrder, Fact, RequestResync
from gridbot_tui.engine.converge import converge, entries_allowed
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.desk import Waiting
from gridbot_tui.engine.events import (
    AccountState,
    BarsClosed,
    Cash,
    CashKind,
    Fill,
    Health,
    PositionState,
    Quote,
    Tick,
)
from gridbot_tui.engine.view_symbol import symbol_view
from gridbot_tui.exchange.simulated.owner import HAND
from gridbot_tui.market.bar import Bar
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Side, plain
from tests.engine.tape import BTC, Tape, flat
from tests.engine.test_edges import grid, position
from tests.engine.test_edges import plain as ladder_of
from tests.simulation.market import RandomMarket
from tests.simulation.rig import Rig, config


def test_on_spot_what_others_orders_hold_is_left_to_them_said_and_sold_once_they_are_gone() -> None:
    filled = (600_000, 602_000, 598_000, 600_000)
    rig = grid(filled, *[flat(600_000)] * 12, market=Market.SPOT, initial_inventory=True)
    rig.run(until=rig.source.start + 3 * MINUTE)
    own = position(rig)
    theirs = NewOrder(f"{HAND}m1", BTC, Side.SELL, OrderKind.LIMIT, own // 2, 6_300_000, Purpose.GRID, rig.world.now)
    rig.order("pause")
    rig.settle()
    for order in list(rig.world.exchange.history.open.values()):
        assert rig.world.owner.manual_cancel(BTC, order.client_id) is None  # the exits hold the base at first
    assert rig.world.owner.manual_order(theirs) is None
    rig.settle()
    rig.bot.reconcile(rig.engine.now)
    rig.settle()
    rig.order("flatten")
    rig.run(until=rig.source.start + 6 * MINUTE)
    assert position(rig) == own // 2
    assert rig.engine.desk.blockers.holds(BTC, "base_locked")
    view = symbol_view(rig.engine.desk, rig.engine.desk.symbols[BTC])
    assert view.locked == view.closable != "0"
    assert any(why.startswith("BTCUSDT base_locked (0.") for why in rig.engine.held_up())
    assert rig.world.owner.manual_cancel(BTC, theirs.client_id) is None
    rig.settle()
    rig.bot.reconcile(rig.engine.now)
    rig.run()
    assert position(rig) == 0
    assert not rig.engine.desk.blockers.holds(BTC, "base_locked")
    assert rig.engine.held_up() == []


def test_on_spot_base_that_the_owner_withdraws_is_not_ours_to_sell_any_more() -> None:
    filled = (600_000, 602_000, 598_000, 600_000)
    rig = grid(filled, *[flat(600_000)] * 8, market=Market.SPOT, initial_inventory=True)
    rig.run(until=rig.source.start + 3 * MINUTE)
    own, one = position(rig), rig.world.instruments[BTC]
    for order in list(rig.world.exchange.history.open.values()):
        assert rig.world.owner.manual_cancel(BTC, order.client_id) is None  # the exits hold the base at first
    rig.world.owner.withdraw("BTC", one.quantity(own // 2))
    rig.settle()
    desk = rig.engine.desk
    assert desk.ledger.book(BTC).quantity == desk.ledger.account.wallet("BTC")
    assert desk.tiers.drawdown > -0.01
    flatten = rig.order("flatten")
    rig.run()
    outcome = rig.outcome(flatten)
    assert outcome is not None
    assert outcome.ok
    assert desk.ledger.closable(BTC) == 0
    view = symbol_view(desk, desk.symbols[BTC])
    assert float(view.position) > 0, "a fee in base leaves dust"
    assert (view.closable, view.others) == ("0", "0")
    assert rig.world.exchange.account.spendable("BTC") < one.step
    assert rig.problems == []


def test_a_reset_measures_drawdown_from_what_is_left_now_not_from_the_last_mark() -> None:
    rig = grid(*[flat(600_000)] * 4, initial_inventory=True)
    rig.run(until=rig.source.start + 2 * MINUTE)
    desk = rig.engine.desk
    before = desk.ledger.equity_quick()
    assert before is not None
    # Between two marks a trade by hand, at a price far off, costs a tenth of the account.
    size = int(before / 10)
    loss = Fill(
        rig.world.now, BTC, "web_m1", "900001", Side.BUY, 610_000, size, Decimal(0), "USDT", False, Decimal(0), False
    )
    rig.checking = False
    rig.engine.handle(loss)
    after = desk.ledger.equity_quick()
    assert after is not None
    assert after < before * Decimal("0.95")
    rig.order("reset", what="drawdown")
    assert desk.tiers.drawdown == 0.0
    assert desk.tiers.value == pytest.approx(float(desk.ledger.capital.nav))
    assert desk.tiers.value < 0.95


def test_a_trade_of_our_own_tag_that_was_never_sent_from_here_is_a_second_bots() -> None:
    rig = grid(*[flat(600_000)] * 4, initial_inventory=True)
    rig.run(until=rig.source.start + 2 * MINUTE)
    rig.checking = False
    number, at = rig.engine.desk.ids.issue(BTC, 0, 0, Side.SELL, Purpose.TARGET), rig.world.now
    closed = Fill(at, BTC, number, "900001", Side.SELL, 600_000, 1, Decimal(0), "USDT", False, Decimal(0))
    rig.engine.handle(closed)
    assert rig.engine.desk.blockers.holds("", "second_bot")


def test_what_an_order_says_is_what_it_did_in_money_without_zeros_that_say_nothing() -> None:
    rig = grid(*[flat(600_000)] * 6, initial_inventory=True)
    rig.run(until=rig.source.start + 2 * MINUTE)

    def said(command: str, symbol: str = "", **args: str) -> str:
        number = rig.order(command, symbol, **args)
        rig.settle()
        done = rig.outcome(number)
        assert done is not None
        return done.text

    assert said("reset", what="kill") == "no kill is latched"
    assert said("reset", BTC, what="stop") == "no stop is latched there"
    amount = said("reset", what="drawdown").removeprefix("drawdown is measured anew from ").removesuffix(" USDT")
    assert amount == plain(Decimal(amount))


def test_a_pause_that_a_resume_overtakes_is_not_confirmed_later() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    desk = rig.engine.desk
    desk.latch("paused", BTC, "operator")
    desk.waiting.append(Waiting("c0", "pause", (BTC,)))
    rig.order("resume")
    done = rig.outcome("c0")
    assert done is not None
    assert not done.ok
    assert "resume" in done.text
    assert not desk.waiting


def test_what_is_heard_after_the_report_of_a_shutdown_begins_nothing_anew() -> None:
    rig = grid(*[flat(600_000)] * 30)
    rig.run(until=rig.source.start + 2 * MINUTE)
    rig.stop()
    rig.run()
    assert rig.bot.report is not None
    assert rig.bot.report.exit_code == 0
    rig.bot.receive(Health(rig.world.now, answered=True))
    rig.bot.receive(Tick(rig.world.now + 1_000))
    assert not rig.world.exchange.history.open
    assert not list(rig.world.on_its_way())


def test_a_mark_that_the_account_states_is_taken_where_it_is_newer_than_the_last_bar() -> None:
    rig = grid((600_000, 602_000, 598_000, 600_000), *[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 3 * MINUTE)
    desk = rig.engine.desk
    own, state = position(rig), desk.symbols[BTC]
    assert own
    rig.checking = False
    stated = (PositionState(BTC, own, Decimal(60_000), None, 500_000),)
    rig.engine.handle(AccountState(state.mark_at - 1, {"USDT": desk.ledger.wallet}, stated))
    assert state.mark == 600_000
    rig.engine.handle(AccountState(state.mark_at + 1, {"USDT": desk.ledger.wallet}, stated))
    assert state.mark == 500_000


def test_beside_a_position_in_a_symbol_that_is_not_traded_nothing_takes_new_risk_until_it_is_closed() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    engine, desk, now = rig.engine, rig.engine.desk, rig.world.now
    rig.checking = False
    assert entries_allowed(desk, desk.symbols[BTC]) == (True, True)
    desk.blockers.hold("ADAUSDT", "foreign_position", now, "of an older version", "when it is closed")
    theirs = PositionState("SOLUSDT", 5, Decimal(100), None, None)
    actions = engine.handle(AccountState(now + 1, {"USDT": desk.ledger.wallet}, (theirs,)))
    assert desk.no_new_risk(BTC) == "foreign_position"
    assert {type(one) for one in actions} >= {CancelOrder}, "what rests to take risk is withdrawn"
    (held,) = [one for one in desk.blockers.ranked() if one.code == "foreign_position"]
    assert held.detail.startswith("SOLUSDT: ")
    asked = engine.handle(Tick(now + MINUTE))
    (resync,) = [one for one in asked if isinstance(one, RequestResync)]
    assert resync.reason == "a position that is not the bot's is held"
    engine.handle(AccountState(now + 2 * MINUTE, {"USDT": desk.ledger.wallet}, ()))
    assert desk.no_new_risk(BTC) == ""
    assert not [one for one in desk.blockers.ranked() if one.code == "foreign_position"]


def test_what_no_trade_explains_is_of_before_the_start_only_where_no_order_of_ours_was_ever_sent() -> None:
    theirs = (PositionState(BTC, 50, Decimal(59_000), None, 600_000),)

    def stated_for_a_minute(rig: Rig) -> list[Action]:
        wallet, times = {"USDT": rig.engine.desk.ledger.wallet}, [rig.world.now + 1_000 * s for s in (0, 15, 31, 45)]
        return [one for at in times for one in rig.engine.handle(AccountState(at, wallet, theirs))]

    rig = grid(*[flat(600_000)] * 4)
    rig.order("pause")  # from the start: nothing is ever sent
    rig.run(until=rig.source.start + 2 * MINUTE)
    rig.checking = False
    facts = [one for one in stated_for_a_minute(rig) if isinstance(one, Fact)]
    desk = rig.engine.desk
    assert desk.ledger.book(BTC).external_position == 50
    assert not desk.blockers.holds(BTC, "position_unknown")
    assert desk.no_new_risk("") == "foreign_position", "ours could close what is not ours"
    rig.memory.commit(facts, lambda: None)
    again = Engine(rig.config, rig.world.instruments)
    rig.memory.restore(again)
    assert again.desk.ledger.book(BTC).lots == desk.ledger.book(BTC).lots
    assert again.desk.ledger.equity_quick() == desk.ledger.equity_quick() == 10_000 + 50
    assert again.desk.ledger.fund() == desk.ledger.fund()

    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    rig.checking = False
    assert rig.engine.desk.orders.knows(BTC)
    stated_for_a_minute(rig)
    assert rig.engine.desk.ledger.position(BTC) == 0
    assert rig.engine.desk.blockers.holds(BTC, "position_unknown")
    said = [one.detail for one in rig.engine.desk.blockers.every() if one.code == "position_unknown"]
    assert said == ["the exchange holds 0.05 BTC, the ledger 0"]


def test_a_bar_that_comes_late_does_not_take_the_mark_back_to_an_older_price() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    desk = rig.engine.desk
    state = desk.symbols[BTC]
    rig.engine.handle(Quote(rig.world.now + 5 * MINUTE, BTC, mark=610_000))
    late = Bar(state.next_open, MINUTE, 600_000, 600_000, 600_000, 600_000, 1.0, 600_000, 600_000, 600_000)
    rig.engine.handle(BarsClosed(late.close_at, ((BTC, late),)))
    assert (state.mark, state.mark_at) == (610_000, rig.world.now + 5 * MINUTE)
    assert state.next_open == late.close_at


def test_a_market_order_of_unknown_fate_is_counted_at_the_mark_of_now() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    desk = rig.engine.desk
    rig.checking = False
    state = desk.symbols[BTC]
    sold = desk.ids.issue(BTC, 1, 0, Side.SELL)
    desk.orders.intend(NewOrder(sold, BTC, Side.SELL, OrderKind.MARKET, 7, None, Purpose.TARGET, rig.world.now))
    state.exposure = None
    assert (600_000, 7) in walk.of_symbol(desk, state).sells
    rig.engine.handle(Quote(rig.world.now + MINUTE, BTC, mark=610_000))
    assert (610_000, 7) in exposure.portfolio(desk).symbols[BTC].sells
    rig.engine.handle(Quote(rig.world.now + 2 * MINUTE, BTC, mark=620_000))
    assert (620_000, 7) in walk.of_symbol(desk, state).sells


def bought_by_hand(rig: Rig, steps: int, number: int) -> None:
    at, price = rig.world.now, rig.engine.desk.symbols[BTC].close
    assert price is not None
    web, trade, free = f"web_m{number}", str(900_000 + number), Decimal(0)
    rig.engine.handle(Fill(at, BTC, web, trade, Side.BUY, price, steps, free, "USDT", False, free, False))


def small(*minutes: tuple[int, int, int, int]) -> Rig:
    """A spot grid of 1,000 USDT in a wallet of 10,000; a tick is 0.01, a step 0.00001."""
    tape = Tape(flat(600_000), *minutes, market=Market.SPOT)
    ladder = ladder_of()
    return Rig(tape, market=Market.SPOT, engine=config(Market.SPOT, (BTC,), ladder=ladder, capital=Decimal(1_000)))


def test_what_the_owner_buys_and_sells_with_money_beside_the_capital_moves_nothing_of_the_bots() -> None:
    fallen = (600_000, 600_000, 585_000, 585_000), (585_000, 585_000, 570_000, 570_000)
    rig = small(flat(600_000), fallen[0], *[flat(585_000)] * 3, fallen[1], *[flat(570_000)] * 9)
    rig.run(until=rig.source.start + 4 * MINUTE)
    desk = rig.engine.desk
    own, equity = position(rig), desk.ledger.equity_quick()
    assert own > 0
    assert rig.world.owner.manual_trade(BTC, Side.BUY, 10_000) is None  # nearly six times the bot's capital
    rig.settle()
    assert position(rig) == own
    assert desk.ledger.equity_quick() == equity
    assert not desk.blockers.holds(BTC, "leverage_hard")
    rig.run(until=rig.source.start + 8 * MINUTE)
    assert desk.tiers.tier == 0, "the coins have lost 15 % of the capital, and they are the owner's"
    assert exposure.symbol_worst(desk, desk.symbols[BTC]) < 1.0  # type: ignore[operator]
    assert rig.world.owner.manual_trade(BTC, Side.SELL, 9_900) is None
    rig.run()
    assert desk.tiers.tier == 0
    assert desk.ledger.pnl().transfers == 0
    assert rig.problems == []


def test_an_order_of_others_that_money_beside_the_capital_pays_for_is_no_exposure() -> None:
    rig = small(*[flat(600_000)] * 12)
    rig.run(until=rig.source.start + 3 * MINUTE)
    desk = rig.engine.desk
    mine = sorted((o.side, o.price) for o in rig.world.exchange.history.open.values())
    theirs = [NewOrder(f"{HAND}m{n}", BTC, Side.BUY, OrderKind.LIMIT, steps, 5_000_000, Purpose.GRID, rig.world.now)
              for n, steps in enumerate((12_000, 7_000))]  # fmt: skip
    assert rig.world.owner.manual_order(theirs[0]) is None  # 6,000 USDT
    rig.bot.reconcile(rig.engine.now)
    rig.settle()
    assert walk.foreign(desk, desk.symbols[BTC]) == []
    rig.run(until=rig.source.start + 5 * MINUTE)
    there = rig.world.exchange.history.open.values()
    assert sorted((o.side, o.price) for o in there if not o.manual) == mine
    assert rig.world.owner.manual_order(theirs[1]) is None  # 3,500 more, of 3,000 that are left
    rig.bot.reconcile(rig.engine.now)
    rig.settle()
    assert [(side, steps) for side, _, steps, _ in walk.foreign(desk, desk.symbols[BTC])] == [(Side.BUY, 1_000)]
    rig.run()
    assert rig.problems == []


def in_tier_2(rig: Rig) -> None:
    tiers = rig.engine.desk.tiers
    tiers.tier, tiers.average, tiers.peak = 2, 0.12, tiers.value / 0.88


@pytest.mark.parametrize("market", [Market.SPOT, Market.FUTURES])
def test_in_tier_2_nothing_is_opened_that_adds_to_what_is_held_and_that_is_said(market: Market) -> None:
    rig = grid((600_000, 600_000, 590_000, 590_000), *[flat(590_000)] * 9, market=market)
    rig.run(until=rig.source.start + 4 * MINUTE)
    desk, state = rig.engine.desk, rig.engine.desk.symbols[BTC]
    assert position(rig) > 0
    assert entries_allowed(desk, state) == (True, True)
    in_tier_2(rig)
    desk.dirty.add(BTC)
    rig.run(until=rig.source.start + 6 * MINUTE)
    assert entries_allowed(desk, state) == (False, True)
    assert desk.blockers.holds(BTC, "one_side")
    assert not [slot for slot in state.desired.resting if slot.side is Side.BUY] if state.desired else False
    desk.tiers.peak, desk.tiers.average = desk.tiers.value, 0.0
    rig.run()
    assert desk.tiers.tier == 0
    assert not desk.blockers.holds(BTC, "one_side")


def test_in_tier_2_neither_dust_nor_what_others_have_on_spot_is_held() -> None:
    rig = grid(*[flat(600_000)] * 8, market=Market.SPOT)
    rig.run(until=rig.source.start + 2 * MINUTE)
    desk, state = rig.engine.desk, rig.engine.desk.symbols[BTC]
    in_tier_2(rig)
    rig.checking = False
    bought_by_hand(rig, 400, 1)
    assert desk.ledger.position(BTC) == 400
    assert entries_allowed(desk, state) == (True, True)
    ours = next(live.order.client_id for live in desk.orders.live(BTC) if live.order.side is Side.BUY)
    at, price, free = rig.world.now, 6_000_000, Decimal(0)
    rig.engine.handle(Fill(at, BTC, ours, "900009", Side.BUY, price, 1, free, "USDT", True, free))  # 0.60 USDT
    assert desk.ledger.book(BTC).own_position == 1
    assert entries_allowed(desk, state) == (True, True)
    assert not desk.blockers.holds(BTC, "one_side")


def test_what_others_hold_is_not_told_to_be_worked_down() -> None:
    rig = grid(*[flat(600_000)] * 130, levels=200)  # so close that there is no grid
    rig.run(until=rig.source.start + 2 * MINUTE)
    desk = rig.engine.desk
    rig.checking = False
    assert rig.world.owner.manual_trade(BTC, Side.BUY, 50) is None
    rig.run()
    assert desk.ledger.position(BTC) == 50
    assert desk.blockers.holds(BTC, "levels_too_close")
    assert not desk.blockers.holds(BTC, "unwinding")
    assert symbol_view(desk, desk.symbols[BTC]).state == "running"


def test_what_others_hold_is_named_where_a_flatten_says_that_we_are_flat() -> None:
    rig = grid(*[flat(600_000)] * 20)
    rig.run(until=rig.source.start + 2 * MINUTE)
    assert rig.world.owner.manual_trade(BTC, Side.BUY, 50) is None
    rig.run(until=rig.source.start + 4 * MINUTE)
    number = rig.order("flatten")
    rig.run()
    done = rig.outcome(number)
    assert done is not None
    assert done.text.endswith("; not the bot's, and left as it is: BTCUSDT 0.05")


def test_a_fill_that_takes_the_account_past_the_trim_level_shrinks_every_position_at_once() -> None:
    rig = Rig(RandomMarket(3, 2, days=4.0), check=False, seed=3)
    desk = rig.engine.desk
    names = sorted(desk.symbols)
    at = rig.source.start + 14 * DAY
    while not all(abs(desk.ledger.position(name)) > 1 for name in names) and at < rig.source.start + 18 * DAY:
        at += HOUR
        rig.run(until=at)
    observed = exposure.portfolio(desk).observed()
    assert observed
    desk.gate.trim_at, desk.gate.cap = 0.99 * observed, 0.5 * observed
    desk.turn += 1
    desk.dirty.add(names[0])  # news of one only
    converge(desk)
    for name in names:
        whole = desk.symbols[name].whole
        assert whole is not None
        assert whole.target is not None
        assert whole.target.reason == "cap"


def test_a_price_that_only_the_accounts_statement_tells_trims_what_has_drifted() -> None:
    rig = Rig(RandomMarket(3, 2, days=4.0), check=False, seed=3)
    engine, desk = rig.engine, rig.engine.desk
    names = sorted(desk.symbols)
    at = rig.source.start + 14 * DAY
    while not all(abs(desk.ledger.position(name)) > 1 for name in names) and at < rig.source.start + 18 * DAY:
        at += HOUR
        rig.run(until=at)
    observed = exposure.portfolio(desk).observed()
    assert observed
    desk.gate.trim_at, desk.gate.cap = 1.01 * observed, 0.5 * observed
    marks = {name: desk.symbols[name].mark for name in names}
    stated = tuple(
        PositionState(name, desk.ledger.position(name), Decimal(1), None, int(1.05 * mark))
        for name, mark in marks.items()
        if mark is not None
    )
    engine.handle(AccountState(rig.world.now + 1, {"USDT": desk.ledger.wallet}, stated))
    for name in names:
        whole = desk.symbols[name].whole
        assert whole is not None
        assert whole.target is not None
        assert whole.target.reason == "cap"


def test_only_the_exchanges_own_list_moves_the_time_from_which_wallet_changes_are_asked_for() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    engine, now = rig.engine, rig.world.now
    since = engine.last_cash_at()
    rig.checking = False
    engine.handle(Cash(now, CashKind.FUNDING, "USDT", Decimal("0.5"), "900", BTC))
    assert engine.last_cash_at() == since  # a withdrawal before it may have been lost on the way
    engine.cash_listed(now)
    assert engine.last_cash_at() == now


def test_what_came_before_the_ledger_began_is_in_its_first_statement_and_is_not_booked_again() -> None:
    rig = grid(*[flat(600_000)] * 4)
    rig.run(until=rig.source.start + 2 * MINUTE)
    ledger, began = rig.engine.desk.ledger, rig.engine.desk.ledger_at
    wallet = ledger.wallet
    # The exchange's list reaches back a minute before what the stream told of: a deposit made just before the start.
    rig.engine.handle(Cash(began - 1, CashKind.TRANSFER, "USDT", Decimal(5_000), "TRANSFER-1"))
    assert ledger.wallet == wallet
    rig.engine.handle(Cash(began, CashKind.TRANSFER, "USDT", Decimal(7), "TRANSFER-2"))
    assert ledger.wallet == wallet + 7


@pytest.mark.parametrize("market", list(Market))
def test_a_bot_that_was_started_on_an_empty_wallet_trades_as_soon_as_money_comes(market: Market) -> None:
    source = RandomMarket(3, 1, market=market, days=1)
    rig = Rig(source, market=market, capital=0)
    rig.run(until=source.trading_from + 2 * HOUR + 3 * MINUTE)
    desk, name = rig.engine.desk, rig.engine.symbols[0]
    assert desk.blockers.holds(name, "no_equity")
    rig.world.owner.deposit("USDT", Decimal(10_000))
    rig.settle()
    assert not desk.blockers.holds(name, "no_equity")
    assert rig.world.exchange.history.open, "an hour before the next plan is due"
    assert rig.problems == []


def test_the_farthest_entries_make_room_for_an_order_of_others_and_exits_rest() -> None:
    risen = (600_000, 630_000, 600_000, 630_000)
    rig = grid(*[flat(600_000)] * 3, risen, *[flat(630_000)] * 6, side="neutral", levels=10, leverage=0.65)
    rig.run(until=rig.source.start + 2 * MINUTE)
    others = NewOrder(f"{HAND}m1", BTC, Side.BUY, OrderKind.LIMIT, 40, 400_000, Purpose.GRID, rig.world.now)
    assert rig.world.owner.manual_order(others) is None
    rig.settle()
    rig.bot.reconcile(rig.engine.now)
    rig.run()
    desk = rig.engine.desk
    assert others.client_id in desk.foreign_orders
    assert position(rig) < 0
    view = symbol_view(desk, desk.symbols[BTC])
    buys = [rung for rung in view.ladder if rung.side == "buy"]
    assert all(rung.state == "resting" for rung in buys if rung.lot), "what closes the short is not held back"
    assert buys[-1].state == "blocked", "but the farthest entry is"
    assert desk.gate.verdict(exposure.portfolio(desk)) == ""
