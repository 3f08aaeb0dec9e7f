"""Fixed pictures of a bot: what screens are tested, photographed and developed with. No clock, no chance."""

import math

from msgspec.structs import replace

from gridbot_tui.control.snapshot import (
    BarView,
    BlockerView,
    DecisionView,
    EquityPoint,
    EventView,
    FeaturesView,
    FillView,
    LearningView,
    LinkView,
    LotView,
    OrderView,
    PnlView,
    RungView,
    ShutdownView,
    Snapshot,
    StopView,
    SymbolView,
    TrialView,
    VotesView,
    WhatIf,
)
from gridbot_tui.units import DAY, HOUR, MINUTE, Ms

NOW: Ms = 1_763_733_802_000
"""2025-11-21 14:03:22 UTC."""


def bars(last: float, count: int = 168, decimals: int = 1, swing: float = 0.04) -> tuple[BarView, ...]:
    """Hourly candles that end at ``last``."""
    found, close = [], 0.0
    for at in range(count):
        wave = math.sin(at / 9) * 0.5 + math.sin(at / 23 + 1) * 0.8 + math.sin(at * 1.7) * 0.15
        target = last * (1 + swing * (wave - _wave(count - 1)))
        opened = close or target * 0.998
        close = target if at < count - 1 else last
        high, low = max(opened, close) * (1 + swing * 0.06), min(opened, close) * (1 - swing * 0.06)
        prices = (opened, high, low, close)
        found.append(BarView(NOW - (count - at) * HOUR, *(f"{price:.{decimals}f}" for price in prices)))
    return tuple(found)


def _wave(at: int) -> float:
    return math.sin(at / 9) * 0.5 + math.sin(at / 23 + 1) * 0.8 + math.sin(at * 1.7) * 0.15


FEATURES = FeaturesView(
    sigma_hour=0.0080,
    sigma_fast=0.0091,
    sigma_year=0.749,
    z24=0.42,
    z48=0.61,
    z96=0.18,
    z168=-0.22,
    z336=-0.47,
    volr=1.18,
    funding_mean=0.00008,
    hours=512,
    warm_hours=336,
)

LADDER = (
    RungView("sell", "65781.0", "0.026", "waiting", rung=3),
    RungView("sell", "63959.0", "0.026", "resting", rung=2, since=NOW - 12 * MINUTE, fills=6, cycles=3, profit="41.20"),
    RungView("sell", "62192.0", "0.026", "resting", rung=1, entry=False, since=NOW - 3 * MINUTE, lot=7),
    RungView("buy", "58735.0", "0.026", "resting", rung=2, since=NOW - 41 * MINUTE, fills=10, cycles=5, profit="63.90"),
    RungView(
        "buy",
        "57090.0",
        "0.026",
        "partly filled",
        rung=3,
        since=NOW - 41 * MINUTE,
        filled="0.011",
        fills=5,
        cycles=2,
        profit="22.00",
    ),
    RungView("buy", "55492.0", "0.027", "resting", rung=4, since=NOW - 41 * MINUTE),
    RungView("buy", "53938.0", "0.028", "blocked", rung=5, reason="gap budget"),
    RungView("buy", "52428.0", "0.028", "waiting", rung=6),
)

WHAT_IF = (
    WhatIf(
        "buy", 5, "0.161", "56498.2", "52428.0", "1516.43", "51.20", 0.83, -0.029, 0, "24880.0", "1.20", "44.10", "0.42"
    ),
    WhatIf(
        "sell", 3, "-0.052", "64870.0", "65781.0", "562.20", "18.10", 0.33, -0.008, 0, None, "1.31", "46.00", "-0.14"
    ),
)


TRIALS = (
    TrialView(
        "running", "done", "5e1f0a7c", NOW, "BTCUSDT, ETHUSDT, 15 min bars", 60, 0.00021, -0.00034, 0.00079, 0.0126,
        4.1, -0.038, suggestion="no change is suggested: of 6 changes of one parameter the best, "
        "ladder.spacing_trend 4 to 5.333, made +0.004 % a day [-0.011 %, +0.020 %], which shows no difference",
    ),
)  # fmt: skip


