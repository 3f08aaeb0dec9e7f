"""One immutable picture of the bot, complete in itself: everything a face may show.

Money and prices are decimal strings in quote currency (exact), quantities decimal strings in base;
ratios are floats; drawdowns are fractions <= 0; times are ms UTC. ``None`` means unknown and is shown
as ``-``, never as 0. ``Snapshot`` is a superset of the ``status`` document.
"""

from msgspec import Struct

from gridbot_tui.units import Ms, Symbol


class VotesView(Struct, frozen=True):
    """Three numbers, one a system: votes in [0, 1] or weights that sum to 1."""

    up: float
    down: float
    neutral: float


class RungView(Struct, frozen=True):
    """One slot of the ladder."""

    side: str
    """``buy`` or ``sell``."""
    price: str
    quantity: str
    state: str
    """waiting, sending, resting, partly filled, crossed, blocked, unresolved."""
    rung: int = 0
    entry: bool = True
    """False: closes a lot (an exit)."""
    reason: str = ""
    """Why it does not rest, where it does not."""
    since: Ms | None = None
    """When the order that stands there was sent."""
    filled: str = "0"
    fills: int = 0
    """Fills near this price since the start of the run."""
    cycles: int = 0
    profit: str = "0"
    """Grid profit of those cycles, quote."""
    lot: int | None = None
    """The (first) lot this order closes, wholly or in part."""
    closes: int = 0
    """How many lots it closes."""


class LotView(Struct, frozen=True):
    """Inventory held from one filled entry."""

    id: int
    side: str
    quantity: str
    price: str
    opened_at: Ms
    exit_price: str | None
    profit: str | None
    """At the mark, net of the entry fee, quote."""
    external: bool = False


class BarView(Struct, frozen=True):
    """One candle of the chart."""

    at: Ms
    open: str
    high: str
    low: str
    close: str


class FillView(Struct, frozen=True):
    """A recent fill."""

    at: Ms
    symbol: Symbol
    side: str
    price: str
    quantity: str
    fee: str
    fee_asset: str
    maker: bool
    purpose: str
    grid_profit: str


class OrderView(Struct, frozen=True):
    """An order of ours that stands or stood lately."""

    at: Ms
    symbol: Symbol
    client_id: str
    side: str
    kind: str
    price: str | None
    trigger: str | None
    quantity: str
    filled: str
    state: str
    purpose: str
    detail: str = ""


class StopView(Struct, frozen=True):
    """The resting stop."""

    trigger: str
    side: str
    quantity: str
    state: str


class FeaturesView(Struct, frozen=True):
    """The features behind the votes; None during warm-up."""

    sigma_hour: float | None = None
    sigma_fast: float | None = None
    sigma_year: float | None = None
    z24: float | None = None
    z48: float | None = None
    z96: float | None = None
    z168: float | None = None
    z336: float | None = None
    volr: float | None = None
    funding_mean: float | None = None
    hours: int = 0
    """Decision bars seen."""
    warm_hours: int = 336
    """Decision bars needed before any order."""


class WhatIf(Struct, frozen=True):
    """If every level filled: one direction of the running ladder."""

    side: str
    fills: int
    position: str
    average_price: str | None
    at_price: str | None
    """The farthest level."""
    margin: str
    """Initial margin at the exchange leverage by bracket, quote."""
    maintenance: str
    leverage: float | None
    """Account leverage at ``at_price``."""
    drawdown: float | None
    tier: int | None
    liquidation_price: str | None
    cycle_fees: str
    """Maker fees of one full cycle of one lot, quote."""
    cycle_profit: str
    """Gross profit of one cycle of one lot, quote."""
    funding_day: str | None
    """Funding paid (+) or received (-) a day at the last rate, quote."""


class TrialView(Struct, frozen=True):
    """A config played on the recent past by a back-test beside the bot: what to expect of it, and how sure that is.

    Rates are fractions of equity a day. ``None`` is unknown: nothing was played yet, or the days are too few.
    """

    name: str
    """``running`` or ``edited`` (shown in a preview, not applied)."""
    state: str
    """``playing``, ``done`` or ``failed``."""
    config: str
    """Hash of the values in use."""
    at: Ms
    """Engine time at which its bars end."""
    detail: str = ""
    """What was played, or why nothing could be."""
    days: int = 0
    """Days judged, the warm-up before them not counted."""
    daily: float | None = None
    """Mean return of a day."""
    low: float | None = None
    high: float | None = None
    """95 % block-bootstrap bounds of it; None where the days are too few."""
    net_return: float | None = None
    fills_day: float | None = None
    max_drawdown: float | None = None
    ahead: float | None = None
    """Of an edited config: its mean return of a day less that of the running one."""
    ahead_low: float | None = None
    ahead_high: float | None = None
    suggestion: str = ""
    """What a changed parameter would have done, with its interval and how many were tried; "" before that is known."""


