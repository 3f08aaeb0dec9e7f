"""A snapshot as metrics, in the format that Prometheus and its kin read.

What is unknown has no sample: a missing line is not a zero. Money and prices lose their exactness here, for a metric is
a float; ``gridbot status --json`` has the exact figures. Times are seconds, as is usual for metrics.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct
from prometheus_client import ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from gridbot_tui import __version__
from gridbot_tui.control.snapshot import Snapshot, SymbolView, VotesView
from gridbot_tui.ops.log import lost_lines

STATES: Final = (
    "starting",
    "recovering",
    "running",
    "paused",
    "reducing",
    "halted",
    "flattening",
    "stopping",
    "stopped",
)
"""``Snapshot.state``; all of them are there at every scrape, so that none is waited for."""

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
"""Of a page: every scraper reads it."""

Value = float | int | str | bool | None
Sample = tuple[tuple[str, ...], Value]
"""Label values, and what is measured; None is unknown."""


class Kind(Struct, frozen=True):
    """One metric: what it is called, what it means, and where it is found."""

    name: str
    """Without the ``gridbot_`` before it; a counter's ends with ``_total``."""
    text: str
    labels: tuple[str, ...]
    samples: Callable[[Snapshot], Iterable[Sample]]

    @property
    def counts(self) -> bool:
        """True for what only ever rises."""
        return self.name.endswith("_total")


def kinds() -> Sequence[Kind]:
    """Every metric there is, as docs/METRICS.md lists them."""
    return (*_ACCOUNT, *_LEARNING, *_CONNECTIONS, *_SYMBOLS)


def page(snapshot: Snapshot) -> bytes:
    """The bot's metrics and this process's (memory, processor time, open files), in the text format."""
    return generate_latest(_Once([*_families(snapshot), *ProcessCollector(registry=None).collect()]))


class _Once:
    """What is taken for a registry."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families, once made."""
        return self._families


def _families(snapshot: Snapshot) -> Iterator[Metric]:
    for kind in kinds():
        made = CounterMetricFamily if kind.counts else GaugeMetricFamily
        family = made(f"gridbot_{kind.name}", kind.text, labels=kind.labels)
        told: set[tuple[str, ...]] = set()
        for labels, value in kind.samples(snapshot):
            if value is not None and labels not in told:  # a series that is there twice would spoil the whole page
                told.add(labels)
                family.add_metric(labels, float(value))
        yield family


def _one(read: Callable[[Snapshot], Value]) -> Callable[[Snapshot], Iterable[Sample]]:
    """A metric of the account, without labels."""
    return lambda snapshot: (((), read(snapshot)),)


def _each(read: Callable[[SymbolView], Value]) -> Callable[[Snapshot], Iterable[Sample]]:
    """A metric of every symbol."""
    return lambda snapshot: (((name,), read(view)) for name, view in sorted(snapshot.symbols.items()))


def _systems(votes: VotesView | None) -> Iterator[tuple[str, Value]]:
    for system in ("up", "down", "neutral"):
        yield system, None if votes is None else getattr(votes, system)


def _three(read: Callable[[Snapshot], VotesView | None]) -> Callable[[Snapshot], Iterable[Sample]]:
    """A metric of the three systems."""
    return lambda snapshot: (((system,), value) for system, value in _systems(read(snapshot)))


def _three_each(read: Callable[[SymbolView], VotesView | None]) -> Callable[[Snapshot], Iterable[Sample]]:
    """A metric of the three systems of every symbol."""
    return lambda snapshot: (
        ((name, system), value)
        for name, view in sorted(snapshot.symbols.items())
        for system, value in _systems(read(view))
    )


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1000.0


def _info(s: Snapshot) -> Iterator[Sample]:
    yield (__version__, s.profile, s.mode, s.market, s.quote), 1


def _profit(s: Snapshot) -> Iterator[Sample]:
    for part in ("grid", "inventory", "fees", "funding", "transfers", "realised", "unrealised", "today", "week"):
        yield (part,), getattr(s.pnl, part)


def _stop(view: SymbolView) -> str | None:
    return view.stop.trigger if view.stop is not None and view.stop.state == "resting" else None


def _residuals(s: Snapshot) -> Iterator[Sample]:
    """That of the quote asset always, of others where there is one."""
    for asset, gap in ({s.quote: s.residual} | dict(s.residuals)).items():
        yield (asset,), gap