def btc() -> SymbolView:
    """A symbol in the middle of its work."""
    return SymbolView(
        price="60010.0",
        mark="60004.2",
        bid="60009.9",
        ask="60010.0",
        position="0.026",
        entry_price="60000.0",
        break_even="60024.0",
        liquidation_price=None,
        votes=VotesView(0.50, 0.0, 0.33),
        weights=VotesView(0.31, 0.10, 0.59),
        bias=0.45,
        label="long",
        spacing=0.0284,
        confidence=0.85,
        plan_leverage=0.44,
        leverage=0.15,
        worst_leverage=1.12,
        epoch=42,
        plan_at=NOW - 3 * MINUTE,
        plan_reasons=(("reservation", 0.013), ("width", 1.0)),
        features=FEATURES,
        ladder=LADDER,
        lots=(LotView(7, "long", "0.026", "60000.0", NOW - 3 * MINUTE, "62192.0", "0.11"),),
        stop=StopView("47980.0", "sell", "0.187", "resting"),
        open_orders=6,
        fills=23,
        cycles=10,
        wins=10,
        realised="118.23",
        unrealised="0.11",
        grid_profit="127.10",
        inventory_profit="-1.44",
        fees="9.87",
        funding="-1.36",
        allotted="5107.15",
        state="running",
        age_ms=200,
        next_funding_at=NOW + 116 * MINUTE,
        funding_rate=0.0001,
        bars=bars(60010.0),
        vote_history=tuple(
            (NOW - (48 - at) * HOUR, 0.2 + at * 0.006, max(0.0, 0.2 - at * 0.005), 0.33) for at in range(48)
        ),
        what_if=WHAT_IF,
        tick_decimals=1,
        base="BTC",
        quote="USDT",
    )


def eth() -> SymbolView:
    """A symbol that holds nothing and rests little."""
    return replace(
        btc(),
        price="3012.44",
        mark="3012.40",
        bid="3012.43",
        ask="3012.45",
        position="0",
        entry_price=None,
        break_even=None,
        votes=VotesView(0.0, 0.21, 0.0),
        bias=-0.12,
        label="short",
        leverage=0.0,
        worst_leverage=0.41,
        ladder=(
            RungView(
                "sell", "3120.10", "0.61", "resting", rung=1, since=NOW - 5 * HOUR, fills=2, cycles=1, profit="8.10"
            ),
            RungView("buy", "2907.90", "0.61", "resting", rung=1, since=NOW - 5 * HOUR),
        ),
        lots=(),
        stop=None,
        open_orders=2,
        fills=4,
        cycles=2,
        wins=1,
        realised="7.70",
        unrealised="0",
        grid_profit="8.10",
        inventory_profit="0",
        fees="0.62",
        funding="0.10",
        bars=bars(3012.44, decimals=2, swing=0.05),
        what_if=(),
        tick_decimals=2,
        base="ETH",
    )