class SymbolView(Struct, frozen=True):
    """Everything of one symbol."""

    price: str | None
    mark: str | None
    bid: str | None
    ask: str | None
    position: str
    entry_price: str | None
    break_even: str | None
    liquidation_price: str | None
    votes: VotesView | None
    weights: VotesView | None
    bias: float | None
    label: str | None
    spacing: float | None
    confidence: float | None
    plan_leverage: float | None
    leverage: float | None
    """|position| x mark / account equity."""
    worst_leverage: float | None
    epoch: int
    plan_at: Ms | None
    plan_reasons: tuple[tuple[str, float], ...]
    features: FeaturesView
    ladder: tuple[RungView, ...]
    """Descending by price."""
    lots: tuple[LotView, ...]
    stop: StopView | None
    open_orders: int
    fills: int
    cycles: int
    wins: int
    realised: str
    """Realised PnL of trades before fees (the exchange's own figure)."""
    unrealised: str | None
    grid_profit: str
    inventory_profit: str | None
    fees: str
    funding: str
    allotted: str
    state: str
    """running, paused, warming, unwinding, flattening, latched, halted, stopping, no data."""
    age_ms: Ms | None
    """Since the symbol's market data last spoke."""
    next_funding_at: Ms | None
    funding_rate: float | None
    bars: tuple[BarView, ...]
    vote_history: tuple[tuple[Ms, float, float, float], ...]
    """(at, up, down, neutral), hourly."""
    what_if: tuple[WhatIf, ...]
    tick_decimals: int
    base: str
    quote: str
    closable: str | None = None
    """What of ``position`` is ours and an order can close: the rest is another hand's or dust. None = not told."""
    others: str = "0"
    """What of ``position`` another hand holds: never touched."""
    locked: str = "0"
    """What of ``closable`` orders that are not the bot's hold (spot): it closes when they are gone."""


class BlockerView(Struct, frozen=True):
    """A named reason why something is not done; most severe first."""

    code: str
    symbol: str
    since: Ms
    detail: str
    clears_when: str


class BreakerView(Struct, frozen=True):
    """A breaker, open or closed; an open one stops new risk and has a blocker that says so."""

    name: str
    level: str
    """``system``, ``exchange``, ``strategy`` or ``position``."""
    state: str
    """``open`` or ``closed``."""
    symbol: str
    """"" = the whole account."""
    since: Ms | None
    reason: str
    resets_when: str


class EventView(Struct, frozen=True):
    """A line of the event feed: what happened, in the operator's words."""

    at: Ms
    level: str
    code: str
    symbol: str
    text: str


class DecisionView(Struct, frozen=True):
    """A decision: what was known, what was decided, which rule."""

    at: Ms
    symbol: str
    epoch: int
    known: tuple[tuple[str, str], ...]
    decided: str
    rule: str


class EquityPoint(Struct, frozen=True):
    """A point of the equity curve."""

    at: Ms
    equity: str
    drawdown: float


class LearningView(Struct, frozen=True):
    """The learner: what it believes, why, and what it may do."""

    frozen: bool
    version: int
    prior: VotesView
    weights: VotesView
    trust: float
    """p: share of the learned weights against the prior, in [0, 1]."""
    evidence: float
    """e-process M against the learner; >= 20 falls back to the prior."""
    days: int
    """Days of results learned from."""
    fallback_until: Ms | None
    history: tuple[tuple[Ms, float, float, float], ...]
    """(at, up, down, neutral) weights over time."""
    shadow: VotesView
    """Cumulative shadow return of each system, fraction."""
    changes: tuple[tuple[int, Ms, str, float, float, float], ...]
    """(version, at, cause, up, down, neutral): what can be rolled back to."""


class RateView(Struct, frozen=True):
    """One limit of the exchange on what may be asked: how much of it is used up."""

    name: str
    """As the exchange calls it: request weight, orders, ..."""
    used: int
    limit: int
    window_s: int


class LinkView(Struct, frozen=True):
    """One connection or data source."""

    name: str
    up: bool
    age_ms: Ms | None
    reconnects: int
    latency_ms: float | None
    detail: str
    rates: tuple[RateView, ...] = ()
    """Limits of this connection; empty where there are none."""


