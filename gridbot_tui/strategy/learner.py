"""The learner: what it believes, what it may do, and every state it can be rolled back to."""

from msgspec import Struct

from gridbot_tui.strategy import learning as formula
from gridbot_tui.strategy.ensemble import Triple
from gridbot_tui.strategy.params import LearningParams
from gridbot_tui.strategy.plan import Weights
from gridbot_tui.units import DAY, HOUR, Ms, added

STALE: Ms = 48 * HOUR
"""A day processed this long after the last one means missed days: back to the prior."""
VERSIONS_KEPT = 120
SYSTEMS = ("up", "down", "neutral")
CERTAIN = 1e-12
"""Change of a weight that is none."""


class Belief(Struct, frozen=True):
    """What the learner has made of the days so far; a version restores it whole."""

    hedge: Triple
    """w~: Fixed-Share mass."""
    learned: Triple
    """w^L: shrunk and bounded; what the guards judge."""
    mass: float = 0.5
    """q of guard 1."""
    evidence: float = 1.0
    """M of guard 2."""
    variance: float = 0.0
    """v: running spread of the systems' returns."""
    edge_square: float = 0.0
    edge_days: int = 0
    days: int = 0
    """Days of results seen."""


class Step(Struct, frozen=True):
    """The numbers of one day's step: why the weights moved."""

    at: Ms
    returns: Triple
    """Pooled shadow returns of the finished day."""
    gains: Triple
    """In standard deviations of their spread; zero in the skipped first days."""
    edge: float
    """Return of the learned weights beyond the prior's, in deviations."""
    symbols: int
    """Symbols pooled."""


class WeightsChange(Struct, frozen=True):
    """One version of the weights: when, why, from what to what."""

    version: int
    at: Ms
    cause: str
    """``start``, ``learned``, ``fallback``, ``stale``, ``reset``, ``set``, ``rollback to N``, ``config``."""
    weights: Weights
    before: Weights
    evidence: tuple[tuple[str, float], ...] = ()
    """Named numbers behind it: trust p, evidence M, days, and of a day's step its returns, gains and edge."""


class Version(Struct, frozen=True):
    """A change and the belief it came with."""

    change: WeightsChange
    belief: Belief
    fallback_until: Ms | None


class LearnerState(Struct, frozen=True):
    """Everything of the learner."""

    weights: Triple
    prior: Triple
    belief: Belief
    versions: tuple[Version, ...]
    frozen: bool
    fallback_until: Ms | None
    last_day: Ms | None
    step: Step | None


