"""The strategy of the whole account: closed bars in, one plan a symbol out. The same for every mode."""

import math
from collections.abc import Mapping

from msgspec import Struct

from gridbot_tui.strategy import adaptive, plain
from gridbot_tui.strategy.adaptive import AccountInputs, Draft, SymbolInputs
from gridbot_tui.strategy.clusters import DAYS as CLUSTER_DAYS
from gridbot_tui.strategy.clusters import clusters
from gridbot_tui.strategy.ensemble import Triple, shape_of
from gridbot_tui.strategy.features import FeatureRow, Features, FeaturesState
from gridbot_tui.strategy.learner import Learner, LearnerState, Version, WeightsChange
from gridbot_tui.strategy.params import LadderParams, StrategyParams
from gridbot_tui.strategy.plan import GridPlan, Votes, Weights
from gridbot_tui.strategy.portfolio import Exposure, scales
from gridbot_tui.strategy.shadow_book import ShadowBook, ShadowBookState, SymbolSpec
from gridbot_tui.strategy.votes import vote
from gridbot_tui.units import DAY, Market, Ms, Symbol, added

__all__ = [
    "AccountInputs",
    "Strategy",
    "StrategyState",
    "SymbolInputs",
    "SymbolSpec",
    "WeightsChange",
]


class SymbolState(Struct, frozen=True):
    """One symbol's share of the strategy's state."""

    features: FeaturesState
    shadows: ShadowBookState
    daily: tuple[tuple[int, float], ...]


class StrategyState(Struct, frozen=True):
    """Everything the strategy remembers; JSON carries it exactly."""

    market: Market
    symbols: dict[Symbol, SymbolState]
    learner: LearnerState
    hole: bool


class _Desk:
    """What is kept of one symbol."""

    __slots__ = ("book", "daily", "features", "votes")

    def __init__(self, book: ShadowBook) -> None:
        self.features = Features()
        self.book = book
        self.votes: Votes | None = None
        self.daily: list[tuple[int, float]] = []
        """(day number, log close), the last 91 days."""