class AlertChannelView(Struct, frozen=True):
    """One address that alarms are sent to."""

    name: str
    """Its kind and number, such as ``tgram 1``; never the address itself."""
    up: bool
    """Whether it took the last message it was given; true before the first."""
    sent: int
    failed: int
    """Tries that were not taken."""
    dropped: int
    """Messages that were given up."""
    waiting: int
    error: str
    """Why the last try was not taken; "" where it was."""


class AlertsView(Struct, frozen=True):
    """The alarms that leave this machine."""

    source: str
    """Where the addresses come from; "" where there are none."""
    trouble: str
    """Why there are none, or which of them cannot be used; "" = no trouble."""
    channels: tuple[AlertChannelView, ...]
    held_back: int
    """Alarms that were only counted: they came back within the quiet time."""


class PnlView(Struct, frozen=True):
    """Where the money came from, account-wide, quote."""

    grid: str
    inventory: str | None
    fees: str
    funding: str
    transfers: str
    realised: str
    unrealised: str | None
    today: str | None
    week: str | None
    cycles: int
    wins: int
    fills: int


class ShutdownView(Struct, frozen=True):
    """Progress of a staged shutdown or flatten."""

    stage: str
    stages: tuple[str, ...]
    detail: str
    since: Ms
    ok: bool | None = None
    """None while it is under way; at its end whether the exchange has confirmed what was wanted."""


class Snapshot(Struct, frozen=True, tag="snapshot"):
    """The whole picture."""

    mode: str
    market: str
    profile: str
    quote: str
    state: str
    """starting recovering running paused reducing halted flattening stopping stopped."""
    at: Ms
    """Engine time: virtual in sim and replay."""
    wall_at: Ms
    """Clock time when the snapshot was made; a face computes ages against its own clock."""
    started_at: Ms
    uptime_s: float
    speed: str
    """``1`` for real time, a multiple, or ``max``."""
    equity: str | None
    start_equity: str
    wallet: str
    drawdown: float | None
    max_drawdown: float
    tier: int
    leverage: float | None
    worst_leverage: float | None
    leverage_cap: float
    """What no order passes, ``risk.leverage_hard``; ``admission_cap`` is what entries stop at."""
    max_leverage: float
    """Highest worst case when an order left."""
    residual: str
    residual_pending: bool
    config_version: int
    config_text: str
    symbols: dict[Symbol, SymbolView]
    ages: dict[str, Ms | None]
    blockers: tuple[BlockerView, ...]
    events: tuple[EventView, ...]
    decisions: tuple[DecisionView, ...]
    fills: tuple[FillView, ...]
    orders: tuple[OrderView, ...]
    equity_curve: tuple[EquityPoint, ...]
    learning: LearningView
    links: tuple[LinkView, ...]
    pnl: PnlView
    shutdown: ShutdownView | None = None
    controller: str = ""
    """Who holds control (peer name), "" = nobody."""
    viewers: int = 0
    breakers: tuple[BreakerView, ...] = ()
    """Open ones first, then all that are closed."""
    alerts: AlertsView | None = None
    """None where this mode sends no alarms, or nobody has named an address."""
    past_until: Ms | None = None
    """A new sim profile lives through its past up to then, at full speed; None where that is over."""
    trials: tuple[TrialView, ...] = ()
    """The running config on the recent past, then the one last previewed; empty before somebody looks on."""
    tier_limits: tuple[float, ...] = ()
    """Drawdowns at which tiers 1 to 3 begin, fractions above 0; empty where the bot does not say."""
    taker_fee: str | None = None
    """What an order that takes pays, fraction of its value; None where the bot does not say."""
    config_over: tuple[tuple[str, str], ...] = ()
    """What environment (``GRIDBOT_SECTION__KEY``) and command line (``section.key``) set over ``config_text``."""
    growth: float | None = None
    """What a unit of the capital has gained since the start, fraction: transfers change it not. None = not told."""
    compared_every_s: float | None = None
    """Time between two full comparisons of the books with the exchange's; None where the bot does not say."""
    residuals: tuple[tuple[str, str], ...] = ()
    """What wallets and books differ by, (asset, amount) each; ``residual`` is that of the quote asset alone."""
    admission_cap: float | None = None
    """Worst case up to which entries are admitted, ``risk.leverage_cap``; None where the bot does not say."""


class Hello(Struct, frozen=True, tag="hello"):
    """First frame of the control socket."""

    protocol: int
    version: str
    profile: str
    mode: str
    state: str
    controller: bool
    """True where this connection holds control."""