def normal() -> Snapshot:
    """A rich picture of a running bot."""
    return Snapshot(
        mode="sim",
        market="futures",
        profile="sim-futures-main-USDT",
        quote="USDT",
        state="running",
        at=NOW,
        wall_at=NOW,
        started_at=NOW - 26 * HOUR,
        uptime_s=93_600.0,
        speed="120",
        equity="10214.31",
        start_equity="10000.00",
        wallet="10214.20",
        drawdown=-0.008,
        max_drawdown=-0.021,
        tier=0,
        leverage=0.15,
        worst_leverage=1.12,
        leverage_cap=6.0,
        admission_cap=5.0,
        tier_limits=(0.05, 0.10, 0.15),
        taker_fee="0.0005",
        max_leverage=1.31,
        residual="0",
        residual_pending=False,
        config_version=3,
        config_text="[ladder]\nspacing_floor = 0.004  # my own floor\n\n[risk]\nleverage_cap = 5.0\n",
        symbols={"BTCUSDT": btc(), "ETHUSDT": eth()},
        ages={"market": 200, "account": 900, "orders": 400},
        blockers=(
            BlockerView(
                "gap_budget",
                "BTCUSDT",
                NOW - 40 * MINUTE,
                "the farthest buy would pass 25.0 % of equity in a gap of 31 %",
                "with a smaller position or a higher equity",
            ),
            BlockerView(
                "neutral_silent", "ETHUSDT", NOW - 8 * HOUR, "σ 0.41 %/h is under 0.60 %", "when volatility rises"
            ),
        ),
        events=events(),
        decisions=(
            DecisionView(
                NOW - 3 * MINUTE,
                "BTCUSDT",
                42,
                (("close", "60010.0"), ("sigma", "0.80 %"), ("votes", "0.50 0.00 0.33")),
                "centre −0.3 spacings, UP 0.44 → 0.50",
                "ensemble",
            ),
            DecisionView(NOW - 63 * MINUTE, "ETHUSDT", 17, (("close", "3012.44"),), "kept the plan", "hysteresis"),
        ),
        fills=fills(),
        orders=orders(),
        equity_curve=tuple(
            EquityPoint(
                NOW - (120 - at) * 6 * HOUR,
                f"{10000 + 2.1 * at + 40 * math.sin(at / 7) - 36.0:.2f}",
                min(0.0, 0.01 * math.sin(at / 7) - 0.004),
            )
            for at in range(121)
        ),
        learning=learning(),
        links=(
            LinkView("market data", True, 200, 0, 12.0, "6 streams"),
            LinkView("user stream", True, 4_000, 1, 31.0, "listen key 41 min old"),
            LinkView("rest", True, 900, 0, 44.0, "weight 120 of 2400"),
        ),
        pnl=PnlView("135.20", "-1.44", "10.49", "-1.26", "0", "125.93", "0.11", "31.02", "144.90", 12, 11, 27),
        controller="terminal (process 4711)",
        viewers=1,
        trials=TRIALS,
    )


def events() -> tuple[EventView, ...]:
    """A quiet hour."""
    return (
        EventView(NOW - 3 * MINUTE - 3000, "info", "fill", "BTCUSDT", "buy 0.026 @ 60 000, fee 0.312"),
        EventView(NOW - 3 * MINUTE - 2900, "info", "sent", "BTCUSDT", "sell 0.026 @ 62 192, exit of lot 7"),
        EventView(NOW - 3 * MINUTE, "info", "plan", "BTCUSDT", "epoch 41 → 42: centre −0.3 s, UP .44 → .50"),
        EventView(NOW - 40 * MINUTE, "warning", "gate", "BTCUSDT", "53 938 withheld: gap budget"),
        EventView(NOW - 63 * MINUTE, "info", "plan", "ETHUSDT", "kept: within hysteresis"),
    )


def fills() -> tuple[FillView, ...]:
    """The last fills."""
    return (
        FillView(NOW - 3 * MINUTE - 3000, "BTCUSDT", "buy", "60000.0", "0.026", "0.312", "USDT", True, "grid", "0"),
        FillView(NOW - 9 * HOUR, "BTCUSDT", "sell", "61420.0", "0.026", "0.319", "USDT", True, "grid", "41.10"),
        FillView(NOW - 30 * HOUR, "BTCUSDT", "buy", "59790.0", "0.026", "0.311", "USDT", True, "grid", "0"),
        FillView(NOW - 50 * HOUR, "ETHUSDT", "sell", "3081.20", "0.61", "0.376", "USDT", False, "target", "8.10"),
    )


def orders() -> tuple[OrderView, ...]:
    """What stands."""
    return (
        OrderView(
            NOW - 3 * MINUTE,
            "BTCUSDT",
            "gb-main-42-1s-1",
            "sell",
            "limit",
            "62192.0",
            None,
            "0.026",
            "0",
            "resting",
            "grid",
        ),
        OrderView(
            NOW - 41 * MINUTE,
            "BTCUSDT",
            "gb-main-42-2b-1",
            "buy",
            "limit",
            "58735.0",
            None,
            "0.026",
            "0",
            "resting",
            "grid",
        ),
        OrderView(
            NOW - 41 * MINUTE,
            "BTCUSDT",
            "gb-main-42-st-1",
            "sell",
            "stop",
            None,
            "47980.0",
            "0.187",
            "0",
            "resting",
            "stop",
        ),
        OrderView(
            NOW - 50 * MINUTE,
            "BTCUSDT",
            "gb-main-41-6b-1",
            "buy",
            "limit",
            "52100.0",
            None,
            "0.028",
            "0",
            "cancelled",
            "grid",
            "replaced",
        ),
    )


