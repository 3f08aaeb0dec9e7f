"""Where the next trial of a search looks: optuna's TPE, its chance drawn from the trial's own number."""

from collections.abc import Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

STARTUP = 16
"""Trials of pure chance before the first that learns from others."""


class ByNumber(BaseSampler):
    """TPE with a generator of its own for every trial, seeded by the study's seed and the trial's number.

    Numbers are given once in a study, so that processes and machines that begin at the same moment do not look in the
    same places; and one worker alone repeats itself. What others have in play counts as bad until it is known.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._inner = self._made(0)

    def _made(self, number: int) -> TPESampler:
        return TPESampler(seed=(self._seed * 100_003 + number) % 2**32, n_startup_trials=STARTUP, constant_liar=True)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """A generator for this trial."""
        self._inner = self._made(trial.number)
        self._inner.before_trial(study, trial)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """As TPE."""
        self._inner.after_trial(study, trial, state, values)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As TPE."""
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As TPE."""
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As TPE."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)
