"""The event feed in an operator's words."""

from decimal import Decimal as D

import msgspec
import pytest

from gridbot_tui.engine import actions as a
from gridbot_tui.engine.events import Cash, CashKind, Fill, OrderReport, Outcome
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.feed import Feed, line, number
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.strategy.plan import GridPlan, Votes, Weights
from gridbot_tui.units import Market, Side

BTC = "BTCUSDT"
KNOWN = {
    BTC: Instrument(
        BTC,
        Market.FUTURES,
        "BTC",
        "USDT",
        D("0.10"),
        D("0.001"),
        1,
        10**6,
        10**5,
        D(100),
        1,
        10**9,
        D(1),
        D(1),
        200,
    )
}
FILL = Fill(5, BTC, "gb-1", "1", Side.BUY, 600_000, 26, D("0.312"), "USDT", True, D(0))
ORDER = NewOrder("gb-2", BTC, Side.SELL, OrderKind.LIMIT, 26, 621_924, Purpose.GRID, 5)
PLAN = GridPlan(
    BTC, 41, 5, "adaptive", 6e4, 0.0, 1e4, Votes(0.44, 0.0, 0.33), Weights(0.3, 0.1, 0.6), 0.45, "LONG", 0.85,
    0.44, 0.026, 0.033, 0.11, -0.044, 12, 0.5, centre=11.0, spacing=0.0284, anchor=11.0,
)  # fmt: skip


def said(fact: a.Fact) -> str:
    found = line(fact, KNOWN)
    assert found is not None
    return found.text


def test_a_fill_reads_like_the_screen() -> None:
    assert said(a.FillFact(5, FILL, D(0), 0)) == "buy 0.026 @ 60 000  fee 0.312"


def test_a_closed_cycle_says_what_it_earned_and_a_foreign_fee_its_asset() -> None:
    fill = msgspec.structs.replace(FILL, fee=D("0.0001"), fee_asset="BNB")
    text = said(a.FillFact(5, fill, D("1.50"), 1))
    assert text == "buy 0.026 @ 60 000  fee 0.0001 BNB  1 cycle closed, grid +1.5"


def test_a_liquidation_is_an_error_and_a_manual_trade_a_warning() -> None:
    forced = line(a.FillFact(5, msgspec.structs.replace(FILL, forced="liquidation"), D(0), 0), KNOWN)
    assert forced is not None
    assert (forced.level, "liquidation" in forced.text) == ("error", True)
    manual = line(a.FillFact(5, msgspec.structs.replace(FILL, ours=False), D(0), 0), KNOWN)
    assert manual is not None
    assert (manual.level, "external lot" in manual.text) == ("warning", True)


def test_orders_say_what_they_are_for() -> None:
    assert said(a.IntentFact(5, ORDER)) == "sell 0.026 @ 62 192.4"
    change = msgspec.structs.replace
    market = change(ORDER, kind=OrderKind.MARKET, price=None, purpose=Purpose.TARGET, reduce_only=True)
    assert said(a.IntentFact(5, market)) == "sell 0.026 at market  reduce-only"
    stop = change(ORDER, kind=OrderKind.STOP_MARKET, price=None, purpose=Purpose.STOP, trigger=500_000)
    assert said(a.IntentFact(5, stop)) == "stop: sell 0.026 at mark 50 000"


def test_an_unknown_instrument_is_given_in_ticks_and_steps_not_guessed() -> None:
    found = line(a.IntentFact(5, ORDER), {})
    assert found is not None
    assert found.text == "sell 26 steps @ 621924 ticks"


def test_a_plan_says_what_changed_since_the_last() -> None:
    feed = Feed()
    feed.add(a.PlanFact(5, PLAN), KNOWN)
    later = msgspec.structs.replace(PLAN, epoch=42, centre=11.0 - 0.3 * 0.0284, votes=Votes(0.5, 0.0, 0.33))
    feed.add(a.PlanFact(6, later), KNOWN)
    first, second = feed.lines()
    assert first.text == "epoch 41: LONG, bias +0.45, spacing 2.84%, 12 rungs a side, leverage 0.44x"
    assert second.text == "epoch 41 → 42: centre −0.3 s, UP 0.44 → 0.50"


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.CANCELED, Outcome.FILLED])
def test_acknowledgements_are_no_news(outcome: Outcome) -> None:
    assert line(a.OrderFact(5, OrderReport(5, BTC, "gb-1", outcome)), KNOWN) is None


def test_refusals_decisions_modes_and_money_are() -> None:
    report = OrderReport(5, BTC, "gb-1", Outcome.REFUSED, code=-2010, detail="insufficient balance")
    assert said(a.OrderFact(5, report)) == "gb-1 refused (-2010): insufficient balance"
    assert said(a.DecisionFact(5, BTC, "gap", "withheld", "warning")) == "withheld"
    assert line(a.DecisionFact(5, BTC, "x", "y", "debug"), KNOWN) is None
    assert said(a.ModeFact(5, "kill", "", "operator")) == "kill: operator"
    assert said(a.ModeFact(5, "tier_latch", "", "")) == "tier latch cleared"
    assert said(a.ModeFact(5, "stopped", BTC, "1795385387645")) == "latched: its resting stop fired"
    cash = Cash(5, CashKind.FUNDING, "USDT", D("-1.360"), "f1", BTC)
    assert said(a.CashFact(5, cash)) == "funding paid −1.36 USDT"
    assert said(a.WeightsFact(5, PLAN.weights, "daily")) == "UP 0.30  DOWN 0.10  NEUTRAL 0.60  (daily)"
    assert said(a.StartFact(5, {"USDT": D("10000.00")}, None)) == "the ledger begins with 10 000 USDT"
    one = D(1)
    assert line(a.EquityFact(5, one, one, one, 0.0, 0, 0.0, one), KNOWN) is None


def test_breakers_are_told_of_with_their_level() -> None:
    opened = a.BreakerFact(5, "errors", "", "exchange", "5 requests without an answer", 5)
    assert said(opened) == "exchange breaker errors open: 5 requests without an answer"
    assert "closed" in said(a.BreakerFact(5, "errors", "", "exchange", "", None))


def test_every_kind_of_fact_has_been_thought_of() -> None:
    silent = {a.CancelFact, a.EquityFact, a.ServeFact, a.DrawdownFact, a.PriceFact, a.HeldFact}
    spoken = {
        a.IntentFact, a.AdoptFact, a.OrderFact, a.FillFact, a.CashFact, a.PlanFact, a.WeightsFact, a.ModeFact,
        a.DecisionFact, a.StartFact, a.BreakerFact,
    }  # fmt: skip
    assert set(a.Fact.__subclasses__()) == silent | spoken


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("60000.0", "60 000"),
        ("-0.0010", "−0.001"),
        ("0E+3", "0"),
        ("1E+3", "1 000"),
        ("-0", "0"),
        ("1234567.89", "1 234 567.89"),
    ],
)
def test_numbers_are_exact_and_easy_to_read(value: str, text: str) -> None:
    assert number(D(value)) == text


def test_the_feed_is_bounded_and_keeps_the_latest() -> None:
    feed = Feed(kept=10)
    for index in range(100):
        feed.add(a.DecisionFact(index, BTC, "x", str(index)), KNOWN)
    assert [each.text for each in feed.lines()] == [str(index) for index in range(90, 100)]
    assert [each.text for each in feed.lines(3)] == ["97", "98", "99"]