def learning() -> LearningView:
    """A learner that has moved a little from its prior."""
    history = tuple((NOW - (30 - at) * DAY, 0.30 + 0.0005 * at, 0.10, 0.60 - 0.0005 * at) for at in range(31))
    return LearningView(
        frozen=False,
        version=4,
        prior=VotesView(0.30, 0.10, 0.60),
        weights=VotesView(0.31, 0.10, 0.59),
        trust=0.18,
        evidence=0.62,
        days=30,
        fallback_until=None,
        history=history,
        shadow=VotesView(0.021, -0.004, 0.034),
        changes=((1, NOW - 30 * DAY, "start", 0.30, 0.10, 0.60), (4, NOW - DAY, "daily update", 0.31, 0.10, 0.59)),
    )


def six_symbols() -> Snapshot:
    """Enough to sort and filter."""
    places = (
        ("SOL", "159.28", 2, "0.65"),
        ("XRP", "1.3907", 4, "-41.3"),
        ("DOGE", "0.12204", 5, "0"),
        ("ADA", "0.8012", 4, "137"),
    )
    more = {
        f"{base}USDT": replace(
            btc() if float(position) else eth(),
            base=base,
            price=price,
            mark=price,
            position=position,
            bias=0.1 * at - 0.2,
            leverage=0.02 * at,
            worst_leverage=0.3 + 0.1 * at,
            realised=f"{(at - 1) * 20.5:.2f}",
            grid_profit=f"{at * 12.25:.2f}",
            cycles=3 * at,
            open_orders=4 + at,
            bars=bars(float(price), decimals=decimals, swing=0.02 * (at + 1)),
            tick_decimals=decimals,
            state=("running", "running", "warming", "paused")[at],
        )
        for at, (base, price, decimals, position) in enumerate(places)
    }
    return replace(normal(), symbols={**normal().symbols, **more})


# Ugly states


def paused() -> Snapshot:
    """Paused by the operator."""
    return replace(normal(), state="paused")


def tier3() -> Snapshot:
    """Halted by the third tier, flat."""
    held = replace(
        btc(),
        position="0",
        entry_price=None,
        break_even=None,
        lots=(),
        ladder=(),
        stop=None,
        open_orders=0,
        state="latched",
    )
    return replace(
        normal(),
        state="halted",
        tier=3,
        equity="8461.02",
        drawdown=-0.161,
        max_drawdown=-0.163,
        leverage=0.0,
        symbols={"BTCUSDT": held},
        blockers=(BlockerView("tier3", "", NOW - HOUR, "drawdown −16.1 % passed −15 %", "gridbot reset drawdown"),),
    )


def many_slots(count: int = 200) -> Snapshot:
    """A ladder of ``count`` slots."""
    half = count // 2
    ladder = tuple(
        RungView(
            "sell" if at < half else "buy",
            f"{60010 + (half - at) * 90 - (0 if at < half else 90):.1f}",
            "0.003",
            "resting" if abs(at - half) < 20 else "waiting",
            rung=abs(half - at),
            since=NOW - MINUTE if abs(at - half) < 20 else None,
        )
        for at in range(count)
    )
    view = replace(btc(), ladder=ladder, open_orders=40)
    return replace(normal(), symbols={"BTCUSDT": view})


def nothing() -> Snapshot:
    """A bot without a symbol."""
    return replace(
        normal(),
        symbols={},
        blockers=(),
        events=(),
        decisions=(),
        fills=(),
        orders=(),
        equity_curve=(),
        state="starting",
    )