class Strategy:
    """Features, votes, shadows and learning of all symbols, and the plans made of them.

    Bars that close at the same moment: all ``bar`` calls, then ``hour``, then ``day``, then ``decide``.
    """

    def __init__(
        self,
        params: StrategyParams,
        ladder: LadderParams,
        market: Market,
        symbols: Mapping[Symbol, SymbolSpec],
        ladders: Mapping[Symbol, LadderParams] | None = None,
    ) -> None:
        """``ladders`` are those that differ from ``ladder``. Raises ValueError where they do not fit."""
        check_ladders(ladder, ladders or {}, market, len(symbols))
        self.params = params
        self.ladder = ladder
        self.ladders = dict(ladders or {})
        self.market = market
        self._shape = shape_of(params.ensemble, market)
        self._desks = {
            name: _Desk(ShadowBook(spec, self._shape, self.ladder_of(name), market))
            for name, spec in sorted(symbols.items())
        }
        self.learner = Learner(params.learning, params.ensemble.prior_of(market).triple)
        self._groups: tuple[tuple[Symbol, ...], ...] = ()
        self._hole = False
        self._last_at: Ms = 0

    # -- what happens -----------------------------------------------------------------------------------

    def bar(self, symbol: Symbol, close_at: Ms, high: float, low: float, close: float) -> None:
        """A closed base bar, quote prices: fills of the shadows, nothing else."""
        book = self._desks[symbol].book
        if low < book.fill_below or high > book.fill_above:
            book.bar(high, low, close)
        else:
            book.close = close

    def quiet_between(self, symbol: Symbol) -> tuple[float, float]:
        """Quote prices between which, bounds included, a base bar fills nothing of the shadows."""
        book = self._desks[symbol].book
        return book.fill_below, book.fill_above

    def pass_over(self, symbol: Symbol, close: float) -> None:
        """Base bars that stayed between those prices, the last of them at ``close``."""
        self._desks[symbol].book.close = close

    def hour(self, symbol: Symbol, close_at: Ms, close: float) -> None:
        """A closed decision bar: features, votes, the shadows' next plan. Older bars are ignored."""
        desk = self._desks[symbol]
        if not desk.features.hour(close_at, close):
            return
        self._last_at = max(self._last_at, close_at)
        row = desk.features.row
        desk.votes = None
        if row is not None and desk.features.hours >= self.params.warmup_hours:
            desk.votes = vote(row, self.params.votes)
            desk.book.plan(row, desk.votes, close)

    def funding(self, symbol: Symbol, at: Ms, rate: float, interval_hours: int) -> None:
        """A settlement of the market: a feature from the next decision bar on, and the shadows pay it."""
        desk = self._desks[symbol]
        desk.features.funding(at, rate, interval_hours)
        desk.book.funding(rate)

    def end_episode(self, symbol: Symbol, at: Ms) -> None:
        """The data stopped for long: shadows close at the last close with costs, features warm up anew."""
        desk = self._desks[symbol]
        desk.book.end_episode()
        desk.features.restart()
        desk.votes = None
        self._hole = True

    def day(self, at: Ms) -> WeightsChange | None:
        """UTC midnight: learn from the finished day's shadow returns; acts on what is decided from now on."""
        self._last_at = max(self._last_at, at)
        pooled: list[Triple] = []
        for desk in self._desks.values():
            made = desk.book.day(alive=desk.votes is not None)
            if made is not None:
                pooled.append(made)
            if desk.features.hours:
                desk.daily.append((at // DAY, desk.features.x))
                del desk.daily[: -CLUSTER_DAYS - 1]
        self._group()
        hole, self._hole = self._hole, False
        return self.learner.day(at, _mean(pooled), len(pooled), hole=hole)

    # -- what follows from it ---------------------------------------------------------------------------

    def decide(
        self,
        at: Ms,
        inputs: Mapping[Symbol, SymbolInputs],
        account: AccountInputs,
        previous: Mapping[Symbol, GridPlan],
    ) -> dict[Symbol, GridPlan]:
        """Plans of all given symbols that are ready, in name order.

        The caps over all symbols count the others by their previous plans. Symbols of an account without
        equity get no lots.
        """
        plans: dict[Symbol, GridPlan] = {}
        drafts: dict[Symbol, Draft] = {}
        for symbol in sorted(inputs):
            if not self.ready(symbol):
                continue
            if self.ladder_of(symbol).kind == "adaptive":
                drafts[symbol] = self._draft(symbol, inputs[symbol], account)
            else:
                plans[symbol] = self._plain(symbol, at, inputs[symbol], account, previous.get(symbol))
        equity = max(account.equity, 1e-9)
        exposures = {name: adaptive.exposure(made, inputs[name], equity) for name, made in drafts.items()}
        standing = {**previous, **plans}
        others = {name: _planned(plan, equity) for name, plan in standing.items() if name not in drafts}
        scaled = scales(exposures | others, self._groups, self.params.portfolio)
        weights = self.learner.weights
        for symbol, made in drafts.items():
            now, ladder, before = inputs[symbol], self.ladder_of(symbol), previous.get(symbol)
            scale = scaled[symbol]
            plans[symbol] = adaptive.plan(symbol, at, made, scale, now, weights, ladder, self.market, before)
        return dict(sorted(plans.items()))

    def ladder_of(self, symbol: Symbol) -> LadderParams:
        """The ladder parameters of one symbol."""
        return self.ladders.get(symbol, self.ladder)

    def ready(self, symbol: Symbol) -> bool:
        """True where a plan can be made: warm, or, for a plain grid, once a close is known."""
        return self.hours(symbol) >= self.warm_hours_of(symbol)

    @property
    def warm_hours(self) -> int:
        """Decision bars an adaptive plan needs."""
        return self.params.warmup_hours

    def warm_hours_of(self, symbol: Symbol) -> int:
        """Decision bars the symbol's own kind of plan needs."""
        return self.params.warmup_hours if self.ladder_of(symbol).kind == "adaptive" else 1

    def hours(self, symbol: Symbol) -> int:
        """Decision bars seen in this episode."""
        return self._desks[symbol].features.hours

    def hours_until_votes(self, symbol: Symbol) -> int:
        """Decision bars to come in which base bars mean nothing, for the symbol's shadows have no plan yet."""
        below, above = self.quiet_between(symbol)
        asleep = below == -math.inf and above == math.inf
        return max(0, self.params.warmup_hours - self.hours(symbol)) if asleep else 0

    def features(self, symbol: Symbol) -> FeatureRow | None:
        """Features of the last decision bar; None before the second bar."""
        return self._desks[symbol].features.row

    def votes(self, symbol: Symbol) -> Votes | None:
        """Votes of the last decision bar; None during warm-up."""
        return self._desks[symbol].votes

    # -- learning ---------------------------------------------------------------------------------------

    @property
    def weights(self) -> Weights:
        """The weights in force."""
        return Weights(*self.learner.weights)

    @property
    def prior(self) -> Weights:
        """The heuristic weights."""
        return Weights(*self.learner.prior)

    @property
    def trust(self) -> float:
        """p: share of the learned weights against the prior's, in [0, 1]."""
        return self.learner.trust

    @property
    def evidence(self) -> float:
        """M: evidence that the learner underperforms the prior; 20 sends the weights back to it."""
        return self.learner.belief.evidence

    @property
    def days(self) -> int:
        """Days of results learned from, the skipped first ones included."""
        return self.learner.belief.days

    @property
    def fallback_until(self) -> Ms | None:
        """Until when the prior holds after a fallback; None = no fallback."""
        return self.learner.fallback_until

    @property
    def frozen(self) -> bool:
        """True where the weights stay as they are while shadows and evidence go on."""
        return self.learner.frozen

    @property
    def versions(self) -> tuple[Version, ...]:
        """The latest versions of the weights, oldest first: what can be rolled back to."""
        return tuple(self.learner.versions)

    def shadow_returns(self, symbol: Symbol | None = None) -> Triple:
        """Sum of the daily shadow returns (up, down, neutral): one symbol's, or the mean of all."""
        desks = [self._desks[symbol]] if symbol is not None else list(self._desks.values())
        totals = [tuple(shadow.total for shadow in desk.book.shadows) for desk in desks]
        count = max(len(totals), 1)
        up, down, neutral = (added(total[i] for total in totals) / count for i in range(3))
        return up, down, neutral

    def freeze(self) -> None:
        """Keep the weights as they are; shadows and evidence go on."""
        self.learner.frozen = True

    def thaw(self) -> None:
        """Let the weights move again, from the next day on and by bounded steps."""
        self.learner.frozen = False

    def reset(self, at: Ms) -> WeightsChange:
        """Forget everything learned; back to the prior."""
        return self.learner.reset(at)

    def rollback(self, version: int, at: Ms) -> WeightsChange:
        """Back to the weights and belief of a version. Raises ValueError where it is not kept."""
        return self.learner.rollback(version, at)

    def set_weights(self, w: Weights, at: Ms) -> WeightsChange:
        """Weights by hand; freezes, so that they stay until thawed. Raises ValueError where they are none."""
        return self.learner.set_weights(w, at)

    # -- over restarts and reloads ----------------------------------------------------------------------

    def state(self) -> StrategyState:
        """A copy of everything; the symbols' ladders and parameters are configuration and not in it."""
        symbols = {
            name: SymbolState(desk.features.state(), desk.book.state(), tuple(desk.daily))
            for name, desk in self._desks.items()
        }
        return StrategyState(self.market, symbols, self.learner.state(), self._hole)

    def restore(self, state: StrategyState) -> None:
        """Go on from a copy; symbols that are not configured any more are dropped, new ones start cold.

        Raises ValueError for a state of another market.
        """
        if state.market is not self.market:
            raise ValueError(
                f"the state is of {state.market.value}, this strategy trades {self.market.value}"
            )
        for name, saved in state.symbols.items():
            desk = self._desks.get(name)
            if desk is None:
                continue
            desk.features.restore(saved.features)
            desk.book.restore(saved.shadows)
            desk.daily = [(day, x) for day, x in saved.daily]
            row = desk.features.row
            warm = row is not None and desk.features.hours >= self.params.warmup_hours
            desk.votes = vote(row, self.params.votes) if row is not None and warm else None
            self._last_at = max(self._last_at, desk.features.at)
        self._hole = state.hole
        self._group()
        self.learner.restore(state.learner, self._last_at)

    def reconfigure(
        self,
        params: StrategyParams,
        ladder: LadderParams,
        ladders: Mapping[Symbol, LadderParams] | None = None,
    ) -> WeightsChange | None:
        """Other parameters from the next decision on; features, shadows and learning go on.

        Returns the change of the weights where the prior was changed. Raises ValueError, and changes
        nothing, where the ladders do not fit.
        """
        check_ladders(ladder, ladders or {}, self.market, len(self._desks))
        self.params = params
        self.ladder = ladder
        self.ladders = dict(ladders or {})
        self._shape = shape_of(params.ensemble, self.market)
        for name, desk in self._desks.items():
            desk.book.reconfigure(self._shape, self.ladder_of(name))
        self._group()
        prior = params.ensemble.prior_of(self.market).triple
        return self.learner.reconfigure(params.learning, prior, self._last_at)

    def charge(self, maker_fee: float, taker_fee: float) -> None:
        """Other fees for all symbols, from here on."""
        for desk in self._desks.values():
            desk.book.charge(maker_fee, taker_fee)

    def _draft(self, symbol: Symbol, now: SymbolInputs, account: AccountInputs) -> Draft:
        desk = self._desks[symbol]
        row = desk.features.row
        if row is None:
            raise RuntimeError(f"{symbol} is ready without features")
        votes = desk.votes if desk.votes is not None else vote(row, self.params.votes)
        weights, multiplier = self.learner.weights, account.drawdown_multiplier
        return adaptive.draft(row, votes, weights, self._shape, now, multiplier, self.params)

    def _plain(
        self, symbol: Symbol, at: Ms, now: SymbolInputs, account: AccountInputs, previous: GridPlan | None
    ) -> GridPlan:
        ladder = self.ladder_of(symbol)
        made = plain.plan(symbol, at, now, account, self.weights, ladder, self.market, previous)
        features = self._desks[symbol].features
        if features.row is not None and features.hours > plain.GAP_HOURS:
            made = plain.measured(made, features.row)
        return made

    def _group(self) -> None:
        daily = {name: desk.daily for name, desk in self._desks.items()}
        self._groups = clusters(daily, self.params.portfolio.correlation)


def _planned(plan: GridPlan, account_equity: float) -> Exposure:
    """A plan in force, in multiples of account equity."""
    unit = plan.price / account_equity
    return Exposure(
        largest=unit * max(plan.upper, -plan.lower),
        bias=unit * plan.target,
        crash=unit * max(plan.upper, 0.0) * plan.gap,
        position=unit * plan.position,
    )


def _mean(pooled: list[Triple]) -> Triple | None:
    """The mean of the symbols' returns; None without any."""
    if not pooled:
        return None
    n = len(pooled)
    return added(t[0] for t in pooled) / n, added(t[1] for t in pooled) / n, added(t[2] for t in pooled) / n


def check_ladders(
    ladder: LadderParams, ladders: Mapping[Symbol, LadderParams], market: Market, symbols: int
) -> None:
    """Raise ValueError for ladders that cannot be: shorts on spot, one symbol's prices for several."""
    for one in (ladder, *ladders.values()):
        if one.kind != "adaptive" and market is Market.SPOT and one.plain.side != "long":
            raise ValueError(f"a {one.plain.side} grid needs futures: spot is long-only")
    if ladder.kind != "adaptive" and ladder.plain.absolute and symbols - len(ladders) > 1:
        raise ValueError(
            "absolute prices of a plain grid belong to one symbol: give each symbol its own ladder"
        )