class Learner:
    """Moves the weights once a day, slowly, and back to the prior when that does not pay."""

    def __init__(self, params: LearningParams, prior: Triple) -> None:
        self._params = params
        self.prior = prior
        self.weights = prior
        self.belief = Belief(prior, prior)
        self.frozen = False
        self.fallback_until: Ms | None = None
        self.last_day: Ms | None = None
        self.step: Step | None = None
        """Numbers of the last step, None before the first."""
        self.versions: list[Version] = []
        self._record(0, "start", prior)

    @property
    def trust(self) -> float:
        """p: share of the learned weights against the prior's."""
        return formula.trust(self.belief.mass)

    def day(self, at: Ms, returns: Triple | None, symbols: int, *, hole: bool) -> WeightsChange | None:
        """Close a day at UTC midnight ``at``. ``returns`` None: no symbol had a whole day.

        More than 48 h since the last day are missed days: back to the prior, unless the data themselves had
        a ``hole`` there, over which the weights go on.
        """
        last, self.last_day = self.last_day, at
        if last is not None and at <= last:
            self.last_day = last
            return None
        if last is not None and at - last > STALE and not hole:
            self._forget()
            return self._move(at, "stale", self.prior, at_once=True)
        if returns is None:
            return None
        if self._learn(at, returns, symbols):
            self.fallback_until = at + self._params.fallback_days * DAY
            return self._move(at, "fallback", self.prior, at_once=True)
        if self.fallback_until is not None and at >= self.fallback_until:
            self.fallback_until = None
        return self._move(at, "learned", self.goal(), at_once=False)

    def goal(self) -> Triple:
        """Where the weights are going: the trusted mix, or the prior where it holds."""
        if self.fallback_until is not None or not self._params.enabled:
            return self.prior
        return formula.mix(self.trust, self.belief.learned, self.prior)

    def reset(self, at: Ms) -> WeightsChange:
        """Forget everything learned; the prior holds at once, frozen or not."""
        self._forget()
        return self._record(at, "reset", self.prior)

    def rollback(self, version: int, at: Ms) -> WeightsChange:
        """Back to the weights and the belief of a version. Raises ValueError where it is not kept."""
        for kept in self.versions:
            if kept.change.version == version:
                self.belief = kept.belief
                self.fallback_until = kept.fallback_until
                w = kept.change.weights
                return self._record(at, f"rollback to {version}", (w.up, w.down, w.neutral))
        first, last = self.versions[0].change.version, self.versions[-1].change.version
        raise ValueError(f"no version {version} of the weights: {first} to {last} are kept")

    def set_weights(self, weights: Weights, at: Ms) -> WeightsChange:
        """Weights by hand. They stay until thawed: setting freezes, and learning then goes on from them.

        Raises ValueError unless each is in [0, 1] and they sum to 1.
        """
        given = (weights.up, weights.down, weights.neutral)
        if not all(0.0 <= w <= 1.0 for w in given) or abs(added(given) - 1.0) > 1e-6:
            raise ValueError(f"weights must be in [0, 1] and sum to 1: {given}")
        total = added(given)
        exact = (given[0] / total, given[1] / total, given[2] / total)
        p = self._params
        learned = formula.bounded(exact, self.prior, p.floor, p.cap)
        self.belief = Belief(exact, learned, variance=self.belief.variance, days=self.belief.days)
        self.fallback_until = None
        self.frozen = True
        return self._record(at, "set", exact)

    def reconfigure(self, params: LearningParams, prior: Triple, at: Ms) -> WeightsChange | None:
        """Other parameters. Another prior moves the weights at once, by as much as they rest on it."""
        self._params = params
        if prior == self.prior:
            return None
        untouched = self.belief.hedge == self.prior
        self.prior = prior
        if untouched:
            self.belief = Belief(prior, prior, variance=self.belief.variance, days=self.belief.days)
        return self._move(at, "config", self.goal(), at_once=True)

    def state(self) -> LearnerState:
        """A copy of everything."""
        return LearnerState(
            weights=self.weights,
            prior=self.prior,
            belief=self.belief,
            versions=tuple(self.versions),
            frozen=self.frozen,
            fallback_until=self.fallback_until,
            last_day=self.last_day,
            step=self.step,
        )

    def restore(self, state: LearnerState, at: Ms) -> None:
        """Go on from a copy. A prior configured since then is taken as a change of config."""
        prior, self.prior = self.prior, state.prior
        self.weights, self.belief = state.weights, state.belief
        self.versions = list(state.versions)
        self.frozen, self.fallback_until = state.frozen, state.fallback_until
        self.last_day, self.step = state.last_day, state.step
        self.reconfigure(self._params, prior, at)

    def _learn(self, at: Ms, returns: Triple, symbols: int) -> bool:
        """One day's step of the belief; True where guard 2 has fired."""
        p, b = self._params, self.belief
        days = b.days + 1
        variance = formula.running_mean(b.variance, formula.spread_square(returns), days)
        raw = formula.edge(b.learned, self.prior, returns)
        square, edge_days = b.edge_square, b.edge_days
        if b.learned != self.prior:
            edge_days += 1
            square = formula.running_mean(square, raw * raw, edge_days)
        deviation = formula.in_deviations(raw, square)
        evidence = formula.next_evidence(b.evidence, deviation, p.bet)
        gained, hedge = (0.0, 0.0, 0.0), b.hedge
        if days > p.skip_days:
            gained = formula.gains(returns, variance)
            hedge = formula.fixed_share(hedge, gained, self.prior, p.rate, p.share)
        fired = evidence >= p.evidence_limit
        if fired:
            hedge, evidence = self.prior, 1.0
        learned = self.prior
        if hedge != self.prior:
            learned = formula.bounded(formula.mix(p.shrink, self.prior, hedge), self.prior, p.floor, p.cap)
        mass = formula.next_mass(b.mass, deviation, p.trust_rate)
        self.step = Step(at, returns, gained, deviation, symbols)
        self.belief = Belief(hedge, learned, mass, evidence, variance, square, edge_days, days)
        return fired

    def _forget(self) -> None:
        self.belief = Belief(self.prior, self.prior)
        self.fallback_until = None

    def _move(self, at: Ms, cause: str, goal: Triple, *, at_once: bool) -> WeightsChange | None:
        """Go to, or towards, the goal; None where the weights stay."""
        if self.frozen:
            return None
        goal = goal if at_once else formula.towards(self.weights, goal, self._params.max_change)
        if max(abs(b - a) for a, b in zip(self.weights, goal, strict=True)) <= CERTAIN:
            return None
        return self._record(at, cause, goal)

    def _record(self, at: Ms, cause: str, weights: Triple) -> WeightsChange:
        """Take the weights and keep a version; only the latest are kept."""
        change = WeightsChange(
            version=self.versions[-1].change.version + 1 if self.versions else 0,
            at=at,
            cause=cause,
            weights=Weights(*weights),
            before=Weights(*self.weights),
            evidence=self._evidence(cause),
        )
        self.weights = weights
        self.versions.append(Version(change, self.belief, self.fallback_until))
        del self.versions[:-VERSIONS_KEPT]
        return change

    def _evidence(self, cause: str) -> tuple[tuple[str, float], ...]:
        """The named numbers behind a change."""
        b = self.belief
        found = [("trust", self.trust), ("evidence", b.evidence), ("days", float(b.days))]
        if self.step is not None and cause in ("learned", "fallback"):
            step = self.step
            found += [(f"return_{name}", value) for name, value in zip(SYSTEMS, step.returns, strict=True)]
            found += [(f"gain_{name}", value) for name, value in zip(SYSTEMS, step.gains, strict=True)]
            found.append(("edge", step.edge))
        return tuple(found)