def huge() -> Snapshot:
    """Very big numbers."""
    view = replace(
        btc(),
        price="123456789012.3",
        mark="123456789011.9",
        position="-98765432109.876",
        entry_price="123456789000.0",
        break_even="123456780000.0",
        liquidation_price="999999999999.9",
        ladder=tuple(
            replace(rung, price=f"{(at + 1) * 40_000_000_000:.1f}", quantity="12345678.901")
            for at, rung in enumerate(reversed(LADDER))
        )[::-1],
        realised="123456789012345.67",
        grid_profit="-987654321098765.43",
        bars=bars(123456789012.3),
    )
    return replace(
        normal(),
        equity="1234567890123.45",
        start_equity="1000000000000.00",
        symbols={"BTCUSDT": view},
        pnl=replace(normal().pnl, grid="987654321098765.43", realised="-123456789012345.67"),
        leverage=123.45,
        worst_leverage=456.78,
    )


def tiny() -> Snapshot:
    """A price of 0.00000123."""
    ladder = tuple(
        RungView(
            "sell" if at < 3 else "buy",
            f"{0.00000129 - at * 0.00000002:.8f}",
            "812345678",
            "resting",
            rung=abs(3 - at),
            since=NOW - MINUTE,
        )
        for at in range(6)
    )
    view = replace(
        btc(),
        price="0.00000123",
        mark="0.00000123",
        bid="0.00000122",
        ask="0.00000123",
        position="812345678",
        entry_price="0.00000121",
        break_even="0.00000122",
        ladder=ladder,
        lots=(LotView(1, "long", "812345678", "0.00000121", NOW - HOUR, "0.00000124", "16.25"),),
        stop=StopView("0.00000090", "sell", "812345678", "resting"),
        bars=bars(0.00000123, decimals=8),
        tick_decimals=8,
        base="SHIB1000",
    )
    return replace(normal(), symbols={"SHIB1000USDT": view})


def long_names() -> Snapshot:
    """Names that do not fit, one of them in wide characters."""
    view = replace(btc(), base="币安人生", state="running")
    other = replace(eth(), base="1000000MOGWITHAVERYLONGNAME")
    return replace(
        normal(),
        profile="a-profile-with-a-name-that-never-ends-and-goes-on-and-on",
        symbols={"币安人生USDT": view, "1000000MOGWITHAVERYLONGNAMEUSDT": other},
        events=(EventView(NOW, "error", "a_code_of_great_length", "1000000MOGWITHAVERYLONGNAMEUSDT", "x" * 300),),
        blockers=(BlockerView("a_code_of_great_length", "币安人生USDT", NOW - DAY * 40, "y " * 120, "z " * 80),),
    )


def unknown() -> Snapshot:
    """Nothing that may be unknown is known."""
    view = replace(
        btc(),
        price=None,
        mark=None,
        bid=None,
        ask=None,
        position="0",
        entry_price=None,
        break_even=None,
        liquidation_price=None,
        votes=None,
        weights=None,
        bias=None,
        label=None,
        spacing=None,
        confidence=None,
        plan_leverage=None,
        leverage=None,
        worst_leverage=None,
        plan_at=None,
        plan_reasons=(),
        features=FeaturesView(hours=12),
        ladder=(),
        lots=(),
        stop=None,
        unrealised=None,
        inventory_profit=None,
        age_ms=None,
        next_funding_at=None,
        funding_rate=None,
        bars=(),
        vote_history=(),
        what_if=(),
        state="no data",
    )
    return replace(
        normal(),
        equity=None,
        drawdown=None,
        leverage=None,
        worst_leverage=None,
        symbols={"BTCUSDT": view},
        equity_curve=(),
        pnl=replace(normal().pnl, inventory=None, unrealised=None, today=None, week=None),
    )


def live() -> Snapshot:
    """The same with real money."""
    return replace(normal(), mode="live", speed="1", profile="live-futures-main-USDT")


def stopping() -> Snapshot:
    """In the middle of a graceful stop."""
    stages = ("cancel", "flatten", "verify")
    return replace(normal(), state="stopping", shutdown=ShutdownView("flatten", stages, "0.026 BTC left", NOW - 4000))


ALL = {
    one.__name__: one
    for one in (
        normal,
        six_symbols,
        paused,
        tier3,
        many_slots,
        nothing,
        huge,
        tiny,
        long_names,
        unknown,
        live,
        stopping,
    )
}