def _orders(s: Snapshot) -> Iterator[Sample]:
    for name, view in sorted(s.symbols.items()):
        count: dict[tuple[str, str], int] = {}
        for rung in view.ladder:
            count[rung.side, rung.state] = count.get((rung.side, rung.state), 0) + 1
        for (side, state), slots in sorted(count.items()):
            yield (name, side, state.replace(" ", "_")), slots


def _blockers(s: Snapshot) -> Iterator[Sample]:
    for code, symbol in sorted({(one.code, one.symbol) for one in s.blockers}):
        yield (code, symbol), 1


def _breakers(s: Snapshot) -> Iterator[Sample]:
    for one in s.breakers:
        yield (one.name, one.level, one.symbol), one.state == "open"


def _limits(s: Snapshot, what: str) -> Iterator[Sample]:
    for link in s.links:
        for rate in link.rates:
            yield (link.name, rate.name, str(rate.window_s)), getattr(rate, what)


def _addresses(what: str) -> Callable[[Snapshot], Iterable[Sample]]:
    return lambda s: (((one.name,), getattr(one, what)) for one in (s.alerts.channels if s.alerts else ()))


def _links(read: Callable[[Any], Value]) -> Callable[[Snapshot], Iterable[Sample]]:
    return lambda s: (((link.name,), read(link)) for link in s.links)


_ACCOUNT: Final = (
    Kind("info", "What runs, as labels; always 1.", ("version", "profile", "mode", "market", "quote"), _info),
    Kind("state", "1 for the state the bot is in.", ("state",), lambda s: (((x,), x == s.state) for x in STATES)),
    Kind("uptime_seconds", "Since this process started; of the market's time in sim.", (), _one(lambda s: s.uptime_s)),
    Kind("clock_seconds", "The engine's time, Unix; virtual in sim and replay.", (), _one(lambda s: s.at / 1000.0)),
    Kind("config_version", "Version of the config in force.", (), _one(lambda s: s.config_version)),
    Kind("equity", "Equity at mark, quote.", (), _one(lambda s: s.equity)),
    Kind("wallet", "Balance of the quote wallet.", (), _one(lambda s: s.wallet)),
    Kind(
        "residual",
        "What the exchange's wallet has beyond the ledger's, in the asset: 0 but for news that is on its way.",
        ("asset",),
        _residuals,
    ),
    Kind("drawdown_ratio", "From the highest value of a unit of capital, <= 0.", (), _one(lambda s: s.drawdown)),
    Kind("max_drawdown_ratio", "The deepest there was, <= 0.", (), _one(lambda s: s.max_drawdown)),
    Kind("growth_ratio", "What a unit of capital has gained; transfers change it not.", (), _one(lambda s: s.growth)),
    Kind("tier", "Drawdown tier, 0 to 3.", (), _one(lambda s: s.tier)),
    Kind("leverage", "Sum of |position| x mark over equity.", (), _one(lambda s: s.leverage)),
    Kind("worst_leverage", "Leverage with every order of a side filled.", (), _one(lambda s: s.worst_leverage)),
    Kind("leverage_cap", "The limit no order passes.", (), _one(lambda s: s.leverage_cap)),
    Kind("admission_cap", "Worst case up to which entries are admitted.", (), _one(lambda s: s.admission_cap)),
    Kind("profit", "Since the start, quote; fees are a cost, today and week what all of it made.", ("part",), _profit),
    Kind("fills_total", "Executions of orders of ours.", (), _one(lambda s: s.pnl.fills)),
    Kind("cycles_total", "Lots that a grid order closed.", (), _one(lambda s: s.pnl.cycles)),
    Kind("cycles_won_total", "Cycles that earned more than their fees.", (), _one(lambda s: s.pnl.wins)),
    Kind("blocked", "1 for each reason why something is not done; see the RUNBOOK.", ("code", "symbol"), _blockers),
    Kind("breaker_open", "1 for a breaker that is open.", ("breaker", "level", "symbol"), _breakers),
    Kind("log_lines_lost", "Lines of the log that the disk did not take.", (), _one(lambda _: lost_lines())),
    Kind("viewers", "Faces that read the stream of snapshots.", (), _one(lambda s: s.viewers)),
)
_LEARNING: Final = (
    Kind("learning_weight", "Weight of a system, share of 1.", ("system",), _three(lambda s: s.learning.weights)),
    Kind("learning_prior", "Where learning starts from.", ("system",), _three(lambda s: s.learning.prior)),
    Kind("learning_shadow_ratio", "Return of its paper grid.", ("system",), _three(lambda s: s.learning.shadow)),
    Kind("learning_trust_ratio", "Share of what was learned against the prior.", (), _one(lambda s: s.learning.trust)),
    Kind("learning_evidence", "Against the learner; 20 falls back.", (), _one(lambda s: s.learning.evidence)),
    Kind("learning_frozen", "1 while the weights are frozen.", (), _one(lambda s: s.learning.frozen)),
)
_CONNECTIONS: Final = (
    Kind(
        "age_seconds",
        "Since a source last spoke.",
        ("source",),
        lambda s: (((name,), _seconds(age)) for name, age in sorted(s.ages.items())),
    ),
    Kind("link_up", "1 for a connection that stands.", ("link",), _links(lambda link: link.up)),
    Kind("link_reconnects_total", "Times it was made anew.", ("link",), _links(lambda link: link.reconnects)),
    Kind(
        "link_latency_seconds", "Last round trip.", ("link",), _links(lambda link: _seconds(link.latency_ms))
    ),
    Kind(
        "rate_used",
        "How much of one of the exchange's limits is used up.",
        ("link", "limit", "window_s"),
        lambda s: _limits(s, "used"),
    ),
    Kind("rate_limit", "That limit.", ("link", "limit", "window_s"), lambda s: _limits(s, "limit")),
    Kind("alert_address_up", "1 for an address that took its last message.", ("address",), _addresses("up")),
    Kind("alerts_sent_total", "Messages it took.", ("address",), _addresses("sent")),
    Kind("alerts_failed_total", "Tries it did not take.", ("address",), _addresses("failed")),
    Kind("alerts_dropped_total", "Messages that were given up.", ("address",), _addresses("dropped")),
)
_SYMBOLS: Final = (
    Kind(
        "symbol_state",
        "1 for the state the symbol is in.",
        ("symbol", "state"),
        lambda s: (((name, view.state.replace(" ", "_")), 1) for name, view in sorted(s.symbols.items())),
    ),
    Kind("symbol_price", "Last price, quote.", ("symbol",), _each(lambda v: v.price)),
    Kind("symbol_mark", "Mark price, quote.", ("symbol",), _each(lambda v: v.mark)),
    Kind("symbol_position", "Signed, base.", ("symbol",), _each(lambda v: v.position)),
    Kind("symbol_entry_price", "Average entry, quote.", ("symbol",), _each(lambda v: v.entry_price)),
    Kind("symbol_liquidation_price", "Where it would be, quote.", ("symbol",), _each(lambda v: v.liquidation_price)),
    Kind("symbol_stop_price", "Trigger of the resting stop, quote.", ("symbol",), _each(_stop)),
    Kind("symbol_leverage", "|position| x mark over equity.", ("symbol",), _each(lambda v: v.leverage)),
    Kind("symbol_worst_leverage", "With a side's orders filled.", ("symbol",), _each(lambda v: v.worst_leverage)),
    Kind("symbol_vote", "Vote of a system, 0 to 1.", ("symbol", "system"), _three_each(lambda v: v.votes)),
    Kind("symbol_bias", "Direction, multiples of leverage x equity.", ("symbol",), _each(lambda v: v.bias)),
    Kind("symbol_spacing_ratio", "Between two rungs, log.", ("symbol",), _each(lambda v: v.spacing)),
    Kind("symbol_slots", "Slots of the ladder.", ("symbol", "side", "state"), _orders),
    Kind("symbol_open_orders", "Orders of ours that stand.", ("symbol",), _each(lambda v: v.open_orders)),
    Kind("symbol_fills_total", "Executions of orders of ours.", ("symbol",), _each(lambda v: v.fills)),
    Kind("symbol_cycles_total", "Lots that a grid order closed.", ("symbol",), _each(lambda v: v.cycles)),
    Kind("symbol_realised", "Realised profit before fees, quote.", ("symbol",), _each(lambda v: v.realised)),
    Kind("symbol_unrealised", "Open profit, quote.", ("symbol",), _each(lambda v: v.unrealised)),
    Kind("symbol_fees", "Fees paid, quote.", ("symbol",), _each(lambda v: v.fees)),
    Kind("symbol_funding", "Funding received (+) or paid (-), quote.", ("symbol",), _each(lambda v: v.funding)),
    Kind("symbol_funding_rate_ratio", "Last rate of funding.", ("symbol",), _each(lambda v: v.funding_rate)),
    Kind("symbol_age_seconds", "Since its market data last spoke.", ("symbol",), _each(lambda v: _seconds(v.age_ms))),
)
